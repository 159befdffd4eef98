// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <vector>

namespace nopal::detail {

/// copies := tensors, in new memory the first time.
template <class T>
void keep(const std::vector<Tensor<T>>& tensors, std::vector<Tensor<T>>& copies);

/// average := decay average + (1 - decay) tensors; the first time a copy of the tensors.
template <class T>
void average(T decay, const std::vector<Tensor<T>>& tensors, std::vector<Tensor<T>>& average);

/// Exchanges the entries of the tensors with those of the copies, if there are any.
template <class T>
void exchange(const std::vector<Tensor<T>>& tensors, const std::vector<Tensor<T>>& copies);

}  // namespace nopal::detail
