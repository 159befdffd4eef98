// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/operator.hpp>

#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// Proper orthogonal decomposition of sampled fields: y_i ~ mean + sum over k of a_ik mode_k.
template <class T>
struct PodBasis {
  Tensor<T> mean;                 ///< (P, C)
  Tensor<T> modes;                ///< (P, C, K), orthonormal over points and variables together
  std::vector<double> variances;  ///< of a_k over the samples, all of them, largest first

  std::int64_t count() const { return modes.extent(2); }  ///< K

  /// Mean over the samples (N, P, C) of |y - projection| / |y|: what no choice of coefficients can
  /// better.
  double projection_error(const Tensor<T>& values) const;
};

/// The fewest modes that hold the share `energy` of the variance of `values` (N, P, C), and at most
/// `max_modes` (0: no limit): eigenvectors of the covariance of the centred samples (method of
/// snapshots; Sirovich, Quart. Appl. Math. 45, 1987), in double. Take training data only. Error:
/// fewer than 2 samples, samples that are all equal, energy outside (0, 1].
template <class T>
PodBasis<T> pod_basis(const Tensor<T>& values, double energy, std::int64_t max_modes = 0);

/// Options of a POD-DeepONet; in JSON named as here.
struct PodDeepONetOptions {
  std::int64_t sensors = 100;                  ///< m, values of an input function
  std::int64_t points = 100;                   ///< P, where the outputs are
  std::int64_t out_channels = 1;               ///< C
  std::int64_t modes = 10;                     ///< K, as in the basis
  std::vector<std::int64_t> hidden{128, 128};  ///< widths of the branch's hidden layers
  std::string activation = "relu";
  /// Of the branch's outputs: "variance", b_k times the deviation of a_k over the samples, so that
  /// all outputs to learn have variance 1; "published", b_k sqrt(P C) / K.
  std::string scaling = "variance";

  static PodDeepONetOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;
  double parameter_count() const;  ///< of the branch
};

/// POD-DeepONet: G(u)(y_p)_c = sum over k of b_k(u) phi_k(p, c) + mean(p, c), a DeepONet whose
/// trunk is the POD basis of the training outputs; Lu et al., CMAME 393, 114778, 2022,
/// section 3.1.5.
///
/// forward() takes u (B, ..., sensors values) and gives (B, P, C), or (B, X1, ..., Xd, C) for a
/// field on a grid of P points; a second input, the P points themselves, is allowed and ignored.
template <class T>
class PodDeepONet : public PointOperator<T> {
 public:
  explicit PodDeepONet(const PodDeepONetOptions& options, std::uint64_t seed = 0);
  ~PodDeepONet() override;

  /// The basis, of the shapes that the options say.
  void set_basis(const PodBasis<T>& basis);

  std::string name() const override { return "pod_deeponet"; }
  nlohmann::json configuration() const override;
  std::vector<std::int64_t> function_sizes() const override { return {options_.sensors}; }
  std::int64_t point_dimension() const override { return 0; }
  using PointOperator<T>::forward;
  Variable<T> forward(std::span<const Variable<T>> inputs) const override;
  /// Error: the basis is known at the P points only.
  Variable<T> forward_rows(std::span<const Variable<T>> functions, const Variable<T>& points,
                           const std::vector<std::int64_t>& offsets) const override;
  void check_inputs(std::span<const Shape> inputs) const override;
  Cost cost(std::span<const Shape> inputs) const override;
  const Parameters<T>& parameters() const override { return parameters_; }
  std::vector<NamedTensor<T>> buffers() const override { return buffers_; }

  const PodDeepONetOptions& options() const noexcept { return options_; }

 private:
  struct Implementation;

  PodDeepONetOptions options_;
  std::unique_ptr<Implementation> implementation_;
  Parameters<T> parameters_;
  std::vector<NamedTensor<T>> buffers_;
};

}  // namespace nopal
