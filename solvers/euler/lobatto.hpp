// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace nopal::euler {

/// Legendre polynomial P_n(x) and its derivative.
struct Legendre {
  double value, slope;

  Legendre(int n, double x) : value(1), slope(0) {
    double before = 0;
    for (int k = 1; k <= n; ++k) {
      const double next = ((2 * k - 1) * x * value - (k - 1) * before) / k;
      slope = x * slope + k * value;
      before = value;
      value = next;
    }
  }
};

/// Legendre-Gauss-Lobatto nodes and weights on [-1, 1], the matrix of derivatives D and the one
/// from values to Legendre modes. Kopriva, "Implementing Spectral Methods for PDEs", 2009,
/// chapters 3.
struct Lobatto {
  int n;                                                  ///< nodes, N + 1
  std::vector<double> nodes, weights, derivative, modes;  ///< matrices row-major

  explicit Lobatto(int degree) : n(degree + 1) {
    const auto count = static_cast<std::size_t>(n);
    for (int a = 0; a < n; ++a) {
      double x = -std::cos(std::numbers::pi * a / degree);
      if (a > 0 && a < degree)
        for (int i = 0; i < 50; ++i) {  // Newton for P_N' = 0, P_N'' by Legendre's equation
          const Legendre p(degree, x);
          const double second = (2 * x * p.slope - degree * (degree + 1) * p.value) / (1 - x * x);
          x -= p.slope / second;
        }
      nodes.push_back(x);
      const double p = Legendre(degree, x).value;
      weights.push_back(2 / (degree * (degree + 1) * p * p));
    }
    derivative.assign(count * count, 0);
    modes.assign(count * count, 0);
    for (std::size_t a = 0; a < count; ++a) {
      double sum = 0;
      for (std::size_t l = 0; l < count; ++l) {
        if (l == a) continue;
        const double d = Legendre(degree, nodes[a]).value / Legendre(degree, nodes[l]).value /
                         (nodes[a] - nodes[l]);
        derivative[a * count + l] = d;
        sum += d;
      }
      derivative[a * count + a] = -sum;
    }
    // Modes k < N by quadrature; the last is integrated with N instead of (2 N + 1) / 2.
    for (std::size_t k = 0; k < count; ++k)
      for (std::size_t a = 0; a < count; ++a) {
        const int degree_k = static_cast<int>(k);
        const double norm = degree_k < degree ? (2 * degree_k + 1) / 2.0 : degree / 2.0;
        modes[k * count + a] = norm * weights[a] * Legendre(degree_k, nodes[a]).value;
      }
  }
};

}  // namespace nopal::euler
