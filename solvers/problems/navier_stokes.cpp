// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/data/random_field.hpp>
#include <nopal/solvers/problems/navier_stokes.hpp>

#include "problems/problem_tools.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <tuple>

namespace nopal {
namespace {

using detail::text;
using std::numbers::pi;

constexpr std::int64_t past_frames = 10;  // of "fno"

const std::vector<std::string>& recipes() {
  static const std::vector<std::string> names{"fno", "de_hoop", "forced", "kolmogorov"};
  return names;
}

NavierStokesOptions completed(NavierStokesOptions o) {
  NOPAL_CHECK(std::find(recipes().begin(), recipes().end(), o.recipe) != recipes().end(),
              "option -navier_stokes_recipe: unknown recipe '", o.recipe, "'",
              suggestion(o.recipe, recipes()));
  struct Recipe {
    const char* name;
    std::int64_t resolution, refine;
    double viscosity, time;
    std::int64_t frames;
    double burn_in, length, drag;
  };
  const Recipe all[] = {{"fno", 64, 4, 1e-3, 50, 50, 0, 1, 0},
                        {"de_hoop", 64, 1, 1.0 / 40, 10, 1, 0, 2 * pi, 0},
                        {"forced", 128, 2, 1.0 / 500, 5, 1, 0, 2 * pi, 0},
                        {"kolmogorov", 64, 2, 1.0 / 500, 20, 20, 20, 2 * pi, 0.1}};
  const Recipe& r = *std::find_if(std::begin(all), std::end(all),
                                  [&](const Recipe& one) { return one.name == o.recipe; });
  const auto complete = [](auto& value, auto standard) {
    if (value == 0) value = standard;
  };
  complete(o.resolution, r.resolution);
  complete(o.solve_refine, r.refine);
  complete(o.viscosity, r.viscosity);
  complete(o.time, r.time);
  complete(o.frames, r.frames);
  complete(o.burn_in, r.burn_in);
  complete(o.force_exponent, 4.0);
  NOPAL_CHECK(o.resolution >= 8 && o.solve_refine >= 1 && o.resolution * o.solve_refine % 2 == 0,
              "options -navier_stokes_resolution and -navier_stokes_solve_refine: expected at ",
              "least 8 and 1 with an even product, got ", o.resolution, " and ", o.solve_refine);
  detail::check_positive("navier_stokes_viscosity", o.viscosity);
  detail::check_positive("navier_stokes_time", o.time);
  detail::check_positive("navier_stokes_force_exponent", o.force_exponent);
  NOPAL_CHECK(o.burn_in >= 0, "option -navier_stokes_burn_in: expected at least 0, got ",
              o.burn_in);
  const std::int64_t least = o.recipe == "fno" ? past_frames + 1 : 1;
  NOPAL_CHECK(o.frames >= least, "option -navier_stokes_frames: expected at least ", least,
              ", got ", o.frames);
  o.solver.n = o.resolution * o.solve_refine;
  o.solver.length = r.length;
  o.solver.viscosity = o.viscosity;
  o.solver.drag = r.drag;
  return o;
}

// Laws of random fields, on the unit torus.
RandomFieldOptions law(double alpha, double tau, double sigma, int component) {
  RandomFieldOptions o;
  o.boundary = FieldBoundary::periodic;
  o.alpha = alpha;
  o.tau = tau;
  o.sigma = sigma;
  o.zero_mean = true;
  o.component = component;
  return o;
}

std::vector<double> draw(const RandomFieldOptions& law, std::int64_t n, std::uint64_t seed,
                         std::uint64_t index) {
  std::vector<double> values(static_cast<std::size_t>(n * n));
  RandomField(Shape{n, n}, law).sample(seed, index, values);
  return values;
}

// sum over `pairs` waves k of the half plane, by |k| (a_k cos(k.x) + b_k sin(k.x)) / (sqrt(2) pi
// (|k|^2 + 9)^(exponent / 2)).
std::vector<double> waves(std::int64_t pairs, std::int64_t n, double exponent,
                          const Random& random) {
  std::vector<std::tuple<int, int, int>> all;
  constexpr int most = 12;
  for (int a = -most; a <= most; ++a)
    for (int b = 0; b <= most; ++b)
      if (b > 0 || a > 0) all.emplace_back(a * a + b * b, a, b);
  std::sort(all.begin(), all.end());
  std::vector<double> values(static_cast<std::size_t>(n * n));
  for (std::int64_t p = 0; p < pairs; ++p) {
    const auto& [k2, a, b] = all[static_cast<std::size_t>(p)];
    const double scale = 1 / (std::sqrt(2) * pi * std::pow(k2 + 9, exponent / 2));
    const auto number = static_cast<std::uint64_t>(2 * p);
    const double c = scale * random.normal(number), s = scale * random.normal(number + 1);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        const double angle = 2 * pi * static_cast<double>(a * i + b * j) / static_cast<double>(n);
        values[static_cast<std::size_t>(i * n + j)] += c * std::cos(angle) + s * std::sin(angle);
      }
  }
  return values;
}

std::vector<double> function(std::int64_t n, double length,
                             const std::function<double(double, double)>& f) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      values.push_back(f(length * static_cast<double>(i) / static_cast<double>(n),
                         length * static_cast<double>(j) / static_cast<double>(n)));
  return values;
}

}  // namespace

