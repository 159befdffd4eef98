// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/nn/stencil_map.hpp>

#include "core/parallel.hpp"

#include <algorithm>

namespace nopal {
namespace {

using Numbers = Kokkos::View<std::int64_t*, MemorySpace>;

Numbers to_device(const std::vector<std::int64_t>& numbers) {
  const Kokkos::View<const std::int64_t*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged> host(
      numbers.data(), numbers.size());
  Numbers device(Kokkos::view_alloc("nopal::stencils", Kokkos::WithoutInitializing),
                 numbers.size());
  Kokkos::deep_copy(device, host);
  return device;
}

}  // namespace

// Entries by outputs, and again by points for the adjoint, which then needs no atomic sums.
template <class T>
struct StencilMap<T>::Parts {
  std::int64_t rows, outputs, components;
  Numbers first, points, first_of_point, outputs_of_point;
  Tensor<T> weights, weights_of_point;
};

template <class T>
StencilMap<T>::StencilMap(const RowStencils& s) {
  const auto entries = static_cast<std::int64_t>(s.points.size());
  NOPAL_CHECK(!s.first.empty() && s.first.front() == 0 && s.first.back() == entries &&
                  std::is_sorted(s.first.begin(), s.first.end()) && s.components >= 1 &&
                  static_cast<std::int64_t>(s.weights.size()) == entries * s.components,
              "stencils: ", s.first.size(), " first entries, ", entries, " points and ",
              s.weights.size(), " weights of ", s.components, " components do not fit each other");
  for (const std::int64_t p : s.points)
    NOPAL_CHECK(p >= 0 && p < s.rows, "stencils: point ", p, " is not one of the ", s.rows);
  auto parts = std::make_shared<Parts>();
  parts->rows = s.rows;
  parts->outputs = s.outputs();
  parts->components = s.components;
  parts->first = to_device(s.first);
  parts->points = to_device(s.points);
  const auto d = static_cast<std::size_t>(s.components);
  std::vector<T> weights(s.weights.begin(), s.weights.end()), by_point(weights.size());
  std::vector<std::int64_t> first(static_cast<std::size_t>(s.rows) + 1, 0),
      outputs(s.points.size());
  for (const std::int64_t p : s.points)
    ++first[static_cast<std::size_t>(p) + 1];
  for (std::size_t p = 1; p < first.size(); ++p)
    first[p] += first[p - 1];
  std::vector<std::int64_t> next = first;
  for (std::size_t m = 0; m + 1 < s.first.size(); ++m)
    for (auto k = static_cast<std::size_t>(s.first[m]);
         k < static_cast<std::size_t>(s.first[m + 1]); ++k) {
      const auto at = static_cast<std::size_t>(next[static_cast<std::size_t>(s.points[k])]++);
      outputs[at] = static_cast<std::int64_t>(m);
      for (std::size_t j = 0; j < d; ++j)
        by_point[at * d + j] = weights[k * d + j];
    }
  parts->first_of_point = to_device(first);
  parts->outputs_of_point = to_device(outputs);
  const auto count = static_cast<std::int64_t>(weights.size());
  parts->weights = Tensor<T>::from_host({count}, weights);
  parts->weights_of_point = Tensor<T>::from_host({count}, by_point);
  parts_ = std::move(parts);
}

template <class T>
Variable<T> StencilMap<T>::operator()(const Variable<T>& u) const {
  const ScopedRegion region("stencils");
  const Parts& p = *parts_;
  NOPAL_CHECK(u.shape().rank() == 2 && u.shape()[0] == p.rows, "stencils of ", p.rows,
              " points do not fit values ", u.shape(), ", expected (", p.rows, ", C)");
  const std::int64_t channels = u.shape()[1], components = p.components;
  Tensor<T> y({p.outputs, components, channels});
  {
    const T *x = u.value().data(), *w = p.weights.data();
    T* to = y.data();
    const Numbers first = p.first, points = p.points;
    detail::parallel_for(
        "nopal::stencils", detail::ItemRange(0, p.outputs), KOKKOS_LAMBDA(std::int64_t m) {
          for (std::int64_t j = 0; j < components; ++j)
            for (std::int64_t c = 0; c < channels; ++c) {
              T sum = 0;
              for (std::int64_t k = first(m); k < first(m + 1); ++k)
                sum += w[k * components + j] * x[points(k) * channels + c];
              to[(m * components + j) * channels + c] = sum;
            }
        });
  }
  if (!needs_record(u)) return y;
  return record<T>(y, [u, parts = parts_, channels, components](const Tensor<T>& dy) {
    const auto [dx, beta] = u.gradient_slot();
    const T *from = dy.data(), *w = parts->weights_of_point.data();
    T* to = dx.data();
    const T factor = beta;
    const Numbers first = parts->first_of_point, outputs = parts->outputs_of_point;
    detail::parallel_for(
        "nopal::stencils_adjoint", detail::ItemRange(0, parts->rows),
        KOKKOS_LAMBDA(std::int64_t r) {
          for (std::int64_t c = 0; c < channels; ++c) {
            T sum = factor == T(0) ? T(0) : factor * to[r * channels + c];
            for (std::int64_t k = first(r); k < first(r + 1); ++k)
              for (std::int64_t j = 0; j < components; ++j)
                sum += w[k * components + j] * from[(outputs(k) * components + j) * channels + c];
            to[r * channels + c] = sum;
          }
        });
  });
}

template class StencilMap<float>;
template class StencilMap<double>;

}  // namespace nopal
