// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/function_data.hpp>
#include <nopal/solvers/problems/problem.hpp>

#include <string>
#include <vector>

namespace nopal {

/// Options of the flows with exact solutions.
struct ExactFlowOptions {
  std::string flow = "wedge";    ///< "wedge", "riemann", "nozzle_shock"
  std::int64_t resolution = 64;  ///< points along each axis

  /// Options `-<prefix>exact_flow_...`. Collective.
  static ExactFlowOptions read(const Communicator& comm, const std::string& prefix = "");
  using Options = ExactFlowOptions;
};

// clang-format off
/// Flows of an ideal gas (gamma = 1.4) whose shocks are known exactly, for operators that are to
/// follow them; random parameters, n points an axis.
///
/// | flow         | parameters                                | points                              | values    |
/// | ------------ | ----------------------------------------- | ----------------------------------- | --------- |
/// | wedge        | M in [2.5, 4], theta in [5, 20] degrees   | x in [0, 1], y from x tan theta to 1 | rho, u, v, p; stream 1.4, (M, 0), 1 |
/// | riemann      | rho, p left in [0.75, 1.25], right in [0.1, 0.4] | x in [-0.5, 0.5] at t = 0.2  | rho, u, p |
/// | nozzle_shock | A_e in [1.5, 2.5], back pressure          | x in [0, 1], A = 1 + (A_e - 1) x^2  | rho, u, p; reservoir 1.4, 0, 1 |
///
/// The wedge has its oblique shock, the Riemann problem its rarefaction, contact and shock; the
/// quasi-one-dimensional nozzle a normal shock where the back pressure, drawn from the range that
/// allows it, puts it. x (..., v + d) is the parameters and the coordinates, y (..., C) the values.
// clang-format on
class ExactFlow : public Problem {
 public:
  using Options = ExactFlowOptions;

  explicit ExactFlow(const ExactFlowOptions& options, const Communicator& comm = {});

  std::string name() const override { return "exact_flow"; }
  Shape x_shape() const override;
  Shape y_shape() const override;
  std::map<std::string, std::string> metadata() const override;

  /// The parameters of a sample; the values (C) for parameters at a point.
  std::vector<double> parameters(std::uint64_t seed, std::uint64_t index) const;
  std::vector<double> value(const std::vector<double>& parameters,
                            const std::vector<double>& point) const;

  /// Samples as parameters (N, v) and values at each sample's own points.
  template <class T>
  FunctionData<T> as_functions(const Dataset<T>& samples) const;

 private:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;

  ExactFlowOptions options_;
};

}  // namespace nopal
