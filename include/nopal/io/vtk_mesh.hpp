// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace nopal {

/// Fields at the points of an unstructured mesh, or at loose points, to be written as VTK XML
/// UnstructuredGrid (`.vtu`), which ParaView, VisIt and PyVista open. Binary appended data, little
/// endian.
///
///     VtkMesh mesh(points, corners, 3);
///     mesh.add("u", u);
///     mesh.write("u.vtu");
class VtkMesh {
 public:
  /// `points` (P, d), d = 1, 2 or 3; `corners` of the cells, `per_cell` each: 2 segments, 3
  /// triangles, 4 quadrilaterals in the plane or tetrahedra in space, 8 hexahedra. Without corners
  /// each point is a cell. Error if a corner is no point.
  explicit VtkMesh(const Tensor<double>& points, std::vector<std::int64_t> corners = {},
                   std::int64_t per_cell = 1);

  /// A field (P) or (P, C). Copies the values. Error if the shape does not fit or the name is
  /// taken.
  template <class T>
  void add(const std::string& name, const Tensor<T>& values);

  /// Writes the file; an older one is replaced once the new one is complete. Not collective.
  void write(const std::string& path) const;

 private:
  struct Field {
    std::string name;
    std::int64_t components;
    std::vector<float> values;
  };

  std::vector<double> points_;  // three coordinates each
  std::vector<std::int64_t> corners_;
  std::int64_t per_cell_;
  std::uint8_t type_;
  std::vector<Field> fields_;
};

}  // namespace nopal
