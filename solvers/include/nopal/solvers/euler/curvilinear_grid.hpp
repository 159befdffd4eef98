// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/communicator.hpp>
#include <nopal/core/tensor.hpp>
#include <nopal/solvers/petsc.hpp>

#include <array>
#include <functional>

namespace nopal::euler {

using Point = std::array<double, 2>;

/// A structured grid of quadrilateral cells: vertices X(i / nx, j / ny) of a mapping of the unit
/// square, i along xi and j along eta, right-handed; divided among the ranks as a DMDA divides it.
class CurvilinearGrid {
 public:
  using Mapping = std::function<Point(double xi, double eta)>;

  /// Collective. A periodic direction joins its last cells to its first; the mapping then repeats
  /// there up to a shift. Error, the same on all ranks: fewer than 3 cells along a direction, a
  /// cell whose area is not positive (which one, and its vertices).
  CurvilinearGrid(std::int64_t nx, std::int64_t ny, const Mapping& mapping,
                  std::array<bool, 2> periodic = {false, false}, const Communicator& comm = {});

  std::int64_t nx() const noexcept { return nx_; }
  std::int64_t ny() const noexcept { return ny_; }
  const std::array<bool, 2>& periodic() const noexcept { return periodic_; }
  const Communicator& comm() const noexcept { return comm_; }

  /// Of the four conserved variables at cells, with two ghost cells along each direction; at the
  /// sides of the grid these are there to be filled.
  DM dm() const noexcept { return dm_; }

  /// This rank's cells: i from first()[0] on, count()[0] of them, and j.
  const std::array<std::int64_t, 2>& first() const noexcept { return first_; }
  const std::array<std::int64_t, 2>& count() const noexcept { return count_; }

  /// Area-weighted normals of faces between i - 1 and i, towards i: components x and y, each
  /// (count_j, count_i + 1); of those between j - 1 and j, (count_j + 1, count_i). Areas of cells,
  /// (count_j, count_i).
  const std::array<Tensor<double>, 2>& x_faces() const noexcept { return x_faces_; }
  const std::array<Tensor<double>, 2>& y_faces() const noexcept { return y_faces_; }
  const Tensor<double>& areas() const noexcept { return areas_; }

  /// Vertex (i, j), any of 0, ..., nx and 0, ..., ny.
  Point vertex(std::int64_t i, std::int64_t j) const;
  /// The mean of the vertices of cell (i, j); cells beyond a side mirror those inside.
  Point centre(std::int64_t i, std::int64_t j) const;

 private:
  std::int64_t nx_, ny_;
  Mapping mapping_;
  std::array<bool, 2> periodic_;
  Communicator comm_;
  OwnedDM dm_;
  std::array<std::int64_t, 2> first_{}, count_{};
  std::array<Tensor<double>, 2> x_faces_, y_faces_;
  Tensor<double> areas_;
};

}  // namespace nopal::euler
