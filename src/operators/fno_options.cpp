// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/option_reader.hpp>
#include <nopal/operators/fno.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

// One list of all options, for reading and for writing.
template <class Options, class Visitor, class Choice>
void visit(Options& o, Visitor&& option, Choice&& choice) {
  option("n_modes", o.n_modes);
  option("max_n_modes", o.max_n_modes);
  option("in_channels", o.in_channels);
  option("out_channels", o.out_channels);
  option("hidden_channels", o.hidden_channels);
  option("n_layers", o.n_layers);
  option("lifting_channel_ratio", o.lifting_channel_ratio);
  option("projection_channel_ratio", o.projection_channel_ratio);
  option("projection_channels", o.projection_channels);
  choice("positional_embedding", o.positional_embedding, {"grid", "grid_inclusive", "none"});
  choice("non_linearity", o.non_linearity, {"gelu", "relu", "silu", "tanh", "identity"});
  choice("norm", o.norm, {"none", "instance_norm", "group_norm", "batch_norm", "ada_in"});
  option("norm_groups", o.norm_groups);
  option("ada_in_features", o.ada_in_features);
  option("use_channel_mlp", o.use_channel_mlp);
  option("channel_mlp_expansion", o.channel_mlp_expansion);
  option("channel_mlp_dropout", o.channel_mlp_dropout);
  choice("channel_mlp_skip", o.channel_mlp_skip, {"soft-gating", "linear", "identity", "none"});
  choice("fno_skip", o.fno_skip, {"linear", "soft-gating", "identity", "none"});
  option("skip_bias", o.skip_bias);
  option("conv_bias_kernel", o.conv_bias_kernel);
  option("spectral_bias", o.spectral_bias);
  option("domain_padding", o.domain_padding);
  choice("domain_padding_mode", o.domain_padding_mode, {"symmetric", "one-sided"});
  choice("mode_convention", o.mode_convention, {"total", "per_sign"});
  choice("factorization", o.factorization, {"dense", "tucker", "cp", "tt"});
  option("rank", o.rank);
  option("fixed_rank_modes", o.fixed_rank_modes);
  option("joint_factorization", o.joint_factorization);
  option("spectral_init_std", o.spectral_init_std);
  option("recompute", o.recompute);
  choice("block_storage", o.block_storage, {"full", "bfloat16"});
  option("mode_scaling_base", o.mode_scaling_base);
  choice("implementation", o.implementation, {"factorized", "reconstructed", "automatic"});
  option("separable", o.separable);
  option("preactivation", o.preactivation);
  choice("stabilizer", o.stabilizer, {"none", "tanh"});
  choice("fno_block_precision", o.fno_block_precision, {"full", "half", "mixed"});
  option("enforce_hermitian_symmetry", o.enforce_hermitian_symmetry);
  choice("spectral_initialisation", o.spectral_initialisation, {"normal", "uniform"});
}

void set_layout_2021(FnoOptions& o) {
  o.lifting_channel_ratio = 0;
  o.projection_channels = 128;
  o.positional_embedding = "grid_inclusive";
  o.use_channel_mlp = false;
  o.skip_bias = true;
  o.spectral_bias = false;
  o.domain_padding_mode = "one-sided";
  o.mode_convention = "per_sign";
  o.spectral_initialisation = "uniform";
}

std::int64_t scaled(double ratio, std::int64_t channels) {
  return static_cast<std::int64_t>(std::nearbyint(ratio * static_cast<double>(channels)));
}

// Numbers in a spectral weight, or in that of `joint` layers.
double spectral_count(const SpectralWeightOptions& o, std::int64_t joint) {
  Shape n;
  if (joint > 0) n.push_back(joint);
  n.push_back(o.in_channels);
  if (!o.separable) n.push_back(o.out_channels);
  for (const std::int64_t m : o.modes)
    n.push_back(m);
  const int axes = n.rank();
  double entries = 1;
  for (const std::int64_t extent : n)
    entries *= static_cast<double>(extent);
  if (o.factorization == Factorization::dense) return 2 * entries;

  const Shape r = factorization_ranks(o.factorization, n, o.rank, o.fixed_rank_modes);
  const auto product = [](auto... x) { return (1.0 * ... * static_cast<double>(x)); };
  double count = 0;
  if (o.factorization == Factorization::tucker) {
    double core = 1;
    for (int j = 0; j < axes; ++j) {
      core *= static_cast<double>(r[j]);
      count += product(n[j], r[j]);
    }
    count += core;
  } else if (o.factorization == Factorization::cp) {
    count = static_cast<double>(r[0]);
    for (int j = 0; j < axes; ++j)
      count += product(n[j], r[0]);
  } else {
    for (int j = 0; j < axes; ++j)
      count += product(j > 0 ? r[j - 1] : 1, n[j], j + 1 < axes ? r[j] : 1);
  }
  return 2 * count;
}

