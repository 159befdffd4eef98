// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "multigrid/smoother_stencil.hpp"

#include <algorithm>
#include <cmath>

namespace nopal::detail {
namespace {

constexpr std::int64_t piece = 128;  // points at a time, so that all layers stay in the cache

// to(i) += sum of weights[k] from[k](i) over `inputs` rows: one pass over `to` for all of them.
template <int inputs, class T>
void add_rows(const std::array<const T*, 4>& from, const std::array<T, 4>& weights,
              std::int64_t count, T* __restrict__ to) {
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) {
    T sum = 0;
    for (std::size_t k = 0; k < inputs; ++k)
      sum += weights[k] * from[k][i];
    to[i] += sum;
  }
}

// y(o, i) += sum over k of w(k, o) x(k, i) for rows of `piece` numbers; row k is absent if null.
template <class T>
void add_layer(const std::vector<const T*>& x, const T* w, std::int64_t outputs, std::int64_t count,
               T* y) {
  std::array<const T*, 4> from{};
  std::array<T, 4> weights{};
  for (std::int64_t o = 0; o < outputs; ++o) {
    T* const to = y + o * piece;
    std::size_t held = 0;
    for (std::size_t k = 0; k < x.size(); ++k) {
      const T weight = w[static_cast<std::int64_t>(k) * outputs + o];
      if (!x[k] || weight == 0) continue;
      from[held] = x[k];
      weights[held++] = weight;
      if (held < 4) continue;
      add_rows<4>(from, weights, count, to);
      held = 0;
    }
    if (held == 1) add_rows<1>(from, weights, count, to);
    if (held == 2) add_rows<2>(from, weights, count, to);
    if (held == 3) add_rows<3>(from, weights, count, to);
  }
}

// The network for a piece of a row.
template <class T>
class NetworkRow {
 public:
  explicit NetworkRow(const SmootherNetwork<T>& network)
      : bias_(network.bias.to_vector()),
        linear_(network.linear.to_vector()),
        z_((bias_.size() - 1) * piece),
        k_(bias_.size() * piece) {
    if (network.hidden() == 0) return;
    weight1_ = network.weight1.to_vector();
    bias1_ = network.bias1.to_vector();
    weight2_ = network.weight2.to_vector();
    hidden_.resize(bias1_.size() * piece);
    for (std::size_t h = 0; h < bias1_.size(); ++h)
      hidden_rows_.push_back(hidden_.data() + h * piece);
  }

  T* input(std::size_t k) { return z_.data() + k * piece; }
  const T* output(std::size_t o) const { return k_.data() + o * piece; }

  /// Whether an output can be other than 0, given which inputs there are.
  bool used(std::size_t output, const std::vector<bool>& inputs) const {
    bool result = bias_[output] != 0 || !bias1_.empty();
    for (std::size_t k = 0; k < inputs.size(); ++k)
      result = result || (inputs[k] && linear_[k * bias_.size() + output] != 0);
    return result;
  }

  void evaluate(const std::vector<const T*>& z, std::int64_t count) {
    const auto outputs = static_cast<std::int64_t>(bias_.size());
    for (std::size_t o = 0; o < bias_.size(); ++o)
      std::fill_n(k_.data() + o * piece, count, bias_[o]);
    add_layer(z, linear_.data(), outputs, count, k_.data());
    if (bias1_.empty()) return;
    for (std::size_t h = 0; h < bias1_.size(); ++h)
      std::fill_n(hidden_.data() + h * piece, count, bias1_[h]);
    add_layer(z, weight1_.data(), static_cast<std::int64_t>(bias1_.size()), count, hidden_.data());
    for (std::size_t h = 0; h < bias1_.size(); ++h) {
      T* const row = hidden_.data() + h * piece;
#pragma GCC ivdep
      for (std::int64_t i = 0; i < count; ++i)
        row[i] = row[i] > 0 ? row[i] : T(0);
    }
    add_layer(hidden_rows_, weight2_.data(), outputs, count, k_.data());
  }

