// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/random.hpp>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace nopal::detail {

/// Which of `n` functions a step is about: `batch` of them (0: all), in a random order each epoch,
/// which has whole batches only.
class FunctionBatches {
 public:
  FunctionBatches(std::int64_t n, std::int64_t batch, std::uint64_t seed)
      : n_(n), batch_(batch > 0 ? std::min(batch, n) : n), seed_(seed) {}

  std::int64_t size() const { return batch_; }
  bool all() const { return batch_ == n_; }

  std::vector<std::int64_t> of_step(std::int64_t step) {
    if (all()) {
      order_.resize(static_cast<std::size_t>(n_));
      std::iota(order_.begin(), order_.end(), 0);
      return order_;
    }
    const std::int64_t batches = n_ / batch_, epoch = step / batches;
    if (epoch != epoch_ || order_.empty())
      order_ = Random(seed_, order_stream + static_cast<std::uint64_t>(epoch)).permutation(n_);
    epoch_ = epoch;
    const auto first = order_.begin() + step % batches * batch_;
    return {first, first + batch_};
  }

 private:
  static constexpr std::uint64_t order_stream = std::uint64_t(1) << 40;

  std::int64_t n_, batch_;
  std::uint64_t seed_;
  std::vector<std::int64_t> order_;
  std::int64_t epoch_ = 0;
};

}  // namespace nopal::detail
