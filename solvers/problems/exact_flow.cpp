// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/euler/gas_relations.hpp>
#include <nopal/solvers/euler/riemann.hpp>
#include <nopal/solvers/problems/exact_flow.hpp>

#include "problems/problem_tools.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nopal {
namespace {

constexpr double degree = std::numbers::pi / 180, gas = 1.4, until = 0.2;

const std::vector<std::string>& flows() {
  static const std::vector<std::string> names{"wedge", "riemann", "nozzle_shock"};
  return names;
}

std::int64_t parameter_count(const std::string& flow) {
  return flow == "riemann" ? 4 : 2;
}

std::int64_t dimension(const std::string& flow) {
  return flow == "wedge" ? 2 : 1;
}

ExactFlowOptions checked(const ExactFlowOptions& o) {
  NOPAL_CHECK(std::find(flows().begin(), flows().end(), o.flow) != flows().end(),
              "option -exact_flow_flow: unknown flow '", o.flow, "'", suggestion(o.flow, flows()));
  NOPAL_CHECK(o.resolution >= 2, "option -exact_flow_resolution: expected at least 2, got ",
              o.resolution);
  return o;
}

}  // namespace

ExactFlowOptions ExactFlowOptions::read(const Communicator& comm, const std::string& prefix) {
  ExactFlowOptions o;
  read_options(comm, prefix + "exact_flow_", "Flows with exact solutions",
               [&](PetscOptionReader& reader) {
                 int kind = 0;
                 reader.choice("flow", "which flow", flows(), kind);
                 o.flow = flows()[static_cast<std::size_t>(kind)];
                 reader.integer("resolution", "points along each axis", o.resolution);
               });
  return o;
}

ExactFlow::ExactFlow(const ExactFlowOptions& options, const Communicator& comm)
    : Problem(comm), options_(checked(options)) {}

Shape ExactFlow::x_shape() const {
  const std::int64_t n = options_.resolution, d = dimension(options_.flow),
                     channels = parameter_count(options_.flow) + d;
  return d == 2 ? Shape{n, n, channels} : Shape{n, channels};
}

Shape ExactFlow::y_shape() const {
  return x_shape().with(-1, dimension(options_.flow) + 2);
}

std::map<std::string, std::string> ExactFlow::metadata() const {
  const std::string& f = options_.flow;
  return {{"equation", "compressible Euler equations, ideal gas, gamma = 1.4, exact solution"},
          {"flow", f},
          {"x", f == "wedge"     ? "M, theta (radians), coordinates"
                : f == "riemann" ? "density and pressure left, right, coordinate"
                                 : "A_e, back pressure, coordinate"},
          {"y", "density, velocity, pressure"},
          {"resolution", std::to_string(options_.resolution)}};
}

std::vector<double> ExactFlow::parameters(std::uint64_t seed, std::uint64_t index) const {
  const Random random = sample_random(seed, index);
  const auto between = [&](std::uint64_t k, double low, double high) {
    return low + (high - low) * random.uniform(k);
  };
  if (options_.flow == "wedge") return {between(0, 2.5, 4), between(1, 5, 20) * degree};
  if (options_.flow == "riemann")
    return {between(0, 0.75, 1.25), between(1, 0.75, 1.25), between(2, 0.1, 0.4),
            between(3, 0.1, 0.4)};
  const double area = between(0, 1.5, 2.5);
  const auto [low, high] = euler::shock_back_pressures(area, gas);
  return {area, between(1, low + 0.05 * (high - low), high - 0.05 * (high - low))};
}

std::vector<double> ExactFlow::value(const std::vector<double>& p,
                                     const std::vector<double>& x) const {
  if (options_.flow == "wedge") {
    const euler::Primitive stream{1.4, p[0], 0, 1};
    const double beta = euler::shock_angle(p[0], p[1], gas);
    const euler::Primitive w =
        x[1] < x[0] * std::tan(beta) ? euler::behind_shock(stream, beta, gas) : stream;
    return {w.rho, w.u, w.v, w.p};
  }
  if (options_.flow == "riemann") {
    const euler::Primitive w =
        euler::ExactRiemann({p[0], 0, 0, p[1]}, {p[2], 0, 0, p[3]}, gas).at(x[0] / until);
    return {w.rho, w.u, w.p};
  }
  const euler::ShockedNozzle nozzle(p[0], p[1], gas);
  const euler::Primitive w = nozzle.at(1 + (p[0] - 1) * x[0] * x[0], {1.4, 0, 0, 1});
  return {w.rho, w.u, w.p};
}

void ExactFlow::make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                            const Tensor<double>& y) {
  const std::vector<double> p = parameters(seed, index);
  const auto s = equally_spaced(0, 1, options_.resolution);
  std::vector<double> points, output;
  const auto add = [&](const std::vector<double>& at) {
    points.insert(points.end(), at.begin(), at.end());
    const std::vector<double> w = value(p, at);
    output.insert(output.end(), w.begin(), w.end());
  };
  const std::int64_t d = dimension(options_.flow);
  for (const double t : s) {
    if (options_.flow == "riemann") add({t - 0.5});
    if (options_.flow == "nozzle_shock") add({t});
    if (options_.flow != "wedge") continue;
    for (const double along : s) {
      const double wall = along * std::tan(p[1]);
      add({along, wall + t * (1 - wall)});
    }
  }
  const auto count = static_cast<std::int64_t>(points.size()) / d;
  detail::put_parameters_and_points(p, Tensor<double>::from_host({count, d}, points), x);
  y.copy_from_host(output.data());
}

template <class T>
FunctionData<T> ExactFlow::as_functions(const Dataset<T>& samples) const {
  return detail::functions_on_own_points(samples, parameter_count(options_.flow));
}

template FunctionData<float> ExactFlow::as_functions(const Dataset<float>&) const;
template FunctionData<double> ExactFlow::as_functions(const Dataset<double>&) const;

}  // namespace nopal
