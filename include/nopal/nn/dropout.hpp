// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <cstdint>

namespace nopal {

/// Dropout: y = m x / (1 - p) in training mode, each entry of m 0 with probability p and 1
/// otherwise; y = x in inference. Srivastava et al., JMLR 15 (2014).
///
/// x (B, ...). The mask depends on the seed and the index of the TrainingStep, on `stream` (see
/// parameter_stream()), and on the place of the sample in the batch and of the entry in the sample:
/// any number of ranks drops the same entries, and so do all evaluations within a step. The memory
/// of `x` is overwritten in training mode: pass a value that nothing else uses. 0 <= p < 1. Local.
template <class T>
Variable<T> dropout(const Variable<T>& x, double p, std::uint64_t stream);

}  // namespace nopal
