// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/euler/dgsem.hpp>

#include "euler/finite_volume_rows.hpp"
#include "euler/flow_stepper.hpp"
#include "euler/lobatto.hpp"

#include <memory>
#include <vector>

namespace nopal::euler {

/// The elements of a rank and what is computed on them.
struct DgsemSolver::State {
  std::int64_t nx, ny;
  Mapping mapping;
  std::array<bool, 2> periodic;
  Boundaries boundaries;
  DgsemOptions options;
  Communicator comm;
  Lobatto basis;
  std::size_t n, nodes;  // along a direction, of an element
  OwnedDM dm;
  OwnedVec local;
  std::array<std::int64_t, 2> first{}, count{};
  std::unique_ptr<FlowStepper> stepper;
  double substep = 0;  // of the steps of Euler's method that a step consists of; 0: no step
  // At the nodes of this rank's elements: places, Jacobians, J grad xi and J grad eta; and for each
  // line of nodes the normals between them, whose ends are those of the faces.
  std::vector<Point> places, along, across;
  std::vector<double> jacobians;
  std::vector<Point> cuts_along, cuts_across;  // (element, line, n - 1)

  State(std::int64_t nx_, std::int64_t ny_, const Mapping& m, std::array<bool, 2> p,
        const Boundaries& b, const DgsemOptions& o, const Communicator& c)
      : nx(nx_),
        ny(ny_),
        mapping(m),
        periodic(p),
        boundaries(b),
        options(o),
        comm(c),
        basis(o.degree),
        n(static_cast<std::size_t>(o.degree) + 1),
        nodes(n * n) {}

  std::size_t elements() const { return static_cast<std::size_t>(count[0] * count[1]); }
  std::int64_t width() const { return count[0] + 2; }
  // Element (i, j) of this rank in its local vector, ghosts included.
  const PetscScalar* element(const PetscScalar* q, std::int64_t i, std::int64_t j) const {
    return q + static_cast<std::size_t>((j + 1) * width() + i + 1) * nodes * 4;
  }
  Primitive at(const PetscScalar* e, std::size_t node) const {
    const PetscScalar* q = e + 4 * node;
    return primitive({q[0], q[1], q[2], q[3]}, options.gamma);
  }
  bool has(std::int64_t i, std::int64_t j) const {
    return (periodic[0] || (i >= 0 && i < nx)) && (periodic[1] || (j >= 0 && j < ny));
  }

  void make_geometry();
  void check_boundaries() const;
  double alpha_of(const PetscScalar* e) const;
  std::vector<double> blendings(const PetscScalar* q) const;
  const BoundaryRule& rule(int side) const {
    return side == 0   ? boundaries.west
           : side == 1 ? boundaries.east
           : side == 2 ? boundaries.south
                       : boundaries.north;
  }
  // Node k of side 0 (west), 1, 2, 3 of an element, and the normal there, along xi or eta.
  std::size_t node_of(int side, std::size_t k) const {
    return side == 0 ? k * n : side == 1 ? k * n + n - 1 : side == 2 ? k : (n - 1) * n + k;
  }
  const Point& normal_of(std::size_t element, int side, std::size_t k) const {
    return (side < 2 ? along : across)[element * nodes + node_of(side, k)];
  }
  // The unit normal out of the element.
  Point outwards(std::size_t element, int side, std::size_t k) const {
    const Point& normal = normal_of(element, side, k);
    const double scale = (side % 2 == 0 ? -1 : 1) / std::hypot(normal[0], normal[1]);
    return {scale * normal[0], scale * normal[1]};
  }
  struct RowSums;
  double positive_share(RowSums& row, std::int64_t i, std::int64_t j, double alpha, double h) const;
  // Of rows [begin, end); raises `alphas` where positive densities and pressures need it.
  void residual_of_rows(const PetscScalar* q, double* alphas, double t, PetscScalar* out,
                        std::int64_t begin, std::int64_t end) const;
  void residual(double t, Vec from, Vec to) const;
  FlowStepper::Survey survey() const;
};

}  // namespace nopal::euler
