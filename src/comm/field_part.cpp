// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/comm/field_part.hpp>

#include "core/parallel.hpp"

namespace nopal {

template <class T>
Tensor<T> field_part(const Tensor<T>& field, const Box& box) {
  Tensor<T> part(box.field(field.extent(0), field.extent(-1)));
  field_part(field, box, part);
  return part;
}

template <class T>
void field_part(const Tensor<T>& field, const Box& box, const Tensor<T>& part) {
  const Shape& whole = field.shape();
  const int d = box.dimension;
  NOPAL_CHECK(whole.rank() == d + 2, "expected a field (B, X1, ..., X", d, ", C), got ", whole);
  for (int a = 0; a < d; ++a)
    NOPAL_CHECK(box[a].begin >= 0 && box[a].end <= whole[a + 1], "points ", box[a].begin, " to ",
                box[a].end - 1, " along X", a + 1, " are not all in a field of shape ", whole);
  NOPAL_CHECK(part.shape() == box.field(whole[0], whole[-1]), "a part of shape ",
              box.field(whole[0], whole[-1]), " does not fit memory of shape ", part.shape());
  // Rows of the last axis, as if there were three axes.
  std::int64_t rows[2]{1, 1}, whole_rows[2]{1, 1}, first[2]{0, 0};
  for (int a = 0; a + 1 < d; ++a) {
    const int at = a + 3 - d;
    rows[at] = box[a].size();
    whole_rows[at] = whole[a + 1];
    first[at] = box[a].begin;
  }
  const std::int64_t c = whole[-1], columns = box[d - 1].size() * c, line = whole[-2] * c;
  const std::int64_t m = rows[0], n = rows[1], wm = whole_rows[0], wn = whole_rows[1];
  const T* const from = field.data() + (first[0] * wn + first[1]) * line + box[d - 1].begin * c;
  T* const to = part.data();
  detail::parallel_entries(
      "nopal::field_part", whole[0] * m * n, columns,
      KOKKOS_LAMBDA(std::int64_t r, std::int64_t j) {
        const std::int64_t source = (r / (m * n) * wm + r / n % m) * wn + r % n;
        to[r * columns + j] = from[source * line + j];
      });
}

template Tensor<float> field_part<float>(const Tensor<float>&, const Box&);
template Tensor<double> field_part<double>(const Tensor<double>&, const Box&);
template void field_part<float>(const Tensor<float>&, const Box&, const Tensor<float>&);
template void field_part<double>(const Tensor<double>&, const Box&, const Tensor<double>&);

}  // namespace nopal
