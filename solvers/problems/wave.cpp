// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <nopal/solvers/problems/wave.hpp>

#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using detail::check_positive;
using detail::name_of;
using detail::text;
using std::numbers::pi;
using Input = WaveOptions::Input;

// Without a refinement asked for, labels are solved on at least this many cells an axis.
constexpr std::int64_t default_cells = 128;

const std::vector<std::string> input_names = {"initial", "source", "speed"};
const std::vector<std::string> side_names = {"dirichlet", "neumann", "absorbing"};
constexpr std::array<const char*, 4> side_options = {"x1_low", "x1_high", "x2_low", "x2_high"};

void check(const WaveOptions& o) {
  const auto option = [&](const char* name) { return "option -" + o.prefix + name; };
  NOPAL_CHECK(o.resolution >= 3, option("resolution"), ": expected at least 3 points an axis, got ",
              o.resolution);
  NOPAL_CHECK(o.solve_refine >= 0, option("solve_refine"),
              ": expected 0 (choose) or a positive factor, got ", o.solve_refine);
  NOPAL_CHECK(o.frames >= 1, option("frames"), ": expected at least 1, got ", o.frames);
  NOPAL_CHECK(o.pulses >= 1, option("pulses"), ": expected at least 1, got ", o.pulses);
  NOPAL_CHECK(std::abs(o.contrast) < 1, option("contrast"),
              ": expected a number between -1 and 1, got ", o.contrast);
  check_positive(o.prefix + "time", o.time);
  check_positive(o.prefix + "speed", o.speed);
  check_positive(o.prefix + "width", o.width);
  check_positive(o.prefix + "frequency", o.frequency);
  check_positive(o.prefix + "cfl", o.cfl);
  detail::check_field(o.prefix, o.field);
}

// exp(-(x - centre)^2 / (2 width^2)) at the nodes of an axis.
std::vector<double> pulse(double centre, double width, std::int64_t cells) {
  std::vector<double> values;
  for (std::int64_t i = 0; i <= cells; ++i) {
    const double distance = static_cast<double>(i) / static_cast<double>(cells) - centre;
    values.push_back(std::exp(-distance * distance / (2 * width * width)));
  }
  return values;
}

void add_pulse(double height, double x1, double x2, double width, std::int64_t cells,
               std::vector<double>& nodes) {
  const auto first = pulse(x1, width, cells), second = pulse(x2, width, cells);
  std::size_t k = 0;
  for (const double a : first)
    for (const double b : second)
      nodes[k++] += height * a * b;
}

}  // namespace

RandomFieldOptions WaveOptions::default_field() {
  RandomFieldOptions field;
  field.boundary = FieldBoundary::neumann;
  field.centring = FieldCentring::node;
  field.alpha = 3;
  field.tau = 5;
  field.sigma = 120;
  field.zero_mean = true;
  field.max_mode = 16;
  return field;
}

WaveOptions WaveOptions::read(const Communicator& comm, const std::string& prefix) {
  WaveOptions o;
  o.prefix = prefix + "wave_";
  int input = static_cast<int>(o.input);
  read_options(comm, o.prefix, "Wave problem", [&](PetscOptionReader& reader) {
    reader.integer("resolution", "points an axis of x and y", o.resolution);
    reader.integer("solve_refine", "solve on this many times more cells, 0: to 128 or more",
                   o.solve_refine);
    reader.choice("input", "what x is", input_names, input);
    reader.integer("frames", "channels of y: u at so many equal steps in time", o.frames);
    reader.real("time", "time of the last frame", o.time);
    reader.real("speed", "speed of the waves, or its mean", o.speed);
    reader.real("contrast", "speed: largest difference from the mean, over the mean", o.contrast);
    reader.integer("pulses", "initial, source: Gaussian pulses of a sample", o.pulses);
    reader.real("width", "standard deviation of a pulse", o.width);
    reader.real("frequency", "source: frequency of most power", o.frequency);
    reader.real("cfl", "step in time times the speed over the width of a cell", o.cfl);
    int all = static_cast<int>(WaveSide::dirichlet);
    reader.choice("boundary", "condition on all sides", side_names, all);
    for (std::size_t side = 0; side < 4; ++side) {
      int one = all;
      reader.choice(side_options[side], "condition on this side", side_names, one);
      o.sides[side] = static_cast<WaveSide>(one);
    }
    detail::read_field(reader, o.field);
  });
  o.input = static_cast<Input>(input);
  return o;
}

