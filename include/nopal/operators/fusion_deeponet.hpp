// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/nn/jet.hpp>
#include <nopal/nn/point_features.hpp>
#include <nopal/operators/operator.hpp>

#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// Options of a Fusion-DeepONet; in JSON named as here. The defaults are the published network for
/// two shape parameters and four variables (37,864 numbers).
struct FusionDeepONetOptions {
  std::int64_t parameters = 2;    ///< v, numbers that describe a shape or a flow
  std::int64_t dimension = 2;     ///< coordinates of a point
  std::int64_t out_channels = 4;  ///< C
  std::int64_t width = 64;        ///< W of the hidden layers of both networks
  std::int64_t layers = 3;        ///< L hidden layers of both
  std::int64_t latent = 64;       ///< G numbers of both for each output
  /// "raw", s_l = S_l, as published; "one_plus", s_l = 1 + S_l, which lets points through where the
  /// branch gives little.
  std::string gate = "raw";
  /// The range of each parameter, which becomes [0, 1]; values outside are reported when the
  /// network is used. Empty: parameters as they are.
  std::vector<double> parameter_lower = {}, parameter_upper = {};
  /// "none"; "mip": cos(pi v / 2) and sin(pi v / 2) of each parameter in [0, 1], whose norm does
  /// not depend on v. Gonzalez Ortiz, Guttag, Dalca, ICLR 2024.
  std::string encoding = "none";
  PointFeatureOptions features = {};  ///< in JSON on the same level
  /// Outputs are shift_c + scale_c u_c, so that the network works on numbers of size 1. Empty: 1
  /// and 0.
  std::vector<double> output_scale = {}, output_shift = {};

  static FusionDeepONetOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;
  double parameter_count() const;
};

/// Fusion-DeepONet: a DeepONet in which each layer of the trunk is multiplied with what the branch
/// knows at the same depth, so that the basis functions follow the shape. Peyvan, Kumar,
/// Karniadakis, arXiv 2501.01934.
///
/// Branch h_l = f_l(h_(l-1) W_l + b_l), h_0 = v; S_l = h_1 + ... + h_l. Trunk t_l = f'_l(t_(l-1)
/// W'_l + b'_l) s_l, t_0 = x, l = 1, ..., L, with adaptive activations, see rowdy(). Then B = h_L W
/// + b in R^(C x G), T = t_L W' + b' in R^G, both without activation, and u_c(x) = sum over g of
/// B_cg T_g.
///
/// Inputs of forward(): parameters (B, v) and points (P, d) give (B, P, C), all pairs. Or a single
/// field (B, X1, ..., Xk, v + d) on grids that follow the shapes, whose first v channels are the
/// parameters (those of the first point count) and whose others are the points' coordinates; it
/// gives (B, X1, ..., Xk, C), and no gradient in the field. Parameters `branch.<l>.weight`,
/// `.bias`, `branch.activation` (L + 1, 5) and the same of `trunk`; the last row of activation
/// numbers belongs to the linear layer and is not used, as published.
template <class T>
class FusionDeepONet : public PointOperator<T> {
 public:
  explicit FusionDeepONet(const FusionDeepONetOptions& options, std::uint64_t seed = 0);
  ~FusionDeepONet() override;

  std::string name() const override { return "fusion_deeponet"; }
  nlohmann::json configuration() const override;
  std::vector<std::int64_t> function_sizes() const override { return {options_.parameters}; }
  std::int64_t point_dimension() const override { return options_.dimension; }
  using PointOperator<T>::forward;
  Variable<T> forward(std::span<const Variable<T>> inputs) const override;
  Variable<T> forward_rows(std::span<const Variable<T>> functions, const Variable<T>& points,
                           const std::vector<std::int64_t>& offsets) const override;
  std::vector<Variable<T>> derivatives_rows(std::span<const Variable<T>> functions,
                                            const Tensor<T>& points,
                                            const std::vector<std::int64_t>& offsets,
                                            const JetLayout& layout) const override;
  void check_inputs(std::span<const Shape> inputs) const override;
  Cost cost(std::span<const Shape> inputs) const override;
  const Parameters<T>& parameters() const override { return parameters_; }

  const FusionDeepONetOptions& options() const noexcept { return options_; }

 private:
  struct Networks;
  struct Rows {
    Variable<T> parameters, points;
    std::vector<std::int64_t> offsets;
  };
  Rows split(const Tensor<T>& field) const;

  FusionDeepONetOptions options_;
  std::unique_ptr<Networks> networks_;
  Parameters<T> parameters_;
};

}  // namespace nopal
