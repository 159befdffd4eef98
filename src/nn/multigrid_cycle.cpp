// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/layer_norm.hpp>
#include <nopal/nn/multigrid_cycle.hpp>

#include <algorithm>

namespace nopal {
namespace {

Shape repeated(std::int64_t value, int count) {
  Shape result;
  for (int a = 0; a < count; ++a)
    result.push_back(value);
  return result;
}

template <class Integer>
std::int64_t entry(const std::vector<std::int64_t>& list, Integer i) {
  return list[list.size() == 1 ? 0 : static_cast<std::size_t>(i)];
}

// Calls visit(kind, level, shape, bias channels) for all weights of a cycle, in order: the one
// place that knows which there are. Kinds: "pre.0.s", "pre.0.a", ..., "r", "pi", "p", "norm".
template <class Visit>
void for_each_weight(const MultigridCycleOptions& o, const Visit& visit) {
  const auto kernel = [&](std::int64_t points, std::int64_t in, std::int64_t out) {
    Shape shape = repeated(points, o.dimension);
    shape.push_back(in);
    shape.push_back(out);
    return shape;
  };
  const std::int64_t levels = o.levels();
  const bool by_residual = o.restriction == "residual";
  for (std::int64_t l = 0; l < levels; ++l) {
    const std::int64_t f = o.channels(o.in_channels, l), u = o.channels(o.out_channels, l);
    const Shape a = kernel(o.kernel, u, f), s = kernel(o.kernel, f, u);
    const std::int64_t a_bias = o.bias ? f : 0, s_bias = o.bias ? u : 0;
    const std::int64_t pre = entry(o.pre, l), post = entry(o.post, l);
    // At the start of a visit u is 0 on the finest level, and on others if the residual comes.
    const bool from_zero = l == 0 || by_residual;
    if (o.sharing == "smoother") visit("s", l, s, s_bias);
    if (o.sharing != "none") visit("a", l, a, a_bias);
    for (std::int64_t i = 0; i < pre + post; ++i) {
      const std::string step =
          (i < pre ? "pre." + std::to_string(i) : "post." + std::to_string(i - pre)) + ".";
      if (o.sharing != "smoother") visit(step + "s", l, s, s_bias);
      if (o.sharing == "none" && (i > 0 || !from_zero || o.first_operator))
        visit(step + "a", l, a, a_bias);
    }
    if (l + 1 == levels) break;
    if (by_residual && o.sharing == "none") visit("residual", l, a, a_bias);
    visit("r", l, kernel(o.kernel, f, o.channels(o.in_channels, l + 1)), 0);
    if (!by_residual) visit("pi", l, kernel(o.kernel, u, o.channels(o.out_channels, l + 1)), 0);
    visit("p", l, kernel(entry(o.prolongation_kernel, l), o.channels(o.out_channels, l + 1), u), 0);
    if (o.norm) {
      Shape affine{u};
      if (o.norm_points.rank() > 0) {
        affine = Shape{};
        for (const std::int64_t n : o.norm_points)
          affine.push_back(o.extents(n)[static_cast<std::size_t>(l)]);
        affine.push_back(u);
      }
      visit("norm", l, affine, 0);
    }
  }
}

}  // namespace

std::vector<std::int64_t> MultigridCycleOptions::extents(std::int64_t n) const {
  std::vector<std::int64_t> result;
  for (std::int64_t l = 0; l < levels() && n > 0; ++l) {
    result.push_back(n);
    // A convolution with stride 2 of `kernel` points, which is odd: margins of (kernel - 1) / 2
    // give ceil(n / 2) points, none give those whose neighbours all exist.
    n = transfer_padding == 0 ? (n >= kernel ? (n - kernel) / 2 + 1 : 0) : (n + 1) / 2;
  }
  return result;
}

template <class T>
MultigridGrids<T>::MultigridGrids(const Grid& finest, const MultigridCycleOptions& o,
                                  std::int64_t least_points) {
  const int d = o.dimension;
  NOPAL_CHECK(finest.dimension() == d, "multigrid cycle in ", d, " dimensions: got a grid ",
              finest.extents());
  for (int a = 0; a < d; ++a) {
    // A coarsest axis of one point mirrors nothing.
    const auto mirrors = [&](const AxisRule& rule) {
      return rule.low == BoundaryRule::reflect || rule.high == BoundaryRule::reflect;
    };
    const std::int64_t least = mirrors(finest.rule(a)) ? o.kernel / 2 + 1 : 1;
    const auto fits = [&](std::int64_t n) {
      const std::vector<std::int64_t> e = o.extents(n);
      return static_cast<std::int64_t>(e.size()) == o.levels() && e.back() >= least;
    };
    if (fits(finest.extents()[a])) continue;
    std::int64_t smallest = 1;
    while (!fits(smallest))
      ++smallest;
    NOPAL_CHECK(false, "a grid ", finest.extents(), " is too small for ", o.levels(),
                " levels: at least ", smallest, " points are needed along axis ", a + 1,
                "; use fewer levels or a finer grid");
  }
  const std::int64_t radius = o.kernel / 2;
  const Shape kernel = repeated(o.kernel, d), padding = repeated(radius, d);
  const Shape transfer = repeated(o.transfer_padding == 0 ? 0 : radius, d);
  grids.push_back(finest);
  for (std::int64_t l = 1; l < o.levels(); ++l)
    grids.push_back(grids.back()
                        .coarsen(repeated(o.transfer_padding == 0 ? radius : 0, d))
                        .agglomerate(least_points));
  for (std::size_t l = 0; l < grids.size(); ++l) {
    smooth.emplace_back(grids[l], grids[l], GridStencil{kernel, 1, padding});
    if (l + 1 == grids.size()) break;
    restrict_to.emplace_back(grids[l], grids[l + 1], GridStencil{kernel, 2, transfer});
    // A coarse point's taps lie about its fine point, and one beyond for an even kernel.
    const std::int64_t width = entry(o.prolongation_kernel, l);
    const Shape margin = repeated(o.transfer_padding == 0 ? 0 : (width - 1) / 2, d);
    prolongate_from.emplace_back(grids[l + 1], grids[l],
                                 GridStencil{repeated(width, d), 2, margin, true});
  }
}

template <class T>
MultigridCycle<T>::MultigridCycle(ParameterStore<T>& store, const std::string& name,
                                  const MultigridCycleOptions& options)
    : options_(options), levels_(static_cast<std::size_t>(options.levels())) {
  const auto find = [&](Level& level,
                        const std::string& kind) -> std::pair<Variable<T>*, Variable<T>*> {
    if (kind == "r") return {&level.r, nullptr};
    if (kind == "pi") return {&level.pi, nullptr};
    if (kind == "p") return {&level.p, nullptr};
    if (kind == "residual") return {&level.residual, &level.residual_bias};
    // Step i of pre or post: "pre.i.s" or "pre.i.a".
    std::vector<Step>& steps = kind.starts_with("pre.") ? level.pre : level.post;
    const auto i = static_cast<std::size_t>(std::stoll(kind.substr(kind.find('.') + 1)));
    return kind.back() == 's' ? std::pair(&steps[i].s, &steps[i].s_bias)
                              : std::pair(&steps[i].a, &steps[i].a_bias);
  };
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    levels_[l].pre.resize(static_cast<std::size_t>(entry(options_.pre, l)));
    levels_[l].post.resize(static_cast<std::size_t>(entry(options_.post, l)));
  }
  for_each_weight(options_, [&](const std::string& kind, std::int64_t l, const Shape& shape,
                                std::int64_t bias) {
    Level& level = levels_[static_cast<std::size_t>(l)];
    const std::string full = name + ".levels." + std::to_string(l) + "." + kind;
    if (kind == "norm") {
      level.norm_scale = store.constant(full + ".scale", shape, 1).variable;
      level.norm_shift = store.constant(full + ".shift", shape, 0).variable;
      return;
    }
    // PyTorch's fan-in: of a transposed convolution it counts the output channels.
    const std::int64_t channels = kind == "p" ? shape[-1] : shape[-2];
    const std::int64_t fan_in = channels * shape.product(0, shape.rank() - 2);
    const Variable<T> weight = store.uniform(full + ".weight", shape, fan_in).variable;
    Variable<T> offset;
    if (bias > 0) offset = store.uniform(full + ".bias", Shape{bias}, fan_in).variable;
    if (kind == "a" || kind == "s") {  // shared by all steps
      for (auto* steps : {&level.pre, &level.post})
        for (Step& step : *steps) {
          (kind == "a" ? step.a : step.s) = weight;
          (kind == "a" ? step.a_bias : step.s_bias) = offset;
        }
      if (kind == "a") {
        level.residual = weight;
        level.residual_bias = offset;
      }
      return;
    }
    const auto [where, where_bias] = find(level, kind);
    *where = weight;
    if (where_bias) *where_bias = offset;
  });
}

