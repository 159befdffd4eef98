// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "allocation_counter.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/convolution.hpp>
#include <nopal/nn/elementwise.hpp>

#include "nn/convolution_kernels.hpp"

namespace nopal {
namespace {

using std::int64_t;

template <class T>
Tensor<T> random(const Shape& shape, std::uint64_t stream) {
  Tensor<T> x(shape);
  fill_normal(x, 0, 1, Random(31, stream));
  return x;
}
Variable<double> random_leaf(const Shape& shape, std::uint64_t stream) {
  return Variable<double>::leaf(random<double>(shape, stream));
}

// The first axes of a field or kernel of d axes, as three.
std::array<int64_t, 3> three(const Shape& shape, int first, int d) {
  std::array<int64_t, 3> result{1, 1, 1};
  for (int j = 0; j < d; ++j)
    result[static_cast<std::size_t>(3 - d + j)] = shape[first + j];
  return result;
}

// sum_{t, i} x W by the definition, in double: all pairs of coarse points and taps.
template <class T>
std::vector<double> reference(bool transposed, const Tensor<T>& x, const Tensor<T>& w,
                              const Shape& result, const ConvolutionOptions& options) {
  const int d = x.rank() - 2;
  const auto n = three(x.shape(), 1, d), p = three(result, 1, d), k = three(w.shape(), 0, d);
  const auto &fine = transposed ? p : n, &coarse = transposed ? n : p;
  const int64_t in = w.extent(-2), out = w.extent(-1);
  std::vector<double> y(static_cast<std::size_t>(result.size()));
  const auto xs = x.to_vector(), ws = w.to_vector();
  std::array<int64_t, 3> q, t, f;
  const auto index = [](int64_t b, const auto& i, const auto& extents) {
    return ((b * extents[0] + i[0]) * extents[1] + i[1]) * extents[2] + i[2];
  };
  for (int64_t b = 0; b < x.extent(0); ++b)
    for (q[0] = 0; q[0] < coarse[0]; ++q[0])
      for (q[1] = 0; q[1] < coarse[1]; ++q[1])
        for (q[2] = 0; q[2] < coarse[2]; ++q[2])
          for (t[0] = 0; t[0] < k[0]; ++t[0])
            for (t[1] = 0; t[1] < k[1]; ++t[1])
              for (t[2] = 0; t[2] < k[2]; ++t[2]) {
                bool inside = true;
                for (std::size_t j = 0; j < 3; ++j) {
                  const bool missing = static_cast<int>(j) < 3 - d;
                  f[j] = missing ? 0
                                 : options.offset[j - static_cast<std::size_t>(3 - d)] +
                                       options.stride * q[j] + t[j];
                  inside = inside && f[j] >= 0 && f[j] < fine[j];
                }
                if (!inside) continue;
                const int64_t from = index(b, transposed ? q : f, n);
                const int64_t to = index(b, transposed ? f : q, p), tap = index(0, t, k);
                for (int64_t i = 0; i < in; ++i)
                  for (int64_t o = 0; o < out; ++o)
                    y[static_cast<std::size_t>(to * out + o)] +=
                        static_cast<double>(xs[static_cast<std::size_t>(from * in + i)]) *
                        static_cast<double>(ws[static_cast<std::size_t>((tap * in + i) * out + o)]);
              }
  return y;
}

template <class T>
Variable<T> apply(bool transposed, const Variable<T>& x, const Variable<T>& w,
                  const ConvolutionOptions& options, const Variable<T>& bias = {},
                  Variable<T> add = {}) {
  return transposed ? transposed_convolution(x, w, bias, options, std::move(add))
                    : convolution(x, w, bias, options, std::move(add));
}

template <class T>
class ConvolutionTest : public testing::Test {
 protected:
  void expect_equal(const Tensor<T>& y, const std::vector<double>& expected, const char* what) {
    const double tolerance = (std::is_same_v<T, float> ? 2e-6 : 4e-15) * 40;
    const auto actual = y.to_vector();
    ASSERT_EQ(actual.size(), expected.size()) << what;
    for (std::size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(actual[i], expected[i], tolerance) << what << ", entry " << i;
  }

  void compare(const Shape& x_shape, const Shape& w_shape, const ConvolutionOptions& options) {
    const auto x = random<T>(x_shape, 1), w = random<T>(w_shape, 2);
    for (const bool transposed : {false, true}) {
      const auto y = apply<T>(transposed, x, w, options).value();
      std::ostringstream what;
      what << (transposed ? "transposed, " : "") << "x " << x_shape << ", W " << w_shape
           << ", stride " << options.stride << ", offset " << options.offset[0] << ", result "
           << y.shape();
      expect_equal(y, reference(transposed, x, w, y.shape(), options), what.str().c_str());
    }
  }
};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(ConvolutionTest, Scalars);

TEST(Convolution, ByHand) {
  const auto x = Tensor<double>::from_host({1, 4, 1}, {1, 2, 3, 4});
  const auto w = Tensor<double>::from_host({2, 1, 1}, {1, 10});
  const auto b = Tensor<double>::from_host({1}, {100});
  using Values = std::vector<double>;
  EXPECT_EQ(convolution<double>(x, w).value().to_vector(), (Values{21, 32, 43}));
  EXPECT_EQ(convolution<double>(x, w, b, {.stride = 2}).value().to_vector(), (Values{121, 143}));
  EXPECT_EQ(convolution<double>(x, w, {}, {.offset = {1}}).value().to_vector(), (Values{32, 43}));
  // A margin of one zero on both sides.
  EXPECT_EQ(convolution<double>(x, w, {}, {.offset = {-1}, .extents = {5}}).value().to_vector(),
            (Values{10, 21, 32, 43, 4}));
  const auto f = Tensor<double>::from_host({1, 3, 1}, {20, 40, 40});
  EXPECT_EQ(convolution<double>(x, w, {}, {.activation = Activation::relu, .sign = -1}, f)
                .value()
                .to_vector(),
            (Values{0, 8, 0}));
  EXPECT_EQ(f.to_vector(), (Values{20, 40, 40}));
}

TEST(TransposedConvolution, ByHand) {
  const auto x = Tensor<double>::from_host({1, 2, 1}, {1, 2});
  const auto w = Tensor<double>::from_host({3, 1, 1}, {1, 10, 100});
  using Values = std::vector<double>;
  EXPECT_EQ(transposed_convolution<double>(x, w).value().to_vector(), (Values{1, 12, 120, 200}));
  EXPECT_EQ(transposed_convolution<double>(x, w, {}, {.stride = 2}).value().to_vector(),
            (Values{1, 10, 102, 20, 200}));
  EXPECT_EQ(transposed_convolution<double>(x, w, {}, {.stride = 2, .offset = {-1}, .extents = {4}})
                .value()
                .to_vector(),
            (Values{10, 102, 20, 200}));
}

// Two channels each, weights (i, o): the order of the axes of W.
TEST(Convolution, ChannelsByHand) {
  const auto x = Tensor<double>::from_host({1, 1, 1, 2}, {1, 10});
  const auto w = Tensor<double>::from_host({1, 1, 2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(convolution<double>(x, w).value().to_vector(), (std::vector<double>{31, 42}));
  EXPECT_EQ(transposed_convolution<double>(x, w).value().to_vector(),
            (std::vector<double>{31, 42}));
}

TYPED_TEST(ConvolutionTest, EqualsTheDefinitionForAllChannelsInThePlane) {
  for (const int64_t in : {1, 2, 3, 8, 17})
    for (const int64_t out : {1, 2, 4, 5, 8, 16, 24, 40, 57})
      for (const int64_t stride : {1, 2})
        this->compare({2, 9, 13, in}, {3, 3, in, out}, {.stride = stride, .offset = {-1, -1}});
}

TYPED_TEST(ConvolutionTest, EqualsTheDefinitionForAllKernelsAndOffsets) {
  for (const int64_t k : {1, 2, 3, 4, 5})
    for (const int64_t stride : {1, 2, 3})
      for (const int64_t offset : {-3, -1, 0, 2})
        for (const Shape& extents : {Shape{}, Shape{7, 12}}) {
          this->compare({2, 8, 11, 3}, {k, 6 - k, 3, 9},
                        {.stride = stride, .offset = {offset, -offset}, .extents = extents});
          this->compare({1, 6, 11, 16}, {k, k, 16, 1},
                        {.stride = stride, .offset = {offset, offset}, .extents = extents});
        }
}

TYPED_TEST(ConvolutionTest, EqualsTheDefinitionInOneAndThreeDimensions) {
  for (const int64_t k : {1, 2, 3, 4})
    for (const int64_t stride : {1, 2})
      for (const int64_t offset : {-1, 0}) {
        this->compare({3, 301, 4}, {k, 4, 10}, {.stride = stride, .offset = {offset}});
        this->compare({1, 5, 6, 7, 4}, {k, 2, 3, 4, 24},
                      {.stride = stride, .offset = {offset, 0, offset}});
      }
}

// <A x, y> = <x, A^T y>, A^T the transposed convolution with exchanged channels.
TEST(Convolution, AdjointIdentity) {
  for (const int64_t stride : {1, 2})
    for (const int64_t k : {2, 3}) {
      const ConvolutionOptions options{.stride = stride, .offset = {-1, 0}};
      const auto x = random<double>({2, 9, 8, 5}, 1), w = random<double>({k, 3, 5, 7}, 2);
      const auto ax = convolution<double>(x, w, {}, options).value();
      const auto y = random<double>(ax.shape(), 3);
      const auto ws = w.to_vector();
      std::vector<double> swapped(ws.size());
      for (int64_t t = 0; t < k * 3; ++t)
        for (int64_t i = 0; i < 5; ++i)
          for (int64_t o = 0; o < 7; ++o)
            swapped[static_cast<std::size_t>((t * 7 + o) * 5 + i)] =
                ws[static_cast<std::size_t>((t * 5 + i) * 7 + o)];
      const auto exchanged = Tensor<double>::from_host({k, 3, 7, 5}, swapped);
      ConvolutionOptions back = options;
      back.extents = {9, 8};
      const auto aty = transposed_convolution<double>(y, exchanged, {}, back).value();
      EXPECT_NEAR(dot(ax, y), dot(x, aty), 1e-11);
    }
}

TEST(Convolution, Gradients) {
  struct Example {
    Shape x, w;
    ConvolutionOptions options;
  };
  const Example examples[] = {
      {{2, 9, 3}, {3, 3, 8}, {.offset = {-1}}},
      {{2, 7, 6, 3}, {3, 2, 3, 5}, {.stride = 2, .activation = Activation::gelu}},
      {{2, 5, 6, 3}, {3, 3, 3, 1}, {.offset = {-1, -2}, .extents = {5, 6}, .sign = -1}},
      {{1, 4, 5, 3, 1}, {3, 3, 2, 1, 9}, {.offset = {-1, -1, 0}, .activation = Activation::tanh}},
      {{2, 3, 4, 24}, {4, 4, 24, 24}, {.stride = 2, .offset = {-1, -1}}},
  };
  for (const Example& e : examples)
    for (const bool transposed : {false, true}) {
      const int64_t channels = e.w[-1];
      auto x = random_leaf(e.x, 1), w = random_leaf(e.w, 2), b = random_leaf({channels}, 3);
      const Shape result = apply<double>(transposed, x, w, e.options).shape();
      auto a = random_leaf(result, 4);
      const auto all = check_gradient(
          [&] { return apply(transposed, x, w, e.options, b, copy(a)); }, {x, w, b, a});
      EXPECT_LT(all.error, 1e-6) << e.x << e.w << transposed << " " << all.where;
      const auto plain = check_gradient([&] { return apply(transposed, x, w, e.options); }, {x, w});
      EXPECT_LT(plain.error, 1e-6) << e.x << e.w << transposed << " " << plain.where;
    }
}

// Smoothing steps u += S (f - A u) as a multigrid cycle has them: every field is used twice, and
// `add` is overwritten only where its value is not needed any more.
TEST(Convolution, GradientsOfTwoSmoothingSteps) {
  auto f = random_leaf({2, 6, 5, 2}, 1), a = random_leaf({3, 3, 4, 2}, 2),
       s = random_leaf({3, 3, 2, 4}, 3), s0 = random_leaf({3, 3, 2, 4}, 4);
  const ConvolutionOptions same{.offset = {-1, -1}, .extents = {6, 5}};
  ConvolutionOptions minus = same;
  minus.sign = -1;
  const auto cycle = [&] {
    Variable<double> u = convolution(f, s0, {}, same);
    for (int step = 0; step < 2; ++step) {
      const Variable<double> r = convolution(u, a, {}, minus, f);
      u = convolution(r, s, {}, same, std::move(u));
    }
    return u;
  };
  const auto check = check_gradient(cycle, {f, a, s, s0});
  EXPECT_LT(check.error, 1e-6) << check.where;
}

TEST(Convolution, AddGivesItsMemoryOnlyIfNothingElseUsesIt) {
  const auto x = random<double>({1, 6, 6, 2}, 1), w = random<double>({3, 3, 2, 4}, 2);
  const ConvolutionOptions same{.offset = {-1, -1}, .extents = {6, 6}};
  const auto u = random<double>({1, 6, 6, 4}, 3);
  const auto before = u.to_vector();
  const auto kept = convolution<double>(x, w, {}, same, u).value();
  EXPECT_EQ(u.to_vector(), before);
  EXPECT_NE(kept.data(), u.data());

  Tensor<double> given = u.clone();
  const double* memory = given.data();
  const auto taken = convolution<double>(x, w, {}, same, std::move(given)).value();
  EXPECT_EQ(taken.data(), memory);
  EXPECT_EQ(taken.to_vector(), kept.to_vector());

  // While a tape holds u for the adjoint of another operation, it is not overwritten.
  const auto leaf = Variable<double>::leaf(w), mix = random_leaf({1, 1, 4, 4}, 4);
  Tape<double> tape;
  Variable<double> v = convolution<double>(x, leaf, {}, same);
  const auto value = v.value().to_vector();
  const auto place = Tensor<double>::wrap(v.value().data(), v.shape());
  const auto used = convolution(v, mix);
  const auto sum = convolution<double>(x, w, {}, same, std::move(v));
  EXPECT_NE(sum.value().data(), place.data());
  EXPECT_EQ(place.to_vector(), value);
}

TEST(Convolution, EmptyFields) {
  for (const bool transposed : {false, true})
    for (const Shape& shape : {Shape{0, 5, 6, 3}, Shape{2, 0, 6, 3}, Shape{2, 5, 0, 3}}) {
      auto x = random_leaf(shape, 1), w = random_leaf({3, 3, 3, 4}, 2), b = random_leaf({4}, 3);
      Tape<double> tape;
      const auto y = apply(transposed, x, w, {.activation = Activation::gelu}, b);
      EXPECT_EQ(y.shape().size(), 0) << shape;
      EXPECT_EQ(y.shape()[-1], 4);
      tape.backward(y, Tensor<double>(y.shape()));
      EXPECT_EQ(x.gradient().to_vector(), std::vector<double>(x.value().to_vector().size(), 0.0));
      EXPECT_EQ(w.gradient().to_vector(), std::vector<double>(108, 0.0));
      EXPECT_EQ(b.gradient().to_vector(), std::vector<double>(4, 0.0));
    }
  // An output of no points of a field that has some, and the reverse.
  auto x = random_leaf({1, 2, 3}, 1), w = random_leaf({3, 3, 4}, 2);
  {
    Tape<double> tape;
    const auto y = convolution(x, w);
    EXPECT_EQ(y.shape(), (Shape{1, 0, 4}));
    tape.backward(y, Tensor<double>(y.shape()));
    EXPECT_EQ(x.gradient().to_vector(), std::vector<double>(6, 0.0));
  }
  const auto bias = Tensor<double>::from_host({4}, {1, 2, 3, 4});
  const auto empty = Tensor<double>({1, 0, 3});
  EXPECT_EQ(
      convolution<double>(empty, w, bias, {.offset = {-1}, .extents = {2}}).value().to_vector(),
      (std::vector<double>{1, 2, 3, 4, 1, 2, 3, 4}));
}

TEST(Convolution, AllocatesNothingButTheResult) {
  const auto x = random<float>({2, 16, 16, 24}, 1), w = random<float>({3, 3, 24, 20}, 2);
  const auto b = random<float>({20}, 3);
  const ConvolutionOptions options{.activation = Activation::gelu};
  for (const bool transposed : {false, true}) {
    apply<float>(transposed, x, w, options, b);
    const auto system = memory_statistics().system_allocations;
    const long before = allocations;
    for (int call = 0; call < 3; ++call)
      apply<float>(transposed, x, w, options, b);
    EXPECT_TRUE(allocations == before || launches_allocate);
    EXPECT_EQ(memory_statistics().system_allocations, system);
  }
}

// The interior first and the frame afterwards, as with a halo exchange in between, and the plain
// Kokkos version.
TEST(ConvolutionKernels, BoxesAndPlainKokkosGiveTheSame) {
  using namespace detail;
  for (const Direction direction : {Direction::to_coarse, Direction::to_fine})
    for (const int64_t stride : {1, 2})
      for (const int64_t out : {1, 5, 24}) {
        ConvolutionGeometry g{2, 6, 6, {}};
        (direction == Direction::to_fine ? g.fine_channels : g.coarse_channels) = out;
        g.axes[0] = {11, 6, 2, stride, 0};
        g.axes[1] = {12, 7, 3, stride, -1};
        g.axes[2] = {13, 8, 4, stride, -2};
        const bool fine = direction == Direction::to_fine;
        const auto x = random<double>(fine ? Shape{2, 6, 7, 8, 6} : Shape{2, 11, 12, 13, 6}, 1);
        const auto w = random<double>({2, 3, 4, 6, out}, 2), b = random<double>({out}, 3);
        const Box all = whole_output(g, direction);
        const Shape shape{2, all.count[0], all.count[1], all.count[2], out};
        const auto init = random<double>(shape, 4);
        const auto kernel = pack_kernel(g, direction, w, false);
        Tensor<double> y[3], slope[3];
        for (int j = 0; j < 3; ++j) {
          y[j] = Tensor<double>::zeros(shape);
          slope[j] = Tensor<double>::zeros(shape);
          const MapOutput<double> output{y[j].data(), init.data(),      b.data(),
                                         -1.0,        Activation::gelu, slope[j].data()};
          if (j == 0) apply_kernel(g, kernel, x.data(), output, all);
          if (j == 1) apply_kernel_kokkos(g, kernel, x.data(), output, all);
          if (j < 2) continue;
          // 3^3 boxes: [0, 2), [2, n - 3), [n - 3, n) on each axis, the middle one first.
          const int64_t order[] = {1, 0, 2};
          for (const int64_t c0 : order)
            for (const int64_t c1 : order)
              for (const int64_t c2 : order) {
                Box box{};
                const int64_t cell[] = {c0, c1, c2};
                for (std::size_t a = 0; a < 3; ++a) {
                  const int64_t cut[] = {0, 2, all.count[a] - 3, all.count[a]};
                  box.first[a] = cut[cell[a]];
                  box.count[a] = cut[cell[a] + 1] - cut[cell[a]];
                }
                apply_kernel(g, kernel, x.data(), output, box);
              }
        }
        for (int j = 1; j < 3; ++j)
          for (const auto* field : {y, slope}) {
            const auto one = field[j].to_vector(), other = field[0].to_vector();
            for (std::size_t i = 0; i < one.size(); ++i)
              ASSERT_NEAR(one[i], other[i], 1e-13) << j << " " << i;
          }
      }
}

TEST(ConvolutionKernels, PlainKokkosGivesTheSameKernelGradient) {
  using namespace detail;
  for (const bool coarse_first : {false, true})
    for (const int64_t channels : {1, 9}) {
      ConvolutionGeometry g{2, 10, channels, {}};
      g.axes[1] = {12, 7, 3, 2, -1};
      g.axes[2] = {13, 201, 4, 1, -2};
      const auto fine = random<double>({2, 12, 13, 10}, 1);
      const auto coarse = random<double>({2, 7, 201, channels}, 2);
      const auto start = random<double>({3, 4, 10, channels}, 3);
      const auto a = start.clone(), b = start.clone();
      kernel_gradient(g, fine.data(), coarse.data(), a.data(), coarse_first, -1.0, 1.0);
      kernel_gradient_kokkos(g, fine.data(), coarse.data(), b.data(), coarse_first, -1.0, 1.0);
      const auto one = a.to_vector(), other = b.to_vector();
      for (std::size_t i = 0; i < one.size(); ++i)
        ASSERT_NEAR(one[i], other[i], 1e-12) << i;
    }
}

TEST(Convolution, CostCountsProductsInsideTheField) {
  const Cost valid = convolution_cost<float>({2, 6, 5, 3}, {3, 3, 3, 4});
  EXPECT_EQ(valid.flops, 2.0 * 2 * (4 * 3) * 9 * 3 * 4);
  EXPECT_EQ(valid.bytes, 4.0 * (2 * 30 * 3 + 9 * 12 + 2 * 12 * 4));
  // With a margin of one zero, a line of n points has 3 n - 2 products inside.
  const ConvolutionOptions same{.offset = {-1, -1}, .extents = {6, 5}};
  EXPECT_EQ(convolution_cost<float>({2, 6, 5, 3}, {3, 3, 3, 4}, same).flops,
            2.0 * 2 * (16 * 13) * 3 * 4);
  EXPECT_EQ(transposed_convolution_cost<float>({2, 6, 5, 3}, {3, 3, 3, 4}, same).flops,
            2.0 * 2 * (16 * 13) * 3 * 4);
  // Every product of the full result of stride 2 is inside.
  EXPECT_EQ(transposed_convolution_cost<float>({2, 6, 5, 3}, {4, 4, 3, 4}, {.stride = 2}).flops,
            2.0 * 2 * 30 * 16 * 3 * 4);
}

TEST(Convolution, BadShapesAreNamed) {
  using Field = Tensor<float>;
  const Field x({2, 8, 8, 3}), w({3, 3, 3, 4});
  const auto convolve = [&](const Field& field, const Field& kernel, const Field& bias = {},
                            const ConvolutionOptions& options = {}, const Field& add = {}) {
    return [=] { convolution<float>(field, kernel, bias, options, add); };
  };
  test::expect_error(convolve(x, Field({3, 3, 5, 4})), {"(2, 8, 8, 3)", "(3, 3, 5, 4)"});
  test::expect_error(convolve(Field({2, 8, 3}), w), {"(2, 8, 3)", "(3, 3, 3, 4)"});
  test::expect_error(convolve(x, Field({3, 4})), {"(K1, ..., Kd, Cin, Cout)", "(3, 4)"});
  test::expect_error(convolve(x, Field({3, 0, 3, 4})), {"(3, 0, 3, 4)"});
  test::expect_error(convolve(x, w, Field({5})), {"bias", "(5)", "(3, 3, 3, 4)"});
  test::expect_error(convolve(x, w, {}, {.stride = 0}), {"stride", "0"});
  test::expect_error(convolve(x, w, {}, {.extents = {8}}), {"2 axes", "(8)"});
  test::expect_error(convolve(x, w, {}, {}, Field({2, 8, 8, 4})), {"(2, 8, 8, 4)", "(2, 6, 6, 4)"});
  test::expect_error(
      [&] {
        transposed_convolution<float>(x, Field({3, 3, 5, 4}));
      },
      {"transposed_convolution", "(2, 8, 8, 3)", "(3, 3, 5, 4)"});
}

}  // namespace
}  // namespace nopal
