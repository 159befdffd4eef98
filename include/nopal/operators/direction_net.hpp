// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/operator.hpp>

#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// Options of a direction network; in JSON named as here. The defaults are the published network
/// for 64^3 points (97,457 numbers); 2, 5 and 3 blocks make that for 128^3 (152,881).
struct DirectionNetOptions {
  static constexpr std::int64_t taps = 3;  ///< of a convolution, along an axis

  std::int64_t dimension = 3;  ///< 2 or 3
  std::int64_t filters = 16;   ///< channels F
  std::int64_t levels = 1;     ///< how often the field is made coarser; published: once
  /// All levels between the finest and the coarsest have the same weights, and there are as many,
  /// up to `levels`, as leave 2 points or more along the shortest axis: on a grid twice as fine the
  /// same network has a level more.
  bool share_levels = false;
  std::int64_t head_blocks = 1;    ///< residual blocks before it is made coarser first
  std::int64_t coarse_blocks = 3;  ///< on the coarsest level, and on the way to it and from it
  std::int64_t tail_blocks = 2;    ///< after it is fine again
  bool mask = false;               ///< a second input, 1 in the domain and 0 in obstacles
  /// What size an input shall have, which solvers care for: "norm", |x| = 1, as published; "rms", a
  /// mean square of 1, so that inputs on finer grids are not smaller.
  std::string input_scale = "norm";

  static DirectionNetOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;
  double parameter_count() const;
};

/// The network of the deep conjugate direction method: the residual r of a linear system on a grid
/// to a direction f(r), near A^-1 r up to a factor. Kaneda, Akar, Chen, Kala, Hyde, Teran, ICML
/// 2023 (PMLR 202:15720-15736).
///
/// With convolutions c of 3^d taps and zeros beyond the sides, residual blocks b(x) = x +
/// relu(c(relu(c(x)))) and means over 2^d points: h = relu(c(b(... relu(c(c(r)))))), g =
/// U(mean(h)), y = b(... (g at all points of its blocks + h)), f = W y + w. On one coarse level U
/// is b(... b(x)); on more, a level does what the finest does, b(...) before and after the next.
/// Not linear in r and, by its biases, not homogeneous: solvers give it r / |r|.
///
/// forward() takes (B, X1, ..., Xd, 1), or 2 channels with a mask, which the output is then
/// multiplied with; all Xi multiples of 2^levels_of(extents). It gives (B, X1, ..., Xd, 1). On
/// divided fields the boxes of all ranks must begin and end at such multiples; then a layer
/// communicates a margin of one point, and levels nothing.
template <class T>
class DirectionNet : public Operator<T> {
 public:
  explicit DirectionNet(const DirectionNetOptions& options, std::uint64_t seed = 0);
  ~DirectionNet() override;

  std::string name() const override { return "direction_net"; }
  nlohmann::json configuration() const override;
  using Operator<T>::forward;
  Variable<T> forward(std::span<const Variable<T>> inputs) const override;
  Variable<T> forward(std::span<const Variable<T>> inputs, const Grid& grid) const override;
  std::vector<AxisRule> grid_rules() const override;
  void check_inputs(std::span<const Shape> inputs) const override;
  Cost cost(std::span<const Shape> inputs) const override;
  const Parameters<T>& parameters() const override { return parameters_; }

  const DirectionNetOptions& options() const noexcept { return options_; }
  /// Fields between layers, and products, in bfloat16 where no tape records (see Bfloat16Field):
  /// faster, and the output to some 1e-2 of its size. Not saved with the model. Errors: an odd
  /// number of filters, a machine without bfloat16.
  void store_in_bfloat16(bool on = true);
  bool stores_in_bfloat16() const noexcept { return bfloat16_; }
  /// Levels below the finest on a grid of `extents` (X1, ..., Xd).
  std::int64_t levels_of(const Shape& extents) const;

 private:
  struct Layers;
  struct Recorded;
  struct Rounded;
  template <class Fields>
  struct Evaluation;

  void check_field(const Shape& x, std::int64_t levels) const;
  std::int64_t channels() const { return options_.mask ? 2 : 1; }
  Variable<T> evaluate(std::span<const Variable<T>> inputs, const Grid* grid) const;

  DirectionNetOptions options_;
  bool bfloat16_ = false;
  std::unique_ptr<Layers> layers_;
  Parameters<T> parameters_;
};

}  // namespace nopal
