// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/model.hpp>

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>
#include <string>

namespace nopal {

/// Options of a roll-out; in JSON those of the step operator and these, on one level.
struct RolloutOptions {
  std::string step_operator = "fno";  ///< in JSON `operator`: fno, patched_fno, mgno, unet, ...
  nlohmann::json configuration = nlohmann::json::object();  ///< of the step operator
  std::int64_t variables = 1;                               ///< C of a frame
  std::int64_t frames = 1;     ///< P, frames of the past that the step operator sees
  std::int64_t constants = 0;  ///< S, further input channels that stay the same, such as a force
  std::int64_t steps = 1;      ///< K, frames that are predicted
  bool increment = false;      ///< the step operator gives the change since the last frame
  /// In training a step keeps its input only and is computed again for the adjoint, see
  /// recomputed(): the memory of one step instead of K.
  bool recompute_steps = false;

  static RolloutOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;
  std::int64_t in_channels() const { return frames * variables + constants; }
};

/// Frames of a field in time, one predicted from those before it:
///
///     u_(n+1) = f(u_(n-P+1), ..., u_n, s),  n = 0, ..., K - 1,
///
/// with predictions in place of data where those are past; with `increment` u_n + f. The gradient
/// goes through all steps. With K = 1 it is one-step training. Li et al., ICLR 2021, section 5.3.
///
/// Input (B, X1, ..., Xd, P C + S), frame by frame in order of time; output (B, X1, ..., Xd, K C).
/// Frames are fed back as they come out, so that inputs and outputs must have the same units: see
/// fit_frames(). On divided fields if the step operator is. Collective as that.
template <class T>
class Rollout : public Operator<T> {
 public:
  /// Error if the step operator has other channels than frames and constants ask for.
  explicit Rollout(const RolloutOptions& options, std::uint64_t seed = 0,
                   double max_parameters = std::numeric_limits<double>::infinity());

  std::string name() const override { return "rollout"; }
  nlohmann::json configuration() const override;
  using Operator<T>::forward;
  Variable<T> forward(std::span<const Variable<T>> inputs) const override;
  Variable<T> forward(std::span<const Variable<T>> inputs, const Grid& grid) const override;
  std::vector<AxisRule> grid_rules() const override { return step_->grid_rules(); }
  Shape process_grid(int ranks) const override { return step_->process_grid(ranks); }
  bool depends_on_spacing() const override { return step_->depends_on_spacing(); }
  void check_inputs(std::span<const Shape> inputs) const override;
  Cost cost(std::span<const Shape> inputs) const override;
  const Parameters<T>& parameters() const override { return step_->parameters(); }
  std::vector<NamedTensor<T>> buffers() const override { return step_->buffers(); }
  bool restrict_modes(std::int64_t modes) override { return step_->restrict_modes(modes); }
  std::vector<double> mode_strengths() const override { return step_->mode_strengths(); }

  const RolloutOptions& options() const noexcept { return options_; }

  /// The next frame (B, X1, ..., Xd, C) after those of `window`, an input; `grid` may be null.
  Variable<T> next(const Variable<T>& window, const Grid* grid = nullptr) const;
  /// The window that follows: without its first frame, with `frame` as the last.
  Variable<T> shifted(const Variable<T>& window, const Variable<T>& frame) const;

 private:
  Variable<T> evaluate(std::span<const Variable<T>> inputs, const Grid* grid) const;

  RolloutOptions options_;
  std::unique_ptr<Operator<T>> step_;
};

/// Normalisers for a roll-out: mean and deviation of each variable over all frames of the inputs of
/// a training set (of each constant on its own), repeated for the frames of x and of y. Collective.
template <class T>
std::pair<Normaliser<T>, Normaliser<T>> fit_frames(const Dataset<T>& training,
                                                   const RolloutOptions& options,
                                                   const Communicator& comm = {});

/// The same model for another number of steps; parameters are copied. Error if it is no roll-out.
template <class T>
Model<T> with_steps(const Model<T>& model, std::int64_t steps);

/// Rolls a model out for any number of steps, in physical units, and gives frame(k, u) each frame u
/// (B, X1, ..., Xd, C), k = 1, ..., steps, as soon as it is there. Error naming the step when a
/// frame is not finite or its largest entry exceeds `limit` times that of the frames in x: those
/// before have been given by then. With a grid on divided fields: collective, the same on all
/// ranks.
template <class T>
void roll_out(const Model<T>& model, const Tensor<T>& x, std::int64_t steps,
              const std::function<void(std::int64_t, const Tensor<T>&)>& frame, double limit = 100,
              const Grid* grid = nullptr);

}  // namespace nopal
