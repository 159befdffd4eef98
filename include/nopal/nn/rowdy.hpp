// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <cstdint>
#include <vector>

namespace nopal {

/// What multiplies the rows of a gated layer.
template <class T>
struct RowGate {
  Variable<T> factors;  ///< s (B, W); empty: no gate
  /// Rows offsets[b] <= r < offsets[b + 1] belong to factors b; B + 1 numbers from 0 to R.
  std::vector<std::int64_t> offsets = {};
  double shift = 0;  ///< 1: a gate of factors 1 + s
};

/// y(r, c) = (shift + s(b(r), c)) f(z(r, c) + bias(c)), with the adaptive activation
///
///   f(x) = tanh(10 a x + c) + 10 a1 sin(10 f1 x + c1)
///
/// of the numbers (a, c, a1, f1, c1), all trainable: a Rowdy activation (Jagtap, Shin, Kawaguchi,
/// Karniadakis, Neurocomputing 468, 2022), gated as in Fusion-DeepONet (Peyvan, Kumar, Karniadakis,
/// arXiv 2501.01934).
///
/// z (R, W), or with `tangents` > 0 a jet (1 + tangents, R, W) of values and derivatives in as many
/// coordinates, of which y is the jet, too: y_j = (shift + s) f'(x) z_j. bias (W), `numbers` of 5
/// entries, y of z's shape. In float on the
/// host the sine is good to 2^-23 for arguments up to 8000. Some 60 flops an entry; adjoint
/// some 90.
template <class T>
Variable<T> rowdy(const Variable<T>& z, const Variable<T>& bias, const Variable<T>& numbers,
                  const RowGate<T>& gate = {}, std::int64_t tangents = 0);

}  // namespace nopal
