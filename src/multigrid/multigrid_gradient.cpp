// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/multigrid/multigrid_gradient.hpp>

#include "multigrid/coarse_solver.hpp"
#include "multigrid/coarsening.hpp"
#include "multigrid/cycle_rows.hpp"
#include "multigrid/finest_level.hpp"
#include "multigrid/smoother_gradient.hpp"
#include "multigrid/smoother_stencil.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

namespace nopal {

using detail::CycleRows;
using detail::Level;
using detail::LevelLayout;
using detail::slots;

namespace {

using Vector = Tensor<double>;

// to += factor * from
void add(double factor, const Vector& from, const Vector& to) {
  axpy(factor, from, to);
}

}  // namespace

struct MultigridGradient::Implementation {
  std::deque<Level<double>> levels;  // the last is solved directly
  std::vector<CycleRows<double>> rows;
  detail::CoarseSolver<double> coarsest;
  int visited_once = 0;

  // What the adjoint needs of each visit of a level: right-hand side and second residual.
  struct Kept {
    Vector b, r;
  };
  std::vector<std::vector<Kept>> kept;                        // by level, the last visit last
  std::vector<std::array<Vector, slots>> smoother_gradients;  // by level

  Implementation(const StencilField<double>& matrix, const MultigridOptions& options);

  Vector vector(std::size_t l) const { return detail::stored_field<double>(levels[l].layout); }
  void set_smoothers(const SmootherNetwork<double>& network);
  bool visited_twice(std::size_t l) const {
    return static_cast<int>(l) >= visited_once && l + 1 < levels.size() &&
           3 * levels[l].grid.extents().size() <= levels[l - 1].grid.extents().size();
  }
  void cycle(std::size_t l, bool keep);
  Vector adjoint(std::size_t l, const Vector& dx);
  void add_smoother_gradient(std::size_t l, const Vector& dx, const Vector& r);
  double energy(const Vector& e, const Vector& product) const;
};

MultigridGradient::Implementation::Implementation(const StencilField<double>& matrix,
                                                  const MultigridOptions& options) {
  NOPAL_CHECK(matrix.grid.comm().size() == 1, "training works on matrices of one rank, got ",
              matrix.grid.comm().size(), " ranks");
  for (int a = 0; a < matrix.grid.dimension(); ++a)
    NOPAL_CHECK(matrix.grid.rule(a).low != BoundaryRule::periodic,
                "training works on grids that are not periodic");
  visited_once = options.visited_once;
  levels.emplace_back();
  const detail::FinestLevel<double> finest(matrix, levels.back());
  NOPAL_CHECK(levels.back().matrix.symmetric, "training needs a symmetric matrix");
  detail::allocate_vectors(levels.back());
  while (true) {
    Level<double>& level = levels.back();
    const bool last = static_cast<int>(levels.size()) >= options.max_levels ||
                      level.grid.extents().size() <= options.coarsest;
    if (!last)
      level.coarsened = detail::axes_to_coarsen(level, level.matrix, options.semicoarsening);
    if (std::none_of(level.coarsened.begin(), level.coarsened.end(), [](bool a) { return a; }))
      break;
    levels.push_back(detail::coarse_level(level, level.matrix, options));
  }
  NOPAL_CHECK(levels.size() > 1, "training needs a matrix with more than ", options.coarsest,
              " points, got ", matrix.grid.extents().size());
  coarsest = detail::CoarseSolver<double>(levels.back());
  for (std::size_t l = 0; l + 1 < levels.size(); ++l) {
    smoother_gradients.emplace_back();
    for (const int slot : detail::slots_in(levels[l].layout.dimension))
      if (slot >= detail::centre) smoother_gradients[l][static_cast<std::size_t>(slot)] = vector(l);
  }
}

void MultigridGradient::Implementation::set_smoothers(const SmootherNetwork<double>& network) {
  rows.clear();
  for (std::size_t l = 0; l + 1 < levels.size(); ++l) {
    levels[l].smoother = detail::smoother_stencil(levels[l], levels[l].matrix, network);
    rows.emplace_back(levels[l], &levels[l + 1]);
    for (const Vector& gradient : smoother_gradients[l])
      if (gradient.defined()) gradient.fill(0);
  }
}

void MultigridGradient::Implementation::cycle(std::size_t l, bool keep) {
  const Level<double>& level = levels[l];
  if (l + 1 == levels.size()) return coarsest.solve(level);
  const CycleRows<double>& step = rows[l];
  const auto each_slab = [&](auto method) {
    for (std::int64_t s = step.slabs().begin; s < step.slabs().end; ++s)
      (step.*method)(s);
  };
  using Rows = CycleRows<double>;
  each_slab(static_cast<void (Rows::*)(std::int64_t) const>(&Rows::smooth));
  each_slab(&Rows::residual);
  for (std::int64_t s = step.coarse_slabs().begin; s < step.coarse_slabs().end; ++s)
    step.restrict_to(s);
  cycle(l + 1, keep);
  if (visited_twice(l + 1)) {
    const Level<double>& coarse = levels[l + 1];
    const Vector first = coarse.x.clone();
    for (std::int64_t s = rows[l + 1].slabs().begin; s < rows[l + 1].slabs().end; ++s)
      rows[l + 1].residual(s);
    coarse.b.copy_from(coarse.r);
    cycle(l + 1, keep);
    add(1, first, coarse.x);
  }
  each_slab(&Rows::interpolate);
  each_slab(&Rows::residual);
  if (keep) kept[l].push_back({level.b.clone(), level.r.clone()});
  each_slab(&Rows::smooth_again);
}

// The derivative in S of x = S r, for that in x: entries (i, j) and (j, i) are one number.
void MultigridGradient::Implementation::add_smoother_gradient(std::size_t l, const Vector& dx,
                                                              const Vector& r) {
  const LevelLayout& layout = levels[l].layout;
  const double *const d = dx.data(), *const v = r.data();
  for (int slot = detail::centre; slot < slots; ++slot) {
    const Vector& gradient = smoother_gradients[l][static_cast<std::size_t>(slot)];
    if (!gradient.defined()) continue;
    const std::ptrdiff_t shift = layout.shift(slot);
    LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
      const std::ptrdiff_t first = layout.at(i0, i1, layout.own[2].begin);
      for (std::ptrdiff_t i = first; i < first + layout.own[2].size(); ++i)
        gradient.data()[i] +=
            slot == detail::centre ? d[i] * v[i] : d[i] * v[i + shift] + d[i + shift] * v[i];
    });
  }
}

