// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "multigrid/finest_level.hpp"

#include "core/parallel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace nopal::detail {
namespace {

// f(stored index, index among own points) for each of a rank's own rows.
template <class Action>
void own_rows(const LevelLayout& layout, const Action& action) {
  std::int64_t own = 0;
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    action(layout.at(i0, i1, layout.own[2].begin), own);
    own += layout.own[2].size();
  });
}

// Entries of a tensor on the host: its own there, or a copy.
template <class T>
struct HostValues {
  explicit HostValues(const Tensor<T>& tensor) {
    if (!on_host) copy = tensor.to_vector();
    data = on_host ? tensor.data() : copy.data();
  }
  std::vector<T> copy;
  const T* data;
};

std::string point_text(const LevelLayout& layout, std::ptrdiff_t i) {
  std::string text = "(";
  for (int a = 3 - layout.dimension; a < 3; ++a) {
    const auto axis = static_cast<std::size_t>(a);
    const std::int64_t local = i / layout.strides[axis] % layout.extents[axis];
    text += (text.size() > 1 ? ", " : "") + std::to_string(local + layout.first[axis]);
  }
  return text + ")";
}

}  // namespace

template <class T>
FinestLevel<T>::FinestLevel(const StencilField<T>& field, Level<T>& level) {
  level.grid = field.grid;
  level.layout = LevelLayout(field.grid);
  level.exchange = LevelExchange<T>(field.grid, level.layout);
  field.grid.comm().together([&] { copy_values(field, level); });
  for (const Tensor<T>& values : level.matrix.values)
    if (values.defined()) level.exchange.refresh(level.layout, values.data());
  level.exchange.refresh(level.layout, sums_.data());
  find_known(level);
  level.matrix.values[centre] = std::exchange(sums_, {});
  level.matrix.differences = true;
  set_symmetry(level);
  if (level.matrix.symmetric || !scaling_helps(level)) return;
  scale_rows(level);
  set_symmetry(level);
}

// Whether couplings of two points differ less relative to their rows' diagonals than as they are.
template <class T>
bool FinestLevel<T>::scaling_helps(const Level<T>& level) const {
  const LevelLayout& layout = level.layout;
  const T* const scale = level.scale.data();
  const std::int64_t count = layout.own[2].size();
  double before = 0, after = 0;
  for (int s = centre + 1; s < slots; ++s) {
    const T* const upper = level.matrix.coefficient(s, layout);
    const T* const lower = level.matrix.coefficient(slots - 1 - s, layout);
    if (!upper && !lower) continue;
    const std::ptrdiff_t shift = layout.shift(s);
    own_rows(layout, [&](std::ptrdiff_t first, std::int64_t) {
      for (std::ptrdiff_t i = first; i < first + count; ++i) {
        const double here = upper ? upper[i] : T(0), there = lower ? lower[i + shift] : T(0);
        const double a = scale[i], b = scale[i + shift];
        before += std::abs(here - there) * a * b;
        after += std::abs(here * a * a - there * b * b);
      }
    });
  }
  const Communicator& comm = level.grid.comm();
  before = comm.sum(before), after = comm.sum(after);
  return after < 0.5 * before;
}

// Divides the rows of a matrix that is not symmetric by their diagonal: rows may be equations of
// different scale, which would make one of two coupled points look strongly coupled and the other
// weakly. The matrix may then be symmetric after all.
template <class T>
void FinestLevel<T>::scale_rows(Level<T>& level) {
  row_factors_ = stored_field<T>(level.layout);
  T *const factor = row_factors_.data(), *const scale = level.scale.data();
  for (std::int64_t i = 0; i < level.layout.size(); ++i) {
    factor[i] = scale[i] != 0 ? scale[i] * scale[i] : T(1);
    if (scale[i] != 0) scale[i] = 1;
  }
  for (const Tensor<T>& values : level.matrix.values)
    if (values.defined())
      for (std::int64_t i = 0; i < level.layout.size(); ++i)
        values.data()[i] *= factor[i];
  for (Coupling& coupling : couplings_)
    coupling.factor *= factor[coupling.row];
}

