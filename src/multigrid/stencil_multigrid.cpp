// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/multigrid/stencil_multigrid.hpp>

#include "multigrid/coarse_solver.hpp"
#include "multigrid/coarsening.hpp"
#include "multigrid/cycle_rows.hpp"
#include "multigrid/finest_level.hpp"
#include "multigrid/smoother_stencil.hpp"
#include "multigrid/spectral_radius.hpp"

#include <algorithm>
#include <deque>

namespace nopal {

using detail::centre;
using detail::CycleRows;
using detail::Level;
using detail::LevelLayout;
using detail::offset_of;
using detail::slots;
using detail::StencilMatrix;

namespace {

// Below this many points a level is no longer worth the messages.
constexpr std::int64_t least_divided_points = 4096;
// Points that a rank with points keeps along an axis, more than the margins of its neighbours need.
constexpr std::int64_t least_divided_extent = 4;

// The largest eigenvalue that S A may have: at 2, I - S A would no longer reduce the error.
constexpr double largest_radius = 1.9;

bool worth_dividing(const Grid& grid) {
  if (grid.extents().size() < least_divided_points) return false;
  for (const auto& ranges : grid.boxes().ranges)
    for (const Range& range : ranges)
      if (range.size() < least_divided_extent) return false;
  return true;
}

// The levels that rank 0 knows, on all ranks.
std::vector<MultigridLevelInfo> common_info(const std::vector<MultigridLevelInfo>& info,
                                            int dimension, const Communicator& comm) {
  std::vector<MultigridLevelInfo> all = info;
  all.resize(static_cast<std::size_t>(comm.max(static_cast<double>(info.size()))));
  for (MultigridLevelInfo& level : all) {
    Tensor<double> numbers({6});
    double* const n = numbers.data();
    for (int a = 0; a < dimension; ++a)
      n[a] = level.extents.rank() > a ? static_cast<double>(level.extents[a]) : 0;
    n[3] = level.stencil, n[4] = level.spectral_radius, n[5] = level.smoother_scale;
    comm.broadcast(numbers);
    level = {{}, static_cast<int>(n[3]), n[4], n[5]};
    for (int a = 0; a < dimension; ++a)
      level.extents.push_back(static_cast<std::int64_t>(n[a]));
  }
  return all;
}

}  // namespace

template <class T>
struct StencilMultigrid<T>::Hierarchy {
  std::deque<Level<T>> levels;
  std::vector<CycleRows<T>> rows;
  std::vector<MultigridLevelInfo> info;
  std::unique_ptr<detail::FinestLevel<T>> finest;
  std::int64_t known_rows = 0;
  int visited_once = 0;

  // On the coarsest divided level: the rest of the hierarchy, on one rank.
  std::unique_ptr<StencilMultigrid<T>> rest;
  std::optional<Exchange<T>> to_one, from_one;
  Tensor<T> own, whole_b, whole_x;

  detail::CoarseSolver<T> coarsest;
  bool smooth_only = false;  // the coarsest level is too large to be solved directly

  Hierarchy(const StencilField<T>& matrix, const SmootherNetwork<T>& smoother,
            const MultigridOptions& options);

