// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Transforms against their defining sums, evaluated term by term in double.

#include <gtest/gtest.h>
#include <nopal/core/fft.hpp>
#include <nopal/core/random.hpp>

#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <thread>

namespace {

using nopal::RealTransformKind;
using nopal::Shape;
using nopal::Tensor;
using std::numbers::pi;

// Rounding grows like log2 n times epsilon; a factor 20 covers the sizes below.
template <class T>
constexpr double tolerance = 20 * std::numeric_limits<T>::epsilon();

template <class T>
Tensor<T> random_tensor(const Shape& shape, std::uint64_t stream) {
  Tensor<T> x(shape);
  nopal::fill_normal(x, 0.0, 1.0, nopal::Random(7, stream));
  return x;
}

double norm(const std::vector<double>& v) {
  double sum = 0;
  for (const double x : v)
    sum += x * x;
  return std::sqrt(sum);
}

template <class T, class U>
double relative_difference(const std::vector<T>& a, const std::vector<U>& b) {
  EXPECT_EQ(a.size(), b.size());
  std::vector<double> difference(a.size()), reference(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    reference[i] = static_cast<double>(b[i]);
    difference[i] = static_cast<double>(a[i]) - reference[i];
  }
  return norm(difference) / norm(reference);
}

// A field (B, grid, C) of complex numbers, indexed by batch, flat grid point and channel.
struct Field {
  std::int64_t batch, points, channels;
  std::vector<std::complex<double>> values;
  std::complex<double>& operator()(std::int64_t b, std::int64_t p, std::int64_t c) {
    return values[static_cast<std::size_t>((b * points + p) * channels + c)];
  }
};

// Position along each axis of the flat point p.
std::vector<std::int64_t> position(const Shape& grid, std::int64_t p) {
  std::vector<std::int64_t> x(static_cast<std::size_t>(grid.rank()));
  for (int i = grid.rank() - 1; i >= 0; --i) {
    x[static_cast<std::size_t>(i)] = p % grid[i];
    p /= grid[i];
  }
  return x;
}

Field naive_dft(Field in, const Shape& grid, int sign) {
  Field out = in;
  for (std::int64_t k = 0; k < in.points; ++k)
    for (std::int64_t b = 0; b < in.batch; ++b)
      for (std::int64_t c = 0; c < in.channels; ++c) {
        std::complex<double> sum = 0;
        for (std::int64_t j = 0; j < in.points; ++j) {
          double phase = 0;
          const auto kk = position(grid, k), jj = position(grid, j);
          for (std::size_t i = 0; i < kk.size(); ++i)
            phase +=
                static_cast<double>(kk[i] * jj[i]) / static_cast<double>(grid[static_cast<int>(i)]);
          sum += in(b, j, c) * std::polar(1.0, sign * 2 * pi * phase);
        }
        out(b, k, c) = sum;
      }
  return out;
}

struct Case {
  Shape grid;
  std::int64_t batch, channels;
};

// Even and odd lengths, one to three axes, strided and batched; a length of one.
const std::vector<Case> cases = {{{8}, 1, 1},    {{7}, 3, 2},    {{1}, 2, 2},
                                 {{6, 5}, 2, 3}, {{5, 8}, 1, 1}, {{3, 4, 6}, 2, 2}};

template <class T>
class FftTest : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(FftTest, Scalars);

TYPED_TEST(FftTest, RealMatchesTheDefiningSumAndReturns) {
  using T = TypeParam;
  for (const auto& [grid, batch, channels] : cases) {
    SCOPED_TRACE(testing::Message() << "grid " << grid << " batch " << batch);
    const nopal::RealFft<T> fft(grid, batch, channels);
    const auto x = random_tensor<T>(fft.field_shape(), 1);
    Tensor<T> spectrum(fft.spectrum_shape()), back(fft.field_shape());
    fft.forward(x, spectrum);

    Field field{batch, grid.size(), channels, {}};
    for (const T v : x.to_vector())
      field.values.emplace_back(v, 0);
    Field reference = naive_dft(field, grid, -1);
    const auto values = spectrum.to_vector();
    const Shape half = grid.with(-1, grid[-1] / 2 + 1);
    std::vector<double> expected;
    for (std::int64_t b = 0; b < batch; ++b)
      for (std::int64_t p = 0; p < half.size(); ++p)
        for (std::int64_t c = 0; c < channels; ++c) {
          std::int64_t q = 0;
          const auto k = position(half, p);
          for (int i = 0; i < grid.rank(); ++i)
            q = q * grid[i] + k[static_cast<std::size_t>(i)];
          expected.push_back(reference(b, q, c).real());
          expected.push_back(reference(b, q, c).imag());
        }
    EXPECT_LT(relative_difference(values, expected), tolerance<T>);

    fft.backward(spectrum, back);
    nopal::scale(static_cast<T>(1 / fft.normalisation()), back);
    EXPECT_LT(relative_difference(back.to_vector(), x.to_vector()), tolerance<T>);
  }
}

TYPED_TEST(FftTest, ComplexMatchesTheDefiningSumBothWays) {
  using T = TypeParam;
  for (const auto& [grid, batch, channels] : cases) {
    SCOPED_TRACE(testing::Message() << "grid " << grid << " batch " << batch);
    const nopal::ComplexFft<T> fft(grid, batch, channels);
    const auto x = random_tensor<T>(fft.shape(), 2);
    const auto original = x.to_vector();
    Field field{batch, grid.size(), channels, {}};
    for (std::size_t i = 0; i < original.size(); i += 2)
      field.values.emplace_back(original[i], original[i + 1]);
    for (const int sign : {-1, 1}) {
      Tensor<T> y(fft.shape());
      sign < 0 ? fft.forward(x, y) : fft.backward(x, y);
      std::vector<double> expected;
      for (const auto z : naive_dft(field, grid, sign).values) {
        expected.push_back(z.real());
        expected.push_back(z.imag());
      }
      EXPECT_LT(relative_difference(y.to_vector(), expected), tolerance<T>);
    }
    EXPECT_EQ(x.to_vector(), original) << "the input must not be changed";
  }
}

double kernel(RealTransformKind kind, std::int64_t n, std::int64_t j, std::int64_t k) {
  const auto N = static_cast<double>(n), x = static_cast<double>(j), y = static_cast<double>(k);
  const double alternating = k % 2 == 0 ? 1 : -1;
  switch (kind) {
    case RealTransformKind::dct1:
      if (j == 0) return 1;
      if (j == n - 1) return alternating;
      return 2 * std::cos(pi * x * y / (N - 1));
    case RealTransformKind::dct2:
      return 2 * std::cos(pi * (x + 0.5) * y / N);
    case RealTransformKind::dct3:
      return j == 0 ? 1 : 2 * std::cos(pi * x * (y + 0.5) / N);
    case RealTransformKind::dst1:
      return 2 * std::sin(pi * (x + 1) * (y + 1) / (N + 1));
    case RealTransformKind::dst2:
      return 2 * std::sin(pi * (x + 0.5) * (y + 1) / N);
    default:
      return j == n - 1 ? alternating : 2 * std::sin(pi * (x + 1) * (y + 0.5) / N);
  }
}

const std::vector<RealTransformKind> all_kinds = {RealTransformKind::dct1, RealTransformKind::dct2,
                                                  RealTransformKind::dct3, RealTransformKind::dst1,
                                                  RealTransformKind::dst2, RealTransformKind::dst3};

TYPED_TEST(FftTest, CosineAndSineMatchTheirDefiningSumsAndReturn) {
  using T = TypeParam;
  const std::vector<Case> real_cases = {
      {{2}, 1, 1}, {{9}, 3, 2}, {{6, 5}, 2, 3}, {{3, 4, 5}, 2, 2}};
  for (const auto& [grid, batch, channels] : real_cases) {
    for (std::size_t first = 0; first < all_kinds.size(); ++first) {
      // A different kind on each axis, so that a swap of axes shows.
      std::vector<RealTransformKind> kinds, inverses;
      for (int i = 0; i < grid.rank(); ++i) {
        kinds.push_back(all_kinds[(first + static_cast<std::size_t>(i)) % all_kinds.size()]);
        inverses.push_back(nopal::inverse(kinds.back()));
      }
      SCOPED_TRACE(testing::Message() << "grid " << grid << " first kind " << first);
      const nopal::RealTransform<T> transform(grid, kinds, batch, channels);
      const auto x = random_tensor<T>(transform.shape(), 3);
      Tensor<T> y(transform.shape()), back(transform.shape());
      transform.execute(x, y);

      const auto in = x.to_vector();
      std::vector<double> expected;
      for (std::int64_t b = 0; b < batch; ++b)
        for (std::int64_t k = 0; k < grid.size(); ++k)
          for (std::int64_t c = 0; c < channels; ++c) {
            double sum = 0;
            for (std::int64_t j = 0; j < grid.size(); ++j) {
              const auto kk = position(grid, k), jj = position(grid, j);
              double factor = 1;
              for (std::size_t i = 0; i < kinds.size(); ++i)
                factor *= kernel(kinds[i], grid[static_cast<int>(i)], jj[i], kk[i]);
              sum += factor * in[static_cast<std::size_t>((b * grid.size() + j) * channels + c)];
            }
            expected.push_back(sum);
          }
      EXPECT_LT(relative_difference(y.to_vector(), expected), tolerance<T>);

      const nopal::RealTransform<T> inverse(grid, inverses, batch, channels);
      EXPECT_DOUBLE_EQ(inverse.normalisation(), transform.normalisation());
      inverse.execute(y, back);
      nopal::scale(static_cast<T>(1 / transform.normalisation()), back);
      EXPECT_LT(relative_difference(back.to_vector(), in), tolerance<T>);
    }
  }
}

TYPED_TEST(FftTest, UnalignedDataGivesTheSameResult) {
  using T = TypeParam;
  const nopal::RealFft<T> fft({16, 12}, 1, 3);
  const auto points = static_cast<std::size_t>(fft.field_shape().size());
  const auto modes = static_cast<std::size_t>(fft.spectrum_shape().size() / 2);
  const auto x = random_tensor<T>(fft.field_shape(), 4).to_vector();
  std::vector<T> shifted(points + 1);
  std::copy(x.begin(), x.end(), shifted.begin() + 1);
  std::vector<Kokkos::complex<T>> a(modes), b(modes);
  fft.forward(std::span<const T>(x), a);
  fft.forward(std::span<const T>(shifted).subspan(1), b);
  for (std::size_t i = 0; i < modes; ++i) {
    EXPECT_NEAR(a[i].real(), b[i].real(), 100 * tolerance<T>);
    EXPECT_NEAR(a[i].imag(), b[i].imag(), 100 * tolerance<T>);
  }
}

TEST(Fft, OnePlanServesManyThreads) {
  const nopal::RealTransform<double> transform({64, 64}, {RealTransformKind::dct2});
  const auto size = static_cast<std::size_t>(transform.shape().size());
  std::vector<std::vector<double>> in(4), serial(4), parallel(4);
  for (std::size_t t = 0; t < 4; ++t) {
    in[t] = random_tensor<double>(transform.shape(), 10 + t).to_vector();
    serial[t].resize(size);
    parallel[t].resize(size);
    transform.execute(std::span<const double>(in[t]), serial[t]);
  }
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      // Planning in threads as well: FFTW's planner alone would not survive this.
      const nopal::RealTransform<double> own({64, 64}, {RealTransformKind::dct2});
      own.execute(std::span<const double>(in[t]), parallel[t]);
      transform.execute(std::span<const double>(in[t]), parallel[t]);
    });
  for (auto& thread : threads)
    thread.join();
  for (std::size_t t = 0; t < 4; ++t)
    EXPECT_EQ(parallel[t], serial[t]);
}

