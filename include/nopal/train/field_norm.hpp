// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/grid.hpp>

#include <memory>
#include <vector>

namespace nopal {

/// Difference quotients at the boundary of the grid for H1 norms.
enum class Boundary { periodic, one_sided };

/// Squared norms of fields over the points of a grid, for each sample and channel.
///
/// | norm | square of the norm of v |
/// | --- | --- |
/// | l2 | sum v^2 |
/// | h1 | sum v^2 + sum_k sum (D_k v)^2 |
/// | h1_fourier | sum v^2 + sum_k (1 / n_k) sum_q q^2 |v^_k(q)|^2, over wave numbers \|q\| < cutoff
/// |
///
/// h1 is the Sobolev norm of functions on the unit cube: D_k are second-order central differences
/// with spacing 1 / n_k (the neuraloperator convention), wrapped around for periodic; for one_sided
/// with the third-order stencil (-11, 18, -9, 2) / (6 h) at the ends (needs n_k >= 4).
///
/// h1_fourier is what the MgNO paper calls H1: v^_k is the discrete Fourier transform along axis k,
/// q its integer wave number without the factor 2 pi, so derivatives count (2 pi)^2 times less;
/// fields are taken as periodic, and wave numbers from `cutoff` on only count in sum v^2. It is no
/// Sobolev norm of a function that is not periodic. Source: He, Liu, Xu, "MgNO", ICLR 2024, its
/// code.
///
/// Fields are (B, X1, ..., Xd, C). Of a grid that is divided among ranks each has the part on its
/// box, norms are sums over all ranks, and squares() and half_gradient() are collective. A handle:
/// copies share plans and communicators.
template <class T>
class FieldNorm {
 public:
  /// Of whole fields, on any grid.
  static FieldNorm l2();
  static FieldNorm h1(Boundary boundary);
  static FieldNorm h1_fourier(std::int64_t cutoff = 20);

  /// The norm of the same kind of fields on `grid`. Collective.
  FieldNorm on(const Grid& grid) const;

  /// The ranks that hold a field.
  const Communicator& comm() const;

  /// What the adjoint needs of p - y.
  struct Difference {
    Tensor<T> field;                 ///< p - y, with margins where differences need them
    std::vector<Tensor<T>> spectra;  ///< by axis: the transforms along it
  };

  /// Squared norms of p - y and y: (B, C, 2), in double, the same on all ranks. Summed in a fixed
  /// order: same input, same bits. Keeps what the adjoint needs in `difference`, if given.
  Tensor<double> squares(const Tensor<T>& p, const Tensor<T>& y, Difference* difference) const;

  /// result = beta result + seed c g, with g half the gradient of the squared norm of p - y in p
  /// and c (B, C) a factor for each sample and channel; `seed` has one entry. May overwrite
  /// `difference`.
  void half_gradient(const Difference& difference, const Tensor<double>& factor,
                     const Tensor<T>& seed, T beta, const Tensor<T>& result) const;

 private:
  struct State;
  explicit FieldNorm(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace nopal
