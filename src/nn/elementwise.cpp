// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/elementwise.hpp>

#include "core/parallel.hpp"
#include "nn/row_kernels.hpp"

namespace nopal {
namespace {

// y(..., c) = x(..., first + c), c = 0, ..., width - 1; with `back` the other way round, added.
template <class T>
void move_channels(const Tensor<T>& x, std::int64_t first, std::int64_t width, const Tensor<T>& y,
                   bool back) {
  const std::int64_t channels = x.extent(-1);
  T *px = x.data() + first, *py = y.data();
  detail::parallel_for(
      "nopal::move_channels",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>(0, y.size()),
      KOKKOS_LAMBDA(std::int64_t i) {
        T& entry = px[i / width * channels + i % width];
        if (back)
          entry += py[i];
        else
          py[i] = entry;
      });
}

template <class T>
Variable<T> part(const Variable<T>& x, std::int64_t first, std::int64_t width) {
  const Tensor<T> y(x.shape().with(-1, width));
  move_channels(x.value(), first, width, y, false);
  if (!needs_record(x)) return y;
  return record<T>(y, [=](const Tensor<T>& dy) {
    const auto [dx, beta] = x.gradient_slot();
    if (beta == T(0)) dx.fill(T(0));
    move_channels(dx, first, width, dy, true);
  });
}

}  // namespace

template <class T>
Variable<T> add(const Variable<T>& a, const Variable<T>& b) {
  NOPAL_CHECK(a.shape() == b.shape(), "add: shapes ", a.shape(), " and ", b.shape(), " differ");
  axpy(T(1), b.value(), a.value());
  if (!needs_record(a, b)) return a.value();
  return record<T>(a.value(), [a, b](const Tensor<T>& dy) {
    // A gradient may be changed by whoever gets it, so only one of the two can have dy itself.
    if (a.requires_gradient() && b.requires_gradient()) {
      a.accumulate(dy.clone());
      b.accumulate(dy);
    } else {
      (a.requires_gradient() ? a : b).accumulate(dy);
    }
  });
}

template <class T>
Variable<T> add_bias(const Variable<T>& x, const Variable<T>& bias) {
  const std::int64_t columns = bias.value().size();
  NOPAL_CHECK(x.shape().rank() > 0 && x.shape()[-1] == columns, "add_bias: field ", x.shape(),
              " and bias ", bias.shape(), " have different channels");
  const std::int64_t rows = x.value().size() / columns;
  detail::add_rows(bias.value().data(), x.value().data(), rows, columns);
  if (!needs_record(x, bias)) return x.value();
  return record<T>(x.value(), [x, bias, rows, columns](const Tensor<T>& dy) {
    if (bias.requires_gradient()) {
      const auto [db, beta] = bias.gradient_slot();
      detail::sum_rows(dy.data(), db.data(), rows, columns, beta);
    }
    if (x.requires_gradient()) x.accumulate(dy);
  });
}

template <class T>
Variable<T> channel_range(const Variable<T>& x, std::int64_t first, std::int64_t count) {
  NOPAL_CHECK(x.shape().rank() > 0 && first >= 0 && count > 0 && count <= x.shape()[-1] - first,
              "channel_range: expected channels of a field of shape ", x.shape(), ", got ", count,
              " from ", first, " on");
  return part(x, first, count);
}

template <class T>
std::pair<Variable<T>, Variable<T>> halves(const Variable<T>& x) {
  NOPAL_CHECK(x.shape().rank() > 0 && x.shape()[-1] % 2 == 0,
              "halves: expected an even number of channels, got a field of shape ", x.shape());
  const std::int64_t width = x.shape()[-1] / 2;
  return {part(x, 0, width), part(x, width, width)};
}

template <class T>
Variable<T> copy(const Variable<T>& x) {
  const Tensor<T> y = x.value().clone();
  if (!needs_record(x)) return y;
  return record<T>(y, [x](const Tensor<T>& dy) { x.accumulate(dy); });
}

template <class T>
Variable<T> negate(const Variable<T>& x) {
  const Tensor<T> y = x.value().clone();
  scale(T(-1), y);
  if (!needs_record(x)) return y;
  return record<T>(y, [x](const Tensor<T>& dy) {
    scale(T(-1), dy);
    x.accumulate(dy);
  });
}

template <class T>
Variable<T> product(const Variable<T>& a, const Variable<T>& b) {
  NOPAL_CHECK(a.shape() == b.shape(), "product: shapes ", a.shape(), " and ", b.shape(), " differ");
  const Tensor<T> y = a.value().clone();
  detail::multiply(b.value().data(), y.data(), y.size());
  if (!needs_record(a, b)) return y;
  return record<T>(y, [a, b](const Tensor<T>& dy) {
    if (a.requires_gradient()) {
      const Tensor<T> da = dy.clone();
      detail::multiply(b.value().data(), da.data(), da.size());
      a.accumulate(da);
    }
    if (b.requires_gradient()) {
      detail::multiply(a.value().data(), dy.data(), dy.size());
      b.accumulate(dy);
    }
  });
}

template <class T>
Variable<T> reshape(const Variable<T>& x, const Shape& shape) {
  const Tensor<T> y = x.value().reshape(shape);
  if (!needs_record(x)) return y;
  return record<T>(y, [x](const Tensor<T>& dy) { x.accumulate(dy.reshape(x.shape())); });
}

template <class T>
Variable<T> repeat_rows(const Variable<T>& x, std::int64_t times) {
  NOPAL_CHECK(x.shape().rank() >= 1 && times >= 0, "repeat_rows: expected rows and a number of ",
              "times, got ", x.shape(), " and ", times);
  const std::int64_t size = x.value().size();
  const Tensor<T> y(x.shape().with(0, times * x.shape()[0]));
  for (std::int64_t k = 0; k < times && size > 0; ++k)
    y.slice(k * x.shape()[0], x.shape()[0]).copy_from(x.value());
  if (!needs_record(x)) return y;
  return record<T>(y, [x, times, size](const Tensor<T>& dy) {
    const auto [dx, beta] = x.gradient_slot();
    detail::sum_rows(dy.data(), dx.data(), times, size, beta);
  });
}

template <class T>
Variable<T> join_channels(const std::vector<Variable<T>>& x) {
  NOPAL_CHECK(!x.empty(), "join_channels: expected at least one field");
  bool recorded = false;
  std::int64_t channels = 0;
  for (const Variable<T>& field : x) {
    NOPAL_CHECK(field.shape().with(-1, 1) == x[0].shape().with(-1, 1),
                "join_channels: expected fields that differ in channels only, got ", field.shape(),
                " and ", x[0].shape());
    recorded = recorded || needs_record(field);
    channels += field.shape()[-1];
  }
  const Tensor<T> y(x[0].shape().with(-1, channels));
  y.fill(T(0));
  std::int64_t first = 0;
  for (const Variable<T>& field : x) {
    move_channels(y, first, field.shape()[-1], field.value(), true);
    first += field.shape()[-1];
  }
  if (!recorded) return y;
  return record<T>(y, [x](const Tensor<T>& dy) {
    std::int64_t first = 0;
    for (const Variable<T>& field : x) {
      const std::int64_t width = field.shape()[-1];
      if (field.requires_gradient()) {
        const Tensor<T> part(field.shape());
        move_channels(dy, first, width, part, false);
        field.accumulate(part);
      }
      first += width;
    }
  });
}

template <class T>
Variable<T> affine_channels(Variable<T> x, const std::vector<double>& scale,
                            const std::vector<double>& shift) {
  if (scale.empty() && shift.empty()) return x;
  const std::int64_t channels = x.shape()[-1], rows = x.value().size() / channels;
  const auto constants = [&](const std::vector<double>& values, T absent) {
    NOPAL_CHECK(values.empty() || static_cast<std::int64_t>(values.size()) == channels,
                "affine_channels: ", values.size(), " numbers do not fit a field ", x.shape());
    std::vector<T> all(values.begin(), values.end());
    all.resize(static_cast<std::size_t>(channels), absent);
    return Tensor<T>::from_host({channels}, all);
  };
  const Tensor<T> a = constants(scale, T(1)), b = constants(shift, T(0));
  const Tensor<T> y(x.shape());
  detail::scale_rows(a.data(), x.value().data(), y.data(), rows, channels, T(0));
  detail::add_rows(b.data(), y.data(), rows, channels);
  if (!needs_record(x)) return y;
  return record<T>(y, [x, a, rows, channels](const Tensor<T>& dy) {
    const auto [dx, beta] = x.gradient_slot();
    detail::scale_rows(a.data(), dy.data(), dx.data(), rows, channels, beta);
  });
}

template <class T>
Variable<T> linear_combination(const std::vector<std::pair<double, Variable<T>>>& terms) {
  NOPAL_CHECK(!terms.empty(), "linear_combination: expected at least one term");
  const Tensor<T> y = Tensor<T>::zeros(terms[0].second.shape());
  bool recorded = false;
  for (const auto& [factor, x] : terms) {
    NOPAL_CHECK(x.shape() == y.shape(), "linear_combination: shapes ", x.shape(), " and ",
                y.shape(), " differ");
    axpy(static_cast<T>(factor), x.value(), y);
    recorded = recorded || needs_record(x);
  }
  if (!recorded) return y;
  return record<T>(y, [terms](const Tensor<T>& dy) {
    for (const auto& [factor, x] : terms) {
      if (!x.requires_gradient()) continue;
      const auto [dx, beta] = x.gradient_slot();
      if (beta == T(0)) dx.fill(T(0));
      axpy(static_cast<T>(factor), dy, dx);
    }
  });
}

#define NOPAL_INSTANTIATE(T)                                                                      \
  template Variable<T> negate<T>(const Variable<T>&);                                             \
  template Variable<T> add<T>(const Variable<T>&, const Variable<T>&);                            \
  template Variable<T> add_bias<T>(const Variable<T>&, const Variable<T>&);                       \
  template Variable<T> channel_range<T>(const Variable<T>&, std::int64_t, std::int64_t);          \
  template std::pair<Variable<T>, Variable<T>> halves<T>(const Variable<T>&);                     \
  template Variable<T> product<T>(const Variable<T>&, const Variable<T>&);                        \
  template Variable<T> reshape<T>(const Variable<T>&, const Shape&);                              \
  template Variable<T> repeat_rows<T>(const Variable<T>&, std::int64_t);                          \
  template Variable<T> join_channels<T>(const std::vector<Variable<T>>&);                         \
  template Variable<T> affine_channels<T>(Variable<T>, const std::vector<double>&,                \
                                          const std::vector<double>&);                            \
  template Variable<T> linear_combination<T>(const std::vector<std::pair<double, Variable<T>>>&); \
  template Variable<T> copy<T>(const Variable<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
