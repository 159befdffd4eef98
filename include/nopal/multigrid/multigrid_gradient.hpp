// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/multigrid/stencil_multigrid.hpp>

#include <memory>
#include <vector>

namespace nopal {

/// How fast cycles with a smoother network reduce an error, and the derivative of that in the
/// network's weights: what training minimises. For one symmetric matrix, on one rank, in double.
///
/// With T = I - B A the error of a cycle and |e|_A^2 = e^T A e,
///
///     rate = (|T^K e|_A / |e|_A)^(1/K),    loss = log(rate),
///
/// which for random e tends to the spectral radius of T (Gelfand): unsupervised, without solutions.
/// The derivative goes backward through the K cycles by hand: all parts of a cycle are linear in
/// the error, and their adjoints are the parts themselves. Interpolation and coarse matrices belong
/// to the matrix and are made once.
class MultigridGradient {
 public:
  /// Error if the matrix is not symmetric, divided among ranks or periodic.
  explicit MultigridGradient(const StencilField<double>& matrix,
                             const MultigridOptions& options = {});
  ~MultigridGradient();
  MultigridGradient(MultigridGradient&&) noexcept;
  MultigridGradient& operator=(MultigridGradient&&) noexcept;

  /// The loss for errors e (values at the points of the grid), and, if asked for, `share` times its
  /// derivative added to `gradient`, a network of the same shapes.
  double loss(const SmootherNetwork<double>& network, const std::vector<double>& error, int cycles,
              SmootherNetwork<double>* gradient = nullptr, double share = 1);

  const Grid& grid() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace nopal
