// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/function_data.hpp>
#include <nopal/data/gaussian_process.hpp>
#include <nopal/solvers/problems/diffusion_fem.hpp>
#include <nopal/solvers/problems/problem.hpp>

#include <memory>
#include <string>

namespace nopal {

/// Options of the Darcy flow around a notch.
struct DarcyNotchOptions {
  std::int64_t sensors = 101;    ///< of the boundary values, equally spaced in x, ends included
  double h = 0.015;              ///< length of the mesh's edges
  std::int64_t resolution = 50;  ///< points an axis of the grid of fields
  double length = 0.2;           ///< of the random boundary values, see GaussianProcess

  /// Options `-<prefix>darcy_notch_...`. Collective.
  static DarcyNotchOptions read(const Communicator& comm, const std::string& prefix = "");
  using Options = DarcyNotchOptions;
};

/// -Lap u = 10 in a triangle with a notch, u = g(x) on its outer sides with a random g, u = 0 on
/// the notch: Lu et al., CMAME 393, 114778, 2022, section 5.2.4. Linear finite elements on a
/// DMPlex.
///
/// As fields on the n x n points of the box [0, 1] x [0, sqrt(3)/2]: x (n, n, 2) is g(x), the same
/// at all heights, and the mask of the domain, y (n, n, 1) is u, 0 outside. As functions and
/// points: g at the sensors and u at the points of the mesh.
class DarcyNotch : public Problem {
 public:
  using Options = DarcyNotchOptions;

  explicit DarcyNotch(const DarcyNotchOptions& options, const Communicator& comm = {});

  std::string name() const override { return "darcy_notch"; }
  Shape x_shape() const override { return {options_.resolution, options_.resolution, 2}; }
  Shape y_shape() const override { return {options_.resolution, options_.resolution, 1}; }
  std::map<std::string, std::string> metadata() const override;

  const SimplexMesh& mesh() const noexcept { return mesh_; }

  /// Samples [first, first + samples) of experiment `seed` at the points of the mesh. The ranks of
  /// `comm` divide the work, and each has all of the result. Collective; for a problem on one rank.
  template <class T>
  FunctionData<T> point_data(std::uint64_t seed, std::int64_t first, std::int64_t samples,
                             const Communicator& comm = {});

  /// What samples at the points of the mesh are as fields x (N, n, n, 2) and y (N, n, n, 1).
  template <class T>
  std::pair<Tensor<T>, Tensor<T>> as_fields(const FunctionData<T>& data) const;

  /// A field (n, n) at the points of the mesh inside the grid, by bilinear interpolation.
  template <class T>
  Tensor<T> at_mesh(const Tensor<T>& fields) const;  ///< (N, n, n, 1) to (N, P, 1)

 private:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;
  void solve(std::uint64_t seed, std::uint64_t index, std::vector<double>& g,
             std::vector<double>& u);
  void to_fields(const double* g, const double* u, std::vector<double>& x,
                 std::vector<double>& y) const;

  DarcyNotchOptions options_;
  GaussianProcess process_;
  SimplexMesh mesh_;
  PlanarDomain domain_;
  TriangleInterpolation interpolation_;
  std::unique_ptr<DiffusionFem> fem_;
};

}  // namespace nopal
