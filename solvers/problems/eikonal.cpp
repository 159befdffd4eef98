// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <nopal/solvers/problems/eikonal.hpp>

#include <cmath>
#include <numbers>

namespace nopal {
namespace {

struct Circle {
  double x, y, radius;

  Circle(std::uint64_t seed, std::uint64_t index) {
    const Random random = sample_random(seed, index);
    x = 0.6 * random.uniform(0) - 0.3;
    y = 0.6 * random.uniform(1) - 0.3;
    radius = 0.2 + 0.4 * random.uniform(2);
  }
  double distance(double px, double py) const { return std::hypot(px - x, py - y) - radius; }
};

}  // namespace

EikonalOptions EikonalOptions::read(const Communicator& comm, const std::string& prefix) {
  EikonalOptions o;
  read_options(comm, prefix + "eikonal_", "Distance to circles", [&](PetscOptionReader& reader) {
    reader.integer("sensors", "points of the circle", o.sensors);
    reader.integer("resolution", "points an axis of the fields", o.resolution);
  });
  return o;
}

Eikonal::Eikonal(const EikonalOptions& options, const Communicator& comm)
    : Problem(comm), options_(options) {
  NOPAL_CHECK(options.sensors >= 3 && options.resolution >= 2,
              "options -eikonal_sensors and -eikonal_resolution: expected at least 3 and 2, got ",
              options.sensors, " and ", options.resolution);
}

std::map<std::string, std::string> Eikonal::metadata() const {
  return {{"equation", "|grad s| = 1, s = 0 on a circle"},
          {"x", "1 inside the circle, 0 outside"},
          {"y", "s"},
          {"domain", "[-1, 1] x [-1, 1]"}};
}

void Eikonal::make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                          const Tensor<double>& y) {
  const Circle circle(seed, index);
  const std::vector<double> axis = equally_spaced(-1, 1, options_.resolution);
  std::vector<double> inside, s;
  for (const double px : axis)
    for (const double py : axis) {
      s.push_back(circle.distance(px, py));
      inside.push_back(s.back() < 0);
    }
  x.copy_from_host(inside.data());
  y.copy_from_host(s.data());
}

template <class T>
FunctionData<T> Eikonal::point_data(std::uint64_t seed, std::int64_t first, std::int64_t samples,
                                    std::int64_t points) const {
  NOPAL_CHECK(samples >= 1 && first >= 0 && points >= 1,
              "eikonal: expected at least 1 sample and 1 point, got ", samples, " and ", points);
  std::vector<double> functions, at, values;
  FunctionData<T> data;
  data.offsets = {0};
  for (std::int64_t i = first; i < first + samples; ++i) {
    const Circle circle(seed, static_cast<std::uint64_t>(i));
    for (std::int64_t k = 0; k < options_.sensors; ++k) {
      const double angle =
          2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(options_.sensors);
      functions.push_back(circle.x + circle.radius * std::cos(angle));
      functions.push_back(circle.y + circle.radius * std::sin(angle));
    }
    const Random random = sample_random(seed, static_cast<std::uint64_t>(i));
    for (std::int64_t p = 0; p < points; ++p) {
      const auto k = static_cast<std::uint64_t>(p);
      at.push_back(2 * random.uniform(10 + 2 * k) - 1);
      at.push_back(2 * random.uniform(11 + 2 * k) - 1);
      values.push_back(circle.distance(at[at.size() - 2], at.back()));
    }
    data.offsets.push_back(static_cast<std::int64_t>(values.size()));
  }
  const auto rows = static_cast<std::int64_t>(values.size());
  data.functions = {cast<T>(Tensor<double>::from_host({samples, 2 * options_.sensors}, functions))};
  data.points = cast<T>(Tensor<double>::from_host({rows, 2}, at));
  data.values = cast<T>(Tensor<double>::from_host({rows, 1}, values));
  return data;
}

template FunctionData<float> Eikonal::point_data<float>(std::uint64_t, std::int64_t, std::int64_t,
                                                        std::int64_t) const;
template FunctionData<double> Eikonal::point_data<double>(std::uint64_t, std::int64_t, std::int64_t,
                                                          std::int64_t) const;

}  // namespace nopal
