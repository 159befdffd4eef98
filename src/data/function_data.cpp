// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/comm/communicator.hpp>
#include <nopal/data/function_data.hpp>

#include "core/parallel.hpp"
#include "data/point_checks.hpp"

#include <algorithm>
#include <numeric>

namespace nopal {
namespace {

using Indices = std::vector<std::int64_t>;

// Rows of x, seen as (rows, width), as a tensor of shape `shape`.
template <class T>
Tensor<T> gather(const Tensor<T>& x, std::int64_t width, const Indices& rows, const Shape& shape) {
  Tensor<T> y(shape);
  using Host =
      Kokkos::View<const std::int64_t*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
  const auto index =
      Kokkos::create_mirror_view_and_copy(MemorySpace(), Host(rows.data(), rows.size()));
  const T* const from = x.data();
  T* const to = y.data();
  detail::parallel_entries(
      "nopal::gather_rows", static_cast<std::int64_t>(rows.size()), width,
      KOKKOS_LAMBDA(std::int64_t r, std::int64_t c) {
        to[r * width + c] = from[index(r) * width + c];
      });
  return y;
}

Shape with_samples(std::int64_t n, const Shape& sample) {
  Shape shape{n};
  for (const std::int64_t extent : sample)
    shape.push_back(extent);
  return shape;
}

Shape replace_first(const Shape& shape, std::size_t n) {
  return shape.with(0, static_cast<std::int64_t>(n));
}

// The same functions with the rows `rows` of points and values, `counts` of them of each sample.
template <class T>
FunctionData<T> ragged_part(const FunctionData<T>& data, const Indices& rows,
                            const Indices& offsets) {
  FunctionData<T> part;
  part.functions = data.functions;
  part.offsets = offsets;
  part.points = gather(data.points, data.points.extent(1), rows,
                       replace_first(data.points.shape(), rows.size()));
  part.values =
      gather(data.values, data.channels(), rows, replace_first(data.values.shape(), rows.size()));
  if (data.mask.defined())
    part.mask = gather(data.mask, 1, rows, {static_cast<std::int64_t>(rows.size())});
  return part;
}

// The same functions at some of the shared points.
template <class T>
FunctionData<T> shared_part(const FunctionData<T>& data, const Indices& points) {
  FunctionData<T> part;
  part.functions = data.functions;
  const auto count = static_cast<std::int64_t>(points.size());
  part.points = gather(data.points, data.points.extent(1), points,
                       replace_first(data.points.shape(), points.size()));
  Indices rows;
  for (std::int64_t i = 0; i < data.size(); ++i)
    for (const std::int64_t p : points)
      rows.push_back(data.first_row(i) + p);
  part.values = gather(data.values, data.channels(), rows, {data.size(), count, data.channels()});
  if (data.mask.defined()) part.mask = gather(data.mask, 1, rows, {data.size(), count});
  return part;
}

Indices some_of(std::int64_t n, std::int64_t count, const Random& random) {
  Indices all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  if (count >= n) return all;
  // The first steps of a Fisher-Yates shuffle.
  for (std::int64_t i = 0; i < count; ++i) {
    const auto j = i + static_cast<std::int64_t>(random.bits(static_cast<std::uint64_t>(i)) %
                                                 static_cast<std::uint64_t>(n - i));
    std::swap(all[static_cast<std::size_t>(i)], all[static_cast<std::size_t>(j)]);
  }
  all.resize(static_cast<std::size_t>(count));
  std::sort(all.begin(), all.end());
  return all;
}

Indices range(std::int64_t first, std::int64_t count) {
  Indices all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), first);
  return all;
}

// choose(i, n): which of the n rows of sample i.
template <class T, class Choose>
FunctionData<T> some_rows(const FunctionData<T>& data, const Choose& choose) {
  Indices rows, offsets{0};
  for (std::int64_t i = 0; i < data.size(); ++i) {
    for (const std::int64_t r : choose(i, data.rows(i)))
      rows.push_back(data.first_row(i) + r);
    offsets.push_back(static_cast<std::int64_t>(rows.size()));
  }
  return ragged_part(data, rows, offsets);
}

}  // namespace

template <class T>
std::int64_t FunctionData<T>::first_row(std::int64_t i) const {
  return shared() ? i * points.extent(0) : offsets[static_cast<std::size_t>(i)];
}

