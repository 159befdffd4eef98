// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/data/normaliser.hpp>

#include "core/parallel.hpp"

#include <cmath>

namespace nopal {
namespace {

using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;
constexpr double epsilon = 1e-7;

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

}  // namespace

template <class T>
Normaliser<T>::Normaliser(Tensor<T> mean, Tensor<T> deviation)
    : mean_(std::move(mean)), deviation_(std::move(deviation)) {
  NOPAL_CHECK(mean_.shape() == deviation_.shape() && mean_.rank() >= 1,
              "normaliser: mean has shape ", mean_.shape(), ", deviation ", deviation_.shape());
}

template <class T>
Tensor<T> Normaliser<T>::encode(const Tensor<T>& x) const {
  const Tensor<T> z = x.clone();
  encode_in_place(z);
  return z;
}

template <class T>
Tensor<T> Normaliser<T>::decode(const Tensor<T>& z) const {
  const Tensor<T> x = z.clone();
  decode_in_place(x);
  return x;
}

template <class T>
void Normaliser<T>::encode_in_place(const Tensor<T>& x) const {
  if (identity()) return;
  const std::int64_t n = period(mean_, x.shape());
  const T* mean = mean_.data();
  const T* deviation = deviation_.data();
  T* p = x.data();
  detail::parallel_for(
      "nopal::encode", Range(0, x.size() / n), KOKKOS_LAMBDA(std::int64_t r) {
        for (std::int64_t c = 0; c < n; ++c)
          p[r * n + c] = (p[r * n + c] - mean[c]) / (deviation[c] + static_cast<T>(epsilon));
      });
}

template <class T>
void Normaliser<T>::decode_in_place(const Tensor<T>& z) const {
  if (identity()) return;
  const std::int64_t n = period(mean_, z.shape());
  const T* mean = mean_.data();
  const T* deviation = deviation_.data();
  T* p = z.data();
  detail::parallel_for(
      "nopal::decode", Range(0, z.size() / n), KOKKOS_LAMBDA(std::int64_t r) {
        for (std::int64_t c = 0; c < n; ++c)
          p[r * n + c] = p[r * n + c] * (deviation[c] + static_cast<T>(epsilon)) + mean[c];
      });
}

template <class T>
void NormaliserFit<T>::add(const Tensor<T>& x) {
  NOPAL_CHECK(x.rank() >= 2, "normaliser: expected samples of shape (B, ..., C), got ", x.shape());
  const Shape sample(x.shape().begin() + 1, x.shape().end());
  const Shape shape = kind_ == Kind::channel ? Shape{sample[-1]} : sample;
  if (mean_.empty()) {
    shape_ = shape;
    mean_.assign(static_cast<std::size_t>(shape.size()), 0);
    squares_ = mean_;
  }
  NOPAL_CHECK(shape == shape_, "normaliser: samples of shape ", x.shape(),
              " after statistics of shape ", shape_);
  const std::vector<T> values = x.to_vector();
  const auto n = mean_.size();
  if (n == 0) return;
  for (std::size_t first = 0; first < values.size(); first += n) {
    samples_ += 1;
    for (std::size_t c = 0; c < n; ++c) {  // Welford's update
      const double value = values[first + c], before = value - mean_[c];
      mean_[c] += before / samples_;
      squares_[c] += before * (value - mean_[c]);
    }
  }
}

template <class T>
Normaliser<T> NormaliserFit<T>::finish(const Communicator& comm) const {
  const double total = comm.sum(samples_);
  NOPAL_CHECK(total > 0, "normaliser: there are no samples to fit to");
  // A rank without samples does not know the shape.
  std::int64_t n = static_cast<std::int64_t>(comm.max(static_cast<double>(mean_.size())));
  Shape shape;
  const auto rank = static_cast<int>(comm.max(shape_.rank()));
  for (int j = 0; j < rank; ++j)
    shape.push_back(static_cast<std::int64_t>(
        comm.max(shape_.rank() > 0 ? static_cast<double>(shape_[j]) : 0.0)));

  // Chan's formula: mean = sum n_r mean_r / n, squares = sum (squares_r + n_r (mean_r - mean)^2).
  Tensor<double> mean = Tensor<double>::zeros({n}), squares = Tensor<double>::zeros({n});
  std::vector<double> weighted(mean_.size());
  for (std::size_t c = 0; c < mean_.size(); ++c)
    weighted[c] = mean_[c] * samples_ / total;
  if (!weighted.empty()) mean.copy_from_host(weighted.data());
  comm.sum(mean);
  const std::vector<double> centre = mean.to_vector();
  std::vector<double> parts(mean_.size());
  for (std::size_t c = 0; c < mean_.size(); ++c)
    parts[c] = squares_[c] + samples_ * (mean_[c] - centre[c]) * (mean_[c] - centre[c]);
  if (!parts.empty()) squares.copy_from_host(parts.data());
  comm.sum(squares);

  const std::vector<double> sums = squares.to_vector();
  std::vector<T> m(centre.begin(), centre.end()), s(sums.size());
  for (std::size_t c = 0; c < s.size(); ++c)
    s[c] = static_cast<T>(std::sqrt(sums[c] / total));
  return Normaliser<T>(Tensor<T>::from_host(shape, m), Tensor<T>::from_host(shape, s));
}

template class Normaliser<float>;
template class Normaliser<double>;
template class NormaliserFit<float>;
template class NormaliserFit<double>;

}  // namespace nopal
