// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "c_api/boxes.hpp"

#include "c_api/status.hpp"

#include <algorithm>

namespace nopal::c {

Grid grid_of_boxes(const Communicator& comm, const Box& own, const Shape& extents,
                   const std::vector<AxisRule>& rules) {
  const int d = extents.rank(), ranks = comm.size();
  std::vector<double> mine(static_cast<std::size_t>(9 * ranks), 0.0);
  double* const row = mine.data() + static_cast<std::ptrdiff_t>(9) * comm.rank();
  for (int a = 0; a < d; ++a) {
    row[3 * a] = static_cast<double>(extents[a]);
    row[3 * a + 1] = static_cast<double>(own[a].begin);
    row[3 * a + 2] = static_cast<double>(own[a].end);
  }
  const auto all = Tensor<double>::from_host({9 * ranks}, mine);
  comm.sum(all);
  const std::vector<double> table = all.to_vector();
  const auto entry = [&](int rank, int axis, int what) {
    return static_cast<std::int64_t>(table[static_cast<std::size_t>(9 * rank + 3 * axis + what)]);
  };
  std::vector<std::vector<std::int64_t>> counts;
  int position = 0;
  std::int64_t product = 1;
  for (int a = 0; a < d; ++a) {
    std::vector<std::pair<std::int64_t, std::int64_t>> cuts;
    for (int r = 0; r < ranks; ++r) {
      require(entry(r, a, 0) == extents[a], NOPAL_ERROR_ARGUMENT, "the extents of axis ", a,
              " differ: ", extents[a], " here, ", entry(r, a, 0), " on rank ", r);
      cuts.emplace_back(entry(r, a, 1), entry(r, a, 2));
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    std::int64_t next = 0;
    auto& axis = counts.emplace_back();
    for (const auto& [begin, end] : cuts) {
      require(begin == next && end > begin, NOPAL_ERROR_ARGUMENT, "the boxes do not cut axis ", a,
              " into parts that follow each other: one has the points from ", begin, " to ", end,
              ", expected one from ", next, " on, with points");
      next = end;
      axis.push_back(end - begin);
      if (begin == own[a].begin)
        position = position * static_cast<int>(cuts.size()) + static_cast<int>(axis.size()) - 1;
    }
    require(next == extents[a], NOPAL_ERROR_ARGUMENT, "the boxes end at point ", next, " of axis ",
            a, ", which has ", extents[a]);
    product *= static_cast<std::int64_t>(cuts.size());
  }
  require(product >= ranks, NOPAL_ERROR_ARGUMENT, "two ranks have the same box: there are ",
          product, " boxes for ", ranks, " ranks, but each point belongs to one rank");
  require(product == ranks, NOPAL_ERROR_ARGUMENT, "the boxes are no products of cuts along the ",
          "axes: the cuts make ", product, " boxes, and there are ", ranks, " ranks");
  // How many ranks have each combination.
  std::vector<double> own_place(static_cast<std::size_t>(ranks), 0.0);
  own_place[static_cast<std::size_t>(position)] = 1;
  const auto taken = Tensor<double>::from_host({ranks}, own_place);
  comm.sum(taken);
  for (const double times : taken.to_vector())
    require(times == 1, NOPAL_ERROR_ARGUMENT, "two ranks have the same box");
  return Grid(extents, rules, comm.split(0, position), counts);
}

}  // namespace nopal::c
