// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/function_data.hpp>
#include <nopal/data/random_field.hpp>
#include <nopal/solvers/options.hpp>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace nopal::detail {

/// A number as metadata.
inline std::string text(double value) {
  return concatenate(value);
}

template <class Enum>
std::string name_of(Enum value, const std::vector<std::string>& names) {
  return names[static_cast<std::size_t>(value)];
}

/// Error unless the value of `option` (named with its prefix) is positive and finite.
void check_positive(const std::string& option, double value);

/// Options of a random field: read, checked (those with the prefix are named), as metadata.
void read_field(PetscOptionReader& reader, RandomFieldOptions& field);
void check_field(const std::string& prefix, const RandomFieldOptions& field);
void describe_field(const RandomFieldOptions& field, std::map<std::string, std::string>& data);

/// Iterations of the last solve; Error with PETSc's reason if it did not converge. `solver` names
/// it and `prefix` is that of its options.
std::int64_t check_converged(KSP ksp, const std::string& solver, const std::string& prefix);

/// Every `step`-th node of each axis of a square grid of `width` nodes an axis, from the first on,
/// at the points of `to` (n, n, 1). `nodes` is row-major.
void take_points(std::span<const double> nodes, std::int64_t width, std::int64_t step,
                 const Tensor<double>& to);

/// Samples x (..., v + d) of v parameters and d coordinates, both at each point, as functions: the
/// parameters (N, v), and y at each sample's own points.
template <class T>
FunctionData<T> functions_on_own_points(const Dataset<T>& samples, std::int64_t parameters);

/// The other way: x (..., v + d) from parameters and points (P, d).
void put_parameters_and_points(std::span<const double> parameters, const Tensor<double>& points,
                               const Tensor<double>& x);

/// Number `index` of the Halton sequence in [0, 1]^d, d <= 4: designs of experiments that fill a
/// box. Halton, Numer. Math. 2, 1960.
std::vector<double> halton(std::uint64_t index, int dimension);

/// Calls action(); its Error names the sample.
template <class Action>
void for_sample(std::uint64_t seed, std::uint64_t index, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    throw Error(concatenate("sample ", index, " of seed ", seed, ": ", error.what()), __FILE__,
                __LINE__);
  }
}

}  // namespace nopal::detail
