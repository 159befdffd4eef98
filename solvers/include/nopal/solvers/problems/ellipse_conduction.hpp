// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/function_data.hpp>
#include <nopal/solvers/problems/problem.hpp>

#include <array>

namespace nopal {

/// Options of heat conduction around ellipses.
struct EllipseConductionOptions {
  std::int64_t around = 64;  ///< points along the ellipse
  std::int64_t away = 24;    ///< points away from it, the ellipse among them
  double outer = 3;          ///< |zeta| at the outermost points, see EllipseConduction

  /// Options `-<prefix>ellipse_conduction_...`. Collective.
  static EllipseConductionOptions read(const Communicator& comm, const std::string& prefix = "");
  using Options = EllipseConductionOptions;
};

/// Steady heat conduction around an ellipse that is kept at T = 1 in a solid with a temperature
/// gradient: Lap T = 0. With z = x + i y = (a + b) / 2 zeta + (a - b) / 2 / zeta, |zeta| >= 1
/// outside the ellipse of half axes a and b, the solution is T = Re F,
///
///   F = 1 - 0.5 ln zeta + 0.25 (a + b) / 2 (exp(-i alpha) zeta - exp(i alpha) / zeta),
///
/// a source of heat and, far away, a gradient in the direction alpha, so that both T and its
/// gradient are known exactly: grad T = (Re, -Im) of (dF / dzeta) / (dz / dzeta). The heat flux
/// through the ellipse, -dT / dn per unit length, peaks at its sharp ends.
///
/// 60 designs, as many as those of the re-entry capsule of Peyvan, Kumar, Karniadakis, arXiv
/// 2501.01934 (48 to train, 12 to test): a Halton sequence in a in [0.5, 1], b in [0.2, 0.6] and
/// alpha in [0, pi / 2]; the seed does not matter. x (around, away, 5) is a, b, alpha and the
/// coordinates, y (around, away, 1) is T; points are zeta = rho exp(i theta), ln rho equally spaced
/// from 0, consecutive ones away from the ellipse.
class EllipseConduction : public Problem {
 public:
  using Options = EllipseConductionOptions;
  static constexpr std::int64_t designs = 60;
  using Design = std::array<double, 3>;  ///< a, b, alpha

  explicit EllipseConduction(const EllipseConductionOptions& options,
                             const Communicator& comm = {});

  std::string name() const override { return "ellipse_conduction"; }
  Shape x_shape() const override;
  Shape y_shape() const override;
  std::map<std::string, std::string> metadata() const override;

  static Design design(std::uint64_t index);

  /// A point zeta = rho exp(i theta): where it is, T and its gradient.
  struct Place {
    std::array<double, 2> at, gradient;
    double temperature;
  };
  static Place place(const Design& design, double rho, double theta);

  /// `count` points of the ellipse, equally spaced in theta: places and exact gradients (count, 2),
  /// outward unit normals (count, 2) and lengths of the ellipse that the points stand for (count).
  struct Surface {
    Tensor<double> points, gradients, normals, lengths;
  };
  static Surface surface(const Design& design, std::int64_t count);

  /// Exact gradients (N P, 2, 1) at the points of the samples `designs`, in their order.
  template <class T>
  Tensor<T> gradients(const std::vector<std::int64_t>& designs) const;

  /// Samples as parameters (N, 3) and T at each sample's own points.
  template <class T>
  FunctionData<T> as_functions(const Dataset<T>& samples) const;

 private:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;
  std::vector<Place> places(const Design& design) const;

  EllipseConductionOptions options_;
};

}  // namespace nopal
