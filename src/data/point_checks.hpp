// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

namespace nopal::detail {

/// Error, beginning with `owner`, that names two equal points (P, d), if there are some.
template <class T>
void check_distinct(const Tensor<T>& points, const std::string& owner = "") {
  const std::vector<T> x = points.to_vector();
  const std::int64_t d = points.extent(1);
  std::vector<std::int64_t> order(static_cast<std::size_t>(points.extent(0)));
  std::iota(order.begin(), order.end(), 0);
  const auto begin = [&](std::int64_t p) { return x.begin() + p * d; };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return std::lexicographical_compare(begin(a), begin(a) + d, begin(b), begin(b) + d);
  });
  for (std::size_t i = 0; i + 1 < order.size(); ++i)
    NOPAL_CHECK(!std::equal(begin(order[i]), begin(order[i]) + d, begin(order[i + 1])), owner,
                "points ", std::min(order[i], order[i + 1]), " and ",
                std::max(order[i], order[i + 1]), " are the same, (", *begin(order[i]),
                d > 1 ? ", ...)" : ")", ": expected distinct points");
}

}  // namespace nopal::detail
