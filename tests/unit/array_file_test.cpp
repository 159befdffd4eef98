// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Files that SciPy, h5py and NumPy wrote (tests/data/published/make_published.py), and damaged
// ones.

#include "test_tools.hpp"

#include <nopal/data/array_file.hpp>

#include <cmath>

namespace {

using namespace nopal;

const std::string folder = NOPAL_TEST_DATA "/published/";

// The entry that make_published.py put at these indices.
double value(double kind, const std::vector<std::int64_t>& index) {
  for (std::size_t a = 0; a < index.size(); ++a)
    kind += std::pow(10.0, -double(a + 1)) * double(index[a] % 10);
  return kind;
}

// Expects the rows [first, first + count) of the array as make_published.py made them.
void expect_rows(const ArrayFile& file, const std::string& name, double kind, std::int64_t first,
                 std::int64_t count, double tolerance = 1e-12) {
  const FileArray& array = file.at(name);
  const std::vector<double> values = file.read(array, first, count);
  std::vector<std::int64_t> shape = array.shape, index(shape.size(), 0);
  shape[0] = count;
  ASSERT_EQ(static_cast<std::int64_t>(values.size()), entries(shape, ""));
  for (const double got : values) {
    std::vector<std::int64_t> place = index;
    place[0] += first;
    ASSERT_NEAR(got, value(kind, place), tolerance) << file.path() << " " << name;
    for (std::size_t a = index.size(); a-- > 0;) {
      if (++index[a] < shape[a]) break;
      index[a] = 0;
    }
  }
}

using Extents = std::vector<std::int64_t>;

TEST(ArrayFile, ReadsMatlab) {
  for (const char* name : {"fno_darcy_v7.mat", "fno_darcy_v6.mat"}) {
    const auto file = ArrayFile::open(folder + name);
    EXPECT_EQ(file->format(), "MATLAB 5");
    ASSERT_EQ(file->arrays().size(), 2u) << name;  // and neither text nor cells nor complex numbers
    EXPECT_EQ(file->at("coeff").shape, (Extents{3, 5, 4}));
    EXPECT_EQ(file->at("coeff").type, "float64");
    expect_rows(*file, "coeff", 1, 0, 3);
    expect_rows(*file, "sol", 2, 1, 2);
    expect_rows(*file, "coeff", 1, 2, 1);
    EXPECT_NE(file->attributes().at("z").find("complex"), std::string::npos);
    test::expect_error([&] { file->at("z"); }, {"'z' cannot be read", "complex"});
    EXPECT_TRUE(file->attributes().contains("title"));
  }
}

TEST(ArrayFile, ReadsMatlabsOtherNumbers) {
  const auto file = ArrayFile::open(folder + "types.mat");
  const auto all = [&](const char* name) {
    return file->read(file->at(name), 0, file->at(name).shape[0]);
  };
  EXPECT_EQ(all("i8"), (std::vector<double>{-1, 2, 3, -4}));
  EXPECT_EQ(all("u16"), (std::vector<double>{1, 60000}));
  EXPECT_EQ(all("i64"), (std::vector<double>{-1099511627776.0, 7}));
  EXPECT_EQ(all("f32"), (std::vector<double>{0.5, 0.25}));
  EXPECT_EQ(all("truth"), (std::vector<double>{1, 0, 1}));
  EXPECT_EQ(all("one"), (std::vector<double>{3}));
  EXPECT_EQ(file->at("i8").type, "int8");
  EXPECT_EQ(file->at("truth").type, "bool");
}

TEST(ArrayFile, ReadsMatlab73WithItsAxesInOrder) {
  const auto file = ArrayFile::open(folder + "fno_navier_stokes_v73.mat");
  EXPECT_EQ(file->format(), "MATLAB 7.3");
  EXPECT_EQ(file->at("a").shape, (Extents{3, 4, 5}));
  EXPECT_EQ(file->at("u").shape, (Extents{3, 4, 5, 6}));
  expect_rows(*file, "a", 1, 0, 3);
  expect_rows(*file, "u", 2, 1, 2);
}

TEST(ArrayFile, ReadsNumbersBehindNames) {
  const auto file = ArrayFile::open(folder + "names.h5");
  EXPECT_EQ(file->read(file->at("kind"), 0, 3), (std::vector<double>{0, 200, 7}));
}

TEST(ArrayFile, RefusesNpzThatIsNotWhatItSays) {
  test::expect_error([] { ArrayFile::open(folder + "twice.npz"); },
                     {"twice.npz", "two arrays 'x'"});
  // y claims terabytes and has none: it is listed as what cannot be read, x is there.
  const auto file = ArrayFile::open(folder + "claims.npz");
  EXPECT_EQ(file->arrays().size(), 1u);
  expect_rows(*file, "x", 1, 0, 3);
  test::expect_error([&] { file->at("y"); }, {"'y' cannot be read", "1099511627776", "truncated"});
}

TEST(ArrayFile, ReadsHdf5) {
  const auto file = ArrayFile::open(folder + "the_well.hdf5");
  EXPECT_EQ(file->format(), "HDF5");
  EXPECT_EQ(file->at("t1_fields/velocity").shape, (Extents{2, 5, 3, 4, 2}));
  EXPECT_EQ(file->at("t1_fields/velocity").type, "float32");
  expect_rows(*file, "t1_fields/velocity", 4, 1, 1, 1e-6);
  EXPECT_EQ(file->attributes().at("dataset_name"), "a_small_one");
  EXPECT_EQ(file->attributes().at("n_spatial_dims"), "2");
  EXPECT_EQ(file->attributes().at("t0_fields@field_names"), "pressure depth profile");
  EXPECT_EQ(file->attributes().at("t0_fields/profile@sample_varying"), "false");
  EXPECT_EQ(file->attributes().at("t0_fields/profile@dim_varying"), "false true");
}

TEST(ArrayFile, ReadsNumPy) {
  const auto packed = ArrayFile::open(folder + "fields.npz");
  EXPECT_EQ(packed->format(), "npz");
  ASSERT_EQ(packed->arrays().size(), 2u);  // and no text
  EXPECT_EQ(packed->at("inputs").type, "float32");
  expect_rows(*packed, "inputs", 1, 1, 3, 1e-6);
  expect_rows(*packed, "outputs", 2, 0, 4);
  const auto stored = ArrayFile::open(folder + "stored.npz");
  expect_rows(*stored, "x", 1, 0, 4);
  expect_rows(*stored, "y", 2, 2, 2);  // in Fortran's order in the file
  const auto single = ArrayFile::open(NOPAL_TEST_DATA "/npy/" + std::string("f4.npy"));
  EXPECT_EQ(single->format(), "npy");
  EXPECT_EQ(single->at("array").type, "float32");
}

TEST(ArrayFile, SaysWhatIsNotThere) {
  const auto file = ArrayFile::open(folder + "fields.npz");
  test::expect_error([&] { file->at("input"); }, {"fields.npz", "input", "inputs", "outputs"});
  test::expect_error([&] { file->read(file->at("inputs"), 3, 2); }, {"entries 3 to 5", "has 4"});
  EXPECT_EQ(file->find("input"), nullptr);
  test::expect_error([] { ArrayFile::open("/nowhere/a.mat"); }, {"/nowhere/a.mat", "no such file"});
  test::expect_error([] { ArrayFile::open(folder); }, {"folder"});
  const test::ScratchFolder scratch;
  test::write_file(scratch / "text.mat", "just some text");
  test::expect_error([&] { ArrayFile::open(scratch / "text.mat"); }, {"text.mat", "npz", "MATLAB"});
  test::write_file(scratch / "empty", "");
  test::expect_error([&] { ArrayFile::open(scratch / "empty"); }, {"empty"});
}

// Whatever bytes are missing or changed: an error of one line, or numbers, and no more memory than
// the file can fill.
TEST(ArrayFile, SurvivesDamage) {
  const test::ScratchFolder scratch;
  const std::string path = scratch / "damaged";
  int refused = 0, read = 0;
  for (const char* name : {"fno_darcy_v7.mat", "fno_darcy_v6.mat", "types.mat", "fields.npz",
                           "stored.npz", "pdebench_1d.hdf5", "fno_navier_stokes_v73.mat"}) {
    const std::string whole = test::read_file(folder + name);
    std::uint64_t state = 1;
    for (int trial = 0; trial < 150; ++trial) {
      std::string bytes = whole;
      state = state * 6364136223846793005u + 1442695040888963407u;
      const std::size_t place = (state >> 20) % whole.size();
      if (trial % 3 == 0)
        bytes.resize(place);
      else
        bytes[place] = static_cast<char>(state >> 12);
      test::write_file(path, bytes);
      try {
        const auto file = ArrayFile::open(path);
        for (const FileArray& array : file->arrays())
          if (entries(array.shape, "") < 100000)
            file->read(array, 0, array.shape.empty() ? 1 : array.shape[0]);
        ++read;
      } catch (const Error& error) {
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 300);
  EXPECT_GT(read, 50);
}

}  // namespace
