// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/blas.hpp>
#include <nopal/core/random.hpp>
#include <nopal/core/tensor.hpp>

#include <complex>
#include <set>

namespace nopal {
namespace {

template <class T>
class TensorTest : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(TensorTest, Scalars);

TYPED_TEST(TensorTest, ReshapeAndSliceShareEntries) {
  auto x = Tensor<TypeParam>::from_host({2, 3}, {0, 1, 2, 3, 4, 5});
  const auto row = x.slice(1, 1);
  row.fill(TypeParam(7));

  EXPECT_EQ(x.reshape({6}).to_vector(), (std::vector<TypeParam>{0, 1, 2, 7, 7, 7}));
  const auto view = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), x.template view<2>());
  EXPECT_EQ(view(1, 2), TypeParam(7));
  EXPECT_EQ(row.shape(), (Shape{1, 3}));
}

TYPED_TEST(TensorTest, CloneDoesNotShare) {
  auto x = Tensor<TypeParam>::zeros({4});
  auto y = x.clone();
  y.fill(1);
  EXPECT_EQ(dot(x, x), 0);
  EXPECT_EQ(dot(y, y), 4);
}

TYPED_TEST(TensorTest, FiniteCheckSeesNanAndInfinity) {
  auto x = Tensor<TypeParam>::zeros({5});
  EXPECT_TRUE(all_finite(x));
  x.slice(3, 1).fill(std::numeric_limits<TypeParam>::quiet_NaN());
  EXPECT_FALSE(all_finite(x));
  x.slice(3, 1).fill(-std::numeric_limits<TypeParam>::infinity());
  EXPECT_FALSE(all_finite(x));
}

TEST(Tensor, WrongShapesAreNamed) {
  Tensor<float> x({2, 3});
  try {
    x.reshape({7});
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("(2, 3)"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("(7)"), std::string::npos);
  }
}

TEST(Allocator, ReusesBlocks) {
  { Tensor<float> x({1000}); }
  const auto before = memory_statistics().system_allocations;
  for (int i = 0; i < 10; ++i)
    Tensor<float> x({1000});
  EXPECT_EQ(memory_statistics().system_allocations, before);
}

// Known answers published with the Random123 library for philox4x32-10.
TEST(Random, PhiloxKnownAnswers) {
  using Words = std::array<std::uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, MomentsOfNormal) {
  const Random random(3, 5);
  const int n = 200000;
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < n; ++i) {
    const double x = random.normal(static_cast<std::uint64_t>(i));
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  // Five standard deviations of each estimator.
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2.0 / n));
  EXPECT_NEAR(fourth / n, 3, 5 * std::sqrt(96.0 / n));
}

TEST(Random, PermutationHasEveryIndexOnce) {
  const auto order = Random(1, 2).permutation(1000);
  EXPECT_EQ(std::set<std::int64_t>(order.begin(), order.end()).size(), 1000u);
  EXPECT_NE(order, Random(1, 3).permutation(1000));
}

template <class T>
T entry(std::size_t i) {
  const auto re = static_cast<double>(i % 7) - 3, im = static_cast<double>(i % 5) - 2;
  if constexpr (std::is_floating_point_v<T>)
    return static_cast<T>(re);
  else
    return T(static_cast<typename T::value_type>(re), static_cast<typename T::value_type>(im));
}

