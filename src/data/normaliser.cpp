// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/comm/field_part.hpp>
#include <nopal/data/normaliser.hpp>

#include "core/parallel.hpp"
#include "data/dataset_checks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace nopal {
namespace {

using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;
constexpr std::int64_t many_channels = 256;
constexpr double smallest_share = 1e-7;  // of a point's deviation in the largest one of its channel

// Entries of the statistics that repeat over a field of this shape: the last axis, or a sample.
template <class T>
std::int64_t period(const Tensor<T>& mean, const Shape& field) {
  const bool channel = mean.rank() == 1 && field.rank() >= 1 && field[-1] == mean.extent(0);
  const bool point = mean.rank() > 1 && field.rank() == mean.rank() + 1 &&
                     Shape(field.begin() + 1, field.end()) == mean.shape();
  NOPAL_CHECK(channel || point, "normaliser: statistics of shape ", mean.shape(),
              " do not fit a field of shape ", field,
              mean.rank() > 1 ? " (statistics per point hold for their own grid only)" : "");
  return mean.size();
}

// x := map(x, mean, scale), entry by entry; scale is the deviation, or 1 where that is 0. Channels
// are a short loop inside a parallel one over points; statistics per point are many, so there they
// are the parallel loop.
template <class T, class Map>
void apply(const char* name, const Tensor<T>& mean, const Tensor<T>& deviation, const Tensor<T>& x,
           const Map& map) {
  const std::int64_t n = period(mean, x.shape()), rows = x.size() / n;
  const T* m = mean.data();
  const T* s = deviation.data();
  T* p = x.data();
  if (n < many_channels) {
    detail::parallel_for(
        name, Range(0, rows), KOKKOS_LAMBDA(std::int64_t r) {
          for (std::int64_t c = 0; c < n; ++c)
            p[r * n + c] = map(p[r * n + c], m[c], s[c] > 0 ? s[c] : T(1));
        });
    return;
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    T* row = p + r * n;
    detail::parallel_for(
        name, Range(0, n),
        KOKKOS_LAMBDA(std::int64_t c) { row[c] = map(row[c], m[c], s[c] > 0 ? s[c] : T(1)); });
  }
}

struct Encode {
  template <class T>
  KOKKOS_INLINE_FUNCTION T operator()(T x, T mean, T scale) const {
    return (x - mean) / scale;
  }
};

struct Decode {
  template <class T>
  KOKKOS_INLINE_FUNCTION T operator()(T z, T mean, T scale) const {
    return z * scale + mean;
  }
};

// Index of the first entry that is not a finite number of at least `least`, or -1.
template <class T>
std::int64_t first_bad(const Tensor<T>& tensor, double least) {
  const std::vector<T> values = tensor.to_vector();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]) || values[i] < least) return static_cast<std::int64_t>(i);
  return -1;
}

}  // namespace

template <class T>
Normaliser<T>::Normaliser(Tensor<T> mean, Tensor<T> deviation)
    : mean_(std::move(mean)), deviation_(std::move(deviation)) {
  NOPAL_CHECK(mean_.shape() == deviation_.shape() && mean_.rank() >= 1 && mean_.size() > 0,
              "normaliser: mean has shape ", mean_.shape(), ", deviation ", deviation_.shape(),
              "; expected equal shapes (C) or (X1, ..., Xd, C)");
  const std::int64_t mean_at = first_bad(mean_, -std::numeric_limits<double>::infinity());
  NOPAL_CHECK(mean_at < 0, "normaliser: the mean is not finite at entry ", mean_at);
  const std::int64_t deviation_at = first_bad(deviation_, 0);
  NOPAL_CHECK(deviation_at < 0, "normaliser: the deviation is negative or not finite at entry ",
              deviation_at);
}

