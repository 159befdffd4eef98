// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/truncated_dft.hpp>

#include <cmath>
#include <complex>

namespace nopal {
namespace {

struct Case {
  Shape grid, modes;
};

// Even, odd and prime sizes; full and truncated mode sets, the Nyquist frequency included.
const Case cases[] = {
    {{8}, {5}},       {{9}, {3}},         {{7, 6}, {4, 3}},       {{6, 8}, {6, 5}},
    {{5, 7}, {5, 4}}, {{16, 13}, {8, 5}}, {{4, 6, 5}, {4, 3, 2}}, {{5, 4, 6}, {3, 4, 4}}};

std::vector<std::int64_t> unravel(std::int64_t index, const Shape& shape) {
  std::vector<std::int64_t> result(static_cast<std::size_t>(shape.rank()));
  for (int j = shape.rank() - 1; j >= 0; --j) {
    result[static_cast<std::size_t>(j)] = index % shape[j];
    index /= shape[j];
  }
  return result;
}

// exp(-2 pi i sum_j k_j n_j / N_j) for mode number `mode` and point number `point`.
std::complex<double> wave(std::int64_t mode, std::int64_t point, const Case& c) {
  const auto k = unravel(mode, c.modes), n = unravel(point, c.grid);
  double phase = 0;
  for (std::size_t j = 0; j < k.size(); ++j) {
    const int axis = static_cast<int>(j);
    const bool last = axis == c.grid.rank() - 1;
    const std::int64_t frequency = k[j] - (last ? 0 : c.modes[axis] / 2);
    phase += static_cast<double>(frequency * n[j]) / static_cast<double>(c.grid[axis]);
  }
  return std::polar(1.0, -2 * M_PI * phase);
}

Shape field_shape(const Case& c, std::int64_t batch, std::int64_t channels) {
  Shape shape{batch};
  for (auto n : c.grid)
    shape.push_back(n);
  shape.push_back(channels);
  return shape;
}

Shape spectrum_shape(const Case& c, std::int64_t batch, std::int64_t channels) {
  Shape shape{batch};
  for (auto k : c.modes)
    shape.push_back(k);
  shape.push_back(channels);
  shape.push_back(2);
  return shape;
}

template <class T>
class TruncatedDftTest : public testing::Test {
 protected:
  static constexpr double tolerance = std::is_same_v<T, float> ? 2e-6 : 1e-14;
};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(TruncatedDftTest, Scalars);

TYPED_TEST(TruncatedDftTest, ForwardEqualsTheDefinition) {
  using T = TypeParam;
  for (const Case& c : cases) {
    const std::int64_t batch = 2, channels = 3;
    Tensor<T> x(field_shape(c, batch, channels)), spectrum(spectrum_shape(c, batch, channels));
    fill_normal(x, 0, 1, Random(5));
    TruncatedDft<T>(c.grid, c.modes).analyse(x, spectrum, false);
    const auto xs = x.to_vector(), result = spectrum.to_vector();
    const std::int64_t points = c.grid.size(), modes = c.modes.size();
    for (std::int64_t b = 0; b < batch; ++b)
      for (std::int64_t k = 0; k < modes; ++k)
        for (std::int64_t ch = 0; ch < channels; ++ch) {
          std::complex<double> expected = 0;
          for (std::int64_t n = 0; n < points; ++n)
            expected += double(xs[static_cast<std::size_t>((b * points + n) * channels + ch)]) *
                        wave(k, n, c);
          expected /= static_cast<double>(points);
          const T* got = result.data() + 2 * ((b * modes + k) * channels + ch);
          ASSERT_NEAR(got[0], expected.real(), this->tolerance) << c.grid << " mode " << k;
          ASSERT_NEAR(got[1], expected.imag(), this->tolerance) << c.grid << " mode " << k;
        }
  }
}

TYPED_TEST(TruncatedDftTest, InverseEqualsTheDefinition) {
  using T = TypeParam;
  for (const Case& c : cases) {
    const std::int64_t batch = 2, channels = 3;
    Tensor<T> x(field_shape(c, batch, channels)), spectrum(spectrum_shape(c, batch, channels));
    fill_normal(spectrum, 0, 1, Random(6));
    x.fill(T(2));
    TruncatedDft<T>(c.grid, c.modes).synthesise(spectrum, x, true, T(1));
    const auto coefficients = spectrum.to_vector(), result = x.to_vector();
    const std::int64_t points = c.grid.size(), modes = c.modes.size(), last = c.grid[-1];
    for (std::int64_t b = 0; b < batch; ++b)
      for (std::int64_t n = 0; n < points; ++n)
        for (std::int64_t ch = 0; ch < channels; ++ch) {
          double expected = 2;
          for (std::int64_t k = 0; k < modes; ++k) {
            const std::int64_t kd = k % c.modes[-1];
            const T* y = coefficients.data() + 2 * ((b * modes + k) * channels + ch);
            const std::complex<double> value(y[0], y[1]);
            expected +=
                (kd == 0 || 2 * kd == last ? 1 : 2) * (value * std::conj(wave(k, n, c))).real();
          }
          ASSERT_NEAR(result[static_cast<std::size_t>((b * points + n) * channels + ch)], expected,
                      this->tolerance * 40)
              << c.grid << " point " << n;
        }
  }
}

TYPED_TEST(TruncatedDftTest, RoundTripWithAllModes) {
  using T = TypeParam;
  for (const Case& c : {Case{{8}, {5}}, Case{{9}, {5}}, Case{{6, 8}, {6, 5}}, Case{{5, 7}, {5, 4}},
                        Case{{4, 3, 6}, {4, 3, 4}}}) {
    Tensor<T> x(field_shape(c, 2, 4)), back(x.shape()), spectrum(spectrum_shape(c, 2, 4));
    fill_normal(x, 0, 1, Random(7));
    const TruncatedDft<T> dft(c.grid, c.modes);
    dft.analyse(x, spectrum, false);
    dft.synthesise(spectrum, back, true, T(0));
    axpy(T(-1), x, back);
    EXPECT_LT(std::sqrt(dot(back, back) / dot(x, x)), this->tolerance) << c.grid;
  }
}

// FnoOptions::enforce_hermitian_symmetry: with N2 even and odd, the imaginary parts at k2 = 0 and
// N2 / 2, after the inverse transform of the first axis, make no difference.
TEST(TruncatedDft, InverseHasNoImaginaryPartsOfSelfConjugateFrequencies) {
  for (const Case& c : {Case{{6, 8}, {5, 5}}, Case{{6, 9}, {4, 5}}, Case{{5, 4}, {5, 3}}}) {
    Tensor<double> spectrum(spectrum_shape(c, 1, 1)), x(field_shape(c, 1, 1));
    fill_normal(spectrum, 0, 1, Random(7));
    TruncatedDft<double>(c.grid, c.modes).synthesise(spectrum, x, true, 0.0);
    const auto coefficients = spectrum.to_vector(), result = x.to_vector();
    const auto turn = [](std::int64_t k, std::int64_t n, std::int64_t points) {
      return std::polar(1.0, 2 * M_PI * static_cast<double>(k * n) / static_cast<double>(points));
    };
    const std::int64_t n1 = c.grid[0], n2 = c.grid[1], k1 = c.modes[0], k2 = c.modes[1];
    for (const bool enforce : {true, false})
      for (std::int64_t i = 0; i < n1 * n2; ++i) {
        double expected = 0;
        for (std::int64_t k = 0; k < k2; ++k) {
          std::complex<double> line;
          for (std::int64_t j = 0; j < k1; ++j) {
            const double* entry = coefficients.data() + 2 * (j * k2 + k);
            line += std::complex<double>(entry[0], entry[1]) * turn(j - k1 / 2, i / n2, n1);
          }
          const bool self_conjugate = k == 0 || 2 * k == n2;
          if (enforce && self_conjugate) line.imag(0);
          expected += (self_conjugate ? 1 : 2) * (line * turn(k, i % n2, n2)).real();
        }
        EXPECT_NEAR(result[static_cast<std::size_t>(i)], expected, 1e-12) << c.grid << enforce;
      }
  }
}

// <A x, y> = <x, A^T y>, to rounding.
TEST(TruncatedDft, AdjointIdentity) {
  for (const Case& c : cases)
    for (bool hermitian : {false, true}) {
      Tensor<double> x(field_shape(c, 2, 3)), aty(x.shape()), y(spectrum_shape(c, 2, 3)),
          ax(y.shape());
      fill_normal(x, 0, 1, Random(8));
      fill_normal(y, 0, 1, Random(9));
      const TruncatedDft<double> dft(c.grid, c.modes);
      dft.analyse(x, ax, hermitian);
      dft.synthesise(y, aty, hermitian, 0.0);
      EXPECT_NEAR(dot(ax, y), dot(x, aty), 1e-12 * std::sqrt(dot(ax, ax) * dot(y, y)));
    }
}

// By FFTs, all that the products give: both factors, the symmetric planes, sums into a field.
TYPED_TEST(TruncatedDftTest, FftsEqualProducts) {
  using T = TypeParam;
  const double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-13;
  const auto compare = [&](const Tensor<T>& a, const Tensor<T>& b, const Case& c) {
    const auto x = a.to_vector(), y = b.to_vector();
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      difference = std::max(difference, std::abs(double(x[i]) - double(y[i])));
      size = std::max(size, std::abs(double(y[i])));
    }
    EXPECT_LT(difference, tolerance * size) << c.grid << c.modes;
  };
  for (const Case& c : cases)
    for (const bool hermitian : {false, true}) {
      TruncatedDft<T> products(c.grid, c.modes), ffts(c.grid, c.modes);
      products.set_by_fft(false);
      ffts.set_by_fft(true);
      Tensor<T> x(field_shape(c, 2, 3)), s(spectrum_shape(c, 2, 3));
      fill_normal(x, 0, 1, Random(1));
      fill_normal(s, 0, 1, Random(2));
      const Tensor<T> a(s.shape()), b(s.shape()), u = x.clone(), v = x.clone();
      products.analyse(x, a, hermitian);
      ffts.analyse(x, b, hermitian);
      compare(b, a, c);
      for (const T beta : {T(0), T(1)}) {
        products.synthesise(s, u, hermitian, beta);
        ffts.synthesise(s, v, hermitian, beta);
        compare(v, u, c);
      }
    }
}

TEST(TruncatedDft, FftsAreTakenForMostOfManyModes) {
  EXPECT_TRUE(TruncatedDft<float>({256, 256}, {256, 129}).by_fft());
  EXPECT_FALSE(TruncatedDft<float>({256, 256}, {128, 65}).by_fft());
  EXPECT_FALSE(TruncatedDft<float>({64, 64}, {64, 33}).by_fft());
  Box half = Box::whole({256, 256});
  half.ranges[0].end = 128;
  EXPECT_FALSE(TruncatedDft<float>({256, 256}, {256, 129}, half).by_fft());
  EXPECT_THROW(TruncatedDft<float>({256, 256}, {256, 129}, half).set_by_fft(true), Error);
}

TEST(TruncatedDft, Gradients) {
  const Case c = {{6, 8}, {4, 3}};
  Tensor<double> x(field_shape(c, 2, 3)), s(spectrum_shape(c, 2, 3)), base(x.shape());
  fill_normal(x, 0, 1, Random(1));
  fill_normal(s, 0, 1, Random(2));
  const TruncatedDft<double> dft(c.grid, c.modes);
  auto vx = Variable<double>::leaf(x), vs = Variable<double>::leaf(s);
  const auto forward = check_gradient([&] { return truncated_dft(dft, vx); }, {vx});
  EXPECT_LT(forward.error, 1e-6) << forward.where;
  const auto inverse = check_gradient([&] { return inverse_truncated_dft(dft, vs); }, {vs});
  EXPECT_LT(inverse.error, 1e-6) << inverse.where;
}

TEST(TruncatedDft, TooManyModesAreRefused) {
  EXPECT_THROW((TruncatedDft<float>({8, 8}, {4, 6})), Error);
  EXPECT_THROW((TruncatedDft<float>({8, 8}, {9, 3})), Error);
  EXPECT_THROW((TruncatedDft<float>({8}, {4, 4})), Error);
}

}  // namespace
}  // namespace nopal
