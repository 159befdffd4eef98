// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/operators/boosted.hpp>
#include <nopal/operators/deeponet.hpp>
#include <nopal/operators/direction_net.hpp>
#include <nopal/operators/fno.hpp>
#include <nopal/operators/fusion_deeponet.hpp>
#include <nopal/operators/kernel_ridge.hpp>
#include <nopal/operators/learned_multigrid.hpp>
#include <nopal/operators/mgno.hpp>
#include <nopal/operators/multitask_deeponet.hpp>
#include <nopal/operators/operator.hpp>
#include <nopal/operators/patched_fno.hpp>
#include <nopal/operators/pod_deeponet.hpp>
#include <nopal/operators/random_feature_operator.hpp>
#include <nopal/operators/rollout.hpp>
#include <nopal/operators/unet.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace nopal {
namespace {

// An operator: its name, the options that follow from the shapes of data, how to make it from JSON.
template <class T>
struct Entry {
  const char* name;
  nlohmann::json (*suggest)(const Shape& x_shape, const Shape& y_shape,
                            const nlohmann::json& given);
  std::unique_ptr<Operator<T>> (*make)(const nlohmann::json& configuration, std::uint64_t seed,
                                       double max_parameters);
};

void check_size(double parameters, double max_parameters) {
  NOPAL_CHECK(parameters <= max_parameters, "the configuration describes ", parameters,
              " parameters, more than the ", max_parameters, " that there are");
}

// Checked against the size before it is made.
template <class Options, template <class> class Op, class T>
std::unique_ptr<Operator<T>> make_sized(const nlohmann::json& json, std::uint64_t seed,
                                        double max_parameters) {
  const Options options = Options::from_json(json);
  check_size(options.parameter_count(), max_parameters);
  return std::make_unique<Op<T>>(options, seed);
}

// 16 modes an axis, or what the grid has.
nlohmann::json suggest_fno(const Shape& x_shape, const Shape& y_shape, const nlohmann::json&) {
  std::vector<std::int64_t> modes;
  for (int axis = 0; axis + 1 < x_shape.rank(); ++axis)
    modes.push_back(std::clamp<std::int64_t>(x_shape[axis], 1, 16));
  return {{"n_modes", modes}, {"in_channels", x_shape[-1]}, {"out_channels", y_shape[-1]}};
}

// Sensors at all points of the grid, which is where the output is wanted, too.
nlohmann::json suggest_deeponet(const Shape& x_shape, const Shape& y_shape, const nlohmann::json&) {
  return {{"sensors", {x_shape.size()}},
          {"dimension", x_shape.rank() - 1},
          {"out_channels", y_shape[-1]}};
}

// Parameters and the coordinates of the points of a grid that follows the shape.
nlohmann::json suggest_fusion(const Shape& x_shape, const Shape& y_shape,
                              const nlohmann::json& given) {
  const std::int64_t dimension = given.value("dimension", std::int64_t(x_shape.rank()) - 1);
  NOPAL_CHECK(x_shape[-1] > dimension, "fusion_deeponet trains on fields with channels for ",
              "parameters and ", dimension, " coordinates, got ", x_shape[-1], " channels");
  return {{"parameters", x_shape[-1] - dimension},
          {"dimension", dimension},
          {"out_channels", y_shape[-1]}};
}

nlohmann::json suggest_multitask(const Shape& x_shape, const Shape& y_shape,
                                 const nlohmann::json&) {
  nlohmann::json json{{"sensors", x_shape.size()},
                      {"dimension", x_shape.rank() - 1},
                      {"out_channels", y_shape[-1]}};
  if (x_shape.rank() > 2) json["image"] = std::vector<std::int64_t>(x_shape.begin(), x_shape.end());
  return json;
}

// These are fitted by functions of their own; training would leave what they have at 0.
nlohmann::json suggest_fitted(const Shape&, const Shape&, const nlohmann::json&) {
  NOPAL_CHECK(false, "this operator is fitted to data by fit() or set_basis() in a program, not ",
              "trained; to train on fields take deeponet, fno or mgno");
}

nlohmann::json suggest_direction(const Shape& x_shape, const Shape&, const nlohmann::json&) {
  return {{"dimension", x_shape.rank() - 1}};
}

// Levels down to a coarsest grid of 4 points or a few more, at most 6.
nlohmann::json suggest_mgno(const Shape& x_shape, const Shape& y_shape,
                            const nlohmann::json& given) {
  nlohmann::json channels{{"dimension", x_shape.rank() - 1},
                          {"in_channels", x_shape[-1]},
                          {"out_channels", y_shape[-1]}};
  if (given.contains("preset") && given["preset"] != "none") return channels;
  std::int64_t least = x_shape[0];
  for (int axis = 1; axis + 1 < x_shape.rank(); ++axis)
    least = std::min(least, x_shape[axis]);
  std::vector<std::int64_t> pre;
  for (; pre.empty() || (least >= 4 && pre.size() < 6); least = (least + 1) / 2)
    pre.push_back(1);
  pre.back() = 2;
  nlohmann::json all = channels;
  all["pre"] = pre;
  return all;
}

// Levels down to a coarsest grid of 4 points or more, at most 4.
nlohmann::json suggest_unet(const Shape& x_shape, const Shape& y_shape, const nlohmann::json&) {
  const auto divides = [&](std::int64_t by) {
    for (int axis = 0; axis + 1 < x_shape.rank(); ++axis)
      if (x_shape[axis] % by != 0 || x_shape[axis] < 4 * by) return false;
    return true;
  };
  std::int64_t levels = 1;
  while (levels < 4 && divides(std::int64_t(1) << levels))
    ++levels;
  return {{"dimension", x_shape.rank() - 1},
          {"in_channels", x_shape[-1]},
          {"out_channels", y_shape[-1]},
          {"levels", levels}};
}

nlohmann::json suggest_multigrid(const Shape& x_shape, const Shape&, const nlohmann::json&) {
  return {{"dimension", x_shape.rank() - 1}};
}

// That an operator is made of; of one that cannot be, its own checks tell.
std::string inner_operator(const nlohmann::json& given) {
  const std::string name = given.value("operator", std::string("fno"));
  return name == "boosted" || name == "rollout" ? "fno" : name;
}

nlohmann::json suggest_boosted(const Shape& x_shape, const Shape& y_shape,
                               const nlohmann::json& given) {
  const std::string member = inner_operator(given);
  nlohmann::json json = suggest_configuration(member, x_shape, y_shape, given);
  json["operator"] = given.value("operator", member);
  return json;
}

// One variable a frame, of which the input has all; those of the step operator follow.
nlohmann::json suggest_rollout(const Shape& x_shape, const Shape& y_shape,
                               const nlohmann::json& given) {
  const std::int64_t variables =
      std::max<std::int64_t>(1, given.value("variables", std::int64_t(1)));
  const std::int64_t constants = given.value("constants", std::int64_t(0));
  const std::int64_t frames =
      given.value("frames", std::max<std::int64_t>(1, (x_shape[-1] - constants) / variables));
  const std::string step = inner_operator(given);
  nlohmann::json json = suggest_configuration(
      step, x_shape.with(-1, std::max<std::int64_t>(1, frames * variables + constants)),
      y_shape.with(-1, variables), given);
  json["operator"] = given.value("operator", step);
  json["frames"] = frames;
  json["steps"] = std::max<std::int64_t>(1, y_shape[-1] / variables);
  return json;
}

template <class T>
const std::vector<Entry<T>>& registry() {
  static const std::vector<Entry<T>> entries = {
      {"boosted", suggest_boosted,
       [](const nlohmann::json& json, std::uint64_t seed,
          double max_parameters) -> std::unique_ptr<Operator<T>> {
         return std::make_unique<Boosted<T>>(BoostedOptions::from_json(json), seed, max_parameters);
       }},
      {"deeponet", suggest_deeponet, make_sized<DeepONetOptions, DeepONet, T>},
      {"direction_net", suggest_direction, make_sized<DirectionNetOptions, DirectionNet, T>},
      {"fno", suggest_fno, make_sized<FnoOptions, Fno, T>},
      {"fusion_deeponet", suggest_fusion, make_sized<FusionDeepONetOptions, FusionDeepONet, T>},
      {"kernel_ridge", suggest_fitted,
       [](const nlohmann::json& json, std::uint64_t,
          double max_parameters) -> std::unique_ptr<Operator<T>> {
         const KernelRidgeOptions options = KernelRidgeOptions::from_json(json);
         check_size(options.parameter_count(), max_parameters);
         return std::make_unique<KernelRidge<T>>(options);
       }},
      {"mgno", suggest_mgno, make_sized<MgnoOptions, Mgno, T>},
      {"multigrid", suggest_multigrid, make_sized<LearnedMultigridOptions, LearnedMultigrid, T>},
      {"multitask_deeponet", suggest_multitask,
       make_sized<MultitaskDeepONetOptions, MultitaskDeepONet, T>},
      {"patched_fno", suggest_fno, make_sized<PatchedFnoOptions, PatchedFno, T>},
      {"pod_deeponet", suggest_fitted,
       [](const nlohmann::json& json, std::uint64_t seed,
          double max_parameters) -> std::unique_ptr<Operator<T>> {
         const PodDeepONetOptions options = PodDeepONetOptions::from_json(json);
         const double basis = static_cast<double>(options.points) *
                              static_cast<double>(options.out_channels) *
                              static_cast<double>(options.modes + 1);
         check_size(options.parameter_count() + basis, max_parameters);
         return std::make_unique<PodDeepONet<T>>(options, seed);
       }},
      {"random_feature_operator", suggest_fitted,
       make_sized<RandomFeatureOptions, RandomFeatureOperator, T>},
      {"rollout", suggest_rollout,
       [](const nlohmann::json& json, std::uint64_t seed,
          double max_parameters) -> std::unique_ptr<Operator<T>> {
         return std::make_unique<Rollout<T>>(RolloutOptions::from_json(json), seed, max_parameters);
       }},
      {"unet", suggest_unet, make_sized<UnetOptions, Unet, T>},
  };
  return entries;
}

}  // namespace

