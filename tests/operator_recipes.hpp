// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Maps of random sums of Gaussians with known values, for the tests of fitted operators. The public
// data of Fabiani et al., J. Comput. Phys. 520, 113433.

#pragma once

#include <nopal/data/gaussian_sum.hpp>
#include <nopal/train/losses.hpp>

#include <functional>

namespace nopal::test {

struct Recipe {
  GaussianSumOptions options;
  std::function<double(const GaussianSum& u, double x)> output;

  GaussianSum function(std::uint64_t index) const { return {options, 1, index}; }
};

inline const Recipe antiderivative{{.low = 0, .high = 1, .steepness = 500},
                                   [](const GaussianSum& u, double x) { return u.integral(x); }};
inline const Recipe diffusion_reaction_rhs{{}, [](const GaussianSum& u, double x) {
                                             return 0.1 * u.second_derivative(x) +
                                                    0.4 * u.derivative(x) - u.value(x);
                                           }};
inline const Recipe burgers_rhs{{.scale = 0.05}, [](const GaussianSum& u, double x) {
                                  return 0.01 * u.second_derivative(x) -
                                         u.value(x) * u.derivative(x);
                                }};
inline const Recipe allen_cahn_rhs{{.scale = 0.05}, [](const GaussianSum& u, double x) {
                                     const double v = u.value(x);
                                     return 0.01 * u.second_derivative(x) + v - v * v * v;
                                   }};

struct RecipeData {
  Tensor<double> u, v, points;  ///< (N, 100), (N, 100, 1), (100, 1)
};

inline RecipeData recipe_data(const Recipe& recipe, std::int64_t first, std::int64_t samples) {
  constexpr std::int64_t points = 100;
  std::vector<double> u, v, x;
  for (std::int64_t p = 0; p < points; ++p)
    x.push_back(recipe.options.low +
                (recipe.options.high - recipe.options.low) * static_cast<double>(p) / (points - 1));
  for (std::int64_t i = 0; i < samples; ++i) {
    const GaussianSum function = recipe.function(static_cast<std::uint64_t>(first + i));
    for (const double point : x) {
      u.push_back(function.value(point));
      v.push_back(recipe.output(function, point));
    }
  }
  return {Tensor<double>::from_host({samples, points}, u),
          Tensor<double>::from_host({samples, points, 1}, v),
          Tensor<double>::from_host({points, 1}, x)};
}

inline std::vector<double> relative_errors(const Tensor<double>& prediction,
                                           const Tensor<double>& target) {
  return relative_l2_errors(prediction, target);
}

}  // namespace nopal::test
