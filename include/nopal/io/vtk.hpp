// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace nopal {

/// Fields on a uniform grid of 1 to 3 dimensions, to be written as VTK XML ImageData (`.vti`),
/// which ParaView, VisIt and PyVista open.
///
/// The last grid axis is VTK's x, the one before it y, and so on: memory order is kept, as for a
/// PETSc DMDA vector. Values are written as binary appended data, little endian. Source: VTK file
/// formats, "XML file formats, ImageData", version 1.0.
///
///     VtkImage image({65, 65}, {1.0 / 64, 1.0 / 64});
///     image.add("pressure", u);
///     image.write("pressure.vti");
class VtkImage {
 public:
  enum class Place { points, cells };

  /// `points` (X1, ..., Xd), d = 1, 2 or 3, is the number of points along each axis. `spacing` is
  /// their distance along each axis (default: the unit cube, 1 / (Xi - 1)), `origin` the first
  /// point (default 0).
  explicit VtkImage(const Shape& points, const std::vector<double>& spacing = {},
                    const std::vector<double>& origin = {});

  /// Adds a field with values at points, (X1, ..., Xd) or (X1, ..., Xd, C), or at cells, where each
  /// Xi is one less (a single point counts as one cell). Copies the values. Error if the shape does
  /// not fit or the name is taken.
  template <class T>
  void add(const std::string& name, const Tensor<T>& values, Place place = Place::points);

  /// Writes the file; an older one is replaced once the new one is complete. Not collective.
  void write(const std::string& path) const;

 private:
  struct Field {
    std::string name;
    Place place;
    const char* type;  ///< "Float32" or "Float64"
    std::int64_t components;
    std::vector<char> bytes;
  };

  int dimension_;
  // In VTK's order: x first.
  std::array<std::int64_t, 3> points_;
  std::array<double, 3> spacing_, origin_;
  std::vector<Field> fields_;
};

/// A series of images in time: a `.pvd` collection with one `.vti` file beside it for each step.
class VtkSeries {
 public:
  /// `path` ends in `.pvd`; step k is written to the same name with `_0000k.vti`.
  explicit VtkSeries(std::string path);

  /// Writes the image of one step, then the collection with all steps so far, so that it can be
  /// opened while a simulation runs. `time` must not decrease. Not collective.
  void add(double time, const VtkImage& image);

 private:
  std::string path_;
  std::vector<std::pair<double, std::string>> steps_;
};

}  // namespace nopal
