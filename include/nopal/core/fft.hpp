// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <memory>
#include <span>
#include <vector>

namespace nopal {

/// Fourier, cosine and sine transforms of fields stored channels last: a plan transforms the 1 to 3
/// grid axes of `(batch, X1, ..., Xd, channels)`, all batches and channels in one call.
///
/// Nothing is scaled: a transform followed by its inverse multiplies by `normalisation()`.
///
/// Plans may be made from several threads and executed from several threads at once on different
/// data; executing allocates no tensor (FFTW may take small work buffers). Input and output must
/// not overlap. The span overloads work on host memory; the Tensor overloads on tensors, by way of
/// a copy on the host where those live in device memory. A wrong size or shape is an Error. FFTW on
/// the host.

namespace detail {

struct FftPlans;
struct FftPlansDeleter {
  void operator()(FftPlans* plans) const noexcept;
};
using FftPlansPointer = std::unique_ptr<FftPlans, FftPlansDeleter>;

}  // namespace detail

/// Real to complex and back:
///   F(k) = sum_x f(x) exp(-2 pi i sum_j k_j x_j / n_j).
///
/// Only k_d = 0, ..., n_d/2 of the last grid axis are stored; the other axes hold k = 0, ..., n-1,
/// where k > n/2 stands for the negative frequency k - n.
template <class T>
class RealFft {
 public:
  /// `grid` = (X1, ..., Xd), d = 1, 2 or 3.
  explicit RealFft(const Shape& grid, std::int64_t batch = 1, std::int64_t channels = 1);

  const Shape& field_shape() const noexcept { return field_; }        ///< (B, X1, ..., Xd, C)
  const Shape& spectrum_shape() const noexcept { return spectrum_; }  ///< (B, .., Xd/2+1, C, 2)
  double normalisation() const noexcept { return normalisation_; }    ///< n_1 ... n_d

  void forward(std::span<const T> field, std::span<Kokkos::complex<T>> spectrum) const;
  void forward(const Tensor<T>& field, const Tensor<T>& spectrum) const;

  /// f(x) = sum_k F(k) exp(+2 pi i ...), for F with the symmetry of a real field's transform; only
  /// its stored half is read. Overwrites the spectrum: FFTW has no other way in 2 and 3 dimensions.
  void backward(std::span<Kokkos::complex<T>> spectrum, std::span<T> field) const;
  void backward(const Tensor<T>& spectrum, const Tensor<T>& field) const;

 private:
  Shape field_, spectrum_;
  double normalisation_;
  detail::FftPlansPointer forward_, backward_;
};

/// Complex to complex, F(k) as in RealFft with k = 0, ..., n-1 on all grid axes.
template <class T>
class ComplexFft {
 public:
  explicit ComplexFft(const Shape& grid, std::int64_t batch = 1, std::int64_t channels = 1);

  const Shape& shape() const noexcept { return shape_; }            ///< (B, X1, ..., Xd, C, 2)
  double normalisation() const noexcept { return normalisation_; }  ///< n_1 ... n_d

  void forward(std::span<const Kokkos::complex<T>> field,
               std::span<Kokkos::complex<T>> spectrum) const;
  void forward(const Tensor<T>& field, const Tensor<T>& spectrum) const;
  void backward(std::span<const Kokkos::complex<T>> spectrum,
                std::span<Kokkos::complex<T>> field) const;
  void backward(const Tensor<T>& spectrum, const Tensor<T>& field) const;

 private:
  Shape shape_;
  double normalisation_;
  detail::FftPlansPointer forward_, backward_;
};

/// Cosine and sine transforms of n points along an axis, j, k = 0, ..., n-1 (FFTW's convention):
///
/// | kind | F(k) =                                                           | inverse | N      |
/// | ---- | ---------------------------------------------------------------- | ------- | ------ |
/// | dct1 | f(0) + (-1)^k f(n-1) + 2 sum_{j=1}^{n-2} f(j) cos(pi j k/(n-1))  | dct1    | 2(n-1) |
/// | dct2 | 2 sum_j f(j) cos(pi (j+1/2) k / n)                               | dct3    | 2n     |
/// | dct3 | f(0) + 2 sum_{j=1}^{n-1} f(j) cos(pi j (k+1/2) / n)              | dct2    | 2n     |
/// | dst1 | 2 sum_j f(j) sin(pi (j+1) (k+1) / (n+1))                         | dst1    | 2(n+1) |
/// | dst2 | 2 sum_j f(j) sin(pi (j+1/2) (k+1) / n)                           | dst3    | 2n     |
/// | dst3 | (-1)^k f(n-1) + 2 sum_{j=0}^{n-2} f(j) sin(pi (j+1) (k+1/2) / n) | dst2    | 2n     |
enum class RealTransformKind { dct1, dct2, dct3, dst1, dst2, dst3 };

/// A cosine or sine transform along each grid axis, real to real.
template <class T>
class RealTransform {
 public:
  /// `kinds`: one for all axes, or one for each. dct1 needs at least 2 points along its axis.
  RealTransform(const Shape& grid, const std::vector<RealTransformKind>& kinds,
                std::int64_t batch = 1, std::int64_t channels = 1);

  const Shape& shape() const noexcept { return shape_; }            ///< (B, X1, ..., Xd, C)
  double normalisation() const noexcept { return normalisation_; }  ///< product of N over the axes

  void execute(std::span<const T> in, std::span<T> out) const;
  void execute(const Tensor<T>& in, const Tensor<T>& out) const;

 private:
  Shape shape_;
  double normalisation_;
  detail::FftPlansPointer plans_;
};

/// The kind that undoes `kind`, up to the factor N of the table above.
RealTransformKind inverse(RealTransformKind kind);

}  // namespace nopal
