// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/euler/gas_relations.hpp>
#include <nopal/solvers/problems/nozzle.hpp>

#include "problems/problem_tools.hpp"

#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using detail::text;
using euler::Boundary;
using euler::everywhere;
using euler::Point;
using euler::Primitive;

constexpr double gas = 1.4;

constexpr Primitive at_rest() {
  return {1.4, 0, 0, 1};
}

NozzleOptions checked(const NozzleOptions& o) {
  NOPAL_CHECK(o.cells >= 32 && o.cells % 4 == 0 && o.steps >= 1, "options -nozzle_cells and ",
              "-nozzle_steps: expected a multiple of 4, at least 32, and at least 1, got ", o.cells,
              " and ", o.steps);
  NOPAL_CHECK(o.length >= 3.5, "option -nozzle_length: expected at least 3.5, got ", o.length);
  NOPAL_CHECK(o.back_pressure >= 0 && o.back_pressure < 1, "option -nozzle_back_pressure: ",
              "expected a number from 0 to 1, the reservoir's, got ", o.back_pressure);
  detail::check_positive("nozzle_tolerance", o.tolerance);
  return o;
}

}  // namespace

NozzleOptions NozzleOptions::read(const Communicator& comm, const std::string& prefix) {
  NozzleOptions o;
  read_options(comm, prefix + "nozzle_", "Flow through nozzles", [&](PetscOptionReader& reader) {
    reader.integer("cells", "along the nozzle, a quarter of it across", o.cells);
    reader.real("length", "in half heights of the throat", o.length);
    reader.real("back_pressure", "at the exit, 0: supersonic", o.back_pressure);
    reader.real("tolerance", "of the steady flow", o.tolerance);
    reader.integer("steps", "at most", o.steps);
  });
  return o;
}

Nozzle::Nozzle(const NozzleOptions& options, const Communicator& comm)
    : Problem(comm), options_(checked(options)) {}

Shape Nozzle::x_shape() const {
  return {options_.cells / 4, options_.cells, 5};
}

Shape Nozzle::y_shape() const {
  return x_shape();
}

std::map<std::string, std::string> Nozzle::metadata() const {
  return {{"equation", "compressible Euler equations, ideal gas, gamma = 1.4, steady"},
          {"domain", "0 < x < " + text(options_.length) + ", 0 < y < h(x), plane"},
          {"x", "h_in, h_out, x_t, coordinates"},
          {"y", "density, velocity, pressure, temperature; reservoir 1.4, 0, 1, 1"},
          {"cells", text(options_.cells) + " along, a quarter of it across"},
          {"back_pressure", text(options_.back_pressure)},
          {"tolerance", text(options_.tolerance)},
          {"steps", std::to_string(options_.steps)},
          {"solver", "finite volumes, " + options_.solver.flux + ", " + options_.solver.limiter}};
}

Nozzle::Shape3 Nozzle::shape_of(std::uint64_t design) {
  const std::vector<double> s = detail::halton(design, 3);
  return {1.3 + 1.2 * s[0], 1.3 + 1.2 * s[1], 1.5 + s[2]};
}

double Nozzle::half_height(const Shape3& shape, double x) const {
  using std::numbers::pi;
  const auto [in, out, throat] = shape;
  return x < throat
             ? 1 + (in - 1) * 0.5 * (1 + std::cos(pi * x / throat))
             : 1 + (out - 1) * 0.5 * (1 - std::cos(pi * (x - throat) / (options_.length - throat)));
}

namespace {

Primitive isentropic(double mach) {
  const double cooling = 1 / (1 + 0.5 * (gas - 1) * mach * mach);
  return {at_rest().rho * std::pow(cooling, 1 / (gas - 1)), mach * std::sqrt(cooling), 0,
          at_rest().p * std::pow(cooling, gas / (gas - 1))};
}

}  // namespace

