// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <cstddef>
#include <string>

namespace nopal {

/// Reads an array that NumPy saved (`numpy.save`, format 1 to 3), with 0 to 6 axes, converted to T.
///
/// Types: little-endian floats and integers of up to 8 bytes and bool (`<f4 <f8 <i2 <i4 <i8 <u2 <u4
/// |i1 |u1 |b1`), in C or Fortran order. The file is untrusted: its header and length are checked
/// before memory is taken. Values may be anything, NaN included. Error names the file and what is
/// wrong. Not collective.
template <class T>
Tensor<T> read_npy(const std::string& path);

/// The same from memory (`name` stands for the path in errors).
template <class T>
Tensor<T> parse_npy(const char* data, std::size_t size, const std::string& name);

/// Writes `<f4` or `<f8` in C order, whole or not at all (see AtomicFile). Not collective: call it
/// on one rank.
template <class T>
void write_npy(const std::string& path, const Tensor<T>& tensor);

}  // namespace nopal
