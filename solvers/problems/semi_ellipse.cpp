// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/bridge/vec.hpp>
#include <nopal/solvers/problems/semi_ellipse.hpp>

#include "problems/problem_tools.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using detail::text;
using euler::Boundary;
using euler::CurvilinearGrid;
using euler::everywhere;
using euler::FiniteVolumeSolver;
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
          {"solver", "finite volumes, " + options_.solver.flux + ", " + options_.solver.limiter}};
}

std::array<double, 2> SemiEllipse::shape_of(std::uint64_t design) {
  const std::uint64_t column = design % 6, row = design / 6;
  return {0.5 + 0.15 * double(column), 0.5 + 0.1 * double(row)};
}

SemiEllipse::Flow SemiEllipse::solve(double a, double b,
                                     const FiniteVolumeSolver::Observer& observe) const {
  NOPAL_CHECK(a > 0 && b > 0, "semi_ellipse: half axes must be positive, got ", a, " and ", b);
  const SemiEllipseOptions& o = options_;
  const Layers layers(a, b);
  const Primitive stream = free_stream(o.mach);
  // Each grid begins with the flow on one of half as many cells along both directions.
  std::vector<std::int64_t> sizes{o.cells};
  while (sizes.back() % 2 == 0 && sizes.back() >= 64)
    sizes.push_back(sizes.back() / 2);
  std::reverse(sizes.begin(), sizes.end());
  Flow flow;
  std::vector<double> before;  // of the whole grid, conserved
  for (const std::int64_t n : sizes) {
    const CurvilinearGrid grid(
        n, n, [&](double xi, double eta) { return layers.at(xi, eta); }, {false, false},
        communicator());
    const auto leave = everywhere({Boundary::Kind::outflow, {}});
    FiniteVolumeSolver solver(grid,
                              {leave, leave, everywhere({Boundary::Kind::wall, {}}),
                               everywhere({Boundary::Kind::exact, stream})},
                              o.solver);
    if (before.empty()) {
      solver.set_state([&](const Point&) { return stream; });
    } else {
      solver.set_cells([&](std::int64_t i, std::int64_t j) {
        const double* q = before.data() + (j / 2 * (n / 2) + i / 2) * 4;
        return euler::primitive({q[0], q[1], q[2], q[3]}, o.solver.gamma);
      });
    }
    const bool last = n == o.cells;
    flow.progress =
        solver.relax(o.tolerance, last ? o.steps : o.steps / 4, last ? observe : nullptr);
    DmdaGather(grid.dm())(solver.state(), before);
    if (!last) continue;
    std::vector<double> points, values;
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i < n; ++i) {
        const Point at = grid.centre(i, j);
        const double* q = before.data() + (j * n + i) * 4;
        const Primitive w = euler::primitive({q[0], q[1], q[2], q[3]}, o.solver.gamma);
        points.insert(points.end(), {at[0], at[1]});
        values.insert(values.end(), {w.rho, w.u, w.v, w.p});
      }
    flow.points = Tensor<double>::from_host({n * n, 2}, points);
    flow.values = Tensor<double>::from_host({n * n, 4}, values);
  }
  return flow;
}

Tensor<double> SemiEllipse::at_points(const Flow& flow, double a, double b,
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
    const auto place = [n](double s) {
      const double at = std::clamp(s * static_cast<double>(n) - 0.5, 0.0, double(n) - 1);
      const auto low = std::min(static_cast<std::int64_t>(at), n - 2);
      return std::pair(low, at - static_cast<double>(low));
    };
    // Not as structured bindings: lambdas may not capture those with every compiler.
    const auto across = place(xi), away = place(eta);
    const std::int64_t i = across.first, j = away.first;
    const double s = across.second, t = away.second;
    for (std::int64_t k = 0; k < 4; ++k) {
      const auto value = [&](std::int64_t di, std::int64_t dj) {
        return w[static_cast<std::size_t>(((j + dj) * n + i + di) * 4 + k)];
      };
      values.push_back((1 - t) * ((1 - s) * value(0, 0) + s * value(1, 0)) +
                       t * ((1 - s) * value(0, 1) + s * value(1, 1)));
    }
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
  Flow flow;
  detail::for_sample(0, index, [&] { flow = solve(a, b); });
  std::vector<double> input;
  if (options_.points == "fitted") {
    const std::vector<double> points = flow.points.to_vector();
    for (std::size_t p = 0; p < points.size(); p += 2)
      input.insert(input.end(), {a, b, points[p], points[p + 1]});
    y.copy_from(flow.values);
  } else {
    const Tensor<double> points = uniform_points(), values = at_points(flow, a, b, points);
    for (std::int64_t p = 0; p < points.extent(0); ++p)
      input.insert(input.end(), {a, b, values.data()[4 * p] > 0 ? 1.0 : 0.0});
    y.copy_from(values);
  }
  x.copy_from_host(input.data());
}

template <class T>
FunctionData<T> SemiEllipse::as_functions(const Dataset<T>& samples) const {
  const std::int64_t count = samples.size(), points = options_.cells * options_.cells,
                     channels = x_shape()[-1];
  const Tensor<T> shared = cast<T>(uniform_points());
  FunctionData<T> data = as_function_data(samples, shared, {{0, 1}});
  std::vector<std::int64_t> entries;  // coordinates or mask
  for (std::int64_t p = 0; p < points; ++p)
    for (std::int64_t c = 2; c < channels; ++c)
      entries.push_back(channels * p + c);
  const Tensor<T> rest = as_function_data(samples, shared, {entries}).functions[0];
  if (options_.points == "uniform") {
    data.mask = rest;
    return data;
  }
  data.points = rest.reshape({count * points, 2});
  data.values = data.values.reshape({count * points, 4});
  for (std::int64_t i = 0; i <= count; ++i)
    data.offsets.push_back(i * points);
  return data;
}

template FunctionData<float> SemiEllipse::as_functions(const Dataset<float>&) const;
template FunctionData<double> SemiEllipse::as_functions(const Dataset<double>&) const;

}  // namespace nopal
