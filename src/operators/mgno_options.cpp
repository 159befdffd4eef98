// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/option_reader.hpp>
#include <nopal/operators/mgno.hpp>

#include <algorithm>

namespace nopal {
namespace {

const std::vector<std::string> presets = {"none",          "darcy_rough", "darcy_smooth",
                                          "navier_stokes", "pipe",        "helmholtz"};

// What the authors' scripts ran.
void set_preset(MgnoOptions& o) {
  if (o.preset == "darcy_smooth") {
    o.n_layers = 5;
    o.prolongation_kernel = {3, 4, 3, 3, 4};  // 211, 106, 53, 27, 14, 7
  } else if (o.preset == "navier_stokes") {
    o.n_layers = 5;
    o.channels = 32;
    o.pre = {1, 1, 1, 2, 2};
    o.boundary = {"periodic"};
    o.bias = true;
    o.skip = "none";
    o.cycle_norm = "layer_norm";
    o.norm_grid = {64, 64};
    o.global_skip = true;
  } else if (o.preset == "pipe") {
    o.n_layers = 5;
    o.in_channels = 2;
    o.post = {0, 0, 0, 0, 1, 0};
  } else if (o.preset == "helmholtz") {
    o.channels = 20;
    o.pre = {1, 1, 1, 1, 2};
    o.growing_channels = true;
    o.transfer_padding = 0;
    o.prolongation_kernel = {3, 4, 4, 3};  // 101, 50, 24, 11, 5
    o.boundary = {"reflect"};
    o.bias = true;
    o.first_operator = true;
    o.skip = "none";
    o.layer_norm = "layer_norm";
    o.norm_grid = {101, 101};
    o.head = "cycle";
  }
}

BoundaryRule rule_of(const std::string& name) {
  return name == "periodic"  ? BoundaryRule::periodic
         : name == "reflect" ? BoundaryRule::reflect
                             : BoundaryRule::zero;
}

void check(const MgnoOptions& o) {
  const auto d = static_cast<std::size_t>(o.dimension);
  const std::size_t levels = o.pre.size();
  NOPAL_CHECK(levels >= 1 && levels <= 30, "mgno: 'pre' expects an entry for each of 1 to 30 ",
              "levels, got ", levels);
  NOPAL_CHECK(o.post.size() == 1 || o.post.size() == levels, "mgno: 'post' expects one entry or ",
              levels, ", as 'pre' has, got ", o.post.size());
  for (const auto* steps : {&o.pre, &o.post})
    for (const std::int64_t n : *steps)
      NOPAL_CHECK(n >= 0 && n <= 100, "mgno: 'pre' and 'post' expect 0 to 100 steps, got ", n);
  for (std::size_t l = 0; l < levels; ++l)
    NOPAL_CHECK(o.pre[l] > 0 || (l > 0 && o.restriction == "rhs"), "mgno: level ", l,
                " starts from zero and needs a smoothing step: 'pre' has 0 there");
  NOPAL_CHECK(o.prolongation_kernel.size() == 1 || o.prolongation_kernel.size() + 1 == levels,
              "mgno: 'prolongation_kernel' expects one entry, or ", levels - 1,
              " for the transfers between ", levels, " levels, got ", o.prolongation_kernel.size());
  for (const std::int64_t k : o.prolongation_kernel)
    NOPAL_CHECK(k >= 2 && k <= 16, "mgno: 'prolongation_kernel' expects 2 to 16 points, got ", k);
  NOPAL_CHECK(o.kernel % 2 == 1, "mgno: 'kernel' expects an odd number of points, got ", o.kernel);
  NOPAL_CHECK(o.boundary.size() == 1 || o.boundary.size() == d || o.boundary.size() == 2 * d,
              "mgno: 'boundary' expects one entry, ", d, " (axes) or ", 2 * d, " (sides), got ",
              o.boundary.size());
  for (const std::string& name : o.boundary)
    NOPAL_CHECK(name == "zero" || name == "reflect" || name == "periodic",
                "mgno: 'boundary' expects zero, reflect or periodic, got '", printable(name), "'",
                suggestion(name, {"zero", "reflect", "periodic"}));
  for (const AxisRule& rule : o.rules())
    NOPAL_CHECK((rule.low == BoundaryRule::periodic) == (rule.high == BoundaryRule::periodic),
                "mgno: 'boundary' is periodic on one side of an axis only");
  NOPAL_CHECK(o.norm_grid.empty() || o.norm_grid.size() == d, "mgno: 'norm_grid' expects ", d,
              " extents or none, got ", o.norm_grid.size());
  for (const std::int64_t n : o.norm_grid) {
    const MultigridCycleOptions cycle = o.cycle_options(1, 1);
    NOPAL_CHECK(n >= 1 && n <= 1 << 20 &&
                    static_cast<std::int64_t>(cycle.extents(n).size()) == cycle.levels(),
                "mgno: 'norm_grid' has an extent of ", n, ", too few points for ", levels,
                " levels");
  }
  NOPAL_CHECK(!o.global_skip || o.in_channels == o.out_channels,
              "mgno: 'global_skip' adds the input to the output, but they have ", o.in_channels,
              " and ", o.out_channels, " channels");
}

}  // namespace

MgnoOptions MgnoOptions::from_json(const nlohmann::json& json) {
  OptionReader read(json, "mgno");
  MgnoOptions o;
  constexpr std::int64_t most = 1 << 20;
  read.choice("preset", o.preset, presets);
  set_preset(o);
  read("dimension", o.dimension, 1, 3);
  read("in_channels", o.in_channels, 1, most);
  read("out_channels", o.out_channels, 1, most);
  read("channels", o.channels, 1, most);
  read("n_layers", o.n_layers, 1, 10000);
  read("pre", o.pre);
  read("post", o.post);
  read.choice("cycle", o.cycle, {"v", "w"});
  read.choice("restriction", o.restriction, {"rhs", "residual"});
  read.choice("sharing", o.sharing, {"none", "operator", "smoother"});
  read("growing_channels", o.growing_channels);
  read("kernel", o.kernel, 1, 15);
  read("transfer_padding", o.transfer_padding, 0, 1);
  read("prolongation_kernel", o.prolongation_kernel);
  read("bias", o.bias);
  read("first_operator", o.first_operator);
  read("boundary", o.boundary);
  read.choice("skip", o.skip, {"linear", "none"});
  read.choice("cycle_norm", o.cycle_norm, {"none", "layer_norm"});
  read.choice("layer_norm", o.layer_norm, {"none", "layer_norm"});
  read("norm_grid", o.norm_grid);
  read.choice("head", o.head, {"linear", "cycle"});
  read("global_skip", o.global_skip);
  read.choice("non_linearity", o.non_linearity, {"gelu", "relu", "silu", "tanh", "identity"});
  read.finish();
  check(o);
  return o;
}

nlohmann::json MgnoOptions::to_json() const {
  return {{"preset", preset},
          {"dimension", dimension},
          {"in_channels", in_channels},
          {"out_channels", out_channels},
          {"channels", channels},
          {"n_layers", n_layers},
          {"pre", pre},
          {"post", post},
          {"cycle", cycle},
          {"restriction", restriction},
          {"sharing", sharing},
          {"growing_channels", growing_channels},
          {"kernel", kernel},
          {"transfer_padding", transfer_padding},
          {"prolongation_kernel", prolongation_kernel},
          {"bias", bias},
          {"first_operator", first_operator},
          {"boundary", boundary},
          {"skip", skip},
          {"cycle_norm", cycle_norm},
          {"layer_norm", layer_norm},
          {"norm_grid", norm_grid},
          {"head", head},
          {"global_skip", global_skip},
          {"non_linearity", non_linearity}};
}

std::vector<AxisRule> MgnoOptions::rules() const {
  std::vector<AxisRule> rules;
  const auto d = static_cast<std::size_t>(dimension);
  for (std::size_t a = 0; a < d; ++a) {
    const bool by_side = boundary.size() == 2 * d;
    const std::size_t low = boundary.size() == 1 ? 0 : by_side ? 2 * a : a;
    rules.emplace_back(rule_of(boundary[low]), rule_of(boundary[by_side ? low + 1 : low]));
  }
  return rules;
}

MultigridCycleOptions MgnoOptions::cycle_options(std::int64_t in, std::int64_t out) const {
  MultigridCycleOptions c;
  c.dimension = static_cast<int>(dimension);
  c.in_channels = in;
  c.out_channels = out;
  c.growing_channels = growing_channels;
  c.pre = pre;
  c.post = post;
  c.visits = cycle == "w" ? 2 : 1;
  c.kernel = kernel;
  c.transfer_padding = transfer_padding;
  c.prolongation_kernel = prolongation_kernel;
  c.restriction = restriction;
  c.sharing = sharing;
  c.bias = bias;
  c.first_operator = first_operator;
  c.norm = cycle_norm != "none";
  for (const std::int64_t n : norm_grid)
    c.norm_points.push_back(n);
  return c;
}

double MgnoOptions::parameter_count() const {
  double points = 1;
  for (const std::int64_t n : norm_grid)
    points *= static_cast<double>(n);
  const auto c = static_cast<double>(channels);
  double total = 0;
  for (std::int64_t l = 0; l < n_layers; ++l) {
    const std::int64_t in = l == 0 ? in_channels : channels;
    total += MultigridCycle<float>::parameter_count(cycle_options(in, channels));
    if (skip == "linear") total += c * static_cast<double>(in + 1);
    if (layer_norm != "none") total += 2 * c * points;
  }
  return total +
         (head == "cycle"
              ? MultigridCycle<float>::parameter_count(cycle_options(channels, out_channels))
              : c * static_cast<double>(out_channels));
}

}  // namespace nopal
