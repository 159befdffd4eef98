// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <nopal/solvers/problems/forced_ode.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

using detail::check_positive;
using detail::text;

// Even, so that Runge-Kutta steps of two intervals end at the sensors.
constexpr std::int64_t intervals_between_sensors = 10;

const char* kind_name(ForcedOdeKind kind) {
  switch (kind) {
    case ForcedOdeKind::antiderivative:
      return "antiderivative";
    case ForcedOdeKind::nonlinear_ode:
      return "nonlinear_ode";
    default:
      return "pendulum";
  }
}

ForcedOdeOptions checked(const ForcedOdeOptions& o) {
  const std::string prefix = std::string(kind_name(o.kind)) + "_";
  NOPAL_CHECK(o.sensors >= 2, "option -", prefix, "sensors: expected at least 2, got ", o.sensors);
  check_positive(prefix + "time", o.time);
  check_positive(prefix + "length", o.length);
  NOPAL_CHECK(std::isfinite(o.k), "option -", prefix, "k: expected a finite number, got ", o.k);
  return o;
}

}  // namespace

ForcedOdeOptions ForcedOdeOptions::read(ForcedOdeKind kind, const Communicator& comm,
                                        const std::string& prefix) {
  ForcedOdeOptions o;
  o.kind = kind;
  read_options(comm, prefix + kind_name(kind) + "_", "Forced ordinary differential equation",
               [&](PetscOptionReader& reader) {
                 reader.integer("sensors", "equally spaced times of u and s", o.sensors);
                 reader.real("time", "end T", o.time);
                 reader.real("length", "correlation length of the random u", o.length);
                 if (kind == ForcedOdeKind::pendulum)
                   reader.real("k", "gravity over the pendulum's length", o.k);
               });
  return o;
}

ForcedOde::ForcedOde(const ForcedOdeOptions& options, const Communicator& comm)
    : Problem(comm),
      options_(checked(options)),
      stride_(intervals_between_sensors),
      process_(stride_ * (options.sensors - 1), 0, options.time, options.length) {}

std::string ForcedOde::name() const {
  return kind_name(options_.kind);
}

std::map<std::string, std::string> ForcedOde::metadata() const {
  const char* const equations[] = {"s' = u", "s' = -s^2 + u", "s1' = s2, s2' = -k sin(s1) + u"};
  return {{"equation", equations[static_cast<int>(options_.kind)]},
          {"initial", "s(0) = 0"},
          {"x", "u, Gaussian process, at the sensors"},
          {"y", "s at the sensors"},
          {"time", text(options_.time)},
          {"length", text(options_.length)},
          {"k", text(options_.k)}};
}

void ForcedOde::right_hand_side(const double* s, double u, double* ds) const {
  switch (options_.kind) {
    case ForcedOdeKind::antiderivative:
      ds[0] = u;
      return;
    case ForcedOdeKind::nonlinear_ode:
      ds[0] = u - s[0] * s[0];
      return;
    case ForcedOdeKind::pendulum:
      ds[0] = s[1];
      ds[1] = u - options_.k * std::sin(s[0]);
      return;
  }
}

std::vector<double> ForcedOde::solve(std::span<const double> u, double time) const {
  const std::size_t c = static_cast<std::size_t>(variables()), steps = (u.size() - 1) / 2;
  NOPAL_CHECK(u.size() >= 3 && u.size() % 2 == 1,
              "forced ODE: expected u at an odd number of times, at least 3, got ", u.size());
  const double h = time / static_cast<double>(steps);
  std::vector<double> solution((steps + 1) * c, 0.0);
  double k1[2], k2[2], k3[2], k4[2], s[2];
  for (std::size_t n = 0; n < steps; ++n) {
    const double* const now = &solution[n * c];
    right_hand_side(now, u[2 * n], k1);
    for (std::size_t i = 0; i < c; ++i)
      s[i] = now[i] + h / 2 * k1[i];
    right_hand_side(s, u[2 * n + 1], k2);
    for (std::size_t i = 0; i < c; ++i)
      s[i] = now[i] + h / 2 * k2[i];
    right_hand_side(s, u[2 * n + 1], k3);
    for (std::size_t i = 0; i < c; ++i)
      s[i] = now[i] + h * k3[i];
    right_hand_side(s, u[2 * n + 2], k4);
    for (std::size_t i = 0; i < c; ++i)
      solution[(n + 1) * c + i] = now[i] + h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
  }
  return solution;
}

