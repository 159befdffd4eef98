// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/io/option_reader.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/recompute.hpp>
#include <nopal/operators/rollout.hpp>

#include <cmath>

namespace nopal {

RolloutOptions RolloutOptions::from_json(const nlohmann::json& json) {
  RolloutOptions o;
  nlohmann::json own = nlohmann::json::object();
  for (const auto& [key, value] : json.items()) {
    const bool is_own = key == "operator" || key == "variables" || key == "frames" ||
                        key == "constants" || key == "steps" || key == "increment" ||
                        key == "recompute_steps";
    (is_own ? own : o.configuration)[key] = value;
  }
  OptionReader read(own, "rollout");
  read("operator", o.step_operator);
  read("variables", o.variables, 1, 1 << 20);
  read("frames", o.frames, 1, 1 << 20);
  read("constants", o.constants, 0, 1 << 20);
  read("steps", o.steps, 1, 1 << 20);
  read("increment", o.increment);
  read("recompute_steps", o.recompute_steps);
  read.finish();
  NOPAL_CHECK(o.step_operator != "rollout" && o.step_operator != "boosted",
              "rollout: the step operator cannot be made of operators itself, got ",
              o.step_operator);
  const auto channels = [&](const char* key, std::int64_t expected) {
    NOPAL_CHECK(!o.configuration.contains(key) || o.configuration[key] == expected,
                "rollout: ", o.frames, " frames of ", o.variables, " variables and ", o.constants,
                " constants need a step operator with ", key, " = ", expected, ", got ",
                o.configuration[key].dump());
    o.configuration[key] = expected;
  };
  channels("in_channels", o.in_channels());
  channels("out_channels", o.variables);
  return o;
}

nlohmann::json RolloutOptions::to_json() const {
  nlohmann::json json = configuration;
  json["operator"] = step_operator;
  json["variables"] = variables;
  json["frames"] = frames;
  json["constants"] = constants;
  json["steps"] = steps;
  json["increment"] = increment;
  json["recompute_steps"] = recompute_steps;
  return json;
}

template <class T>
Rollout<T>::Rollout(const RolloutOptions& options, std::uint64_t seed, double max_parameters)
    : options_(RolloutOptions::from_json(options.to_json())),
      step_(
          make_operator<T>(options_.step_operator, options_.configuration, seed, max_parameters)) {
  options_.configuration = step_->configuration();
}

template <class T>
nlohmann::json Rollout<T>::configuration() const {
  return options_.to_json();
}

template <class T>
void Rollout<T>::check_inputs(std::span<const Shape> inputs) const {
  const RolloutOptions& o = options_;
  NOPAL_CHECK(inputs.size() == 1 && inputs[0].rank() >= 3 && inputs[0][-1] == o.in_channels(),
              "rollout expects one field of ", o.frames, " frames of ", o.variables,
              " variables and ", o.constants, " constants, ", o.in_channels(), " channels, got ",
              inputs.size() == 1 ? detail::concatenate("shape ", inputs[0])
                                 : detail::concatenate(inputs.size(), " inputs"));
  step_->check_inputs(inputs);
}

template <class T>
Cost Rollout<T>::cost(std::span<const Shape> inputs) const {
  check_inputs(inputs);
  Cost cost = step_->cost(inputs);
  cost.flops *= static_cast<double>(options_.steps);
  cost.bytes *= static_cast<double>(options_.steps);
  return cost;
}

template <class T>
Variable<T> Rollout<T>::next(const Variable<T>& window, const Grid* grid) const {
  const auto step = [this](const Variable<T>& x, const Grid* on) {
    return on ? step_->forward(std::span(&x, 1), *on) : step_->forward(x);
  };
  Variable<T> frame;
  if (options_.recompute_steps && Tape<T>::active()) {
    // The grid may be gone when the adjoint runs.
    const std::shared_ptr<const Grid> kept = grid ? std::make_shared<const Grid>(*grid) : nullptr;
    frame =
        recomputed<T>([step, kept](const Variable<T>& x) { return step(x, kept.get()); }, window);
  } else {
    frame = step(window, grid);
  }
  if (!options_.increment) return frame;
  const std::int64_t c = options_.variables;
  return linear_combination<T>(
      {{1, channel_range(window, (options_.frames - 1) * c, c)}, {1, frame}});
}

template <class T>
Variable<T> Rollout<T>::shifted(const Variable<T>& window, const Variable<T>& frame) const {
  const RolloutOptions& o = options_;
  const std::int64_t kept = (o.frames - 1) * o.variables;
  std::vector<Variable<T>> parts;
  if (kept > 0) parts.push_back(channel_range(window, o.variables, kept));
  parts.push_back(frame);
  if (o.constants > 0) parts.push_back(channel_range(window, o.frames * o.variables, o.constants));
  return parts.size() == 1 ? parts[0] : join_channels(parts);
}

template <class T>
Variable<T> Rollout<T>::evaluate(std::span<const Variable<T>> inputs, const Grid* grid) const {
  const ScopedRegion region("rollout");
  NOPAL_CHECK(inputs.size() == 1, "rollout takes one input field, got ", inputs.size());
  if (!grid) {
    const Shape shape = inputs[0].shape();
    check_inputs(std::span(&shape, 1));
  }
  Variable<T> window = inputs[0];
  std::vector<Variable<T>> frames;
  for (std::int64_t k = 0; k < options_.steps; ++k) {
    frames.push_back(next(window, grid));
    if (k + 1 < options_.steps) window = shifted(window, frames.back());
  }
  return frames.size() == 1 ? frames[0] : join_channels(frames);
}

template <class T>
Variable<T> Rollout<T>::forward(std::span<const Variable<T>> inputs) const {
  return evaluate(inputs, nullptr);
}

template <class T>
Variable<T> Rollout<T>::forward(std::span<const Variable<T>> inputs, const Grid& grid) const {
  return grid.comm().size() > 1 ? evaluate(inputs, &grid) : evaluate(inputs, nullptr);
}

namespace {

// C numbers times over, then `tail`.
template <class T>
Tensor<T> repeated(const std::vector<T>& frame, std::int64_t times, const std::vector<T>& tail) {
  std::vector<T> all;
  for (std::int64_t k = 0; k < times; ++k)
    all.insert(all.end(), frame.begin(), frame.end());
  all.insert(all.end(), tail.begin(), tail.end());
  return Tensor<T>::from_host({static_cast<std::int64_t>(all.size())}, all);
}

template <class T>
const Rollout<T>& rollout_of(const Model<T>& model) {
  const auto* op = dynamic_cast<const Rollout<T>*>(&model.op());
  NOPAL_CHECK(op != nullptr, "expected a model with the operator rollout, got ", model.op().name());
  return *op;
}

// Of one frame, from that of K of them.
template <class T>
Normaliser<T> frame_normaliser(const Model<T>& model, std::int64_t variables, std::int64_t times) {
  const Normaliser<T>& all = model.output_normaliser();
  if (all.identity()) return {};
  NOPAL_CHECK(all.mean().rank() == 1, "a roll-out for another number of steps: expected outputs ",
              "scaled by channel, got statistics of shape ", all.mean().shape());
  std::vector<T> mean = all.mean().to_vector(), deviation = all.deviation().to_vector();
  const auto c = static_cast<std::size_t>(variables);
  mean.resize(c);
  deviation.resize(c);
  return Normaliser<T>(repeated<T>(mean, times, {}), repeated<T>(deviation, times, {}));
}

}  // namespace

template <class T>
std::pair<Normaliser<T>, Normaliser<T>> fit_frames(const Dataset<T>& training,
                                                   const RolloutOptions& o,
                                                   const Communicator& comm) {
  NOPAL_CHECK(training.x_shape()[-1] == o.in_channels(), "fit_frames: expected ", o.frames,
              " frames of ", o.variables, " variables and ", o.constants,
              " constants, got inputs of shape ", training.x_shape());
  const Normaliser<T> each = fit_inputs(training, NormaliserFit<T>::Kind::channel, comm);
  const std::vector<T> means = each.mean().to_vector(), deviations = each.deviation().to_vector();
  std::vector<T> mean, deviation;
  const auto frames = static_cast<double>(o.frames);
  for (std::int64_t c = 0; c < o.variables; ++c) {
    double m = 0, square = 0;
    for (std::int64_t p = 0; p < o.frames; ++p) {
      const auto i = static_cast<std::size_t>(p * o.variables + c);
      m += static_cast<double>(means[i]) / frames;
      square += (std::pow(static_cast<double>(deviations[i]), 2) +
                 std::pow(static_cast<double>(means[i]), 2)) /
                frames;
    }
    mean.push_back(static_cast<T>(m));
    deviation.push_back(static_cast<T>(std::sqrt(std::max(0.0, square - m * m))));
  }
  const auto tail = static_cast<std::ptrdiff_t>(o.frames * o.variables);
  const std::vector<T> constant_means(means.begin() + tail, means.end());
  const std::vector<T> constant_deviations(deviations.begin() + tail, deviations.end());
  const auto sequence = [&](std::int64_t times, bool constants) {
    return Normaliser<T>(
        repeated(mean, times, constants ? constant_means : std::vector<T>{}),
        repeated(deviation, times, constants ? constant_deviations : std::vector<T>{}));
  };
  return {sequence(o.frames, true), sequence(o.steps, false)};
}

template <class T>
Model<T> with_steps(const Model<T>& model, std::int64_t steps) {
  RolloutOptions o = rollout_of(model).options();
  o.steps = steps;
  auto op = std::make_unique<Rollout<T>>(o);
  const auto from = state_tensors(model.op()), to = state_tensors<T>(*op);
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i].value.copy_from(from[i].value);
  Model<T> result(std::move(op), model.input_normaliser(),
                  frame_normaliser(model, o.variables, steps));
  result.provenance() = model.provenance();
  result.set_training_grid(model.training_grid());
  return result;
}

