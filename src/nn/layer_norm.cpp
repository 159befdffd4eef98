// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/layer_norm.hpp>

#include "core/parallel.hpp"
#include "nn/row_kernels.hpp"

#include <cmath>
#include <vector>

namespace nopal {
namespace {

constexpr double epsilon = 1e-5;  // PyTorch's default

// Where entry (p, c) of a field on a rank's box has its scale and shift.
struct AffineMap {
  bool per_point = false;
  std::int64_t channels = 1;
  std::int64_t count[3] = {1, 1, 1}, first[3] = {}, whole[3] = {1, 1, 1};  // box, its place, grid

  KOKKOS_INLINE_FUNCTION std::int64_t operator()(std::int64_t p, std::int64_t c) const {
    if (!per_point) return c;
    const std::int64_t i2 = p % count[2] + first[2], i1 = p / count[2] % count[1] + first[1];
    const std::int64_t i0 = p / (count[2] * count[1]) + first[0];
    return ((i0 * whole[1] + i1) * whole[2] + i2) * channels + c;
  }
};

// What the forward and the adjoint share.
struct Field {
  std::int64_t batch, points, channels;
  double entries;  // of a sample, on all ranks
  AffineMap map;

  Field(const Shape& x, const Shape& affine, const Shape& extents, const Box& box)
      : batch(x[0]), points(box.size()), channels(x[-1]) {
    const int d = extents.rank();
    entries = static_cast<double>(extents.size()) * static_cast<double>(channels);
    map.per_point = affine.rank() > 1;
    map.channels = channels;
    for (int a = 0; a < d; ++a) {
      map.count[3 - d + a] = box[a].size();
      map.first[3 - d + a] = box[a].begin;
      map.whole[3 - d + a] = extents[a];
    }
  }
};

// Sums of the channels of each of `rows` rows, over all ranks.
template <class T>
std::vector<double> totals(const Tensor<T>& sums, std::int64_t rows, const Communicator& comm) {
  const std::vector<T> values = sums.to_vector();
  std::vector<double> result(static_cast<std::size_t>(rows));
  const std::size_t width = rows > 0 ? values.size() / result.size() : 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    result[i / width] += static_cast<double>(values[i]);
  if (comm.size() > 1) {
    const auto all = Tensor<double>::from_host(Shape{rows}, result);
    comm.sum(all);
    all.copy_to_host(result.data());
  }
  return result;
}

template <class T>
Variable<T> normalise(const Variable<T>& x, const Variable<T>& scale, const Variable<T>& shift,
                      const Field& f, const Communicator& comm) {
  const std::int64_t n = f.points, channels = f.channels, sample = n * channels;
  const Tensor<T> z(x.shape()), sums({f.batch, channels}), one({channels}), center({channels});
  one.fill(T(1));
  for (std::int64_t b = 0; b < f.batch; ++b)
    detail::sum_rows(x.value().data() + b * sample, sums.data() + b * channels, n, channels, T(0));
  const std::vector<double> mean = totals(sums, f.batch, comm);
  for (std::int64_t b = 0; b < f.batch; ++b) {
    T* zb = z.data() + b * sample;
    center.fill(static_cast<T>(mean[static_cast<std::size_t>(b)] / f.entries));
    detail::standardise_rows(x.value().data() + b * sample, center.data(), one.data(), zb, n,
                             channels);
    detail::dot_rows(zb, zb, sums.data() + b * channels, n, channels, T(0));
  }
  std::vector<double> inverse = totals(sums, f.batch, comm);
  for (double& value : inverse)
    value = 1 / std::sqrt(value / f.entries + epsilon);

  const bool recorded = needs_record(x, scale, shift), affine = scale.value().defined();
  // The adjoint needs z, and who gets y may overwrite it.
  const Tensor<T> y = recorded ? Tensor<T>(x.shape()) : z;
  const AffineMap map = f.map;
  for (std::int64_t b = 0; b < f.batch; ++b) {
    const T factor = static_cast<T>(inverse[static_cast<std::size_t>(b)]);
    const T *g = scale.value().data(), *s = shift.value().data();
    T *zb = z.data() + b * sample, *yb = y.data() + b * sample;
    if (affine)
      detail::parallel_entries(
          "nopal::layer_norm", n, channels, KOKKOS_LAMBDA(std::int64_t p, std::int64_t c) {
            const std::int64_t i = p * channels + c, a = map(p, c);
            const T value = factor * zb[i];
            zb[i] = value;
            yb[i] = value * g[a] + s[a];
          });
    else
      detail::parallel_flat(
          "nopal::layer_norm", sample, KOKKOS_LAMBDA(std::int64_t i) {
            const T value = factor * zb[i];
            zb[i] = value;
            yb[i] = value;
          });
  }
  if (!recorded) return y;

  return record<T>(y, [=](const Tensor<T>& dy) {
    // With g = scale dy: dx = inverse (g - mean(g) - z mean(g z)), means over the whole field.
    if (shift.requires_gradient() || scale.requires_gradient()) {
      typename Variable<T>::Slot dscale{}, dshift{};
      if (scale.requires_gradient()) dscale = scale.gradient_slot();
      if (shift.requires_gradient()) dshift = shift.gradient_slot();
      for (const auto& slot : {dscale, dshift})
        if (slot.buffer.defined() && map.per_point && slot.beta == T(0)) slot.buffer.fill(T(0));
      if (map.per_point) {
        T *ds = dscale.buffer.data(), *dt = dshift.buffer.data();
        for (std::int64_t b = 0; b < f.batch; ++b) {
          const T *zb = z.data() + b * sample, *db = dy.data() + b * sample;
          detail::parallel_entries(
              "nopal::layer_norm_affine", n, channels,
              KOKKOS_LAMBDA(std::int64_t p, std::int64_t c) {
                const std::int64_t i = p * channels + c, a = map(p, c);
                if (ds) ds[a] += db[i] * zb[i];
                if (dt) dt[a] += db[i];
              });
        }
      } else {
        const std::int64_t rows = f.batch * n;
        if (dscale.buffer.defined())
          detail::dot_rows(dy.data(), z.data(), dscale.buffer.data(), rows, channels, dscale.beta);
        if (dshift.buffer.defined())
          detail::sum_rows(dy.data(), dshift.buffer.data(), rows, channels, dshift.beta);
      }
    }
    if (!x.requires_gradient()) return;
    if (affine) {
      const T* g = scale.value().data();
      for (std::int64_t b = 0; b < f.batch; ++b) {
        T* db = dy.data() + b * sample;
        detail::parallel_entries(
            "nopal::layer_norm_scale", n, channels, KOKKOS_LAMBDA(std::int64_t p, std::int64_t c) {
              db[p * channels + c] *= g[map(p, c)];
            });
      }
    }
    const Tensor<T> both({2 * f.batch, channels});
    for (std::int64_t b = 0; b < f.batch; ++b) {
      const T *zb = z.data() + b * sample, *db = dy.data() + b * sample;
      detail::sum_rows(db, both.data() + 2 * b * channels, n, channels, T(0));
      detail::dot_rows(db, zb, both.data() + (2 * b + 1) * channels, n, channels, T(0));
    }
    const std::vector<double> s = totals(both, 2 * f.batch, comm);
    const auto [dx, beta] = x.gradient_slot();
    const bool add = beta != T(0);
    for (std::int64_t b = 0; b < f.batch; ++b) {
      const auto k = static_cast<std::size_t>(b);
      const T factor = static_cast<T>(inverse[k]);
      const T m1 = static_cast<T>(s[2 * k] / f.entries),
              m2 = static_cast<T>(s[2 * k + 1] / f.entries);
      const T *zb = z.data() + b * sample, *db = dy.data() + b * sample;
      T* xb = dx.data() + b * sample;
      detail::parallel_flat(
          "nopal::layer_norm_adjoint", sample, KOKKOS_LAMBDA(std::int64_t i) {
            xb[i] = (add ? xb[i] : T(0)) + factor * (db[i] - m1 - zb[i] * m2);
          });
    }
  });
}

template <class T>
void check(const Variable<T>& x, const Variable<T>& scale, const Variable<T>& shift,
           const Shape& extents, const Shape& box) {
  const Shape& shape = x.shape();
  NOPAL_CHECK(
      shape.rank() == extents.rank() + 2 && Shape(shape.begin() + 1, shape.end() - 1) == box,
      "layer norm: expected a field (B, ", box, ", C) on the box of a grid ", extents, ", got ",
      shape);
  Shape whole = extents;
  whole.push_back(shape[-1]);
  const Shape& affine = scale.shape();
  NOPAL_CHECK(scale.value().defined() == shift.value().defined() && affine == shift.shape() &&
                  (!scale.value().defined() || affine == whole || affine == Shape{shape[-1]}),
              "layer norm: scale ", affine, " and shift ", shift.shape(), " must both be absent, ",
              Shape{shape[-1]}, " or, one of each point, ", whole);
}

}  // namespace

template <class T>
Variable<T> layer_norm(const Variable<T>& x, const Variable<T>& scale, const Variable<T>& shift,
                       const Grid& grid) {
  check(x, scale, shift, grid.extents(), grid.box().extents());
  return normalise(x, scale, shift, Field(x.shape(), scale.shape(), grid.extents(), grid.box()),
                   grid.comm());
}

template <class T>
Variable<T> layer_norm(const Variable<T>& x, const Variable<T>& scale, const Variable<T>& shift) {
  NOPAL_CHECK(x.shape().rank() >= 3 && x.shape().rank() <= 5,
              "layer norm: expected a field (B, X1, ..., Xd, C), d = 1, 2, 3, got ", x.shape());
  const Shape extents(x.shape().begin() + 1, x.shape().end() - 1);
  check(x, scale, shift, extents, extents);
  Box box{{}, extents.rank()};
  for (int a = 0; a < extents.rank(); ++a)
    box.ranges[static_cast<std::size_t>(a)] = {0, extents[a]};
  return normalise(x, scale, shift, Field(x.shape(), scale.shape(), extents, box), Communicator());
}

#define NOPAL_INSTANTIATE(T)                                                                     \
  template Variable<T> layer_norm<T>(const Variable<T>&, const Variable<T>&, const Variable<T>&, \
                                     const Grid&);                                               \
  template Variable<T> layer_norm<T>(const Variable<T>&, const Variable<T>&, const Variable<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
