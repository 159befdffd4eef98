// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "options.hpp"

#include "common.hpp"
#include "petsc_session.hpp"

#include <nopal/solvers/options.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>

namespace nopal::tools {
namespace {

// As PETSc: a dash and a letter, so that negative numbers are values.
bool is_key(const std::string& word) {
  const std::size_t dashes = word.starts_with("--") ? 2 : 1;
  return word.size() > dashes && word[0] == '-' &&
         std::isalpha(static_cast<unsigned char>(word[dashes]));
}

std::optional<bool> to_boolean(std::string word) {
  for (char& c : word)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* yes : {"", "1", "true", "yes", "on"})
    if (word == yes) return true;
  for (const char* no : {"0", "false", "no", "off"})
    if (word == no) return false;
  return std::nullopt;
}

template <class Number>
std::optional<Number> to_number(const std::string& word) {
  Number value{};
  const char* const end = word.data() + word.size();
  const auto [last, code] = std::from_chars(word.data(), end, value);
  if (code != std::errc() || last != end) return std::nullopt;
  return value;
}

std::string format_number(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%g", value);
  return buffer;
}

}  // namespace

Options::Options(std::string command, std::string summary,
                 const std::vector<std::string>& arguments, bool help, const Communicator& comm)
    : command_(std::move(command)),
      summary_(std::move(summary)),
      help_(help),
      comm_(comm),
      arguments_(arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!is_key(arguments[i])) {
      words_.push_back(arguments[i]);
    } else if (i + 1 < arguments.size() && !is_key(arguments[i + 1])) {
      ++i;  // the value of the option
    }
  }
}

void Options::fail(const std::string& message) {
  if (error_.empty()) error_ = message;
}

void Options::fail_at_once(const std::string& message) {
  fail(message);
  NOPAL_CHECK(help_, message);
}

std::optional<std::string> Options::find(const std::string& name, const std::string& placeholder,
                                         const std::string& fallback, const std::string& help) {
  entries_.push_back({name, placeholder, fallback, help});
  PetscBool set = PETSC_FALSE;
  NOPAL_PETSC(PetscOptionsHasName(nullptr, nullptr, ("-" + name).c_str(), &set));
  if (!set) return std::nullopt;
  return peek(name);
}

std::string Options::peek(const std::string& name) {
  const char* value = nullptr;
  PetscBool set = PETSC_FALSE;
  NOPAL_PETSC(PetscOptionsFindPair(nullptr, nullptr, ("-" + name).c_str(), &value, &set));
  return set && value ? value : "";
}

std::string Options::positional(const std::string& name, const std::string& help, bool required) {
  positionals_.push_back(required ? name : "[" + name + "]");
  entries_.push_back({"", name, "", help});
  if (!words_.empty()) {
    const std::string word = words_.front();
    words_.erase(words_.begin());
    return word;
  }
  if (!flag_words_.empty()) {  // `-json FILE`: PETSc takes the word for the value of the flag
    const std::string word = flag_words_.front().second;
    flag_words_.erase(flag_words_.begin());
    return word;
  }
  if (required) fail("expected " + name + ": " + help);
  return "";
}

std::string Options::text(const std::string& name, const std::string& fallback,
                          const std::string& placeholder, const std::string& help) {
  const auto value = find(name, placeholder, fallback, help);
  if (value && value->empty())
    fail("option -" + name + ": expected " + placeholder + ", got nothing");
  return value.value_or(fallback);
}

std::string Options::required(const std::string& name, const std::string& placeholder,
                              const std::string& help) {
  const std::string value = text(name, "", placeholder, help);
  if (value.empty()) fail("option -" + name + " " + placeholder + " is required: " + help);
  entries_.back().fallback = "required";
  return value;
}

std::vector<std::string> Options::texts(const std::string& name, const std::string& placeholder,
                                        const std::string& help, bool required) {
  const std::string list =
      required ? this->required(name, placeholder, help) : text(name, "", placeholder, help);
  if (std::filesystem::exists(list)) return {list};
  std::vector<std::string> items = split(list);
  if (std::find(items.begin(), items.end(), "") != items.end())
    fail("option -" + name + ": expected " + placeholder + ", got '" + list + "'");
  return items;
}

