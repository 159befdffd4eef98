// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <nopal/solvers/problems/darcy.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using detail::name_of;
using detail::text;
using std::numbers::pi;
using Coefficient = DarcyOptions::Coefficient;

// Without a refinement asked for, labels are solved on at least this many cells an axis: their
// error (about 0.3 % for the piecewise coefficient, by tests/petsc/darcy_test.cpp) is then below
// what networks reach. The multiscale coefficient has waves of length 1/76, and an error of 4 % on
// 256 cells, 1 % on 512, by the same test.
std::int64_t default_cells(Coefficient coefficient) {
  return coefficient == Coefficient::multiscale ? 1024 : 256;
}

const std::vector<std::string> coefficient_names = {"piecewise", "lognormal", "constant",
                                                    "manufactured", "multiscale"};
const std::vector<std::string> average_names = {"arithmetic", "harmonic"};

void check(const DarcyOptions& o) {
  const auto option = [&](const char* name) { return "option -" + o.prefix + name; };
  NOPAL_CHECK(o.resolution >= 2, option("resolution"), ": expected at least 2 points an axis, got ",
              o.resolution);
  NOPAL_CHECK(o.solve_refine >= 0, option("solve_refine"),
              ": expected 0 (choose) or a positive factor, got ", o.solve_refine);
  detail::check_positive(o.prefix + "high", o.high);
  detail::check_positive(o.prefix + "low", o.low);
  detail::check_positive(o.prefix + "value", o.value);
  NOPAL_CHECK(std::isfinite(o.source), option("source"), ": expected a finite number, got ",
              o.source);
  detail::check_field(o.prefix, o.field);
}

double manufactured_coefficient(double x, double y) {
  return 2 + std::sin(2 * pi * x) * std::cos(2 * pi * y);
}

// -div(a grad u) of u = sin(pi x) sin(pi y), by the product rule.
double manufactured_source(double x, double y) {
  const double a = manufactured_coefficient(x, y);
  const double a_x = 2 * pi * std::cos(2 * pi * x) * std::cos(2 * pi * y);
  const double a_y = -2 * pi * std::sin(2 * pi * x) * std::sin(2 * pi * y);
  const double u = std::sin(pi * x) * std::sin(pi * y);
  const double u_x = pi * std::cos(pi * x) * std::sin(pi * y);
  const double u_y = pi * std::sin(pi * x) * std::cos(pi * y);
  return 2 * pi * pi * a * u - a_x * u_x - a_y * u_y;
}

}  // namespace

RandomFieldOptions DarcyOptions::published_field() {
  RandomFieldOptions field;
  field.boundary = FieldBoundary::neumann;
  field.centring = FieldCentring::node;
  field.alpha = 2;
  field.tau = 3;
  field.sigma = 1;
  field.zero_mean = true;
  return field;
}

DarcyOptions DarcyOptions::rough() {
  DarcyOptions o;
  o.low = 2;
  o.field.tau = 5;
  return o;
}

DarcyOptions DarcyOptions::read(const Communicator& comm, const std::string& prefix) {
  DarcyOptions o;
  int coefficient = static_cast<int>(o.coefficient), average = static_cast<int>(o.average);
  std::vector<std::string> laws = coefficient_names;
  laws.emplace_back("rough");
  read_options(comm, prefix + "darcy_", "Darcy flow problem", [&](PetscOptionReader& reader) {
    reader.choice("coefficient", "law of the coefficient", laws, coefficient);
    if (laws[static_cast<std::size_t>(coefficient)] == "rough") {
      o = rough();
      coefficient = static_cast<int>(o.coefficient);
    }
    reader.integer("resolution", "points an axis of x and y", o.resolution);
    reader.integer("solve_refine", "solve on this many times more cells, 0: to 256, 1024 or more",
                   o.solve_refine);
    reader.real("high", "piecewise: coefficient where the field is not negative", o.high);
    reader.real("low", "piecewise: coefficient elsewhere", o.low);
    reader.real("value", "constant: the coefficient", o.value);
    reader.real("source", "right-hand side f", o.source);
    reader.choice("average", "coefficient between nodes", average_names, average);
    detail::read_field(reader, o.field);
  });
  o.prefix = prefix + "darcy_";
  o.coefficient = static_cast<Coefficient>(coefficient);
  o.average = static_cast<FaceAverage>(average);
  return o;
}

