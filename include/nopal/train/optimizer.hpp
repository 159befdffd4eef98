// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace nopal {

/// Changes parameters by their gradients.
template <class T>
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  virtual std::string name() const = 0;

  /// One step with the gradients in the parameters (missing gradients count as 0). `evaluate`
  /// recomputes loss and gradients at the current parameters for methods with a line search
  /// (L-BFGS); others ignore it. Local: ranks with equal gradients stay bit-identical.
  virtual void step(const Parameters<T>& parameters, double learning_rate,
                    const std::function<double()>& evaluate = {}) = 0;

  /// State for checkpoints: named tensors and numbers; restore() takes exactly what state() gave.
  virtual std::map<std::string, Tensor<T>> state() const = 0;
  virtual void restore(const std::map<std::string, Tensor<T>>& state) = 0;
};

/// "adamw", "sgd" or "lbfgs" with JSON options (beta1, beta2, epsilon, weight_decay, momentum,
/// nesterov, history, complex_moment: "joint" or "split"); unknown options are an Error.
template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(const std::string& name,
                                             const nlohmann::json& options);

}  // namespace nopal
