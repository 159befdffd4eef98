// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/comm/exchange.hpp>
#include <nopal/core/profile.hpp>
#include <nopal/io/option_reader.hpp>
#include <nopal/nn/convolution.hpp>
#include <nopal/nn/domain_padding.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/exchange.hpp>
#include <nopal/nn/grid_embedding.hpp>
#include <nopal/nn/recompute.hpp>
#include <nopal/nn/windows.hpp>
#include <nopal/operators/patched_fno.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <mutex>

namespace nopal {
namespace {

Shape all_axes(int dimension, std::int64_t value) {
  Shape shape;
  for (int a = 0; a < dimension; ++a)
    shape.push_back(value);
  return shape;
}

BoundaryRule rule_of(const std::string& name) {
  return name == "periodic"  ? BoundaryRule::periodic
         : name == "reflect" ? BoundaryRule::reflect
                             : BoundaryRule::zero;
}

std::int64_t margin(const PatchedFnoOptions& o, std::int64_t n) {
  return static_cast<std::int64_t>(std::nearbyint(o.padding * static_cast<double>(n)));
}

// A kernel of `taps` points an axis that treats all channels alike: [1], or [1 2 1] / 4.
template <class T>
Tensor<T> channelwise_kernel(int dimension, std::int64_t taps, std::int64_t channels) {
  Shape shape;
  for (int a = 0; a < dimension; ++a)
    shape.push_back(taps);
  shape.push_back(channels);
  shape.push_back(channels);
  auto kernel = Tensor<T>::zeros(shape);
  std::vector<T> numbers(static_cast<std::size_t>(kernel.size()));
  const std::int64_t block = channels * channels, points = kernel.size() / block;
  for (std::int64_t p = 0; p < points; ++p) {
    double weight = 1;
    for (std::int64_t rest = p, a = 0; a < dimension; ++a, rest /= taps)
      weight *= taps == 1 ? 1 : rest % taps == 1 ? 0.5 : 0.25;
    for (std::int64_t c = 0; c < channels; ++c)
      numbers[static_cast<std::size_t>(p * block + c * (channels + 1))] = static_cast<T>(weight);
  }
  kernel.copy_from_host(numbers.data());
  return kernel;
}

}  // namespace

PatchedFnoOptions PatchedFnoOptions::from_json(const nlohmann::json& json) {
  PatchedFnoOptions o;
  nlohmann::json own = nlohmann::json::object(), rest = nlohmann::json::object();
  for (const auto& [key, value] : json.items()) {
    const bool is_own = key == "levels" || key == "padding" || key == "boundary" ||
                        key == "coarse" || key == "patch_batch";
    (is_own ? own : rest)[key] = value;
  }
  OptionReader read(own, "patched_fno");
  read("levels", o.levels, 0, 3);
  read("padding", o.padding, 0, 1);
  read.choice("boundary", o.boundary, {"periodic", "reflect", "zero"});
  read.choice("coarse", o.coarse, {"stride", "lowpass"});
  read("patch_batch", o.patch_batch, 0);
  read.finish();
  o.fno = FnoOptions::from_json(rest);
  return o;
}

nlohmann::json PatchedFnoOptions::to_json() const {
  nlohmann::json json = fno.to_json();
  json["levels"] = levels;
  json["padding"] = padding;
  json["boundary"] = boundary;
  json["coarse"] = coarse;
  json["patch_batch"] = patch_batch;
  return json;
}

FnoOptions PatchedFnoOptions::inner() const {
  FnoOptions o = fno;
  const auto d = static_cast<std::int64_t>(o.n_modes.size());
  o.in_channels = (fno.in_channels + (fno.positional_embedding == "none" ? 0 : d)) * (levels + 1);
  o.positional_embedding = "none";
  return o;
}

// For the fields of one grid.
template <class T>
struct PatchedFno<T>::Plan {
  // One level's windows, from the field of that level.
  struct Level {
    Exchange<T> exchange;  // to the box that holds them all
    Shape strides;
  };
  // From a level to the next coarser one.
  struct Coarsening {
    Exchange<T> halo;  // not used without a filter
    ConvolutionOptions options;
  };

