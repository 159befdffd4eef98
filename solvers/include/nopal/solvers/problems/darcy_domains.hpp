// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/function_data.hpp>
#include <nopal/data/random_field.hpp>
#include <nopal/solvers/problems/diffusion_fem.hpp>
#include <nopal/solvers/problems/problem.hpp>

#include <memory>
#include <string>

namespace nopal {

/// The domain of a Darcy flow; `mixed`: one of the first three, at random.
enum class DarcyDomain { square, disc, triangle, cross, mixed };

/// Options of Darcy flow on several domains.
struct DarcyDomainsOptions {
  DarcyDomain domain = DarcyDomain::mixed;
  std::int64_t resolution = 50;  ///< points an axis of the fields
  double h = 0.025;              ///< length of the mesh's edges
  double deviation = 1;          ///< of log k
  double tau = 8;                ///< inverse correlation length of log k

  /// Options `-<prefix>darcy_domains_...`. Collective.
  static DarcyDomainsOptions read(const Communicator& comm, const std::string& prefix = "");
  using Options = DarcyDomainsOptions;
};

/// -div(k grad u) = 1 with a log-normal k in the unit square, a disc, a triangle or a square with a
/// cross cut out of its middle, u = 0 on all boundaries: the geometries of Kumar et al., Neural
/// Networks 184, 107113, 2025. Linear finite elements on a DMPlex.
///
/// On the n x n points of the unit square, x (n, n, 2) is log k and the mask of the domain, y (n,
/// n, 1) is u, 0 outside. log k is N(0, s^2 (-Lap + tau^2)^-2), s so that its variance is
/// deviation^2 far from the boundary.
class DarcyDomains : public Problem {
 public:
  using Options = DarcyDomainsOptions;

  explicit DarcyDomains(const DarcyDomainsOptions& options, const Communicator& comm = {});

  std::string name() const override { return "darcy_domains"; }
  Shape x_shape() const override { return {options_.resolution, options_.resolution, 2}; }
  Shape y_shape() const override { return {options_.resolution, options_.resolution, 1}; }
  std::map<std::string, std::string> metadata() const override;

  /// Samples as functions (N, 2 n n), u at the points of the grid, and the mask.
  template <class T>
  FunctionData<T> as_functions(const Dataset<T>& samples) const;

  /// The domain of a sample.
  DarcyDomain domain_of(std::uint64_t seed, std::uint64_t index) const;

 private:
  struct Domain {
    PlanarDomain domain;
    SimplexMesh mesh;
    std::unique_ptr<TriangleInterpolation> interpolation;
    std::unique_ptr<DiffusionFem> fem;
  };
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;
  Domain& domain(DarcyDomain which);

  DarcyDomainsOptions options_;
  RandomField field_;
  Domain domains_[4];  // made when first needed
};

}  // namespace nopal
