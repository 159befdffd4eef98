// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/function_data.hpp>
#include <nopal/solvers/problems/diffusion_fem.hpp>
#include <nopal/solvers/problems/problem.hpp>

#include <string>

namespace nopal {

/// Options of the heated plate.
struct HeatedPlateOptions {
  double width = 4, height = 2.5, thickness = 0.5;
  double radius = 0.15;          ///< of the holes
  double h = 0.25;               ///< length of the mesh's edges in the plane
  std::int64_t layers = 3;       ///< of the mesh
  std::int64_t resolution = 20;  ///< points of the grid along the width; others in proportion

  /// Options `-<prefix>heated_plate_...`. Collective.
  static HeatedPlateOptions read(const Communicator& comm, const std::string& prefix = "");
  using Options = HeatedPlateOptions;
};

/// Steady heat conduction in a plate with a row of cooled holes: Lap T = 0, T = 1 on the face z =
/// 0, T = 0 on the walls of the holes, no flux elsewhere. A design of experiments like that of
/// Kumar et al., Neural Networks 184, 107113, 2025: sample i < 64 has 2 + i / 8 holes, whose
/// centres are at the height 0.9 + 0.1 (i mod 8); the seed does not matter. Linear finite elements
/// on tetrahedra.
///
/// On the grid, x (n1, n2, n3, 3) is the number of holes / 10, the height / 2 and the mask of the
/// plate, y (n1, n2, n3, 1) is T, 0 in the holes.
class HeatedPlate : public Problem {
 public:
  using Options = HeatedPlateOptions;
  static constexpr std::int64_t designs = 64;

  explicit HeatedPlate(const HeatedPlateOptions& options, const Communicator& comm = {});

  std::string name() const override { return "heated_plate"; }
  Shape x_shape() const override;
  Shape y_shape() const override;
  std::map<std::string, std::string> metadata() const override;

  /// Samples as parameters (N, 2), T at the points of the grid, and the mask.
  template <class T>
  FunctionData<T> as_functions(const Dataset<T>& samples) const;

  static std::int64_t holes(std::uint64_t design) {
    return 2 + static_cast<std::int64_t>(design) / 8;
  }
  static double position(std::uint64_t design) { return 0.9 + 0.1 * double(design % 8); }

 private:
  void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                   const Tensor<double>& y) override;
  std::vector<double> axis(int a) const;

  HeatedPlateOptions options_;
};

}  // namespace nopal
