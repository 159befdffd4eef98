// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <nopal/solvers/problems/helmholtz.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using detail::check_positive;
using detail::text;
using std::numbers::pi;
using std::numbers::sqrt2;
using Mode = std::array<std::size_t, 2>;

std::size_t square(const Mode& l) {
  return l[0] * l[0] + l[1] * l[1];
}

// A quarter disc of this radius has more modes than are asked for.
std::vector<Mode> lowest_modes(std::int64_t count) {
  const auto radius = static_cast<std::size_t>(2 * std::sqrt(static_cast<double>(count)) + 2);
  std::vector<Mode> modes;
  for (std::size_t i = 0; i <= radius; ++i)
    for (std::size_t j = i == 0 ? 1 : 0; i * i + j * j <= radius * radius; ++j)
      modes.push_back({i, j});
  std::stable_sort(modes.begin(), modes.end(),
                   [](const Mode& a, const Mode& b) { return square(a) < square(b); });
  modes.resize(static_cast<std::size_t>(count));
  return modes;
}

void check(const HelmholtzOptions& o) {
  const auto option = [&](const char* name) { return "option -" + o.prefix + name; };
  NOPAL_CHECK(o.resolution >= 3, option("resolution"), ": expected at least 3 points an axis, got ",
              o.resolution);
  NOPAL_CHECK(o.solve_refine >= 1, option("solve_refine"), ": expected a positive factor, got ",
              o.solve_refine);
  NOPAL_CHECK(o.modes >= 1 && o.modes <= 10000, option("modes"),
              ": expected 1 to 10000 modes, got ", o.modes);
  check_positive(o.prefix + "omega", o.omega);
  check_positive(o.prefix + "speed", o.speed);
  NOPAL_CHECK(std::abs(o.contrast) < o.speed, option("contrast"),
              ": expected less than the mean speed ", o.speed, ", got ", o.contrast);
  NOPAL_CHECK(std::isfinite(o.tau) && o.tau >= 0, option("tau"),
              ": expected a number that is not negative, got ", o.tau);
  check_positive(o.prefix + "alpha", o.alpha);
  check_positive(o.prefix + "sigma", o.sigma);
  check_positive(o.prefix + "half_width", o.half_width);
  check_positive(o.prefix + "ramp", o.ramp);
}

}  // namespace

HelmholtzOptions HelmholtzOptions::read(const Communicator& comm, const std::string& prefix) {
  HelmholtzOptions o;
  o.prefix = prefix + "helmholtz_";
  read_options(comm, o.prefix, "Helmholtz problem", [&](PetscOptionReader& reader) {
    reader.integer("resolution", "points an axis of x and y", o.resolution);
    reader.integer("solve_refine", "solve on this many times more cells", o.solve_refine);
    reader.real("omega", "angular frequency", o.omega);
    reader.real("speed", "mean speed of the waves", o.speed);
    reader.real("contrast", "largest difference from the mean speed", o.contrast);
    reader.integer("modes", "modes of the random field", o.modes);
    reader.real("alpha", "smoothness of the random field", o.alpha);
    reader.real("tau", "inverse correlation length of the random field", o.tau);
    reader.real("sigma", "amplitude of the random field", o.sigma);
    reader.real("half_width", "half the length of the driven part of the side", o.half_width);
    reader.real("ramp", "length over which the drive falls to 0", o.ramp);
  });
  return o;
}

Helmholtz::Helmholtz(const HelmholtzOptions& options, const Communicator& comm)
    : Problem(comm), options_(options) {
  check(options);
  const std::int64_t cells = options.solve_refine * (options.resolution - 1);
  solver_ = std::make_unique<HelmholtzSolver>(cells, comm, options.prefix);

  modes_ = lowest_modes(options.modes);
  for (const Mode& l : modes_) {
    const double eigenvalue = pi * pi * static_cast<double>(square(l)) + options.tau * options.tau;
    const double norm = (l[0] > 0 ? sqrt2 : 1) * (l[1] > 0 ? sqrt2 : 1);
    weights_.push_back(norm * options.sigma * std::pow(eigenvalue, -options.alpha / 2));
    side_ = std::max({side_, l[0] + 1, l[1] + 1});
  }
  std::vector<double> points;
  for (std::int64_t i = 0; i < options.resolution; ++i)
    points.push_back(static_cast<double>(i) / static_cast<double>(options.resolution - 1));
  at_points_ = cosines(points);
  at_gauss_ = cosines(solver_->gauss_points());

  for (std::int64_t i = 0; i <= cells; ++i) {
    const double distance = std::abs(static_cast<double>(i) / static_cast<double>(cells) - 0.5);
    g_.push_back(std::clamp((options.half_width - distance) / options.ramp, 0.0, 1.0));
  }
}

