// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/operator.hpp>

#include <memory>
#include <string>

namespace nopal {

/// Options of a random-feature operator; in JSON named as here.
struct RandomFeatureOptions {
  std::int64_t sensors = 100;      ///< m, values of an input function
  std::int64_t points = 100;       ///< P, where the training outputs are
  std::int64_t dimension = 1;      ///< coordinates of a point
  std::int64_t out_channels = 1;   ///< C
  std::string features = "sin";    ///< "sin": sin(A u + phase); "linear": A u
  std::int64_t count = 1000;       ///< M, features of an input function
  std::int64_t trunk_count = 200;  ///< N, features of a point; 0: output at the P points only
  double scale = 100;        ///< l: entries of A are normal, of deviation 1 / (l u_rms sqrt m)
  double threshold = 1e-13;  ///< pivots below this share of the largest count as 0

  static RandomFeatureOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;
  double parameter_count() const;
};

/// Random-feature operator: G(u)(y)_c = sum over k, j of b_k(u) W_kcj t_j(y) with fixed random
/// features b of the function and t_j(y) = tanh(w_j . (y - c_j)) of the point; only W is fitted, by
/// least squares. Source: Fabiani, Kevrekidis, Siettos, Yannacopoulos, J. Comput. Phys. 520,
/// 113433 ("RandONet").
///
/// forward() takes u (B, ..., sensors values) and gives (B, P, C) at the training points, or
/// (B, X1, ..., Xd, C) for a field on a grid of P points; with a second input y (Q, d) it gives
/// (B, Q, C) at these points. The cheap baseline of a DeepONet: for smooth maps more accurate than
/// training by gradients, in less than a second. It needs double where `scale` is large, for the
/// features are then nearly linear and nearly dependent; in float use scale 10.
template <class T>
class RandomFeatureOperator : public Operator<T> {
 public:
  explicit RandomFeatureOperator(const RandomFeatureOptions& options, std::uint64_t seed = 0);
  ~RandomFeatureOperator() override;

  std::string name() const override { return "random_feature_operator"; }
  nlohmann::json configuration() const override;
  using Operator<T>::forward;
  Variable<T> forward(std::span<const Variable<T>> inputs) const override;
  void check_inputs(std::span<const Shape> inputs) const override;
  Cost cost(std::span<const Shape> inputs) const override;
  const Parameters<T>& parameters() const override { return parameters_; }

  const RandomFeatureOptions& options() const noexcept { return options_; }

  /// Draws the features for these data and fits W: first X = V B^+, then W = T^+ X, each by a
  /// complete orthogonal decomposition, in double. u (n, m), v (n, P, C), points (P, d), the same
  /// on all ranks; the samples may be divided among the ranks of `comm`, any number on each.
  /// Returns the rank of the features B. Error on all ranks: shapes that do not fit, values that
  /// are not finite, inputs that are all 0, two equal points. Collective.
  std::int64_t fit(const Tensor<T>& u, const Tensor<T>& v, const Tensor<T>& points,
                   const Communicator& comm = {});

 private:
  struct Implementation;

  Variable<T> branch_features(const Variable<T>& u) const;
  Variable<T> trunk_features(const Variable<T>& y) const;

  RandomFeatureOptions options_;
  std::uint64_t seed_;
  std::unique_ptr<Implementation> implementation_;
  Parameters<T> parameters_;
};

}  // namespace nopal
