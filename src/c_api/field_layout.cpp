// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "c_api/field_layout.hpp"

#include <array>

namespace nopal::detail {
namespace {

// Calls action(row-major place, column-major place) for all numbers of a field.
template <class Action>
void for_each_place(const Shape& field, const Action& action) {
  const int axes = field.rank() - 1;  // of the box, and the channels
  std::array<std::int64_t, 4> n{1, 1, 1, 1}, stride{};
  for (int a = 0; a < axes; ++a)
    n[static_cast<std::size_t>(4 - axes + a)] = field[a + 1];
  std::int64_t size = 1;
  for (std::size_t a = 0; a < 4; ++a) {
    stride[a] = size;
    size *= n[a];
  }
  std::int64_t row = 0;
  for (std::int64_t i = 0; i < n[0]; ++i)
    for (std::int64_t j = 0; j < n[1]; ++j)
      for (std::int64_t k = 0; k < n[2]; ++k)
        for (std::int64_t c = 0; c < n[3]; ++c)
          action(row++, i * stride[0] + j * stride[1] + k * stride[2] + c * stride[3]);
}

}  // namespace

template <class T>
void from_layout(const T* from, const Tensor<T>& field, bool column_major) {
  if (!column_major) return field.copy_from_host(from);
  if constexpr (Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible) {
    T* const to = field.data();
    for_each_place(field.shape(),
                   [&](std::int64_t row, std::int64_t column) { to[row] = from[column]; });
  } else {
    std::vector<T> rows(static_cast<std::size_t>(field.size()));
    for_each_place(field.shape(), [&](std::int64_t row, std::int64_t column) {
      rows[static_cast<std::size_t>(row)] = from[column];
    });
    field.copy_from_host(rows.data());
  }
}

template <class T>
void to_layout(const Tensor<T>& field, T* to, bool column_major) {
  if (!column_major) return field.copy_to_host(to);
  if constexpr (Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible) {
    const T* const from = field.data();
    for_each_place(field.shape(),
                   [&](std::int64_t row, std::int64_t column) { to[column] = from[row]; });
  } else {
    const std::vector<T> rows = field.to_vector();
    for_each_place(field.shape(), [&](std::int64_t row, std::int64_t column) {
      to[column] = rows[static_cast<std::size_t>(row)];
    });
  }
}

template void from_layout<float>(const float*, const Tensor<float>&, bool);
template void from_layout<double>(const double*, const Tensor<double>&, bool);
template void to_layout<float>(const Tensor<float>&, float*, bool);
template void to_layout<double>(const Tensor<double>&, double*, bool);

}  // namespace nopal::detail
