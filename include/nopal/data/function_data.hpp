// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/random.hpp>
#include <nopal/core/tensor.hpp>
#include <nopal/data/dataset.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nopal {

/// Functions at sensors, and the values of their images at points: what a DeepONet trains on.
///
// clang-format off
/// | member    | shared points | points of each function (ragged)                                        |
/// | --------- | ------------- | ----------------------------------------------------------------------- |
/// | functions | (N, m_1), ... | (N, m_1), ...: any number of input functions                            |
/// | points    | (P, d)        | (R, d), those of function i in the rows offsets[i] to offsets[i + 1] - 1 |
/// | offsets   | empty         | N + 1 numbers from 0 to R that do not fall                              |
/// | values    | (N, P, C)     | (R, C)                                                                  |
/// | mask      | (N, P)        | (R); 1: counts, 0: not; undefined: all count                            |
// clang-format on
template <class T>
struct FunctionData {
  std::vector<Tensor<T>> functions;
  Tensor<T> points;
  std::vector<std::int64_t> offsets;
  Tensor<T> values;
  Tensor<T> mask;

  std::int64_t size() const { return functions.empty() ? 0 : functions[0].extent(0); }  ///< N
  bool shared() const { return offsets.empty(); }
  std::int64_t channels() const { return values.extent(-1); }
  std::int64_t first_row(std::int64_t i) const;  ///< of sample i in `values`, seen as (rows, C)
  std::int64_t rows(std::int64_t i) const { return first_row(i + 1) - first_row(i); }

  /// Error that names the first thing that does not fit: shapes, offsets, a number that is not
  /// finite, a sample whose mask is empty, two shared points that are the same. `name` is that of
  /// the data in the message.
  void check(const std::string& name) const;
};

/// Samples on grids as functions and points: y (N, X1, ..., C) at the `points` (X1 X2 ..., d) of
/// its grid, last axis fastest. Each of `entries` is a function: which numbers of x, counted from 0
/// in a sample, are its values (none: all, as a single function).
template <class T>
FunctionData<T> as_function_data(const Dataset<T>& data, const Tensor<T>& points,
                                 const std::vector<std::vector<std::int64_t>>& entries = {});

/// Points (n1 n2 ..., d) of the grid of all combinations of coordinates, last axis fastest.
template <class T>
Tensor<T> product_points(const std::vector<std::vector<double>>& coordinates);

/// n equally spaced numbers, the ends included.
std::vector<double> equally_spaced(double low, double high, std::int64_t n);

/// The samples `indices`, in that order.
template <class T>
FunctionData<T> select_samples(const FunctionData<T>& data, std::span<const std::int64_t> indices);

/// Rows `rows` of x (N, ...), in that order.
template <class T>
Tensor<T> select_rows(const Tensor<T>& x, const std::vector<std::int64_t>& rows);

/// `count` random points of each sample, each at most once, or all of a sample that has no more.
/// Shared points stay shared: all samples then have the same ones.
template <class T>
FunctionData<T> select_points(const FunctionData<T>& data, std::int64_t count,
                              const Random& random);

/// Part `part` of `parts` of the points of each sample, in equal numbers up to one.
template <class T>
FunctionData<T> divide_points(const FunctionData<T>& data, int part, int parts);

}  // namespace nopal