// Numbers in a pointwise network: two linear layers, or one if `hidden` is 0.
double mlp_count(std::int64_t in, std::int64_t hidden, std::int64_t out) {
  const auto layer = [](std::int64_t i, std::int64_t o) {
    return static_cast<double>(i + 1) * static_cast<double>(o);
  };
  return hidden > 0 ? layer(in, hidden) + layer(hidden, out) : layer(in, out);
}

}  // namespace

FnoOptions FnoOptions::from_json(const nlohmann::json& json) {
  FnoOptions o;
  OptionReader read(json, "fno");
  read.choice("layout", o.layout, {"2.0", "2021"});
  if (o.layout == "2021") set_layout_2021(o);
  visit(
      o, [&](const char* key, auto& value) { read(key, value); },
      [&](const char* key, std::string& value, const std::vector<std::string>& choices) {
        read.choice(key, value, choices);
      });
  read.finish();

  const auto d = o.n_modes.size();
  NOPAL_CHECK(d >= 1 && d <= 3, "fno: n_modes needs one number a dimension (1 to 3 of them), got ",
              d, "; e.g. \"n_modes\": [16, 16]");
  for (const auto* modes : {&o.n_modes, &o.max_n_modes})
    for (auto m : *modes)
      NOPAL_CHECK(m >= 1 && m <= 1 << 20, "fno: n_modes must be in [1, 2^20], got ", m);
  NOPAL_CHECK(o.max_n_modes.empty() || o.max_n_modes.size() == d, "fno: max_n_modes has ",
              o.max_n_modes.size(), " numbers, n_modes has ", d);
  for (std::size_t j = 0; j < o.max_n_modes.size(); ++j)
    NOPAL_CHECK(o.max_n_modes[j] >= o.n_modes[j], "fno: max_n_modes ", o.max_n_modes[j],
                " is less than n_modes ", o.n_modes[j]);
  NOPAL_CHECK(o.block_storage == "full" || o.recompute,
              "fno: block_storage bfloat16 is for blocks that are computed again: set recompute");
  NOPAL_CHECK(
      o.mode_scaling_base == 0 || (o.mode_scaling_base > 1 && o.mode_scaling_base <= 1 << 20),
      "fno: mode_scaling_base must be 0 or in [2, 2^20], got ", o.mode_scaling_base);
  NOPAL_CHECK(
      o.domain_padding.empty() || o.domain_padding.size() == 1 || o.domain_padding.size() == d,
      "fno: domain_padding needs one fraction, or one a dimension, got ", o.domain_padding.size());
  for (double p : o.domain_padding)
    NOPAL_CHECK(p >= 0 && p <= 1, "fno: domain_padding must be in [0, 1], got ", p);
  for (auto n : {o.in_channels, o.out_channels, o.hidden_channels, o.n_layers})
    NOPAL_CHECK(n >= 1 && n <= 1 << 20,
                "fno: in_channels, out_channels, hidden_channels and n_layers must be in [1, 2^20]",
                ", got ", n);
  for (double ratio :
       {o.lifting_channel_ratio, o.projection_channel_ratio, o.channel_mlp_expansion})
    NOPAL_CHECK(ratio >= 0 && ratio <= 1024, "fno: channel ratios must be in [0, 1024], got ",
                ratio);
  NOPAL_CHECK(o.projection_channels >= 0 && o.projection_channels <= 1 << 20,
              "fno: projection_channels must be in [0, 2^20], got ", o.projection_channels);
  NOPAL_CHECK(o.rank > 0 && o.rank <= 1, "fno: rank must be in (0, 1], got ", o.rank);
  NOPAL_CHECK(!o.joint_factorization || o.factorization != "dense",
              "fno: joint_factorization needs factorization tucker, cp or tt, got dense");
  NOPAL_CHECK(o.spectral_init_std >= 0 && std::isfinite(o.spectral_init_std),
              "fno: spectral_init_std must be at least 0, got ", o.spectral_init_std);
  NOPAL_CHECK(!o.recompute || o.norm != "batch_norm",
              "fno: blocks with the norm batch_norm, which changes with training, cannot be ",
              "computed again; recompute must be false");
  NOPAL_CHECK(
      o.norm != "group_norm" || (o.norm_groups >= 1 && o.hidden_channels % o.norm_groups == 0),
      "fno: norm_groups ", o.norm_groups, " does not divide hidden_channels ", o.hidden_channels);
  NOPAL_CHECK(o.norm == "ada_in" ? o.ada_in_features >= 1 && o.ada_in_features <= 1 << 20
                                 : o.ada_in_features == 0,
              "fno: ada_in_features, the length of the embedding, must be in [1, 2^20] with the ",
              "norm 'ada_in' and 0 without it, got ", o.ada_in_features, " with '", o.norm, "'");
  NOPAL_CHECK(o.conv_bias_kernel >= 1 && o.conv_bias_kernel <= 64,
              "fno: conv_bias_kernel must be in [1, 64], got ", o.conv_bias_kernel);
  NOPAL_CHECK(o.conv_bias_kernel == 1 || o.fno_skip == "linear",
              "fno: conv_bias_kernel > 1 makes the linear skip a convolution, but fno_skip is '",
              o.fno_skip, "'; use fno_skip 'linear' or conv_bias_kernel 1");
  NOPAL_CHECK(o.channel_mlp_dropout >= 0 && o.channel_mlp_dropout < 1,
              "fno: channel_mlp_dropout must be in [0, 1), got ", o.channel_mlp_dropout);
  NOPAL_CHECK(o.fno_block_precision == "full", "fno: fno_block_precision '", o.fno_block_precision,
              "' is not available, nopal computes in the precision of the model; use 'full'");
  return o;
}

