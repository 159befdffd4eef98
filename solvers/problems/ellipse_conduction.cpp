// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/problems/ellipse_conduction.hpp>

#include "problems/problem_tools.hpp"

#include <cmath>
#include <complex>
#include <numbers>

namespace nopal {
namespace {

using detail::text;
using std::numbers::pi;
using Complex = std::complex<double>;

constexpr double source = 0.5, slope = 0.25;

EllipseConductionOptions checked(const EllipseConductionOptions& o) {
  NOPAL_CHECK(o.around >= 8 && o.away >= 4, "options -ellipse_conduction_around and ",
              "-ellipse_conduction_away: expected at least 8 and 4, got ", o.around, " and ",
              o.away);
  NOPAL_CHECK(o.outer > 1 && std::isfinite(o.outer), "option -ellipse_conduction_outer: expected ",
              "more than 1, the ellipse, got ", o.outer);
  return o;
}

}  // namespace

EllipseConductionOptions EllipseConductionOptions::read(const Communicator& comm,
                                                        const std::string& prefix) {
  EllipseConductionOptions o;
  read_options(comm, prefix + "ellipse_conduction_", "Heat conduction around ellipses",
               [&](PetscOptionReader& reader) {
                 reader.integer("around", "points along the ellipse", o.around);
                 reader.integer("away", "points away from it", o.away);
                 reader.real("outer", "|zeta| of the outermost points", o.outer);
               });
  return o;
}

EllipseConduction::EllipseConduction(const EllipseConductionOptions& options,
                                     const Communicator& comm)
    : Problem(comm), options_(checked(options)) {}

Shape EllipseConduction::x_shape() const {
  return {options_.around, options_.away, 5};
}

Shape EllipseConduction::y_shape() const {
  return {options_.around, options_.away, 1};
}

std::map<std::string, std::string> EllipseConduction::metadata() const {
  return {{"equation", "Lap T = 0 around an ellipse at T = 1, exact solution"},
          {"domain", "outside x^2 / a^2 + y^2 / b^2 = 1, |zeta| up to " + text(options_.outer)},
          {"x", "a, b, alpha, coordinates"},
          {"y", "T"},
          {"source", text(source)},
          {"slope", text(slope)}};
}

EllipseConduction::Design EllipseConduction::design(std::uint64_t index) {
  const std::vector<double> s = detail::halton(index, 3);
  return {0.5 + 0.5 * s[0], 0.2 + 0.4 * s[1], 0.5 * pi * s[2]};
}

EllipseConduction::Place EllipseConduction::place(const Design& design, double rho, double theta) {
  const auto [a, b, alpha] = design;
  const double mean = 0.5 * (a + b), difference = 0.5 * (a - b);
  const Complex zeta = std::polar(rho, theta), towards = std::polar(slope * mean, alpha);
  const Complex z = mean * zeta + difference / zeta;
  const Complex f = 1.0 - source * std::log(zeta) + std::conj(towards) * zeta - towards / zeta;
  const Complex rate = (-source / zeta + std::conj(towards) + towards / (zeta * zeta)) /
                       (mean - difference / (zeta * zeta));
  return {{z.real(), z.imag()}, {rate.real(), -rate.imag()}, f.real()};
}

EllipseConduction::Surface EllipseConduction::surface(const Design& design, std::int64_t count) {
  NOPAL_CHECK(count >= 1, "ellipse_conduction: expected at least 1 point, got ", count);
  const auto [a, b, alpha] = design;
  std::vector<double> points, gradients, normals, lengths;
  for (std::int64_t k = 0; k < count; ++k) {
    const double theta = 2 * pi * (static_cast<double>(k) + 0.5) / static_cast<double>(count);
    const Place p = place(design, 1, theta);
    const double tx = -a * std::sin(theta), ty = b * std::cos(theta), speed = std::hypot(tx, ty);
    points.insert(points.end(), p.at.begin(), p.at.end());
    gradients.insert(gradients.end(), p.gradient.begin(), p.gradient.end());
    normals.insert(normals.end(), {ty / speed, -tx / speed});
    lengths.push_back(2 * pi / static_cast<double>(count) * speed);
  }
  return {Tensor<double>::from_host({count, 2}, points),
          Tensor<double>::from_host({count, 2}, gradients),
          Tensor<double>::from_host({count, 2}, normals),
          Tensor<double>::from_host({count}, lengths)};
}

std::vector<EllipseConduction::Place> EllipseConduction::places(const Design& design) const {
  const double step = std::log(options_.outer) / static_cast<double>(options_.away - 1);
  std::vector<Place> all;
  for (std::int64_t i = 0; i < options_.around; ++i)
    for (std::int64_t j = 0; j < options_.away; ++j)
      all.push_back(place(design, std::exp(step * static_cast<double>(j)),
                          2 * pi * static_cast<double>(i) / static_cast<double>(options_.around)));
  return all;
}

template <class T>
Tensor<T> EllipseConduction::gradients(const std::vector<std::int64_t>& wanted) const {
  std::vector<T> numbers;
  for (const std::int64_t index : wanted)
    for (const Place& p : places(design(static_cast<std::uint64_t>(index))))
      for (const double g : p.gradient)
        numbers.push_back(static_cast<T>(g));
  return Tensor<T>::from_host({static_cast<std::int64_t>(numbers.size()) / 2, 2, 1}, numbers);
}

void EllipseConduction::make_sample(std::uint64_t, std::uint64_t index, const Tensor<double>& x,
                                    const Tensor<double>& y) {
  NOPAL_CHECK(index < designs, "ellipse_conduction has the samples 0 to ", designs - 1, ", got ",
              index);
  const Design shape = design(index);
  std::vector<double> input, output;
  for (const Place& p : places(shape)) {
    input.insert(input.end(), {shape[0], shape[1], shape[2], p.at[0], p.at[1]});
    output.push_back(p.temperature);
  }
  x.copy_from_host(input.data());
  y.copy_from_host(output.data());
}

template <class T>
FunctionData<T> EllipseConduction::as_functions(const Dataset<T>& samples) const {
  return detail::functions_on_own_points(samples, 3);
}

template FunctionData<float> EllipseConduction::as_functions(const Dataset<float>&) const;
template FunctionData<double> EllipseConduction::as_functions(const Dataset<double>&) const;
template Tensor<float> EllipseConduction::gradients(const std::vector<std::int64_t>&) const;
template Tensor<double> EllipseConduction::gradients(const std::vector<std::int64_t>&) const;

}  // namespace nopal