  void set_smoother(Level<T>& level, const StencilMatrix<T>& symmetric,
                    const SmootherNetwork<T>& network);
  void gather_rest(const SmootherNetwork<T>& smoother, const MultigridOptions& options);
  bool solved_directly(std::size_t l) const {
    return l + 1 == levels.size() && !to_one && !smooth_only;
  }
  bool visited_twice(std::size_t l) const {
    return static_cast<int>(l) >= visited_once && !solved_directly(l) &&
           3 * levels[l].grid.extents().size() <= levels[l - 1].grid.extents().size();
  }
  void cycle(std::size_t l) const;
  void correct_again(std::size_t l) const;
  void solve_rest() const;
};

template <class T>
StencilMultigrid<T>::Hierarchy::Hierarchy(const StencilField<T>& matrix,
                                          const SmootherNetwork<T>& smoother,
                                          const MultigridOptions& options) {
  const Communicator& comm = matrix.grid.comm();
  comm.together([&] {
    smoother.check();
    NOPAL_CHECK(smoother.dimension == matrix.grid.dimension(), "the smoother is for ",
                smoother.dimension, " dimensions, the grid of the matrix has ",
                matrix.grid.dimension(), ": use a model for ", matrix.grid.dimension());
    NOPAL_CHECK(options.transfer == "operator" || options.transfer == "linear",
                "option transfer: expected operator or linear, got ", options.transfer);
  });
  visited_once = options.visited_once;
  levels.emplace_back();
  finest = std::make_unique<detail::FinestLevel<T>>(matrix, levels.back());
  detail::allocate_vectors(levels.back());
  known_rows = static_cast<std::int64_t>(comm.sum(static_cast<double>(finest->known_rows())));

  constexpr std::int64_t most_points = 2048;
  while (true) {
    Level<T>& level = levels.back();
    const StencilMatrix<T> symmetric = detail::symmetric_part(level.matrix, level.layout);
    info.push_back({level.grid.extents(), level.matrix.entries(), 0, 1});
    const bool last = static_cast<int>(levels.size()) >= options.max_levels ||
                      level.grid.extents().size() <= options.coarsest;
    level.coarsened = last ? std::array<bool, 3>{}
                           : detail::axes_to_coarsen(level, symmetric, options.semicoarsening);
    const bool ends = std::none_of(level.coarsened.begin(), level.coarsened.end(),
                                   [](bool axis) { return axis; });
    if (comm.size() > 1 && (ends || !worth_dividing(level.grid))) {
      rows.emplace_back(level, nullptr);
      gather_rest(smoother, options);
      return;
    }
    if (ends && level.grid.extents().size() <= most_points) {
      rows.emplace_back(level, nullptr);
      coarsest = detail::CoarseSolver<T>(level);
      return;
    }
    set_smoother(level, symmetric, smoother);
    if (ends) {
      rows.emplace_back(level, nullptr);
      smooth_only = true;
      return;
    }
    levels.push_back(detail::coarse_level(level, symmetric, options));
    rows.emplace_back(level, &levels.back());
  }
}

template <class T>
void StencilMultigrid<T>::Hierarchy::set_smoother(Level<T>& level,
                                                  const StencilMatrix<T>& symmetric,
                                                  const SmootherNetwork<T>& network) {
  level.smoother = detail::smoother_stencil(level, symmetric, network);
  detail::keep_positive(level, level.smoother);
  MultigridLevelInfo& about = info.back();
  about.spectral_radius =
      detail::spectral_radius(level, CycleRows<T>(level, nullptr), largest_radius);
  if (!(about.spectral_radius > largest_radius)) return;
  about.smoother_scale = largest_radius / about.spectral_radius;
  for (const Tensor<T>& values : level.smoother.values)
    if (values.defined()) nopal::scale(static_cast<T>(about.smoother_scale), values);
}

template <class T>
void StencilMultigrid<T>::Hierarchy::gather_rest(const SmootherNetwork<T>& smoother,
                                                 const MultigridOptions& options) {
  const Level<T>& level = levels.back();
  const Grid one = level.grid.gather();
  to_one = redistribution<T>(level.grid, one);
  from_one = redistribution<T>(one, level.grid);
  own = Tensor<T>(level.grid.box().field(1, 1));
  whole_b = Tensor<T>(one.box().field(1, 1));
  whole_x = Tensor<T>(one.box().field(1, 1));
  StencilField<T> field;
  std::vector<AxisRule> rules;
  rules.reserve(3);
  for (int a = 0; a < level.grid.dimension(); ++a)
    rules.push_back(level.grid.rule(a));
  std::vector<T> values;
  const bool root = level.grid.comm().rank() == 0;
  const Tensor<T> diagonals = detail::diagonal_of(level.matrix, level.layout);
  const auto gather = [&](const T* from) {
    T* to = own.data();
    LevelLayout::rows(level.layout.own, [&](std::int64_t i0, std::int64_t i1) {
      to = std::copy_n(from + level.layout.at(i0, i1, level.layout.own[2].begin),
                       level.layout.own[2].size(), to);
    });
    to_one->start(own, whole_b);
    to_one->finish(whole_b);
    return whole_b.to_vector();
  };
  const std::vector<T> sums = gather(level.matrix.values[centre].data());
  for (int slot = 0; slot < slots; ++slot) {
    const T* const from =
        slot == centre ? diagonals.data() : level.matrix.coefficient(slot, level.layout);
    if (!from) continue;
    const int d = level.layout.dimension;
    StencilOffset offset{};
    for (int a = 0; a < d; ++a)
      offset[static_cast<std::size_t>(a)] = offset_of(slot)[static_cast<std::size_t>(a + 3 - d)];
    field.offsets.push_back(offset);
    const std::vector<T> part = gather(from);
    values.insert(values.end(), part.begin(), part.end());
  }
  level.grid.comm().together([&] {
    if (!root) return;
    field.grid = Grid(level.grid.extents(), rules);
    field.values = Tensor<T>::from_host({static_cast<std::int64_t>(values.size())}, values);
    field.row_sums = Tensor<T>::from_host({static_cast<std::int64_t>(sums.size())}, sums);
    MultigridOptions left = options;
    left.visited_once = options.visited_once - static_cast<int>(levels.size()) + 1;
    left.max_levels = options.max_levels - static_cast<int>(levels.size()) + 1;
    rest = std::make_unique<StencilMultigrid<T>>(field, smoother, left);
  });
  // What the other ranks report of these levels.
  info.pop_back();
  for (const MultigridLevelInfo& about :
       common_info(rest ? rest->levels() : std::vector<MultigridLevelInfo>(),
                   level.grid.dimension(), level.grid.comm()))
    info.push_back(about);
}

template <class T>
void StencilMultigrid<T>::Hierarchy::solve_rest() const {
  const Level<T>& level = levels.back();
  const LevelLayout& layout = level.layout;
  T* to = own.data();
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    to = std::copy_n(level.b.data() + layout.at(i0, i1, layout.own[2].begin), layout.own[2].size(),
                     to);
  });
  to_one->start(own, whole_b);
  to_one->finish(whole_b);
  if (rest) rest->apply(whole_b.data(), whole_x.data());
  from_one->start(whole_x, own);
  from_one->finish(own);
  const T* from = own.data();
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    std::copy_n(from, layout.own[2].size(),
                level.x.data() + layout.at(i0, i1, layout.own[2].begin));
    from += layout.own[2].size();
  });
}

