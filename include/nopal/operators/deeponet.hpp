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

/// Options of a DeepONet; in JSON named as here.
struct DeepONetOptions {
  /// Values of each input function, m_1, m_2, ...: a branch network for each, merged by their
  /// product.
  std::vector<std::int64_t> sensors{100};
  /// Convolutions before the branch layers of the first function; in JSON on the same level.
  ImageBranchOptions image = {};
  std::int64_t dimension = 1;     ///< coordinates of a point
  std::int64_t out_channels = 1;  ///< C
  /// Widths of the layers after the input; the last is the number K of basis functions, the same
  /// for both.
  std::vector<std::int64_t> branch{40, 40};
  std::vector<std::int64_t> trunk{40, 40};
  std::string branch_activation = "relu";  ///< not after the branch's last layer
  std::string trunk_activation = "relu";   ///< after the trunk's last layer, too
  /// How C outputs share the networks: "independent", one of each for each output; "split_both",
  /// both give C K numbers; "split_branch" and "split_trunk", one gives C K, the other K for all.
  std::string multi_output = "split_branch";
  bool bias = true;  ///< a number b_0 for each output
  /// The stacked form: for each of the branch's numbers a network of its own, with the hidden
  /// layers of `branch` and one output.
  bool stacked = false;
  /// Last of all, y_c becomes output_scale_c y_c + output_shift_c: units, or values on sides where
  /// the network's part vanishes. A number for each output, or none.
  std::vector<double> output_scale = {}, output_shift = {};
  PointFeatureOptions features = {};  ///< what the trunk reads; in JSON on the same level

  static DeepONetOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;

  std::int64_t latent() const { return trunk.back(); }  ///< K

  /// Widths of a branch or trunk network, input and output included, and how many there are of
  /// each.
  std::vector<std::int64_t> branch_widths(std::size_t function) const;
  std::vector<std::int64_t> trunk_widths() const;
  std::int64_t copies() const { return multi_output == "independent" ? out_channels : 1; }
  double parameter_count() const;
};

/// Deep operator network: G(u)(y)_c = sum over k of b_ck(u) t_ck(y) + b_0c, with branch networks of
/// the functions u at fixed sensors and a trunk network of the points y; Lu, Jin, Pang, Zhang,
/// Karniadakis, Nat. Mach. Intell. 3, 218-229, 2021.
///
/// Inputs of forward(): u_1 (B, m_1), ..., u_n (B, m_n), y (P, d) give (B, P, C): all pairs of a
/// function and a point, the trunk evaluated once for all functions. Or a single field (B, X1, ...,
/// Xd, Cin) on a grid of the unit cube, all of whose values are sensors and whose points x_j = i_j
/// / (N_j - 1) are those of the output (B, X1, ..., Xd, C).
template <class T>
class DeepONet : public PointOperator<T> {
 public:
  explicit DeepONet(const DeepONetOptions& options, std::uint64_t seed = 0);
  ~DeepONet() override;

  std::string name() const override { return "deeponet"; }
  nlohmann::json configuration() const override;
  std::vector<std::int64_t> function_sizes() const override { return options_.sensors; }
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
  std::vector<NamedTensor<T>> buffers() const override { return buffers_; }

  const DeepONetOptions& options() const noexcept { return options_; }

  /// The branches' product (B, Cb, K) for functions u_1, ..., u_n, and the basis (P, Ct, K) at
  /// points; Cb and Ct are C or 1. `copy`: which of the independent networks.
  Variable<T> branch(std::span<const Variable<T>> functions, std::int64_t copy = 0) const;
  Variable<T> trunk(const Variable<T>& points, std::int64_t copy = 0) const;

  /// The outputs at points (P, d) and their derivatives in the coordinates, each (B, P, C), in the
  /// order of the layout. The decoder is linear: derivatives of the trunk's basis, forward through
  /// the network, serve all functions. They are on the tape, for losses of differential equations
  /// (Wang, Wang, Perdikaris, Sci. Adv. 7, 2021).
  std::vector<Variable<T>> derivatives(std::span<const Variable<T>> functions,
                                       const Tensor<T>& points, const JetLayout& layout) const;

 private:
  template <class Decode>
  std::vector<Variable<T>> decode_jet(std::span<const Variable<T>> functions,
                                      const Tensor<T>& points, const JetLayout& layout,
                                      const Decode& decode) const;
  struct Networks;

  DeepONetOptions options_;
  std::unique_ptr<Networks> networks_;
  Parameters<T> parameters_;
  std::vector<NamedTensor<T>> buffers_;
};

}  // namespace nopal
