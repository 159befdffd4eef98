// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/operator.hpp>

#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// Options of kernel ridge regression; in JSON named as here.
struct KernelRidgeOptions {
  std::int64_t samples = 1;       ///< N of training
  std::int64_t sensors = 100;     ///< m, values of an input function
  std::int64_t points = 100;      ///< P, where the outputs are
  std::int64_t out_channels = 1;  ///< C
  /// With r = |u - v| / length: "linear" u.v / length^2, "gaussian" exp(-r^2 / 2),
  /// "matern_3_2" (1 + sqrt(3) r) exp(-sqrt(3) r), "matern_5_2" (1 + sqrt(5) r + 5 r^2 / 3)
  /// exp(-sqrt(5) r).
  std::string kernel = "matern_5_2";
  double length = 1;     ///< in units of the training inputs' median distance (their rms if linear)
  double nugget = 1e-8;  ///< g, added to the diagonal as a share of its mean

  static KernelRidgeOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;
  double parameter_count() const;
};

/// Kernel ridge regression of a map between functions: G(u) = K(u, U) (K(U, U) + g I)^-1 V with the
/// N training inputs U and outputs V, a baseline that takes one Cholesky factorisation. Source:
/// Batlle, Darcy, Hosseini, Owhadi, J. Comput. Phys. 496, 112549, 2024.
///
/// forward() takes u (B, ..., sensors values) and gives (B, P, C), or (B, X1, ..., Xd, C) for a
/// field on a grid of P points.
template <class T>
class KernelRidge : public Operator<T> {
 public:
  explicit KernelRidge(const KernelRidgeOptions& options);
  ~KernelRidge() override;

  std::string name() const override { return "kernel_ridge"; }
  nlohmann::json configuration() const override;
  using Operator<T>::forward;
  /// Not differentiable: records nothing.
  Variable<T> forward(std::span<const Variable<T>> inputs) const override;
  void check_inputs(std::span<const Shape> inputs) const override;
  Cost cost(std::span<const Shape> inputs) const override;
  const Parameters<T>& parameters() const override { return parameters_; }

  const KernelRidgeOptions& options() const noexcept { return options_; }

  /// Fits to u (N, m), v (N, P, C), in double. Error: shapes that do not fit, values that are not
  /// finite, a kernel matrix that is singular to rounding (equal inputs need a larger nugget).
  void fit(const Tensor<T>& u, const Tensor<T>& v);

 private:
  struct Implementation;

  KernelRidgeOptions options_;
  std::unique_ptr<Implementation> implementation_;
  Parameters<T> parameters_;
};

/// `options` with the kernel ("matern_3_2", "matern_5_2", "gaussian") and length (0.25 to 16, by
/// factors of 2) whose predictions of each training sample from the others have the least mean
/// squared error, outputs divided by `scale` (C; empty: 1). Errors as those of fit(). Leave-one-out
/// residuals in closed form: Rasmussen, Williams, "Gaussian processes for machine learning", 2006,
/// (5.12).
template <class T>
KernelRidgeOptions choose_kernel(KernelRidgeOptions options, const Tensor<T>& u, const Tensor<T>& v,
                                 const std::vector<double>& scale = {});

}  // namespace nopal