template <class T>
class GemmTest : public testing::Test {
 protected:
  static void check(int m, int n, int k, double alpha) {
    const int ld = std::max({m, n, k}) + 1, count = 2;
    const std::int64_t stride = std::int64_t(ld) * ld;
    std::vector<T> a(static_cast<std::size_t>(count * stride)), b(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      a[i] = entry<T>(i * 3 + 1);
      b[i] = entry<T>(i * 5 + 2);
    }
    const auto device = [](const std::vector<T>& host) {
      Kokkos::View<T*, MemorySpace> copy("copy", host.size());
      Kokkos::deep_copy(copy, Kokkos::View<const T*, Kokkos::HostSpace>(host.data(), host.size()));
      return copy;
    };
    const auto da = device(a), db = device(b);
    constexpr Op ops[] = {Op::none, Op::transpose, Op::conjugate_transpose, Op::conjugate};
    for (Op op_a : ops)
      for (Op op_b : ops)
        for (double beta : {0.0, 1.0, 2.0}) {
          const std::vector<T> ones(a.size(), T(1));
          const auto dc1 = device(ones), dc2 = device(ones);
          gemm_batched(op_a, op_b, m, n, k, T(alpha), da.data(), ld, stride, db.data(), ld, stride,
                       T(beta), dc1.data(), ld, stride, count);
          detail::gemm_batched_kokkos(op_a, op_b, m, n, k, T(alpha), da.data(), ld, stride,
                                      db.data(), ld, stride, T(beta), dc2.data(), ld, stride,
                                      count);
          const auto c1 = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), dc1);
          const auto c2 = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), dc2);
          for (std::size_t i = 0; i < c1.size(); ++i)
            ASSERT_TRUE(c1(i) == c2(i)) << m << "x" << n << "x" << k << " entry " << i;
        }
  }
};
using GemmScalars = testing::Types<float, double, Kokkos::complex<float>, Kokkos::complex<double>>;
TYPED_TEST_SUITE(GemmTest, GemmScalars);

// Small integers: every product is exact, so all paths must agree to the bit with the naive loop of
// the Kokkos fallback. The shapes reach each path: whole blocks, remainders in rows and columns,
// one column, long k (cut in parts), BLAS (alpha = 2).
struct GemmShape {
  int m, n, k;
  double alpha;
};

TYPED_TEST(GemmTest, AllPathsEqualTheNaiveLoop) {
  for (const GemmShape shape :
       {GemmShape{3, 4, 5, 2}, GemmShape{3, 4, 5, 1}, GemmShape{29, 35, 7, 1},
        GemmShape{64, 17, 70, 1}, GemmShape{5, 1, 40, 1}, GemmShape{1, 9, 3, 1},
        GemmShape{13, 33, 600, 1}, GemmShape{29, 21, 520, 1}})
    this->check(shape.m, shape.n, shape.k, shape.alpha);
}
// d/dx of sum(w * x^3) by a hand-written node.
Variable<double> cube(const Variable<double>& x) {
  const std::vector<double> values = x.value().to_vector();
  std::vector<double> cubes;
  for (const double value : values)
    cubes.push_back(std::pow(value, 3));
  const auto y = Tensor<double>::from_host(x.shape(), cubes);
  if (!needs_record(x)) return y;
  return record<double>(y, [x, values](const Tensor<double>& dy) {
    const auto [dx, beta] = x.gradient_slot();
    std::vector<double> result = dx.to_vector();
    const std::vector<double> seed = dy.to_vector();
    for (std::size_t i = 0; i < values.size(); ++i)
      result[i] = (beta == 0 ? 0 : result[i]) + 3 * values[i] * values[i] * seed[i];
    dx.copy_from_host(result.data());
  });
}

TEST(Tape, ChainsAndAccumulates) {
  auto x = Variable<double>::leaf(Tensor<double>::from_host({2}, {1.0, -2.0}));
  const auto check = check_gradient([&] { return cube(cube(x)); }, {x});
  EXPECT_LT(check.error, 1e-8) << check.where;

  Tape<double> tape;
  const auto y = cube(x);
  tape.backward(y, Tensor<double>::from_host({2}, {1.0, 1.0}));
  EXPECT_EQ(x.gradient().to_vector(), (std::vector<double>{3.0, 12.0}));
  EXPECT_EQ(tape.size(), 0u);
}

TEST(Tape, WrongAdjointIsSeen) {
  auto x = Variable<double>::leaf(Tensor<double>::from_host({1}, {1.5}));
  const auto wrong = [&]() -> Variable<double> {
    const double value = x.value().item();
    const auto y = Tensor<double>::from_host({1}, {value * value});
    if (!needs_record(x)) return y;
    return record<double>(y, [&](const Tensor<double>& dy) { x.accumulate(dy.clone()); });
  };
  EXPECT_GT(check_gradient(wrong, {x}).error, 1e-2);
}

TEST(Tape, NothingIsRecordedWithoutOne) {
  auto x = Variable<double>::leaf(Tensor<double>::zeros({2}));
  EXPECT_FALSE(needs_record(x));
  EXPECT_FALSE(cube(x).requires_gradient());
}

}  // namespace
}  // namespace nopal
