// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/atomic_file.hpp>
#include <nopal/io/vtk_mesh.hpp>

#include "io/vtk_xml.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace nopal {
namespace {

// VTK's number of a cell.
std::uint8_t cell_type(std::int64_t dimension, std::int64_t corners) {
  switch (corners) {
    case 1:
      return 1;
    case 2:
      return 3;
    case 3:
      return 5;
    case 4:
      return dimension == 3 ? 10 : 9;
    case 8:
      return 12;
    default:
      NOPAL_CHECK(false, "VTK mesh: expected cells of 2, 3, 4 or 8 corners, got ", corners);
  }
}

// Blocks of the appended data, with the DataArray elements that point to them.
class Blocks {
 public:
  template <class T>
  std::string add(const char* type, const std::string& name, std::int64_t components,
                  const std::vector<T>& values) {
    std::ostringstream out;
    out << "        <DataArray type=\"" << type << "\" Name=\"" << detail::escape_xml(name)
        << "\" NumberOfComponents=\"" << components << "\" format=\"appended\" offset=\"" << offset_
        << "\"/>\n";
    const char* const bytes = reinterpret_cast<const char*>(values.data());
    blocks_.emplace_back(bytes, bytes + values.size() * sizeof(T));
    offset_ += sizeof(std::uint64_t) + blocks_.back().size();
    return out.str();
  }

  void write(AtomicFile& file) const {
    for (const std::vector<char>& block : blocks_) {
      const std::uint64_t size = block.size();
      file.write(&size, sizeof size);
      file.write(block.data(), block.size());
    }
  }

 private:
  std::uint64_t offset_ = 0;
  std::vector<std::vector<char>> blocks_;
};

}  // namespace

VtkMesh::VtkMesh(const Tensor<double>& points, std::vector<std::int64_t> corners,
                 std::int64_t per_cell)
    : corners_(std::move(corners)), per_cell_(per_cell) {
  NOPAL_CHECK(points.rank() == 2 && points.extent(1) >= 1 && points.extent(1) <= 3,
              "VTK mesh: expected points (P, d), d = 1, 2, 3, got ", points.shape());
  const std::int64_t n = points.extent(0), d = points.extent(1);
  if (corners_.empty()) {
    per_cell_ = 1;
    for (std::int64_t i = 0; i < n; ++i)
      corners_.push_back(i);
  }
  type_ = cell_type(d, per_cell_);
  NOPAL_CHECK(static_cast<std::int64_t>(corners_.size()) % per_cell_ == 0,
              "VTK mesh: ", corners_.size(), " corners do not make cells of ", per_cell_);
  for (const std::int64_t corner : corners_)
    NOPAL_CHECK(corner >= 0 && corner < n, "VTK mesh: corner ", corner, " is none of ", n,
                " points");
  const std::vector<double> x = points.to_vector();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t a = 0; a < 3; ++a)
      points_.push_back(a < d ? x[static_cast<std::size_t>(i * d + a)] : 0);
}

template <class T>
void VtkMesh::add(const std::string& name, const Tensor<T>& values) {
  const auto n = static_cast<std::int64_t>(points_.size() / 3);
  NOPAL_CHECK(!name.empty() && std::none_of(fields_.begin(), fields_.end(),
                                            [&](const Field& f) { return f.name == name; }),
              "VTK mesh: a field needs a name of its own, got '", name, "'");
  NOPAL_CHECK((values.rank() == 1 || values.rank() == 2) && values.extent(0) == n, "VTK field '",
              name, "': expected shape (", n, ") or (", n, ", C), got ", values.shape());
  fields_.push_back(
      {name, values.rank() == 2 ? values.extent(1) : 1, cast<float>(values).to_vector()});
}

void VtkMesh::write(const std::string& path) const {
  const std::size_t points = points_.size() / 3,
                    cells = corners_.size() / static_cast<std::size_t>(per_cell_);
  Blocks blocks;
  std::ostringstream out;
  out << "<?xml version=\"1.0\"?>\n<VTKFile type=\"UnstructuredGrid\" version=\"1.0\" "
         "byte_order=\"LittleEndian\" header_type=\"UInt64\">\n  <UnstructuredGrid>\n"
      << "    <Piece NumberOfPoints=\"" << points << "\" NumberOfCells=\"" << cells << "\">\n"
      << "      <PointData>\n";
  for (const Field& field : fields_)
    out << blocks.add("Float32", field.name, field.components, field.values);
  out << "      </PointData>\n      <Points>\n"
      << blocks.add("Float64", "points", 3, points_) << "      </Points>\n      <Cells>\n";
  std::vector<std::int64_t> offsets;
  for (std::size_t c = 1; c <= cells; ++c)
    offsets.push_back(static_cast<std::int64_t>(c) * per_cell_);
  out << blocks.add("Int64", "connectivity", 1, corners_)
      << blocks.add("Int64", "offsets", 1, offsets)
      << blocks.add("UInt8", "types", 1, std::vector<std::uint8_t>(cells, type_))
      << "      </Cells>\n    </Piece>\n  </UnstructuredGrid>\n"
      << "  <AppendedData encoding=\"raw\">\n    _";
  AtomicFile file(path);
  file.write(out.str());
  blocks.write(file);
  file.write("\n  </AppendedData>\n</VTKFile>\n");
  file.commit();
}

template void VtkMesh::add<float>(const std::string&, const Tensor<float>&);
template void VtkMesh::add<double>(const std::string&, const Tensor<double>&);

}  // namespace nopal
