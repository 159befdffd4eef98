// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/comm/grid.hpp>

namespace nopal {

/// Layer normalisation of a field: y = scale (x - mean) / sqrt(variance + 1e-5) + shift, mean and
/// (population) variance over all points and channels of a sample; Ba, Kiros, Hinton,
/// arXiv:1607.06450.
///
/// x (B, n1, ..., nd, C) is the field on this rank's box of `grid`; the statistics are those of the
/// whole field. `scale` and `shift`: both (N1, ..., Nd, C) for the whole grid, of which a rank uses
/// the part on its box, or both (C), or both empty for none. A rank's gradients of scale and shift
/// are its own points' part: add them up over ranks. Collective, and so is the adjoint.
template <class T>
Variable<T> layer_norm(const Variable<T>& x, const Variable<T>& scale, const Variable<T>& shift,
                       const Grid& grid);

/// The same where x holds all points.
template <class T>
Variable<T> layer_norm(const Variable<T>& x, const Variable<T>& scale = {},
                       const Variable<T>& shift = {});

}  // namespace nopal
