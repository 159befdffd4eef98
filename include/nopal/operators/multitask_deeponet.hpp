// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/nn/point_features.hpp>
#include <nopal/operators/image_branch.hpp>
#include <nopal/operators/operator.hpp>

#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// Options of a multi-task DeepONet; in JSON named as here. The defaults are those for source terms
/// of polynomial form (136,664 numbers with 4 coefficients, 64 sensors and 2 coordinates).
struct MultitaskDeepONetOptions {
  /// Numbers that say which equation it is, for instance the coefficients of a source term in a
  /// common basis of polynomials; 0: none.
  std::int64_t coefficients = 0;
  std::int64_t sensors = 64;      ///< values of the input function, an image's channels included
  ImageBranchOptions image = {};  ///< in JSON on the same level as the others
  /// The last channel of the image is a mask, 1 in the domain and 0 outside, which multiplies the
  /// output.
  bool mask = false;
  std::int64_t dimension = 2;     ///< coordinates of a point
  std::int64_t out_channels = 1;  ///< C
  /// What the trunk reads; in JSON on the same level. The image lies on the box, or on the unit
  /// cube if there is none.
  PointFeatureOptions features = {};
  /// Widths of the layers after the input; the last is the number K of basis functions.
  std::vector<std::int64_t> branch{128, 128, 300};
  std::vector<std::int64_t> trunk{128, 128, 128, 300};
  std::string branch_activation = "leaky_relu", trunk_activation = "leaky_relu";
  std::string branch_last_activation = "identity", trunk_last_activation = "identity";
  std::string branch_norm = "layer", trunk_norm = "none";  ///< see DenseOptions
  double dropout = 0;                                      ///< of the branch's hidden layers
  bool trunk_skip = false;  ///< projected skip connections over two layers
  bool bias = false;        ///< a number b_0 for each output
  double deviation = 0;     ///< of the dense layers' weights at first; 0: Glorot's

  static MultitaskDeepONetOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;
  double parameter_count() const;
};

/// Multi-task DeepONet: one network for several equations or geometries, G(c, u, m)(y) = m(y) sum
/// over k of b_k(c, u, m) t_k(y). The equation enters the branch as coefficients c, the geometry as
/// a mask m that is a channel of the input and a factor of the output. Kumar, Goswami, Kontolati,
/// Shields, Karniadakis, Neural Networks 184, 107113, 2025.
///
/// Inputs of forward(): c (B, coefficients) if there are some, u (B, sensors), y (P, d) give (B, P,
/// C), all pairs. Without coefficients also a single field (B, X1, ..., Xd, Cin) on a grid, all of
/// whose values are sensors and whose points are those of the output. The mask at a point is that
/// of the nearest point of the image's grid. Norms over the batch make it collective in training
/// mode; those of the trunk are over the points, see TrainingStep.
template <class T>
class MultitaskDeepONet : public PointOperator<T> {
 public:
  explicit MultitaskDeepONet(const MultitaskDeepONetOptions& options, std::uint64_t seed = 0);
  ~MultitaskDeepONet() override;

  std::string name() const override { return "multitask_deeponet"; }
  nlohmann::json configuration() const override;
  std::vector<std::int64_t> function_sizes() const override {
    if (options_.coefficients > 0) return {options_.coefficients, options_.sensors};
    return {options_.sensors};
  }
  std::int64_t point_dimension() const override { return options_.dimension; }
  using PointOperator<T>::forward;
  Variable<T> forward(std::span<const Variable<T>> inputs) const override;
  Variable<T> forward_rows(std::span<const Variable<T>> functions, const Variable<T>& points,
                           const std::vector<std::int64_t>& offsets) const override;
  void check_inputs(std::span<const Shape> inputs) const override;
  Cost cost(std::span<const Shape> inputs) const override;
  const Parameters<T>& parameters() const override { return parameters_; }
  std::vector<NamedTensor<T>> buffers() const override { return buffers_; }

  const MultitaskDeepONetOptions& options() const noexcept { return options_; }

 private:
  struct Networks;

  MultitaskDeepONetOptions options_;
  std::unique_ptr<Networks> networks_;
  Parameters<T> parameters_;
  std::vector<NamedTensor<T>> buffers_;
};

}  // namespace nopal
