// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <cstdint>
#include <vector>

namespace nopal {

/// The small network that turns the scaled stencil of a point into its smoother.
///
/// With the diagonal d of a matrix A, the scaled couplings of point i are
/// z(k) = A(i, i + k) / sqrt(d(i) d(i + k)) for the 3^d - 1 offsets k != 0 in row-major order, and
///
///     K(i) = b + z L + relu(z W1 + b1) W2            one number for each of the 3^d offsets
///     S(i, i + k) = (K(i, k) + K(i + k, -k)) / (2 sqrt(d(i) d(i + k)))
///
/// so that S is symmetric whatever the weights are. The same network serves every point of every
/// level, which is what lets smoothers trained on small grids work on large ones (Fanaskov,
/// arXiv:2402.05563).
///
/// Shapes, with F = 3^d - 1 and O = 3^d: bias b (O), linear L (F, O), weight1 (F, H), bias1 (H),
/// weight2 (H, O). H may be 0.
template <class T>
struct SmootherNetwork {
  int dimension = 2;
  Tensor<T> bias, linear, weight1, bias1, weight2;

  std::int64_t hidden() const { return bias1.defined() ? bias1.size() : 0; }

  /// S = omega D^-1, with the omega that is best for the five- and seven-point Laplacian.
  static SmootherNetwork damped_jacobi(int dimension);

  /// S = c0 D^-1 + c1 D^-1 (D - A) D^-1 with the Chebyshev polynomial of degree 2 for the upper
  /// part of the spectrum of D^-1 A: as good as two steps of Jacobi with the best weights.
  static SmootherNetwork chebyshev(int dimension);

  /// Error that names the shape that does not fit.
  void check() const;
};

}  // namespace nopal
