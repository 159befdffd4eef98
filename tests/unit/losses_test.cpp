// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/train/losses.hpp>

#include <cmath>
#include <complex>
#include <limits>

namespace nopal {
namespace {

Tensor<double> random_field(const Shape& shape, std::uint64_t stream) {
  Tensor<double> x(shape);
  fill_normal(x, 0.3, 1, Random(11, stream));
  return x;
}

// Dense difference matrix by its definition: spacing 1/n, central, wrapped or one-sided ends.
std::vector<std::vector<double>> difference_matrix(int n, Boundary boundary) {
  std::vector<std::vector<double>> d(n, std::vector<double>(n, 0));
  for (int i = 0; i < n; ++i) {
    if (boundary == Boundary::periodic || (i > 0 && i < n - 1)) {
      d[i][(i + 1) % n] += n / 2.0;
      d[i][(i + n - 1) % n] -= n / 2.0;
    } else {
      const double w[4] = {-11, 18, -9, 2};
      for (int m = 0; m < 4; ++m)
        d[i][i == 0 ? m : n - 1 - m] = (i == 0 ? 1 : -1) * w[m] * n / 6.0;
    }
  }
  return d;
}

// D_k v for v of shape (B, X1, ..., Xd, C), entry by entry.
std::vector<double> difference(const std::vector<double>& v, const Shape& shape, int axis,
                               Boundary boundary) {
  const auto n = static_cast<int>(shape[axis]);
  const auto d = difference_matrix(n, boundary);
  const auto inner = static_cast<std::size_t>(shape.product(axis + 1, shape.rank()));
  std::vector<double> result(v.size(), 0);
  for (std::size_t i = 0; i < v.size(); ++i) {
    const auto row = static_cast<int>(i / inner % static_cast<std::size_t>(n));
    for (int j = 0; j < n; ++j)
      result[i] +=
          d[row][j] *
          v[i + static_cast<std::size_t>(j) * inner - static_cast<std::size_t>(row) * inner];
  }
  return result;
}

// Sum over samples and channels of the ratio of norms, by the definition.
double relative_norm(const Tensor<double>& p, const Tensor<double>& y, bool h1, Boundary boundary) {
  const Shape& shape = p.shape();
  std::vector<double> d = p.to_vector(), t = y.to_vector();
  for (std::size_t i = 0; i < d.size(); ++i)
    d[i] -= t[i];
  const std::int64_t channels = shape[-1], samples = shape[0];
  const std::int64_t size = shape.size() / samples;
  std::vector<double> top(samples * channels, 0), bottom(samples * channels, 0);
  const auto add = [&](const std::vector<double>& v, std::vector<double>& sums) {
    for (std::int64_t i = 0; i < shape.size(); ++i)
      sums[i / size * channels + i % channels] += v[i] * v[i];
  };
  add(d, top);
  add(t, bottom);
  for (int k = 1; h1 && k < shape.rank() - 1; ++k) {
    add(difference(d, shape, k, boundary), top);
    add(difference(t, shape, k, boundary), bottom);
  }
  double sum = 0;
  for (std::size_t i = 0; i < top.size(); ++i)
    sum += std::sqrt(top[i]) / (std::sqrt(bottom[i]) + 1e-8);
  return sum;
}

// The same with the weights q^2 of the discrete Fourier transform along each axis, by its
// definition.
double relative_fourier_norm(const Tensor<double>& p, const Tensor<double>& y,
                             std::int64_t cutoff) {
  const Shape& shape = p.shape();
  const std::int64_t channels = shape[-1], samples = shape[0], size = shape.size() / samples;
  std::vector<double> d = p.to_vector(), t = y.to_vector();
  for (std::size_t i = 0; i < d.size(); ++i)
    d[i] -= t[i];
  const auto squares = [&](const std::vector<double>& v, std::int64_t b, std::int64_t c) {
    double sum = 0;
    for (std::int64_t i = c; i < size; i += channels)
      sum += std::pow(v[b * size + i], 2);
    for (int k = 1; k < shape.rank() - 1; ++k) {
      const std::int64_t n = shape[k], inner = shape.product(k + 1, shape.rank());
      for (std::int64_t line = c; line < size; line += channels) {
        if (line / inner % n != 0) continue;
        for (std::int64_t q = -((n - 1) / 2); q <= n / 2; ++q) {
          if (std::abs(q) >= cutoff) continue;
          std::complex<double> mode = 0;
          for (std::int64_t i = 0; i < n; ++i)
            mode += v[b * size + line + i * inner] *
                    std::polar(1.0, -2 * std::acos(-1.0) * double(q * i) / double(n));
          sum += double(q * q) * std::norm(mode) / double(n);
        }
      }
    }
    return sum;
  };
  double sum = 0;
  for (std::int64_t b = 0; b < samples; ++b)
    for (std::int64_t c = 0; c < channels; ++c)
      sum += std::sqrt(squares(d, b, c)) / (std::sqrt(squares(t, b, c)) + 1e-8);
  return sum;
}

// Shapes of every dimension, one and more channels, lines longer than a segment and more rows than
// a work item.
const std::vector<Shape> shapes = {{3, 7, 1},       {2, 4, 3},       {2, 5, 6, 1},
                                   {2, 8, 4, 3},    {2, 5, 4, 6, 2}, {1, 4, 4, 4, 4, 1},
                                   {1, 70, 300, 1}, {2, 600, 2},     {1, 9, 7, 100, 3}};

TEST(Losses, MeanSquaredErrorByHand) {
  const auto p = Tensor<double>::from_host({2, 2, 1}, {1, 2, 3, 5});
  const auto y = Tensor<double>::from_host({2, 2, 1}, {0, 2, 5, 2});
  EXPECT_DOUBLE_EQ(mean_squared_error<double>(p, y).value().item(), 14.0 / 4);
  EXPECT_DOUBLE_EQ(squared_error<double>(p, y, 0.5).value().item(), 7);
}

TEST(Losses, RelativeL2ByHand) {
  // |p - y| / |y| is 5/5 and 0/2 for the channels of the first sample, 1/1 and 6/3 for the second.
  const auto y = Tensor<double>::from_host({2, 2, 2}, {3, 2, 4, 0, 0, 3, 1, 0});
  const auto p = Tensor<double>::from_host({2, 2, 2}, {0, 2, 0, 0, 1, 3, 1, 6});
  EXPECT_NEAR(relative_l2<double>(p, y, 0.25).value().item(), (1 + 0 + 1 + 2) / 4.0, 1e-8);
  const std::vector<double> errors = relative_l2_errors(p, y);
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_DOUBLE_EQ(errors[0], 5 / std::sqrt(29.0));
  EXPECT_DOUBLE_EQ(errors[1], std::sqrt(37.0) / std::sqrt(10.0));
}

TEST(Losses, RelativeH1ByHand) {
  // 4 points, h = 1/4. y = (0, 1, 0, -1): D y = (4, 0, -4, 0), |y|_1^2 = 2 + 32.
  // p - y = (1, 0, 0, 0): D = (0, -2, 0, 2), |p - y|_1^2 = 1 + 8.
  const auto y = Tensor<double>::from_host({1, 4, 1}, {0, 1, 0, -1});
  const auto p = Tensor<double>::from_host({1, 4, 1}, {1, 1, 0, -1});
  EXPECT_NEAR(relative_h1<double>(p, y, 1, Boundary::periodic).value().item(),
              3 / (std::sqrt(34.0) + 1e-8), 1e-14);
  EXPECT_NEAR(relative_h1_errors(p, y)[0], 3 / std::sqrt(34.0), 1e-14);
  // One-sided: D (1, 0, 0, 0) = (-11 * 4 / 6, -2, 0, 2 * (-1) * ... ) with last row
  // (-2, 9, -18, 11) * 4 / 6 -> -8 / 6.
  const double top = 1 + 44.0 * 44 / 36 + 4 + 64.0 / 36;
  // D y = ((18 - 2) * 4/6, 0, -4, (9 - 11) * 4/6).
  const double bottom = 2 + 64.0 * 64 / 36 + 16 + 64.0 / 36;
  EXPECT_NEAR(relative_h1<double>(p, y, 1, Boundary::one_sided).value().item(),
              std::sqrt(top) / (std::sqrt(bottom) + 1e-8), 1e-14);
}

TEST(Losses, AgreeWithTheirDefinition) {
  for (const Shape& shape : shapes) {
    const auto p = random_field(shape, 1), y = random_field(shape, 2);
    const double l2 = relative_norm(p, y, false, Boundary::periodic);
    EXPECT_NEAR(relative_l2(Variable<double>(p), y, 1.0).value().item(), l2, 1e-12 * l2) << shape;
    for (const Boundary boundary : {Boundary::periodic, Boundary::one_sided}) {
      const double h1 = relative_norm(p, y, true, boundary);
      EXPECT_NEAR(relative_h1(Variable<double>(p), y, 1.0, boundary).value().item(), h1, 1e-12 * h1)
          << shape;
    }
  }
}

TEST(Losses, GradientsAgreeWithDifferences) {
  for (const Shape& shape : shapes) {
    const auto p = Variable<double>::leaf(random_field(shape, 1));
    const auto y = random_field(shape, 2);
    const auto check = [&](const std::function<Variable<double>()>& f, const char* what) {
      const GradientCheck result = check_gradient(f, {p});
      EXPECT_LT(result.error, 1e-6) << what << ' ' << shape << ' ' << result.where;
    };
    check([&] { return mean_squared_error(p, y); }, "mse");
    check([&] { return relative_l2(p, y, 0.7); }, "l2");
    check([&] { return relative_h1(p, y, 0.7, Boundary::periodic); }, "h1 periodic");
    check([&] { return relative_h1(p, y, 0.7, Boundary::one_sided); }, "h1 one-sided");
  }
}

TEST(Losses, FourierNormAgreesWithItsDefinition) {
  for (const Shape& shape : {Shape{3, 7, 1}, Shape{2, 4, 3}, Shape{2, 5, 6, 1}, Shape{2, 8, 4, 3},
                             Shape{2, 5, 4, 6, 2}, Shape{1, 50, 3, 1}, Shape{1, 1, 1}})
    for (const std::int64_t cutoff : {1, 3, 20}) {
      const auto norm = FieldNorm<double>::h1_fourier(cutoff);
      const auto p = Variable<double>::leaf(random_field(shape, 1));
      const auto y = random_field(shape, 2);
      const double expected = relative_fourier_norm(p.value(), y, cutoff);
      EXPECT_NEAR(relative_norm(p, y, 1.0, norm).value().item(), expected, 1e-12 * expected)
          << shape << ' ' << cutoff;
      const GradientCheck check =
          check_gradient([&] { return relative_norm(p, y, 0.7, norm); }, {p});
      EXPECT_LT(check.error, 1e-6) << shape << ' ' << cutoff << ' ' << check.where;
    }
}

// A wave with q periods has the square n / 2 (1 + q^2) below the cutoff, n / 2 from there on: the
// values of the published loss, which differ from the Sobolev norm's 1 + (2 pi q)^2.
TEST(Losses, FourierNormOfWaves) {
  const int n = 64;
  const auto wave = [&](int q) {
    std::vector<double> v(n);
    for (int i = 0; i < n; ++i)
      v[i] = std::cos(2 * std::acos(-1.0) * q * i / n + 0.3);
    return Tensor<double>::from_host({1, n, 1}, v);
  };
  const Tensor<double> zero = Tensor<double>::zeros({1, n, 1});
  for (const auto& [q, weight] : {std::pair{1, 2.0}, {19, 362.0}, {20, 1.0}, {25, 1.0}})
    EXPECT_NEAR(FieldNorm<double>::h1_fourier().squares(wave(q), zero, nullptr).to_vector()[0],
                n / 2.0 * weight, 1e-10)
        << q;
}

// Two and three points: both neighbours in a periodic direction may be the same.
TEST(Losses, TinyPeriodicGrids) {
  for (const Shape& shape : {Shape{1, 1, 2, 1}, Shape{2, 3, 2, 2}, Shape{1, 1, 1}}) {
    const auto p = Variable<double>::leaf(random_field(shape, 1));
    const auto y = random_field(shape, 2);
    EXPECT_NEAR(relative_h1(p, y, 1.0, Boundary::periodic).value().item(),
                relative_norm(p.value(), y, true, Boundary::periodic), 1e-12);
    EXPECT_LT(check_gradient([&] { return relative_h1(p, y, 1.0, Boundary::periodic); }, {p}).error,
              1e-6);
  }
}

TEST(Losses, GradientsAddUp) {
  const auto y = random_field({2, 6, 5, 2}, 2);
  const auto p = Variable<double>::leaf(random_field({2, 6, 5, 2}, 1));
  const auto gradient = [&](const std::function<Variable<double>()>& f) {
    Tape<double> tape;
    tape.backward(f());
    return p.gradient().to_vector();
  };
  for (const auto& f : std::vector<std::function<Variable<double>()>>{
           [&] { return squared_error(p, y, 1.0); }, [&] { return relative_l2(p, y, 1.0); },
           [&] { return relative_h1(p, y, 1.0, Boundary::one_sided); },
           [&] { return relative_norm(p, y, 1.0, FieldNorm<double>::h1_fourier()); }}) {
    p.clear_gradient();
    const auto once = gradient(f);
    const auto twice = gradient(f);
    for (std::size_t i = 0; i < once.size(); ++i)
      EXPECT_NEAR(twice[i], 2 * once[i], 1e-14);
  }
}

// With |u_h|_1 as the sum over all points of squares, one-sided differences of a quadratic are its
// derivative at every point: choose p - y quadratic and compare with the analytic sum.
TEST(Losses, DifferencesAreExactOnQuadratics) {
  const int nx = 9, ny = 7;
  std::vector<double> p, y;
  double top = 0, bottom = 0;
  for (int i = 0; i < nx; ++i)
    for (int j = 0; j < ny; ++j) {
      const double a = double(i) / nx, b = double(j) / ny;
      const double e = 1 + 2 * a - 3 * a * a + b * b + a * b;
      const double t = 2 - a + b * b;
      p.push_back(e + t);
      y.push_back(t);
      top += e * e + std::pow(2 - 6 * a + b, 2) + std::pow(2 * b + a, 2);
      bottom += t * t + 1 + 4 * b * b;
    }
  const Shape shape{1, nx, ny, 1};
  const auto loss =
      relative_h1<double>(Tensor<double>::from_host(shape, p), Tensor<double>::from_host(shape, y),
                          1, Boundary::one_sided);
  EXPECT_NEAR(loss.value().item(), std::sqrt(top / bottom), 1e-8);
}

// Central differences of sin(2 pi x) are sin(2 pi h) / h times the cosine.
TEST(Losses, PeriodicDifferencesOfAWave) {
  const int n = 32;
  const double pi = std::acos(-1.0);
  std::vector<double> p(n), y(n, 1);
  for (int i = 0; i < n; ++i)
    p[i] = 1 + std::sin(2 * pi * i / n);
  const double s = std::sin(2 * pi / n) * n;
  const auto loss =
      relative_h1<double>(Tensor<double>::from_host({1, n, 1}, p),
                          Tensor<double>::from_host({1, n, 1}, y), 1, Boundary::periodic);
  EXPECT_NEAR(loss.value().item(), std::sqrt((1 + s * s) / 2), 1e-7);
}

TEST(Losses, SharesOfABatchAddUp) {
  const auto p = random_field({5, 6, 4, 2}, 1), y = random_field({5, 6, 4, 2}, 2);
  for (const std::string& name : loss_names()) {
    const auto loss = make_loss<double>(name, Boundary::one_sided);
    double sum = 0;
    for (const auto& [first, count] : {std::pair{0, 2}, {2, 1}, {3, 2}})
      sum += loss(p.slice(first, count), y.slice(first, count), 5).value().item();
    EXPECT_NEAR(sum, loss(p, y, 5).value().item(), 1e-14) << name;
  }
  EXPECT_NEAR(make_loss<double>("mse")(p, y, 5).value().item(),
              mean_squared_error<double>(p, y).value().item(), 1e-14);
}

TEST(Losses, PerfectPredictionHasZeroGradient) {
  const auto y = random_field({2, 6, 1}, 2);
  const auto p = Variable<double>::leaf(y.clone());
  for (const char* name : {"l2", "h1", "h1_fourier"}) {
    Tape<double> tape;
    p.clear_gradient();
    const auto loss = make_loss<double>(name)(p, y, 2);
    tape.backward(loss);
    EXPECT_EQ(loss.value().item(), 0) << name;
    EXPECT_EQ(dot(p.gradient(), p.gradient()), 0) << name;
  }
  EXPECT_EQ(relative_l2_errors(y, y)[1], 0);
}

TEST(Losses, NonFiniteIsNotHidden) {
  auto p = random_field({2, 6, 1}, 1);
  p.reshape({12}).slice(3, 1).fill(std::numeric_limits<double>::quiet_NaN());
  const auto y = random_field({2, 6, 1}, 2);
  EXPECT_TRUE(std::isnan(relative_l2<double>(p, y, 1).value().item()));
  EXPECT_TRUE(std::isnan(relative_h1<double>(p, y, 1, Boundary::periodic).value().item()));
  EXPECT_TRUE(
      std::isnan(relative_norm<double>(p, y, 1, FieldNorm<double>::h1_fourier()).value().item()));
  EXPECT_TRUE(std::isnan(mean_squared_error<double>(p, y).value().item()));
  EXPECT_TRUE(std::isnan(relative_l2_errors(p, y)[0]));
}

TEST(Losses, NoErrorIsRelativeToZero) {
  const auto p = random_field({2, 6, 1}, 1), zero = Tensor<double>::zeros({2, 6, 1});
  EXPECT_EQ(relative_l2_errors(zero, zero), (std::vector<double>{0, 0}));
  const auto y = random_field({2, 6, 1}, 2);
  y.slice(1, 1).fill(0);
  try {
    relative_h1_errors(p, y, Boundary::periodic);
    ADD_FAILURE() << "expected an error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("sample 1 of 2 is zero everywhere"), std::string::npos)
        << error.what();
  }
}

TEST(Losses, FloatIsDoubleToRounding) {
  const auto p = random_field({3, 33, 40, 2}, 1), y = random_field({3, 33, 40, 2}, 2);
  const double exact = relative_norm(p, y, true, Boundary::periodic);
  const auto loss = relative_h1<float>(cast<float>(p), cast<float>(y), 1.0f, Boundary::periodic);
  EXPECT_NEAR(loss.value().item(), exact, 1e-6 * exact);
}

TEST(Losses, BadInputIsNamed) {
  const auto message = [](const std::function<void()>& f) -> std::string {
    try {
      f();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const auto y = random_field({2, 3, 1}, 1);
  EXPECT_NE(message([&] {
              relative_l2<double>(random_field({2, 4, 1}, 2), y, 1);
            }).find("(2, 4, 1), but the target has (2, 3, 1)"),
            std::string::npos);
  EXPECT_NE(message([&] { relative_h1<double>(y, y, 1, Boundary::one_sided); }).find("at least 4"),
            std::string::npos);
  EXPECT_NE(message([] { make_loss<double>("h2"); }).find("\"h2\""), std::string::npos);
}

}  // namespace
}  // namespace nopal
