// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <vector>

namespace nopal {

/// weight * sum over samples of |b - s A q|^2, s = (b . q) / (q . A q): the residual that is left
/// after an exact line search along the direction q = f(b). It needs no solution and does not
/// depend on the size or the sign of q. Kaneda et al., ICML 2023, equation 8.
///
/// q, b and `aq`, the product of the matrix and q (for instance multiply(Mat, q)), of equal shapes
/// (B, ...); b is a constant. Give weight = 1 / B for the mean. One node, with gradients in q and A
/// q. Error if q . A q is not above 0 for a sample: the matrix is not positive definite, or q is 0.
template <class T>
Variable<T> direction_loss(const Variable<T>& q, const Variable<T>& aq, const Tensor<T>& b,
                           double weight);

/// weight * sum over samples of |e - s q|_A^2 / |e|_A^2, A e = b: the part of the error's energy
/// that is left after the same line search, 1 - (b . q)^2 / (q . A q) / (b . e). What flexible
/// conjugate gradients minimise, so nearer to their number of iterations than the residual (Notay,
/// SIAM J. Sci. Comput. 22, 2000; as a loss: Rudikov et al., ICML 2024). `energy` has b . e of each
/// sample, above 0; otherwise as direction_loss().
template <class T>
Variable<T> direction_energy_loss(const Variable<T>& q, const Variable<T>& aq, const Tensor<T>& b,
                                  const std::vector<double>& energy, double weight);

}  // namespace nopal
