// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/data/frame_windows.hpp>

#include "data/dataset_checks.hpp"

#include <algorithm>

namespace nopal {

template <class T>
FrameWindows<T>::FrameWindows(std::shared_ptr<const Dataset<T>> base,
                              const FrameWindowOptions& options)
    : base_(std::move(base)), options_(options) {
  const FrameWindowOptions& o = options_;
  NOPAL_CHECK(
      o.variables >= 1 && o.constants >= 0 && o.frames >= 1 && o.steps >= 1 && o.stride >= 1,
      "windows of frames: expected at least 1 variable, frame, step and stride, got ", o.variables,
      ", ", o.frames, ", ", o.steps, ", ", o.stride);
  const std::int64_t x = base_->x_shape()[-1] - o.constants, y = base_->y_shape()[-1];
  NOPAL_CHECK(x > 0 && x % o.variables == 0 && y % o.variables == 0, base_->description(),
              ": expected frames of ", o.variables, " variables and ", o.constants,
              " constants, got ", base_->x_shape()[-1], " and ", y, " channels");
  const std::int64_t all = (x + y) / o.variables;
  NOPAL_CHECK(o.frames + o.steps <= all, base_->description(), " has sequences of ", all,
              " frames, too few for windows of ", o.frames, " and ", o.steps, " frames");
  windows_ = (all - o.frames - o.steps) / o.stride + 1;
}

template <class T>
Shape FrameWindows<T>::x_shape() const {
  return base_->x_shape().with(-1, options_.frames * options_.variables + options_.constants);
}

template <class T>
Shape FrameWindows<T>::y_shape() const {
  return base_->y_shape().with(-1, options_.steps * options_.variables);
}

template <class T>
std::string FrameWindows<T>::description() const {
  return detail::concatenate(base_->description(), ", windows of ", options_.frames, " + ",
                             options_.steps, " frames");
}

template <class T>
void FrameWindows<T>::read(std::span<const std::int64_t> indices, const Tensor<T>& x,
                           const Tensor<T>& y) const {
  detail::check_read(*this, indices, x, y);
  const FrameWindowOptions& o = options_;
  // Each sequence once, however many of its windows are asked for.
  std::vector<std::int64_t> sequences;
  for (const std::int64_t index : indices)
    sequences.push_back(index / windows_);
  std::sort(sequences.begin(), sequences.end());
  sequences.erase(std::unique(sequences.begin(), sequences.end()), sequences.end());
  const auto count = static_cast<std::int64_t>(sequences.size());
  const Tensor<T> past(detail::with_samples(count, base_->x_shape()));
  const Tensor<T> future(detail::with_samples(count, base_->y_shape()));
  base_->read(sequences, past, future);
  std::vector<T> from_x(static_cast<std::size_t>(past.size()));
  std::vector<T> from_y(static_cast<std::size_t>(future.size()));
  past.copy_to_host(from_x.data());
  future.copy_to_host(from_y.data());

  const std::int64_t past_channels = base_->x_shape()[-1], future_channels = base_->y_shape()[-1];
  const std::int64_t split = past_channels - o.constants;
  const std::int64_t points = base_->x_shape().size() / past_channels;
  std::vector<T> to_x(static_cast<std::size_t>(x.size())), to_y(static_cast<std::size_t>(y.size()));
  auto put_x = to_x.begin(), put_y = to_y.begin();
  for (const std::int64_t index : indices) {
    const std::int64_t s =
        std::lower_bound(sequences.begin(), sequences.end(), index / windows_) - sequences.begin();
    const std::int64_t first = index % windows_ * o.stride * o.variables;
    for (std::int64_t p = s * points; p < (s + 1) * points; ++p) {
      const T* const a = from_x.data() + p * past_channels;
      const T* const b = from_y.data() + p * future_channels;
      const auto channel = [&](std::int64_t c) { return c < split ? a[c] : b[c - split]; };
      std::int64_t c = first;
      for (; c < first + o.frames * o.variables; ++c)
        *put_x++ = channel(c);
      for (std::int64_t k = 0; k < o.constants; ++k)
        *put_x++ = a[split + k];
      for (const std::int64_t end = c + o.steps * o.variables; c < end; ++c)
        *put_y++ = channel(c);
    }
  }
  x.copy_from_host(to_x.data());
  y.copy_from_host(to_y.data());
}

template class FrameWindows<float>;
template class FrameWindows<double>;

}  // namespace nopal