NavierStokesOptions NavierStokesOptions::read(const Communicator& comm, const std::string& prefix) {
  NavierStokesOptions o;
  read_options(
      comm, prefix + "navier_stokes_", "Navier-Stokes equations on a torus",
      [&](PetscOptionReader& reader) {
        int recipe = 1, scheme = 0;
        const std::vector<std::string> schemes{"etdrk4", "cnab2"};
        reader.choice("recipe", "which flow", recipes(), recipe);
        o.recipe = recipes()[static_cast<std::size_t>(recipe)];
        reader.integer("resolution", "points along each axis, 0: the recipe's", o.resolution);
        reader.integer("solve_refine", "solve on so many times more points, 0: the recipe's",
                       o.solve_refine);
        reader.real("viscosity", "nu, 0: the recipe's", o.viscosity);
        reader.real("time", "of the last frame, 0: the recipe's", o.time);
        reader.integer("frames", "of fno and kolmogorov, 0: the recipe's", o.frames);
        reader.real("burn_in", "time before the first frame of kolmogorov", o.burn_in);
        reader.real("force_exponent", "d of the law of f of de_hoop, 0: 4", o.force_exponent);
        reader.choice("scheme", "in time", schemes, scheme);
        o.solver.scheme = schemes[static_cast<std::size_t>(scheme)];
        reader.real("step", "in time, 0: by cfl", o.solver.step);
        reader.real("cfl", "step times the largest speed over the width of a cell", o.solver.cfl);
      });
  return o;
}

NavierStokes::NavierStokes(const NavierStokesOptions& options, const Communicator& comm)
    : Problem(comm), options_(completed(options)) {}

Shape NavierStokes::x_shape() const {
  return {options_.resolution, options_.resolution, options_.recipe == "fno" ? past_frames : 1};
}

Shape NavierStokes::y_shape() const {
  const std::int64_t frames = options_.recipe == "fno"          ? options_.frames - past_frames
                              : options_.recipe == "kolmogorov" ? options_.frames
                                                                : 1;
  return x_shape().with(-1, frames);
}

std::map<std::string, std::string> NavierStokes::metadata() const {
  const NavierStokesOptions& o = options_;
  return {{"equation", "w_t + u.grad w = nu Lap w - mu w + f, periodic, div u = 0"},
          {"recipe", o.recipe},
          {"x", o.recipe == "fno"          ? "first frames of w"
                : o.recipe == "kolmogorov" ? "w at the first frame"
                                           : "f"},
          {"y", o.recipe == "fno" || o.recipe == "kolmogorov" ? "later frames of w" : "w(T)"},
          {"length", text(o.solver.length)},
          {"viscosity", text(o.viscosity)},
          {"drag", text(o.solver.drag)},
          {"time", text(o.time)},
          {"frames", std::to_string(o.frames)},
          {"burn_in", text(o.burn_in)},
          {"force_exponent", text(o.force_exponent)},
          {"solve_refine", std::to_string(o.solve_refine)},
          {"scheme", o.solver.scheme},
          {"step", text(o.solver.step)},
          {"cfl", text(o.solver.cfl)}};
}