template <class T>
void StencilMultigrid<T>::Hierarchy::cycle(std::size_t l) const {
  const Level<T>& level = levels[l];
  if (l + 1 == levels.size() && !smooth_only) {
    if (to_one)
      solve_rest();
    else
      coarsest.solve(level);
    return;
  }
  const CycleRows<T>& step = rows[l];
  if (l + 1 == levels.size()) {  // smoothing only
    step.pre_smooth();
    return step.post_smooth(false);
  }
  const Level<T>& coarse = levels[l + 1];
  step.pre_smooth();
  coarse.exchange.refresh(coarse.layout, coarse.b.data());
  cycle(l + 1);
  if (visited_twice(l + 1)) correct_again(l + 1);
  coarse.exchange.refresh(coarse.layout, coarse.x.data());
  step.post_smooth(true);
}

// A second cycle on a level, for what the first one has left.
template <class T>
void StencilMultigrid<T>::Hierarchy::correct_again(std::size_t l) const {
  const Level<T>& level = levels[l];
  level.exchange.refresh(level.layout, level.x.data());
  const Range slabs = rows[l].slabs();
  for (std::int64_t s = slabs.begin; s < slabs.end; ++s)
    rows[l].residual(s);
  level.first_x.copy_from(level.x);
  level.b.copy_from(level.r);
  level.exchange.refresh(level.layout, level.b.data());
  cycle(l);
  axpy(T(1), level.first_x, level.x);
}