nlohmann::json FnoOptions::to_json() const {
  nlohmann::json json{{"layout", layout}};
  visit(
      *this, [&](const char* key, const auto& value) { json[key] = value; },
      [&](const char* key, const std::string& value, const std::vector<std::string>&) {
        json[key] = value;
      });
  return json;
}

double FnoOptions::mode_scaling() const {
  if (mode_scaling_base == 0) return 1;
  double logarithm = 0;
  const auto& modes = max_n_modes.empty() ? n_modes : max_n_modes;
  for (const std::int64_t m : modes)
    logarithm += std::log(static_cast<double>(std::max<std::int64_t>(m, 2)));
  return std::sqrt(static_cast<double>(modes.size()) *
                   std::log(static_cast<double>(mode_scaling_base)) / logarithm);
}

Shape FnoOptions::stored_modes(const std::vector<std::int64_t>& modes) const {
  Shape stored;
  for (std::size_t j = 0; j < modes.size(); ++j) {
    const bool last = j + 1 == modes.size();
    if (mode_convention == "per_sign")
      stored.push_back(last ? modes[j] : 2 * modes[j]);
    else
      stored.push_back(last ? modes[j] / 2 + 1 : modes[j]);
  }
  return stored;
}

std::int64_t FnoOptions::lifting_width() const {
  return scaled(lifting_channel_ratio, hidden_channels);
}

std::int64_t FnoOptions::projection_width() const {
  return projection_channels > 0 ? projection_channels
                                 : scaled(projection_channel_ratio, hidden_channels);
}

std::int64_t FnoOptions::channel_mlp_width() const {
  return std::max<std::int64_t>(1, scaled(channel_mlp_expansion, hidden_channels));
}

SpectralWeightOptions FnoOptions::spectral_weight() const {
  SpectralWeightOptions weight;
  weight.modes = stored_modes(max_n_modes.empty() ? n_modes : max_n_modes);
  weight.in_channels = weight.out_channels = hidden_channels;
  weight.factorization = factorization == "tucker" ? Factorization::tucker
                         : factorization == "cp"   ? Factorization::cp
                         : factorization == "tt"   ? Factorization::tt
                                                   : Factorization::dense;
  weight.rank = rank;
  weight.init_std = spectral_init_std;
  weight.scale = mode_scaling();
  if (fixed_rank_modes && joint_factorization) weight.fixed_rank_modes = {0};
  if (fixed_rank_modes && !joint_factorization)
    for (int j = 0; j < weight.modes.rank(); ++j)
      weight.fixed_rank_modes.push_back((separable ? 1 : 2) + j);
  weight.implementation = implementation == "factorized"      ? Implementation::factorized
                          : implementation == "reconstructed" ? Implementation::reconstructed
                                                              : Implementation::automatic;
  weight.separable = separable;
  weight.initialisation = spectral_initialisation == "uniform" ? SpectralInitialisation::uniform
                                                               : SpectralInitialisation::normal;
  return weight;
}

std::int64_t FnoOptions::norm_count() const {
  return norm == "none" ? 0 : use_channel_mlp ? 2 : 1;
}

double FnoOptions::parameter_count() const {
  const std::int64_t c = hidden_channels;
  const auto embedded =
      in_channels +
      (positional_embedding == "none" ? 0 : static_cast<std::int64_t>(n_modes.size()));
  const auto skip = [c](const std::string& kind, bool bias, double taps) {
    const auto width = static_cast<double>(c);
    if (kind == "linear") return width * (width * taps + (bias ? 1 : 0));
    return kind == "soft-gating" ? static_cast<double>(c) : 0.0;
  };
  const double taps =
      std::pow(static_cast<double>(conv_bias_kernel), static_cast<double>(n_modes.size()));
  double block = (joint_factorization ? 0 : spectral_count(spectral_weight(), 0)) +
                 skip(fno_skip, skip_bias, taps) + static_cast<double>(spectral_bias ? c : 0);
  if (norm == "group_norm" || norm == "batch_norm")
    block += static_cast<double>(norm_count() * 2 * c);
  if (norm == "ada_in")
    block += static_cast<double>(norm_count()) * mlp_count(ada_in_features, ada_in_width, 2 * c);
  if (use_channel_mlp)
    block += mlp_count(c, channel_mlp_width(), c) + skip(channel_mlp_skip, false, 1);
  const double joint = joint_factorization ? spectral_count(spectral_weight(), n_layers) : 0;
  return mlp_count(embedded, lifting_width(), c) + joint + static_cast<double>(n_layers) * block +
         mlp_count(c, projection_width(), out_channels);
}

}  // namespace nopal