 private:
  std::vector<T> bias_, linear_, weight1_, bias1_, weight2_;
  std::vector<T> z_, k_, hidden_;
  std::vector<const T*> hidden_rows_;
};

}  // namespace

std::vector<int> slots_in(int dimension) {
  std::vector<int> result;
  for (int s = 0; s < slots; ++s) {
    const auto o = offset_of(s);
    if ((dimension == 3 || o[0] == 0) && (dimension >= 2 || o[1] == 0)) result.push_back(s);
  }
  return result;
}

namespace {

// The least value of sum_k K(k) (+-1)^k1 (+-1)^k2 (+-1)^k3 over the eight signs, for each point of
// a piece of a row, of the sums `by_parity` of its K(k) by which of k1, k2, k3 are odd.
template <class T>
void least_symbol(std::array<std::array<T, piece>, 8>& by_parity, std::int64_t count, T* least) {
  for (std::size_t axis = 1; axis < 8; axis *= 2)
    for (std::size_t j = 0; j < 8; ++j) {
      if (j & axis) continue;
      T *const even = by_parity[j].data(), *const odd = by_parity[j | axis].data();
      for (std::int64_t i = 0; i < count; ++i) {
        const T sum = even[i] + odd[i], difference = even[i] - odd[i];
        even[i] = sum;
        odd[i] = difference;
      }
    }
  std::copy_n(by_parity[0].data(), count, least);
  for (std::size_t j = 1; j < 8; ++j)
    for (std::int64_t i = 0; i < count; ++i)
      least[i] = std::min(least[i], by_parity[j][static_cast<std::size_t>(i)]);
}

// Of what couplings may stay at a point for its symbol to be at least `floor` times its diagonal: 1
// for most. False if it is 1 everywhere.
template <class T>
bool positive_shares(const Level<T>& level, const StencilMatrix<T>& smoother, T* shares) {
  constexpr T floor = T(0.05);
  const LevelLayout& layout = level.layout;
  const std::vector<T> inverse = inverse_of(level.scale);
  std::array<std::array<T, piece>, 8> by_parity;
  std::array<T, piece> least;
  bool any = false;
  const auto evaluate = [&](std::ptrdiff_t first, std::int64_t count) {
    for (auto& sums : by_parity)
      std::fill_n(sums.data(), count, T(0));
    for (int s = 0; s < slots; ++s) {
      const T* values = smoother.coefficient(s, layout);
      if (!values) continue;
      values += first;
      const auto o = offset_of(s);
      T* __restrict__ const to =
          by_parity[static_cast<std::size_t>(4 * std::abs(o[0]) + 2 * std::abs(o[1]) +
                                             std::abs(o[2]))]
              .data();
      const T* const other = inverse.data() + first + layout.shift(s);
#pragma GCC ivdep
      for (std::int64_t i = 0; i < count; ++i)
        to[i] += values[i] * other[i];
    }
    const T* const diagonal = smoother.values[centre].data() + first;
    const T* const own = inverse.data() + first;
    least_symbol(by_parity, count, least.data());
    for (std::int64_t i = 0; i < count; ++i) {
      const T d = diagonal[i] * own[i], low = least[static_cast<std::size_t>(i)];
      const bool bad = d > 0 && low < floor * d;  // a negative diagonal is to be seen
      shares[first + i] = bad ? std::max(T(0), (1 - floor) * d / (d - low)) : T(1);
      any = any || bad;
    }
  };
  LevelLayout::rows(layout.work, [&](std::int64_t i0, std::int64_t i1) {
    for (std::int64_t i2 = layout.work[2].begin; i2 < layout.work[2].end; i2 += piece)
      evaluate(layout.at(i0, i1, i2), std::min(piece, layout.work[2].end - i2));
  });
  return any;
}

}  // namespace

