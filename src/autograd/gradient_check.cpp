// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>

#include <algorithm>
#include <cmath>
#include <functional>

namespace nopal {

GradientCheck check_gradient(const std::function<Variable<double>()>& f,
                             const std::vector<Variable<double>>& leaves, int directions,
                             double step, std::uint64_t seed) {
  Tensor<double> weight(f().shape());
  fill_uniform(weight, 0.5, 1.5, Random(seed, 1));
  std::vector<double> signs(static_cast<std::size_t>(weight.size()), 1);
  for (std::size_t i = 1; i < signs.size(); i += 2)
    signs[i] = -1;
  const std::vector<double> magnitudes = weight.to_vector();
  std::transform(magnitudes.begin(), magnitudes.end(), signs.begin(), signs.begin(),
                 std::multiplies<>());
  weight.copy_from_host(signs.data());

  // A gradient that vanishes identically is compared with the size of the terms of F, whose
  // rounding the differences show; F itself may cancel.
  const Tensor<double> value = f().value();
  const double terms = std::sqrt(dot(value, value) * dot(weight, weight));

  for (const auto& leaf : leaves)
    leaf.clear_gradient();
  {
    Tape<double> tape;
    tape.backward(f(), weight);
  }

  GradientCheck result;
  for (std::size_t l = 0; l < leaves.size(); ++l) {
    const Tensor<double>& p = leaves[l].value();
    const Tensor<double> saved = p.clone();
    Tensor<double> gradient = Tensor<double>::zeros(p.shape());
    if (leaves[l].gradient().defined()) gradient.copy_from(leaves[l].gradient());
    for (int d = 0; d < directions; ++d) {
      Tensor<double> v(p.shape());
      fill_normal(v, 0, 1, Random(seed, 100 + l * 1000 + static_cast<std::size_t>(d)));
      const auto value_at = [&](double h) {
        p.copy_from(saved);
        axpy(h, v, p);
        return dot(f().value(), weight);
      };
      const double difference =
          (8 * (value_at(step) - value_at(-step)) - (value_at(2 * step) - value_at(-2 * step))) /
          (12 * step);
      const double exact = dot(gradient, v);
      const double typical = std::sqrt(dot(gradient, gradient));
      const double scale =
          std::max({std::abs(exact), std::abs(difference), typical, 1e-6 * terms, 1e-12});
      p.copy_from(saved);
      const double error = std::abs(exact - difference) / scale;
      if (!(error <= result.error)) {
        result.error = error;
        result.where = "leaf " + std::to_string(l) + ", direction " + std::to_string(d);
      }
    }
    leaves[l].clear_gradient();
  }
  return result;
}

}  // namespace nopal