// How often a visit of level l goes to the next one; the coarsest is visited once each time.
template <class T>
std::int64_t MultigridCycle<T>::visits_below(std::size_t l) const {
  if (l + 1 >= levels_.size()) return 0;
  return l + 2 < levels_.size() ? options_.visits : 1;
}

// f - (A u + bias)
template <class T>
Variable<T> MultigridCycle<T>::residual(const MultigridGrids<T>& grids, std::size_t level,
                                        const Variable<T>& a, const Variable<T>& bias,
                                        const Variable<T>& f, const Variable<T>& u) const {
  return grids.smooth[level](u, a, bias.value().defined() ? negate(bias) : bias,
                             Activation::identity, -1, f);
}

template <class T>
Variable<T> MultigridCycle<T>::visit(const MultigridGrids<T>& grids, std::size_t l,
                                     const Variable<T>& f, Variable<T> u) const {
  const Level& level = levels_[l];
  const GridConvolution<T>& smooth = grids.smooth[l];
  const auto step = [&](const Step& w) {
    // u = 0, undefined: f - A u is f but for the bias.
    Variable<T> r = f;
    if (u.value().defined())
      r = residual(grids, l, w.a, w.a_bias, f, u);
    else if (options_.first_operator && w.a_bias.value().defined())
      r = add_bias(copy(f), negate(w.a_bias));
    u = smooth(r, w.s, w.s_bias, Activation::identity, 1, std::move(u));
  };
  for (const Step& w : level.pre)
    step(w);
  const bool by_residual = options_.restriction == "residual";
  for (std::int64_t i = 0; i < visits_below(l); ++i) {
    Variable<T> fc, uc;
    if (by_residual) {
      fc = grids.restrict_to[l](
          u.value().defined() ? residual(grids, l, level.residual, level.residual_bias, f, u) : f,
          level.r);
    } else {
      fc = grids.restrict_to[l](f, level.r);
      if (u.value().defined()) uc = grids.restrict_to[l](u, level.pi);
    }
    uc = visit(grids, l + 1, fc, std::move(uc));
    u = grids.prolongate_from[l](uc, level.p, {}, Activation::identity, 1, std::move(u));
    if (options_.norm) u = layer_norm(u, level.norm_scale, level.norm_shift, grids.grids[l]);
  }
  for (const Step& w : level.post)
    step(w);
  return u;
}

