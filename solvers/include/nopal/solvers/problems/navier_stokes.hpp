// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/problems/problem.hpp>
#include <nopal/solvers/problems/vorticity_solver.hpp>

#include <string>
#include <vector>

namespace nopal {

/// Options of the Navier-Stokes problem; those that are 0 are the recipe's.
struct NavierStokesOptions {
  std::string recipe = "de_hoop";  ///< "fno", "de_hoop", "forced", "kolmogorov", see NavierStokes
  std::int64_t resolution = 0;     ///< points along each axis of the samples
  std::int64_t solve_refine = 0;   ///< solved on so many times more points
  double viscosity = 0;
  double time = 0;                     ///< T, of the last frame; of "kolmogorov" since the first
  std::int64_t frames = 0;             ///< of "fno" and "kolmogorov", equally spaced in (0, T]
  double burn_in = 0;                  ///< of "kolmogorov": time before the first frame
  double force_exponent = 0;           ///< d of the law of f of "de_hoop"
  VorticitySolverOptions solver = {};  ///< scheme, step, cfl, largest_step

  /// Options `-<prefix>navier_stokes_...`. Collective.
  static NavierStokesOptions read(const Communicator& comm, const std::string& prefix = "");
  using Options = NavierStokesOptions;
};

// clang-format off
/// Flow of an incompressible fluid on a torus, in vorticity w (see VorticitySolver), by the recipes
/// of the literature:
///
/// | recipe     | domain, flow                                                    | x               | y          |
/// | ---------- | --------------------------------------------------------------- | --------------- | ---------- |
/// | fno        | unit torus, nu = 1e-3, f = 0.1 (sin + cos)(2 pi (x + y)), w_0 of a random field; T = 50, 50 frames, 64^2 of 256^2 | first 10 frames | the others |
/// | de_hoop    | (0, 2 pi)^2, nu = 1/40, w_0 the same for all, T = 10, 64^2      | f, random       | w(T)       |
/// | forced     | (0, 2 pi)^2, nu = 1/500, w_0 = 0, T = 5, 128^2 of 256^2         | f, random       | w(T)       |
/// | kolmogorov | (0, 2 pi)^2, nu = 1/500, f = -4 cos(4 y) - 0.1 w, w_0 random, after a time of 20; T = 20, 20 frames, 64^2 of 128^2 | w at 0 | frames |
///
/// fno: Li et al., ICLR 2021, w_0 as their released generator draws it. de_hoop: De Hoop et al.,
/// J. Mach. Learn. 1, 2022: f = sum over 50 pairs of waves (a_k cos(k.x) + b_k sin(k.x)) / (sqrt(2)
/// pi (9 + |k|^2)^(d/2)), those with the smallest |k|, a and b normal, d = 4 as in the script that
/// made their 40000 samples (one that makes 10 has d = 2: a force ten times larger, with flows that
/// are much harder to learn); their w_0 is one draw of the same law, here one of another experiment.
/// forced: Kossaifi et al., TMLR 2024: f of the law N(0, 27
/// (-Lap + 9)^-4). kolmogorov: the flow of Kochkov et al., PNAS 118, 2021, at their forcing and
/// drag. Fields x (n, n, .), y (n, n, .), frames as channels.
// clang-format on
class NavierStokes : public Problem {
 public:
  using Options = NavierStokesOptions;

  explicit NavierStokes(const NavierStokesOptions& options, const Communicator& comm = {});

  std::string name() const override { return "navier_stokes"; }
  Shape x_shape() const override;
  Shape y_shape() const override;
  std::map<std::string, std::string> metadata() const override;

  /// The options with those of the recipe in place of 0.
  const NavierStokesOptions& options() const noexcept { return options_; }

  /// A solver of this flow on n^2 points, without vorticity and force.
  VorticitySolver solver(std::int64_t n) const;
  /// w_0 and the curl of the force of a sample at n^2 points (empty: 0), j fastest.
  std::vector<double> initial(std::uint64_t seed, std::uint64_t index, std::int64_t n) const;
  std::vector<double> force(std::uint64_t seed, std::uint64_t index, std::int64_t n) const;

 private:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;

  NavierStokesOptions options_;
};

}  // namespace nopal