// The derivative in the right-hand side of a level for that in its solution. With a cycle
//   x1 = S b,  x2 = x1 + P B' P^T (b - A x1),  x3 = x2 + S (b - A x2)
// and S, A, B' symmetric.
Vector MultigridGradient::Implementation::adjoint(std::size_t l, const Vector& dx) {
  const Level<double>& level = levels[l];
  if (l + 1 == levels.size()) {
    level.b.copy_from(dx);
    coarsest.solve(level);
    return level.x.clone();
  }
  const CycleRows<double>& step = rows[l];
  const Level<double>& coarse = levels[l + 1];
  const Kept kept_here = kept[l].back();
  kept[l].pop_back();
  const Vector product = vector(l), dx2 = dx.clone();
  Vector db = vector(l);
  add_smoother_gradient(l, dx, kept_here.r);
  step.smooth(dx.data(), db.data());  // of the second residual, and so of b
  step.multiply(db.data(), product.data());
  add(-1, product, dx2);

  level.r.copy_from(dx2);
  for (std::int64_t s = step.coarse_slabs().begin; s < step.coarse_slabs().end; ++s)
    step.restrict_to(s);
  Vector coarse_dx = coarse.b.clone();
  Vector coarse_db = adjoint(l + 1, coarse_dx);
  if (visited_twice(l + 1)) {  // x = x' + B (b - A x'), x' = B b
    const Vector residual = vector(l + 1);
    rows[l + 1].multiply(coarse_db.data(), residual.data());
    add(-1, residual, coarse_dx);
    add(1, adjoint(l + 1, coarse_dx), coarse_db);
  }
  coarse.x.copy_from(coarse_db);
  level.x.fill(0);
  for (std::int64_t s = step.slabs().begin; s < step.slabs().end; ++s)
    step.interpolate(s);
  const Vector dr1 = level.x.clone();
  add(1, dr1, db);
  step.multiply(dr1.data(), product.data());
  add(-1, product, dx2);  // now that of x1

  add_smoother_gradient(l, dx2, kept_here.b);
  step.smooth(dx2.data(), product.data());
  add(1, product, db);
  return db;
}

double MultigridGradient::Implementation::energy(const Vector& e, const Vector& product) const {
  rows.front().multiply(e.data(), product.data());
  return dot(e, product);
}

MultigridGradient::MultigridGradient(const StencilField<double>& matrix,
                                     const MultigridOptions& options)
    : implementation_(std::make_unique<Implementation>(matrix, options)) {}
MultigridGradient::~MultigridGradient() = default;
MultigridGradient::MultigridGradient(MultigridGradient&&) noexcept = default;
MultigridGradient& MultigridGradient::operator=(MultigridGradient&&) noexcept = default;

const Grid& MultigridGradient::grid() const {
  return implementation_->levels.front().grid;
}

double MultigridGradient::loss(const SmootherNetwork<double>& network,
                               const std::vector<double>& error, int cycles,
                               SmootherNetwork<double>* gradient, double share) {
  Implementation& all = *implementation_;
  const Level<double>& finest = all.levels.front();
  const LevelLayout& layout = finest.layout;
  NOPAL_CHECK(static_cast<std::int64_t>(error.size()) == finest.grid.extents().size(),
              "an error on the grid ", finest.grid.extents(), " needs as many values, got ",
              error.size());
  all.set_smoothers(network);
  const Vector e = all.vector(0), product = all.vector(0);
  const double* from = error.data();
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    std::copy_n(from, layout.own[2].size(), e.data() + layout.at(i0, i1, layout.own[2].begin));
    from += layout.own[2].size();
  });
  const double before = all.energy(e, product);
  all.kept.assign(all.levels.size(), {});
  for (int k = 0; k < cycles; ++k) {
    all.rows.front().multiply(e.data(), finest.b.data());
    all.cycle(0, gradient != nullptr);
    add(-1, finest.x, e);
  }
  // What is smaller is rounding, and may be negative.
  const double after = std::max(all.energy(e, product), 1e-28 * before);
  const double result = std::log(after / before) / (2 * cycles);
  if (!gradient) return result;

  Vector de = product.clone();  // A e / (K |e|_A^2)
  scale(1 / (cycles * after), de);
  for (int k = cycles - 1; k >= 0; --k) {
    const Vector dx = de.clone();
    scale(-1.0, dx);
    const Vector db = all.adjoint(0, dx);
    all.rows.front().multiply(db.data(), product.data());
    add(1, product, de);
  }
  for (std::size_t l = 0; l + 1 < all.levels.size(); ++l)
    detail::add_smoother_gradient(all.levels[l], all.smoother_gradients[l], network, share,
                                  *gradient);
  return result;
}

}  // namespace nopal