Darcy::Darcy(const DarcyOptions& options, const Communicator& comm)
    : Problem(comm), options_(options) {
  check(options);
  const std::int64_t n = options.resolution;
  refine_ = options.solve_refine > 0 ? options.solve_refine
                                     : (default_cells(options.coefficient) + n - 1) / n;
  solver_ = std::make_unique<DarcySolver>(refine_ * n, options.average, comm, options.prefix);

  const std::int64_t cells = solver_->cells();
  const auto nodes = static_cast<std::size_t>(solver_->nodes());
  a_.assign(nodes, options.value);
  f_.assign(nodes, options.source);
  if (options.coefficient == Coefficient::piecewise ||
      options.coefficient == Coefficient::lognormal)
    field_ = std::make_unique<RandomField>(Shape{cells + 1, cells + 1}, options.field);
  if (options.coefficient == Coefficient::manufactured)
    for (std::size_t i = 0, k = 0; i <= static_cast<std::size_t>(cells); ++i)
      for (std::size_t j = 0; j <= static_cast<std::size_t>(cells); ++j, ++k) {
        const double x = static_cast<double>(i) / static_cast<double>(cells);
        const double y = static_cast<double>(j) / static_cast<double>(cells);
        a_[k] = manufactured_coefficient(x, y);
        f_[k] = manufactured_source(x, y);
      }
}

Shape Darcy::x_shape() const {
  return {options_.resolution, options_.resolution, 1};
}

Shape Darcy::y_shape() const {
  return {options_.resolution, options_.resolution, 1};
}

std::map<std::string, std::string> Darcy::metadata() const {
  std::map<std::string, std::string> data = {
      {"problem", name()},
      {"equation", "-div(a grad u) = f on (0, 1)^2, u = 0 on the boundary"},
      {"x_channels", "a"},
      {"y_channels", "u"},
      {"x_units", "1"},
      {"y_units", "1"},
      {"coordinates", "x1 = i/n, x2 = j/n, i, j = 0, ..., n-1 (upper boundary excluded)"},
      {"domain", "0 1 0 1"},
      {"resolution", std::to_string(options_.resolution)},
      {"solve_cells", std::to_string(solver_->cells())},
      {"coefficient", name_of(options_.coefficient, coefficient_names)},
      {"average", name_of(options_.average, average_names)},
      {"source",
       options_.coefficient == Coefficient::manufactured ? "manufactured" : text(options_.source)},
  };
  if (options_.coefficient == Coefficient::constant) data["value"] = text(options_.value);
  if (options_.coefficient == Coefficient::piecewise) {
    data["high"] = text(options_.high);
    data["low"] = text(options_.low);
  }
  if (field_) detail::describe_field(options_.field, data);
  return data;
}

void Darcy::draw_coefficient(std::uint64_t seed, std::uint64_t index) {
  if (options_.coefficient == Coefficient::multiscale) return draw_multiscale(seed, index);
  if (!field_) return;
  field_->sample(seed, index, a_);
  if (options_.coefficient == Coefficient::lognormal) {
    for (double& a : a_)
      a = std::exp(a);
  } else {
    for (double& a : a_)
      a = a >= 0 ? options_.high : options_.low;
  }
}

// By the addition theorems from functions of one coordinate: a sine and a cosine for each of the
// nodes would take as long as the solution.
void Darcy::draw_multiscale(std::uint64_t seed, std::uint64_t index) {
  const Random random = sample_random(seed, index);
  const auto width = static_cast<std::size_t>(solver_->cells() + 1);
  std::vector<double> cos1(width), sin1(width), cos3(width), sin3(width);
  std::fill(a_.begin(), a_.end(), 1.0);
  for (std::uint64_t k = 0; k < 6; ++k) {
    const double frequency = std::exp2(k) * (1 + 0.5 * random.uniform(k));
    for (std::size_t i = 0; i < width; ++i) {
      const double angle = frequency * pi * static_cast<double>(i) / static_cast<double>(width - 1);
      cos1[i] = std::cos(angle);
      sin1[i] = std::sin(angle);
      cos3[i] = std::cos(3 * angle);
      sin3[i] = std::sin(3 * angle);
    }
    for (std::size_t i = 0; i < width; ++i)
      for (std::size_t j = 0; j < width; ++j)
        a_[i * width + j] *= (1 + 0.5 * (cos1[i] * cos1[j] - sin1[i] * sin1[j])) *
                             (1 + 0.5 * (sin1[j] * cos3[i] - cos1[j] * sin3[i]));
  }
}

void Darcy::make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                        const Tensor<double>& y) {
  draw_coefficient(seed, index);
  detail::for_sample(seed, index, [&] { solver_->solve(a_, f_, u_); });
  detail::take_points(a_, solver_->cells() + 1, refine_, x);
  detail::take_points(u_, solver_->cells() + 1, refine_, y);
}

}  // namespace nopal
