// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/domain_padding.hpp>

#include "core/parallel.hpp"

namespace nopal {
namespace {

using Lines = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;

// A small field (B, n1, n2, n3, C) inside a large one (B, m1, m2, m3, C), starting at (l1, l2, l3).
struct Frame {
  std::int64_t batch, channels;
  std::int64_t n[3] = {1, 1, 1}, m[3] = {1, 1, 1}, low[3] = {0, 0, 0};
};

Frame make_frame(const char* what, const Shape& small, const Shape& low, const Shape& high) {
  const int d = small.rank() - 2;
  NOPAL_CHECK(d >= 1 && d <= 3 && low.rank() == d && high.rank() == d, what, ": field ", small,
              " needs ", d, " widths a side, got ", low, " and ", high);
  Frame frame{small[0], small[-1]};
  for (int j = 0; j < d; ++j) {
    const int axis = 3 - d + j;  // missing leading axes have one point
    frame.n[axis] = small[j + 1];
    frame.low[axis] = low[j];
    frame.m[axis] = small[j + 1] + low[j] + high[j];
  }
  return frame;
}

// large := small where they overlap and 0 elsewhere.
template <class T>
void embed(const Frame& f, const T* small, T* large) {
  const std::int64_t lines = f.batch * f.m[0] * f.m[1], line = f.m[2] * f.channels;
  detail::parallel_for(
      "nopal::pad", Lines(0, lines), KOKKOS_LAMBDA(std::int64_t i) {
        const std::int64_t i1 = i % f.m[1] - f.low[1], i0 = i / f.m[1] % f.m[0] - f.low[0];
        const std::int64_t b = i / (f.m[0] * f.m[1]);
        const bool inside = i0 >= 0 && i0 < f.n[0] && i1 >= 0 && i1 < f.n[1];
        const std::int64_t first = f.low[2] * f.channels;
        const std::int64_t end = inside ? first + f.n[2] * f.channels : first;
        const T* source = small + ((b * f.n[0] + i0) * f.n[1] + i1) * f.n[2] * f.channels;
        T* target = large + i * line;
        for (std::int64_t k = 0; k < first; ++k)
          target[k] = T(0);
        for (std::int64_t k = first; k < end; ++k)
          target[k] = source[k - first];
        for (std::int64_t k = end; k < line; ++k)
          target[k] = T(0);
      });
}

// small := beta small + the overlapping part of large.
template <class T>
void extract(const Frame& f, const T* large, T* small, T beta) {
  const std::int64_t lines = f.batch * f.n[0] * f.n[1], line = f.n[2] * f.channels;
  const bool add = beta != T(0);
  detail::parallel_for(
      "nopal::crop", Lines(0, lines), KOKKOS_LAMBDA(std::int64_t i) {
        const std::int64_t i1 = i % f.n[1] + f.low[1], i0 = i / f.n[1] % f.n[0] + f.low[0];
        const std::int64_t b = i / (f.n[0] * f.n[1]);
        const T* source =
            large + (((b * f.m[0] + i0) * f.m[1] + i1) * f.m[2] + f.low[2]) * f.channels;
        T* target = small + i * line;
        for (std::int64_t k = 0; k < line; ++k)
          target[k] = (add ? target[k] : T(0)) + source[k];
      });
}

}  // namespace

template <class T>
Variable<T> pad(const Variable<T>& x, const Shape& low, const Shape& high) {
  const Frame frame = make_frame("pad", x.shape(), low, high);
  Shape shape = x.shape();
  for (int j = 0; j < low.rank(); ++j)
    shape = shape.with(j + 1, shape[j + 1] + low[j] + high[j]);
  const Tensor<T> y(shape);
  embed(frame, x.value().data(), y.data());
  if (!needs_record(x)) return y;
  return record<T>(y, [x, frame](const Tensor<T>& dy) {
    const auto [dx, beta] = x.gradient_slot();
    extract(frame, dy.data(), dx.data(), beta);
  });
}

template <class T>
Variable<T> crop(const Variable<T>& x, const Shape& low, const Shape& high) {
  Shape shape = x.shape();
  for (int j = 0; j < low.rank(); ++j) {
    // A rank without points has an empty field.
    const std::int64_t left =
        j + 2 < shape.rank() ? shape[j + 1] - low[j] - high[j] + (x.value().size() == 0 ? 1 : 0)
                             : 0;
    NOPAL_CHECK(left > 0, "crop: field ", x.shape(), " has no points left without ", low, " and ",
                high);
    shape = shape.with(j + 1, shape[j + 1] - low[j] - high[j]);
  }
  const Frame frame = make_frame("crop", shape, low, high);
  const Tensor<T> y(shape);
  extract(frame, x.value().data(), y.data(), T(0));
  if (!needs_record(x)) return y;
  return record<T>(y, [x, frame](const Tensor<T>& dy) {
    const Tensor<T> dx(x.shape());
    embed(frame, dy.data(), dx.data());
    x.accumulate(dx);
  });
}

#define NOPAL_INSTANTIATE(T)                                                   \
  template Variable<T> pad<T>(const Variable<T>&, const Shape&, const Shape&); \
  template Variable<T> crop<T>(const Variable<T>&, const Shape&, const Shape&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
