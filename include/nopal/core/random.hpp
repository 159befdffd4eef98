// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace nopal {

/// Philox4x32-10 counter-based generator.
///
/// Maps a 128-bit counter and a 64-bit key to 128 random bits by ten rounds of multiplications;
/// there is no state, so any number of any stream can be had in any order on any rank.
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

/// Random numbers that depend on (seed, stream, index) only, never on the number of ranks.
///
/// `seed` names the experiment, `stream` what the numbers are for (a sample, a weight, an epoch),
/// `index` the position. Host only; results are the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// 64 random bits.
  std::uint64_t bits(std::uint64_t index) const;

  /// Uniform in (0, 1), never 0 or 1, with 53 random bits.
  double uniform(std::uint64_t index) const;

  /// Standard normal (Box-Muller; numbers 2k and 2k+1 share a pair of uniforms).
  double normal(std::uint64_t index) const;

  /// Random permutation of 0, ..., n-1 (Fisher-Yates with this stream).
  std::vector<std::int64_t> permutation(std::int64_t n) const;

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
};

/// Fills x with independent uniform numbers in (low, high).
template <class T>
void fill_uniform(const Tensor<T>& x, double low, double high, const Random& random);

/// Fills x with independent normal numbers of the given mean and standard deviation.
template <class T>
void fill_normal(const Tensor<T>& x, double mean, double deviation, const Random& random);

}  // namespace nopal
