// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/nn/activation.hpp>
#include <nopal/nn/spectral_weight.hpp>
#include <nopal/operators/operator.hpp>

#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// Options of a Fourier neural operator, named as in neuraloperator 2.0 where they mean the same.
/// In JSON the enumerations are the strings given here; `layout` is read first and sets the
/// defaults of the others.
struct FnoOptions {
  std::vector<std::int64_t> n_modes;      ///< modes a dimension (see mode_convention), d = 1, 2, 3
  std::vector<std::int64_t> max_n_modes;  ///< stored modes if more than used; same convention
  std::int64_t in_channels = 1;
  std::int64_t out_channels = 1;
  std::int64_t hidden_channels = 32;
  std::int64_t n_layers = 4;

  /// "2.0": neuraloperator 2.0. "2021": the original scripts: one linear lift, blocks
  /// gelu(K v + W v + b) without channel MLP, projection to 128 channels, modes counted per sign,
  /// endpoint-inclusive grid.
  std::string layout = "2.0";

  double lifting_channel_ratio = 2;      ///< hidden width of the lift / hidden_channels; 0: linear
  double projection_channel_ratio = 2;   ///< the same for the projection
  std::int64_t projection_channels = 0;  ///< width of the projection itself; 0: by the ratio
  std::string positional_embedding =
      "grid";  ///< "grid" ([0, 1)), "grid_inclusive" ([0, 1]), "none"
  std::string non_linearity = "gelu";
  std::string norm = "none";  ///< "instance_norm", "group_norm", "batch_norm", "ada_in", "none"
  std::int64_t norm_groups = 1;
  std::int64_t ada_in_features = 0;  ///< E of the embedding, for norm "ada_in"
  bool use_channel_mlp = true;
  double channel_mlp_expansion = 0.5;
  double channel_mlp_dropout = 0;                ///< probability, after both layers; see dropout()
  std::string channel_mlp_skip = "soft-gating";  ///< "soft-gating", "linear", "identity", "none"
  std::string fno_skip = "linear";               ///< the same choices
  bool skip_bias = false;                        ///< bias in a linear fno_skip
  /// K: a linear fno_skip is a convolution with K points an axis and zero margins, so that a block
  /// is global + local. K > 1 is a stencil of the grid: unlike the rest it does not scale with it.
  std::int64_t conv_bias_kernel = 1;
  bool spectral_bias = true;
  std::vector<double> domain_padding;             ///< fraction of the grid a dimension; empty: none
  std::string domain_padding_mode = "symmetric";  ///< "symmetric" or "one-sided"
  /// "total": m keeps -m/2, ..., m/2 - 1, and 0, ..., m/2 on the last axis; "per_sign": -m, ...,
  /// m - 1, and 0, ..., m - 1 on the last axis.
  std::string mode_convention = "total";
  std::string factorization = "dense";  ///< "dense", "tucker", "cp", "tt"
  double rank = 1;                      ///< fraction of the dense parameters
  bool fixed_rank_modes = false;  ///< Tucker: the mode axes are not compressed; joint: the layers
  /// One factorised tensor for the weights of all layers, see JointSpectralWeight.
  bool joint_factorization = false;
  double spectral_init_std = 0;  ///< of the spectral weights' entries, 0: see SpectralWeightOptions
  bool recompute = false;        ///< blocks are computed again for the adjoint, see recomputed()
  /// Blocks' inputs as they are kept: "full" or "bfloat16", rounded to 8 bits of mantissa and half
  /// the size of floats, which asks for `recompute`. See recomputed().
  std::string block_storage = "full";
  /// K_0 > 1: first weights and learning rate of the spectral weights are those that suit K_0 modes
  /// an axis, times sqrt(log K_0^d / log(K_1 ... K_d)), so that what was found for a network of K_0
  /// modes holds for this one, of K_j (max_n_modes). 0: not. Li, Yoo, Yang, "Maximal update
  /// parametrization and zero-shot hyperparameter transfer for Fourier neural operators", ICML
  /// 2025; derived there for dense weights and Adam.
  std::int64_t mode_scaling_base = 0;
  std::string implementation = "automatic";  ///< "factorized", "reconstructed", or the cheaper
  bool separable = false;
  bool preactivation = false;
  std::string stabilizer = "none";  ///< "tanh" bounds the input of K
  /// Only "full": the half precision of "half" and "mixed" is a matter of GPUs.
  std::string fno_block_precision = "full";
  /// No effect. true in the reference sets the imaginary parts of the frequencies 0 and N / 2 of
  /// the last axis to zero between the inverse transforms of the other axes and its own. The latter
  /// is y_n = Re Y_0 + (-1)^n Re Y_{N/2} + 2 sum_{0 < k < N/2} Re(Y_k exp(2 pi i k n / N)), which
  /// does not have them: TruncatedDft computes this sum, and some FFT libraries do not.
  bool enforce_hermitian_symmetry = true;
  std::string spectral_initialisation = "normal";  ///< "uniform": the 2021 scripts'