template <class T>
Normaliser<T> Normaliser<T>::on(const Grid& grid) const {
  if (identity() || mean_.rank() == 1) return *this;
  const Shape points(mean_.shape().begin(), mean_.shape().end() - 1);
  NOPAL_CHECK(points == grid.extents(), "normaliser: statistics per point of a grid ", points,
              " do not fit fields on a grid ", grid.extents());
  const auto part = [&](const Tensor<T>& field) {
    Shape whole{1};
    for (const std::int64_t extent : mean_.shape())
      whole.push_back(extent);
    const Tensor<T> values = field_part(field.reshape(whole), grid.box());
    return values.reshape(Shape(values.shape().begin() + 1, values.shape().end()));
  };
  Normaliser result;  // parts of what was checked
  result.mean_ = part(mean_);
  result.deviation_ = part(deviation_);
  return result;
}

template <class T>
Tensor<T> Normaliser<T>::encode(const Tensor<T>& x) const {
  Tensor<T> z = x.clone();
  encode_in_place(z);
  return z;
}

template <class T>
Tensor<T> Normaliser<T>::decode(const Tensor<T>& z) const {
  Tensor<T> x = z.clone();
  decode_in_place(x);
  return x;
}

template <class T>
void Normaliser<T>::encode_in_place(const Tensor<T>& x) const {
  if (!identity()) apply("nopal::encode", mean_, deviation_, x, Encode());
}

template <class T>
void Normaliser<T>::decode_in_place(const Tensor<T>& z) const {
  if (!identity()) apply("nopal::decode", mean_, deviation_, z, Decode());
}

template <class T>
void NormaliserFit<T>::add(const Tensor<T>& x) {
  NOPAL_CHECK(x.rank() >= 2, "normaliser: expected samples of shape (B, ..., C), got ", x.shape());
  const Shape sample(x.shape().begin() + 1, x.shape().end());
  const Shape shape = kind_ == Kind::channel ? Shape{sample[-1]} : sample;
  NOPAL_CHECK(shape.size() > 0, "normaliser: samples of shape ", x.shape(), " have no entries");
  if (mean_.empty()) {
    shape_ = shape;
    mean_.assign(static_cast<std::size_t>(shape.size()), 0);
    squares_ = mean_;
  }
  NOPAL_CHECK(shape == shape_, "normaliser: samples of shape ", x.shape(),
              " after statistics of shape ", shape_);

  // Short blocks, summed about their first row, lose no digits to long sums or large means.
  constexpr std::size_t block_rows = 1024;
  const std::vector<T> values = x.to_vector();
  const std::size_t n = mean_.size(), rows = values.size() / n;
  std::vector<double> mean(n), squares(n);
  for (std::size_t first = 0; first < rows; first += block_rows) {
    const std::size_t count = std::min(block_rows, rows - first);
    const T* block = values.data() + first * n;
    const double added = static_cast<double>(count), total = samples_ + added;
    std::fill(mean.begin(), mean.end(), 0.0);
    std::fill(squares.begin(), squares.end(), 0.0);
    for (std::size_t r = 0; r < count; ++r)
      for (std::size_t c = 0; c < n; ++c)
        mean[c] += static_cast<double>(block[r * n + c]) - static_cast<double>(block[c]);
    for (std::size_t c = 0; c < n; ++c)
      mean[c] = static_cast<double>(block[c]) + mean[c] / added;
    for (std::size_t r = 0; r < count; ++r)
      for (std::size_t c = 0; c < n; ++c) {
        const double difference = static_cast<double>(block[r * n + c]) - mean[c];
        squares[c] += difference * difference;
      }
    for (std::size_t c = 0; c < n; ++c) {  // Chan's update
      const double difference = mean[c] - mean_[c];
      mean_[c] += difference * (added / total);
      squares_[c] += squares[c] + difference * difference * (samples_ * added / total);
    }
    samples_ = total;
  }
}

