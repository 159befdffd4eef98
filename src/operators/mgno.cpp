// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/nn/layer_norm.hpp>
#include <nopal/nn/linear.hpp>
#include <nopal/operators/mgno.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <mutex>

namespace nopal {
namespace {

Shape grid_of(const Shape& field) {
  return Shape(field.begin() + 1, field.end() - 1);
}

bool same_points(const Grid& a, const Grid& b) {
  return a.extents() == b.extents() && a.boxes() == b.boxes() && a.comm().mpi() == b.comm().mpi();
}

bool is_whole(const Grid& grid, const Shape& extents) {
  return grid.comm().size() == 1 && grid.extents() == extents;
}

}  // namespace

template <class T>
struct Mgno<T>::Layers {
  struct Layer {
    MultigridCycle<T> cycle;
    Variable<T> weight, bias, norm_scale, norm_shift;
  };

  explicit Layers(std::uint64_t seed) : store(seed) {}

  ParameterStore<T> store;
  std::vector<Layer> layers;
  Layer head;
  Activation activation = Activation::gelu;

  // Grids of the levels for the fields seen last: fields of several sizes take turns in training
  // and validation. Whoever uses one holds it.
  using Grids = std::shared_ptr<const MultigridGrids<T>>;
  static constexpr std::size_t most_grids = 8;
  mutable std::mutex mutex;
  mutable std::vector<Grids> known;

