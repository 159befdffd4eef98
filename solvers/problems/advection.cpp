// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <nopal/solvers/problems/advection.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

using detail::text;

AdvectionOptions checked(const AdvectionOptions& o) {
  NOPAL_CHECK(o.kind >= 1 && o.kind <= 3, "option -advection_kind: expected 1, 2 or 3, got ",
              o.kind);
  NOPAL_CHECK(o.resolution >= 2, "option -advection_resolution: expected at least 2, got ",
              o.resolution);
  NOPAL_CHECK(o.frames >= 2, "option -advection_frames: expected at least 2, got ", o.frames);
  NOPAL_CHECK(std::isfinite(o.time), "option -advection_time: expected a finite number, got ",
              o.time);
  NOPAL_CHECK(o.noise >= 0 && std::isfinite(o.noise),
              "option -advection_noise: expected at least 0, got ", o.noise);
  return o;
}

// Numbers of the noise come after those of the wave.
constexpr std::uint64_t first_noise = 64;

}  // namespace

AdvectionOptions AdvectionOptions::read(const Communicator& comm, const std::string& prefix) {
  AdvectionOptions o;
  read_options(comm, prefix + "advection_", "Advection problem", [&](PetscOptionReader& reader) {
    reader.integer("kind", "1: square wave at one time, 2: at all times, 3: square and hat",
                   o.kind);
    reader.integer("resolution", "points of the circle", o.resolution);
    reader.integer("frames", "kinds 2, 3: times in [0, 1]", o.frames);
    reader.real("time", "kind 1: time of the output", o.time);
    reader.real("noise", "noise in the input over its root mean square", o.noise);
  });
  return o;
}

Advection::Advection(const AdvectionOptions& options, const Communicator& comm)
    : Problem(comm), options_(checked(options)) {}

Shape Advection::x_shape() const {
  return options_.kind == 1 ? Shape{options_.resolution, 1}
                            : Shape{options_.resolution, options_.frames, 1};
}

std::map<std::string, std::string> Advection::metadata() const {
  return {{"equation", "u_t + u_x = 0, periodic on [0, 1)"},
          {"x", "u(x, 0)"},
          {"y", options_.kind == 1 ? "u(x, " + text(options_.time) + ")"
                                   : std::string("u(x, t), second axis t in [0, 1]")},
          {"kind", text(options_.kind)},
          {"noise", text(options_.noise)}};
}

void Advection::make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                            const Tensor<double>& y) {
  const Random random = sample_random(seed, index);
  std::uint64_t drawn = 0;
  const auto uniform = [&](double low, double high) {
    return low + (high - low) * random.uniform(drawn++);
  };
  const bool hat = options_.kind == 3;
  const double height = hat ? uniform(0.5, 2) : uniform(1, 2);
  const double width = hat ? uniform(0.1, 0.2) : uniform(0.3, 0.6);
  const double centre = hat ? uniform(0.2, 0.3) : uniform(0.3, 0.7);
  const double hat_height = uniform(0.5, 2), a = uniform(5, 10), hat_centre = uniform(0.7, 0.8);
  const auto initial = [&](double z) {
    z -= std::floor(z);
    double u = std::abs(z - centre) <= width / 2 ? height : 0;
    if (hat) u += hat_height * std::sqrt(std::max(1 - std::pow(a * (z - hat_centre), 2), 0.0));
    return u;
  };
  const std::int64_t n = options_.resolution,
                     frames = hat || options_.kind == 2 ? options_.frames : 1;
  std::vector<double> before, after;
  double squares = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double z = static_cast<double>(i) / static_cast<double>(n);
    squares += std::pow(initial(z), 2) / static_cast<double>(n);
    for (std::int64_t j = 0; j < frames; ++j) {
      const double t =
          frames > 1 ? static_cast<double>(j) / static_cast<double>(frames - 1) : options_.time;
      before.push_back(initial(z));
      after.push_back(initial(z - t));
    }
  }
  if (options_.noise > 0)
    for (std::size_t k = 0; k < before.size(); ++k)
      before[k] += options_.noise * std::sqrt(squares) *
                   random.normal(first_noise + k / static_cast<std::size_t>(frames));
  x.copy_from_host(before.data());
  y.copy_from_host(after.data());
}

}  // namespace nopal
