// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "data/hdf5_tools.hpp"

#include <mutex>

namespace nopal::hdf5 {
namespace {

std::recursive_mutex& mutex() {
  static std::recursive_mutex instance;
  return instance;
}

// Part of `text` after `begin` and before `end`; empty if there is none.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const auto first = text.find(begin);
  if (first == std::string::npos) return {};
  const auto last = text.find(end, first + begin.size());
  if (last == std::string::npos) return {};
  return text.substr(first + begin.size(), last - first - begin.size());
}

struct Complaint {
  std::string innermost, system;
};

herr_t visit(unsigned, const H5E_error2_t* error, void* data) {
  auto& result = *static_cast<Complaint*>(data);
  const std::string text = error->desc ? error->desc : "";
  if (text.empty()) return 0;
  if (result.innermost.empty()) result.innermost = text;
  if (result.system.empty()) result.system = between(text, "error message = '", "'");
  // The MPI library's text, of a call that HDF5 made.
  if (result.system.empty() && text.rfind("MPI_ERR_", 0) == 0) result.system = text;
  return 0;
}

}  // namespace

Section::Section() {
  mutex().lock();
  H5Eget_auto2(H5E_DEFAULT, &printer_, &argument_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Section::~Section() {
  H5Eset_auto2(H5E_DEFAULT, printer_, argument_);
  mutex().unlock();
}

std::string complaint() {
  Complaint result;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, visit, &result);
  std::string text = result.system.empty() ? result.innermost : result.system;
  if (text.empty()) text = "HDF5 gives no reason";
  for (char& c : text)
    if (c == '\n' || c == '\r') c = ' ';
  return text;
}

}  // namespace nopal::hdf5
