// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/solvers/euler/curvilinear_grid.hpp>
#include <nopal/solvers/euler/gas.hpp>

#include <functional>
#include <string>

namespace nopal::euler {

/// What is beyond a face at a side of the grid.
struct Boundary {
  enum class Kind {
    wall,       ///< no flow through; also a line of symmetry
    inflow,     ///< `state`; must be supersonic across the face
    outflow,    ///< the state inside; right where it is supersonic
    exact,      ///< `state` on both sides of the wave fan: a known solution, or a flow far away
    reservoir,  ///< subsonic inflow, normal to the face, of a gas that has `state` at rest
    pressure    ///< outflow into the pressure of `state`, which a supersonic one does not feel
  };
  Kind kind = Kind::wall;
  Primitive state = {};
};

/// The boundary at a face of a side, from the middle of the face, and the time for exact solutions.
using BoundaryRule = std::function<Boundary(const Point& at, double time)>;

/// The sides i = 0, i = nx, j = 0, j = ny; unused along periodic directions.
struct Boundaries {
  BoundaryRule west, east, south, north;
};

/// The same boundary at all faces of a side.
BoundaryRule everywhere(const Boundary& boundary);

/// The state beyond a face that has `inside` before it and the unit normal `out` of the domain.
/// Reservoir and pressure keep the Riemann invariant u_n + 2 c / (gamma - 1) that leaves, and the
/// total enthalpy or the entropy; Carlson, NASA TM-2011-217181.
Primitive beyond(const Boundary& boundary, const Primitive& inside, const Point& out, double gamma);

/// Error, naming `solver`, `side` and the place, where `boundary` cannot be at a face with the unit
/// normal `out`: an inflow that is not supersonic across it, a state that is not positive.
void check_boundary(const Boundary& boundary, const Point& at, const Point& out, double gamma,
                    const std::string& solver, const std::string& side);

}  // namespace nopal::euler
