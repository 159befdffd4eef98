// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <nopal/solvers/problems/heated_plate.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

using detail::check_positive;
using detail::text;

HeatedPlateOptions checked(const HeatedPlateOptions& o) {
  for (const auto& [name, value] : {std::pair{"width", o.width},
                                    {"height", o.height},
                                    {"thickness", o.thickness},
                                    {"radius", o.radius},
                                    {"h", o.h}})
    check_positive(std::string("heated_plate_") + name, value);
  NOPAL_CHECK(o.layers >= 1 && o.resolution >= 4, "options -heated_plate_layers and ",
              "-heated_plate_resolution: expected at least 1 and 4, got ", o.layers, " and ",
              o.resolution);
  // The most holes, lowest and highest.
  plate_with_holes(o.width, o.height, 9, 0.9, o.radius);
  plate_with_holes(o.width, o.height, 9, 1.6, o.radius);
  return o;
}

}  // namespace

HeatedPlateOptions HeatedPlateOptions::read(const Communicator& comm, const std::string& prefix) {
  HeatedPlateOptions o;
  read_options(comm, prefix + "heated_plate_", "Heated plate with holes",
               [&](PetscOptionReader& reader) {
                 reader.real("width", "of the plate", o.width);
                 reader.real("height", "of the plate", o.height);
                 reader.real("thickness", "of the plate", o.thickness);
                 reader.real("radius", "of the holes", o.radius);
                 reader.real("h", "length of the mesh's edges in the plane", o.h);
                 reader.integer("layers", "of the mesh", o.layers);
                 reader.integer("resolution", "points of the grid along the width", o.resolution);
               });
  return o;
}

HeatedPlate::HeatedPlate(const HeatedPlateOptions& options, const Communicator& comm)
    : Problem(comm), options_(checked(options)) {}

std::vector<double> HeatedPlate::axis(int a) const {
  const double lengths[3]{options_.width, options_.height, options_.thickness};
  const double spacing = options_.width / static_cast<double>(options_.resolution - 1);
  const auto n = std::max<std::int64_t>(
      a == 2 ? 5 : 4, static_cast<std::int64_t>(std::lround(lengths[a] / spacing)) + 1);
  return equally_spaced(0, lengths[a], n);
}

Shape HeatedPlate::x_shape() const {
  return y_shape().with(-1, 3);
}

Shape HeatedPlate::y_shape() const {
  Shape shape;
  for (int a = 0; a < 3; ++a)
    shape.push_back(static_cast<std::int64_t>(axis(a).size()));
  shape.push_back(1);
  return shape;
}

std::map<std::string, std::string> HeatedPlate::metadata() const {
  return {{"equation", "Lap T = 0, T = 1 on z = 0, T = 0 on the walls of the holes, else no flux"},
          {"x", "holes / 10, height of their centres / 2, mask"},
          {"y", "T"},
          {"domain", "[0, " + text(options_.width) + "] x [0, " + text(options_.height) +
                         "] x [0, " + text(options_.thickness) + "]"},
          {"radius", text(options_.radius)},
          {"h", text(options_.h)},
          {"layers", std::to_string(options_.layers)}};
}

void HeatedPlate::make_sample(std::uint64_t, std::uint64_t index, const Tensor<double>& x,
                              const Tensor<double>& y) {
  NOPAL_CHECK(index < designs, "heated_plate has the samples 0 to ", designs - 1, ", got ", index);
  const HeatedPlateOptions& o = options_;
  const std::int64_t count = holes(index);
  const double centre = position(index);
  const PlanarDomain domain = plate_with_holes(o.width, o.height, count, centre, o.radius);
  const SimplexMesh plane = make_mesh(domain, o.h);
  const std::int64_t layer = plane.point_count();
  std::vector<double> u;
  detail::for_sample(0, index, [&] {
    DiffusionFem fem(extrude(plane, o.thickness, o.layers), communicator(), "heated_plate_");
    u = fem.solve(
        [](std::span<const double>) { return 1.0; }, [](std::span<const double>) { return 0.0; },
        [&](std::span<const double> p, bool on_boundary) -> std::optional<double> {
          if (!on_boundary) return {};
          for (std::int64_t k = 0; k < count; ++k) {
            const double cx = o.width * (static_cast<double>(k) + 0.5) / static_cast<double>(count);
            if (std::hypot(p[0] - cx, p[1] - centre) < 1.0001 * o.radius) return 0;
          }
          if (p[2] == 0) return 1;
          return {};
        });
  });
  const TriangleInterpolation interpolation(plane);
  const auto xs = axis(0), ys = axis(1), zs = axis(2);
  std::vector<double> input, output;
  for (const double px : xs)
    for (const double py : ys) {
      const bool inside = domain.contains(px, py);
      const auto place = interpolation.find(px, py);
      for (const double pz : zs) {
        const double s = pz / o.thickness * static_cast<double>(o.layers);
        const auto l = std::min(static_cast<std::int64_t>(s), o.layers - 1);
        const double f = s - static_cast<double>(l);
        double value = 0;
        for (std::size_t k = 0; k < 3 && inside; ++k)
          value += place.weights[k] *
                   ((1 - f) * u[static_cast<std::size_t>(l * layer + place.corners[k])] +
                    f * u[static_cast<std::size_t>((l + 1) * layer + place.corners[k])]);
        input.insert(input.end(),
                     {static_cast<double>(count) / 10, centre / 2, inside ? 1.0 : 0.0});
        output.push_back(value);
      }
    }
  x.copy_from_host(input.data());
  y.copy_from_host(output.data());
}

template <class T>
FunctionData<T> HeatedPlate::as_functions(const Dataset<T>& samples) const {
  FunctionData<T> data =
      as_function_data(samples, product_points<T>({axis(0), axis(1), axis(2)}), {{0, 1}});
  std::vector<std::int64_t> entries;
  for (std::int64_t p = 0; p < data.points.extent(0); ++p)
    entries.push_back(3 * p + 2);
  data.mask = as_function_data(samples, data.points, {entries}).functions[0];
  return data;
}

template FunctionData<float> HeatedPlate::as_functions(const Dataset<float>&) const;
template FunctionData<double> HeatedPlate::as_functions(const Dataset<double>&) const;

}  // namespace nopal
