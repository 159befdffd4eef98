// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "c_api/field_layout.hpp"

#include "core/parallel.hpp"

namespace nopal::c {
namespace {

constexpr bool host_is_device =
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible;

// Extents of the points, ones in front, and how many there are.
struct Points {
  std::int64_t n2 = 1, n3 = 1, count = 1, channels = 1;

  explicit Points(const Shape& field) : channels(field[-1]) {
    const int axes = field.rank() - 2;
    count = field.product(0, field.rank() - 1);
    if (axes > 1) n3 = field[axes];
    if (axes > 2) n2 = field[axes - 1];
    // Two axes are n1 x n3, three n1 x n2 x n3.
  }
  // Where the channel-free column-major order has the row-major point p.
  KOKKOS_FUNCTION std::int64_t column(std::int64_t p) const {
    const std::int64_t k = p % n3, rest = p / n3, j = rest % n2, i = rest / n2;
    const std::int64_t n1 = count / (n2 * n3);
    return i + n1 * (j + n2 * k);
  }
};

// Both on the device.
template <class T>
void permute(const T* from, T* to, const Shape& field, bool to_columns) {
  const Points points(field);
  detail::parallel_flat(
      "nopal::permute_layout", points.count, KOKKOS_LAMBDA(std::int64_t p) {
        const std::int64_t column = points.column(p);
        for (std::int64_t c = 0; c < points.channels; ++c) {
          const std::int64_t row_place = p * points.channels + c,
                             column_place = column + points.count * c;
          if (to_columns)
            to[column_place] = from[row_place];
          else
            to[row_place] = from[column_place];
        }
      });
}

}  // namespace

template <class T>
void from_array(const T* from, const Tensor<T>& field, Arrays arrays) {
  if (field.size() == 0) return;
  const bool reachable = arrays.device || host_is_device;
  if (!arrays.column_major)
    return reachable ? field.copy_from(Tensor<T>::wrap(const_cast<T*>(from), field.shape()))
                     : field.copy_from_host(from);
  if (reachable) return permute(from, field.data(), field.shape(), false);
  const Tensor<T> columns(field.shape());
  columns.copy_from_host(from);
  permute<T>(columns.data(), field.data(), field.shape(), false);
}

template <class T>
void to_array(const Tensor<T>& field, T* to, Arrays arrays) {
  if (field.size() == 0) return;
  const bool reachable = arrays.device || host_is_device;
  if (!arrays.column_major)
    return reachable ? Tensor<T>::wrap(to, field.shape()).copy_from(field) : field.copy_to_host(to);
  if (!reachable) {
    const Tensor<T> columns(field.shape());
    permute<T>(field.data(), columns.data(), field.shape(), true);
    return columns.copy_to_host(to);
  }
  permute<T>(field.data(), to, field.shape(), true);
  ExecutionSpace().fence();
}

template void from_array<float>(const float*, const Tensor<float>&, Arrays);
template void from_array<double>(const double*, const Tensor<double>&, Arrays);
template void to_array<float>(const Tensor<float>&, float*, Arrays);
template void to_array<double>(const Tensor<double>&, double*, Arrays);

}  // namespace nopal::c
