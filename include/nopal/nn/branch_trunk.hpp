// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <cstdint>
#include <vector>

namespace nopal {

/// The decoder of a DeepONet: y(b, p, c) = sum over k of branch(b, c, k) trunk(p, c, k) + bias(c).
///
/// branch (B, C, K) for B functions, trunk (P, C, K) for P points that all functions share; either
/// may have 1 instead of C and then serves all outputs. bias (C) or an empty Variable. y (B, P, C).
/// The rows of a batch are all pairs of a function and a point (an outer block), 2 B P C K flops;
/// the adjoint costs twice that. Source: Lu, Jin, Pang, Zhang, Karniadakis, Nat. Mach. Intell. 3,
/// 2021, equation 2; outputs as in Lu et al., CMAME 393, 2022, section 3.1.6.
template <class T>
Variable<T> branch_trunk(const Variable<T>& branch, const Variable<T>& trunk,
                         const Variable<T>& bias = {});

/// The same for points of each function's own: y(r, c) = sum over k of branch(b, c, k) trunk(r, c,
/// k) + bias(c) for the rows offsets[b] <= r < offsets[b + 1] of function b. branch (B, C, K),
/// trunk (R, C, K), either with 1 for C; offsets has B + 1 entries that do not fall, from 0 to R. y
/// (R, C), 2 R C K flops.
template <class T>
Variable<T> branch_trunk_rows(const Variable<T>& branch, const Variable<T>& trunk,
                              const std::vector<std::int64_t>& offsets,
                              const Variable<T>& bias = {});

}  // namespace nopal
