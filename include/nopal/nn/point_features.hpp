// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/nn/jet.hpp>

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace nopal {

class OptionReader;

/// What a network of points reads, and where its outputs vanish; in JSON named as here.
struct PointFeatureOptions {
  /// Corners of the box of the points, which becomes [-1, 1]^d. Points outside are reported when
  /// the network is used. Empty: points as they are.
  std::vector<double> lower = {}, upper = {};
  /// For each coordinate: 0, or the number H of harmonics of a periodic one, which becomes cos(w
  /// x), sin(w x), cos(2 w x), ..., sin(H w x), w = 2 pi / period. Empty: none. Lu et al., CMAME
  /// 393, 2022, section 3.1.1.
  std::vector<std::int64_t> harmonics = {};
  std::vector<double> periods = {};  ///< of coordinates with harmonics; empty: 1
  /// Instead of the coordinates x (in [-1, 1]^d, if there is a box), cos(2 pi b_i x) and sin(2 pi
  /// b_i x), i = 1, ..., m, with random b_i, normal of deviation `fourier_scale`; 0: none. Tancik
  /// et al., NeurIPS 2020, equation 5.
  std::int64_t fourier_features = 0;
  double fourier_scale = 1;
  /// Coordinates on whose lower or upper side of the box outputs are 0: the network's are
  /// multiplied by the product of (x_j - lower_j) / (upper_j - lower_j) and of (upper_j - x_j) /
  /// (upper_j - lower_j). Lu et al., CMAME 393, 2022, section 3.1.2.
  std::vector<std::int64_t> zero_lower = {}, zero_upper = {};

  void read(OptionReader& reader);
  void write(nlohmann::json& json) const;

  /// Error, in the name of `owner`, if they do not fit d coordinates.
  void check(std::int64_t d, const std::string& owner) const;

  bool bounded() const { return !lower.empty(); }
  bool has_zeros() const { return !zero_lower.empty() || !zero_upper.empty(); }
  std::int64_t count(std::int64_t d) const;  ///< F
};

/// Points (P, d) as features (P, F), and with their derivatives as jets.
template <class T>
class PointFeatures {
 public:
  PointFeatures() = default;

  /// The directions of Fourier features are the buffer `<name>.directions`.
  PointFeatures(ParameterStore<T>& store, const std::string& name, std::int64_t d,
                const PointFeatureOptions& options);

  Variable<T> forward(const Variable<T>& points) const;
  Tensor<T> jet(const Tensor<T>& points, const JetLayout& layout) const;  ///< (J, P, F)

  /// The factor of outputs (P, W) that makes them vanish where they have to, or nothing to do.
  Variable<T> constrain(const Variable<T>& outputs, const Variable<T>& points) const;
  Variable<T> constrain_jet(const Variable<T>& outputs, const Tensor<T>& points,
                            const JetLayout& layout) const;

  /// The points (P, d) of the unit cube in the box.
  Tensor<T> in_box(const Tensor<T>& points) const;

  /// A line to nopal::log() the first time that some of the points lie outside the box by more than
  /// 1e-6 of its width.
  void report_outside(const Tensor<T>& points, const std::string& owner) const;

 private:
  Tensor<T> zero_factor(const Tensor<T>& points, const JetLayout& layout) const;

  std::int64_t dimension_ = 0;
  PointFeatureOptions options_;
  Tensor<T> directions_;  // (m, d)
  mutable bool reported_ = false;
};

}  // namespace nopal