std::string Options::choice(const std::string& name, const std::string& fallback,
                            const std::vector<std::string>& choices, const std::string& help) {
  std::string list;
  for (const std::string& item : choices)
    list += (list.empty() ? "" : ", ") + item;
  const std::string value = text(name, fallback, "NAME", help + ": " + list);
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    fail_at_once("option -" + name + ": expected one of " + list + ", got '" + value +
                 "'; did you mean '" + nearest(value, choices) + "'?");
  return value;
}

std::int64_t Options::integer(const std::string& name, std::int64_t fallback,
                              const std::string& help, std::int64_t minimum) {
  const auto value = find(name, "N", std::to_string(fallback), help);
  if (!value) return fallback;
  const auto number = to_number<std::int64_t>(*value);
  if (!number) {
    const bool digits = value->find_first_not_of("0123456789") == std::string::npos;
    fail("option -" + name + ": expected " +
         (digits && !value->empty() ? "at most " + std::to_string(INT64_MAX) : "an integer") +
         ", got '" + *value + "'");
    return fallback;
  }
  if (*number < minimum)
    fail("option -" + name + ": expected at least " + std::to_string(minimum) + ", got " + *value);
  return *number;
}

std::vector<std::int64_t> Options::integers(const std::string& name, const std::string& help) {
  const auto value = find(name, "N,...", "", help);
  std::vector<std::int64_t> numbers;
  if (!value) return numbers;
  for (const std::string& item : split(*value)) {
    const auto number = to_number<std::int64_t>(item);
    if (!number) fail("option -" + name + ": expected integers with commas, got '" + *value + "'");
    numbers.push_back(number.value_or(0));
  }
  if (numbers.empty()) fail("option -" + name + ": expected integers with commas, got nothing");
  return numbers;
}

double Options::real(const std::string& name, double fallback, const std::string& help,
                     double minimum) {
  const auto value = find(name, "X", format_number(fallback), help);
  if (!value) return fallback;
  const auto number = to_number<double>(*value);
  if (!number || !std::isfinite(*number)) {
    fail("option -" + name + ": expected a number, got '" + *value + "'");
    return fallback;
  }
  if (*number < minimum)
    fail("option -" + name + ": expected at least " + format_number(minimum) + ", got " + *value);
  return *number;
}

bool Options::flag(const std::string& name, bool fallback, const std::string& help) {
  const auto value = find(name, "", fallback ? "true" : "false", help);
  if (!value) return fallback;
  const auto boolean = to_boolean(*value);
  if (boolean) return *boolean;
  flag_words_.emplace_back(name, *value);
  return true;
}

nlohmann::json Options::configuration(const std::string& prefix, const nlohmann::json& defaults,
                                      const std::string& title) {
  section(title);
  nlohmann::json given = nlohmann::json::object();
  const auto parse = [](const std::string& word, const nlohmann::json& like) -> nlohmann::json {
    if (like.is_string()) return word;
    if (like.is_boolean()) {
      const auto value = to_boolean(word);
      return value ? nlohmann::json(*value) : nlohmann::json();
    }
    if (const auto value = to_number<std::int64_t>(word)) return *value;
    if (like.is_number_integer()) return {};
    if (const auto value = to_number<double>(word); value && std::isfinite(*value)) return *value;
    return {};
  };
  const auto describe = [](const nlohmann::json& value) {
    return value.is_boolean()                            ? "true or false"
           : value.is_string()                           ? "a name; a wrong one lists all"
           : value.is_number_integer()                   ? "an integer"
           : !value.is_array()                           ? "a number"
           : !value.empty() && value.front().is_string() ? "words with commas"
                                                         : "numbers with commas";
  };
  for (const auto& [key, value] : defaults.items()) {
    std::string fallback;
    if (value.is_array()) {
      for (const auto& item : value)
        fallback += (fallback.empty() ? "" : ",") +
                    (item.is_string() ? item.get<std::string>() : item.dump());
      if (fallback.empty()) fallback = "none";
    } else {
      fallback = value.is_string() ? value.get<std::string>() : value.dump();
    }
    const auto word = find(prefix + key, "", fallback, describe(value));
    if (!word) continue;
    nlohmann::json parsed;
    if (value.is_array()) {
      parsed = nlohmann::json::array();
      if (*word != "none")
        for (const std::string& item : split(*word)) {
          const nlohmann::json element =
              parse(item, value.empty() ? nlohmann::json(0.5) : value[0]);
          if (element.is_null())
            fail("option -" + prefix + key + ": expected " + describe(value) + ", got '" + *word +
                 "'");
          parsed.push_back(element);
        }
    } else {
      parsed = parse(*word, value);
    }
    if (parsed.is_null())
      fail("option -" + prefix + key + ": expected " + describe(value) + ", got '" + *word + "'");
    given[key] = parsed;
  }
  return given;
}

