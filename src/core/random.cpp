// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/random.hpp>

#include "core/philox.hpp"

#include <cmath>
#include <numeric>

namespace nopal {
namespace {

constexpr double pi = 3.14159265358979323846;

// Maps 64 random bits to the midpoint of one of 2^53 equal cells of (0, 1).
double to_unit(std::uint64_t bits) {
  return (static_cast<double>(bits >> 11) + 0.5) * 0x1.0p-53;
}

// Two 64-bit words for the pair of positions (2 index, 2 index + 1).
std::array<std::uint64_t, 2> words(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  const auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
  const auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
  const auto r =
      philox4x32({low(index), high(index), low(stream), high(stream)}, {low(seed), high(seed)});
  return {std::uint64_t(r[1]) << 32 | r[0], std::uint64_t(r[3]) << 32 | r[2]};
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> c,
                                        std::array<std::uint32_t, 2> k) {
  std::uint32_t words[4][1] = {{c[0]}, {c[1]}, {c[2]}, {c[3]}};
  detail::philox(words, k[0], k[1]);
  return {words[0][0], words[1][0], words[2][0], words[3][0]};
}

std::uint64_t Random::bits(std::uint64_t index) const {
  return words(seed_, stream_, index / 2)[index % 2];
}

double Random::uniform(std::uint64_t index) const {
  return to_unit(bits(index));
}

double Random::normal(std::uint64_t index) const {
  const auto pair = words(seed_, stream_, index / 2);
  const double radius = std::sqrt(-2 * std::log(to_unit(pair[0])));
  const double angle = 2 * pi * to_unit(pair[1]);
  return index % 2 == 0 ? radius * std::cos(angle) : radius * std::sin(angle);
}

std::vector<std::int64_t> Random::permutation(std::int64_t n) const {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), std::int64_t(0));
  for (std::int64_t i = n - 1; i > 0; --i) {
    const auto j = static_cast<std::int64_t>(uniform(static_cast<std::uint64_t>(i)) *
                                             static_cast<double>(i + 1));
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(j)]);
  }
  return order;
}

template <class T>
void fill_uniform(const Tensor<T>& x, double low, double high, const Random& random) {
  std::vector<T> values(static_cast<std::size_t>(x.size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<T>(low + (high - low) * random.uniform(i));
  x.copy_from_host(values.data());
}

template <class T>
void fill_normal(const Tensor<T>& x, double mean, double deviation, const Random& random) {
  std::vector<T> values(static_cast<std::size_t>(x.size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<T>(mean + deviation * random.normal(i));
  x.copy_from_host(values.data());
}

template void fill_uniform<float>(const Tensor<float>&, double, double, const Random&);
template void fill_uniform<double>(const Tensor<double>&, double, double, const Random&);
template void fill_normal<float>(const Tensor<float>&, double, double, const Random&);
template void fill_normal<double>(const Tensor<double>&, double, double, const Random&);

}  // namespace nopal