template <class T>
Normaliser<T> NormaliserFit<T>::finish(const Communicator& comm) const {
  const double total = comm.sum(samples_);
  NOPAL_CHECK(total > 0, "normaliser: there are no samples to fit to");
  // A rank without samples does not know the shape.
  Shape shape;
  const auto rank = static_cast<int>(comm.max(shape_.rank()));
  for (int j = 0; j < rank; ++j)
    shape.push_back(static_cast<std::int64_t>(
        comm.max(j < shape_.rank() ? static_cast<double>(shape_[j]) : 0.0)));
  comm.together([&] {
    NOPAL_CHECK(mean_.empty() || shape_ == shape, "normaliser: one rank has statistics of shape ",
                shape_, ", another of ", shape);
  });

  // Chan's formula with the mean b of one rank as origin, so that constant data stay exact:
  // mean = b + sum n_r (mean_r - b) / n, squares = sum (squares_r + n_r (mean_r - mean)^2).
  const int lowest = -static_cast<int>(comm.max(mean_.empty() ? -comm.size() : -comm.rank()));
  const auto from_rank = [&](const std::vector<double>& values) {
    return values.empty() ? Tensor<double>::zeros(shape) : Tensor<double>::from_host(shape, values);
  };
  const Tensor<double> origin_tensor = from_rank(mean_);
  comm.broadcast(origin_tensor, lowest);
  const std::vector<double> origin = origin_tensor.to_vector();

  std::vector<double> parts(mean_.size());
  for (std::size_t c = 0; c < mean_.size(); ++c)
    parts[c] = (mean_[c] - origin[c]) * (samples_ / total);
  const Tensor<double> shift = from_rank(parts);
  comm.sum(shift);
  std::vector<double> mean = shift.to_vector();
  for (std::size_t c = 0; c < mean.size(); ++c)
    mean[c] += origin[c];

  for (std::size_t c = 0; c < mean_.size(); ++c)
    parts[c] = squares_[c] + samples_ * (mean_[c] - mean[c]) * (mean_[c] - mean[c]);
  const Tensor<double> squares = from_rank(parts);
  comm.sum(squares);

  const std::vector<double> sums = squares.to_vector();
  std::vector<T> m(mean.begin(), mean.end()), s(sums.size());
  // Points that hardly vary, such as those of a boundary condition, are not blown up.
  const std::size_t channels = static_cast<std::size_t>(shape[-1]);
  std::vector<double> least(channels);
  if (kind_ == Kind::point)
    for (std::size_t c = 0; c < s.size(); ++c)
      least[c % channels] =
          std::max(least[c % channels], smallest_share * std::sqrt(sums[c] / total));
  for (std::size_t c = 0; c < s.size(); ++c)
    s[c] = static_cast<T>(std::max(std::sqrt(sums[c] / total), least[c % channels]));
  return Normaliser<T>(Tensor<T>::from_host(shape, m), Tensor<T>::from_host(shape, s));
}

namespace {

template <class T>
Normaliser<T> fit_field(const Dataset<T>& training, typename NormaliserFit<T>::Kind kind,
                        const Communicator& comm, bool outputs) {
  constexpr std::int64_t block = 32;
  NormaliserFit<T> fit(kind);
  const Slab mine = slab(training.size(), comm.rank(), comm.size());
  comm.together([&] {
    for (std::int64_t done = 0; done < mine.count; done += block) {
      std::vector<std::int64_t> indices(
          static_cast<std::size_t>(std::min(block, mine.count - done)));
      std::iota(indices.begin(), indices.end(), mine.first + done);
      const auto count = static_cast<std::int64_t>(indices.size());
      const Tensor<T> x(detail::with_samples(count, training.x_shape()));
      const Tensor<T> y(detail::with_samples(count, training.y_shape()));
      training.read(indices, x, y);
      fit.add(outputs ? y : x);
    }
  });
  return fit.finish(comm);
}

}  // namespace

template <class T>
Normaliser<T> fit_inputs(const Dataset<T>& training, typename NormaliserFit<T>::Kind kind,
                         const Communicator& comm) {
  return fit_field(training, kind, comm, false);
}

template <class T>
Normaliser<T> fit_outputs(const Dataset<T>& training, typename NormaliserFit<T>::Kind kind,
                          const Communicator& comm) {
  return fit_field(training, kind, comm, true);
}

#define NOPAL_INSTANTIATE(T)                                                       \
  template class Normaliser<T>;                                                    \
  template class NormaliserFit<T>;                                                 \
  template Normaliser<T> fit_inputs<T>(const Dataset<T>&, NormaliserFit<T>::Kind,  \
                                       const Communicator&);                       \
  template Normaliser<T> fit_outputs<T>(const Dataset<T>&, NormaliserFit<T>::Kind, \
                                        const Communicator&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
