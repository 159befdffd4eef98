// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/operator.hpp>

#include <memory>

namespace nopal {

/// Options of a direction network; in JSON named as here. The defaults are the published network
/// for 64^3 points (97,457 numbers); 2, 5 and 3 blocks make that for 128^3 (152,881).
struct DirectionNetOptions {
  std::int64_t dimension = 3;      ///< 2 or 3
  std::int64_t filters = 16;       ///< channels F
  std::int64_t head_blocks = 1;    ///< residual blocks before the field is made coarser
  std::int64_t coarse_blocks = 3;  ///< on half the points an axis
  std::int64_t tail_blocks = 2;    ///< after it is fine again

  static DirectionNetOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;
  double parameter_count() const;
};

/// The network of the deep conjugate direction method: the residual r of a linear system on a grid
/// to a direction f(r), near A^-1 r up to a factor. Kaneda, Akar, Chen, Kala, Hyde, Teran, ICML
/// 2023 (PMLR 202:15720-15736).
///
/// With convolutions c of 3^d taps and zeros beyond the sides, residual blocks b(x) = x +
/// relu(c(relu(c(x)))) and means over 2^d points: h = relu(c(b(... relu(c(c(r)))))), g = b(...
/// mean(h)), y = b(... (g at all points of its blocks + h)), f = W y + w. Not linear in r and, by
/// its biases, not homogeneous: solvers give it r / |r|.
///
/// forward() takes (B, X1, ..., Xd, 1), all Xi even, and gives the same shape.
template <class T>
class DirectionNet : public Operator<T> {
 public:
  explicit DirectionNet(const DirectionNetOptions& options, std::uint64_t seed = 0);
  ~DirectionNet() override;

  std::string name() const override { return "direction_net"; }
  nlohmann::json configuration() const override;
  using Operator<T>::forward;
  Variable<T> forward(std::span<const Variable<T>> inputs) const override;
  void check_inputs(std::span<const Shape> inputs) const override;
  Cost cost(std::span<const Shape> inputs) const override;
  const Parameters<T>& parameters() const override { return parameters_; }

  const DirectionNetOptions& options() const noexcept { return options_; }

 private:
  struct Layers;

  DirectionNetOptions options_;
  std::unique_ptr<Layers> layers_;
  Parameters<T> parameters_;
};

}  // namespace nopal