template <class T>
void FunctionData<T>::check(const std::string& name) const {
  NOPAL_CHECK(!functions.empty() && size() > 0, "data ", name,
              ": expected at least one function of at least one sample, got none");
  for (const Tensor<T>& u : functions) {
    NOPAL_CHECK(u.rank() == 2 && u.extent(0) == size(), "data ", name,
                ": expected functions (N, sensors) of ", size(), " samples, got ", u.shape());
    NOPAL_CHECK(all_finite(u), "data ", name, ": a function has a value that is not finite");
  }
  NOPAL_CHECK(points.defined() && points.rank() == 2 && points.extent(0) > 0, "data ", name,
              ": expected points (P, d), got ", points.shape());
  if (shared()) {
    NOPAL_CHECK(
        values.rank() == 3 && values.extent(0) == size() && values.extent(1) == points.extent(0),
        "data ", name, ": expected values (", size(), ", ", points.extent(0),
        ", C) of all functions at all points, got ", values.shape());
    detail::check_distinct(points, "data " + name + ": ");
  } else {
    NOPAL_CHECK(static_cast<std::int64_t>(offsets.size()) == size() + 1 && offsets.front() == 0 &&
                    offsets.back() == points.extent(0) &&
                    std::is_sorted(offsets.begin(), offsets.end()),
                "data ", name, ": expected ", size() + 1, " offsets that rise from 0 to the ",
                points.extent(0), " points, got ", offsets.size(), " from ", offsets.front(),
                " to ", offsets.back());
    NOPAL_CHECK(values.rank() == 2 && values.extent(0) == points.extent(0), "data ", name,
                ": expected values (", points.extent(0), ", C), one row a point, got ",
                values.shape());
  }
  NOPAL_CHECK(all_finite(points) && all_finite(values), "data ", name,
              ": a point or a value is not finite");
  if (!mask.defined()) return;
  const std::int64_t all = first_row(size());
  NOPAL_CHECK(mask.size() == all, "data ", name, ": expected a mask of ", all,
              " numbers, one a row of the values, got ", mask.shape());
  const std::vector<T> m = mask.to_vector();
  for (std::int64_t i = 0; i < size(); ++i) {
    const auto begin = m.begin() + first_row(i), end = m.begin() + first_row(i + 1);
    NOPAL_CHECK(std::all_of(begin, end, [](T x) { return x == T(0) || x == T(1); }), "data ", name,
                ": expected 0 and 1 in the mask, sample ", i, " has another number");
    NOPAL_CHECK(std::find(begin, end, T(1)) != end, "data ", name, ": the mask of sample ", i,
                " is empty, expected at least one point that counts");
  }
}

template <class T>
FunctionData<T> select_samples(const FunctionData<T>& data, std::span<const std::int64_t> indices) {
  const Indices samples(indices.begin(), indices.end());
  std::vector<Tensor<T>> functions;
  for (const Tensor<T>& u : data.functions)
    functions.push_back(gather(u, u.extent(1), samples, replace_first(u.shape(), samples.size())));
  FunctionData<T> part;
  if (data.shared()) {
    const auto n = static_cast<std::int64_t>(samples.size());
    const std::int64_t points = data.points.extent(0);
    part.points = data.points;
    part.values =
        gather(data.values, points * data.channels(), samples, {n, points, data.channels()});
    if (data.mask.defined()) part.mask = gather(data.mask, points, samples, {n, points});
  } else {
    Indices rows, offsets{0};
    for (const std::int64_t i : samples) {
      for (std::int64_t r = data.first_row(i); r < data.first_row(i + 1); ++r)
        rows.push_back(r);
      offsets.push_back(static_cast<std::int64_t>(rows.size()));
    }
    part = ragged_part(data, rows, offsets);
  }
  part.functions = std::move(functions);
  return part;
}

template <class T>
FunctionData<T> select_points(const FunctionData<T>& data, std::int64_t count,
                              const Random& random) {
  NOPAL_CHECK(count >= 1, "expected at least 1 point of each sample, got ", count);
  if (data.shared()) return shared_part(data, some_of(data.points.extent(0), count, random));
  const std::uint64_t seed = random.bits(0);
  return some_rows(data, [&](std::int64_t i, std::int64_t n) {
    return some_of(n, count, Random(seed, static_cast<std::uint64_t>(i)));
  });
}