template <class T>
void roll_out(const Model<T>& model, const Tensor<T>& x, std::int64_t steps,
              const std::function<void(std::int64_t, const Tensor<T>&)>& frame, double limit,
              const Grid* grid) {
  const Rollout<T>& op = rollout_of(model);
  const RolloutOptions& o = op.options();
  NOPAL_CHECK(x.rank() >= 3 && x.extent(-1) == o.in_channels(), "roll_out: expected fields of ",
              o.in_channels(), " channels, got ", x.shape());
  const bool divided = grid && grid->comm().size() > 1;
  // Not finite counts as infinity.
  const auto largest = [&](const Tensor<T>& field, std::int64_t channels) {
    double most = 0;
    const std::vector<T> numbers = field.to_vector();
    const auto all = static_cast<std::size_t>(field.extent(-1));
    for (std::size_t i = 0; i < numbers.size(); ++i)
      if (i % all < static_cast<std::size_t>(channels)) {
        const double size = std::abs(static_cast<double>(numbers[i]));
        most = std::isfinite(size) ? std::max(most, size) : HUGE_VAL;
      }
    return divided ? grid->comm().max(most) : most;
  };
  const double bound = limit * largest(x, o.frames * o.variables);
  const Normaliser<T> output = frame_normaliser(model, o.variables, 1);
  Variable<T> window(model.input_normaliser().encode(x));
  for (std::int64_t k = 1; k <= steps; ++k) {
    const Variable<T> next = op.next(window, divided ? grid : nullptr);
    const Tensor<T> u = output.decode(next.value());
    const double size = largest(u, o.variables);
    NOPAL_CHECK(size <= bound, "roll-out: step ", k, " of ", steps, " blew up: its largest entry ",
                "is ", size, ", that of the input ", bound / limit, "; frames up to ", k - 1,
                " are there. Train with more steps (-rollout_steps) or on data of this kind");
    frame(k, u);
    if (k < steps) window = op.shifted(window, next);
  }
}

#define NOPAL_INSTANTIATE(T)                                                                 \
  template class Rollout<T>;                                                                 \
  template std::pair<Normaliser<T>, Normaliser<T>> fit_frames(                               \
      const Dataset<T>&, const RolloutOptions&, const Communicator&);                        \
  template Model<T> with_steps(const Model<T>&, std::int64_t);                               \
  template void roll_out(const Model<T>&, const Tensor<T>&, std::int64_t,                    \
                         const std::function<void(std::int64_t, const Tensor<T>&)>&, double, \
                         const Grid*);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
