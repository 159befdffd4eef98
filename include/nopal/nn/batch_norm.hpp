// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

namespace nopal {

/// Batch normalisation: y = scale(c) (x - mean(c)) / sqrt(variance(c) + 1e-5) + shift(c).
///
/// x (B, X1, ..., Xd, C), all others (C). In training mode mean and (population) variance are those
/// over samples and points of the whole batch, on all ranks of the TrainingStep, and the running
/// statistics follow them, unless the step is a repetition:
/// r <- 0.9 r + 0.1 s, s the mean, and n / (n - 1) times the variance of the n values a channel. In
/// inference mean and variance are the running ones. The numbers are PyTorch's defaults. Ioffe,
/// Szegedy, "Batch normalization", ICML 2015.
///
/// In training mode collective over the ranks of the step, as is its adjoint; B may be 0. Error if
/// the batch has less than two values a channel.
template <class T>
Variable<T> batch_norm(const Variable<T>& x, const Variable<T>& scale, const Variable<T>& shift,
                       const Tensor<T>& running_mean, const Tensor<T>& running_variance);

}  // namespace nopal