  static constexpr std::int64_t ada_in_width = 512;  ///< hidden layer of the MLP of "ada_in"

  static FnoOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;

  /// The factor that mode_scaling_base makes, 1 without.
  double mode_scaling() const;

  /// Widths of the hidden layers of lift, projection and channel MLP; 0: a single linear layer.
  std::int64_t lifting_width() const;
  std::int64_t projection_width() const;
  std::int64_t channel_mlp_width() const;

  /// Norms a block: after K and, if there is a channel MLP, after that.
  std::int64_t norm_count() const;

  /// The options of each block's spectral weight, without name and seed.
  SpectralWeightOptions spectral_weight() const;

  /// Number of real parameters (a complex one counts as two) of such an operator, computed without
  /// making it.
  double parameter_count() const;

  /// Modes as the weights count them: (M1, ..., Md), all signed frequencies of the leading axes and
  /// those >= 0 of the last one. `modes` is n_modes or max_n_modes.
  Shape stored_modes(const std::vector<std::int64_t>& modes) const;
};

/// Fourier neural operator: lift, n_layers Fourier blocks, projection.
///
/// Layout 2.0, block l with input x: y = gelu(K x + b + S x), x' = gelu(MLP(y) + g * x), without
/// the activations in the last block; Li et al., ICLR 2021, and Kossaifi et al., "Multi-grid
/// tensorized Fourier neural operator", TMLR 2024, for factorised weights. Works on every grid:
/// modes that the grid does not have are left out (see SpectralConvolution).
///
/// With the norm "ada_in" it takes two inputs, the field and an embedding e (B, E), or (1, E) for
/// one that all samples share: each norm is an instance norm whose scale and shift of a sample are
/// the two halves of MLP(e), E to 512 to 2 C with GELU.
///
/// Fields may be divided among ranks, in any boxes, but for the options that follow: see
/// SpectralConvolution. Otherwise local, but collective in training mode with the norm
/// "batch_norm". Not on divided fields: "batch_norm", conv_bias_kernel > 1, dropout in training
/// mode.
template <class T>
class Fno : public Operator<T> {
 public:
  explicit Fno(const FnoOptions& options, std::uint64_t seed = 0);
  ~Fno() override;

  std::string name() const override { return "fno"; }
  nlohmann::json configuration() const override;
  using Operator<T>::forward;
  Variable<T> forward(std::span<const Variable<T>> inputs) const override;
  Variable<T> forward(std::span<const Variable<T>> inputs, const Grid& grid) const override;
  std::vector<AxisRule> grid_rules() const override;
  void check_inputs(std::span<const Shape> inputs) const override;
  Cost cost(std::span<const Shape> inputs) const override;
  const Parameters<T>& parameters() const override { return parameters_; }
  std::vector<NamedTensor<T>> buffers() const override;
  bool restrict_modes(std::int64_t modes) override;
  std::vector<double> mode_strengths() const override;

  const FnoOptions& options() const noexcept { return options_; }

  /// The weights in use of a layer, (K1, ..., Kd, Cin, Cout, 2), whatever their factors.
  Tensor<T> spectral_weight(std::int64_t layer) const;

 private:
  struct Layers;
  struct Block;
  Variable<T> evaluate(std::span<const Variable<T>> inputs, const Grid* grid) const;
  void check_divided(const Shape& x, const Grid& grid) const;
  Variable<T> forward_block(const Block& block, Variable<T> x, const Variable<T>& embedding,
                            bool last, const Grid* grid) const;
  Shape padded_grid(const Shape& grid) const;

  FnoOptions options_;
  std::unique_ptr<Layers> layers_;
  Parameters<T> parameters_;
};

}  // namespace nopal
