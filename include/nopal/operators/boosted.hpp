// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/operator.hpp>

#include <nlohmann/json.hpp>

#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// Options of a boosted operator; in JSON those of a member and these, on one level.
struct BoostedOptions {
  std::string member_operator = "fno";                      ///< in JSON `operator`
  nlohmann::json configuration = nlohmann::json::object();  ///< of a member; channels of the whole
  std::int64_t members = 2;                                 ///< M
  bool chained = true;  ///< members after the first see the sum of those before them, too

  static BoostedOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;
};

/// A sum of operators that were trained one after the other, each for what those before it left:
///
///     f = s_1 f_1(x) + s_2 f_2(x, F_1) + ... + s_M f_M(x, F_(M-1)),  F_m = s_1 f_1 + ... + s_m
///     f_m,
///
/// s_m the size of the residual of F_(m-1) in training (s_1 = 1), so that each f_m has outputs of
/// size 1; members that were not trained yet have s_m = 0. One network learns the large scales of
/// its data well and small ones late; the next sees them alone. Qin et al., "Toward a better
/// understanding of Fourier neural operators from a spectral perspective", arXiv 2404.07200, 2024.
///
/// Input (B, X1, ..., Xd, Cin), output (B, X1, ..., Xd, Cout). On divided fields if its members
/// are. Trained by train_boosted(); all at once by train().
template <class T>
class Boosted : public Operator<T> {
 public:
  explicit Boosted(const BoostedOptions& options, std::uint64_t seed = 0,
                   double max_parameters = std::numeric_limits<double>::infinity());

  std::string name() const override { return "boosted"; }
  nlohmann::json configuration() const override;
  using Operator<T>::forward;
  Variable<T> forward(std::span<const Variable<T>> inputs) const override;
  Variable<T> forward(std::span<const Variable<T>> inputs, const Grid& grid) const override;
  std::vector<AxisRule> grid_rules() const override { return members_[0]->grid_rules(); }
  Shape process_grid(int ranks) const override { return members_[0]->process_grid(ranks); }
  bool depends_on_spacing() const override { return members_[0]->depends_on_spacing(); }
  void check_inputs(std::span<const Shape> inputs) const override;
  Cost cost(std::span<const Shape> inputs) const override;
  const Parameters<T>& parameters() const override { return parameters_; }
  /// The scales s (M), and those of the members.
  std::vector<NamedTensor<T>> buffers() const override { return buffers_; }

  const BoostedOptions& options() const noexcept { return options_; }
  const Operator<T>& member(std::int64_t m) const;
  std::vector<T> scales() const { return scales_.to_vector(); }
  void set_scale(std::int64_t m, T scale);

  /// F_m: the sum of the first m members; only the last of them is recorded if `last_alone`.
  Variable<T> partial(const Variable<T>& x, std::int64_t m, bool last_alone = false,
                      const Grid* grid = nullptr) const;

 private:
  BoostedOptions options_;
  std::vector<std::unique_ptr<Operator<T>>> members_;
  std::vector<Parameter<T>> renamed_;  // "members.1.<name>"
  Tensor<T> scales_;
  Parameters<T> parameters_;
  std::vector<NamedTensor<T>> buffers_;
};

}  // namespace nopal
