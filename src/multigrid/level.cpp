// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "multigrid/level.hpp"

#include <algorithm>
#include <type_traits>

namespace nopal::detail {

template <class T>
Tensor<T> FieldStore::take(std::int64_t size) {
  constexpr std::int64_t fields_a_piece = 8, line = 64 / sizeof(T);
  Piece<T>* piece = nullptr;
  if constexpr (std::is_same_v<T, float>)
    piece = &floats_;
  else
    piece = &doubles_;
  const std::int64_t padded = (size + line - 1) / line * line;
  if (!piece->entries.defined() || piece->used + padded > piece->entries.size()) {
    piece->entries = Tensor<T>({fields_a_piece * padded});
    piece->used = 0;
  }
  Tensor<T> field = piece->entries.slice(piece->used, size);
  piece->used += padded;
  field.fill(0);
  return field;
}

LevelLayout::LevelLayout(const Grid& grid)
    : dimension(grid.dimension()), wanted(grid.boxes()), store(std::make_shared<FieldStore>()) {
  for (int a = 0; a < dimension; ++a) {
    const bool periodic = grid.rule(a).low == BoundaryRule::periodic;
    const std::int64_t n = grid.extents()[a], reach = margin + 1;
    for (Range& range : wanted.ranges[static_cast<std::size_t>(a)]) {
      range.begin -= reach;
      range.end += reach;
      if (!periodic) range = {std::max<std::int64_t>(range.begin, -1), std::min(range.end, n + 1)};
    }
  }
  const Box box = wanted.box(grid.comm().rank()), mine = grid.box();
  own = work = {Range{0, 1}, Range{0, 1}, Range{0, 1}};
  for (int a = 0; a < dimension; ++a) {
    const auto axis = static_cast<std::size_t>(a + 3 - dimension);
    extents[axis] = box[a].size();
    first[axis] = box[a].begin;
    own[axis] = {mine[a].begin - box[a].begin, mine[a].end - box[a].begin};
    work[axis] = {1, box[a].size() - 1};
  }
  strides = {extents[1] * extents[2], extents[2], 1};
}

template <class T>
Tensor<T> stored_field(const LevelLayout& layout) {
  std::int64_t reach = 0;  // of the furthest neighbour along the grid's own axes
  for (int a = 3 - layout.dimension; a < 3; ++a)
    reach += layout.strides[static_cast<std::size_t>(a)];
  return layout.store->take<T>(layout.size() + 2 * reach).slice(reach, layout.size());
}

template <class T>
int StencilMatrix<T>::entries() const {
  int count = 0;
  for (int s = 0; s < slots; ++s)
    if (values[static_cast<std::size_t>(s)].defined()) count += symmetric && s != centre ? 2 : 1;
  return count;
}

template <class T>
std::int64_t StencilMatrix<T>::bytes() const {
  std::int64_t total = 0;
  for (const Tensor<T>& tensor : values)
    total += tensor.size() * static_cast<std::int64_t>(sizeof(T));
  return total;
}

template <class T>
std::vector<T> inverse_of(const Tensor<T>& scale) {
  std::vector<T> inverse(static_cast<std::size_t>(scale.size()));
  for (std::size_t i = 0; i < inverse.size(); ++i)
    inverse[i] = scale.data()[i] != 0 ? 1 / scale.data()[i] : T(0);
  return inverse;
}

template <class T>
Tensor<T> diagonal_of(const StencilMatrix<T>& matrix, const LevelLayout& layout) {
  Tensor<T> result = stored_field<T>(layout);
  const std::int64_t count = layout.own[2].size();
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    const std::ptrdiff_t first = layout.at(i0, i1, layout.own[2].begin);
    T* const to = result.data() + first;
    std::copy_n(matrix.values[centre].data() + first, count, to);
    for (int s = 0; s < slots; ++s) {
      const T* values = s == centre ? nullptr : matrix.coefficient(s, layout);
      if (!values) continue;
      values += first;
#pragma GCC ivdep
      for (std::int64_t i = 0; i < count; ++i)
        to[i] -= values[i];
    }
  });
  return result;
}

template <class T>
LevelExchange<T>::LevelExchange(const Grid& grid, const LevelLayout& layout) {
  std::vector<AxisRule> rules;
  for (int a = 0; a < grid.dimension(); ++a) {
    const bool periodic = grid.rule(a).low == BoundaryRule::periodic;
    rules.emplace_back(periodic ? BoundaryRule::periodic : BoundaryRule::zero);
    alone_ = alone_ && !periodic;
  }
  alone_ = alone_ && grid.comm().size() == 1;
  if (alone_) return;
  exchange_ = Exchange<T>(grid.with_rules(rules), layout.wanted);
  own_ = Tensor<T>(grid.box().field(1, 1));
}

template <class T>
void LevelExchange<T>::refresh(const LevelLayout& layout, T* field) const {
  if (alone_) return;
  T* to = own_.data();
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    to = std::copy_n(field + layout.at(i0, i1, layout.own[2].begin), layout.own[2].size(), to);
  });
  const Tensor<T> stored = Tensor<T>::wrap(field, exchange_.box().field(1, 1));
  exchange_.start(own_, stored);
  exchange_.finish(stored);
}

#define NOPAL_INSTANTIATE(T)                                                      \
  template struct StencilMatrix<T>;                                               \
  template std::vector<T> inverse_of<T>(const Tensor<T>&);                        \
  template Tensor<T> stored_field<T>(const LevelLayout&);                         \
  template Tensor<T> diagonal_of<T>(const StencilMatrix<T>&, const LevelLayout&); \
  template class LevelExchange<T>;
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