template <class T>
void FinestLevel<T>::copy_values(const StencilField<T>& field, Level<T>& level) {
  const LevelLayout& layout = level.layout;
  const int d = layout.dimension;
  const auto count = static_cast<std::int64_t>(field.offsets.size());
  const std::int64_t points = field.grid.box().size();
  NOPAL_CHECK(field.values.size() == count * points, "a stencil field with ", count, " offsets on ",
              points, " points needs ", count * points, " values, got ", field.values.size());
  const HostValues<T> host(field.values);
  for (std::int64_t k = 0; k < count; ++k) {
    const StencilOffset& offset = field.offsets[static_cast<std::size_t>(k)];
    std::array<int, 3> o{};
    for (int a = 0; a < d; ++a) {
      const int step = offset[static_cast<std::size_t>(a)];
      NOPAL_CHECK(step >= -1 && step <= 1,
                  "a stencil has offsets of -1, 0 or 1 along each axis, got ", step);
      o[static_cast<std::size_t>(a + 3 - d)] = step;
    }
    Tensor<T>& values = level.matrix.values[static_cast<std::size_t>(slot_of(o))];
    NOPAL_CHECK(!values.defined(), "a stencil field has the same offset twice");
    values = stored_field<T>(layout);
    own_rows(layout, [&](std::ptrdiff_t first, std::int64_t own) {
      std::copy_n(host.data + k * points + own, layout.own[2].size(), values.data() + first);
    });
  }
  set_row_sums(field, host.data, level);
  const Tensor<T>& diagonal = level.matrix.values[centre];
  NOPAL_CHECK(diagonal.defined(), "a stencil field needs its diagonal, offset 0");
  bool negative = points > 0;
  own_rows(layout, [&](std::ptrdiff_t first, std::int64_t) {
    for (std::ptrdiff_t i = first; i < first + layout.own[2].size(); ++i) {
      NOPAL_CHECK(diagonal.data()[i] != 0, "the matrix has a zero on its diagonal at grid point ",
                  point_text(layout, i), "; a multigrid preconditioner needs another value there");
      negative = negative && diagonal.data()[i] < 0;
    }
  });
  for (const Tensor<T>& values : level.matrix.values)
    NOPAL_CHECK(!values.defined() || all_finite(values),
                "the matrix has entries that are not finite in this precision");
  if (negative) sign_ = -1;
}

template <class T>
void FinestLevel<T>::set_row_sums(const StencilField<T>& field, const T* values,
                                  const Level<T>& level) {
  const LevelLayout& layout = level.layout;
  const std::int64_t points = field.grid.box().size(), count = layout.own[2].size();
  NOPAL_CHECK(!field.row_sums.defined() || field.row_sums.size() == points, "a stencil field on ",
              points, " points needs as many sums of rows, got ", field.row_sums.size());
  sums_ = stored_field<T>(layout);
  T* const to = sums_.data();
  if (field.row_sums.defined()) {
    const HostValues<T> sums(field.row_sums);
    own_rows(layout, [&](std::ptrdiff_t first, std::int64_t own) {
      std::copy_n(sums.data + own, count, to + first);
    });
    return;
  }
  own_rows(layout, [&](std::ptrdiff_t first, std::int64_t own) {
    for (std::int64_t i = 0; i < count; ++i) {
      double sum = 0;
      for (std::int64_t k = 0; k < static_cast<std::int64_t>(field.offsets.size()); ++k)
        sum += static_cast<double>(values[k * points + own + i]);
      to[first + i] = static_cast<T>(sum);
    }
  });
}

