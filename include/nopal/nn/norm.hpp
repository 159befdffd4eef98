// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/comm/communicator.hpp>

namespace nopal {

/// Group normalisation: y = scale(c) (x - mean) / sqrt(variance + 1e-5) + shift(c), mean and
/// (population) variance over the points and the C / `groups` channels of a group, sample by
/// sample.
///
/// x (B, X1, ..., Xd, C); `scale` and `shift` (C), or (B, C) for one of each sample (adaptive
/// instance normalisation; Huang, Belongie, ICCV 2017), or both empty for none. Wu, He, "Group
/// normalization", ECCV 2018. The statistics are those of the points that all ranks of `comm` hold;
/// collective over it, and so is the adjoint, in which gradients of scale and shift are this rank's
/// part.
template <class T>
Variable<T> group_norm(const Variable<T>& x, std::int64_t groups, const Variable<T>& scale = {},
                       const Variable<T>& shift = {}, const Communicator& comm = {});

/// Instance normalisation, the group norm with one channel a group and no parameters; Ulyanov et
/// al., arXiv:1607.08022.
template <class T>
Variable<T> instance_norm(const Variable<T>& x, const Communicator& comm = {});

}  // namespace nopal
