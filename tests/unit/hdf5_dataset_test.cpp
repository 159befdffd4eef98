// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "data_test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/data/dataset.hpp>

#include "test_tools.hpp"

#include <hdf5.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>

namespace nopal {
namespace {

namespace fs = std::filesystem;
using test::counted;
using test::message_of;

// A folder of its own, removed at the end; what HDF5 prints is an error of the library.
class Hdf5Test : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("nopal_hdf5_test_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    testing::internal::CaptureStderr();
  }
  void TearDown() override {
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    fs::remove_all(folder_);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  fs::path folder_;
};

template <class T>
void write_counted(const std::string& path, std::int64_t samples, const Shape& x, const Shape& y) {
  Hdf5Writer<T> writer(path, samples, x, y);
  Shape whole_x{samples}, whole_y{samples};
  for (auto n : x)
    whole_x.push_back(n);
  for (auto n : y)
    whole_y.push_back(n);
  writer.write(0, counted<T>(whole_x), counted<T>(whole_y, 0.5));
  writer.close();
}

// Reads samples `indices` and checks that they are those of write_counted.
template <class T>
void expect_counted(const Dataset<T>& data, const std::vector<std::int64_t>& indices) {
  const auto check = [&](const Tensor<T>& tensor, double first) {
    const auto values = tensor.to_vector();
    const std::size_t size = values.size() / indices.size();
    for (std::size_t b = 0; b < indices.size(); ++b)
      for (std::size_t i = 0; i < size; ++i)
        ASSERT_EQ(values[b * size + i],
                  T(first + static_cast<double>(indices[b]) * double(size) + double(i)))
            << "sample " << indices[b] << ", entry " << i;
  };
  const auto with = [&](const Shape& sample) {
    Shape shape{static_cast<std::int64_t>(indices.size())};
    for (auto n : sample)
      shape.push_back(n);
    return shape;
  };
  const Tensor<T> x(with(data.x_shape())), y(with(data.y_shape()));
  data.read(indices, x, y);
  check(x, 0);
  check(y, 0.5);
}

// A file with the fields that tests ask for, made by HDF5 itself.
class RawFile {
 public:
  explicit RawFile(const std::string& path)
      : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {}
  ~RawFile() { H5Fclose(file_); }

  template <class Stored>
  void add(const char* name, hid_t type, std::vector<hsize_t> extents,
           const std::vector<Stored>& values, std::vector<hsize_t> chunk = {},
           bool packed = false) {
    const hid_t space = H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr);
    const hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    if (!chunk.empty()) H5Pset_chunk(create, static_cast<int>(chunk.size()), chunk.data());
    if (packed) H5Pset_deflate(create, 4);
    const hid_t set = H5Dcreate2(file_, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
    if (!values.empty()) H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Dclose(set);
    H5Pclose(create);
    H5Sclose(space);
  }
  hid_t id() const { return file_; }

