// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <string>
#include <vector>

namespace nopal::test {

/// The entries 0, 1, 2, ... plus `first`.
template <class T>
Tensor<T> counted(const Shape& shape, double first = 0) {
  std::vector<T> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<T>(first + static_cast<double>(i));
  return Tensor<T>::from_host(shape, values);
}

/// Message of the nopal::Error that `action` throws; "no error" if it throws none.
template <class Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace nopal::test