template <class T>
void FinestLevel<T>::find_known(Level<T>& level) {
  const Communicator& comm = level.grid.comm();
  const LevelLayout& layout = level.layout;
  const bool all_negative =
      !comm.any(sign_ > 0 && level.grid.box().size() > 0) && comm.any(sign_ < 0);
  sign_ = all_negative ? T(-1) : T(1);
  if (all_negative)
    for (const Tensor<T>& values : level.matrix.values)
      if (values.defined()) nopal::scale(T(-1), values);
  if (all_negative) nopal::scale(T(-1), sums_);

  level.scale = stored_field<T>(layout);
  const T* const diagonal = level.matrix.values[centre].data();
  T* const scale = level.scale.data();
  const std::int64_t count = layout.own[2].size();
  std::vector<T> sum(static_cast<std::size_t>(std::max<std::int64_t>(0, count)));
  bool any = false;
  own_rows(layout, [&](std::ptrdiff_t first, std::int64_t own) {
    std::fill(sum.begin(), sum.end(), T(0));
    for (int s = 0; s < slots; ++s) {
      const Tensor<T>& values = level.matrix.values[static_cast<std::size_t>(s)];
      if (s == centre || !values.defined()) continue;
      for (std::int64_t i = 0; i < count; ++i)
        sum[static_cast<std::size_t>(i)] += std::abs(values.data()[first + i]);
    }
    for (std::int64_t i = 0; i < count; ++i) {
      const T d = diagonal[first + i];
      const bool known = sum[static_cast<std::size_t>(i)] == 0;
      scale[first + i] = known ? T(0) : 1 / std::sqrt(std::abs(d));
      if (known)
        own_known_.push_back({own + i, static_cast<double>(sign_) / static_cast<double>(d)});
      any = any || known;
    }
  });
  level.exchange.refresh(layout, scale);
  if (!comm.any(any)) return;

  // Known rows that this rank stores, those of others included.
  Tensor<T> mark = stored_field<T>(layout);
  own_rows(layout, [&](std::ptrdiff_t first, std::int64_t) {
    for (std::ptrdiff_t i = first; i < first + count; ++i)
      mark.data()[i] = scale[i] == 0 ? T(1) : T(0);
  });
  level.exchange.refresh(layout, mark.data());
  std::vector<std::ptrdiff_t> points;
  for (std::ptrdiff_t i = 0; i < layout.size(); ++i)
    if (mark.data()[i] != 0) points.push_back(i);
  remove_known(level, points);
}

template <class T>
void FinestLevel<T>::remove_known(Level<T>& level, const std::vector<std::ptrdiff_t>& points) {
  const LevelLayout& layout = level.layout;
  const T* const diagonal = level.matrix.values[centre].data();
  for (const std::ptrdiff_t j : points) {
    known_.push_back({j, 1 / diagonal[j]});
    std::array<std::int64_t, 3> at{};
    for (std::size_t a = 0; a < 3; ++a)
      at[a] = j / layout.strides[a] % layout.extents[a];
    for (int s = 0; s < slots; ++s) {
      Tensor<T>& values = level.matrix.values[static_cast<std::size_t>(s)];
      if (s == centre || !values.defined()) continue;
      bool stored = true;  // the row that couples with j by slot s
      for (std::size_t a = 0; a < 3; ++a) {
        const std::int64_t row = at[a] - offset_of(s)[a];
        stored = stored && row >= 0 && row < layout.extents[a];
      }
      const std::ptrdiff_t row = j - layout.shift(s);
      if (!stored || values.data()[row] == 0) continue;
      couplings_.push_back({row, j, values.data()[row] / diagonal[j]});
      sums_.data()[row] -= values.data()[row];
      values.data()[row] = 0;
    }
  }
}

template <class T>
void FinestLevel<T>::set_symmetry(Level<T>& level) const {
  const LevelLayout& layout = level.layout;
  StencilMatrix<T>& matrix = level.matrix;
  const T* const scale = level.scale.data();
  const T tolerance = 64 * std::numeric_limits<T>::epsilon();
  bool symmetric = true;
  const std::int64_t count = layout.own[2].size();
  for (int s = centre + 1; s < slots && symmetric; ++s) {
    const T* const upper = matrix.coefficient(s, layout);
    const T* const lower = matrix.coefficient(slots - 1 - s, layout);
    if (!upper && !lower) continue;
    const std::ptrdiff_t shift = layout.shift(s);
    own_rows(layout, [&](std::ptrdiff_t first, std::int64_t) {
      T worst = 0;
      for (std::ptrdiff_t i = first; i < first + count; ++i) {
        const T there = lower ? lower[i + shift] : T(0), here = upper ? upper[i] : T(0);
        const T difference = std::abs(here - there) * scale[i] * scale[i + shift];
        worst = difference > worst ? difference : worst;
      }
      symmetric = symmetric && worst <= tolerance;
    });
  }
  if (level.grid.comm().any(!symmetric)) return;
  matrix.symmetric = true;
  for (int s = 0; s < centre; ++s)
    matrix.values[static_cast<std::size_t>(s)] = Tensor<T>();
}

