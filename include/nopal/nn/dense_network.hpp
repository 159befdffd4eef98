// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/profile.hpp>
#include <nopal/nn/activation.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/nn/jet.hpp>

#include <string>
#include <vector>

namespace nopal {

/// What a fully connected network does beside its products.
struct DenseOptions {
  Activation activation = Activation::relu;           ///< of hidden layers, f
  Activation last_activation = Activation::identity;  ///< of the last layer, g
  std::string norm = "none";  ///< of hidden layers, before f: "none", "layer", "batch"
  double dropout = 0;         ///< probability, after f
  /// From the third hidden layer on, h_l += h_(l-2) P_l + q_l.
  bool projected_skip = false;
  double deviation =
      0;  ///< of weights at first; 0: sqrt(2 / (I + O)) (Glorot, Bengio, AISTATS 2010)
};

/// A fully connected network: h_0 = x, h_l = dropout(f(norm(h_(l-1) W_l + b_l))) [+ h_(l-2) P_l +
/// q_l] for hidden layers, y = g(h_L W + b).
///
/// Parameters `<name>.<l>.weight` (I, O) and `<name>.<l>.bias` (O), l = 0, 1, ..., and those of
/// `norm` (scale, shift; buffers running_mean, running_variance) and `skip` (weight, bias); weights
/// normal, biases 0. A norm is over the channels of a row ("layer"), or over the rows of the batch
/// ("batch", see batch_norm()): then it is collective in training mode.
template <class T>
class DenseNetwork {
 public:
  DenseNetwork() = default;

  /// `widths`: inputs, hidden layers, outputs; at least two.
  DenseNetwork(ParameterStore<T>& store, const std::string& name,
               const std::vector<std::int64_t>& widths, const DenseOptions& options);

  /// x (..., widths.front()) to (..., widths.back()).
  Variable<T> forward(Variable<T> x) const;

  /// The jet of the output (J, P, O) for that of the input (J, P, I). Error for networks with
  /// norms, dropout or skip connections.
  Variable<T> forward_jet(Variable<T> x, const JetLayout& layout) const;

  Cost cost(std::int64_t rows) const;

  /// Weights, biases, scales and shifts of a network of these widths.
  static double parameter_count(const std::vector<std::int64_t>& widths,
                                const DenseOptions& options = {});

 private:
  struct Layer {
    const Parameter<T>*weight, *bias;
    Activation activation;
    const Parameter<T>*scale = nullptr, *shift = nullptr;  // of the norm
    Tensor<T> running_mean, running_variance;              // of a batch norm
    const Parameter<T>*skip_weight = nullptr, *skip_bias = nullptr;
    std::uint64_t dropout_stream = 0;  // 0: no dropout
  };
  std::vector<Layer> layers_;
  double dropout_ = 0;
};

}  // namespace nopal