  Grid grid;
  Shape counts;  // patches of this rank along each axis
  Shape sizes, margins;
  std::vector<Level> levels;
  std::vector<Coarsening> coarsenings;
  Exchange<T> back;  // from the patches without margins to the rank's box
};

template <class T>
struct PatchedFno<T>::Plans {
  static constexpr std::size_t most = 8;
  std::mutex mutex;
  std::vector<std::shared_ptr<const Plan>> known;
};

template <class T>
PatchedFno<T>::PatchedFno(const PatchedFnoOptions& options, std::uint64_t seed)
    : options_(PatchedFnoOptions::from_json(options.to_json())),
      fno_(options_.inner(), seed),
      plans_(std::make_unique<Plans>()) {}

template <class T>
PatchedFno<T>::~PatchedFno() = default;

template <class T>
nlohmann::json PatchedFno<T>::configuration() const {
  return options_.to_json();
}

template <class T>
std::vector<AxisRule> PatchedFno<T>::grid_rules() const {
  return std::vector<AxisRule>(options_.fno.n_modes.size(), AxisRule(rule_of(options_.boundary)));
}

template <class T>
void PatchedFno<T>::check_grid(const Shape& extents) const {
  const PatchedFnoOptions& o = options_;
  const Shape stored = fno_.options().stored_modes(fno_.options().n_modes);
  const std::int64_t multiple = std::int64_t(1) << (2 * o.levels);
  for (int a = 0; a < extents.rank(); ++a) {
    const std::int64_t n = extents[a];
    const std::int64_t above = (n / multiple + 1) * multiple;
    NOPAL_CHECK(n >= multiple && n % multiple == 0, "patched_fno with ", o.levels,
                " levels divides axes of a multiple of ", multiple, " points, axis ", a, " has ", n,
                n < multiple
                    ? detail::concatenate("; the least is ", above)
                    : detail::concatenate("; the nearest are ", above - multiple, " and ", above));
    const std::int64_t size = (n >> o.levels) + 2 * margin(o, n);
    const std::int64_t most = a + 1 == extents.rank() ? size / 2 + 1 : size;
    NOPAL_CHECK(stored[a] <= most, "patched_fno: the modes ", stored,
                " (those of the last axis from ", "0 on) exceed the ", size,
                " points of a patch and its margins along axis ", a, " of a grid ", extents,
                "; take fewer modes, fewer levels or a larger padding");
  }
}

template <class T>
void PatchedFno<T>::check_inputs(std::span<const Shape> inputs) const {
  const auto d = static_cast<int>(options_.fno.n_modes.size());
  NOPAL_CHECK(
      inputs.size() == 1 && inputs[0].rank() == d + 2 && inputs[0][-1] == options_.fno.in_channels,
      "patched_fno takes one field (B, X1, ..., X", d, ", ", options_.fno.in_channels, "), got ",
      inputs.size() == 1 ? inputs[0] : Shape());
  check_grid(Shape(inputs[0].begin() + 1, inputs[0].end() - 1));
}

template <class T>
Shape PatchedFno<T>::process_grid(int ranks) const {
  const auto d = static_cast<int>(options_.fno.n_modes.size());
  const std::int64_t n = std::int64_t(1) << options_.levels;
  Shape best;
  std::pair<std::int64_t, std::int64_t> least;  // patches of a rank; largest extent
  const auto try_all = [&](const auto& self, const Shape& begun, std::int64_t rest) -> void {
    if (begun.rank() + 1 == d) {
      Shape all = begun;
      all.push_back(rest);
      std::pair<std::int64_t, std::int64_t> cost{1, 0};
      for (const std::int64_t p : all) {
        cost.first *= (n + p - 1) / p;
        cost.second = std::max(cost.second, p);
      }
      if (best.rank() == 0 || cost < least) best = all, least = cost;
      return;
    }
    for (std::int64_t p = 1; p <= rest; ++p)
      if (rest % p == 0) {
        Shape next = begun;
        next.push_back(p);
        self(self, next, rest / p);
      }
  };
  try_all(try_all, {}, ranks);
  return best;
}

template <class T>
auto PatchedFno<T>::plan(const Grid& grid) const -> std::shared_ptr<const Plan> {
  const std::lock_guard<std::mutex> lock(plans_->mutex);
  for (const auto& known : plans_->known)
    if (known->grid.extents() == grid.extents() && known->grid.boxes() == grid.boxes() &&
        known->grid.comm().mpi() == grid.comm().mpi())
      return known;
  const PatchedFnoOptions& o = options_;
  const int d = grid.dimension();
  const std::int64_t n = std::int64_t(1) << o.levels;
  const Shape process = grid.boxes().coordinates(grid.comm().rank());
  auto plan = std::make_shared<Plan>();
  plan->grid = grid;
  for (int a = 0; a < d; ++a) {
    plan->counts.push_back(
        slab(n, static_cast<int>(process[a]), static_cast<int>(grid.boxes().processes[a])).count);
    plan->margins.push_back(margin(o, grid.extents()[a]));
    plan->sizes.push_back((grid.extents()[a] >> o.levels) + 2 * plan->margins[a]);
  }
  Grid level_grid = grid;
  std::vector<std::vector<std::int64_t>> tiles;  // points of patches, by axis and process
  for (std::int64_t l = 0; l <= o.levels; ++l) {
    Boxes wanted = level_grid.boxes();
    Shape strides;
    for (int a = 0; a < d; ++a) {
      const std::int64_t m = grid.extents()[a] >> o.levels, stride = m >> l;
      const std::int64_t before = (m - stride + 1) / 2 + plan->margins[a];
      strides.push_back(stride);
      auto& axis = wanted.ranges[static_cast<std::size_t>(a)];
      if (l == 0) tiles.emplace_back();
      for (std::size_t p = 0; p < axis.size(); ++p) {
        const Slab s = slab(n, static_cast<int>(p), static_cast<int>(axis.size()));
        axis[p] = {0, 0};
        if (s.count > 0)
          axis[p] = {s.first * stride - before,
                     (s.first + s.count - 1) * stride - before + plan->sizes[a]};
        if (l == 0) tiles.back().push_back(s.count * m);
      }
    }
    plan->levels.push_back({Exchange<T>(level_grid, wanted), strides});
    if (l == o.levels) break;
    typename Plan::Coarsening down;
    const Grid coarse = level_grid.coarsen(all_axes(d, 0));
    const bool filters = o.coarse == "lowpass";
    if (filters) {
      const Shape one = all_axes(d, 1);
      down.halo = halo_exchange<T>(level_grid, one, one);
    }
    down.options.stride = 2;
    for (int a = 0; a < d; ++a) {
      // The halo's point before the box is the first tap of the box's first point.
      down.options.offset[static_cast<std::size_t>(a)] =
          2 * coarse.box()[a].begin - level_grid.box()[a].begin;
      down.options.extents.push_back(coarse.box()[a].size());
    }
    if (coarse.box().empty())
      for (int a = 0; a < d; ++a)
        down.options.offset[static_cast<std::size_t>(a)] = 0;
    plan->coarsenings.push_back(down);
    level_grid = coarse;
  }
  plan->back = redistribution<T>(Grid(grid.extents(), grid_rules(), grid.comm(), tiles), grid);
  if (plans_->known.size() == Plans::most) plans_->known.erase(plans_->known.begin());
  return plans_->known.emplace_back(plan);
}

template <class T>
Variable<T> PatchedFno<T>::patches(const Variable<T>& x, const Grid& grid) const {
  return patches(x, *plan(grid));
}

template <class T>
Variable<T> PatchedFno<T>::patches(const Variable<T>& x, const Plan& plan) const {
  const std::string& embedding = options_.fno.positional_embedding;
  const Grid& grid = plan.grid;
  Variable<T> field = embedding == "none" ? x
                                          : grid_embedding(x, embedding == "grid_inclusive",
                                                           grid.extents(), grid.box());
  std::vector<Variable<T>> all;
  for (std::size_t l = 0; l < plan.levels.size(); ++l) {
    const typename Plan::Level& level = plan.levels[l];
    all.push_back(windows(exchange(field, level.exchange), plan.counts, level.strides, plan.sizes));
    if (l + 1 == plan.levels.size()) break;
    const typename Plan::Coarsening& down = plan.coarsenings[l];
    const bool filters = options_.coarse == "lowpass";
    const auto kernel = channelwise_kernel<T>(grid.dimension(), filters ? 3 : 1, field.shape()[-1]);
    field = convolution<T>(filters ? exchange(field, down.halo) : field, kernel, {}, down.options);
  }
  return all.size() == 1 ? all[0] : join_channels(all);
}

template <class T>
Variable<T> PatchedFno<T>::forward(std::span<const Variable<T>> inputs) const {
  NOPAL_CHECK(inputs.size() == 1 && inputs[0].shape().rank() >= 3,
              "patched_fno takes one field (B, X1, ..., Xd, C)");
  const Shape& x = inputs[0].shape();
  check_inputs(std::span(&x, 1));
  return forward(inputs, Grid(Shape(x.begin() + 1, x.end() - 1), grid_rules()));
}

template <class T>
Variable<T> PatchedFno<T>::forward(std::span<const Variable<T>> inputs, const Grid& grid) const {
  const ScopedRegion region("patched_fno");
  NOPAL_CHECK(inputs.size() == 1, "patched_fno takes one field, got ", inputs.size());
  NOPAL_CHECK(
      grid.dimension() == static_cast<int>(options_.fno.n_modes.size()) &&
          inputs[0].shape() == grid.box().field(inputs[0].shape()[0], options_.fno.in_channels),
      "patched_fno: expected a field of ", options_.fno.in_channels,
      " channels on this rank's box of a grid ", grid.extents(), ", got ", inputs[0].shape());
  check_grid(grid.extents());
  for (int a = 0; a < grid.dimension(); ++a)
    NOPAL_CHECK(grid.rule(a) == grid_rules()[0], "patched_fno: the grid's boundary rules are not ",
                "those of the model, see grid_rules()");
  const auto plan = this->plan(grid);
  const Variable<T> seen = patches(inputs[0], *plan);
  const std::function<Variable<T>(const Variable<T>&)> within = [this, plan](const Variable<T>& p) {
    return crop(fno_.forward(p), plan->margins, plan->margins);
  };
  Variable<T> y =
      options_.patch_batch > 0 ? recomputed<T>(within, seen, options_.patch_batch) : within(seen);
  // A rank without patches goes the same way, with no samples.
  y = plan->counts.size() > 0 ? join_windows(y, plan->counts)
                              : reshape(y, plan->back.grid().box().field(
                                               inputs[0].shape()[0], options_.fno.out_channels));
  return exchange(y, plan->back);
}

template <class T>
Cost PatchedFno<T>::cost(std::span<const Shape> inputs) const {
  check_inputs(inputs);
  Shape patch{inputs[0][0]};
  for (int a = 1; a + 1 < inputs[0].rank(); ++a) {
    patch = patch.with(0, patch[0] << options_.levels);
    patch.push_back((inputs[0][a] >> options_.levels) + 2 * margin(options_, inputs[0][a]));
  }
  patch.push_back(fno_.options().in_channels);
  return fno_.cost(std::span(&patch, 1));
}

template class PatchedFno<float>;
template class PatchedFno<double>;

}  // namespace nopal