 private:
  hid_t file_;
};

TEST_F(Hdf5Test, RoundTripInBothPrecisions) {
  write_counted<float>(path("f.h5"), 7, {4, 3, 2}, {4, 3, 1});
  write_counted<double>(path("d.h5"), 7, {4, 3, 2}, {4, 3, 1});
  for (const char* name : {"f.h5", "d.h5"})
    for (const std::size_t cache : {std::size_t(0), std::size_t(1) << 20}) {
      const Hdf5Dataset<float> single(path(name), cache);
      EXPECT_EQ(single.size(), 7);
      EXPECT_EQ(single.x_shape(), (Shape{4, 3, 2}));
      EXPECT_EQ(single.y_shape(), (Shape{4, 3, 1}));
      EXPECT_EQ(single.description(), path(name));
      expect_counted(single, {6, 0, 1, 2, 2, 5});
      expect_counted(single, {5, 6, 3, 4});
      expect_counted(Hdf5Dataset<double>(path(name), cache), {3, 4, 5, 0});
    }
  EXPECT_EQ(test::temporary_files(folder_), 0);
}

// Chunks: one sample each when large, several when tiny, and written in any order.
TEST_F(Hdf5Test, ChunksAreSamples) {
  write_counted<double>(path("large.h5"), 3, {128, 128, 1}, {128, 128, 1});
  write_counted<double>(path("tiny.h5"), 5, {2, 1}, {2, 1});
  const auto first_chunk = [&](const char* name) {
    const hid_t file = H5Fopen(path(name).c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t set = H5Dopen2(file, "x", H5P_DEFAULT), create = H5Dget_create_plist(set);
    hsize_t chunk[8] = {};
    H5Pget_chunk(create, 8, chunk);
    H5Pclose(create);
    H5Dclose(set);
    H5Fclose(file);
    return chunk[0];
  };
  EXPECT_EQ(first_chunk("large.h5"), 1u);
  EXPECT_EQ(first_chunk("tiny.h5"), 5u);

  Hdf5Writer<float> writer(path("order.h5"), 4, {3, 1}, {3, 1});
  for (const std::int64_t i : {2, 0, 3, 1})
    writer.write(i, counted<float>({1, 3, 1}, double(3 * i)),
                 counted<float>({1, 3, 1}, 3 * i + 0.5));
  writer.close();
  expect_counted(Hdf5Dataset<float>(path("order.h5")), {0, 1, 2, 3});
}

TEST_F(Hdf5Test, Attributes) {
  {
    Hdf5Writer<float> writer(path("a.h5"), 1, {2, 1}, {2, 1});
    writer.write(0, counted<float>({1, 2, 1}), counted<float>({1, 2, 1}));
    writer.attribute("problem", std::string("darcy µ"));
    writer.attribute("empty", std::string());
    writer.attribute("tau", 0.1);
    writer.close();
    // As other programs write them: strings of variable length, integers, lists.
    const hid_t file = H5Fopen(path("a.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t text = H5Tcopy(H5T_C_S1), one = H5Screate(H5S_SCALAR);
    H5Tset_size(text, H5T_VARIABLE);
    const char* units = "m/s";
    const std::int32_t seed = -7;
    const hid_t a = H5Acreate2(file, "units", text, one, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, text, &units);
    const hid_t b = H5Acreate2(file, "seed", H5T_STD_I32BE, one, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(b, H5T_NATIVE_INT32, &seed);
    const hid_t fixed = H5Tcopy(H5T_C_S1);
    H5Tset_size(fixed, 8);
    H5Tset_strpad(fixed, H5T_STR_NULLPAD);
    const hid_t d = H5Acreate2(file, "fixed", fixed, one, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(d, fixed, "four\0\0\0\0");
    const hsize_t two = 2, many = 2000;
    const hid_t list = H5Screate_simple(1, &two, nullptr);
    const hid_t c = H5Acreate2(file, "list", H5T_NATIVE_INT, list, H5P_DEFAULT, H5P_DEFAULT);
    const int numbers[2] = {3, -4};
    H5Awrite(c, H5T_NATIVE_INT, numbers);
    const hid_t e = H5Acreate2(file, "words", fixed, list, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(e, fixed, "one\0\0\0\0\0two\0\0\0\0\0");
    // Too long to describe anything.
    const hid_t longer = H5Screate_simple(1, &many, nullptr);
    const hid_t g = H5Acreate2(file, "table", H5T_NATIVE_INT, longer, H5P_DEFAULT, H5P_DEFAULT);
    for (const hid_t id : {a, b, c, d, e, g})
      H5Aclose(id);
    H5Tclose(fixed);
    H5Sclose(longer);
    H5Sclose(list);
    H5Sclose(one);
    H5Tclose(text);
    H5Fclose(file);
  }
  const std::map<std::string, std::string> expected = {
      {"problem", "darcy µ"}, {"empty", ""},     {"tau", "0.1"},   {"units", "m/s"},
      {"seed", "-7"},         {"fixed", "four"}, {"list", "3 -4"}, {"words", "one two"}};
  EXPECT_EQ(Hdf5Dataset<float>(path("a.h5")).attributes(), expected);
}

TEST_F(Hdf5Test, ReadsWhatOthersWrite) {
  std::vector<std::uint8_t> bytes(24);
  std::vector<double> numbers(24);
  for (std::size_t i = 0; i < 24; ++i) {
    bytes[i] = static_cast<std::uint8_t>(i);
    numbers[i] = double(i) + 0.5;
  }
  {
    RawFile file(path("raw.h5"));
    file.add("u8", H5T_NATIVE_UINT8, {6, 4, 1}, bytes);  // contiguous
    file.add("packed", H5T_NATIVE_DOUBLE, {6, 4, 1}, numbers, {4, 3, 1}, true);
    const hid_t group = H5Gcreate2(file.id(), "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(group);
    file.add("g/y", H5T_NATIVE_DOUBLE, {6, 4, 1}, numbers);
  }
  for (const std::size_t cache : {std::size_t(0), std::size_t(1) << 20}) {
    expect_counted(Hdf5Dataset<float>(path("raw.h5"), cache, "u8", "packed"), {5, 3, 4, 0});
    expect_counted(Hdf5Dataset<double>(path("raw.h5"), cache, "u8", "g/y"), {2, 5});
  }
}

TEST_F(Hdf5Test, ErrorsOfFiles) {
  const auto open = [&](const std::string& name) {
    return message_of([&] { Hdf5Dataset<float> data(path(name)); });
  };
  EXPECT_EQ(open("none.h5"), path("none.h5") + ": cannot be opened: no such file");
  EXPECT_EQ(message_of([&] { Hdf5Dataset<float> data(folder_.string()); }),
            folder_.string() + ": is a folder, expected an HDF5 file");
  std::ofstream(path("text.h5")) << "not HDF5 at all\n";
  EXPECT_EQ(open("text.h5"), path("text.h5") + ": not an HDF5 file");

  write_counted<float>(path("whole.h5"), 5, {64, 64, 1}, {64, 64, 1});
  const auto size = fs::file_size(path("whole.h5"));
  fs::copy(path("whole.h5"), path("short.h5"));
  fs::resize_file(path("short.h5"), size / 2);
  const std::string message = open("short.h5");
  EXPECT_EQ(message.find(path("short.h5") + ": cannot be read, it may be damaged or truncated: "
                                            "truncated file"),
            0u)
      << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST_F(Hdf5Test, ErrorsOfContents) {
  const std::vector<float> values(12);
  {
    RawFile file(path("e.h5"));
    file.add("x", H5T_NATIVE_FLOAT, {3, 4, 1}, values);
    file.add("fewer", H5T_NATIVE_FLOAT, {2, 4, 1}, std::vector<float>(8));
    file.add("grid", H5T_NATIVE_FLOAT, {3, 3, 1}, std::vector<float>(9));
    file.add("none", H5T_NATIVE_FLOAT, {0, 4, 1}, std::vector<float>());
    file.add("line", H5T_NATIVE_FLOAT, {12}, values);
    const hid_t text = H5Tcopy(H5T_C_S1);
    file.add("text", text, {3, 4, 1}, std::vector<char>(12, 'a'));
    H5Tclose(text);
    hid_t space = H5Screate(H5S_NULL);
    H5Sclose(space);
  }
  const auto open = [&](const char* x, const char* y) {
    std::string message = message_of([&] { Hdf5Dataset<float> data(path("e.h5"), 0, x, y); });
    EXPECT_EQ(message.find(path("e.h5") + ": "), 0u) << message;
    return message.substr(std::min(message.size(), path("e.h5").size() + 2));
  };
  EXPECT_EQ(open("x", "y"), "has no data set /y; it has fewer, grid, line, none, text, x");
  EXPECT_EQ(open("a/b", "y"), "has no data set /a/b; it has fewer, grid, line, none, text, x");
  EXPECT_EQ(open("x", "fewer"), "/x has 3 samples, /fewer has 2; they must have as many");
  EXPECT_EQ(open("x", "grid"),
            "/x of shape (3, 4, 1) and /grid of shape (3, 3, 1) are on different grids; only their "
            "last axis, the channels, may differ");
  EXPECT_EQ(open("none", "none"), "/none of shape (0, 4, 1) has no samples");
  EXPECT_EQ(open("line", "x"), "/line has 1 axes, expected (N, X1, ..., Xd, C) of 2 to 6");
  EXPECT_EQ(open("text", "x"), "/text does not consist of real numbers or integers");
}

TEST_F(Hdf5Test, NonFiniteValuesNameTheirSample) {
  std::vector<float> x(12), y(12);
  x[7] = std::nanf("");
  y[8] = std::numeric_limits<float>::infinity();
  {
    RawFile file(path("nan.h5"));
    file.add("x", H5T_NATIVE_FLOAT, {3, 4, 1}, x, {3, 4, 1});
    file.add("y", H5T_NATIVE_FLOAT, {3, 4, 1}, y);
  }
  for (const std::size_t cache : {std::size_t(0), std::size_t(1) << 20}) {
    const Hdf5Dataset<float> data(path("nan.h5"), cache);
    const auto read = [&](std::int64_t i) {
      return message_of([&] {
        data.read(std::vector<std::int64_t>{i}, Tensor<float>({1, 4, 1}), Tensor<float>({1, 4, 1}));
      });
    };
    const std::string end = " of its 4; leave this sample out or make it again";
    for (int times = 0; times < 2; ++times) {
      EXPECT_EQ(read(0), "no error");
      EXPECT_EQ(read(1), path("nan.h5") + ": sample 1 of /x has a NaN at entry 3" + end);
      EXPECT_EQ(read(2), path("nan.h5") + ": sample 2 of /y has an infinity at entry 0" + end);
    }
    EXPECT_EQ(read(3), path("nan.h5") + ": sample 3 is outside 0, ..., 2");
  }
}

TEST_F(Hdf5Test, WriterChecksWhatItGets) {
  EXPECT_EQ(message_of([&] {
              Hdf5Writer<float>(path("w.h5"), 0, {4, 1}, {4, 1});
            }),
            path("w.h5") + ": x of shape (0, 4, 1) has no samples");
  EXPECT_NE(message_of([&] {
              Hdf5Writer<float>(path("w.h5"), 2, {4, 1}, {5, 1});
            }).find("different grids"),
            std::string::npos);
  EXPECT_EQ(message_of([&] {
              Hdf5Writer<float>(path("no/w.h5"), 2, {4, 1}, {4, 1});
            }),
            "cannot write " + path("no/w.h5") + ": folder " + path("no") +
                " does not exist; make it first");
  {
    Hdf5Writer<float> writer(path("w.h5"), 3, {4, 1}, {4, 2});
    EXPECT_EQ(test::temporary_files(folder_), 1);
    const auto x = counted<float>({2, 4, 1}), y = counted<float>({2, 4, 2});
    EXPECT_EQ(message_of([&] { writer.write(0, x, x); }),
              "cannot write " + path("w.h5") +
                  ": expected x of shape (2, 4, 1) and y of shape "
                  "(2, 4, 2), got (2, 4, 1) and (2, 4, 1)");
    EXPECT_EQ(message_of([&] { writer.write(2, x, y); }),
              "cannot write " + path("w.h5") + ": samples [2, 4) are outside its 3 samples");
    writer.write(0, x, y);
    EXPECT_EQ(
        message_of([&] { writer.close(); }),
        "cannot complete " + path("w.h5") + ": sample 2 of 3 was not written (1 are missing)");
    writer.write(1, x, y);
    writer.close();
    EXPECT_EQ(message_of([&] { writer.close(); }),
              "cannot close " + path("w.h5") + ": it is closed");
    EXPECT_EQ(message_of([&] { writer.write(0, x, y); }),
              "cannot write " + path("w.h5") + ": it is closed");
  }
  EXPECT_TRUE(fs::exists(path("w.h5")));
}

// An unfinished file, and one that the disk has no room for, leave the older one.
TEST_F(Hdf5Test, OldFileSurvivesFailures) {
  write_counted<float>(path("old.h5"), 5, {2, 1}, {2, 1});
  const auto old_is_whole = [&] {
    expect_counted(Hdf5Dataset<float>(path("old.h5")), {0, 1, 2, 3, 4});
    EXPECT_EQ(test::temporary_files(folder_), 0);
  };
  { Hdf5Writer<float> unfinished(path("old.h5"), 1, {2, 1}, {2, 1}); }
  old_is_whole();

  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto set_limit = [&](rlim_t bytes) {
    rlimit less = limit;
    less.rlim_cur = bytes;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &less), 0);
  };
  // Too small for the samples, for the last one, for any, for the metadata.
  for (const rlim_t bytes : {200000, 16 * 64 * 64 * 4 * 2 - 100, 1000, 1}) {
    set_limit(bytes);
    const std::string message = message_of([&] {
      write_counted<float>(path("old.h5"), 16, {64, 64, 1}, {64, 64, 1});
    });
    set_limit(limit.rlim_cur);
    EXPECT_EQ(message.find("cannot write " + path("old.h5") + ": "), 0u) << message;
    EXPECT_NE(message.find(": File too large; it needs "), std::string::npos) << message;
    old_is_whole();
  }
  // The system refuses to write in the middle, which a reservation does not prevent everywhere.
  {
    Hdf5Writer<float> writer(path("old.h5"), 16, {64, 64, 1}, {64, 64, 1});
    const auto block = counted<float>({8, 64, 64, 1});
    writer.write(0, block, block);
    set_limit(200000);
    const std::string message = message_of([&] { writer.write(8, block, block); });
    set_limit(limit.rlim_cur);
    EXPECT_EQ(message, "cannot write " + path("old.h5") +
                           ": samples [8, 16): File too large; an older file of this name is "
                           "unchanged");
  }
  old_is_whole();
  std::signal(SIGXFSZ, previous);
}

}  // namespace
}  // namespace nopal
