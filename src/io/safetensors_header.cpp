// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "io/safetensors_header.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace nopal::detail {
namespace {

using nlohmann::json;

constexpr std::pair<std::string_view, std::size_t> dtypes[] = {
    {"F64", 8},  {"F32", 4}, {"F16", 2},     {"BF16", 2},   {"I64", 8}, {"I32", 4},
    {"I16", 2},  {"I8", 1},  {"U64", 8},     {"U32", 4},    {"U16", 2}, {"U8", 1},
    {"BOOL", 1}, {"C64", 8}, {"F8_E5M2", 1}, {"F8_E4M3", 1}};

// Takes the header event by event. Nothing is built that the format does not ask for, so that depth
// and memory are bounded whatever the text says, and a name given twice is seen (a JSON value would
// keep the last of the two).
class HeaderReader : public nlohmann::json_sax<json> {
 public:
  HeaderReader(std::uint64_t data_size, const std::string& file)
      : data_size_(data_size), file_(file) {}

  SafetensorsHeader header;

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return unexpected("a number that is not a 64-bit integer");
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::shape) {
      NOPAL_CHECK(entry_.shape.rank() < Shape::max_rank, where(), "shape has more than ",
                  Shape::max_rank, " axes");
      NOPAL_CHECK(value <= std::uint64_t(std::numeric_limits<std::int64_t>::max()), where(),
                  "extent ", value, " in shape is too large");
      entry_.shape.push_back(static_cast<std::int64_t>(value));
    } else if (place_ == Place::offsets) {
      NOPAL_CHECK(offsets_ < 2, where(), "data_offsets has more than two numbers");
      (offsets_++ == 0 ? entry_.begin : entry_.end) = value;
    } else {
      return unexpected("a number");
    }
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata_value) {
      NOPAL_CHECK(header.metadata.emplace(key_, std::move(value)).second, file_,
                  ": __metadata__ has the entry '", printable(key_), "' twice");
      place_ = Place::metadata;
    } else if (place_ == Place::dtype) {
      NOPAL_CHECK(safetensors_dtype_size(value) > 0, where(), "unknown dtype '", printable(value),
                  "' (known: F32, F64, I64, I32, U8, BOOL and the other safetensors types)");
      entry_.dtype = std::move(value);
      place_ = Place::entry;
    } else {
      return unexpected("a string");
    }
    return true;
  }

  bool key(string_t& value) override {
    switch (place_) {
      case Place::root:
        key_ = std::move(value);
        is_metadata_ = key_ == "__metadata__";
        place_ = Place::root_value;
        NOPAL_CHECK(!is_metadata_ || !std::exchange(has_metadata_, true), file_,
                    ": __metadata__ is there twice");
        break;
      case Place::metadata:
        key_ = std::move(value);
        place_ = Place::metadata_value;
        break;
      case Place::entry: {
        constexpr std::array<const char*, 3> names = {"dtype", "shape", "data_offsets"};
        constexpr std::array places = {Place::dtype, Place::shape_start, Place::offsets_start};
        const auto i =
            static_cast<std::size_t>(std::find(names.begin(), names.end(), value) - names.begin());
        NOPAL_CHECK(i < names.size(), where(), "unknown field '", printable(value),
                    "', expected dtype, shape and data_offsets");
        NOPAL_CHECK(!std::exchange(seen_[i], true), where(), "the field ", names[i],
                    " is there twice");
        place_ = places[i];
        break;
      }
      default:
        return unexpected("a name");
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::start) {
      place_ = Place::root;
    } else if (place_ == Place::root_value && is_metadata_) {
      place_ = Place::metadata;
    } else if (place_ == Place::root_value) {
      entry_ = {};
      entry_.name = std::move(key_);
      seen_ = {};
      offsets_ = 0;
      place_ = Place::entry;
    } else {
      return unexpected("an object");
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::entry) finish_entry();
    place_ = place_ == Place::root ? Place::end : Place::root;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::shape_start)
      place_ = Place::shape;
    else if (place_ == Place::offsets_start)
      place_ = Place::offsets;
    else
      return unexpected("a list");
    return true;
  }

  bool end_array() override {
    NOPAL_CHECK(place_ != Place::offsets || offsets_ == 2, where(), "data_offsets has ", offsets_,
                " numbers, expected 2");
    place_ = Place::entry;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    NOPAL_CHECK(false, file_, ": not a safetensors file: its header is not valid JSON at byte ",
                position);
    return false;
  }

 private:
  enum class Place {
    start,
    root,
    root_value,
    metadata,
    metadata_value,
    entry,
    dtype,
    shape_start,
    shape,
    offsets_start,
    offsets,
    end
  };

  std::string where() const { return file_ + ": tensor '" + printable(entry_.name) + "': "; }

  bool unexpected(const char* what) const {
    const bool in_entry = place_ >= Place::entry && place_ < Place::end;
    NOPAL_CHECK(false, in_entry ? where() : file_ + ": ", "the safetensors header has ", what,
                place_ == Place::start            ? " where it should have an object"
                : place_ == Place::metadata_value ? " in __metadata__, which holds strings only"
                : place_ == Place::root_value     ? " where it should describe a tensor"
                                                  : " in the wrong place");
    return false;
  }

  // Checks one tensor by itself; how tensors lie to each other is checked at the end.
  void finish_entry() {
    NOPAL_CHECK(seen_[0] && seen_[1] && seen_[2], where(), "the field ",
                !seen_[0]   ? "dtype"
                : !seen_[1] ? "shape"
                            : "data_offsets",
                " is missing");
    // An extent of 0 must not hide a product of the others that overflows somewhere later.
    std::int64_t room = std::numeric_limits<std::int64_t>::max() /
                        static_cast<std::int64_t>(safetensors_dtype_size(entry_.dtype));
    for (const std::int64_t extent : entry_.shape) {
      room /= std::max<std::int64_t>(extent, 1);
      NOPAL_CHECK(room > 0, where(), "shape ", entry_.shape, " has too many entries");
    }
    const std::uint64_t bytes =
        static_cast<std::uint64_t>(entry_.shape.size()) * safetensors_dtype_size(entry_.dtype);
    NOPAL_CHECK(entry_.begin <= entry_.end, where(), "data_offsets [", entry_.begin, ", ",
                entry_.end, "] run backwards");
    NOPAL_CHECK(entry_.end <= data_size_, where(), "data_offsets [", entry_.begin, ", ", entry_.end,
                "] reach past the ", data_size_,
                " bytes of data: the file is truncated or damaged");
    NOPAL_CHECK(entry_.end - entry_.begin == bytes, where(), "shape ", entry_.shape, " of ",
                entry_.dtype, " needs ", bytes, " bytes, data_offsets give ",
                entry_.end - entry_.begin);
    header.entries.push_back(std::move(entry_));
  }

  std::uint64_t data_size_;
  const std::string& file_;
  Place place_ = Place::start;
  std::string key_;
  bool is_metadata_ = false, has_metadata_ = false;
  SafetensorsEntry entry_;
  std::array<bool, 3> seen_{};
  int offsets_ = 0;
};

