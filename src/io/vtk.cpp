// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/atomic_file.hpp>
#include <nopal/io/vtk.hpp>

#include "io/vtk_xml.hpp"

#include <algorithm>
#include <cstring>
#include <sstream>

namespace nopal {
namespace {

std::string file_name(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// Enough digits that reading gives the same double.
std::ostringstream exact_stream() {
  std::ostringstream out;
  out.precision(17);
  return out;
}

}  // namespace

VtkImage::VtkImage(const Shape& points, const std::vector<double>& spacing,
                   const std::vector<double>& origin)
    : dimension_(points.rank()), points_{1, 1, 1}, spacing_{1, 1, 1}, origin_{0, 0, 0} {
  NOPAL_CHECK(dimension_ >= 1 && dimension_ <= 3,
              "a VTK image has 1, 2 or 3 grid axes, got points ", points);
  NOPAL_CHECK(spacing.empty() || static_cast<int>(spacing.size()) == dimension_, "VTK image of ",
              dimension_, " axes: got ", spacing.size(), " spacings");
  NOPAL_CHECK(origin.empty() || static_cast<int>(origin.size()) == dimension_, "VTK image of ",
              dimension_, " axes: got ", origin.size(), " coordinates of the origin");
  for (int k = 0; k < dimension_; ++k) {
    const int axis = dimension_ - 1 - k;
    NOPAL_CHECK(points[axis] >= 1, "a VTK image needs points along each axis, got ", points);
    points_[k] = points[axis];
    spacing_[k] = !spacing.empty()    ? spacing[axis]
                  : points[axis] == 1 ? 1.0
                                      : 1.0 / double(points[axis] - 1);
    NOPAL_CHECK(spacing_[k] > 0, "VTK image: spacings must be positive, got ", spacing_[k]);
    if (!origin.empty()) origin_[k] = origin[axis];
  }
}

template <class T>
void VtkImage::add(const std::string& name, const Tensor<T>& values, Place place) {
  NOPAL_CHECK(!name.empty(), "a VTK field needs a name");
  NOPAL_CHECK(std::none_of(fields_.begin(), fields_.end(),
                           [&](const Field& f) { return f.name == name && f.place == place; }),
              "VTK image has a field '", name, "' already");
  Shape expected;
  for (int k = dimension_ - 1; k >= 0; --k)
    expected.push_back(place == Place::points ? points_[k]
                                              : std::max<std::int64_t>(points_[k] - 1, 1));
  const Shape& shape = values.shape();
  bool fits = shape.rank() == dimension_ || shape.rank() == dimension_ + 1;
  for (int axis = 0; fits && axis < dimension_; ++axis)
    fits = shape[axis] == expected[axis];
  const std::int64_t components = shape.rank() == dimension_ + 1 ? shape[-1] : 1;
  NOPAL_CHECK(fits && components >= 1, "VTK field '", name, "' at ",
              place == Place::points ? "points" : "cells", ": expected shape ", expected,
              " or the same with channels last, got ", shape);

  Field field{name, place, sizeof(T) == 4 ? "Float32" : "Float64", components, {}};
  const std::vector<T> host = values.to_vector();
  field.bytes.resize(host.size() * sizeof(T));
  std::memcpy(field.bytes.data(), host.data(), field.bytes.size());
  fields_.push_back(std::move(field));
}

void VtkImage::write(const std::string& path) const {
  std::ostringstream out = exact_stream();
  out << "<?xml version=\"1.0\"?>\n"
      << "<VTKFile type=\"ImageData\" version=\"1.0\" byte_order=\"LittleEndian\" "
         "header_type=\"UInt64\">\n";
  std::ostringstream extent;
  for (int k = 0; k < 3; ++k)
    extent << (k ? " " : "") << "0 " << points_[k] - 1;
  out << "  <ImageData WholeExtent=\"" << extent.str() << "\" Origin=\"" << origin_[0] << ' '
      << origin_[1] << ' ' << origin_[2] << "\" Spacing=\"" << spacing_[0] << ' ' << spacing_[1]
      << ' ' << spacing_[2] << "\">\n"
      << "    <Piece Extent=\"" << extent.str() << "\">\n";
  // The appended block is in the order of the elements: point fields, then cell fields.
  std::vector<const Field*> order;
  std::uint64_t offset = 0;
  for (const Place place : {Place::points, Place::cells}) {
    const char* element = place == Place::points ? "PointData" : "CellData";
    out << "      <" << element << ">\n";
    for (const Field& field : fields_) {
      if (field.place != place) continue;
      out << "        <DataArray type=\"" << field.type << "\" Name=\""
          << detail::escape_xml(field.name) << "\" NumberOfComponents=\"" << field.components
          << "\" format=\"appended\" offset=\"" << offset << "\"/>\n";
      offset += sizeof(std::uint64_t) + field.bytes.size();
      order.push_back(&field);
    }
    out << "      </" << element << ">\n";
  }
  out << "    </Piece>\n  </ImageData>\n  <AppendedData encoding=\"raw\">\n    _";

  AtomicFile file(path);
  file.write(out.str());
  for (const Field* field : order) {
    const std::uint64_t size = field->bytes.size();
    file.write(&size, sizeof size);
    file.write(field->bytes.data(), field->bytes.size());
  }
  file.write("\n  </AppendedData>\n</VTKFile>\n");
  file.commit();
}

VtkSeries::VtkSeries(std::string path) : path_(std::move(path)) {
  NOPAL_CHECK(path_.size() > 4 && path_.ends_with(".pvd"),
              "a VTK series is written to a file that ends in .pvd, got ", path_);
}

void VtkSeries::add(double time, const VtkImage& image) {
  NOPAL_CHECK(steps_.empty() || time >= steps_.back().first, "VTK series ", path_,
              ": times must not decrease, got ", time, " after ",
              steps_.empty() ? 0.0 : steps_.back().first);
  std::string number = std::to_string(steps_.size());
  number.insert(0, number.size() < 5 ? 5 - number.size() : 0, '0');
  const std::string step = path_.substr(0, path_.size() - 4) + "_" + number + ".vti";
  image.write(step);
  steps_.emplace_back(time, file_name(step));

  std::ostringstream out = exact_stream();
  out << "<?xml version=\"1.0\"?>\n"
      << "<VTKFile type=\"Collection\" version=\"1.0\" byte_order=\"LittleEndian\" "
         "header_type=\"UInt64\">\n  <Collection>\n";
  for (const auto& [t, name] : steps_)
    out << "    <DataSet timestep=\"" << t << "\" group=\"\" part=\"0\" file=\""
        << detail::escape_xml(name) << "\"/>\n";
  out << "  </Collection>\n</VTKFile>\n";
  write_file_atomically(path_, out.str());
}

template void VtkImage::add<float>(const std::string&, const Tensor<float>&, Place);
template void VtkImage::add<double>(const std::string&, const Tensor<double>&, Place);

}  // namespace nopal
