// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/nn/domain_padding.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/grid_embedding.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/nn/recompute.hpp>
#include <nopal/nn/spectral_convolution.hpp>
#include <nopal/nn/training_mode.hpp>
#include <nopal/operators/fno.hpp>

#include "operators/fno_layers.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <deque>

namespace nopal {

using detail::ChannelMlp;
using detail::Norm;
using detail::Skip;

namespace {

// Widths of the zero margins around a grid.
struct Margins {
  Shape low, high;
};

Margins margins(const FnoOptions& options, const Shape& grid) {
  Margins result;
  for (int j = 0; j < grid.rank(); ++j) {
    const auto& p = options.domain_padding;
    const double fraction = p.empty() ? 0 : p.size() == 1 ? p[0] : p[static_cast<std::size_t>(j)];
    const auto width =
        static_cast<std::int64_t>(std::nearbyint(fraction * static_cast<double>(grid[j])));
    result.low.push_back(options.domain_padding_mode == "symmetric" ? width : 0);
    result.high.push_back(width);
  }
  return result;
}

Shape grid_of(const Shape& field) {
  return Shape(field.begin() + 1, field.end() - 1);
}

}  // namespace

template <class T>
struct Fno<T>::Block {
  SpectralConvolution<T> spectral;
  Variable<T> spectral_bias;
  Skip<T> fno_skip, mlp_skip;
  Norm<T> norms[2];
  ChannelMlp<T> mlp;
};

template <class T>
struct Fno<T>::Layers {
  explicit Layers(std::uint64_t seed) : store(seed) {}