std::vector<std::string> operator_names() {
  std::vector<std::string> names;
  for (const auto& entry : registry<float>())
    names.emplace_back(entry.name);
  return names;
}

template <class T>
std::unique_ptr<Operator<T>> make_operator(const std::string& name,
                                           const nlohmann::json& configuration, std::uint64_t seed,
                                           double max_parameters) {
  for (const auto& entry : registry<T>())
    if (name == entry.name) return entry.make(configuration, seed, max_parameters);
  NOPAL_CHECK(false, "unknown operator '", printable(name), "'",
              suggestion(name, operator_names()));
}

nlohmann::json suggest_configuration(const std::string& name, const Shape& x_shape,
                                     const Shape& y_shape) {
  return suggest_configuration(name, x_shape, y_shape, nlohmann::json::object());
}

nlohmann::json suggest_configuration(const std::string& name, const Shape& x_shape,
                                     const Shape& y_shape, const nlohmann::json& given) {
  NOPAL_CHECK(x_shape.rank() >= 2 && y_shape.rank() >= 2,
              "an operator needs fields (X1, ..., Xd, C) without the sample axis, got ", x_shape,
              " and ", y_shape);
  for (const auto& entry : registry<float>())
    if (name == entry.name) return entry.suggest(x_shape, y_shape, given);
  NOPAL_CHECK(false, "unknown operator '", printable(name), "'",
              suggestion(name, operator_names()));
}

template std::unique_ptr<Operator<float>> make_operator<float>(const std::string&,
                                                               const nlohmann::json&, std::uint64_t,
                                                               double);
template std::unique_ptr<Operator<double>> make_operator<double>(const std::string&,
                                                                 const nlohmann::json&,
                                                                 std::uint64_t, double);

}  // namespace nopal
