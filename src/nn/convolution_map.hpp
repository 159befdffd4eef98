// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

// Index arithmetic of the maps in convolution_kernels.hpp, shared by their host and device loops.

#include "nn/convolution_kernels.hpp"

namespace nopal::detail {

/// Taps that one output point sees along an axis: tap j of `count` reads input first + j, which is
/// inside the field for low <= j < high.
struct Taps {
  std::int64_t which, count, first, low, high;  ///< `which`: the class of the output
};

/// One axis of a map. Outputs of a map to the fine field come in `stride` classes; of the taps
/// c, c + stride, ... that class c sees, the last comes first. To the coarse field: one class.
struct MapAxis {
  std::int64_t in, out, taps, stride, offset;
  bool to_fine;

  MapAxis(const ConvolutionAxis& axis, Direction direction)
      : in(direction == Direction::to_fine ? axis.coarse : axis.fine),
        out(direction == Direction::to_fine ? axis.fine : axis.coarse),
        taps(axis.taps),
        stride(axis.stride),
        offset(axis.offset),
        to_fine(direction == Direction::to_fine) {}

  KOKKOS_INLINE_FUNCTION std::int64_t classes() const { return to_fine ? stride : 1; }
  /// From one output of a class to the next, in inputs.
  KOKKOS_INLINE_FUNCTION std::int64_t step() const { return to_fine ? 1 : stride; }

  KOKKOS_INLINE_FUNCTION std::int64_t count(std::int64_t which) const {
    return taps / classes() + (which < taps % classes() ? 1 : 0);
  }
  /// Taps of the classes before.
  KOKKOS_INLINE_FUNCTION std::int64_t before(std::int64_t which) const {
    const std::int64_t rest = taps % classes();
    return which * (taps / classes()) + (which < rest ? which : rest);
  }
  /// The place among its class of the kernel's tap t, which belongs to class t % classes().
  KOKKOS_INLINE_FUNCTION std::int64_t place_of(std::int64_t t) const {
    return to_fine ? count(t % stride) - 1 - t / stride : t;
  }
  /// Class of output z.
  KOKKOS_INLINE_FUNCTION std::int64_t class_of(std::int64_t z) const {
    const std::int64_t r = (z - offset) % classes();  // of the sign of z - offset
    return r < 0 ? r + classes() : r;
  }
  KOKKOS_INLINE_FUNCTION Taps taps_of(std::int64_t z) const {
    Taps t{class_of(z), 0, 0, 0, 0};
    t.count = count(t.which);
    t.first = to_fine ? (z - offset - t.which) / stride - (t.count - 1) : offset + stride * z;
    const std::int64_t left = in - t.first;
    t.low = t.first >= 0 ? 0 : -t.first < t.count ? -t.first : t.count;
    t.high = left >= t.count ? t.count : left > t.low ? left : t.low;
    return t;
  }
};

/// Taps of all classes that are stored before class (c0, c1, c2).
KOKKOS_INLINE_FUNCTION std::int64_t taps_before(const MapAxis& a0, const MapAxis& a1,
                                                const MapAxis& a2, std::int64_t c0, std::int64_t c1,
                                                std::int64_t c2) {
  return (a0.before(c0) * a1.taps + a0.count(c0) * a1.before(c1)) * a2.taps +
         a0.count(c0) * a1.count(c1) * a2.before(c2);
}

}  // namespace nopal::detail
