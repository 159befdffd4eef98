// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "multigrid/level.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace nopal::detail {

/// A stencil as rows are multiplied by it: pointers that move along with the row.
template <class T>
class RowStencil {
 public:
  RowStencil() = default;
  RowStencil(const StencilMatrix<T>& matrix, const LevelLayout& layout);

  /// y := init + sign A x for the `count` points of a row from stored point `first` on, sign 1 or
  /// -1; x is a stored field, y and init point to the row's own values and may be the same. Without
  /// init: 0.
  template <int sign>
  void multiply(std::ptrdiff_t first, std::int64_t count, const T* x, const T* init, T* y) const;

  int entries() const { return entries_; }
  bool diagonal() const { return entries_ == 1; }
  const T* diagonal_values() const { return diagonal_; }

 private:
  // Three rows of x that follow each other, each with its neighbours along the row.
  struct Pass {
    std::array<std::ptrdiff_t, 3> shifts;
    std::array<const T*, 9> values;
    int kind;  // which of the nine there are
  };
  std::vector<Pass> passes_;
  const T* diagonal_ = nullptr;
  int entries_ = 0;
  bool differences_ = false;
};

}  // namespace nopal::detail
