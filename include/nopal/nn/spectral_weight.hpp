// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/core/profile.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace nopal {

/// How the complex weights of a spectral convolution are stored.
enum class Factorization { dense, tucker, cp, tt };

/// How factorised weights are applied: through their factors, by building the dense weight first,
/// or by whichever of the two costs fewer flops for the given batch. All agree up to rounding.
enum class Implementation { automatic, factorized, reconstructed };

/// `normal`: complex normal with E|w|^2 = init_std^2; `uniform`: both parts in (0, 1) / (Cin Cout),
/// the layout of the 2021 code, for dense weights only.
enum class SpectralInitialisation { normal, uniform };

struct SpectralWeightOptions {
  Shape
      modes;  ///< stored modes (M1, ..., Md), d = 1, 2, 3; Md counts k = 0, 1, ... of the last axis
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;  ///< equal to in_channels if separable
  Factorization factorization = Factorization::dense;
  double rank = 1;  ///< fraction of the parameters of the dense weight, in (0, 1]
  Shape ranks;      ///< explicit ranks, see factorization_ranks(); override `rank`
  std::vector<int> fixed_rank_modes;  ///< Tucker: axes of (Cin, Cout, M1, ...) left uncompressed
  Implementation implementation = Implementation::automatic;
  bool separable = false;  ///< one number a mode and channel: y(b, k, c) = x(b, k, c) W(k, c)
  SpectralInitialisation initialisation = SpectralInitialisation::normal;
  double init_std = 0;  ///< 0: sqrt(2 / (Cin + Cout))
  /// Factor of init_std, and of the learning rate of the parameters: see
  /// FnoOptions::mode_scaling_base.
  double scale = 1;
  std::uint64_t seed = 0;
  std::string name = "weight";  ///< prefix of the parameters' names, which choose the random stream
};

/// Ranks of a factorization of a tensor of shape n = (n_1, ..., n_N) that has about `fraction`
/// times its number of entries.
///
/// - Tucker (N ranks): max(1, round(c n_k)), c^N prod n + c sum n_k^2 = fraction prod n; for the
///   axes in `fixed`, r_k = n_k enters both terms instead.
/// - CP (1 rank): max(1, round(fraction prod n / sum n)).
/// - TT (N - 1 inner ranks): max(1, round(c a_k)) with a_k = (n_k + n_{k+1}) / 2 and c from
///   c^2 sum_{1<k<N} a_{k-1} n_k a_k + c (n_1 a_1 + n_N a_{N-1}) = fraction prod n.
///
/// Source: the rules of TensorLy, so that sizes agree with published TFNOs.
Shape factorization_ranks(Factorization factorization, const Shape& n, double fraction,
                          const std::vector<int>& fixed = {});

/// The complex weights W(k) of a spectral convolution, one Cin x Cout matrix a kept mode k.
///
/// Stored (complex, so with a last axis of 2; N = 2 + d axes n = (Cin, Cout, M1, ..., Md), or
/// N = 1 + d axes n = (C, M1, ..., Md) if separable):
/// - dense `name` (M1, ..., Md, Cin, Cout, 2), separable (M1, ..., Md, C, 2);
/// - Tucker `name.core` (r_1, ..., r_N, 2) and `name.factor.j` (n_j, r_j, 2);
/// - CP `name.weights` (R, 2) and `name.factor.j` (n_j, R, 2);
/// - TT `name.factor.j` (r_{j-1}, n_j, r_j, 2), r_0 = r_N = 1.
/// Gradients are dL/dRe + i dL/dIm.
template <class T>
class SpectralWeight {
 public:
  SpectralWeight() = default;

  /// Error if an option makes no sense. Weights depend on (seed, name) only.
  explicit SpectralWeight(const SpectralWeightOptions& options);

  SpectralWeight(SpectralWeight&&) noexcept = default;
  SpectralWeight& operator=(SpectralWeight&&) noexcept = default;

  /// y(b, k, o) = sum_i x(b, k, i) W(k, i, o) for x (B, K1, ..., Kd, Cin, 2); gives
  /// (B, K1, ..., Kd, Cout, 2).
  ///
  /// K may be fewer modes than stored (a coarse grid): axis j < d holds the signed frequencies
  /// -floor(K/2), ..., ceil(K/2) - 1, the last one 0, ..., K - 1, and takes the weights of these
  /// frequencies. Error naming both shapes if K exceeds the stored modes. Local.
  Variable<T> contract(const Variable<T>& x) const;

  /// W as (K1, ..., Kd, Cin, Cout, 2), or (K1, ..., Kd, C, 2) if separable, for K active modes.
  Variable<T> dense(const Shape& active) const;

  /// First stored mode of each axis when K are active: floor(M/2) - floor(K/2), 0 for the last.
  Shape first_mode(const Shape& active) const;

  /// Work of contract() for a batch of this size.
  Cost cost(std::int64_t batch, const Shape& active) const;

  const SpectralWeightOptions& options() const noexcept { return options_; }
  const Shape& ranks() const noexcept { return ranks_; }  ///< rank 0 if dense
  const std::vector<Parameter<T>>& parameters() const noexcept { return parameters_; }

  /// Appends the parameters to `list`; valid while this object lives and is not moved from.
  void append_parameters(Parameters<T>& list);

 private:
  struct Flops {
    double reconstructed, factorized;
  };
  template <class U>
  friend class JointSpectralWeight;
  // Of tensors that are there already, in the order of the parameters.
  SpectralWeight(const SpectralWeightOptions& options, const Shape& ranks,
                 const std::vector<Variable<T>>& tensors);

  Flops flops(std::int64_t batch, const Shape& active) const;
  Variable<T> mode_product(const Shape& active) const;
  Variable<T> contract_factors(const Variable<T>& x, const Shape& active) const;
  bool factors_are_cheaper(std::int64_t batch, const Shape& active) const;

  SpectralWeightOptions options_;
  Shape ranks_;
  std::vector<Parameter<T>> parameters_;
};

/// The weights of L layers as one tensor of N + 1 axes (L, Cin, Cout, M1, ..., Md), or (L, C, M1,
/// ..., Md) if separable, in one factorization: what is called a joint factorization of the
/// network. Kossaifi et al., TMLR 2024, section 3. (There the signs of frequencies are part of the
/// first axis, here of the axes of modes.)
///
/// Stored as the weight of one layer is, the core of Tucker with its channel axes as one, and with
/// a factor for the layers: `name.layers` (L, r_0, 2), in TT (1, L, r_0, 2).
template <class T>
class JointSpectralWeight {
 public:
  /// options.fixed_rank_modes counts the axes with that of the layers as 0; init_std = 0 is 1 /
  /// (Cin Cout), as published. Error for dense weights.
  JointSpectralWeight(const SpectralWeightOptions& options, std::int64_t layers);

  /// The weight of layer l: its row of the factor of layers, multiplied into the rest; the tape
  /// records it.
  SpectralWeight<T> layer(std::int64_t l) const;

  const SpectralWeightOptions& options() const noexcept { return options_; }
  std::int64_t layers() const noexcept { return layers_; }
  const Shape& ranks() const noexcept { return ranks_; }  ///< that of the layers first
  /// Valid while this object lives.
  void append_parameters(Parameters<T>& list);

 private:
  SpectralWeightOptions options_;
  std::int64_t layers_;
  Shape ranks_;
  std::vector<Parameter<T>> parameters_;  // that of the layers last
};

}  // namespace nopal
