// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "multigrid/galerkin.hpp"

#include "multigrid/cycle_rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace nopal::detail {
namespace {

// A(i, j) (p(j) - p(i)) for a fine point i, its neighbour j and the weights p of a coarse point.
template <class T>
struct Factor {
  const T* coefficient;      // entry of the fine point
  const T *neighbour, *own;  // entries of the coarse point I; null: 0
};

// Those of one fine point in a coefficient of I: p(i, I) (s(i) p(i) + sum of factors).
template <class T>
struct Term {
  std::ptrdiff_t fine_shift;
  const T* weight;
  const T *sums, *own;
  std::vector<Factor<T>> factors;
};

// (P^T A P)(I, J) = sum over fine points i = stride I + e of p(i, I) times
// s(i) p(i, J) + sum over k of A(i, i + k) (p(i + k, J) - p(i, J)), where J = I + offset.
template <class T>
std::vector<Term<T>> terms_of(const Level<T>& fine, const LevelLayout& coarse, int slot) {
  const auto offset = offset_of(slot);
  // Weights of the coarse point J for the fine point at stride I + o, stored by I.
  const auto weights_at = [&](const std::array<int, 3>& o) -> const T* {
    std::array<int, 3> reached{};
    for (std::size_t a = 0; a < 3; ++a) {
      reached[a] = o[a] - (fine.coarsened[a] ? 2 : 1) * offset[a];
      if (std::abs(reached[a]) > (fine.coarsened[a] ? 1 : 0)) return nullptr;
    }
    return fine.weights[static_cast<std::size_t>(slot_of(reached))].data() + coarse.shift(slot);
  };
  std::vector<Term<T>> terms;
  for (int e = 0; e < slots; ++e) {
    const Tensor<T>& outer = fine.weights[static_cast<std::size_t>(e)];
    if (!outer.defined()) continue;
    const auto o = offset_of(e);
    Term<T> term{fine.layout.shift(e), outer.data(), nullptr, weights_at(o), {}};
    if (term.own) term.sums = fine.matrix.values[centre].data();
    for (int k = 0; k < slots; ++k) {
      const T* coefficient = k == centre ? nullptr : fine.matrix.coefficient(k, fine.layout);
      if (!coefficient) continue;
      const auto step = offset_of(k);
      const T* neighbour = weights_at({o[0] + step[0], o[1] + step[1], o[2] + step[2]});
      if (neighbour || term.own) term.factors.push_back({coefficient, neighbour, term.own});
    }
    if (term.own || !term.factors.empty()) terms.push_back(std::move(term));
  }
  return terms;
}

template <int stride, class T>
void add_row(const std::vector<Term<T>>& terms, std::ptrdiff_t fine, std::ptrdiff_t coarse,
             std::int64_t count, T* __restrict__ sum, T* __restrict__ to) {
  for (const Term<T>& term : terms) {
    const std::ptrdiff_t at = fine + term.fine_shift;
    std::fill_n(sum, count, T(0));
    if (term.own) {
      const T *const sums = term.sums + at, *const own = term.own + coarse;
#pragma GCC ivdep
      for (std::int64_t i = 0; i < count; ++i)
        sum[i] = sums[stride * i] * own[i];
    }
    for (const Factor<T>& factor : term.factors) {
      const T* const c = factor.coefficient + at;
      if (!factor.own) {
        const T* const p = factor.neighbour + coarse;
#pragma GCC ivdep
        for (std::int64_t i = 0; i < count; ++i)
          sum[i] += c[stride * i] * p[i];
      } else if (!factor.neighbour) {
        const T* const p = factor.own + coarse;
#pragma GCC ivdep
        for (std::int64_t i = 0; i < count; ++i)
          sum[i] -= c[stride * i] * p[i];
      } else {
        const T *const p = factor.neighbour + coarse, *const q = factor.own + coarse;
#pragma GCC ivdep
        for (std::int64_t i = 0; i < count; ++i)
          sum[i] += c[stride * i] * (p[i] - q[i]);
      }
    }
    const T* const weight = term.weight + coarse;
#pragma GCC ivdep
    for (std::int64_t i = 0; i < count; ++i)
      to[i] += weight[i] * sum[i];
  }
}

// P^T A P 1 on all stored coarse points: rows that have the sum 0 keep it exactly.
template <class T>
Tensor<T> coarse_row_sums(const Level<T>& fine, const Level<T>& coarse) {
  const CycleRows<T> rows(fine, &coarse);
  fine.x.fill(0);
  coarse.x.fill(1);
  for (std::int64_t slab = rows.slabs().begin; slab < rows.slabs().end; ++slab)
    rows.interpolate(slab);
  const T rounding = 16 * std::numeric_limits<T>::epsilon();
  T* const one = fine.x.data();
  for (std::int64_t i = 0; i < fine.layout.size(); ++i)
    if (std::abs(one[i] - 1) < rounding) one[i] = 1;
  rows.multiply(one, fine.r.data());
  for (std::int64_t slab = rows.coarse_slabs().begin; slab < rows.coarse_slabs().end; ++slab)
    rows.restrict_to(slab);
  Tensor<T> sums = stored_field<T>(coarse.layout);
  sums.copy_from(coarse.b);
  coarse.exchange.refresh(coarse.layout, sums.data());
  for (const Tensor<T>* used : {&fine.x, &fine.r, &coarse.x, &coarse.b})
    used->fill(0);
  return sums;
}

}  // namespace

template <class T>
StencilMatrix<T> galerkin_product(const Level<T>& fine, const Level<T>& coarse) {
  const LevelLayout& layout = coarse.layout;
  const CoarseMap map(fine.layout, layout, fine.coarsened);
  StencilMatrix<T> product;
  product.symmetric = fine.matrix.symmetric;
  product.differences = true;
  product.values[centre] = coarse_row_sums(fine, coarse);
  const std::int64_t count = layout.own[2].size();
  std::vector<T> sum(static_cast<std::size_t>(std::max<std::int64_t>(count, 0)));
  struct Entry {
    std::vector<Term<T>> terms;
    T* values;
  };
  std::vector<Entry> entries;
  for (int slot = product.symmetric ? centre + 1 : 0; slot < slots; ++slot) {
    if (slot == centre) continue;
    auto terms = terms_of(fine, layout, slot);
    if (terms.empty()) continue;
    Tensor<T>& values = product.values[static_cast<std::size_t>(slot)];
    values = stored_field<T>(layout);
    entries.push_back({std::move(terms), values.data()});
  }
  // All entries of a row together: what they read stays in the cache.
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    const std::int64_t i2 = layout.own[2].begin;
    const std::ptrdiff_t c = layout.at(i0, i1, i2);
    const std::ptrdiff_t f = fine.layout.at(map.fine(0, i0), map.fine(1, i1), map.fine(2, i2));
    for (const Entry& entry : entries)
      if (fine.coarsened[2])
        add_row<2>(entry.terms, f, c, count, sum.data(), entry.values + c);
      else
        add_row<1>(entry.terms, f, c, count, sum.data(), entry.values + c);
  });
  for (const Entry& entry : entries)
    coarse.exchange.refresh(layout, entry.values);
  return product;
}

template StencilMatrix<float> galerkin_product<float>(const Level<float>&, const Level<float>&);
template StencilMatrix<double> galerkin_product<double>(const Level<double>&, const Level<double>&);

}  // namespace nopal::detail
