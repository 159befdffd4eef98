// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/random_field.hpp>
#include <nopal/solvers/problems/problem.hpp>
#include <nopal/solvers/problems/wave_solver.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nopal {

/// Parameters of the wave problem; each is the option `-<prefix>wave_<name>`.
struct WaveOptions {
  enum class Input { initial, source, speed };

  std::int64_t resolution = 65;   ///< points an axis of x and y
  std::int64_t solve_refine = 0;  ///< solve on this many times more cells; 0: up to 128 or more
  Input input = Input::initial;   ///< what x is
  std::int64_t frames = 1;        ///< channels of y: u at time k T/frames, k = 1, ..., frames
  double time = 1;                ///< T
  double speed = 1;               ///< c, or its mean
  double contrast = 0.3;          ///< speed: largest (c - speed) / speed
  std::int64_t pulses = 3;        ///< initial, source: Gaussian pulses of a sample
  double width = 0.08;            ///< standard deviation of a pulse
  double frequency = 3;           ///< source: of most power
  double cfl = 0.6;               ///< length of a step, see WaveSolver
  /// Options `boundary` (all sides), `x1_low`, `x1_high`, `x2_low`, `x2_high`.
  WaveSides sides = {};
  RandomFieldOptions field = default_field();  ///< speed: alpha, tau, sigma, zero_mean, max_mode
  std::string prefix = "wave_";                ///< of the options of the solver

  /// Smooth and of about unit size: N(0, 120^2 (-Laplace + 25)^-3), modes up to 16.
  static RandomFieldOptions default_field();

  /// These options from PETSc's database. Collective.
  static WaveOptions read(const Communicator& comm, const std::string& prefix = "");
};

/// Waves in the unit square: u_tt = div(c^2 grad u) + f, with u = 0, du/dn = 0 or an absorbing
/// condition on each side (WaveSide); y = (u(T/K), ..., u(T)), K = `frames`, all from x:
///
/// | input     | x                 | the rest                                                    |
/// | --------- | ----------------- | ----------------------------------------------------------- |
/// | `initial` | u(0), pulses      | u_t(0) = 0, c = `speed`, f = 0                              |
/// | `source`  | g, pulses         | u(0) = u_t(0) = 0, c = `speed`, f = s(t) g                  |
/// | `speed`   | c, a random field | u(0) = a pulse of height 1 at the centre, u_t(0) = 0, f = 0 |
///
/// Pulses are sum_p b_p exp(-|x - x_p|^2 / (2 width^2)), b_p independent N(0, 1), x_p uniform in
/// (0.25, 0.75)^2. The source is a Ricker wavelet, s(t) = (1 - 2 r) e^{-r}, r = (pi F (t - 1/F))^2,
/// F = `frequency`. The random speed is speed (1 + contrast tanh(a)), a = RandomField. With
/// `initial` and `source` the map is linear.
///
/// Points: (i/(n-1), j/(n-1)), i, j = 0, ..., n-1, n = `resolution`, both boundaries included. A
/// sample is solved on N = `solve_refine` (n - 1) cells and taken at the points; by default N is
/// the first multiple of n - 1 from 128 on, which leaves an error of about 1 % of u for the default
/// pulses at T = 1 (tests/petsc/wave_test.cpp). Lengths are in sides of the square. On one rank a
/// communicator, samples are the same bit for bit on any number of ranks and in any order; solved
/// by several ranks, to rounding.
///
/// Meant for comparing convolutional networks, after Boukraichi, Akkari, Casenave, Ryckelynck,
/// arXiv:2304.04964, who learn a 2-D wave equation; their data are not published, so this is not
/// their set.
class Wave : public Problem {
 public:
  using Options = WaveOptions;

  /// Error if an option has a value that is not allowed. Collective.
  explicit Wave(const WaveOptions& options, const Communicator& comm = {});

  std::string name() const override { return "wave"; }
  Shape x_shape() const override;
  Shape y_shape() const override;
  std::map<std::string, std::string> metadata() const override;

  WaveSolver& solver() noexcept { return *solver_; }

 protected:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;

 private:
  void draw_pulses(std::uint64_t seed, std::uint64_t index);
  void draw_speed(std::uint64_t seed, std::uint64_t index);

  WaveOptions options_;
  std::int64_t refine_ = 1;
  std::unique_ptr<WaveSolver> solver_;
  std::optional<RandomField> field_;
  std::vector<double> times_, nodes_, y_;
};

}  // namespace nopal
