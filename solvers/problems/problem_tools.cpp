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

}  // namespace nopal::detail
