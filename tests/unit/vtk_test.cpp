// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/vtk.hpp>
#include <nopal/io/vtk_mesh.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace nopal {
namespace {

namespace fs = std::filesystem;

class Vtk : public testing::Test {
 protected:
  Vtk() : folder_(fs::temp_directory_path() / ("nopal_vtk_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~Vtk() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  static std::string contents(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  // The value of an attribute in the first element after `from` that has it.
  static std::string attribute(const std::string& xml, const std::string& name,
                               std::size_t from = 0) {
    const auto start = xml.find(" " + name + "=\"", from);
    if (start == std::string::npos) return "<absent>";
    const auto first = start + name.size() + 3;
    return xml.substr(first, xml.find('"', first) - first);
  }

  // The entries of a DataArray, as a reader finds them: by offset behind the underscore.
  template <class T>
  static std::vector<T> values(const std::string& file, const std::string& name) {
    const auto element = file.find("Name=\"" + name + "\"");
    EXPECT_NE(element, std::string::npos) << name;
    const std::size_t offset = std::stoul(attribute(file, "offset", element));
    const auto appended = file.find("<AppendedData encoding=\"raw\">");
    const std::size_t start = file.find('_', appended) + 1 + offset;
    std::uint64_t size = 0;
    std::memcpy(&size, file.data() + start, sizeof size);
    EXPECT_LE(start + sizeof size + size, file.size());
    std::vector<T> result(size / sizeof(T));
    std::memcpy(result.data(), file.data() + start + sizeof size, size);
    return result;
  }

  fs::path folder_;
};

TEST_F(Vtk, PointAndCellFieldsComeBackAsWritten) {
  VtkImage image({2, 3}, {0.5, 0.25}, {1, 2});
  const std::vector<float> u = {0, 1, 2, 3, 4, 5};
  const std::vector<double> v = {1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6};
  const std::vector<double> k = {7.5, 8.5};
  image.add("k", Tensor<double>::from_host({1, 2}, k), VtkImage::Place::cells);
  image.add("u", Tensor<float>::from_host({2, 3}, u));
  image.add("a < \"b\" & c", Tensor<double>::from_host({2, 3, 2}, v));
  image.write(path("image.vti"));

  const std::string file = contents(path("image.vti"));
  // The last axis, of 3 points, is x; 2-D images are flat in z.
  EXPECT_EQ(attribute(file, "WholeExtent"), "0 2 0 1 0 0");
  EXPECT_EQ(attribute(file, "Extent"), "0 2 0 1 0 0");
  EXPECT_EQ(attribute(file, "Spacing"), "0.25 0.5 1");
  EXPECT_EQ(attribute(file, "Origin"), "2 1 0");
  EXPECT_EQ(attribute(file, "header_type"), "UInt64");
  EXPECT_LT(file.find("Name=\"u\""), file.find("</PointData>"));
  EXPECT_GT(file.find("Name=\"k\""), file.find("<CellData>"));
  EXPECT_EQ(values<float>(file, "u"), u);
  EXPECT_EQ(values<double>(file, "a &lt; &quot;b&quot; &amp; c"), v);
  EXPECT_EQ(values<double>(file, "k"), k);
  EXPECT_EQ(attribute(file, "NumberOfComponents", file.find("a &lt;")), "2");
  EXPECT_TRUE(file.ends_with("</VTKFile>\n"));
}

TEST_F(Vtk, OneAndThreeDimensions) {
  VtkImage line({5});
  line.add("u", Tensor<float>::zeros({5, 1}));
  line.write(path("line.vti"));
  std::string file = contents(path("line.vti"));
  EXPECT_EQ(attribute(file, "WholeExtent"), "0 4 0 0 0 0");
  EXPECT_EQ(attribute(file, "Spacing"), "0.25 1 1");

  VtkImage box({2, 3, 5});
  box.add("u", Tensor<float>::zeros({2, 3, 5}));
  box.add("c", Tensor<float>::zeros({1, 2, 4}), VtkImage::Place::cells);
  box.write(path("box.vti"));
  file = contents(path("box.vti"));
  EXPECT_EQ(attribute(file, "WholeExtent"), "0 4 0 2 0 1");
  EXPECT_EQ(values<float>(file, "u").size(), 30u);
  EXPECT_EQ(values<float>(file, "c").size(), 8u);
}

TEST_F(Vtk, ErrorsNameBothShapes) {
  EXPECT_THROW(VtkImage({}), Error);
  EXPECT_THROW(VtkImage({2, 2, 2, 2}), Error);
  EXPECT_THROW(VtkImage({2, 2}, {1.0}), Error);
  EXPECT_THROW(VtkImage({2, 2}, {1.0, -1.0}), Error);
  VtkImage image({4, 3});
  image.add("u", Tensor<float>::zeros({4, 3}));
  EXPECT_THROW(image.add("u", Tensor<float>::zeros({4, 3})), Error);
  try {
    image.add("v", Tensor<float>::zeros({3, 4}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "VTK field 'v' at points: expected shape (4, 3) or the same with channels last, "
                 "got (3, 4)");
  }
}

TEST_F(Vtk, FailedWriteLeavesTheOldFile) {
  VtkImage image({2});
  image.add("u", Tensor<float>::zeros({2}));
  image.write(path("image.vti"));
  const std::string before = contents(path("image.vti"));
  // A limit on the size of files fails as a full disk does.
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{10, limit.rlim_max};
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(image.write(path("image.vti")), Error);
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(contents(path("image.vti")), before);
  EXPECT_THROW(image.write(path("absent/image.vti")), Error);
  EXPECT_THROW(image.write("/dev/full"), Error);
}

TEST_F(Vtk, MeshHasItsCellsAndFields) {
  const auto points = Tensor<double>::from_host({4, 2}, {0, 0, 1, 0, 1, 1, 0, 1});
  VtkMesh mesh(points, {0, 1, 2, 0, 2, 3}, 3);
  mesh.add("u<1>", Tensor<float>::from_host({4}, {5, 6, 7, 8}));
  mesh.add("v", Tensor<double>::from_host({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
  mesh.write(path("mesh.vtu"));
  const std::string file = contents(path("mesh.vtu"));
  EXPECT_EQ(attribute(file, "type"), "UnstructuredGrid");
  EXPECT_EQ(attribute(file, "NumberOfPoints"), "4");
  EXPECT_EQ(attribute(file, "NumberOfCells"), "2");
  EXPECT_EQ(values<double>(file, "points"),
            (std::vector<double>{0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0}));
  EXPECT_EQ(values<std::int64_t>(file, "connectivity"),
            (std::vector<std::int64_t>{0, 1, 2, 0, 2, 3}));
  EXPECT_EQ(values<std::int64_t>(file, "offsets"), (std::vector<std::int64_t>{3, 6}));
  EXPECT_EQ(values<std::uint8_t>(file, "types"), (std::vector<std::uint8_t>{5, 5}));
  EXPECT_EQ(values<float>(file, "u&lt;1&gt;"), (std::vector<float>{5, 6, 7, 8}));
  EXPECT_EQ(values<float>(file, "v").back(), 8);
  EXPECT_THROW(mesh.add("v", Tensor<float>::zeros({4})), Error);
  EXPECT_THROW(mesh.add("w", Tensor<float>::zeros({3})), Error);
  EXPECT_THROW(VtkMesh(points, {0, 1, 4}, 3), Error);
  EXPECT_THROW(VtkMesh(points, {0, 1, 2, 3}, 3), Error);
  // Loose points are cells of their own.
  VtkMesh cloud(Tensor<double>::zeros({3, 3}));
  cloud.write(path("cloud.vtu"));
  EXPECT_EQ(values<std::uint8_t>(contents(path("cloud.vtu")), "types"),
            (std::vector<std::uint8_t>{1, 1, 1}));
}

TEST_F(Vtk, SeriesListsItsSteps) {
  EXPECT_THROW(VtkSeries("run.vti"), Error);
  VtkSeries series(path("run.pvd"));
  VtkImage image({3});
  image.add("u", Tensor<double>::zeros({3}));
  series.add(0.0, image);
  series.add(0.125, image);
  EXPECT_THROW(series.add(0.0625, image), Error);
  const std::string file = contents(path("run.pvd"));
  const auto second = file.find("timestep=\"0.125\"");
  ASSERT_NE(second, std::string::npos);
  EXPECT_EQ(attribute(file, "file"), "run_00000.vti");
  EXPECT_EQ(attribute(file, "file", second), "run_00001.vti");
  EXPECT_TRUE(fs::exists(path("run_00000.vti")));
  EXPECT_TRUE(fs::exists(path("run_00001.vti")));
}

}  // namespace
}  // namespace nopal