template <class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const nopal::Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Fft, WrongArgumentsAreNamed) {
  const nopal::RealFft<double> fft({8, 8}, 2, 3);
  const Tensor<double> x({2, 8, 8, 3}), wrong({2, 8, 7, 3}), spectrum(fft.spectrum_shape());
  EXPECT_EQ(message_of([&] { fft.forward(wrong, spectrum); }),
            "RealFft::forward: expected a field of shape (2, 8, 8, 3), got (2, 8, 7, 3)");
  EXPECT_EQ(message_of([&] { fft.backward(x, x); }),
            "RealFft::backward: expected a spectrum of shape (2, 8, 5, 3, 2), got (2, 8, 8, 3)");
  std::vector<double> few(5);
  std::vector<Kokkos::complex<double>> modes(240);
  EXPECT_EQ(message_of([&] { fft.forward(std::span<const double>(few), modes); }),
            "RealFft::forward: field needs 384 entries, got 5");
  const nopal::ComplexFft<double> complex({4});
  const Tensor<double> z(complex.shape());
  EXPECT_EQ(message_of([&] { complex.forward(z, z); }),
            "ComplexFft::forward: input and output must not be the same array");
  EXPECT_EQ(message_of([] {
              nopal::RealFft<double>({2, 2, 2, 2});
            }),
            "a transform has 1 to 3 grid axes, got a grid of shape (2, 2, 2, 2)");
  EXPECT_NE(message_of([] { nopal::RealFft<double>({0}); }).find("at least one point"),
            std::string::npos);
  EXPECT_NE(message_of([] {
              nopal::RealTransform<double>({1}, {RealTransformKind::dct1});
            }).find("at least 2 points"),
            std::string::npos);
  EXPECT_NE(
      message_of([] {
        nopal::RealTransform<double>({4, 4, 4}, {RealTransformKind::dct2, RealTransformKind::dct1});
      }).find("needs 1 or 3 kinds, got 2"),
      std::string::npos);
}

}  // namespace