// No name twice, and the data covered from first to last byte without gap or overlap: the format
// demands it, so that a file cannot hide anything or give one byte two meanings.
void check_layout(std::vector<SafetensorsEntry>& entries, std::uint64_t data_size,
                  const std::string& file) {
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto twin =
      std::adjacent_find(entries.begin(), entries.end(),
                         [](const auto& a, const auto& b) { return a.name == b.name; });
  NOPAL_CHECK(twin == entries.end(), file, ": tensor '", printable(twin->name), "' is there twice");
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t position = 0;
  for (const auto& entry : entries) {
    NOPAL_CHECK(entry.begin == position, file, ": tensor '", printable(entry.name),
                "' starts at byte ", entry.begin, " of the data, expected ", position, ": tensors ",
                entry.begin < position ? "overlap" : "leave a gap");
    position = entry.end;
  }
  NOPAL_CHECK(position == data_size, file, ": the tensors take ", position,
              " bytes of data, the file has ", data_size);
}

}  // namespace

std::size_t safetensors_dtype_size(std::string_view dtype) {
  for (const auto& [name, size] : dtypes)
    if (name == dtype) return size;
  return 0;
}

SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_size,
                                           const std::string& name) {
  NOPAL_CHECK(!text.empty() && text.front() == '{', name,
              ": not a safetensors file: its header does not start with '{'");
  // The JSON reader takes a zero byte for the end of its input and would not look behind it.
  NOPAL_CHECK(text.find('\0') == std::string_view::npos, name,
              ": not a safetensors file: its header has a zero byte");
  HeaderReader reader(data_size, name);
  json::sax_parse(text.begin(), text.end(), &reader);
  check_layout(reader.header.entries, data_size, name);
  return std::move(reader.header);
}

}  // namespace nopal::detail
