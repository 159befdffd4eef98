// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/io/safetensors.hpp>

#include "test_tools.hpp"

#include <cstring>

namespace nopal {
namespace {

using test::expect_error;
using test::ScratchFolder;

// A file as its bytes: length, header, and `data` zero bytes.
std::string file_of(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + std::string(data, '\0');
}

void expect_refused(const std::string& header, std::size_t data,
                    std::initializer_list<std::string> words) {
  SCOPED_TRACE(header);
  const std::string bytes = file_of(header, data);
  expect_error([&] { parse_safetensors(bytes.data(), bytes.size(), "f.safetensors"); }, words);
  expect_error([&] { parse_safetensors(bytes.data(), bytes.size(), "f.safetensors"); },
               {"f.safetensors"});
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" +
         offsets + "}";
}

TEST(Safetensors, WrittenAndReadBack) {
  SafetensorsFile file;
  file.tensors["float"] =
      FileTensor::from_tensor(Tensor<float>::from_host({2, 3}, {0, 1, 2, 3, 4, 5}));
  file.tensors["double"] = FileTensor::from_tensor(Tensor<double>::from_host({2}, {0.1, -1e300}));
  file.tensors["scalar"] = FileTensor::from_tensor(Tensor<double>::from_host({}, {7}));
  file.tensors["empty"] = FileTensor::from_tensor(Tensor<float>({3, 0, 2}));
  file.tensors["byte"] = {"U8", {3}, {'a', 'b', 'c'}};
  file.tensors["quote \" and \xc3\xa4"] = {"I64", {1}, std::vector<char>(8, '\1')};
  file.metadata = {{"format", "test"}, {"text", "two\nlines \"quoted\""}};

  ScratchFolder folder;
  const std::string path = folder / "f.safetensors";
  write_safetensors(path, file);
  const SafetensorsFile back = read_safetensors(path);
  const std::string bytes = test::read_file(path);
  const SafetensorsFile parsed = parse_safetensors(bytes.data(), bytes.size(), "memory");

  EXPECT_EQ(back.metadata, file.metadata);
  EXPECT_EQ(parsed.metadata, file.metadata);
  ASSERT_EQ(back.tensors.size(), file.tensors.size());
  ASSERT_EQ(parsed.tensors.size(), file.tensors.size());
  for (const auto& [name, tensor] : file.tensors)
    for (const SafetensorsFile* other : {&back, &parsed}) {
      const FileTensor& found = other->tensors.at(name);
      EXPECT_EQ(found.dtype, tensor.dtype) << name;
      EXPECT_EQ(found.shape, tensor.shape) << name;
      EXPECT_EQ(found.bytes, tensor.bytes) << name;
    }
  EXPECT_EQ(back.tensors.at("float").to_tensor<double>().to_vector(),
            (std::vector<double>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(back.tensors.at("double").to_tensor<double>().to_vector()[0], 0.1);
  EXPECT_EQ(back.tensors.at("double").to_tensor<float>().to_vector()[0], 0.1f);
  EXPECT_EQ(back.tensors.at("scalar").to_tensor<float>().item(), 7);
  expect_error([&] { back.tensors.at("byte").to_tensor<float>(); }, {"F32 or F64", "U8"});
}

TEST(Safetensors, TensorsAreAlignedToTheirEntries) {
  SafetensorsFile file;
  file.tensors["a"] = {"U8", {3}, {'a', 'b', 'c'}};
  file.tensors["b"] = FileTensor::from_tensor(Tensor<float>::from_host({1}, {1}));
  file.tensors["c"] = FileTensor::from_tensor(Tensor<double>::from_host({1}, {1}));
  ScratchFolder folder;
  const std::string path = folder / "f.safetensors";
  write_safetensors(path, file);
  const std::string bytes = test::read_file(path);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  EXPECT_NE(bytes.find(R"("c":{"dtype":"F64","shape":[1],"data_offsets":[0,8]})"),
            std::string::npos);
  EXPECT_NE(bytes.find(R"("b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]})"),
            std::string::npos);
  EXPECT_NE(bytes.find(R"("a":{"dtype":"U8","shape":[3],"data_offsets":[12,15]})"),
            std::string::npos);
}

// Values taken from the files with Python's struct and json modules.
TEST(Safetensors, ReadsWhatTheReferenceWriterWrote) {
  const SafetensorsFile dense =
      read_safetensors(std::string(NOPAL_TEST_DATA) + "/fno2d_dense.safetensors");
  EXPECT_EQ(dense.tensors.size(), 68u);
  EXPECT_EQ(dense.metadata.at("model"), "neuraloperator 2.0.0 FNO");
  EXPECT_EQ(dense.metadata.at("parameters"), "7426");
  const FileTensor& x = dense.tensors.at("in.x");
  EXPECT_EQ(x.dtype, "F32");
  EXPECT_EQ(x.shape, (Shape{2, 2, 20, 16}));
  const auto values = x.to_tensor<float>().to_vector();
  EXPECT_EQ(values[0], 0.470319539308548f);
  EXPECT_EQ(values[640], 1.2143393754959106f);
  EXPECT_EQ(values[1279], 1.2445279359817505f);
  EXPECT_EQ(dense.tensors.at("param.projection.fcs.1.bias").to_tensor<double>().item(),
            -0.12956823408603668);
  EXPECT_EQ(dense.tensors.at("param.fno_blocks.convs.2.weight.tensor").shape,
            (Shape{6, 6, 8, 4, 2}));

  const SafetensorsFile tucker =
      read_safetensors(std::string(NOPAL_TEST_DATA) + "/tfno2d_tucker.safetensors");
  EXPECT_EQ(tucker.tensors.size(), 68u);
  const FileTensor& factor = tucker.tensors.at("param.fno_blocks.convs.0.weight.factors.factor_1");
  EXPECT_EQ(factor.shape, (Shape{8, 6, 2}));
  const auto entries = factor.to_tensor<float>().to_vector();
  EXPECT_EQ(entries[0], 0.16703686118125916f);
  EXPECT_EQ(entries[48], 0.01922556757926941f);
  EXPECT_EQ(entries[95], 0.24574492871761322f);
}

TEST(Safetensors, SmallestFileAndTrailingSpaces) {
  const std::string empty = file_of("{}", 0), padded = file_of("{}      ", 0);
  EXPECT_TRUE(parse_safetensors(empty.data(), empty.size(), "f").tensors.empty());
  EXPECT_TRUE(parse_safetensors(padded.data(), padded.size(), "f").tensors.empty());
}

TEST(Safetensors, HeaderLengthIsChecked) {
  expect_error([] { parse_safetensors("\2\0\0\0\0\0\0\0{", 9, "f"); }, {"only 9 bytes"});
  expect_error([] { parse_safetensors("", 0, "f"); }, {"only 0 bytes"});
  expect_error([] { parse_safetensors("\3\0\0\0\0\0\0\0{}", 10, "f"); },
               {"header of 3 bytes", "the file has 10"});
  expect_error([] { parse_safetensors("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "f"); },
               {"18446744073709551615", "100000000"});
  expect_refused("", 8, {"does not start with '{'"});
}

TEST(Safetensors, HeaderThatIsNotJsonIsRefused) {
  expect_refused(" {}", 0, {"start with '{'"});
  expect_refused("[]", 0, {"start with '{'"});
  expect_refused("{\"a\":", 8, {"not valid JSON at byte"});
  expect_refused("{} {}", 8, {"not valid JSON at byte"});
  expect_refused(std::string("{}\0{}", 5), 8, {"zero byte"});
  expect_refused("{\"\xff\":1}", 8, {"not valid JSON at byte"});
  expect_refused("{\"__metadata__\":{\"a\":\"" + std::string(100000, '['), 0, {"not valid JSON"});
}

TEST(Safetensors, DepthIsBounded) {
  expect_refused(R"({"a":)" + std::string(100000, '['), 0, {"a list"});
  std::string objects = "{";
  for (int i = 0; i < 100000; ++i)
    objects += R"("a":{)";
  expect_refused(objects, 0, {"'a'", "unknown field"});
  expect_refused(R"({"a":{"shape":[[1]]}})", 0, {"'a'", "a list"});
}

TEST(Safetensors, FieldsAreChecked) {
  expect_refused(R"({"a":1})", 0, {"a number", "describe a tensor"});
  expect_refused(R"({"a":null})", 0, {"null", "describe a tensor"});
  expect_refused(R"({"a":{}})", 0, {"'a'", "dtype is missing"});
  expect_refused(R"({"a":{"dtype":"F32","shape":[1]}})", 4, {"'a'", "data_offsets is missing"});
  expect_refused(R"({"a":{"dtype":"F32","dtype":"F32"}})", 4, {"'a'", "dtype is there twice"});
  expect_refused(R"({"a":{"stride":[1]}})", 4, {"'a'", "unknown field 'stride'"});
  expect_refused("{" + entry("a", "F33", "[1]", "[0,4]") + "}", 4, {"'a'", "unknown dtype 'F33'"});
  expect_refused(R"({"a":{"dtype":32}})", 4, {"'a'", "a number"});
  expect_refused("{" + entry("a", "F32", "[-1]", "[0,4]") + "}", 4, {"'a'", "a negative number"});
  expect_refused("{" + entry("a", "F32", "[1.0]", "[0,4]") + "}", 4, {"'a'", "64-bit integer"});
  expect_refused("{" + entry("a", "F32", "[1]", "[0,4,4]") + "}", 4, {"'a'", "more than two"});
  expect_refused("{" + entry("a", "F32", "[1]", "[0]") + "}", 4, {"'a'", "1 numbers, expected 2"});
  expect_refused("{" + entry("a", "F32", "[1,1,1,1,1,1,1]", "[0,4]") + "}", 4,
                 {"'a'", "more than 6 axes"});
  expect_refused(R"({"__metadata__":{"a":1}})", 0, {"strings only"});
  expect_refused(R"({"__metadata__":"a"})", 0, {"a string"});
  expect_refused(R"({"__metadata__":{"a":"1","a":"2"}})", 0, {"'a' twice"});
  expect_refused(R"({"__metadata__":{},"__metadata__":{}})", 0, {"__metadata__ is there twice"});
}

TEST(Safetensors, ShapesAndOffsetsAreChecked) {
  expect_refused("{" + entry("a", "F32", "[2]", "[0,4]") + "}", 4, {"'a'", "needs 8", "give 4"});
  expect_refused("{" + entry("a", "F32", "[2]", "[0,8]") + "}", 7,
                 {"'a'", "past the 7 bytes", "truncated"});
  expect_refused("{" + entry("a", "F32", "[1]", "[4,0]") + "}", 4, {"'a'", "backwards"});
  expect_refused("{" + entry("a", "F32", "[4294967296,4294967296]", "[0,0]") + "}", 0,
                 {"'a'", "too many entries"});
  expect_refused("{" + entry("a", "F32", "[0,4294967296,4294967296]", "[0,0]") + "}", 0,
                 {"'a'", "too many entries"});
  expect_refused("{" + entry("a", "U8", "[18446744073709551615]", "[0,1]") + "}", 1,
                 {"'a'", "too large"});
  expect_refused(
      "{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("a", "F32", "[1]", "[4,8]") + "}", 8,
      {"'a'", "twice"});
  expect_refused(
      "{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("b", "F32", "[1]", "[0,4]") + "}", 4,
      {"'b'", "overlap"});
  expect_refused(
      "{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("b", "F32", "[1]", "[8,12]") + "}", 12,
      {"'b'", "leave a gap"});
  expect_refused("{" + entry("a", "F32", "[1]", "[0,4]") + "}", 5,
                 {"take 4 bytes", "the file has 5"});
}

TEST(Safetensors, NamesCannotBreakTheMessage) {
  expect_refused(R"({"a\nb":{}})", 0, {"'a?b'"});
  expect_refused("{\"" + std::string(100000, 'n') + "\":{}}", 0, {"nnn...'"});
}

TEST(Safetensors, FilesThatCannotBeReadAreNamed) {
  ScratchFolder folder;
  expect_error([&] { read_safetensors(folder / "none.safetensors"); },
               {"none.safetensors", "No such file"});
  expect_error([&] { read_safetensors(folder.path().string()); },
               {folder.path().string(), "not a file"});
  const std::string golden =
      test::read_file(std::string(NOPAL_TEST_DATA) + "/fno2d_dense.safetensors");
  const std::string path = folder / "short.safetensors";
  test::write_file(path, golden.substr(0, golden.size() - 1));
  expect_error([&] { read_safetensors(path); }, {path, "truncated"});
  test::write_file(path, golden.substr(0, 100));
  expect_error([&] { read_safetensors(path); }, {path, "truncated"});
  test::write_file(path, "");
  expect_error([&] { read_safetensors(path); }, {path, "only 0 bytes"});
}

TEST(Safetensors, WriterRefusesWhatItCouldNotRead) {
  ScratchFolder folder;
  const std::string path = folder / "f.safetensors";
  test::write_file(path, "old");
  SafetensorsFile file;
  file.tensors["a"] = {"F32", {2}, std::vector<char>(4)};
  expect_error([&] { write_safetensors(path, file); }, {path, "'a'", "(2)", "4 bytes"});
  file.tensors["a"] = {"F31", {1}, std::vector<char>(4)};
  expect_error([&] { write_safetensors(path, file); }, {path, "'a'", "F31"});
  expect_error([&] { write_safetensors("/dev/full", {}); }, {"/dev/full", "No space left"});
  EXPECT_EQ(test::read_file(path), "old");
}

}  // namespace
}  // namespace nopal
