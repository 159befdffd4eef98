// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/darcy.hpp>

#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using std::numbers::pi;

// Without a refinement asked for, labels are solved on at least this many cells an axis: their
// error (about 0.3 % for the piecewise coefficient, by tests/petsc/darcy_test.cpp) is then below
// what networks reach.
constexpr std::int64_t default_cells = 256;

const std::vector<std::string> coefficient_names = {"piecewise", "lognormal", "constant",
                                                    "manufactured"};
const std::vector<std::string> average_names = {"arithmetic", "harmonic"};

template <class Enum>
std::string name_of(Enum value, const std::vector<std::string>& names) {
  return names[static_cast<std::size_t>(value)];
}

std::string text(double value) {
  return detail::concatenate(value);
}

void check(const DarcyOptions& o) {
  const auto option = [&](const char* name) { return "option -" + o.prefix + name; };
  NOPAL_CHECK(o.resolution >= 2, option("resolution"), ": expected at least 2 points an axis, got ",
              o.resolution);
  NOPAL_CHECK(o.solve_refine >= 0, option("solve_refine"),
              ": expected 0 (choose) or a positive factor, got ", o.solve_refine);
  const auto positive = [&](const char* name, double value) {
    NOPAL_CHECK(value > 0 && std::isfinite(value), option(name),
                ": expected a positive coefficient, got ", value);
  };
  positive("high", o.high);
  positive("low", o.low);
  positive("value", o.value);
  NOPAL_CHECK(std::isfinite(o.source), option("source"), ": expected a finite number, got ",
              o.source);
  NOPAL_CHECK(o.field.tau > 0 || (o.field.tau == 0 && o.field.zero_mean), option("tau"),
              ": expected a positive number, or 0 with zero_mean, got ", o.field.tau);
  NOPAL_CHECK(std::isfinite(o.field.alpha) && o.field.alpha > 0, option("alpha"),
              ": expected a positive number, got ", o.field.alpha);
  NOPAL_CHECK(std::isfinite(o.field.sigma) && o.field.sigma > 0, option("sigma"),
              ": expected a positive number, got ", o.field.sigma);
  NOPAL_CHECK(o.field.max_mode >= 0, option("max_mode"),
              ": expected 0 (all) or a positive mode number, got ", o.field.max_mode);
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

DarcyOptions DarcyOptions::read(const Communicator& comm, const std::string& prefix) {
  DarcyOptions o;
  o.prefix = prefix + "darcy_";
  int coefficient = static_cast<int>(o.coefficient), average = static_cast<int>(o.average);
  read_options(comm, o.prefix, "Darcy flow problem", [&](PetscOptionReader& reader) {
    reader.integer("resolution", "points an axis of x and y", o.resolution);
    reader.integer("solve_refine", "solve on this many times more cells, 0: to 256 or more",
                   o.solve_refine);
    reader.choice("coefficient", "law of the coefficient", coefficient_names, coefficient);
    reader.real("high", "piecewise: coefficient where the field is not negative", o.high);
    reader.real("low", "piecewise: coefficient elsewhere", o.low);
    reader.real("value", "constant: the coefficient", o.value);
    reader.real("source", "right-hand side f", o.source);
    reader.choice("average", "coefficient between nodes", average_names, average);
    reader.real("alpha", "smoothness of the random field", o.field.alpha);
    reader.real("tau", "inverse correlation length of the random field", o.field.tau);
    reader.real("sigma", "amplitude of the random field", o.field.sigma);
    reader.boolean("zero_mean", "random field without its constant mode", o.field.zero_mean);
    reader.integer("max_mode", "largest mode of the random field, 0: all", o.field.max_mode);
  });
  o.coefficient = static_cast<Coefficient>(coefficient);
  o.average = static_cast<FaceAverage>(average);
  return o;
}

Darcy::Darcy(const DarcyOptions& options, const Communicator& comm)
    : Problem(comm), options_(options) {
  check(options);
  const std::int64_t n = options.resolution;
  refine_ = options.solve_refine > 0 ? options.solve_refine : (default_cells + n - 1) / n;
  solver_ = std::make_unique<DarcySolver>(refine_ * n, options.average, comm, options.prefix);

  const std::int64_t cells = solver_->cells();
  const auto nodes = static_cast<std::size_t>(solver_->nodes());
  a_.assign(nodes, options.value);
  f_.assign(nodes, options.source);
  points_.resize(static_cast<std::size_t>(n * n));
  if (options.coefficient == DarcyOptions::Coefficient::piecewise ||
      options.coefficient == DarcyOptions::Coefficient::lognormal)
    field_ = std::make_unique<RandomField>(Shape{cells + 1, cells + 1}, options.field);
  if (options.coefficient == DarcyOptions::Coefficient::manufactured)
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
  using Coefficient = DarcyOptions::Coefficient;
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
  if (field_) {
    data["alpha"] = text(options_.field.alpha);
    data["tau"] = text(options_.field.tau);
    data["sigma"] = text(options_.field.sigma);
    data["zero_mean"] = options_.field.zero_mean ? "true" : "false";
    data["max_mode"] = std::to_string(options_.field.max_mode);
  }
  return data;
}

void Darcy::draw_coefficient(std::uint64_t seed, std::uint64_t index) {
  if (!field_) return;
  field_->sample(seed, index, a_);
  if (options_.coefficient == DarcyOptions::Coefficient::lognormal) {
    for (double& a : a_)
      a = std::exp(a);
  } else {
    for (double& a : a_)
      a = a >= 0 ? options_.high : options_.low;
  }
}

void Darcy::take_points(const std::vector<double>& nodes, const Tensor<double>& points) {
  const std::int64_t n = options_.resolution, width = solver_->cells() + 1;
  for (std::int64_t i = 0, k = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      points_[static_cast<std::size_t>(k++)] =
          nodes[static_cast<std::size_t>(i * refine_ * width + j * refine_)];
  points.copy_from_host(points_.data());
}

void Darcy::make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                        const Tensor<double>& y) {
  draw_coefficient(seed, index);
  try {
    solver_->solve(a_, f_, u_);
  } catch (const Error& error) {
    throw Error(detail::concatenate("sample ", index, " of seed ", seed, ": ", error.what()),
                __FILE__, __LINE__);
  }
  take_points(a_, x);
  take_points(u_, y);
}

}  // namespace nopal
