// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/error.hpp>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <string>

namespace nopal {

/// Extents of a tensor, slowest axis first. Held in place: making one never allocates.
class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents) : Shape(extents.begin(), extents.end()) {}

  template <class Iterator>
  Shape(Iterator first, Iterator last) {
    for (; first != last; ++first)
      push_back(*first);
  }

  int rank() const noexcept { return rank_; }

  /// Extent of axis `axis`; a negative axis counts from the end (-1 is the fastest axis).
  std::int64_t operator[](int axis) const {
    if (axis < 0) axis += rank_;
    NOPAL_CHECK(axis >= 0 && axis < rank_, "axis ", axis, " is outside a shape of rank ", rank_);
    return extents_[axis];
  }

  /// Appends an axis on the fast end.
  void push_back(std::int64_t extent) {
    NOPAL_CHECK(rank_ < max_rank, "a tensor has at most ", max_rank, " axes");
    NOPAL_CHECK(extent >= 0, "extents must not be negative, got ", extent);
    extents_[rank_++] = extent;
  }

  /// The same shape with axis `axis` replaced.
  Shape with(int axis, std::int64_t extent) const {
    Shape copy(*this);
    copy.extents_[axis < 0 ? axis + rank_ : axis] = extent;
    return copy;
  }

  /// Number of entries, the product of all extents (1 for rank 0).
  std::int64_t size() const noexcept { return product(0, rank_); }

  /// Product of the extents of axes [first, last).
  std::int64_t product(int first, int last) const noexcept {
    std::int64_t result = 1;
    for (int i = first; i < last; ++i)
      result *= extents_[i];
    return result;
  }

  const std::int64_t* begin() const noexcept { return extents_.data(); }
  const std::int64_t* end() const noexcept { return extents_.data() + rank_; }

  friend bool operator==(const Shape& a, const Shape& b) noexcept {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a.extents_[i] != b.extents_[i]) return false;
    return true;
  }

  /// `(20, 64, 64, 3)`.
  friend std::ostream& operator<<(std::ostream& out, const Shape& shape) {
    out << '(';
    for (int i = 0; i < shape.rank_; ++i)
      out << (i ? ", " : "") << shape.extents_[i];
    return out << ')';
  }

 private:
  std::array<std::int64_t, max_rank> extents_{};
  int rank_ = 0;
};

}  // namespace nopal
