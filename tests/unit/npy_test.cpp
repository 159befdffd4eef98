// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "data_test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/data/npy.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace nopal {
namespace {

namespace fs = std::filesystem;
using test::counted;
using test::message_of;

std::string golden(const std::string& name) {
  return std::string(NOPAL_TEST_DATA) + "/npy/" + name + ".npy";
}

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A version 1 file with this dictionary and `data` zero bytes.
std::string file_with(const std::string& dictionary, std::size_t data) {
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(dictionary.size() & 0xff);
  file += static_cast<char>(dictionary.size() >> 8);
  return file + dictionary + std::string(data, '\0');
}

std::string problem(const std::string& file) {
  return message_of([&] { parse_npy<float>(file.data(), file.size(), "a.npy"); });
}

template <class T>
void check_types() {
  for (const std::string type : {"f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4"})
    for (const char* order : {"", "_fortran"}) {
      const auto array = read_npy<T>(golden(type + order));
      EXPECT_EQ(array.shape(), (Shape{2, 3, 2}));
      auto expected = counted<T>({2, 3, 2}, type[0] == 'u' ? 0 : -5).to_vector();
      if (type[0] == 'f')
        for (T& value : expected)
          value /= 2;
      EXPECT_EQ(array.to_vector(), expected) << type << order;
    }
  EXPECT_EQ(read_npy<T>(golden("b1")).to_vector(),
            (std::vector<T>{1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0}));
}

TEST(Npy, ReadsEveryTypeAndOrder) {
  check_types<float>();
  check_types<double>();
}

TEST(Npy, ReadsEveryVersionAndRank) {
  for (const char* name : {"version2", "version3"})
    EXPECT_EQ(read_npy<double>(golden(name)).to_vector(), counted<double>({12}, -5).to_vector());
  EXPECT_EQ(read_npy<double>(golden("scalar")).shape(), Shape());
  EXPECT_EQ(read_npy<double>(golden("scalar")).item(), 2.5);
  EXPECT_EQ(read_npy<float>(golden("line")).to_vector(), (std::vector<float>{0, 1, 2}));
  EXPECT_EQ(read_npy<float>(golden("empty")).shape(), (Shape{0, 4}));
}

// What NumPy itself writes, byte for byte.
TEST(Npy, WritesAsNumPy) {
  const auto path =
      (fs::temp_directory_path() / ("nopal_" + std::to_string(::getpid()) + ".npy")).string();
  for (const char* name : {"f4", "line", "empty"}) {
    write_npy(path, read_npy<float>(golden(name)));
    EXPECT_EQ(bytes_of(path), bytes_of(golden(name))) << name;
  }
  for (const char* name : {"f8", "scalar"}) {
    write_npy(path, read_npy<double>(golden(name)));
    EXPECT_EQ(bytes_of(path), bytes_of(golden(name))) << name;
  }
  fs::remove(path);
  EXPECT_NE(message_of([&] {
              write_npy("/dev/full", counted<float>({3}));
            }).find("No space left on device"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              write_npy("/nowhere/a.npy", counted<float>({3}));
            }).find("folder /nowhere does not exist"),
            std::string::npos);
}

TEST(Npy, NamesWhatIsWrong) {
  EXPECT_EQ(message_of([] { read_npy<float>("/nowhere/a.npy"); }),
            "/nowhere/a.npy: cannot be opened for reading");
  EXPECT_EQ(message_of([] { read_npy<float>("/tmp"); }), "/tmp: is a folder, expected an npy file");
  EXPECT_NE(message_of([] { read_npy<float>(golden("big_endian")); }).find("type '>f4' is not"),
            std::string::npos);
  EXPECT_NE(message_of([] { read_npy<float>(golden("complex")); }).find("type '<c8' is not"),
            std::string::npos);
  EXPECT_NE(message_of([] {
              read_npy<float>(golden("record"));
            }).find("records are not supported, only numbers"),
            std::string::npos);

  EXPECT_EQ(problem(""), "a.npy: not an npy file");
  EXPECT_EQ(problem("text"), "a.npy: not an npy file");
  EXPECT_EQ(problem("\x93NUMPY"), "a.npy: the npy file is truncated in its header");
  std::string file = bytes_of(golden("f4"));
  EXPECT_EQ(problem(file), "no error");
  EXPECT_EQ(
      problem(file.substr(0, file.size() - 1)),
      "a.npy: shape (2, 3, 2) of <f4 needs 48 bytes of data, the file has 47; it is truncated");
  EXPECT_EQ(problem(file + "x"),
            "a.npy: shape (2, 3, 2) of <f4 needs 48 bytes of data, the file has 49; it is damaged");
  EXPECT_EQ(problem(file.substr(0, 100)),
            "a.npy: the npy file is damaged or truncated: its header should have 118 bytes, the "
            "file has 100");
  file[6] = 4;
  EXPECT_EQ(problem(file), "a.npy: npy format version 4 is unknown, expected 1 to 3");

  const std::string start = "{'descr': '<f4', 'fortran_order': False, 'shape': ";
  EXPECT_EQ(problem(file_with(start + "(2,), }", 8)), "no error");
  EXPECT_EQ(problem(file_with("{\"shape\":(2L,),'fortran_order':True,'descr':'<f4'}", 8)),
            "no error");
  const std::string damaged = "a.npy: the header of the npy file is damaged: ";
  EXPECT_EQ(problem(file_with(start + "(-1,), }", 8)), damaged + "an extent is not a number");
  EXPECT_EQ(problem(file_with(start + "(2,)", 8)), damaged + "expected '}'");
  EXPECT_EQ(problem(file_with(start + "(2,), } 1", 8)),
            damaged + "something follows the dictionary");
  EXPECT_EQ(problem(file_with("{'descr': '<f4'}", 8)),
            damaged + "expected descr, fortran_order and shape");
  EXPECT_EQ(problem(file_with(start + "(2,), 'shape': (1,)}", 8)),
            damaged + "entry 'shape' is unknown or comes twice");
  EXPECT_EQ(problem(file_with(start + "(1, 1, 1, 1, 1, 1, 1), }", 4)),
            "a.npy: the array has more than 6 axes");
  // Shapes whose size is huge or wraps around are refused before memory is taken.
  EXPECT_NE(problem(file_with(start + "(4294967296, 4294967296), }", 8)).find("is too large"),
            std::string::npos);
  EXPECT_NE(problem(file_with(start + "(4611686018427387905,), }", 4)).find("too large"),
            std::string::npos);
  EXPECT_NE(problem(file_with(start + "(99999999999999999999999,), }", 4)).find("too large"),
            std::string::npos);
  EXPECT_NE(problem(file_with(start + "(1000000000,), }", 4)).find("needs 4000000000 bytes"),
            std::string::npos);
}

// Damaged files give an array or an Error, nothing else; run with sanitizers to see more.
TEST(Npy, SurvivesRandomDamage) {
  const std::string good = bytes_of(golden("f8_fortran"));
  std::uint64_t state = 1;
  const auto random = [&](std::uint64_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % n;
  };
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string file = good;
    for (std::uint64_t k = 0; k <= random(4); ++k)
      file[random(file.size() - (k % 2 ? 0 : 80))] = static_cast<char>(random(256));
    if (random(4) == 0) file.resize(random(file.size()));
    refused += problem(file) != "no error";
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace nopal
