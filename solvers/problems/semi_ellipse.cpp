// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/problems/semi_ellipse.hpp>

#include "problems/problem_tools.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using detail::text;
using euler::Boundary;
using euler::everywhere;
using euler::Point;
using euler::Primitive;

constexpr double box = 2.6;

Primitive free_stream(double mach) {
  return {1.4, mach, 0, 1};
}

// Half axes of the body and of the outer boundary, which lies beyond the bow shock: that stands off
// farther from a blunter nose, and lies at some 2.4 b beside the shoulder (Billig 1967, M = 10).
struct Layers {
  double a, b, outer_a, outer_b;

  Layers(double a_, double b_)
      : a(a_),
        b(b_),
        outer_a(a_ + 0.75 * b_ * std::max(1.0, b_ / a_)),
        outer_b(2.8 * b_ + 0.2 * a_) {}

  double x_axis(double eta) const { return a + eta * (outer_a - a); }
  double y_axis(double eta) const { return b + eta * (outer_b - b); }

  Point at(double xi, double eta) const {
    const double angle = (xi - 0.5) * std::numbers::pi;
    return {-x_axis(eta) * std::cos(angle), y_axis(eta) * std::sin(angle)};
  }

  // The inverse; eta < 0 in the body, more than 1 beyond the grid.
  std::array<double, 2> coordinates(const Point& p) const {
    const auto inside = [&](double eta) {
      return std::pow(p[0] / x_axis(eta), 2) + std::pow(p[1] / y_axis(eta), 2) < 1;
    };
    if (inside(0)) return {0.5, -1};
    if (!inside(1)) return {0.5, 2};
    double low = 0, high = 1;
    for (int i = 0; i < 60; ++i)
      (inside(0.5 * (low + high)) ? high : low) = 0.5 * (low + high);
    const double eta = 0.5 * (low + high);
    const double angle = std::atan2(p[1] / y_axis(eta), -p[0] / x_axis(eta));
    return {angle / std::numbers::pi + 0.5, eta};
  }
};

SemiEllipseOptions checked(const SemiEllipseOptions& o) {
  NOPAL_CHECK(o.cells >= 16 && o.steps >= 1, "options -semi_ellipse_cells and ",
              "-semi_ellipse_steps: expected at least 16 and 1, got ", o.cells, " and ", o.steps);
  NOPAL_CHECK(o.points == "fitted" || o.points == "uniform",
              "option -semi_ellipse_points: expected fitted or uniform, got '", o.points, "'");
  NOPAL_CHECK(o.mach > 1.5, "option -semi_ellipse_mach: expected more than 1.5, so that the flow ",
              "leaves supersonic, got ", o.mach);
  NOPAL_CHECK(o.tolerance > 0, "option -semi_ellipse_tolerance: expected more than 0, got ",
              o.tolerance);
  return o;
}

}  // namespace

euler::FiniteVolumeOptions SemiEllipseOptions::default_solver() {
  euler::FiniteVolumeOptions o;
  o.flux = "hlle";  // no carbuncle at the nose
  o.limiter = "minmod";
  o.cfl = 0.45;
  return o;
}

SemiEllipseOptions SemiEllipseOptions::read(const Communicator& comm, const std::string& prefix) {
  SemiEllipseOptions o;
  read_options(comm, prefix + "semi_ellipse_", "Hypersonic flow past semi-ellipses",
               [&](PetscOptionReader& reader) {
                 reader.integer("cells", "along the body, and away from it", o.cells);
                 int where = o.points == "fitted" ? 0 : 1;
                 reader.choice("points", "where samples are", {"fitted", "uniform"}, where);
                 o.points = where == 0 ? "fitted" : "uniform";
                 reader.real("mach", "Mach number of the free stream", o.mach);
                 reader.real("tolerance", "of the steady flow", o.tolerance);
                 reader.integer("steps", "at most", o.steps);
               });
  return o;
}

SemiEllipse::SemiEllipse(const SemiEllipseOptions& options, const Communicator& comm)
    : Problem(comm), options_(checked(options)) {}

Shape SemiEllipse::x_shape() const {
  return {options_.cells, options_.cells, options_.points == "fitted" ? 4 : 3};
}

Shape SemiEllipse::y_shape() const {
  return {options_.cells, options_.cells, 4};
}

std::map<std::string, std::string> SemiEllipse::metadata() const {
  return {{"equation", "compressible Euler equations, ideal gas, gamma = 1.4, steady"},
          {"domain", "outside x^2 / a^2 + y^2 / b^2 = 1, x < 0; free stream along x"},
          {"x", options_.points == "fitted" ? "a, b, coordinates" : "a, b, mask"},
          {"y", "density, velocity, pressure; free stream 1.4, (M, 0), 1"},
          {"points", options_.points},
          {"cells", text(options_.cells) + " along the body, as many away from it"},
          {"mach", text(options_.mach)},
          {"tolerance", text(options_.tolerance)},
          {"steps", std::to_string(options_.steps)},
          {"solver", "finite volumes, " + options_.solver.flux + ", " + options_.solver.limiter}};
}

