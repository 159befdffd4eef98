// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/comm/exchange.hpp>
#include <nopal/nn/bfloat16.hpp>
#include <nopal/nn/convolution.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/grid_convolution.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/nn/linear.hpp>
#include <nopal/nn/pooling.hpp>
#include <nopal/operators/direction_net.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>

namespace nopal {
namespace {

constexpr std::int64_t taps = DirectionNetOptions::taps;

ConvolutionOptions same(int dimension, const Shape& field, Activation activation) {
  ConvolutionOptions options;
  options.activation = activation;
  for (int a = 0; a < dimension; ++a)
    options.offset[static_cast<std::size_t>(a)] = -(taps / 2);
  options.extents = Shape(field.begin() + 1, field.end() - 1);
  return options;
}

Shape kernel(std::int64_t dimension, std::int64_t in, std::int64_t out) {
  Shape shape;
  for (std::int64_t a = 0; a < dimension; ++a)
    shape.push_back(taps);
  shape.push_back(in);
  shape.push_back(out);
  return shape;
}

// The box of a rank with a margin of one point, but not beyond the domain.
struct Margin {
  Exchange<float> exchange;
  ConvolutionOptions options;  // from there to the box
};

Margin margin_of(const Grid& grid) {
  Boxes boxes = grid.boxes();
  for (int a = 0; a < grid.dimension(); ++a)
    for (Range& range : boxes.ranges[static_cast<std::size_t>(a)])
      if (range.size() > 0)
        range = {std::max<std::int64_t>(0, range.begin - taps / 2),
                 std::min(grid.extents()[a], range.end + taps / 2)};
  Margin margin{Exchange<float>(grid, boxes), {}};
  const Box &own = grid.box(), &wide = margin.exchange.box();
  for (int a = 0; a < grid.dimension(); ++a) {
    margin.options.offset[static_cast<std::size_t>(a)] = own[a].begin - taps / 2 - wide[a].begin;
    margin.options.extents.push_back(own[a].size());
  }
  return margin;
}

}  // namespace

template <class T>
struct DirectionNet<T>::Layers {
  struct Convolution {
    const Parameter<T>*weight, *bias;
  };
  using Block = std::array<Convolution, 2>;

  // Convolutions of 3^d taps on the boxes of a grid and of its coarser levels.
  struct Distributed {
    Grid grid;
    std::vector<GridConvolution<T>> levels;
    std::vector<Margin> margins;  // of the levels, for fields in bfloat16
  };

  explicit Layers(std::uint64_t seed) : store(seed) {}

  Convolution convolution(const std::string& name, std::int64_t dimension, std::int64_t in,
                          std::int64_t out) {
    const Shape shape = kernel(dimension, in, out);
    const double size = std::pow(static_cast<double>(taps), static_cast<double>(dimension));
    // Glorot and Bengio, AISTATS 2010.
    const double deviation = std::sqrt(2 / (size * static_cast<double>(in + out)));
    return {&store.normal(name + ".weight", shape, deviation),
            &store.constant(name + ".bias", {out}, 0)};
  }
  std::vector<Block> blocks(const std::string& name, const DirectionNetOptions& o,
                            std::int64_t count) {
    std::vector<Block> result;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string one = name + "." + std::to_string(i);
      result.push_back({convolution(one + ".0", o.dimension, o.filters, o.filters),
                        convolution(one + ".1", o.dimension, o.filters, o.filters)});
    }
    return result;
  }

  std::shared_ptr<const Distributed> on(const Grid& grid, std::int64_t levels);

  ParameterStore<T> store;
  Convolution first{}, second{}, third{};
  std::vector<Block> head, tail;
  // Of the coarse levels, the finest of them first; shared: that of all but the coarsest, and that.
  std::vector<std::vector<Block>> down, up;
  const Parameter<T>*weight = nullptr, *bias = nullptr;
  std::mutex mutex;
  std::vector<std::shared_ptr<const Distributed>> known;  // grids, the latest last
};

