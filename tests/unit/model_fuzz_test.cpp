// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// A model file is untrusted: whatever its bytes, reading it gives a model or an Error of one line,
// and takes memory in proportion to the file.

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/io/safetensors.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/operators/operator.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>
#include <new>

namespace {

// Largest block that operator new was asked for, in the test and in the library.
std::atomic<std::size_t> largest_block{0};

// The operators below only hand on: nvcc takes them for device code, which cannot throw.
void* allocate(std::size_t size, bool throws = true) {
  std::size_t largest = largest_block.load();
  while (size > largest && !largest_block.compare_exchange_weak(largest, size)) {
  }
  if (void* block = std::malloc(std::max<std::size_t>(size, 1))) return block;
  if (throws) throw std::bad_alloc();
  return nullptr;
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
// The sanitizers' own nothrow form, used by std::stable_sort, would not match the delete below.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, false);
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete[](void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  std::free(block);
}

namespace nopal {
namespace {

using nlohmann::json;

constexpr std::size_t memory_limit = std::size_t(64) << 20;

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t operator()(std::uint64_t n) {  // 0, ..., n-1
    state_ += 0x9e3779b97f4a7c15u;             // splitmix64
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % std::max<std::uint64_t>(n, 1);
  }
  template <class Container>
  auto pick(const Container& from) {
    return *std::next(std::begin(from), static_cast<std::ptrdiff_t>((*this)(std::size(from))));
  }

 private:
  std::uint64_t state_;
};

// The parts of a safetensors file, to take it apart and put it together again.
struct Parts {
  json header;
  std::string data;

  explicit Parts(const std::string& file) {
    std::uint64_t length = 0;
    std::memcpy(&length, file.data(), 8);
    header = json::parse(file.substr(8, length));
    data = file.substr(8 + length);
  }
  std::string file() const {
    const std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
    const std::uint64_t length = text.size();
    std::string result(8, '\0');
    std::memcpy(result.data(), &length, 8);
    return result + text + data;
  }
};

std::string any_key(const json& object, Random& random) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items())
    keys.push_back(key);
  return random.pick(keys);
}

// Values that a careless reader would trip over.
json strange_value(Random& random) {
  static const std::vector<json> values = {0,
                                           1,
                                           2,
                                           3,
                                           7,
                                           64,
                                           1000,
                                           1 << 20,
                                           (1 << 20) + 1,
                                           1LL << 31,
                                           1LL << 40,
                                           1LL << 62,
                                           std::numeric_limits<std::int64_t>::max(),
                                           std::numeric_limits<std::uint64_t>::max(),
                                           -1,
                                           -2,
                                           std::numeric_limits<std::int64_t>::min(),
                                           0.5,
                                           1e-300,
                                           1e300,
                                           -0.0,
                                           1.5,
                                           1e19,
                                           true,
                                           false,
                                           nullptr,
                                           "",
                                           "0",
                                           "fno",
                                           "tucker",
                                           "cp",
                                           "tt",
                                           "dense",
                                           "2021",
                                           "2.0",
                                           "none",
                                           "linear",
                                           "soft-gating",
                                           "identity",
                                           "group_norm",
                                           "instance_norm",
                                           "per_sign",
                                           "factorized",
                                           "reconstructed",
                                           "one-sided",
                                           "a\nb",
                                           "a\x01b",
                                           json::array(),
                                           json::object(),
                                           json::array({1, 1}),
                                           json::array({8}),
                                           json::array({1, 1, 1}),
                                           json::array({1 << 20, 1 << 20}),
                                           json::array({-4, 4}),
                                           json::array({0, 0}),
                                           json::array({1e300, 4}),
                                           json::array({0.5, 0.5}),
                                           json::array({true, "a"}),
                                           json::array({json::array({1})}),
                                           json::array({1, 2, 3, 4, 5, 6, 7}),
                                           json::array({0, 1LL << 62}),
                                           json::array({4, 4, 4, 4}),
                                           std::string(300, 'x')};
  return random.pick(values);
}

// The file with one edit of the header, the data as they are.
std::string edit_header(const std::string& file, Random& random) {
  Parts parts(file);
  json& header = parts.header;
  std::vector<std::string> names;
  for (const auto& [name, value] : header.items())
    if (name != "__metadata__") names.push_back(name);
  const std::string name = random.pick(names);
  json& entry = header[name];
  json& metadata = header["__metadata__"];
  switch (random(9)) {
    case 0:
      entry["shape"][random(entry["shape"].size())] = strange_value(random);
      break;
    case 1:
      entry["data_offsets"][random(2)] = strange_value(random);
      break;
    case 2:
      entry["dtype"] =
          random.pick(std::vector<json>{"F64", "I64", "U8", "F16", "BF16", "", 3, "f32"});
      break;
    case 3: {  // the same number of entries in another shape
      auto shape = entry["shape"].get<std::vector<std::int64_t>>();
      std::rotate(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(random(shape.size())),
                  shape.end());
      if (random(2)) shape.push_back(1);
      entry["shape"] = shape;
      break;
    }
    case 4:
      entry[random.pick(std::vector<std::string>{"dtype", "shape", "data_offsets"})] =
          strange_value(random);
      break;
    case 5: {  // a missing and an extra tensor
      const json moved = entry;
      header.erase(name);
      header[random(2) ? name + "\n" : random.pick(names)] = moved;
      break;
    }
    case 6:
      metadata.erase(any_key(metadata, random));
      break;
    case 7:
      metadata[any_key(metadata, random)] = strange_value(random);
      break;
    default:
      header[random(2) ? name : "__metadata__"] = strange_value(random);
  }
  return parts.file();
}

// The file with one to three options of its configuration changed.
std::string edit_configuration(const std::string& file, Random& random) {
  Parts parts(file);
  json& text = parts.header["__metadata__"]["configuration"];
  json configuration = json::parse(text.get<std::string>());
  for (std::uint64_t times = 0; times <= random(3); ++times) {
    const std::string key = any_key(configuration, random);
    if (random(12) == 0)
      configuration.erase(key);
    else if (random(12) == 0)
      configuration[key + "x"] = strange_value(random);
    else
      configuration[key] = strange_value(random);
    if (configuration.empty()) break;
  }
  switch (random(30)) {
    case 0:
      text = strange_value(random).dump();
      break;
    case 1:
      text = std::string(random(100000), "[{"[random(2)]);
      break;
    case 2:
      text = "{\"n_modes\": " + std::string(50000, '[') + std::string(50000, ']') + "}";
      break;
    default:
      text = configuration.dump();
  }
  return parts.file();
}

std::string damage_bytes(std::string file, Random& random) {
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  switch (random(7)) {
    case 0:  // bits anywhere
      for (std::uint64_t i = 0; i <= random(8); ++i)
        file[random(file.size())] ^= static_cast<char>(1 << random(8));
      break;
    case 1:  // bits of the header
      for (std::uint64_t i = 0; i <= random(3); ++i)
        file[8 + random(length)] ^= static_cast<char>(1 << random(8));
      break;
    case 2:  // bytes of the header
      for (std::uint64_t i = 0; i <= random(3); ++i)
        file[8 + random(length)] = "0123456789\"\\{}[],:-.eE \n\t\0\xff\x80ux"[random(31)];
      break;
    case 3:
      file.resize(random(2) ? random(file.size()) : random(8 + length));
      break;
    case 4: {  // another length of the header
      const std::uint64_t lengths[] = {
          0,           1,     length - 1, length + 1, file.size() - 8,
          file.size(), ~0ull, 1ull << 63, 1ull << 40, random(file.size())};
      const std::uint64_t edited = lengths[random(std::size(lengths))];
      std::memcpy(file.data(), &edited, 8);
      break;
    }
    case 5: {  // a piece taken out
      const std::uint64_t first = random(file.size());
      file.erase(first, 1 + random(64));
      break;
    }
    default: {  // a piece doubled
      const std::uint64_t first = random(file.size());
      file.insert(random(8 + length), file.substr(first, 1 + random(64)));
    }
  }
  return file;
}

std::string model_bytes(const std::string& name, const json& configuration) {
  Model<float> model(make_operator<float>(name, configuration, 3),
                     Normaliser<float>(Tensor<float>::zeros({1}), Tensor<float>::zeros({1})),
                     Normaliser<float>(Tensor<float>::zeros({2}), Tensor<float>::zeros({2})));
  model.provenance()["data"] = "d.h5";
  const test::ScratchFolder folder;
  model.save(folder / "m.safetensors");
  return test::read_file(folder / "m.safetensors");
}

struct Count {
  int accepted = 0, refused = 0;
  std::size_t largest = 0;
};

// Reads the file as a model, and uses the model if there is one.
void read_model(const std::string& bytes, Count& count) {
  const std::size_t before = memory_statistics().in_use;
  reset_peak_memory();
  largest_block = 0;
  try {
    const auto file = parse_safetensors(bytes.data(), bytes.size(), "m.safetensors");
    const auto model = Model<float>::from_file(file, "m.safetensors");
    ++count.accepted;
    if (count.accepted % 8 == 0) {
      const auto modes = model.op().configuration().value("n_modes", std::vector<int>{1, 1});
      Shape shape{1};
      for (std::size_t axis = 0; axis < modes.size(); ++axis)
        shape.push_back(6);
      shape.push_back(1);
      model.predict(Tensor<float>::zeros(shape));
    }
  } catch (const Error& error) {
    ++count.refused;
    const std::string message = error.what();
    EXPECT_TRUE(std::none_of(message.begin(), message.end(), [](unsigned char c) {
      return c < ' ';
    })) << message;
    EXPECT_LT(message.size(), 4000u) << message.substr(0, 200);
  }
  count.largest =
      std::max({count.largest, largest_block.load(), memory_statistics().peak_in_use - before});
}

// `mutate` of the models, `times` times; some files stay readable, most do not.
template <class Mutate>
void fuzz(int times, std::uint64_t seed, Mutate&& mutate) {
  const std::string models[] = {model_bytes("fno", {{"n_modes", {4, 4}},
                                                    {"in_channels", 1},
                                                    {"out_channels", 2},
                                                    {"hidden_channels", 4},
                                                    {"n_layers", 2}}),
                                model_bytes("fno", {{"n_modes", {4, 4}},
                                                    {"in_channels", 1},
                                                    {"out_channels", 2},
                                                    {"hidden_channels", 6},
                                                    {"n_layers", 2},
                                                    {"factorization", "tucker"},
                                                    {"rank", 0.5},
                                                    {"domain_padding", {0.25}}}),
                                model_bytes("fno", {{"n_modes", {6}},
                                                    {"in_channels", 1},
                                                    {"out_channels", 2},
                                                    {"hidden_channels", 4},
                                                    {"n_layers", 1},
                                                    {"factorization", "tt"},
                                                    {"rank", 0.7}})};
  Count count;
  for (const std::string& model : models)
    read_model(model, count);
  ASSERT_EQ(count.accepted, 3) << "the models themselves are refused";
  Random random(seed);
  for (int i = 0; i < times; ++i) {
    const std::string file = mutate(random.pick(models), random);
    try {
      read_model(file, count);
    } catch (const std::exception& error) {
      test::write_file(testing::TempDir() + "model_fuzz_case", file);
      FAIL() << "case " << i << " throws what is no nopal::Error: " << error.what();
    }
    ASSERT_LE(count.largest, memory_limit) << "case " << i;
    if (testing::Test::HasFailure()) return;
  }
  testing::Test::RecordProperty("accepted", count.accepted);
  EXPECT_GT(count.accepted, 3);  // some damage is harmless: to weights, to provenance
  EXPECT_GT(count.refused, times / 4);
}

TEST(ModelFuzz, Bytes) {
  fuzz(5000, 1, [](const std::string& file, Random& random) { return damage_bytes(file, random); });
}

TEST(ModelFuzz, Header) {
  fuzz(4000, 2, [](const std::string& file, Random& random) { return edit_header(file, random); });
}

TEST(ModelFuzz, Configuration) {
  fuzz(5000, 3,
       [](const std::string& file, Random& random) { return edit_configuration(file, random); });
}

// Two kinds of damage in one file.
TEST(ModelFuzz, Combined) {
  fuzz(2000, 4, [](const std::string& file, Random& random) {
    return damage_bytes(random(2) ? edit_header(file, random) : edit_configuration(file, random),
                        random);
  });
}

}  // namespace
}  // namespace nopal