void Options::declare(const std::string& name, const std::string& fallback, const std::string& help,
                      bool hidden) {
  entries_.push_back({name, "", fallback, help, hidden});
}

void Options::section(const std::string& title) {
  entries_.push_back({"", "", "", title});
}

void Options::check_unknown(bool strict) const {
  std::vector<std::string> known;
  for (const Entry& entry : entries_)
    if (!entry.name.empty()) known.push_back(entry.name);
  check_unknown_options(
      [&](const std::string& name) {
        return std::find(known.begin(), known.end(), name) != known.end() ||
               (!strict && std::any_of(prefixes_.begin(), prefixes_.end(), [&](const auto& prefix) {
                 return name.starts_with(prefix);
               }));
      },
      known, "nopal help " + command_ + " lists all");
}

bool Options::ready() {
  if (help_) {
    if (comm_.rank() == 0) print_help();
    return false;
  }
  check_unknown(false);
  NOPAL_CHECK(words_.empty(), "unexpected argument '", words_.empty() ? "" : words_.front(),
              "': values follow their option, lists are written with commas (nopal help ", command_,
              ")");
  for (const auto& [name, word] : flag_words_)
    NOPAL_CHECK(false, "option -", name, ": expected true or false, got '", word, "'");
  NOPAL_CHECK(error_.empty(), error_);
  return true;
}

void Options::check_files(std::vector<NamedPath> inputs, std::vector<NamedPath> outputs) const {
  for (const NamedPath& file : petsc_inputs(arguments_))
    inputs.push_back(file);
  for (const NamedPath& file : petsc_outputs())
    outputs.push_back(file);
  check_distinct(inputs, outputs, comm_);
  for (const NamedPath& file : outputs)
    check_writable(file, comm_);
}

void Options::print_help() const {
  std::string usage = "nopal " + command_;
  for (const std::string& word : positionals_)
    usage += " " + word;
  for (const Entry& entry : entries_)
    if (entry.fallback == "required") usage += " -" + entry.name + " " + entry.placeholder;
  std::printf("%s\n\nUsage: %s [options]\n", summary_.c_str(), usage.c_str());
  bool heading = false;
  for (const Entry& entry : entries_) {
    if (entry.hidden) continue;
    if (entry.name.empty() && entry.placeholder.empty()) {
      std::printf("\n%s\n", entry.help.c_str());
      heading = true;
      continue;
    }
    if (!heading) std::printf("\nOptions\n");
    heading = true;
    std::string left = entry.name.empty() ? entry.placeholder : "-" + entry.name;
    if (!entry.name.empty() && !entry.placeholder.empty()) left += " " + entry.placeholder;
    std::string right = entry.help;
    if (entry.fallback == "required")
      right += " (required)";
    else if (!entry.fallback.empty())
      right += " [" + entry.fallback + "]";
    std::printf("  %-34s %s\n", left.c_str(), right.c_str());
  }
  for (const std::string& text : notes_)
    std::printf("\n%s\n", text.c_str());
  std::printf(
      "\nPETSc\n  -options_file FILE                 read options from a file\n"
      "  -log_view                          times of PETSc's and nopal's stages at the end\n"
      "  -options_left                      list options that were not used\n");
}

}  // namespace nopal::tools