// Cubic Hermite interpolation, with the slopes that the equation gives.
void ForcedOde::interpolate(const std::vector<double>& solution, std::span<const double> u,
                            double t, double* s) const {
  const std::size_t c = static_cast<std::size_t>(variables()), steps = solution.size() / c - 1;
  const double h = options_.time / static_cast<double>(steps);
  const std::size_t n = std::min(static_cast<std::size_t>(t / h), steps - 1);
  const double x = t / h - static_cast<double>(n);
  double left[2], right[2];
  right_hand_side(&solution[n * c], u[2 * n], left);
  right_hand_side(&solution[(n + 1) * c], u[2 * n + 2], right);
  for (std::size_t i = 0; i < c; ++i)
    s[i] = (1 + 2 * x) * (1 - x) * (1 - x) * solution[n * c + i] +
           x * (1 - x) * (1 - x) * h * left[i] + x * x * (3 - 2 * x) * solution[(n + 1) * c + i] -
           x * x * (1 - x) * h * right[i];
}

void ForcedOde::make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                            const Tensor<double>& y) {
  std::vector<double> u(static_cast<std::size_t>(stride_ * (options_.sensors - 1) + 1));
  process_.sample(seed, index, u);
  const std::vector<double> solution = solve(u, options_.time);
  std::vector<double> at_sensors, values;
  const auto c = static_cast<std::size_t>(variables());
  for (std::size_t i = 0; i < u.size(); i += static_cast<std::size_t>(stride_)) {
    at_sensors.push_back(u[i]);
    for (std::size_t v = 0; v < c; ++v)
      values.push_back(solution[i / 2 * c + v]);
  }
  x.copy_from_host(at_sensors.data());
  y.copy_from_host(values.data());
}

template <class T>
FunctionData<T> ForcedOde::point_data(std::uint64_t seed, std::int64_t first, std::int64_t samples,
                                      std::int64_t points) const {
  NOPAL_CHECK(first >= 0 && samples >= 1 && points >= 1, name(),
              ": expected a first sample of at least 0, and at least 1 sample and point, ", "got ",
              first, ", ", samples, ", ", points);
  const auto m = static_cast<std::size_t>(options_.sensors),
             c = static_cast<std::size_t>(variables());
  const auto n = static_cast<std::size_t>(samples), p = static_cast<std::size_t>(points);
  std::vector<T> functions(n * m), times(n * p), values(n * p * c);
  std::vector<double> u(static_cast<std::size_t>(stride_ * (options_.sensors - 1) + 1));
  const Slab mine = slab(samples, communicator().rank(), communicator().size());
  for (std::int64_t sample = mine.first; sample < mine.first + mine.count; ++sample) {
    const auto i = static_cast<std::size_t>(sample);
    const auto index = static_cast<std::uint64_t>(first + sample);
    process_.sample(seed, index, u);
    const std::vector<double> solution = solve(u, options_.time);
    for (std::size_t j = 0; j < m; ++j)
      functions[i * m + j] = static_cast<T>(u[j * static_cast<std::size_t>(stride_)]);
    const Random random = sample_random(seed, index);
    for (std::size_t j = 0; j < p; ++j) {
      double s[2];
      // Rounded first, so that the value belongs to the time that the network sees.
      const T t = static_cast<T>(options_.time * random.uniform(j));
      interpolate(solution, u, static_cast<double>(t), s);
      times[i * p + j] = t;
      for (std::size_t v = 0; v < c; ++v)
        values[(i * p + j) * c + v] = static_cast<T>(s[v]);
    }
  }
  FunctionData<T> data;
  data.functions = {Tensor<T>::from_host({samples, options_.sensors}, functions)};
  data.points = Tensor<T>::from_host({samples * points, 1}, times);
  data.values = Tensor<T>::from_host({samples * points, variables()}, values);
  for (std::int64_t i = 0; i <= samples; ++i)
    data.offsets.push_back(i * points);
  for (const Tensor<T>& part : {data.functions[0], data.points, data.values})
    communicator().sum(part);
  return data;
}

template FunctionData<float> ForcedOde::point_data<float>(std::uint64_t, std::int64_t, std::int64_t,
                                                          std::int64_t) const;
template FunctionData<double> ForcedOde::point_data<double>(std::uint64_t, std::int64_t,
                                                            std::int64_t, std::int64_t) const;

}  // namespace nopal
