// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/comm/box.hpp>
#include <nopal/comm/communicator.hpp>
#include <nopal/core/fft.hpp>
#include <nopal/core/profile.hpp>

#include <memory>
#include <vector>

namespace nopal {

namespace detail {
template <class T>
class AxisTransform;
}

/// The kept part of the discrete Fourier transform of real fields on a grid (N1, ..., Nd),
/// d = 1, 2, 3, and its inverse, by small matrix products instead of an FFT.
///
/// Modes K = (K1, ..., Kd): axis j < d keeps the signed frequencies -floor(Kj/2), ...,
/// ceil(Kj/2) - 1, the last one 0, ..., Kd - 1; Kj <= Nj and Kd <= floor(Nd/2) + 1. A neural
/// operator keeps a few dozen of them, and then the products, which run at the speed of GEMM, take
/// a fraction of the time of a full FFT; they do not care whether N has large prime factors; and
/// the columns of a matrix split over ranks as the grid does.
///
/// Along each axis a real field is multiplied by rows cos(2 pi k n / N), k = 0, ..., h, and
/// sin(2 pi k n / N), k = 1, ..., h, after folding it by their symmetries (AxisTransform); the 2^d
/// products of cosines and sines that make one complex mode are then combined, since
/// exp(-i(a + b)) = (cos a - i sin a)(cos b - i sin b).
///
/// Where most of many modes are kept, an FFT of the whole field is faster after all (more than half
/// of 1024 an axis, or all of 256: docs/benchmarks.md), and is taken on a host for whole fields;
/// the choice is made at construction from the flops of both and their measured rates, so that it
/// is the same in each run.
///
/// On a box of the grid, fields are its points alone: analyse() sums over them, so that the sum of
/// the results over all ranks is the spectrum, and synthesise() gives them from the whole spectrum.
/// Local. Sizes are fixed at construction; the calls allocate from the tensor cache only.
template <class T>
class TruncatedDft {
 public:
  /// Error if K does not fit the grid, or the box is not one of its boxes.
  TruncatedDft(const Shape& grid, const Shape& modes);
  TruncatedDft(const Shape& grid, const Shape& modes, const Box& box);
  ~TruncatedDft();

  const Shape& grid() const noexcept { return grid_; }
  const Box& box() const noexcept { return box_; }
  const Shape& modes() const noexcept { return modes_; }

  /// spectrum(b, k, c) = s_k sum_n x(b, n, c) exp(-2 pi i sum_j k_j n_j / N_j).
  ///
  /// x (B, N1, ..., Nd, C) to (B, K1, ..., Kd, C, 2). `hermitian` = false: s_k = 1 / prod N, the
  /// forward transform. `hermitian` = true: s_k = multiplicity of k_d (below), the adjoint of
  /// synthesise(hermitian = true).
  void analyse(const Tensor<T>& x, const Tensor<T>& spectrum, bool hermitian) const;

  /// x(b, n, c) = beta x + Re sum_k s_k spectrum(b, k, c) exp(2 pi i sum_j k_j n_j / N_j).
  ///
  /// `hermitian` = true: s_k = 1 if k_d = 0 or 2 k_d = N_d, 2 otherwise: the inverse real
  /// transform, where the modes -k_d follow by symmetry. false: s_k = 1 / prod N, the adjoint of
  /// analyse(hermitian = false). beta is 0 or 1.
  void synthesise(const Tensor<T>& spectrum, const Tensor<T>& x, bool hermitian, T beta) const;

  /// Whether by FFTs, see above; may be set for measurements (where it is possible).
  bool by_fft() const noexcept { return by_fft_; }
  void set_by_fft(bool by_fft);

  /// Work of one analyse() or synthesise() by products for B fields of C channels.
  Cost cost(std::int64_t batch, std::int64_t channels) const;

 private:
  // One product of cosines and sines in one real or imaginary part of one mode.
  struct Term {
    std::int32_t index;  // of the product, or of the part, in the other array
    T sign;
  };
  static constexpr int max_terms = 8;

  Shape grid_, modes_, rows_;  // rows_: cosines and sines of each axis
  Box box_;
  Shape points_;  // of the box
  std::vector<detail::AxisTransform<T>> axes_;
  std::int64_t mode_count_ = 0, product_count_ = 0;
  int terms_of_part_ = 0, terms_of_product_ = 0;
  // Terms of part p (0, 1 real and imaginary part of mode 0, ...) and of each product, padded with
  // sign 0 to a fixed number.
  Tensor<T> part_sign_, product_sign_;
  Kokkos::View<std::int32_t*, MemorySpace> part_index_, product_index_;
  Tensor<T> multiplicity_;  // of each mode
  T normalisation_ = 1;

  // By FFTs: the entry of the spectrum of a mode, and of its negative where both are stored.
  struct Place {
    std::int64_t of_mode, of_negative;  // the latter -1 if not stored
  };
  void analyse_by_fft(const Tensor<T>& x, const Tensor<T>& spectrum, bool hermitian) const;
  void synthesise_by_fft(const Tensor<T>& spectrum, const Tensor<T>& x, bool hermitian,
                         T beta) const;
  const RealFft<T>& fft(std::int64_t channels) const;
  bool by_fft_ = false;
  std::vector<Place> places_;
  mutable std::vector<std::unique_ptr<RealFft<T>>> ffts_;  // of the numbers of channels so far
};

/// Forward transform as a differentiable operation: x (B, N1, ..., Nd, C) to (B, K..., C, 2). On
/// boxes it is collective over `comm`, and so is its adjoint: every rank gets the whole spectrum,
/// and takes the gradients in it of all ranks together. 2 B K C numbers are summed either way.
template <class T>
Variable<T> truncated_dft(const TruncatedDft<T>& dft, const Variable<T>& x,
                          const Communicator& comm = {});

/// Inverse transform, added to a field: returns `into` + inverse(spectrum). The memory of `into`
/// (B, N1, ..., Nd, C) is overwritten: pass a value that nothing else uses, or an empty Variable
/// for a new field. `dft` must outlive the tape's backward().
template <class T>
Variable<T> inverse_truncated_dft(const TruncatedDft<T>& dft, const Variable<T>& spectrum,
                                  const Variable<T>& into = {});

}  // namespace nopal
