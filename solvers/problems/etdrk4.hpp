// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <vector>

namespace nopal::detail {

/// The factors of a step of ETDRK4 for v' = l v + N(v) with real l, one number for each l:
///
///   a = e2 v + q N(v), b = e2 v + q N(a), c = e2 a + q (2 N(b) - N(v)),
///   v := e v + f1 N(v) + 2 f2 (N(a) + N(b)) + f3 N(c).
///
/// Functions that cancel near 0 are means over a circle around h l. Cox, Matthews, J. Comput. Phys.
/// 176, 2002; Kassam, Trefethen, SIAM J. Sci. Comput. 26, 2005.
struct Etdrk4 {
  std::vector<double> e, e2, q, f1, f2, f3;

  void clear() {
    for (auto* factors : {&e, &e2, &q, &f1, &f2, &f3})
      factors->clear();
  }

  void add(double l, double h) {
    const double z = h * l;
    e.push_back(std::exp(z));
    e2.push_back(std::exp(z / 2));
    constexpr int points = 32;
    std::complex<double> sq = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int j = 0; j < points; ++j) {
      const auto r = z + std::polar(1.0, std::numbers::pi * (j + 0.5) * 2 / points);
      const auto er = std::exp(r);
      sq += (std::exp(r / 2.0) - 1.0) / r;
      s1 += (-4.0 - r + er * (4.0 - 3.0 * r + r * r)) / (r * r * r);
      s2 += (2.0 + r + er * (r - 2.0)) / (r * r * r);
      s3 += (-4.0 - 3.0 * r - r * r + er * (4.0 - r)) / (r * r * r);
    }
    const auto mean = [&](std::complex<double> sum) { return h * sum.real() / points; };
    q.push_back(mean(sq));
    f1.push_back(mean(s1));
    f2.push_back(mean(s2));
    f3.push_back(mean(s3));
  }
};

}  // namespace nopal::detail