template <class T>
template <class From>
void FinestLevel<T>::load(const From* b, const Level<T>& level) const {
  const LevelLayout& layout = level.layout;
  T* const to = level.b.data();
  const std::int64_t count = layout.own[2].size();
  own_rows(layout, [&](std::ptrdiff_t first, std::int64_t own) {
    for (std::int64_t i = 0; i < count; ++i)
      to[first + i] = sign_ * static_cast<T>(b[own + i]);
    if (row_factors_.defined())
      for (std::int64_t i = 0; i < count; ++i)
        to[first + i] *= row_factors_.data()[first + i];
  });
  level.exchange.refresh(layout, to);
  for (const Coupling& coupling : couplings_)
    to[coupling.row] -= coupling.factor * to[coupling.known];
  for (const Known& known : known_)
    to[known.point] = 0;
}

template <class T>
template <class To>
void FinestLevel<T>::store(const Level<T>& level, const To* b, To* x) const {
  const LevelLayout& layout = level.layout;
  const T* const from = level.x.data();
  const std::int64_t count = layout.own[2].size();
  own_rows(layout, [&](std::ptrdiff_t first, std::int64_t own) {
    for (std::int64_t i = 0; i < count; ++i)
      x[own + i] = static_cast<To>(from[first + i]);
  });
  for (const OwnKnown& known : own_known_)
    x[known.index] = static_cast<To>(static_cast<double>(b[known.index]) * known.inverse);
}

template <class T>
StencilMatrix<T> symmetric_part(const StencilMatrix<T>& matrix, const LevelLayout& layout) {
  if (matrix.symmetric) return matrix;
  StencilMatrix<T> part;
  part.symmetric = part.differences = true;
  part.values[centre] = matrix.values[centre].clone();
  T* const sums = part.values[centre].data();
  for (int s = centre + 1; s < slots; ++s) {
    const T* const upper = matrix.coefficient(s, layout);
    const T* const lower = matrix.coefficient(slots - 1 - s, layout);
    if (!upper && !lower) continue;
    Tensor<T>& values = part.values[static_cast<std::size_t>(s)];
    values = stored_field<T>(layout);
    T* const to = values.data();
    const std::ptrdiff_t shift = layout.shift(s);
    LevelLayout::rows(layout.work, [&](std::int64_t i0, std::int64_t i1) {
      const std::ptrdiff_t first = layout.at(i0, i1, layout.work[2].begin);
      for (std::ptrdiff_t i = first; i < first + layout.work[2].size(); ++i) {
        const T here = upper ? upper[i] : T(0), there = lower ? lower[i + shift] : T(0);
        to[i] = (here + there) / 2;
        sums[i] += to[i] - here;  // the diagonal stays
        sums[i + shift] += to[i] - there;
      }
    });
  }
  return part;
}

#define NOPAL_INSTANTIATE(T)                                                                  \
  template class FinestLevel<T>;                                                              \
  template void FinestLevel<T>::load<float>(const float*, const Level<T>&) const;             \
  template void FinestLevel<T>::load<double>(const double*, const Level<T>&) const;           \
  template void FinestLevel<T>::store<float>(const Level<T>&, const float*, float*) const;    \
  template void FinestLevel<T>::store<double>(const Level<T>&, const double*, double*) const; \
  template StencilMatrix<T> symmetric_part<T>(const StencilMatrix<T>&, const LevelLayout&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
