// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/random_field.hpp>
#include <nopal/solvers/problems/darcy_solver.hpp>
#include <nopal/solvers/problems/problem.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// Parameters of the Darcy problem; each is the option `-<prefix>darcy_<name>`.
struct DarcyOptions {
  enum class Coefficient { piecewise, lognormal, constant, manufactured, multiscale };

  std::int64_t resolution = 64;   ///< points an axis of x and y
  std::int64_t solve_refine = 0;  ///< solve on this many times more cells; 0: see Darcy
  Coefficient coefficient = Coefficient::piecewise;
  double high = 12;                               ///< piecewise: a where g >= 0
  double low = 3;                                 ///< piecewise: a where g < 0
  double value = 1;                               ///< constant: a
  double source = 1;                              ///< f (but for manufactured)
  FaceAverage average = FaceAverage::arithmetic;  ///< of a between nodes
  RandomFieldOptions field = published_field();   ///< g: alpha, tau, sigma, zero_mean, max_mode
  std::string prefix = "darcy_";                  ///< of the options of the solver

  /// N(0, (-Laplace + 9)^-2) with zero-flux boundary and without the constant mode.
  static RandomFieldOptions published_field();

  /// The "rough" data: piecewise with tau = 5, high = 12, low = 2.
  static DarcyOptions rough();

  /// These options from PETSc's database. Collective. `-<prefix>darcy_coefficient rough` starts
  /// from rough() instead of the defaults.
  static DarcyOptions read(const Communicator& comm, const std::string& prefix = "");
};

/// Darcy flow: -div(a grad u) = f on the unit square, u = 0 on its boundary; x = a, y = u.
///
/// | coefficient    | a                                                                         |
/// | -------------- | ------------------------------------------------------------------------- |
/// | `piecewise`    | `high` where g >= 0, `low` elsewhere (12 and 3 in the paper, 12 and 4 in  |
/// |                | its released generator)                                                   |
/// | `lognormal`    | exp(g)                                                                    |
/// | `constant`     | `value`                                                                   |
/// | `manufactured` | 2 + sin(2 pi x1) cos(2 pi x2), with f such that u = sin(pi x1) sin(pi x2) |
/// | `multiscale`   | product over k = 1, ..., 6 of (1 + 1/2 cos(a_k pi (x1 + x2)))             |
/// |                | (1 + 1/2 sin(a_k pi (x2 - 3 x1))), a_k uniform in 2^(k-1) (1, 1.5)        |
///
/// with g a Gaussian random field (RandomField). Source: Li et al., "Fourier neural operator for
/// parametric partial differential equations", ICLR 2021. The published generator moves a and u
/// between cell centres and nodes by splines, which over- and undershoots; here nodes are nodes.
///
/// The rough() and multiscale data are those of He, Liu, Xu, "MgNO", ICLR 2024, where they are
/// files of 512^2 and 1023^2 points without a generator. Not confirmed by it: that 12 and 2 are the
/// rough values (the file's name says contrast 6; the values are in arXiv:2408.00775), and of the
/// multiscale ones the formula (after Owhadi, SIAM Review 59, 2017), the law of a_k and f = 1.
///
/// Points: (i/n, j/n), i, j = 0, ..., n-1, n = `resolution`, first axis first: the lower boundary
/// is included, the upper is not. That is the grid of coordinates that a Fourier neural operator
/// adds to its input, and every second point of 2n points is a point of n, so that models can be
/// judged at other resolutions.
///
/// A sample is drawn and solved on N = `solve_refine` n cells, then both fields are taken at the
/// points, unchanged. By default N is the first multiple of n from 256 on (multiscale: from 1024),
/// so that 64, 128 and 256 points show the same coefficient and solution. If N differs, so do the
/// highest modes of g; set `max_mode` to keep them out. On one rank a communicator, samples are the
/// same bit for bit on any number of ranks and in any order; solved by several ranks, to the
/// solver's tolerance.
class Darcy : public Problem {
 public:
  using Options = DarcyOptions;

  /// Error if an option has a value that is not allowed. Collective.
  explicit Darcy(const DarcyOptions& options, const Communicator& comm = {});

  std::string name() const override { return "darcy"; }
  Shape x_shape() const override;
  Shape y_shape() const override;
  std::map<std::string, std::string> metadata() const override;

  DarcySolver& solver() noexcept { return *solver_; }

 protected:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;

 private:
  void draw_coefficient(std::uint64_t seed, std::uint64_t index);
  void draw_multiscale(std::uint64_t seed, std::uint64_t index);

  DarcyOptions options_;
  std::int64_t refine_ = 1;
  std::unique_ptr<DarcySolver> solver_;
  std::unique_ptr<RandomField> field_;
  std::vector<double> a_, f_, u_;
};

}  // namespace nopal