Primitive Nozzle::one_dimensional(const Shape3& shape, double x) const {
  return isentropic(euler::mach_of_area(half_height(shape, x), x > shape[2], gas));
}

euler::SteadyFlow Nozzle::solve(const Shape3& shape,
                                const euler::FiniteVolumeSolver::Observer& observe) const {
  NOPAL_CHECK(shape[0] >= 1 && shape[1] >= 1 && shape[2] > 0 && shape[2] < options_.length,
              "nozzle: expected heights of at least 1, that of the throat, and the throat between ",
              "0 and ", options_.length, ", got ", shape[0], ", ", shape[1], " and ", shape[2]);
  const auto wall = everywhere({Boundary::Kind::wall, {}});
  const Primitive outside{1.4, 0, 0, options_.back_pressure};
  return euler::steady_flow(
      options_.cells, options_.cells / 4,
      [&](double xi, double eta) {
        const double x = xi * options_.length;
        return Point{x, eta * half_height(shape, x)};
      },
      {everywhere({Boundary::Kind::reservoir, at_rest()}),
       options_.back_pressure > 0 ? everywhere({Boundary::Kind::pressure, outside})
                                  : everywhere({Boundary::Kind::outflow, {}}),
       wall, wall},
      [&](const Point& at) {
        if (options_.back_pressure == 0) return one_dimensional(shape, at[0]);
        // Subsonic at the exit, which else would not feel the pressure there.
        const double p = 1 + (options_.back_pressure - 1) * at[0] / options_.length;
        return isentropic(std::sqrt(2 / (gas - 1) * (std::pow(p, -(gas - 1) / gas) - 1)));
      },
      {options_.tolerance, options_.steps, options_.solver}, communicator(), observe);
}

Tensor<double> Nozzle::at_points(const Tensor<double>& values, const Shape3& shape,
                                 const Tensor<double>& points) const {
  const std::int64_t n = options_.cells, channels = values.extent(-1);
  NOPAL_CHECK(values.rank() == 2 && values.extent(0) == n * (n / 4) && points.rank() == 2 &&
                  points.extent(1) == 2,
              "nozzle: expected values on ", n, " x ", n / 4, " cells and points (P, 2), got ",
              values.shape(), " and ", points.shape());
  const std::vector<double> at = points.to_vector(), known = values.to_vector();
  auto result = Tensor<double>::zeros({points.extent(0), channels});
  for (std::int64_t p = 0; p < points.extent(0); ++p) {
    const double x = at[static_cast<std::size_t>(2 * p)],
                 y = at[static_cast<std::size_t>(2 * p + 1)];
    const double eta = y / half_height(shape, x);
    if (eta <= 1)
      euler::interpolate_cells(known.data(), channels, n, n / 4, x / options_.length, eta,
                               result.data() + p * channels);
  }
  return result;
}

void Nozzle::make_sample(std::uint64_t, std::uint64_t index, const Tensor<double>& x,
                         const Tensor<double>& y) {
  NOPAL_CHECK(index < designs, "nozzle has the samples 0 to ", designs - 1, ", got ", index);
  const Shape3 shape = shape_of(index);
  euler::SteadyFlow flow;
  detail::for_sample(0, index, [&] { flow = solve(shape); });
  detail::put_parameters_and_points(shape, flow.points, x);
  const std::vector<double> w = flow.values.to_vector();
  std::vector<double> output;
  for (std::size_t k = 0; k < w.size(); k += 4)
    output.insert(output.end(), {w[k], w[k + 1], w[k + 2], w[k + 3], gas * w[k + 3] / w[k]});
  y.copy_from_host(output.data());
}

template <class T>
FunctionData<T> Nozzle::as_functions(const Dataset<T>& samples) const {
  return detail::functions_on_own_points(samples, 3);
}

template FunctionData<float> Nozzle::as_functions(const Dataset<float>&) const;
template FunctionData<double> Nozzle::as_functions(const Dataset<double>&) const;

}  // namespace nopal