std::array<double, 2> SemiEllipse::shape_of(std::uint64_t design) {
  const std::uint64_t column = design % 6, row = design / 6;
  return {0.5 + 0.15 * double(column), 0.5 + 0.1 * double(row)};
}

euler::SteadyFlow SemiEllipse::solve(double a, double b,
                                     const euler::FiniteVolumeSolver::Observer& observe) const {
  NOPAL_CHECK(a > 0 && b > 0, "semi_ellipse: half axes must be positive, got ", a, " and ", b);
  const Layers layers(a, b);
  const Primitive stream = free_stream(options_.mach);
  const auto leave = everywhere({Boundary::Kind::outflow, {}});
  return euler::steady_flow(
      options_.cells, options_.cells, [&](double xi, double eta) { return layers.at(xi, eta); },
      {leave, leave, everywhere({Boundary::Kind::wall, {}}),
       everywhere({Boundary::Kind::exact, stream})},
      [&](const Point&) { return stream; }, {options_.tolerance, options_.steps, options_.solver},
      communicator(), observe);
}

Tensor<double> SemiEllipse::at_points(const euler::SteadyFlow& flow, double a, double b,
                                      const Tensor<double>& points) const {
  const std::int64_t n = options_.cells;
  NOPAL_CHECK(flow.values.defined() && flow.values.extent(0) == n * n && points.rank() == 2 &&
                  points.extent(1) == 2,
              "semi_ellipse: expected the flow on ", n, " x ", n, " cells and points (P, 2), got ",
              flow.values.shape(), " and ", points.shape());
  const Layers layers(a, b);
  const Primitive stream = free_stream(options_.mach);
  const std::vector<double> x = points.to_vector(), w = flow.values.to_vector();
  std::vector<double> values;
  for (std::size_t p = 0; p + 1 < x.size(); p += 2) {
    const auto [xi, eta] = layers.coordinates({x[p], x[p + 1]});
    if (eta < 0) {
      values.insert(values.end(), {0, 0, 0, 0});
      continue;
    }
    if (eta > 1) {
      values.insert(values.end(), {stream.rho, stream.u, stream.v, stream.p});
      continue;
    }
    std::array<double, 4> state{};
    euler::interpolate_cells(w.data(), 4, n, n, xi, eta, state.data());
    values.insert(values.end(), state.begin(), state.end());
  }
  return Tensor<double>::from_host({points.extent(0), 4}, values);
}

Tensor<double> SemiEllipse::uniform_points() const {
  const std::int64_t n = options_.cells;
  std::vector<double> points;
  for (std::int64_t j = 0; j < n; ++j)
    for (std::int64_t i = 0; i < n; ++i) {
      points.push_back(-box + box * (static_cast<double>(i) + 0.5) / static_cast<double>(n));
      points.push_back(-box + 2 * box * (static_cast<double>(j) + 0.5) / static_cast<double>(n));
    }
  return Tensor<double>::from_host({n * n, 2}, points);
}

void SemiEllipse::make_sample(std::uint64_t, std::uint64_t index, const Tensor<double>& x,
                              const Tensor<double>& y) {
  NOPAL_CHECK(index < designs, "semi_ellipse has the samples 0 to ", designs - 1, ", got ", index);
  const std::array<double, 2> shape = shape_of(index);
  const double a = shape[0], b = shape[1];
  euler::SteadyFlow flow;
  detail::for_sample(0, index, [&] { flow = solve(a, b); });
  if (options_.points == "fitted") {
    detail::put_parameters_and_points(shape, flow.points, x);
    y.copy_from(flow.values.reshape(y.shape()));
    return;
  }
  const Tensor<double> points = uniform_points(), values = at_points(flow, a, b, points);
  std::vector<double> input;
  for (std::int64_t p = 0; p < points.extent(0); ++p)
    input.insert(input.end(), {a, b, values.data()[4 * p] > 0 ? 1.0 : 0.0});
  y.copy_from(values.reshape(y.shape()));
  x.copy_from_host(input.data());
}

template <class T>
FunctionData<T> SemiEllipse::as_functions(const Dataset<T>& samples) const {
  if (options_.points == "fitted") return detail::functions_on_own_points(samples, 2);
  const Tensor<T> shared = cast<T>(uniform_points());
  FunctionData<T> data = as_function_data(samples, shared, {{0, 1}});
  std::vector<std::int64_t> masks;
  for (std::int64_t p = 0; p < shared.extent(0); ++p)
    masks.push_back(3 * p + 2);
  data.mask = as_function_data(samples, shared, {masks}).functions[0];
  return data;
}

template FunctionData<float> SemiEllipse::as_functions(const Dataset<float>&) const;
template FunctionData<double> SemiEllipse::as_functions(const Dataset<double>&) const;

}  // namespace nopal
