// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/dropout.hpp>
#include <nopal/nn/training_mode.hpp>

#include "core/parallel.hpp"
#include "core/philox.hpp"

#include <cmath>

namespace nopal {
namespace {

using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;

// What the mask of a field depends on.
struct Mask {
  std::uint64_t seed, stream;
  std::uint32_t threshold;  // a word below it drops its entry
  std::int64_t first_sample, samples, entries;
};

// Entries go in groups of 4 words of `width` counters, word by word, so that one word of all
// counters meets neighbouring entries. A work item takes some counters of a group: on the host all,
// for vector instructions, on a device one.
constexpr int width = 16;
constexpr int lanes =
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible ? width : 1;

// x *= m / (1 - p).
template <class T>
void apply(const Mask& mask, const Tensor<T>& x, T factor) {
  const std::int64_t entries = mask.entries, groups = (entries + 4 * width - 1) / (4 * width);
  const std::int64_t items = groups * (width / lanes);
  T* px = x.data();
  detail::parallel_for(
      "nopal::dropout", Range(0, mask.samples * items), KOKKOS_LAMBDA(std::int64_t item) {
        const std::int64_t b = item / items, group = item % items * lanes / width;
        const std::int64_t lane = item % items * lanes % width;
        const auto counter =
            static_cast<std::uint64_t>(((mask.first_sample + b) * groups + group) * width + lane);
        std::uint32_t words[4][lanes];
        for (int l = 0; l < lanes; ++l) {
          words[0][l] = static_cast<std::uint32_t>(counter) + static_cast<std::uint32_t>(l);
          words[1][l] = static_cast<std::uint32_t>(counter >> 32);
          words[2][l] = static_cast<std::uint32_t>(mask.stream);
          words[3][l] = static_cast<std::uint32_t>(mask.stream >> 32);
        }
        detail::philox(words, static_cast<std::uint32_t>(mask.seed),
                       static_cast<std::uint32_t>(mask.seed >> 32));
        const std::int64_t first = group * 4 * width + lane, left = entries - first;
        T* xg = px + b * entries + first;
        for (int j = 0; j < 4; ++j) {
          const auto end = static_cast<int>(left - j * width < lanes ? left - j * width : lanes);
#pragma GCC ivdep
          for (int l = 0; l < lanes; ++l)
            if (l < end)
              xg[j * width + l] = words[j][l] < mask.threshold ? T(0) : factor * xg[j * width + l];
        }
      });
}

}  // namespace

template <class T>
Variable<T> dropout(const Variable<T>& x, double p, std::uint64_t stream) {
  NOPAL_CHECK(p >= 0 && p < 1, "dropout: expected a probability in [0, 1), got ", p);
  const TrainingStep* step = TrainingMode::active();
  if (step == nullptr || p == 0) return x;
  const ScopedRegion region("dropout");
  const std::int64_t samples = x.shape()[0];
  // A stream of its own for each step: the words of a counter are taken by the entries.
  const Mask mask{step->seed,
                  Random(step->seed, stream).bits(static_cast<std::uint64_t>(step->index)),
                  static_cast<std::uint32_t>(std::ldexp(p, 32)),
                  step->first_sample,
                  samples,
                  x.shape().product(1, x.shape().rank())};
  const T factor = static_cast<T>(1 / (1 - p));
  apply(mask, x.value(), factor);
  if (!needs_record(x)) return x.value();
  return record<T>(x.value(), [x, mask, factor](const Tensor<T>& dy) {
    apply(mask, dy, factor);  // nobody needs dy afterwards
    x.accumulate(dy);
  });
}

template Variable<float> dropout<float>(const Variable<float>&, double, std::uint64_t);
template Variable<double> dropout<double>(const Variable<double>&, double, std::uint64_t);

}  // namespace nopal