template <class T>
FunctionData<T> divide_points(const FunctionData<T>& data, int part, int parts) {
  if (data.shared()) {
    const Slab mine = slab(data.points.extent(0), part, parts);
    return shared_part(data, range(mine.first, mine.count));
  }
  return some_rows(data, [&](std::int64_t, std::int64_t n) {
    const Slab mine = slab(n, part, parts);
    return range(mine.first, mine.count);
  });
}

template <class T>
Tensor<T> select_rows(const Tensor<T>& x, const std::vector<std::int64_t>& rows) {
  NOPAL_CHECK(x.rank() >= 1, "select_rows: expected a tensor with rows, got ", x.shape());
  for (const std::int64_t row : rows)
    NOPAL_CHECK(row >= 0 && row < x.extent(0), "select_rows: there is no row ", row, " in ",
                x.shape());
  return gather(x, x.shape().with(0, 1).size(), rows, replace_first(x.shape(), rows.size()));
}

template <class T>
FunctionData<T> as_function_data(const Dataset<T>& data, const Tensor<T>& points,
                                 const std::vector<std::vector<std::int64_t>>& entries) {
  const std::int64_t n = data.size(), values = data.x_shape().size(), channels = data.y_shape()[-1],
                     count = data.y_shape().size() / channels;
  NOPAL_CHECK(points.rank() == 2 && points.extent(0) == count, "points of shape ", points.shape(),
              " are not those of y ", data.y_shape());
  const Tensor<T> x(with_samples(n, data.x_shape()));
  FunctionData<T> result;
  result.points = points;
  result.values = Tensor<T>(with_samples(n, data.y_shape()));
  data.read(range(0, n), x, result.values);
  result.values = result.values.reshape({n, count, channels});
  if (entries.empty()) result.functions = {x.reshape({n, values})};
  for (const auto& function : entries) {
    Indices all;
    for (std::int64_t i = 0; i < n; ++i)
      for (const std::int64_t entry : function) {
        NOPAL_CHECK(entry >= 0 && entry < values, "a function cannot have entry ", entry, " of x ",
                    data.x_shape());
        all.push_back(i * values + entry);
      }
    const auto width = static_cast<std::int64_t>(function.size());
    result.functions.push_back(gather(x, 1, all, {n, width}));
  }
  return result;
}

template <class T>
Tensor<T> product_points(const std::vector<std::vector<double>>& coordinates) {
  std::vector<T> points;
  std::size_t count = 1;
  for (const auto& axis : coordinates)
    count *= axis.size();
  for (std::size_t p = 0; p < count; ++p) {
    std::size_t stride = count;
    for (const auto& axis : coordinates) {
      stride /= axis.size();
      points.push_back(static_cast<T>(axis[p / stride % axis.size()]));
    }
  }
  return Tensor<T>::from_host(
      {static_cast<std::int64_t>(count), static_cast<std::int64_t>(coordinates.size())}, points);
}

std::vector<double> equally_spaced(double low, double high, std::int64_t n) {
  std::vector<double> x;
  for (std::int64_t i = 0; i < n; ++i)
    x.push_back(n > 1 ? low + (high - low) * static_cast<double>(i) / static_cast<double>(n - 1)
                      : low);
  return x;
}

#define NOPAL_INSTANTIATE(T)                                                                      \
  template struct FunctionData<T>;                                                                \
  template FunctionData<T> select_samples<T>(const FunctionData<T>&,                              \
                                             std::span<const std::int64_t>);                      \
  template FunctionData<T> select_points<T>(const FunctionData<T>&, std::int64_t, const Random&); \
  template FunctionData<T> divide_points<T>(const FunctionData<T>&, int, int);                    \
  template FunctionData<T> as_function_data<T>(const Dataset<T>&, const Tensor<T>&,               \
                                               const std::vector<std::vector<std::int64_t>>&);    \
  template Tensor<T> select_rows<T>(const Tensor<T>&, const std::vector<std::int64_t>&);          \
  template Tensor<T> product_points<T>(const std::vector<std::vector<double>>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
