// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/profile.hpp>
#include <nopal/nn/activation.hpp>
#include <nopal/nn/initialisation.hpp>

#include <string>
#include <vector>

namespace nopal {

/// A fully connected network: h_0 = x, h_l = f(h_(l-1) W_l + b_l), the last layer without f unless
/// `activate_last`.
///
/// Parameters `<name>.<l>.weight` (I, O) and `<name>.<l>.bias` (O), l = 0, 1, ...; weights normal
/// with variance 2 / (I + O), biases 0 (Glorot, Bengio, AISTATS 2010).
template <class T>
class DenseNetwork {
 public:
  DenseNetwork() = default;

  /// `widths`: inputs, hidden layers, outputs; at least two.
  DenseNetwork(ParameterStore<T>& store, const std::string& name,
               const std::vector<std::int64_t>& widths, Activation activation, bool activate_last);

  /// x (..., widths.front()) to (..., widths.back()).
  Variable<T> forward(Variable<T> x) const;

  Cost cost(std::int64_t rows) const;

  /// Weights and biases of a network of these widths.
  static double parameter_count(const std::vector<std::int64_t>& widths);

 private:
  struct Layer {
    const Parameter<T>*weight, *bias;
    Activation activation;
  };
  std::vector<Layer> layers_;
};

}  // namespace nopal