namespace {

std::string level_name(const char* name, std::int64_t level) {
  return level == 0 ? name : detail::concatenate(name, ".level", level);
}

// The same on all ranks: each knows all boxes.
void check_boxes(const Grid& grid, std::int64_t factor) {
  for (int a = 0; a < grid.dimension(); ++a) {
    NOPAL_CHECK(grid.rule(a) == AxisRule(BoundaryRule::zero),
                "direction_net: fields are 0 beyond all sides of the grid");
    for (const Range& range : grid.boxes().ranges[static_cast<std::size_t>(a)])
      NOPAL_CHECK(range.begin % factor == 0 && range.end % factor == 0,
                  "direction_net: the points of a rank, ", range.begin, " to ", range.end,
                  " along axis ", a, ", must begin and end at multiples of ", factor);
  }
}

// The boxes of a grid of which each point stands for `factor` points along each axis.
Grid coarse_grid(const Grid& grid, std::int64_t factor) {
  Shape extents;
  std::vector<std::vector<std::int64_t>> counts;
  for (int a = 0; a < grid.dimension(); ++a) {
    extents.push_back(grid.extents()[a] / factor);
    auto& axis = counts.emplace_back();
    for (const Range& range : grid.boxes().ranges[static_cast<std::size_t>(a)])
      axis.push_back(range.size() / factor);
  }
  return Grid(extents, {}, grid.comm(), counts);
}

}  // namespace

template <class T>
auto DirectionNet<T>::Layers::on(const Grid& grid, std::int64_t levels)
    -> std::shared_ptr<const Distributed> {
  const std::lock_guard<std::mutex> lock(mutex);
  for (const auto& plan : known)
    if (plan->grid.extents() == grid.extents() && plan->grid.boxes() == grid.boxes() &&
        plan->grid.comm().mpi() == grid.comm().mpi())
      return plan;
  auto plan = std::make_shared<Distributed>();
  plan->grid = grid;
  GridStencil stencil;
  for (int a = 0; a < grid.dimension(); ++a) {
    stencil.kernel.push_back(taps);
    stencil.padding.push_back(taps / 2);
  }
  for (std::int64_t l = 0; l <= levels; ++l) {
    const Grid level = coarse_grid(grid, std::int64_t(1) << l);
    plan->levels.emplace_back(level, level, stencil);
    plan->margins.push_back(margin_of(level));
  }
  if (known.size() >= 4) known.erase(known.begin());
  known.push_back(plan);
  return plan;
}

// Layers on fields of floats or doubles that a tape may record.
template <class T>
struct DirectionNet<T>::Recorded {
  using Field = Variable<T>;
  using Convolution = typename Layers::Convolution;
  const typename Layers::Distributed* distributed;  // null: one rank

  Field convolve(const Convolution& c, const Field& x, std::size_t level,
                 Activation activation) const {
    if (distributed)
      return distributed->levels[level](x, c.weight->variable, c.bias->variable, activation);
    return nopal::convolution(x, c.weight->variable, c.bias->variable,
                              same(x.shape().rank() - 2, x.shape(), activation));
  }
  Field first(const Convolution& c, const Variable<T>& x) const {
    return convolve(c, x, 0, Activation::identity);
  }
  Field convolve_and_add(const Convolution& c, const Field& x, std::size_t level,
                         const Field& y) const {
    return add(convolve(c, x, level, Activation::relu), y);
  }
  Field halve(const Field& x) const { return average_pool(x, 2); }
  Field add_doubled(const Field& x, const Field& y) const { return add(upsample_nearest(x, 2), y); }
  Variable<T> last(const Layers& layers, const Field& y) const {
    return linear(y, layers.weight->variable, layers.bias->variable);
  }
};

// The same in bfloat16.
template <class T>
struct DirectionNet<T>::Rounded {
  using Field = Bfloat16Field;
  using Convolution = typename Layers::Convolution;
  const typename Layers::Distributed* distributed;

  Field convolve(const Convolution& c, const Field& x, std::size_t level, Activation activation,
                 const Field& y = {}) const {
    if (!distributed)
      return nopal::convolution(x, cast<float>(c.weight->value()), cast<float>(c.bias->value()),
                                same(x.shape().rank() - 2, x.shape(), activation), y);
    return nopal::convolution(Field::from_pairs(with_margin(x.pairs(), level)),
                              cast<float>(c.weight->value()), cast<float>(c.bias->value()),
                              options(level, activation), y);
  }
  Field first(const Convolution& c, const Variable<T>& x) const {
    if (!distributed)
      return convolution_to_bfloat16(cast<float>(x.value()), cast<float>(c.weight->value()),
                                     cast<float>(c.bias->value()),
                                     same(x.shape().rank() - 2, x.shape(), Activation::identity));
    return convolution_to_bfloat16(with_margin(cast<float>(x.value()), 0),
                                   cast<float>(c.weight->value()), cast<float>(c.bias->value()),
                                   options(0, Activation::identity));
  }
  Field convolve_and_add(const Convolution& c, const Field& x, std::size_t level,
                         const Field& y) const {
    return convolve(c, x, level, Activation::relu, y);
  }
  Field halve(const Field& x) const { return nopal::halve(x); }
  Field add_doubled(const Field& x, const Field& y) const { return nopal::add_doubled(x, y); }
  Variable<T> last(const Layers& layers, const Field& y) const {
    return cast<T>(
        linear(y, cast<float>(layers.weight->value()), cast<float>(layers.bias->value())));
  }

