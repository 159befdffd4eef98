// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "data/dataset_checks.hpp"

#include <nopal/core/random.hpp>
#include <nopal/data/sample_buffer.hpp>

namespace nopal {

template <class T>
SampleBuffer<T>::SampleBuffer(const Shape& x_shape, const Shape& y_shape, std::int64_t capacity,
                              Keep keep, std::uint64_t seed)
    : x_shape_(x_shape), y_shape_(y_shape), capacity_(capacity), keep_(keep), seed_(seed) {
  NOPAL_CHECK(capacity > 0, "sample buffer: expected room for at least 1 sample, got ", capacity);
}

template <class T>
void SampleBuffer<T>::add(const Tensor<T>& x, const Tensor<T>& y) {
  NOPAL_CHECK(x.shape() == detail::with_samples(1, x_shape_) &&
                  y.shape() == detail::with_samples(1, y_shape_),
              "sample buffer: expected x of shape ", detail::with_samples(1, x_shape_), " and y ",
              detail::with_samples(1, y_shape_), ", got ", x.shape(), " and ", y.shape());
  const std::int64_t number = seen_++;
  if (number < capacity_) {
    samples_.push_back({x.clone(), y.clone()});
    return;
  }
  std::int64_t place = number % capacity_;
  if (keep_ == Keep::uniform) {
    const double uniform = Random(seed_).uniform(static_cast<std::uint64_t>(number));
    place = static_cast<std::int64_t>(uniform * static_cast<double>(seen_));
    if (place >= capacity_) return;
  }
  const Sample& replaced = samples_[static_cast<std::size_t>(place)];
  replaced.x.copy_from(x);
  replaced.y.copy_from(y);
}

template <class T>
std::string SampleBuffer<T>::description() const {
  return detail::concatenate(size(), " of ", seen_, " samples of a stream");
}

template <class T>
void SampleBuffer<T>::read(std::span<const std::int64_t> indices, const Tensor<T>& x,
                           const Tensor<T>& y) const {
  for (std::size_t i = 0; i < indices.size(); ++i) {
    NOPAL_CHECK(indices[i] >= 0 && indices[i] < size(), "sample buffer: there is no sample ",
                indices[i], " in ", description());
    const Sample& sample = samples_[static_cast<std::size_t>(indices[i])];
    x.slice(static_cast<std::int64_t>(i), 1).copy_from(sample.x);
    y.slice(static_cast<std::int64_t>(i), 1).copy_from(sample.y);
  }
}

template class SampleBuffer<float>;
template class SampleBuffer<double>;

}  // namespace nopal
