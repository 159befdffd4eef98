// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/grid.hpp>
#include <nopal/nn/spectral_weight.hpp>
#include <nopal/nn/truncated_dft.hpp>

#include <memory>
#include <vector>

namespace nopal {

/// The Fourier integral operator (K v)(x) = F^-1 (W(k) (F v)(k)) of a Fourier layer, on the kept
/// modes; Li et al., "Fourier neural operator for parametric partial differential equations",
/// ICLR 2021, eq. (4), with the mode convention of neuraloperator 2.0.
///
/// A weight with M stored modes (options().modes) acts on frequencies -floor(M/2), ...,
/// ceil(M/2) - 1 of each axis but the last and 0, ..., M - 1 of the last. A grid that has fewer
/// frequencies uses those it has, each with its own weight. `active_modes` may restrict them
/// further. Input and output grid may differ: the result is the band-limited function K v
/// sampled on the output grid, with negative frequencies where they belong.
template <class T>
class SpectralConvolution {
 public:
  SpectralConvolution() = default;

  /// `active_modes` of rank 0: all stored modes.
  explicit SpectralConvolution(const SpectralWeightOptions& options,
                               const Shape& active_modes = {});

  /// With the weight of a layer of `joint`.
  SpectralConvolution(std::shared_ptr<JointSpectralWeight<T>> joint, std::int64_t layer,
                      const Shape& active_modes = {});

  /// into + K x. x (B, N1, ..., Nd, Cin); result (B, N'1, ..., N'd, Cout) on `output_grid` (rank 0:
  /// the grid of x). The memory of `into`, if given, is overwritten: pass a value that nothing else
  /// uses. Transforms are set up on the first call for each grid and kept.
  Variable<T> forward(const Variable<T>& x, const Variable<T>& into = {},
                      const Shape& output_grid = {}) const;

  /// The same on a grid whose points are divided among ranks, any boxes: fields are those of this
  /// rank's box. Collective, and so is the adjoint, in which gradients of weights are this rank's
  /// part; 2 B K Cin numbers are summed over the ranks in either, whatever the size of the grid.
  Variable<T> forward(const Variable<T>& x, const Variable<T>& into, const Grid& grid) const;

  /// Kept modes on a field from `grid` to `output_grid`.
  Shape kept_modes(const Shape& grid, const Shape& output_grid) const;

  /// Uses other modes from now on, counted as those that are stored. Error if there are fewer.
  void set_active_modes(const Shape& active_modes);
  const Shape& active_modes() const noexcept { return active_modes_; }

  /// The weights of the modes in use, see SpectralWeight::dense().
  Variable<T> active_weight() const;

  Cost cost(std::int64_t batch, const Shape& grid) const;

  /// Its own; of no use with a joint one.
  SpectralWeight<T>& weight() noexcept { return weight_; }
  const SpectralWeight<T>& weight() const noexcept { return weight_; }

 private:
  const SpectralWeightOptions& options() const {
    return joint_ ? joint_->options() : weight_.options();
  }
  Variable<T> contract(const Variable<T>& spectrum) const;
  const TruncatedDft<T>& transform(const Shape& grid, const Shape& modes, const Box& box) const;

  SpectralWeight<T> weight_;
  std::shared_ptr<JointSpectralWeight<T>> joint_;
  std::int64_t layer_ = 0;
  Shape active_modes_;
  mutable std::vector<std::unique_ptr<TruncatedDft<T>>> transforms_;
};

}  // namespace nopal