  template <class Matches, class Make>
  Grids grids_for(const MgnoOptions& options, const Matches& matches, const Make& make) const {
    const std::scoped_lock lock(mutex);
    for (const Grids& grids : known)
      if (matches(grids->grids[0])) return grids;
    if (known.size() == most_grids) known.erase(known.begin());
    known.push_back(std::make_shared<const MultigridGrids<T>>(make(), options.cycle_options(1, 1)));
    return known.back();
  }
};

template <class T>
Mgno<T>::Mgno(const MgnoOptions& options, std::uint64_t seed)
    : options_(MgnoOptions::from_json(options.to_json())), layers_(std::make_unique<Layers>(seed)) {
  const MgnoOptions& o = options_;
  Layers& l = *layers_;
  l.activation = activation_from_string(o.non_linearity);
  Shape affine;
  for (const std::int64_t n : o.norm_grid)
    affine.push_back(n);
  affine.push_back(o.channels);
  for (std::int64_t i = 0; i < o.n_layers; ++i) {
    const std::string name = "layers." + std::to_string(i);
    const std::int64_t in = i == 0 ? o.in_channels : o.channels;
    auto& layer = l.layers.emplace_back();
    layer.cycle = MultigridCycle<T>(l.store, name + ".cycle", o.cycle_options(in, o.channels));
    if (o.skip == "linear") {
      layer.weight = l.store.uniform(name + ".skip.weight", {in, o.channels}, in).variable;
      layer.bias = l.store.uniform(name + ".skip.bias", {o.channels}, in).variable;
    }
    if (o.layer_norm != "none") {
      layer.norm_scale = l.store.constant(name + ".norm.scale", affine, 1).variable;
      layer.norm_shift = l.store.constant(name + ".norm.shift", affine, 0).variable;
    }
  }
  if (o.head == "cycle")
    l.head.cycle =
        MultigridCycle<T>(l.store, "head.cycle", o.cycle_options(o.channels, o.out_channels));
  else
    l.head.weight =
        l.store.uniform("head.weight", {o.channels, o.out_channels}, o.channels).variable;
  l.store.append_parameters(parameters_);
}

template <class T>
Mgno<T>::~Mgno() = default;

template <class T>
nlohmann::json Mgno<T>::configuration() const {
  return options_.to_json();
}

template <class T>
void Mgno<T>::check_inputs(std::span<const Shape> inputs) const {
  const auto d = static_cast<int>(options_.dimension);
  NOPAL_CHECK(inputs.size() == 1, "mgno takes one input field, got ", inputs.size());
  NOPAL_CHECK(inputs[0].rank() == d + 2 && inputs[0][-1] == options_.in_channels, "mgno in ", d,
              " dimensions expects a field (B, X1, ..., Xd, ", options_.in_channels, "), got ",
              inputs[0]);
  const Shape grid = grid_of(inputs[0]);
  if (!options_.norm_grid.empty()) {
    Shape trained;
    for (const std::int64_t n : options_.norm_grid)
      trained.push_back(n);
    NOPAL_CHECK(grid == trained, "mgno: the norms of this model have a scale and shift for each ",
                "point of a grid ", trained, ", the field has ", grid,
                "; train a model with an empty 'norm_grid' for fields of other sizes");
  }
  MultigridGrids<T>(Grid(grid, options_.rules()), options_.cycle_options(1, 1));
}

template <class T>
Variable<T> Mgno<T>::forward(std::span<const Variable<T>> inputs) const {
  NOPAL_CHECK(inputs.size() == 1 && inputs[0].shape().rank() >= 3,
              "mgno takes one input field (B, X1, ..., Xd, C)");
  const Shape extents = grid_of(inputs[0].shape());
  const auto grids = layers_->grids_for(
      options_, [&](const Grid& grid) { return is_whole(grid, extents); },
      [&] { return Grid(extents, options_.rules()); });
  return apply(*grids, inputs[0]);
}

template <class T>
Variable<T> Mgno<T>::forward(std::span<const Variable<T>> inputs, const Grid& grid) const {
  NOPAL_CHECK(inputs.size() == 1, "mgno takes one input field, got ", inputs.size());
  const std::vector<AxisRule> rules = options_.rules();
  for (int a = 0; a < grid.dimension(); ++a)
    NOPAL_CHECK(
        a < static_cast<int>(rules.size()) && grid.rule(a) == rules[static_cast<std::size_t>(a)],
        "mgno: the grid's boundary rules are not those of the model, see grid_rules()");
  const auto grids = layers_->grids_for(
      options_, [&](const Grid& other) { return same_points(grid, other); }, [&] { return grid; });
  return apply(*grids, inputs[0]);
}

template <class T>
Variable<T> Mgno<T>::apply(const MultigridGrids<T>& grids, const Variable<T>& x) const {
  const auto normalise = [&](const typename Layers::Layer& layer, Variable<T> v) {
    return options_.layer_norm == "none"
               ? v
               : layer_norm(v, layer.norm_scale, layer.norm_shift, grids.grids[0]);
  };
  Variable<T> v = x;
  for (const auto& layer : layers_->layers) {
    Variable<T> w = normalise(layer, layer.cycle(grids, v));
    v = options_.skip == "linear"
            ? linear(v, layer.weight, layer.bias, layers_->activation, std::move(w))
            : activate(std::move(w), layers_->activation);
  }
  Variable<T> y = options_.head == "cycle" ? layers_->head.cycle(grids, v)
                                           : linear(v, layers_->head.weight, {});
  if (options_.global_skip) y = add(y, x);
  return y;
}

template <class T>
Cost Mgno<T>::cost(std::span<const Shape> inputs) const {
  const Shape& x = inputs[0];
  const MultigridGrids<T> grids(Grid(grid_of(x), options_.rules()), options_.cycle_options(1, 1));
  const auto points = static_cast<double>(x.product(0, x.rank() - 1));
  Cost total;
  const auto add = [&](const Cost& part) {
    total.flops += part.flops;
    total.bytes += part.bytes;
  };
  const auto add_linear = [&](std::int64_t in, std::int64_t out) {
    add({2 * points * static_cast<double>(in * out),
         static_cast<double>(sizeof(T)) * points * static_cast<double>(in + out)});
  };
  for (std::size_t i = 0; i < layers_->layers.size(); ++i) {
    add(layers_->layers[i].cycle.cost(grids, x[0]));
    if (options_.skip == "linear")
      add_linear(i == 0 ? options_.in_channels : options_.channels, options_.channels);
  }
  if (options_.head == "cycle")
    add(layers_->head.cycle.cost(grids, x[0]));
  else
    add_linear(options_.channels, options_.out_channels);
  return total;
}

template class Mgno<float>;
template class Mgno<double>;

}  // namespace nopal
