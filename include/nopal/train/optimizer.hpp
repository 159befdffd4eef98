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

  /// All options, defaults included.
  virtual nlohmann::json configuration() const = 0;

  /// One step with the gradients in the parameters (missing gradients count as 0). `evaluate`
  /// recomputes loss and gradients at the current parameters for methods with a line search
  /// (L-BFGS); others ignore it. Local: ranks with equal gradients stay bit-identical.
  virtual void step(const Parameters<T>& parameters, double learning_rate,
                    const std::function<double()>& evaluate = {}) = 0;

  /// True if each entry is updated from its own gradient only, so that ranks may share the work by
  /// giving each its own slices of the parameters (AdamW, SGD, Lion).
  virtual bool separable() const = 0;

  /// For schedules that move the momentum: beta1 of AdamW and Lion, momentum of SGD; no effect on
  /// others.
  virtual void set_momentum(double momentum) = 0;

  /// State for checkpoints: named tensors; restore() takes exactly what state() gave. Tensors that
  /// belong to a parameter are called `<kind>/<parameter>` and have as many entries, or half as
  /// many for a complex one (joint second moment); numbers such as the step count are exact.
  virtual std::map<std::string, Tensor<T>> state() const = 0;
  virtual void restore(const std::map<std::string, Tensor<T>>& state) = 0;
};

/// Makes an optimizer from its name and JSON options; unknown options are an Error. eta is the
/// learning rate times that of the parameter (learning_rate_scale).
///
/// "adamw": beta1 0.9, beta2 0.999, epsilon 1e-6, weight_decay 0, complex_moment "joint",
/// corrected_epsilon false, decay_first false, coupled_decay false. With gradient g, step t and
/// rate eta,
///
///     m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g conj(g)
///     p = (p - eta sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon)) (1 - eta lambda),
///
/// the convention of neuraloperator: one second moment |g|^2 a complex entry. "split" keeps one for
/// the real and one for the imaginary part. torch.optim.AdamW is {"complex_moment": "split",
/// "epsilon": 1e-8, "corrected_epsilon": true (epsilon is added to sqrt(v / (1 - beta2^t))),
/// "decay_first": true (the decay acts on p before the step)}; torch.optim.Adam with its weight
/// decay, that of L2 regularisation, has "coupled_decay": true (lambda p is added to g, and nothing
/// else decays) instead of "decay_first".
/// Source: Loshchilov, Hutter, "Decoupled weight decay regularization", ICLR 2019.
///
/// "sgd": momentum 0, nesterov false, weight_decay 0 (added to the gradient):
/// u = momentum u + g, p = p - eta u, or p = p - eta (g + momentum u) with nesterov.
///
/// "lion": beta1 0.9, beta2 0.99, weight_decay 0:
/// p = p - eta (sign(beta1 m + (1 - beta1) g) + lambda p), then m = beta2 m + (1 - beta2) g; real
/// and imaginary parts each with a sign of their own. Source: Chen et al., "Symbolic discovery of
/// optimization algorithms", arXiv:2302.06675, algorithm 2.
///
/// "lbfgs": history 10, maximum_evaluations 25, sufficient_decrease 1e-4, curvature 0.9,
/// gradient_tolerance 0. One quasi-Newton step with a line search that fulfils the strong Wolfe
/// conditions (Nocedal, Wright, "Numerical optimization", algorithms 3.5, 3.6 and 7.4); eta scales
/// the first trial step. Needs `evaluate`.
template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(const std::string& name,
                                             const nlohmann::json& options);

/// Euclidean norm of all gradients as one vector (missing gradients count as 0). Local.
template <class T>
double gradient_norm(const Parameters<T>& parameters);

/// Scales all gradients by min(1, limit / norm) for the given norm. Local.
template <class T>
void clip_gradients_by_norm(const Parameters<T>& parameters, double norm, double limit);

/// Moves every entry of every gradient into [-limit, limit]. Local.
template <class T>
void clip_gradients_by_value(const Parameters<T>& parameters, double limit);

}  // namespace nopal
