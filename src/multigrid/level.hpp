// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/exchange.hpp>
#include <nopal/multigrid/stencil_field.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace nopal::detail {

// Kernels see three axes, the last the fastest; a grid in fewer dimensions has its axes last.

/// Neighbours of a point as slots 0 to 26, 9 (o0 + 1) + 3 (o1 + 1) + (o2 + 1): 13 is the point
/// itself, 26 - s lies opposite to s.
inline constexpr int slots = 27, centre = 13;
constexpr std::array<int, 3> offset_of(int slot) {
  return {slot / 9 - 1, slot / 3 % 3 - 1, slot % 3 - 1};
}
constexpr int slot_of(const std::array<int, 3>& offset) {
  return 9 * (offset[0] + 1) + 3 * (offset[1] + 1) + offset[2] + 1;
}

/// Memory for the fields of a level in few large pieces: the system clears memory that is touched
/// for the first time page by page, and only large pieces get large pages.
class FieldStore {
 public:
  /// Zeros that live as long as a handle to them.
  template <class T>
  Tensor<T> take(std::int64_t size);

 private:
  template <class T>
  struct Piece {
    Tensor<T> entries;
    std::int64_t used = 0;
  };
  Piece<float> floats_;
  Piece<double> doubles_;
};

/// Where a rank keeps the points of a level: its own, margins of three points of other ranks, which
/// spare a cycle most of its messages, and a further layer that kernels read and never write.
/// Beyond a side of the domain there is that layer only, full of zeros.
struct LevelLayout {
  LevelLayout() = default;
  explicit LevelLayout(const Grid& grid);

  static constexpr std::int64_t margin = 3;

  int dimension = 0;
  Boxes wanted;  ///< the stored boxes of all ranks
  std::array<std::int64_t, 3> extents{1, 1, 1};
  std::array<std::int64_t, 3> first{};  ///< global index of the first stored point
  std::array<Range, 3> own, work;       ///< local ranges: the rank's points; all but the last layer
  std::array<std::ptrdiff_t, 3> strides{};
  std::shared_ptr<FieldStore> store;  ///< of its fields

  std::int64_t size() const { return extents[0] * extents[1] * extents[2]; }
  Shape shape() const { return {size()}; }
  std::ptrdiff_t shift(int slot) const {
    const auto o = offset_of(slot);
    return o[0] * strides[0] + o[1] * strides[1] + o[2] * strides[2];
  }
  std::ptrdiff_t at(std::int64_t i0, std::int64_t i1, std::int64_t i2) const {
    return i0 * strides[0] + i1 * strides[1] + i2 * strides[2];
  }
  bool empty() const { return own[0].size() * own[1].size() * own[2].size() == 0; }

  /// f(i0, i1) for all rows of a box.
  template <class Action>
  static void rows(const std::array<Range, 3>& box, const Action& action) {
    for (std::int64_t i0 = box[0].begin; i0 < box[0].end; ++i0)
      for (std::int64_t i1 = box[1].begin; i1 < box[1].end; ++i1)
        action(i0, i1);
  }
};

/// A field on the stored points, 0, with enough zeros before and behind it that the neighbours of
/// any stored point can be read.
template <class T>
Tensor<T> stored_field(const LevelLayout& layout);

/// A matrix with a stencil at each stored point. A symmetric one keeps the slots from the centre
/// on.
///
/// Where `differences` is set, the centre holds the sums of rows s instead of the diagonal and
/// (A x)(i) = s(i) x(i) + sum over k of values(k, i) (x(i + k) - x(i)): where coefficients jump by
/// orders of magnitude, a diagonal in float would hide the small couplings.
template <class T>
struct StencilMatrix {
  bool differences = false;
  bool symmetric = false;
  std::array<Tensor<T>, slots> values;

  /// A pointer whose entry i is the coefficient of point i for its neighbour in `slot`; null if
  /// there is none.
  const T* coefficient(int slot, const LevelLayout& layout) const {
    const auto s = static_cast<std::size_t>(slot);
    if (values[s].defined()) return values[s].data();
    if (!symmetric || !values[slots - 1 - s].defined()) return nullptr;
    return values[slots - 1 - s].data() + layout.shift(slot);
  }

  int entries() const;         ///< of a row
  std::int64_t bytes() const;  ///< stored
};

/// 1 / level.scale at the stored points, but 0 where that is 0.
template <class T>
std::vector<T> inverse_of(const Tensor<T>& scale);

/// The diagonal of a matrix with `differences` on a rank's own points, as a stored field.
template <class T>
Tensor<T> diagonal_of(const StencilMatrix<T>& matrix, const LevelLayout& layout);

/// Brings a field of a rank's own points, in row-major order, to the stored ones.
template <class T>
class LevelExchange {
 public:
  LevelExchange() = default;
  LevelExchange(const Grid& grid, const LevelLayout& layout);

  /// Fills the margins of a stored field from the own points of other ranks. Collective.
  void refresh(const LevelLayout& layout, T* field) const;

 private:
  bool alone_ = true;  // one rank and no periodic axis: there is nothing to bring
  Tensor<T> own_;
  Exchange<T> exchange_;
};

/// One level of a hierarchy on this rank.
template <class T>
struct Level {
  Grid grid;
  LevelLayout layout;
  LevelExchange<T> exchange;
  StencilMatrix<T> matrix, smoother;
  Tensor<T> scale;  ///< 1 / sqrt(diagonal); 0 beyond the domain and where x = 0 is known

  // To the next coarser level, if any: which axes, and for each offset of a fine point from the
  // coarse point I, stored by I, its interpolation weight.
  std::array<bool, 3> coarsened{};
  std::array<Tensor<T>, slots> weights;

  Tensor<T> b, x, r;  ///< right-hand side, solution, residual
  Tensor<T> first_x;  ///< the solution of the first of two visits
};

}  // namespace nopal::detail