template <class T>
StencilMultigrid<T>::StencilMultigrid(const StencilField<T>& matrix,
                                      const SmootherNetwork<T>& smoother,
                                      const MultigridOptions& options) {
  const ScopedRegion region("multigrid_set_up");
  hierarchy_ = std::make_unique<Hierarchy>(matrix, smoother, options);
}

template <class T>
StencilMultigrid<T>::~StencilMultigrid() = default;
template <class T>
StencilMultigrid<T>::StencilMultigrid(StencilMultigrid&&) noexcept = default;
template <class T>
StencilMultigrid<T>& StencilMultigrid<T>::operator=(StencilMultigrid&&) noexcept = default;

template <class T>
void StencilMultigrid<T>::apply(const double* b, double* x) const {
  const ScopedRegion region("multigrid_apply");
  hierarchy_->finest->load(b, hierarchy_->levels.front());
  hierarchy_->cycle(0);
  hierarchy_->finest->store(hierarchy_->levels.front(), b, x);
}

template <class T>
void StencilMultigrid<T>::apply(const float* b, float* x) const {
  const ScopedRegion region("multigrid_apply");
  hierarchy_->finest->load(b, hierarchy_->levels.front());
  hierarchy_->cycle(0);
  hierarchy_->finest->store(hierarchy_->levels.front(), b, x);
}

template <class T>
const Grid& StencilMultigrid<T>::grid() const {
  return hierarchy_->levels.front().grid;
}

template <class T>
bool StencilMultigrid<T>::symmetric() const {
  return hierarchy_->levels.front().matrix.symmetric && !hierarchy_->finest->rows_scaled();
}

template <class T>
std::int64_t StencilMultigrid<T>::boundary_rows() const {
  return hierarchy_->known_rows;
}

template <class T>
std::vector<MultigridLevelInfo> StencilMultigrid<T>::levels() const {
  return hierarchy_->info;
}

template <class T>
std::int64_t StencilMultigrid<T>::memory() const {
  std::int64_t total = hierarchy_->coarsest.bytes();
  for (const Level<T>& level : hierarchy_->levels) {
    total += level.matrix.bytes() + level.smoother.bytes();
    for (const Tensor<T>& weights : level.weights)
      total += weights.size() * static_cast<std::int64_t>(sizeof(T));
    total += 4 * level.layout.size() * static_cast<std::int64_t>(sizeof(T));
  }
  if (hierarchy_->rest) total += hierarchy_->rest->memory();
  return total;
}

template <class T>
Cost StencilMultigrid<T>::cost() const {
  Cost total;
  for (const Level<T>& level : hierarchy_->levels) {
    const auto points = static_cast<double>(level.grid.box().size());
    double a = 0, s = 0, p = 0;  // numbers a point
    for (int slot = 0; slot < slots; ++slot) {
      const auto k = static_cast<std::size_t>(slot);
      a += level.matrix.values[k].defined() ? 1 : 0;
      s += level.smoother.values[k].defined() ? 1 : 0;
      p += level.weights[k].defined() ? 1 : 0;
    }
    for (const bool axis : level.coarsened)
      p /= axis ? 2 : 1;
    // Matrix and smoother once before and once after the coarse levels, with b; x written, then
    // read and written; interpolation weights for each way.
    total.flops += points * 2 * (2 * level.matrix.entries() + 2 * level.smoother.entries() + 2 * p);
    total.bytes += points * sizeof(T) * (2 * a + 2 * s + 2 * p + 5);
  }
  if (hierarchy_->rest) total += hierarchy_->rest->cost();
  return total;
}

template class StencilMultigrid<float>;
template class StencilMultigrid<double>;

}  // namespace nopal
