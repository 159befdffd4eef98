// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Damaged safetensors files: each is read or refused with an Error of one line, in memory that is
// a small multiple of the file. What is read is consistent with itself.

#include <gtest/gtest.h>
#include <nopal/core/random.hpp>
#include <nopal/io/safetensors.hpp>

#include "test_tools.hpp"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>

// Counts the bytes that live in blocks from operator new, in the test and in the library. The
// operators only hand on: nvcc takes them for device code, which cannot throw.
namespace {

std::atomic<std::size_t> live{0}, peak{0};

void* allocate(std::size_t size, bool throws) {
  void* block = std::malloc(size);
  if (!block && throws) throw std::bad_alloc();
  if (!block) return nullptr;
  live += malloc_usable_size(block);
  peak = std::max(peak.load(), live.load());
  return block;
}

void release(void* block) noexcept {
  if (block) live -= malloc_usable_size(block);
  std::free(block);
}

}  // namespace
[[gnu::noinline]] void* operator new(std::size_t size) {
  return allocate(size, true);
}
// The sanitizers' own nothrow form, used by std::stable_sort, would not match the delete below.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, false);
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  release(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
  release(block);
}

namespace nopal {
namespace {

// Numbers of one mutated file: they depend on its index only, so that a failure can be repeated.
class Dice {
 public:
  explicit Dice(std::uint64_t index) : random_(2026, index) {}
  std::size_t below(std::size_t n) {
    return static_cast<std::size_t>(random_.bits(next_++) % std::max<std::size_t>(n, 1));
  }
  template <class T, std::size_t N>
  const T& pick(const T (&items)[N]) {
    return items[below(N)];
  }

