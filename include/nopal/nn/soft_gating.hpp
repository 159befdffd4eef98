// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

namespace nopal {

/// y(..., c) = g(c) x(..., c): a skip connection with one learned factor a channel.
///
/// x (..., C), gate (C) or (1, C, 1, ...) with C entries. Kossaifi et al., TMLR 2024.
template <class T>
Variable<T> soft_gating(const Variable<T>& x, const Variable<T>& gate);

}  // namespace nopal