template <class T>
Variable<T> MultigridCycle<T>::operator()(const MultigridGrids<T>& grids,
                                          const Variable<T>& f) const {
  NOPAL_CHECK(grids.grids.size() == levels_.size(), "multigrid cycle: ", levels_.size(),
              " levels, but grids for ", grids.grids.size());
  return visit(grids, 0, f, {});
}

template <class T>
Cost MultigridCycle<T>::cost(const MultigridGrids<T>& grids, std::int64_t batch) const {
  Cost total;
  const auto add = [&](const GridConvolution<T>& convolution, const Variable<T>& weight,
                       double times) {
    if (!weight.value().defined()) return;
    const Cost one = convolution.cost(batch, weight.shape());
    total.flops += times * one.flops;
    total.bytes += times * one.bytes;
  };
  double visits = 1;  // of a level
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    const Level& level = levels_[l];
    const bool from_zero = l == 0 || options_.restriction == "residual";
    for (const auto* steps : {&level.pre, &level.post})
      for (const Step& w : *steps) {
        const bool first = steps == &level.pre && &w == steps->data();
        add(grids.smooth[l], w.s, visits);
        if (!(first && from_zero)) add(grids.smooth[l], w.a, visits);
      }
    if (l + 1 == levels_.size()) break;
    visits *= static_cast<double>(visits_below(l));
    if (options_.restriction == "residual") add(grids.smooth[l], level.residual, visits);
    add(grids.restrict_to[l], level.r, visits);
    add(grids.restrict_to[l], level.pi, visits);
    add(grids.prolongate_from[l], level.p, visits);
  }
  return total;
}

template <class T>
double MultigridCycle<T>::parameter_count(const MultigridCycleOptions& options) {
  double total = 0;
  for_each_weight(
      options, [&](const std::string& kind, std::int64_t, const Shape& shape, std::int64_t bias) {
        double size = 1;
        for (const std::int64_t n : shape)
          size *= static_cast<double>(n);
        total += (kind == "norm" ? 2 : 1) * size + static_cast<double>(bias);
      });
  return total;
}

template struct MultigridGrids<float>;
template struct MultigridGrids<double>;
template class MultigridCycle<float>;
template class MultigridCycle<double>;

}  // namespace nopal
