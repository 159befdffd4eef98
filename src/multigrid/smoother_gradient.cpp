// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "multigrid/smoother_gradient.hpp"

#include "multigrid/smoother_stencil.hpp"

namespace nopal::detail {
namespace {

// The network at one point, and its adjoint.
class PointNetwork {
 public:
  PointNetwork(const SmootherNetwork<double>& network, SmootherNetwork<double>& gradient)
      : weights_(network),
        gradient_(gradient),
        inputs_(network.bias.size() - 1),
        outputs_(network.bias.size()),
        hidden_(network.hidden()),
        h_(static_cast<std::size_t>(hidden_)) {}

  // Adds the gradient for the inputs z and the derivative dk in the outputs.
  void add(const std::vector<double>& z, const std::vector<double>& dk) {
    accumulate(gradient_.bias, dk);
    accumulate_outer(gradient_.linear, z, dk);
    if (hidden_ == 0) return;
    for (std::int64_t j = 0; j < hidden_; ++j) {
      double sum = weights_.bias1.data()[j];
      for (std::int64_t k = 0; k < inputs_; ++k)
        sum += z[static_cast<std::size_t>(k)] * weights_.weight1.data()[k * hidden_ + j];
      h_[static_cast<std::size_t>(j)] = sum > 0 ? sum : 0;
    }
    accumulate_outer(gradient_.weight2, h_, dk);
    for (std::int64_t j = 0; j < hidden_; ++j) {
      double& entry = h_[static_cast<std::size_t>(j)];
      double sum = 0;
      for (std::int64_t o = 0; o < outputs_; ++o)
        sum += weights_.weight2.data()[j * outputs_ + o] * dk[static_cast<std::size_t>(o)];
      entry = entry > 0 ? sum : 0;
    }
    accumulate(gradient_.bias1, h_);
    accumulate_outer(gradient_.weight1, z, h_);
  }

 private:
  static void accumulate(const Tensor<double>& to, const std::vector<double>& x) {
    for (std::size_t i = 0; i < x.size(); ++i)
      to.data()[i] += x[i];
  }
  static void accumulate_outer(const Tensor<double>& to, const std::vector<double>& x,
                               const std::vector<double>& y) {
    double* row = to.data();
    for (const double value : x) {
      if (value != 0)
        for (std::size_t i = 0; i < y.size(); ++i)
          row[i] += value * y[i];
      row += y.size();
    }
  }

  const SmootherNetwork<double>& weights_;
  SmootherNetwork<double>& gradient_;
  std::int64_t inputs_, outputs_, hidden_;
  std::vector<double> h_;
};

}  // namespace

void add_smoother_gradient(const Level<double>& level,
                           const std::array<Tensor<double>, slots>& entries,
                           const SmootherNetwork<double>& network, double share,
                           SmootherNetwork<double>& gradient) {
  const LevelLayout& layout = level.layout;
  const std::vector<int> all = slots_in(layout.dimension);
  const std::size_t middle = all.size() / 2;
  const double* const scale = level.scale.data();
  PointNetwork point(network, gradient);
  std::vector<double> z(all.size() - 1), dk(all.size());
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    for (std::int64_t i2 = layout.own[2].begin; i2 < layout.own[2].end; ++i2) {
      const std::ptrdiff_t i = layout.at(i0, i1, i2);
      for (std::size_t o = 0; o < all.size(); ++o) {
        const int slot = all[o];
        const std::ptrdiff_t there = i + layout.shift(slot);
        const double scales = scale[i] * scale[there];
        if (o != middle) {
          const double* values = level.matrix.coefficient(slot, layout);
          z[o < middle ? o : o - 1] = values ? values[i] * scales : 0;
        }
        const bool upper = slot >= centre;
        const auto& entry = entries[static_cast<std::size_t>(upper ? slot : slots - 1 - slot)];
        const double half = slot == centre ? 1 : 0.5;
        dk[o] = share * half * scales * entry.data()[upper ? i : there];
      }
      point.add(z, dk);
    }
  });
}

}  // namespace nopal::detail