template <class T>
void keep_positive(const Level<T>& level, const StencilMatrix<T>& smoother) {
  const LevelLayout& layout = level.layout;
  T* const shares = level.r.data();
  const bool any = positive_shares(level, smoother, shares);
  if (level.grid.comm().any(any)) {
    level.exchange.refresh(layout, shares);
    for (int s = centre + 1; s < slots; ++s) {
      const Tensor<T>& values = smoother.values[static_cast<std::size_t>(s)];
      if (!values.defined()) continue;
      const std::ptrdiff_t shift = layout.shift(s);
      LevelLayout::rows(layout.work, [&](std::int64_t i0, std::int64_t i1) {
        const std::ptrdiff_t first = layout.at(i0, i1, layout.work[2].begin);
        T* const to = values.data() + first;
        const T *const here = shares + first, *const there = here + shift;
        for (std::int64_t i = 0; i < layout.work[2].size(); ++i)
          to[i] *= std::min(here[i], there[i]);
      });
    }
  }
  level.r.fill(0);
}

template <class T>
StencilMatrix<T> smoother_stencil(const Level<T>& level, const StencilMatrix<T>& matrix,
                                  const SmootherNetwork<T>& network) {
  const LevelLayout& layout = level.layout;
  const std::vector<int> all = slots_in(layout.dimension);
  const std::size_t middle = all.size() / 2;
  std::vector<int> neighbours = all;
  neighbours.erase(neighbours.begin() + static_cast<std::ptrdiff_t>(middle));

  NetworkRow<T> row(network);
  std::vector<bool> present;
  present.reserve(neighbours.size());
  for (const int slot : neighbours)
    present.push_back(matrix.coefficient(slot, layout) != nullptr);
  StencilMatrix<T> smoother;
  smoother.symmetric = true;
  std::vector<bool> used;
  for (std::size_t o = 0; o < all.size(); ++o)
    used.push_back(row.used(o, present) || row.used(all.size() - 1 - o, present));
  for (std::size_t o = middle; o < all.size(); ++o)
    if (used[o]) smoother.values[static_cast<std::size_t>(all[o])] = stored_field<T>(layout);

  const T* const scale = level.scale.data();
  const auto evaluate = [&](std::ptrdiff_t first, std::int64_t count) {
    std::vector<const T*> z(neighbours.size(), nullptr);
    for (std::size_t k = 0; k < neighbours.size(); ++k) {
      const T* const values = matrix.coefficient(neighbours[k], layout);
      if (!values) continue;
      const std::ptrdiff_t shift = layout.shift(neighbours[k]);
      T* const to = row.input(k);
#pragma GCC ivdep
      for (std::int64_t i = 0; i < count; ++i)
        to[i] = values[first + i] * scale[first + i] * scale[first + i + shift];
      z[k] = to;
    }
    row.evaluate(z, count);
    for (std::size_t o = 0; o < all.size(); ++o) {
      if (!used[o]) continue;
      // Half of a pair comes from each of its points, and is stored with one of them.
      const int slot = all[o];
      const std::ptrdiff_t shift = layout.shift(slot);
      const bool upper = slot >= centre;
      T* const to =
          smoother.values[static_cast<std::size_t>(upper ? slot : slots - 1 - slot)].data() +
          first + (upper ? 0 : shift);
      const T half = slot == centre ? T(1) : T(0.5);
      const T* const k = row.output(o);
#pragma GCC ivdep
      for (std::int64_t i = 0; i < count; ++i)
        to[i] += half * k[i] * scale[first + i] * scale[first + i + shift];
    }
  };
  LevelLayout::rows(layout.work, [&](std::int64_t i0, std::int64_t i1) {
    for (std::int64_t i2 = layout.work[2].begin; i2 < layout.work[2].end; i2 += piece)
      evaluate(layout.at(i0, i1, i2), std::min(piece, layout.work[2].end - i2));
  });
  return smoother;
}

template void keep_positive<float>(const Level<float>&, const StencilMatrix<float>&);
template void keep_positive<double>(const Level<double>&, const StencilMatrix<double>&);
template StencilMatrix<float> smoother_stencil<float>(const Level<float>&,
                                                      const StencilMatrix<float>&,
                                                      const SmootherNetwork<float>&);
template StencilMatrix<double> smoother_stencil<double>(const Level<double>&,
                                                        const StencilMatrix<double>&,
                                                        const SmootherNetwork<double>&);

}  // namespace nopal::detail
