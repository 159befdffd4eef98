// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <nopal/solvers/problems/darcy_notch.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

using detail::check_positive;
using detail::text;

const double height = std::sqrt(3.0) / 2;

DarcyNotchOptions checked(const DarcyNotchOptions& o) {
  NOPAL_CHECK(o.sensors >= 2 && o.resolution >= 2, "options -darcy_notch_sensors and ",
              "-darcy_notch_resolution: expected at least 2, got ", o.sensors, " and ",
              o.resolution);
  NOPAL_CHECK(o.h > 1e-4 && o.h <= 0.2, "option -darcy_notch_h: expected 0.0001 to 0.2, got ", o.h);
  check_positive("darcy_notch_length", o.length);
  return o;
}

// Of equally spaced values on [0, 1].
double linear(const double* values, std::int64_t n, double x) {
  const double s = std::clamp(x, 0.0, 1.0) * static_cast<double>(n - 1);
  const auto i = std::min(static_cast<std::int64_t>(s), n - 2);
  return values[i] + (s - static_cast<double>(i)) * (values[i + 1] - values[i]);
}

}  // namespace

DarcyNotchOptions DarcyNotchOptions::read(const Communicator& comm, const std::string& prefix) {
  DarcyNotchOptions o;
  read_options(comm, prefix + "darcy_notch_", "Darcy flow around a notch",
               [&](PetscOptionReader& reader) {
                 reader.integer("sensors", "points of the boundary values", o.sensors);
                 reader.real("h", "length of the mesh's edges", o.h);
                 reader.integer("resolution", "points an axis of the fields", o.resolution);
                 reader.real("length", "correlation length of the boundary values", o.length);
               });
  return o;
}

DarcyNotch::DarcyNotch(const DarcyNotchOptions& options, const Communicator& comm)
    : Problem(comm),
      options_(checked(options)),
      process_(options.sensors - 1, 0, 1, options.length),
      mesh_(make_mesh(triangle_with_notch(), options.h)),
      domain_(triangle_with_notch()),
      interpolation_(mesh_),
      fem_(std::make_unique<DiffusionFem>(mesh_, comm, "darcy_notch_")) {}

std::map<std::string, std::string> DarcyNotch::metadata() const {
  return {{"equation", "-Lap u = 10 in a triangle, u = g(x) on its sides, u = 0 on a notch"},
          {"x", "g(x), mask"},
          {"y", "u"},
          {"domain", "[0, 1] x [0, " + text(height) + "]"},
          {"h", text(options_.h)},
          {"length", text(options_.length)}};
}

void DarcyNotch::solve(std::uint64_t seed, std::uint64_t index, std::vector<double>& g,
                       std::vector<double>& u) {
  g.resize(static_cast<std::size_t>(options_.sensors));
  process_.sample(seed, index, g);
  detail::for_sample(seed, index, [&] {
    u = fem_->solve(
        [](std::span<const double>) { return 1.0; }, [](std::span<const double>) { return 10.0; },
        [&](std::span<const double> x, bool on_boundary) -> std::optional<double> {
          if (!on_boundary) return {};
          const bool notch = x[0] > 0.4899 && x[0] < 0.5101 && x[1] > 0 && x[1] < 0.4001;
          return notch ? 0 : linear(g.data(), options_.sensors, x[0]);
        });
  });
}

void DarcyNotch::to_fields(const double* g, const double* u, std::vector<double>& x,
                           std::vector<double>& y) const {
  const std::int64_t n = options_.resolution;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const double px = static_cast<double>(i) / static_cast<double>(n - 1),
                   py = height * static_cast<double>(j) / static_cast<double>(n - 1);
      const bool inside = domain_.contains(px, py);
      x.push_back(linear(g, options_.sensors, px));
      x.push_back(inside);
      double value = 0;
      if (inside) {
        const auto place = interpolation_.find(px, py);
        for (std::size_t k = 0; k < 3; ++k)
          value += place.weights[k] * u[place.corners[k]];
      }
      y.push_back(value);
    }
}

void DarcyNotch::make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                             const Tensor<double>& y) {
  std::vector<double> g, u, input, output;
  solve(seed, index, g, u);
  to_fields(g.data(), u.data(), input, output);
  x.copy_from_host(input.data());
  y.copy_from_host(output.data());
}