 private:
  Random random_;
  std::uint64_t next_ = 0;
};

std::string with_length(std::uint64_t length, const std::string& rest) {
  return std::string(reinterpret_cast<const char*>(&length), 8) + rest;
}

std::uint64_t header_length(const std::string& file) {
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  return length;
}

std::string small_file() {
  SafetensorsFile file;
  file.tensors["weight"] = FileTensor::from_tensor(Tensor<float>::zeros({2, 3}));
  file.tensors["scale"] = FileTensor::from_tensor(Tensor<double>::zeros({}));
  file.tensors["none"] = FileTensor::from_tensor(Tensor<float>::zeros({4, 0}));
  file.tensors["flags"] = {"U8", {3}, {1, 2, 3}};
  file.metadata = {{"format", "test"}, {"configuration", R"({"n_modes": [4, 4]})"}};
  const test::ScratchFolder folder;
  write_safetensors(folder / "f", file);
  return test::read_file(folder / "f");
}

void flip_bits(std::string& bytes, std::size_t first, std::size_t count, Dice& dice) {
  for (std::size_t times = 1 + dice.below(8); times > 0; --times)
    bytes[first + dice.below(count)] ^= static_cast<char>(1 << dice.below(8));
}

// Puts text into the header and keeps its length right, so that the JSON is looked at.
std::string edit_header(const std::string& file, Dice& dice) {
  static const char* const pieces[] = {
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "\"",
      "\\",
      "0",
      "-1",
      "1e400",
      "18446744073709551616",
      "9223372036854775807",
      "4294967296",
      "null",
      "true",
      "{}",
      "[]",
      "\"F64\"",
      "\"\\u0000\"",
      "\"a\\nb\"",
      "\"\\ud800\"",
      "\xff",
      "\n",
      " ",
      "[0,0]",
      "\"dtype\":\"F32\",",
      "\"shape\":[4294967296,4294967296,0],",
      "\"data_offsets\":[0,0],",
      "\"__metadata__\":{},",
      "\"x\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},",
      "\"weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]},"};
  std::string header = file.substr(8, header_length(file));
  const std::string data = file.substr(8 + header.size());
  for (std::size_t times = 1 + dice.below(3); times > 0; --times) {
    const std::size_t at = dice.below(header.size());
    switch (dice.below(5)) {
      case 0:
        header.insert(at, dice.pick(pieces));
        break;
      case 1: {  // at a place where a name or value starts, to get further into the structure
        const std::size_t start = header.find_first_of(",{[:", at);
        if (start != std::string::npos) header.insert(start + 1, dice.pick(pieces));
        break;
      }
      case 2:
        header.erase(at, 1 + dice.below(20));
        break;
      case 3: {  // another number
        const std::size_t start = header.find_first_of("0123456789", at);
        if (start == std::string::npos) break;
        const std::size_t end = header.find_first_not_of("0123456789", start);
        header.replace(start, end - start, std::to_string(dice.below(200)));
        break;
      }
      default:
        header.insert(at, std::string(dice.below(5000), "[{\" "[dice.below(4)]));
    }
    if (header.empty()) header = "{";
  }
  return with_length(header.size(), header + data);
}

std::string mutate(std::string file, Dice& dice) {
  const std::uint64_t length = header_length(file);
  switch (dice.below(8)) {
    case 0:
      flip_bits(file, 0, file.size(), dice);
      return file;
    case 1:
      flip_bits(file, 8, length, dice);
      return file;
    case 2:
      flip_bits(file, 0, 8, dice);
      return file;
    case 3:
      return file.substr(0, dice.below(file.size()));
    case 4: {
      const std::uint64_t lengths[] = {0,
                                       1,
                                       length - 1,
                                       length + 1,
                                       length + 8,
                                       file.size() - 8,
                                       file.size() - 7,
                                       100'000'000,
                                       100'000'001,
                                       ~0ull,
                                       1ull << 63};
      return with_length(dice.pick(lengths), file.substr(8));
    }
    case 5:
      return file + std::string(1 + dice.below(100), static_cast<char>(dice.below(256)));
    default:
      return edit_header(file, dice);
  }
}

// What an accepted file must be; the data part is covered once, so sizes add up to it.
void expect_consistent(const SafetensorsFile& file, const std::string& bytes) {
  std::size_t total = 0;
  for (const auto& [name, tensor] : file.tensors) {
    total += tensor.bytes.size();
    const std::map<std::string, std::int64_t> widths = {{"F64", 8}, {"F32", 4}, {"U8", 1}};
    if (const auto width = widths.find(tensor.dtype); width != widths.end()) {
      EXPECT_EQ(tensor.shape.size() * width->second, std::int64_t(tensor.bytes.size())) << name;
    }
  }
  EXPECT_EQ(total, bytes.size() - 8 - header_length(bytes));
}

void fuzz(const std::string& original, std::uint64_t first, std::uint64_t count) {
  ASSERT_NO_THROW(parse_safetensors(original.data(), original.size(), "f"));
  int accepted = 0, refused = 0;
  for (std::uint64_t i = first; i < first + count; ++i) {
    Dice dice(i);
    const std::string bytes = mutate(original, dice);
    const std::size_t before = live;
    peak = before;
    try {
      const SafetensorsFile file = parse_safetensors(bytes.data(), bytes.size(), "f");
      ++accepted;
      expect_consistent(file, bytes);
    } catch (const Error& error) {
      ++refused;
      const std::string_view message = error.what();
      EXPECT_TRUE(message.size() < 400 && message.find('\n') == std::string::npos) << message;
    }
    EXPECT_LE(peak - before, 8 * bytes.size() + 20000) << "bytes for a file of " << bytes.size();
    ASSERT_FALSE(testing::Test::HasFailure()) << "mutation " << i;
  }
  // Both ends of the reader are reached.
  EXPECT_GT(accepted, static_cast<int>(count / 200));
  EXPECT_GT(refused, static_cast<int>(count / 2));
}

TEST(SafetensorsFuzz, SmallFile) {
  fuzz(small_file(), 0, 20000);
}

TEST(SafetensorsFuzz, GoldenFile) {
  fuzz(test::read_file(std::string(NOPAL_TEST_DATA) + "/tfno2d_tucker.safetensors"), 100000, 2000);
}

}  // namespace
}  // namespace nopal