Wave::Wave(const WaveOptions& options, const Communicator& comm)
    : Problem(comm), options_(options) {
  check(options);
  const std::int64_t n = options.resolution - 1;
  refine_ = options.solve_refine > 0 ? options.solve_refine : (default_cells + n - 1) / n;
  const std::int64_t cells = refine_ * n;
  solver_ = std::make_unique<WaveSolver>(cells, options.sides, options.cfl, comm, options.prefix);
  nodes_.assign(static_cast<std::size_t>(solver_->nodes()), options.speed);
  if (options.input == Input::speed)
    field_.emplace(Shape{cells + 1, cells + 1}, options.field);
  else
    solver_->set_speed(nodes_);
  for (std::int64_t k = 1; k <= options.frames; ++k)
    times_.push_back(options.time * static_cast<double>(k) / static_cast<double>(options.frames));
  y_.resize(static_cast<std::size_t>(y_shape().size()));
}

Shape Wave::x_shape() const {
  return {options_.resolution, options_.resolution, 1};
}

Shape Wave::y_shape() const {
  return {options_.resolution, options_.resolution, options_.frames};
}

std::map<std::string, std::string> Wave::metadata() const {
  const std::array<const char*, 3> inputs = {"u0", "g", "c"};
  std::string frames, times;
  for (std::size_t k = 0; k < times_.size(); ++k) {
    frames += detail::concatenate(k > 0 ? " u" : "u", k + 1);
    times += detail::concatenate(k > 0 ? " " : "", times_[k]);
  }
  std::map<std::string, std::string> data = {
      {"problem", name()},
      {"equation", "u_tt = div(c^2 grad u) + f on (0, 1)^2"},
      {"x_channels", inputs[static_cast<std::size_t>(options_.input)]},
      {"y_channels", frames},
      {"y_times", times},
      {"x_units", "1"},
      {"y_units", "1"},
      {"coordinates", "x1 = i/(n-1), x2 = j/(n-1), i, j = 0, ..., n-1 (boundary included)"},
      {"domain", "0 1 0 1"},
      {"resolution", std::to_string(options_.resolution)},
      {"solve_cells", std::to_string(solver_->cells())},
      {"input", name_of(options_.input, input_names)},
      {"speed", text(options_.speed)},
      {"width", text(options_.width)},
      {"cfl", text(options_.cfl)},
  };
  for (std::size_t side = 0; side < 4; ++side)
    data[side_options[side]] = name_of(options_.sides[side], side_names);
  if (options_.input == Input::source) data["frequency"] = text(options_.frequency);
  if (options_.input == Input::speed) {
    data["contrast"] = text(options_.contrast);
    detail::describe_field(options_.field, data);
  } else {
    data["pulses"] = std::to_string(options_.pulses);
  }
  return data;
}

void Wave::draw_pulses(std::uint64_t seed, std::uint64_t index) {
  const Random random = sample_random(seed, index);
  std::fill(nodes_.begin(), nodes_.end(), 0.0);
  for (std::uint64_t p = 0; p < static_cast<std::uint64_t>(options_.pulses); ++p)
    add_pulse(random.normal(4 * p), 0.25 + 0.5 * random.uniform(4 * p + 2),
              0.25 + 0.5 * random.uniform(4 * p + 3), options_.width, solver_->cells(), nodes_);
}

void Wave::draw_speed(std::uint64_t seed, std::uint64_t index) {
  field_->sample(seed, index, nodes_);
  for (double& c : nodes_)
    c = options_.speed * (1 + options_.contrast * std::tanh(c));
}

void Wave::make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                       const Tensor<double>& y) {
  WaveSolver::Data data;
  std::vector<double> pulse_at_centre;
  if (options_.input == Input::speed) {
    draw_speed(seed, index);
    pulse_at_centre.assign(nodes_.size(), 0.0);
    add_pulse(1, 0.5, 0.5, options_.width, solver_->cells(), pulse_at_centre);
    data.u = pulse_at_centre;
  } else {
    draw_pulses(seed, index);
    (options_.input == Input::initial ? data.u : data.g) = nodes_;
  }
  if (options_.input == Input::source)
    data.s = [frequency = options_.frequency](double t) {
      const double phase = pi * (frequency * t - 1), r = phase * phase;
      return (1 - 2 * r) * std::exp(-r);
    };

  const std::int64_t n = options_.resolution, width = solver_->cells() + 1;
  const auto frames = static_cast<std::size_t>(options_.frames);
  detail::for_sample(seed, index, [&] {
    if (options_.input == Input::speed) solver_->set_speed(nodes_);
    solver_->solve(data, times_, [&](std::size_t k, const std::vector<double>& state) {
      std::size_t point = 0;
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = 0; j < n; ++j)
          y_[frames * point++ + k] = state[static_cast<std::size_t>(2 * refine_ * (i * width + j))];
    });
  });
  detail::take_points(nodes_, width, refine_, x);
  y.copy_from_host(y_.data());
}

}  // namespace nopal
