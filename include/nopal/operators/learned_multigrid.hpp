// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/multigrid/stencil_multigrid.hpp>
#include <nopal/operators/operator.hpp>

#include <memory>
#include <string>

namespace nopal {

/// Options of a learned multigrid preconditioner; in JSON named as here.
struct LearnedMultigridOptions {
  std::int64_t dimension = 2;
  std::int64_t hidden = 16;           ///< units of the smoother network's hidden layer; may be 0
  std::string transfer = "operator";  ///< "operator", "linear": see MultigridOptions

  static LearnedMultigridOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;
  MultigridOptions multigrid_options() const;
  double parameter_count() const;
};

/// A multigrid cycle whose smoothers come from a trained SmootherNetwork: x = B(A) r, linear in the
/// residual r for a given matrix A. A linear MgNO in which A is the exact matrix of each level, the
/// transfers follow from it, and the smoothers depend on it point by point.
///
/// Weights begin as the Chebyshev polynomial smoother, with a hidden layer that adds nothing yet.
/// PETSc's PC `nopal` and StencilMultigrid are the fast ways to use one; forward() takes the
/// coefficients (B, X1, ..., Xd, 3^d) of symmetric matrices, offsets in row-major order, and
/// residuals (B, X1, ..., Xd, 1), sets the levels up each time and records nothing on a tape: train
/// by train_multigrid().
template <class T>
class LearnedMultigrid : public Operator<T> {
 public:
  explicit LearnedMultigrid(const LearnedMultigridOptions& options, std::uint64_t seed = 0);
  ~LearnedMultigrid() override;

  std::string name() const override { return "multigrid"; }
  nlohmann::json configuration() const override;
  using Operator<T>::forward;
  Variable<T> forward(std::span<const Variable<T>> inputs) const override;
  void check_inputs(std::span<const Shape> inputs) const override;
  Cost cost(std::span<const Shape> inputs) const override;
  const Parameters<T>& parameters() const override { return parameters_; }

  const LearnedMultigridOptions& options() const noexcept { return options_; }

  /// The network with the parameters' own tensors.
  SmootherNetwork<T> network() const;

 private:
  struct Weights;

  LearnedMultigridOptions options_;
  std::unique_ptr<Weights> weights_;
  Parameters<T> parameters_;
};

}  // namespace nopal
