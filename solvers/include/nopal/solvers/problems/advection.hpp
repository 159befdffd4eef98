// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/problems/problem.hpp>

namespace nopal {

/// Options of linear advection.
struct AdvectionOptions {
  std::int64_t kind = 1;         ///< 1, 2 or 3, see Advection
  std::int64_t resolution = 40;  ///< n points of the circle
  std::int64_t frames = 40;      ///< kinds 2 and 3: times, both ends included
  double time = 0.5;             ///< kind 1: of the output
  double noise = 0;              ///< deviation of noise in x, as a share of x's rms; y has none

  /// Options `-<prefix>advection_...`. Collective.
  static AdvectionOptions read(const Communicator& comm, const std::string& prefix = "");
  using Options = AdvectionOptions;
};

/// u_t + u_x = 0 on the circle [0, 1), with initial values that jump: the cases I, II and III of Lu
/// et al., CMAME 393, 114778, 2022, section 5.4. Exact solutions u0(x - t) at x_i = i / n.
///
/// | kind | initial values                                                   | y             |
/// | ---- | ---------------------------------------------------------------- | ------------- |
/// | 1    | a square wave: height in [1, 2], width in [0.3, 0.6], centre in  | u at one time |
/// |      | [0.3, 0.7]                                                       | (n, 1)        |
/// | 2    | the same                                                         | (n, frames, 1), t in
/// [0, 1] | | 3    | a square wave (height [0.5, 2], width [0.1, 0.2], centre [0.2,   | (n, frames,
/// 1) | |      | 0.3]) and a hat h sqrt(max(1 - a^2 (x - c)^2, 0)), h in [0.5,    |               |
/// |      | 2], a in [5, 10], c in [0.7, 0.8]                                |               |
///
/// x is u at t = 0, (n, 1) for kind 1 and repeated for all frames (n, frames, 1) otherwise.
class Advection : public Problem {
 public:
  using Options = AdvectionOptions;

  explicit Advection(const AdvectionOptions& options, const Communicator& comm = {});

  std::string name() const override { return "advection"; }
  Shape x_shape() const override;
  Shape y_shape() const override { return x_shape(); }
  std::map<std::string, std::string> metadata() const override;

 private:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;

  AdvectionOptions options_;
};

}  // namespace nopal