Shape Helmholtz::x_shape() const {
  return {options_.resolution, options_.resolution, 1};
}

Shape Helmholtz::y_shape() const {
  return {options_.resolution, options_.resolution, 1};
}

std::map<std::string, std::string> Helmholtz::metadata() const {
  return {
      {"problem", name()},
      {"equation",
       "-Lap u - (omega/c)^2 u = 0 on (0, 1)^2, du/dn = g on the side x2 = 1, 0 on the others"},
      {"x_channels", "c"},
      {"y_channels", "u"},
      {"x_units", "1"},
      {"y_units", "1"},
      {"coordinates", "x1 = i/(n-1), x2 = j/(n-1), i, j = 0, ..., n-1 (boundary included)"},
      {"domain", "0 1 0 1"},
      {"resolution", std::to_string(options_.resolution)},
      {"solve_cells", std::to_string(solver_->cells())},
      {"omega", text(options_.omega)},
      {"speed", text(options_.speed)},
      {"contrast", text(options_.contrast)},
      {"modes", std::to_string(options_.modes)},
      {"alpha", text(options_.alpha)},
      {"tau", text(options_.tau)},
      {"sigma", text(options_.sigma)},
      {"half_width", text(options_.half_width)},
      {"ramp", text(options_.ramp)},
  };
}

Helmholtz::Cosines Helmholtz::cosines(std::span<const double> points) const {
  Cosines result{points.size(), {}};
  for (std::size_t k = 0; k < side_; ++k)
    for (const double x : points)
      result.values.push_back(std::cos(pi * static_cast<double>(k) * x));
  return result;
}

// A sum over l_1 for each row of points, then one over l_2 for each point.
void Helmholtz::evaluate_speed(const Cosines& cosines, std::vector<double>& c) {
  const std::size_t m = cosines.points;
  std::vector<double> row(side_);
  c.assign(m * m, 0.0);
  for (std::size_t i = 0; i < m; ++i) {
    std::fill(row.begin(), row.end(), 0.0);
    for (std::size_t k = 0; k < side_; ++k)
      for (std::size_t l = 0; l < side_; ++l)
        row[l] += cosines.values[k * m + i] * coefficients_[k * side_ + l];
    double* const values = c.data() + i * m;
    for (std::size_t l = 0; l < side_; ++l)
      for (std::size_t j = 0; j < m; ++j)
        values[j] += row[l] * cosines.values[l * m + j];
    for (std::size_t j = 0; j < m; ++j)
      values[j] = options_.speed + options_.contrast * std::tanh(values[j]);
  }
}

void Helmholtz::solve(std::span<const double> theta, const Tensor<double>& x,
                      const Tensor<double>& y) {
  NOPAL_CHECK(theta.size() == modes_.size(), "expected ", modes_.size(),
              " coefficients of the random field, got ", theta.size());
  NOPAL_CHECK(x.shape() == x_shape() && y.shape() == y_shape(), "expected x and y of shape ",
              x_shape(), ", got ", x.shape(), " and ", y.shape());
  coefficients_.assign(side_ * side_, 0.0);
  for (std::size_t i = 0; i < modes_.size(); ++i)
    coefficients_[modes_[i][0] * side_ + modes_[i][1]] = weights_[i] * theta[i];
  evaluate_speed(at_gauss_, q_);
  for (double& q : q_)
    q = options_.omega / q * (options_.omega / q);
  solver_->solve(q_, g_, u_);
  evaluate_speed(at_points_, c_);
  x.copy_from_host(c_.data());
  detail::take_points(u_, solver_->cells() + 1, options_.solve_refine, y);
}

void Helmholtz::make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                            const Tensor<double>& y) {
  const Random random = sample_random(seed, index);
  theta_.resize(modes_.size());
  for (std::size_t i = 0; i < theta_.size(); ++i)
    theta_[i] = random.normal(i);
  detail::for_sample(seed, index, [&] { solve(theta_, x, y); });
}

}  // namespace nopal
