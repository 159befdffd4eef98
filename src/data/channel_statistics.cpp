// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/data/channel_statistics.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {

template <class T>
ChannelRanges channel_ranges(const Tensor<T>& values) {
  NOPAL_CHECK(values.rank() >= 1 && values.size() > 0, "channel ranges: expected values (..., C), ",
              "got ", values.shape());
  const auto channels = static_cast<std::size_t>(values.extent(-1));
  const std::vector<T> y = values.to_vector();
  ChannelRanges ranges;
  ranges.low.assign(y.begin(), y.begin() + static_cast<std::ptrdiff_t>(channels));
  ranges.high = ranges.low;
  for (std::size_t i = 0; i < y.size(); ++i) {
    ranges.low[i % channels] = std::min(ranges.low[i % channels], static_cast<double>(y[i]));
    ranges.high[i % channels] = std::max(ranges.high[i % channels], static_cast<double>(y[i]));
  }
  for (std::size_t c = 0; c < channels; ++c)
    ranges.width.push_back(ranges.high[c] - ranges.low[c]);
  return ranges;
}

template <class T>
std::vector<double> channel_errors(const Tensor<T>& prediction, const Tensor<T>& values,
                                   const Tensor<T>& mask) {
  const std::int64_t channels = values.rank() > 0 ? values.extent(-1) : 0;
  NOPAL_CHECK(
      channels > 0 && prediction.size() == values.size() && prediction.extent(-1) == channels &&
          (!mask.defined() || mask.size() * channels == values.size()),
      "channel errors: expected predictions and values (..., C) and a mask (...), got ",
      prediction.shape(), ", ", values.shape(), " and ", mask.defined() ? mask.shape() : Shape());
  const std::vector<T> p = prediction.to_vector(), y = values.to_vector(),
                       counts = mask.defined() ? mask.to_vector() : std::vector<T>();
  const auto n = static_cast<std::size_t>(channels);
  std::vector<double> difference(n), size(n);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double weight = counts.empty() ? 1 : static_cast<double>(counts[i / n]);
    const double value = y[i], error = static_cast<double>(p[i]) - value;
    difference[i % n] += weight * error * error;
    size[i % n] += weight * value * value;
  }
  for (std::size_t c = 0; c < n; ++c) {
    NOPAL_CHECK(size[c] > 0, "channel errors: all reference values of channel ", c, " are 0");
    difference[c] = std::sqrt(difference[c] / size[c]);
  }
  return difference;
}

template ChannelRanges channel_ranges(const Tensor<float>&);
template ChannelRanges channel_ranges(const Tensor<double>&);
template std::vector<double> channel_errors(const Tensor<float>&, const Tensor<float>&,
                                            const Tensor<float>&);
template std::vector<double> channel_errors(const Tensor<double>&, const Tensor<double>&,
                                            const Tensor<double>&);

}  // namespace nopal