 private:
  ConvolutionOptions options(std::size_t level, Activation activation) const {
    ConvolutionOptions result = distributed->margins[level].options;
    result.activation = activation;
    return result;
  }
  Tensor<float> with_margin(const Tensor<float>& x, std::size_t level) const {
    const Exchange<float>& exchange = distributed->margins[level].exchange;
    Tensor<float> wide(exchange.box().field(x.extent(0), x.extent(-1)));
    exchange.start(x, wide);
    exchange.finish(wide);
    return wide;
  }
};

// One evaluation, on one rank or on a grid, with fields as Recorded or Rounded has them.
template <class T>
template <class Fields>
struct DirectionNet<T>::Evaluation {
  using Field = typename Fields::Field;
  using Block = typename Layers::Block;

  const Layers& layers;
  Fields fields;
  std::size_t levels;

  Field apply(const std::vector<Block>& blocks, Field x, std::size_t level) const {
    for (const Block& block : blocks)
      x = fields.convolve_and_add(block[1], fields.convolve(block[0], x, level, Activation::relu),
                                  level, x);
    return x;
  }
  Field coarse(Field x, std::size_t level) const {
    const bool last = level == levels;
    const std::size_t which = last ? layers.down.size() - 1 : std::min(level, layers.up.size()) - 1;
    x = apply(layers.down[which], std::move(x), level);
    if (last) return x;
    const Field g = coarse(fields.halve(x), level + 1);
    return apply(layers.up[which], fields.add_doubled(g, x), level);
  }
  Variable<T> operator()(const Variable<T>& x) const {
    Field h = fields.first(layers.first, x);
    h = apply(layers.head, fields.convolve(layers.second, h, 0, Activation::relu), 0);
    h = fields.convolve(layers.third, h, 0, Activation::relu);
    const Field g = coarse(fields.halve(h), 1);
    return fields.last(layers, apply(layers.tail, fields.add_doubled(g, h), 0));
  }
};

template <class T>
DirectionNet<T>::DirectionNet(const DirectionNetOptions& options, std::uint64_t seed)
    : options_(DirectionNetOptions::from_json(options.to_json())),
      layers_(std::make_unique<Layers>(seed)) {
  Layers& l = *layers_;
  const DirectionNetOptions& o = options_;
  l.first = l.convolution("first", o.dimension, channels(), o.filters);
  l.second = l.convolution("second", o.dimension, o.filters, o.filters);
  l.head = l.blocks("head", o, o.head_blocks);
  l.third = l.convolution("third", o.dimension, o.filters, o.filters);
  const std::int64_t own = o.share_levels ? std::min<std::int64_t>(o.levels, 2) : o.levels;
  for (std::int64_t level = 0; level < own; ++level) {
    l.down.push_back(l.blocks(level_name("coarse", level), o, o.coarse_blocks));
    if (level + 1 < own) l.up.push_back(l.blocks(level_name("back", level), o, o.coarse_blocks));
  }
  l.tail = l.blocks("tail", o, o.tail_blocks);
  l.weight = &l.store.normal("last.weight", {o.filters, 1},
                             std::sqrt(2 / static_cast<double>(o.filters + 1)));
  l.bias = &l.store.constant("last.bias", {1}, 0);
  l.store.append_parameters(parameters_);
}

template <class T>
DirectionNet<T>::~DirectionNet() = default;

template <class T>
nlohmann::json DirectionNet<T>::configuration() const {
  return options_.to_json();
}

template <class T>
std::vector<AxisRule> DirectionNet<T>::grid_rules() const {
  return std::vector<AxisRule>(static_cast<std::size_t>(options_.dimension));
}

template <class T>
void DirectionNet<T>::store_in_bfloat16(bool on) {
  if (on) {
    require_bfloat16("direction_net");
    NOPAL_CHECK(options_.filters % 2 == 0,
                "direction_net: storage in bfloat16 needs an even number ", "of filters, got ",
                options_.filters);
  }
  bfloat16_ = on;
}

