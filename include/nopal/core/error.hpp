// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace nopal {

/// The one exception type of the library.
///
/// `what()` is a single line that names what was expected, what came and what to do, so that a
/// program can print it as it is. `where()` gives the source position, which is for developers.
class Error : public std::runtime_error {
 public:
  Error(const std::string& message, const char* file, int line);

  /// Source position as `file.cpp:line`.
  const std::string& where() const noexcept { return where_; }

 private:
  std::string where_;
};

namespace detail {

/// Joins the arguments of an error message; used on the failing path only.
template <class... Args>
std::string concatenate(const Args&... args) {
  std::ostringstream out;
  out.precision(10);
  (out << ... << args);
  return out.str();
}

[[noreturn]] void throw_error(const std::string& message, const char* file, int line);

}  // namespace detail

/// The member of `candidates` with the least Levenshtein distance to `word`; "" if there is none.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// How a message about an unknown word ends: `; did you mean 'x'? (x, y, z)`.
std::string suggestion(std::string_view word, const std::vector<std::string>& known);

/// Text from an untrusted file for an error message or a terminal: control characters replaced by
/// '?' and at most `longest` bytes, so that the message stays one line.
std::string printable(std::string_view text, std::size_t longest = 80);

}  // namespace nopal

/// Throws nopal::Error with the remaining arguments streamed into one message unless `condition`
/// holds. Always active: it guards what users pass in, so it must not vanish in release builds.
#define NOPAL_CHECK(condition, ...)                                                                \
  do {                                                                                             \
    if (!(condition))                                                                              \
      ::nopal::detail::throw_error(::nopal::detail::concatenate(__VA_ARGS__), __FILE__, __LINE__); \
  } while (false)
