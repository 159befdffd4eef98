// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/fft.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace nopal {

/// What a random field does on the boundary of its box (0, L1) x ... x (0, Ld), and with it its
/// basis, orthonormal in L2 of the box (one factor an axis), and the eigenvalues of -Laplace:
///
/// | boundary  | factors, up to 1/sqrt(L)                     | eigenvalue             |
/// | --------- | -------------------------------------------- | ---------------------- |
/// | neumann   | 1, sqrt(2) cos(pi k x/L), k = 1, 2, ...      | pi^2 sum (k_i/L_i)^2   |
/// | dirichlet | sqrt(2) sin(pi k x/L), k = 1, 2, ...         | pi^2 sum (k_i/L_i)^2   |
/// | periodic  | exp(2 pi i k x/L), k = 0, +-1, +-2, ...      | 4 pi^2 sum (k_i/L_i)^2 |
enum class FieldBoundary { neumann, dirichlet, periodic };

/// Where the n points of an axis lie. `cell`: (i + 1/2) L/n. `node`: i L/(n-1), both ends included,
/// and i L/n where periodic.
enum class FieldCentring { node, cell };

/// Law of a Gaussian random field: N(0, sigma^2 (-Laplace + tau^2)^(-alpha)).
///
/// Published laws in these terms:
///
/// | data                            | boundary | alpha | tau | sigma           | zero_mean |
/// | ------------------------------- | -------- | ----- | --- | --------------- | --------- |
/// | Darcy coefficient (thresholded) | neumann  | 2     | 3   | 1               | true      |
/// | Navier-Stokes vorticity, text   | periodic | 2.5   | 7   | 7^(3/4)         | true      |
/// | the same, released generator    | periodic | 2.5   | 7   | sqrt(2) 7^(3/2) | true      |
/// | Burgers                         | periodic | 2     | 5   | 25              | true      |
///
/// Source: Li et al., "Fourier neural operator for parametric partial differential equations",
/// ICLR 2021, and its released generators. The two Navier-Stokes rows do differ: the generator
/// takes the real part of a sum of independent complex modes scaled by 7^(3/2).
struct RandomFieldOptions {
  FieldBoundary boundary = FieldBoundary::neumann;
  FieldCentring centring = FieldCentring::node;
  double alpha = 2;           ///< smoothness; larger is smoother
  double tau = 3;             ///< inverse correlation length
  double sigma = 1;           ///< amplitude
  bool zero_mean = false;     ///< leaves out the constant mode
  std::int64_t max_mode = 0;  ///< largest |k_i| kept; 0: all that the grid resolves
  std::array<double, 3> lengths = {1, 1, 1};
  int component = 0;  ///< 0 to 7: independent fields of one sample (a coefficient and a source)
};

/// Draws Gaussian random fields on a grid of 1, 2 or 3 axes by the Karhunen-Loeve sum
///
///   f(x) = sum_k sigma (lambda_k + tau^2)^(-alpha/2) xi_k phi_k(x),  xi_k independent N(0, 1),
///
/// evaluated with one fast cosine, sine or Fourier transform.
///
/// xi_k depends on (seed, index, component, k) only: not on the grid, the number of ranks or what
/// was drawn before. Two grids therefore show the same function, up to the modes that only the
/// finer one resolves, and exactly the same function if `max_mode` is resolved by both. That is
/// what gives a model trained at one resolution matching data at another.
class RandomField {
 public:
  /// `grid` = (X1, ..., Xd). Error if the grid is too small for the boundary and centring, or if
  /// a parameter is out of range (the constant mode needs tau > 0, or zero_mean).
  explicit RandomField(const Shape& grid, const RandomFieldOptions& options = {});

  const Shape& grid() const noexcept { return grid_; }

  /// Coordinate of point i along an axis.
  double coordinate(int axis, std::int64_t i) const;

  /// Fills `values` (the points of the grid, row-major, on the host) with sample `index` < 2^48 of
  /// experiment `seed`. Local; uses buffers of this object, so one thread at a time.
  void sample(std::uint64_t seed, std::uint64_t index, std::span<double> values);

  /// The same for a tensor of the grid's shape; drawn in double, then rounded to T.
  template <class T>
  void sample(std::uint64_t seed, std::uint64_t index, const Tensor<T>& field);

 private:
  struct Axis {
    std::vector<std::int64_t> modes;  // mode number at each position of the transform
    std::vector<double> factors;      // normalisation and transform factor; 0 if left out
  };

  void set_up_axes();
  void set_up_weights();
  void sample_real(std::uint64_t seed, std::uint64_t stream, std::span<double> values);
  void sample_periodic(std::uint64_t seed, std::uint64_t stream, std::span<double> values);

  Shape grid_;
  RandomFieldOptions options_;
  std::array<Axis, 3> axes_;     // missing axes lead, with the single mode 0
  std::vector<double> weights_;  // factor of xi_k at each position of the transform
  std::optional<RealTransform<double>> real_;
  std::optional<RealFft<double>> periodic_;
  std::vector<double> modes_, interior_, host_;
  std::vector<Kokkos::complex<double>> spectrum_;
};

}  // namespace nopal