  ParameterStore<T> store;
  ChannelMlp<T> lifting, projection;
  std::deque<Block> blocks;
  std::shared_ptr<JointSpectralWeight<T>> joint;  // or none
  Activation activation = Activation::gelu;
};

template <class T>
Fno<T>::Fno(const FnoOptions& options, std::uint64_t seed)
    : options_(FnoOptions::from_json(options.to_json())), layers_(std::make_unique<Layers>(seed)) {
  const FnoOptions& o = options_;
  Layers& l = *layers_;
  const std::int64_t c = o.hidden_channels;
  const auto d = static_cast<std::int64_t>(o.n_modes.size());
  l.activation = activation_from_string(o.non_linearity);
  const std::int64_t embedded = o.in_channels + (o.positional_embedding == "none" ? 0 : d);
  l.lifting = ChannelMlp<T>(l.store, "lifting", embedded, o.lifting_width(), c);

  Shape kernel;
  for (std::int64_t j = 0; j < d; ++j)
    kernel.push_back(o.conv_bias_kernel);
  SpectralWeightOptions weight = o.spectral_weight();
  weight.seed = seed;
  weight.name = "spectral.weight";
  if (o.joint_factorization) l.joint = std::make_shared<JointSpectralWeight<T>>(weight, o.n_layers);
  const double deviation = std::sqrt(2.0 / static_cast<double>(2 * c));
  for (std::int64_t i = 0; i < o.n_layers; ++i) {
    const std::string name = "blocks." + std::to_string(i);
    Block& block = l.blocks.emplace_back();
    weight.name = name + ".spectral.weight";
    block.spectral = l.joint ? SpectralConvolution<T>(l.joint, i, o.stored_modes(o.n_modes))
                             : SpectralConvolution<T>(weight, o.stored_modes(o.n_modes));
    if (o.spectral_bias)
      block.spectral_bias = l.store.normal(name + ".spectral.bias", {c}, deviation).variable;
    block.fno_skip = Skip<T>(l.store, name + ".fno_skip", o.fno_skip, c, o.skip_bias, kernel);
    for (int j = 0; j < o.norm_count(); ++j)
      block.norms[j] = Norm<T>(l.store, name + ".norm." + std::to_string(j), o);
    if (o.use_channel_mlp) {
      block.mlp = ChannelMlp<T>(l.store, name + ".channel_mlp", c, o.channel_mlp_width(), c);
      block.mlp.dropped = o.channel_mlp_dropout;
      block.mlp_skip =
          Skip<T>(l.store, name + ".channel_mlp_skip", o.channel_mlp_skip, c, false, {});
    }
  }
  l.projection = ChannelMlp<T>(l.store, "projection", c, o.projection_width(), o.out_channels);

  if (l.joint) l.joint->append_parameters(parameters_);
  for (Block& block : l.blocks)
    block.spectral.weight().append_parameters(parameters_);
  l.store.append_parameters(parameters_);
}

template <class T>
Fno<T>::~Fno() = default;

template <class T>
nlohmann::json Fno<T>::configuration() const {
  return options_.to_json();
}

template <class T>
std::vector<NamedTensor<T>> Fno<T>::buffers() const {
  std::vector<NamedTensor<T>> buffers;
  layers_->store.append_buffers(buffers);
  return buffers;
}

template <class T>
bool Fno<T>::restrict_modes(std::int64_t modes) {
  NOPAL_CHECK(modes >= 0, "fno: expected at least 0 modes, got ", modes);
  FnoOptions& o = options_;
  if (o.max_n_modes.empty()) o.max_n_modes = o.n_modes;
  o.n_modes = o.max_n_modes;
  if (modes > 0)
    for (std::int64_t& m : o.n_modes)
      m = std::min(m, modes);
  for (Block& block : layers_->blocks)
    block.spectral.set_active_modes(o.stored_modes(o.n_modes));
  return true;
}

template <class T>
Tensor<T> Fno<T>::spectral_weight(std::int64_t layer) const {
  NOPAL_CHECK(layer >= 0 && layer < options_.n_layers, "fno: there are the layers 0 to ",
              options_.n_layers - 1, ", got ", layer);
  const TapePause<T> pause;
  return layers_->blocks[static_cast<std::size_t>(layer)].spectral.active_weight().value();
}

template <class T>
std::vector<double> Fno<T>::mode_strengths() const {
  std::vector<double> strengths;
  for (std::int64_t layer = 0; layer < options_.n_layers; ++layer) {
    const Tensor<T> weight = spectral_weight(layer);
    const Shape modes = options_.stored_modes(options_.n_modes);
    const std::vector<T> numbers = weight.to_vector();
    const std::int64_t width = weight.size() / modes.size();
    for (std::int64_t k = 0; k < modes.size(); ++k) {
      std::int64_t rest = k, shell = 0;
      for (int j = modes.rank() - 1; j >= 0; --j) {
        const std::int64_t at = rest % modes[j];
        rest /= modes[j];
        shell = std::max(shell, j + 1 < modes.rank() ? std::abs(at - modes[j] / 2) : at);
      }
      double sum = 0;
      for (std::int64_t i = k * width; i < (k + 1) * width; ++i)
        sum += std::pow(static_cast<double>(numbers[static_cast<std::size_t>(i)]), 2);
      if (strengths.size() <= static_cast<std::size_t>(shell))
        strengths.resize(static_cast<std::size_t>(shell) + 1);
      strengths[static_cast<std::size_t>(shell)] += sum;
    }
  }
  return strengths;
}

template <class T>
void Fno<T>::check_inputs(std::span<const Shape> inputs) const {
  const auto d = static_cast<int>(options_.n_modes.size());
  const std::int64_t features = options_.ada_in_features;
  if (features == 0) {
    NOPAL_CHECK(inputs.size() == 1, "fno takes one input field, got ", inputs.size());
  } else {
    NOPAL_CHECK(inputs.size() == 2, "fno with the norm 'ada_in' takes two inputs, a field and an ",
                "embedding (B, ", features, "), got ", inputs.size());
    NOPAL_CHECK(inputs[1].rank() == 2 && inputs[1][1] == features &&
                    (inputs[1][0] == 1 || inputs[1][0] == inputs[0][0]),
                "fno expects an embedding of shape (B, ", features, ") or (1, ", features,
                ") with a field of shape ", inputs[0], ", got ", inputs[1]);
  }
  NOPAL_CHECK(inputs[0].rank() == d + 2, "fno with ", d, " n_modes expects a field with ", d,
              " axes, of shape (samples, ",
              d == 1   ? "X1"
              : d == 2 ? "X1, X2"
                       : "X1, X2, X3",
              ", ", options_.in_channels, " channels), got ", inputs[0],
              "; give one number of modes an axis");
  NOPAL_CHECK(inputs[0][-1] == options_.in_channels, "fno expects ", options_.in_channels,
              " input channels, got a field of shape ", inputs[0]);
  NOPAL_CHECK(inputs[0].product(1, d + 1) > 0, "fno got a field without points, of shape ",
              inputs[0]);
}

// Norms stand where neuraloperator 2.0 has them: on K x + b and on the block's result, or with
// preactivation on the activated input and before the channel MLP.
template <class T>
Variable<T> Fno<T>::forward_block(const Block& block, Variable<T> x, const Variable<T>& embedding,
                                  bool last, const Grid* grid) const {
  const Activation activation = layers_->activation;
  const auto normalise = [&](int index, Variable<T> field) {
    return block.norms[index].forward(std::move(field), embedding,
                                      grid ? grid->comm() : Communicator());
  };
  const auto spectral = [&](const Variable<T>& field, const Variable<T>& into) {
    return grid ? block.spectral.forward(field, into, *grid) : block.spectral.forward(field, into);
  };
  const bool before = options_.preactivation, normed = options_.norm != "none";
  if (before) x = normalise(0, activate(std::move(x), activation));
  const Variable<T> bounded =
      options_.stabilizer == "tanh" ? activate(copy(x), Activation::tanh) : x;
  Variable<T> y;
  if (block.fno_skip.kind != Skip<T>::Kind::none && !(normed && !before)) {
    // K x + b + skip(x); the skip's memory takes the sum.
    y = spectral(bounded, block.fno_skip.forward(x, block.spectral_bias));
  } else {
    y = spectral(bounded, {});
    if (block.spectral_bias.value().defined()) y = add_bias(y, block.spectral_bias);
    if (!before) y = normalise(0, std::move(y));
    if (block.fno_skip.kind != Skip<T>::Kind::none) y = add(y, block.fno_skip.forward(x));
  }
  const bool dropped = options_.channel_mlp_dropout > 0 && TrainingMode::active();
  const bool gated = block.mlp_skip.kind == Skip<T>::Kind::soft_gating ||
                     block.mlp_skip.kind == Skip<T>::Kind::identity;
  if (options_.use_channel_mlp && !normed && gated && !dropped)
    return block.mlp.gated(y, x, block.mlp_skip.weight, activation, !last, !last && !before);
  if (!last) y = activate(std::move(y), activation);
  if (options_.use_channel_mlp) {
    if (before) y = normalise(1, std::move(y));
    y = block.mlp.forward(y, activation, block.mlp_skip.forward(x));
    if (!before) {
      y = normalise(1, std::move(y));
      if (!last) y = activate(std::move(y), activation);
    }
  }
  return y;
}

template <class T>
Variable<T> Fno<T>::forward(std::span<const Variable<T>> inputs) const {
  return evaluate(inputs, nullptr);
}

template <class T>
Variable<T> Fno<T>::forward(std::span<const Variable<T>> inputs, const Grid& grid) const {
  return grid.comm().size() > 1 ? evaluate(inputs, &grid) : evaluate(inputs, nullptr);
}

template <class T>
std::vector<AxisRule> Fno<T>::grid_rules() const {
  return std::vector<AxisRule>(options_.n_modes.size(), AxisRule(BoundaryRule::periodic));
}

namespace {

// The grid with margins of zeros, which the ranks at the sides of the domain get.
Grid padded(const Grid& grid, const Margins& margin) {
  Shape extents;
  std::vector<std::vector<std::int64_t>> counts;
  for (int a = 0; a < grid.dimension(); ++a) {
    extents.push_back(margin.low[a] + grid.extents()[a] + margin.high[a]);
    auto& axis = counts.emplace_back();
    for (const Range& range : grid.boxes().ranges[static_cast<std::size_t>(a)])
      axis.push_back(range.size() + (range.size() > 0 && range.begin == 0 ? margin.low[a] : 0) +
                     (range.size() > 0 && range.end == grid.extents()[a] ? margin.high[a] : 0));
  }
  return Grid(extents, std::vector<AxisRule>(counts.size(), AxisRule(BoundaryRule::periodic)),
              grid.comm(), counts);
}

// Of this rank's box.
Margins own_margins(const Margins& margin, const Grid& grid) {
  Margins own;
  const Box box = grid.box();
  for (int a = 0; a < grid.dimension(); ++a) {
    const bool any = box[a].size() > 0;
    own.low.push_back(any && box[a].begin == 0 ? margin.low[a] : 0);
    own.high.push_back(any && box[a].end == grid.extents()[a] ? margin.high[a] : 0);
  }
  return own;
}

}  // namespace

template <class T>
void Fno<T>::check_divided(const Shape& x, const Grid& grid) const {
  const FnoOptions& o = options_;
  NOPAL_CHECK(grid.dimension() == static_cast<int>(o.n_modes.size()) &&
                  x == grid.box().field(x.rank() > 0 ? x[0] : 0, o.in_channels),
              "fno: expected a field of ", o.in_channels, " channels on this rank's box of a grid ",
              grid.extents(), ", got ", x);
  NOPAL_CHECK(o.norm != "batch_norm" && o.conv_bias_kernel == 1, "fno: fields divided among ranks ",
              "are not possible with the norm batch_norm or conv_bias_kernel > 1");
  NOPAL_CHECK(o.channel_mlp_dropout == 0 || !TrainingMode::active(),
              "fno: no training with channel_mlp_dropout on fields divided among ranks");
}

template <class T>
Variable<T> Fno<T>::evaluate(std::span<const Variable<T>> inputs, const Grid* grid) const {
  const ScopedRegion region("fno");
  NOPAL_CHECK(inputs.size() <= 2, "fno takes one input field, or a field and an embedding, got ",
              inputs.size(), " inputs");
  Shape shapes[2];
  for (std::size_t i = 0; i < inputs.size(); ++i)
    shapes[i] = inputs[i].shape();
  if (grid)
    check_divided(shapes[0], *grid);
  else
    check_inputs(std::span(shapes, inputs.size()));
  const Variable<T> embedding = inputs.size() > 1 ? inputs[1] : Variable<T>();
  const Layers& l = *layers_;

  const bool inclusive = options_.positional_embedding == "grid_inclusive";
  Variable<T> x = inputs[0];
  if (options_.positional_embedding != "none")
    x = grid ? grid_embedding(x, inclusive, grid->extents(), grid->box())
             : grid_embedding(x, inclusive);
  x = l.lifting.forward(x, l.activation);
  Margins margin = margins(options_, grid ? grid->extents() : grid_of(shapes[0]));
  const bool has_margin = margin.high.size() != 0 && !options_.domain_padding.empty();
  Grid wide;
  if (has_margin && grid) {
    wide = padded(*grid, margin);
    margin = own_margins(margin, *grid);
    grid = &wide;
  }
  if (has_margin) x = pad(x, margin.low, margin.high);
  for (std::size_t i = 0; i < l.blocks.size(); ++i) {
    const bool last = i + 1 == l.blocks.size();
    if (!options_.recompute || !Tape<T>::active()) {
      x = forward_block(l.blocks[i], std::move(x), embedding, last, grid);
      continue;
    }
    // The grid may be gone when the adjoint runs.
    const std::shared_ptr<const Grid> kept = grid ? std::make_shared<const Grid>(*grid) : nullptr;
    x = recomputed<T>(
        [this, i, last, embedding, kept](const Variable<T>& field) {
          return forward_block(layers_->blocks[i], field, embedding, last, kept.get());
        },
        x, 0, options_.block_storage == "bfloat16" ? FieldStorage::bfloat16 : FieldStorage::full);
  }
  if (has_margin) x = crop(x, margin.low, margin.high);
  return l.projection.forward(x, l.activation);
}

template <class T>
Shape Fno<T>::padded_grid(const Shape& grid) const {
  const Margins margin = margins(options_, grid);
  Shape padded;
  for (int j = 0; j < grid.rank(); ++j)
    padded.push_back(grid[j] + margin.low[j] + margin.high[j]);
  return padded;
}

template <class T>
Cost Fno<T>::cost(std::span<const Shape> inputs) const {
  check_inputs(inputs);
  const Shape grid = grid_of(inputs[0]), padded = padded_grid(grid);
  const std::int64_t batch = inputs[0][0];
  const auto points = static_cast<double>(batch * grid.size());
  const auto padded_points = static_cast<double>(batch * padded.size());
  Shape field{batch};
  for (const std::int64_t extent : padded)
    field.push_back(extent);
  field.push_back(options_.hidden_channels);
  Cost cost = layers_->lifting.cost(points);
  for (const Block& block : layers_->blocks) {
    cost += block.spectral.cost(batch, padded);
    cost += block.fno_skip.cost(field);
    if (options_.use_channel_mlp) cost += block.mlp.cost(padded_points);
    if (options_.norm == "ada_in")
      for (int j = 0; j < options_.norm_count(); ++j)
        cost += block.norms[j].adaption.cost(static_cast<double>(inputs[1][0]));
  }
  cost += layers_->projection.cost(points);
  return cost;
}

template class Fno<float>;
template class Fno<double>;

}  // namespace nopal
