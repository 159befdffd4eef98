// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/function_data.hpp>
#include <nopal/data/gaussian_process.hpp>
#include <nopal/solvers/problems/problem.hpp>
#include <nopal/solvers/problems/reaction_diffusion.hpp>

#include <string>

namespace nopal {

/// Options of the diffusion-reaction system.
struct DiffusionReactionOptions {
  std::int64_t sensors = 101;     ///< m, of the source, equally spaced, ends included
  std::int64_t times = 100;       ///< intervals of the output in time
  std::int64_t solve_refine = 4;  ///< solved with so many times more points and steps
  double diffusion = 0.01;        ///< D
  double reaction = 0.01;         ///< k
  double time = 1;
  double length = 0.2;  ///< of the random source, see GaussianProcess

  /// Options `-<prefix>diffusion_reaction_...`. Collective.
  static DiffusionReactionOptions read(const Communicator& comm, const std::string& prefix = "");
  using Options = DiffusionReactionOptions;
};

/// s_t = D s_xx + k s^2 + u(x) on [0, 1] with s = 0 at first and at both ends, driven by a random
/// u: Lu et al., Nat. Mach. Intell. 3, 2021, section 4.3. On the grid of m sensors and times + 1
/// equally spaced times, 0 included, x (m, times + 1, 1) is u, the same at all times, and y (m,
/// times + 1, 1) is s.
class DiffusionReaction : public Problem {
 public:
  using Options = DiffusionReactionOptions;

  explicit DiffusionReaction(const DiffusionReactionOptions& options,
                             const Communicator& comm = {});

  std::string name() const override { return "diffusion_reaction"; }
  Shape x_shape() const override { return y_shape(); }
  Shape y_shape() const override { return {options_.sensors, options_.times + 1, 1}; }
  std::map<std::string, std::string> metadata() const override;

  /// The samples as functions (N, m) and their images at the points (x, t) of the grid.
  template <class T>
  FunctionData<T> as_functions(const Dataset<T>& samples) const;

  const DiffusionReactionOptions& options() const noexcept { return options_; }

 private:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;

  DiffusionReactionOptions options_;
  GaussianProcess process_;
};

}  // namespace nopal