VorticitySolver NavierStokes::solver(std::int64_t n) const {
  VorticitySolverOptions o = options_.solver;
  o.n = n;
  return VorticitySolver(o, communicator());
}

std::vector<double> NavierStokes::initial(std::uint64_t seed, std::uint64_t index,
                                          std::int64_t n) const {
  const std::string& recipe = options_.recipe;
  if (recipe == "forced") return {};
  if (recipe == "de_hoop") return waves(50, n, options_.force_exponent, Random(0x6465686f6f70));
  if (recipe == "fno") return draw(law(2.5, 7, std::sqrt(2) * std::pow(7, 1.5), 0), n, seed, index);
  // Waves of a few lengths of the forcing.
  return draw(law(2.5, 14, 14 * std::pow(14, 1.5) / 2, 0), n, seed, index);
}

std::vector<double> NavierStokes::force(std::uint64_t seed, std::uint64_t index,
                                        std::int64_t n) const {
  const std::string& recipe = options_.recipe;
  const double length = options_.solver.length;
  if (recipe == "fno")
    return function(n, length, [](double x, double y) {
      return 0.1 * (std::sin(2 * pi * (x + y)) + std::cos(2 * pi * (x + y)));
    });
  if (recipe == "kolmogorov")
    return function(n, length, [](double, double y) { return -4 * std::cos(4 * y); });
  if (recipe == "de_hoop") return waves(50, n, options_.force_exponent, sample_random(seed, index));
  // sqrt(27) (|k|^2 + 9)^-2 of basis functions of (0, 2 pi)^2, in terms of those of the unit torus.
  return draw(law(4, 6 * pi, std::sqrt(27.0) * std::pow(2 * pi, 4) / (2 * pi), 0), n, seed, index);
}

void NavierStokes::make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                               const Tensor<double>& y) {
  const NavierStokesOptions& o = options_;
  const std::int64_t n = o.solver.n;
  VorticitySolver flow = solver(n);
  const Range rows = flow.rows();
  const auto own = [&](const std::vector<double>& whole) {
    return std::span(whole).subspan(static_cast<std::size_t>(rows.begin * n),
                                    static_cast<std::size_t>(rows.size() * n));
  };
  const std::vector<double> start = initial(seed, index, n), f = force(seed, index, n);
  if (!start.empty()) flow.set_vorticity(own(start));
  flow.set_force(own(f));
  std::vector<std::vector<double>> frames;  // at the points of the samples
  const auto keep = [&](const std::vector<double>& whole) {
    auto& frame = frames.emplace_back();
    for (std::int64_t i = 0; i < n; i += o.solve_refine)
      for (std::int64_t j = 0; j < n; j += o.solve_refine)
        frame.push_back(whole[static_cast<std::size_t>(i * n + j)]);
  };
  detail::for_sample(seed, index, [&] {
    const bool from_force = o.recipe == "de_hoop" || o.recipe == "forced";
    if (from_force) keep(f);
    if (o.recipe == "kolmogorov") {
      flow.advance(o.burn_in);
      keep(flow.whole_vorticity());
    }
    const double begin = flow.time();
    const std::int64_t count = from_force ? 1 : o.frames;
    for (std::int64_t k = 1; k <= count; ++k) {
      flow.advance(begin + o.time * static_cast<double>(k) / static_cast<double>(count));
      keep(flow.whole_vorticity());
    }
  });
  const auto put = [&](const Tensor<double>& to, std::size_t first) {
    const auto channels = static_cast<std::size_t>(to.extent(-1));
    std::vector<double> numbers;
    for (std::size_t p = 0; p < frames[0].size(); ++p)
      for (std::size_t c = 0; c < channels; ++c)
        numbers.push_back(frames[first + c][p]);
    to.copy_from_host(numbers.data());
  };
  put(x, 0);
  put(y, static_cast<std::size_t>(x.extent(-1)));
}

}  // namespace nopal