template <class T>
std::int64_t DirectionNet<T>::levels_of(const Shape& extents) const {
  if (!options_.share_levels) return options_.levels;
  std::int64_t levels = 1;
  const std::int64_t shortest = *std::min_element(extents.begin(), extents.end());
  while (levels < options_.levels && shortest >> (levels + 1) >= 2)
    ++levels;
  return levels;
}

template <class T>
void DirectionNet<T>::check_inputs(std::span<const Shape> inputs) const {
  NOPAL_CHECK(inputs.size() == 1, "direction_net takes one field, got ", inputs.size());
  const Shape& x = inputs[0];
  check_field(x, x.rank() == options_.dimension + 2 ? levels_of(Shape(x.begin() + 1, x.end() - 1))
                                                    : options_.levels);
}

template <class T>
void DirectionNet<T>::check_field(const Shape& x, std::int64_t levels) const {
  const std::int64_t multiple = std::int64_t(1) << levels;
  bool fits = x.rank() == options_.dimension + 2 && x[-1] == channels();
  for (int a = 1; fits && a + 1 < x.rank(); ++a)
    fits = x[a] % multiple == 0;
  NOPAL_CHECK(fits, "direction_net takes a field (B, X1, ..., X", options_.dimension, ", ",
              channels(), ") of a multiple of ", multiple, " points an axis, got ", x);
}

template <class T>
Variable<T> DirectionNet<T>::forward(std::span<const Variable<T>> inputs) const {
  return evaluate(inputs, nullptr);
}

template <class T>
Variable<T> DirectionNet<T>::forward(std::span<const Variable<T>> inputs, const Grid& grid) const {
  return evaluate(inputs, &grid);
}

template <class T>
Variable<T> DirectionNet<T>::evaluate(std::span<const Variable<T>> inputs, const Grid* grid) const {
  const ScopedRegion region("direction_net");
  NOPAL_CHECK(inputs.size() == 1, "direction_net takes one field, got ", inputs.size());
  const Shape shapes[] = {inputs[0].shape()};
  const bool divided = grid && grid->comm().size() > 1;
  if (!divided) check_inputs(shapes);
  const Shape& x = shapes[0];
  const std::int64_t levels =
      levels_of(divided ? grid->extents() : Shape(x.begin() + 1, x.end() - 1));
  std::shared_ptr<const typename Layers::Distributed> distributed;
  if (divided) {
    check_boxes(*grid, std::int64_t(1) << levels);
    check_field(x, levels);
    distributed = layers_->on(*grid, levels);
  }
  const auto with = [&](auto fields) {
    return Evaluation<decltype(fields)>{*layers_, fields,
                                        static_cast<std::size_t>(levels)}(inputs[0]);
  };
  Variable<T> f;
  if (bfloat16_ && !Tape<T>::active())
    f = with(Rounded{distributed.get()});
  else
    f = with(Recorded{distributed.get()});
  return options_.mask ? product(f, halves(inputs[0]).second) : f;
}

template <class T>
Cost DirectionNet<T>::cost(std::span<const Shape> inputs) const {
  check_inputs(inputs);
  const Shape &x = inputs[0], fine = x.with(-1, options_.filters);
  const Shape inner = kernel(options_.dimension, options_.filters, options_.filters);
  Cost total;
  const auto add_cost = [&](const Shape& field, const Shape& weight, std::int64_t count) {
    const Cost one =
        convolution_cost<T>(field, weight, same(field.rank() - 2, field, Activation::identity));
    total.flops += static_cast<double>(count) * one.flops;
    total.bytes += static_cast<double>(count) * one.bytes;
  };
  add_cost(x, kernel(options_.dimension, channels(), options_.filters), 1);
  add_cost(fine, inner, 2 + 2 * (options_.head_blocks + options_.tail_blocks));
  Shape coarse = fine;
  const std::int64_t levels = levels_of(Shape(x.begin() + 1, x.end() - 1));
  for (std::int64_t level = 1; level <= levels; ++level) {
    for (int a = 1; a + 1 < fine.rank(); ++a)
      coarse = coarse.with(a, coarse[a] / 2);
    add_cost(coarse, inner, options_.coarse_blocks * (level < levels ? 4 : 2));
  }
  total.flops += 2 * static_cast<double>(fine.size());
  total.bytes += sizeof(T) * static_cast<double>(fine.size() + x.size());
  return total;
}

template class DirectionNet<float>;
template class DirectionNet<double>;

}  // namespace nopal
