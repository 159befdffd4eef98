// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <cmath>

namespace nopal::detail {

void check_positive(const std::string& option, double value) {
  NOPAL_CHECK(value > 0 && std::isfinite(value), "option -", option,
              ": expected a positive number, got ", value);
}

void read_field(PetscOptionReader& reader, RandomFieldOptions& field) {
  reader.real("alpha", "smoothness of the random field", field.alpha);
  reader.real("tau", "inverse correlation length of the random field", field.tau);
  reader.real("sigma", "amplitude of the random field", field.sigma);
  reader.boolean("zero_mean", "random field without its constant mode", field.zero_mean);
  reader.integer("max_mode", "largest mode of the random field, 0: all", field.max_mode);
}

void check_field(const std::string& prefix, const RandomFieldOptions& field) {
  NOPAL_CHECK(field.tau > 0 || (field.tau == 0 && field.zero_mean), "option -", prefix,
              "tau: expected a positive number, or 0 with zero_mean, got ", field.tau);
  check_positive(prefix + "alpha", field.alpha);
  check_positive(prefix + "sigma", field.sigma);
  NOPAL_CHECK(field.max_mode >= 0, "option -", prefix,
              "max_mode: expected 0 (all) or a positive mode number, got ", field.max_mode);
}

void describe_field(const RandomFieldOptions& field, std::map<std::string, std::string>& data) {
  data["alpha"] = text(field.alpha);
  data["tau"] = text(field.tau);
  data["sigma"] = text(field.sigma);
  data["zero_mean"] = field.zero_mean ? "true" : "false";
  data["max_mode"] = std::to_string(field.max_mode);
}

std::int64_t check_converged(KSP ksp, const std::string& solver, const std::string& prefix) {
  KSPConvergedReason reason = KSP_CONVERGED_ITERATING;
  PetscInt iterations = 0;
  PetscReal residual = 0;
  NOPAL_PETSC(KSPGetConvergedReason(ksp, &reason));
  NOPAL_PETSC(KSPGetIterationNumber(ksp, &iterations));
  NOPAL_PETSC(KSPGetResidualNorm(ksp, &residual));
  NOPAL_CHECK(reason > 0, solver, " did not converge: ", KSPConvergedReasons[reason], " after ",
              iterations, " iterations, residual norm ", residual, "; see -", prefix,
              "ksp_max_it, -", prefix, "ksp_rtol, -", prefix, "pc_type");
  return iterations;
}

void take_points(std::span<const double> nodes, std::int64_t width, std::int64_t step,
                 const Tensor<double>& to) {
  const std::int64_t n = to.extent(0);
  std::vector<double> points;
  points.reserve(static_cast<std::size_t>(n * n));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      points.push_back(nodes[static_cast<std::size_t>((i * width + j) * step)]);
  to.copy_from_host(points.data());
}

template <class T>
FunctionData<T> functions_on_own_points(const Dataset<T>& samples, std::int64_t parameters) {
  const std::int64_t channels = samples.x_shape()[-1], count = samples.size();
  const std::int64_t points = samples.x_shape().size() / channels, d = channels - parameters;
  std::vector<std::int64_t> first, rest;
  for (std::int64_t c = 0; c < parameters; ++c)
    first.push_back(c);
  for (std::int64_t p = 0; p < points; ++p)
    for (std::int64_t c = parameters; c < channels; ++c)
      rest.push_back(channels * p + c);
  std::vector<double> numbers;  // as_function_data() needs shared points; these are replaced
  for (std::int64_t p = 0; p < points; ++p)
    numbers.push_back(static_cast<double>(p));
  FunctionData<T> data = as_function_data(samples, product_points<T>({numbers}), {first, rest});
  data.points = data.functions[1].reshape({count * points, d});
  data.functions.resize(1);
  data.values = data.values.reshape({count * points, data.values.extent(-1)});
  for (std::int64_t i = 0; i <= count; ++i)
    data.offsets.push_back(i * points);
  return data;
}

template FunctionData<float> functions_on_own_points(const Dataset<float>&, std::int64_t);
template FunctionData<double> functions_on_own_points(const Dataset<double>&, std::int64_t);

void put_parameters_and_points(std::span<const double> parameters, const Tensor<double>& points,
                               const Tensor<double>& x) {
  const std::vector<double> at = points.to_vector();
  const auto d = static_cast<std::size_t>(points.extent(1));
  std::vector<double> numbers;
  for (std::size_t p = 0; p < at.size(); p += d) {
    numbers.insert(numbers.end(), parameters.begin(), parameters.end());
    for (std::size_t a = 0; a < d; ++a)
      numbers.push_back(at[p + a]);
  }
  NOPAL_CHECK(static_cast<std::int64_t>(numbers.size()) == x.size(), "expected x of ",
              numbers.size(), " numbers, got ", x.shape());
  x.copy_from_host(numbers.data());
}

std::vector<double> halton(std::uint64_t index, int dimension) {
  const std::uint64_t primes[] = {2, 3, 5, 7};
  std::vector<double> result;
  for (int a = 0; a < dimension; ++a) {
    const std::uint64_t base = primes[a];
    double value = 0, share = 1;
    for (std::uint64_t k = index + 1; k > 0; k /= base) {
      share /= static_cast<double>(base);
      value += share * static_cast<double>(k % base);
    }
    result.push_back(value);
  }
  return result;
}

}  // namespace nopal::detail