template <class T>
FunctionData<T> DarcyNotch::point_data(std::uint64_t seed, std::int64_t first, std::int64_t samples,
                                       const Communicator& comm) {
  NOPAL_CHECK(samples >= 1 && first >= 0, "darcy_notch: expected at least 1 sample, got ", samples,
              " from ", first, " on");
  NOPAL_CHECK(communicator().size() == 1, "darcy_notch: data at points need a problem on one rank");
  const std::int64_t points = mesh_.point_count(), m = options_.sensors;
  FunctionData<T> data;
  data.points = cast<T>(Tensor<double>::from_host({points, 2}, mesh_.points));
  data.functions = {Tensor<T>::zeros({samples, m})};
  data.values = Tensor<T>::zeros({samples, points, 1});
  const Slab mine = slab(samples, comm.rank(), comm.size());
  comm.together([&] {
    std::vector<double> g, u;
    for (std::int64_t i = mine.first; i < mine.first + mine.count; ++i) {
      solve(seed, static_cast<std::uint64_t>(first + i), g, u);
      data.functions[0].slice(i, 1).copy_from(cast<T>(Tensor<double>::from_host({1, m}, g)));
      data.values.slice(i, 1).copy_from(cast<T>(Tensor<double>::from_host({1, points, 1}, u)));
    }
  });
  comm.sum(data.functions[0]);
  comm.sum(data.values);
  return data;
}

template <class T>
std::pair<Tensor<T>, Tensor<T>> DarcyNotch::as_fields(const FunctionData<T>& data) const {
  const std::int64_t n = options_.resolution, points = mesh_.point_count();
  NOPAL_CHECK(data.shared() && data.values.shape() == (Shape{data.size(), points, 1}),
              "darcy_notch: values of shape ", data.values.shape(), " are not those of ", points,
              " points of the mesh");
  const std::vector<double> g = cast<double>(data.functions[0]).to_vector(),
                            u = cast<double>(data.values).to_vector();
  std::vector<double> x, y;
  for (std::int64_t i = 0; i < data.size(); ++i)
    to_fields(&g[static_cast<std::size_t>(i * options_.sensors)],
              &u[static_cast<std::size_t>(i * points)], x, y);
  return {cast<T>(Tensor<double>::from_host({data.size(), n, n, 2}, x)),
          cast<T>(Tensor<double>::from_host({data.size(), n, n, 1}, y))};
}

template <class T>
Tensor<T> DarcyNotch::at_mesh(const Tensor<T>& fields) const {
  const std::int64_t n = options_.resolution, samples = fields.extent(0);
  NOPAL_CHECK(fields.shape() == (Shape{samples, n, n, 1}), "darcy_notch: expected fields (N, ", n,
              ", ", n, ", 1), got ", fields.shape());
  const std::vector<T> values = fields.to_vector();
  std::vector<T> result;
  for (std::int64_t b = 0; b < samples; ++b)
    for (std::size_t p = 0; p < mesh_.points.size(); p += 2) {
      const double s = mesh_.points[p] * static_cast<double>(n - 1),
                   t = mesh_.points[p + 1] / height * static_cast<double>(n - 1);
      const auto i = std::clamp<std::int64_t>(static_cast<std::int64_t>(s), 0, n - 2),
                 j = std::clamp<std::int64_t>(static_cast<std::int64_t>(t), 0, n - 2);
      // Corners outside the domain do not count.
      double sum = 0, weight = 0;
      for (std::int64_t a = 0; a < 2; ++a)
        for (std::int64_t c = 0; c < 2; ++c) {
          const double px = static_cast<double>(i + a) / static_cast<double>(n - 1),
                       py = height * static_cast<double>(j + c) / static_cast<double>(n - 1);
          if (!domain_.contains(px, py)) continue;
          const double fx = s - static_cast<double>(i), fy = t - static_cast<double>(j);
          const double w = (a ? fx : 1 - fx) * (c ? fy : 1 - fy) + 1e-9;
          weight += w;
          sum += w *
                 static_cast<double>(values[static_cast<std::size_t>((b * n + i + a) * n + j + c)]);
        }
      result.push_back(static_cast<T>(weight > 0 ? sum / weight : 0));
    }
  return Tensor<T>::from_host({samples, mesh_.point_count(), 1}, result);
}

#define NOPAL_INSTANTIATE(T)                                                                       \
  template FunctionData<T> DarcyNotch::point_data<T>(std::uint64_t, std::int64_t, std::int64_t,    \
                                                     const Communicator&);                         \
  template std::pair<Tensor<T>, Tensor<T>> DarcyNotch::as_fields<T>(const FunctionData<T>&) const; \
  template Tensor<T> DarcyNotch::at_mesh<T>(const Tensor<T>&) const;
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
