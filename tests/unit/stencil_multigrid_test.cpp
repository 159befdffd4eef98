// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/multigrid/stencil_multigrid.hpp>

#include <gtest/gtest.h>

#include "multigrid/cycle_rows.hpp"
#include "multigrid/finest_level.hpp"
#include "multigrid/galerkin.hpp"
#include "multigrid/interpolation_weights.hpp"
#include "multigrid_test_tools.hpp"

#include <limits>

namespace {

using nopal::AxisRule;
using nopal::BoundaryRule;
using nopal::Grid;
using nopal::MultigridOptions;
using nopal::Shape;
using nopal::SmootherNetwork;
using nopal::StencilField;
using nopal::StencilMultigrid;
using nopal::Tensor;
using nopal::test::checkerboard;
using nopal::test::diffusion;
using nopal::test::dot;
using nopal::test::multiply;
using nopal::test::own_noise;
using nopal::test::Point;
using nopal::test::Side;

double one(const Point&) {
  return 1;
}

Grid grid_for(const Shape& n, Side side) {
  const auto rule = side == Side::periodic ? BoundaryRule::periodic : BoundaryRule::zero;
  return Grid(n, std::vector<AxisRule>(static_cast<std::size_t>(n.rank()), rule));
}

template <class T>
std::vector<double> one_cycle(const StencilMultigrid<T>& multigrid, const std::vector<double>& b) {
  std::vector<double> x(b.size());
  multigrid.apply(b.data(), x.data());
  return x;
}

// How much one cycle reduces the error in the norm of the matrix, after a few.
template <class T>
double convergence_factor(const StencilField<double>& matrix, const StencilMultigrid<T>& multigrid,
                          bool singular = false) {
  std::vector<double> e = own_noise(matrix.grid, 3);
  double before = 0, factor = 0;
  for (int step = 0; step < 12; ++step) {
    const std::vector<double> r = multiply(matrix, e), z = one_cycle(multigrid, r);
    for (std::size_t i = 0; i < e.size(); ++i)
      e[i] -= z[i];
    if (singular) {
      double mean = 0;
      for (const double value : e)
        mean += value / double(e.size());
      for (double& value : e)
        value -= mean;
    }
    const double after = std::sqrt(dot(e, multiply(matrix, e)));
    factor = step > 0 ? after / before : 0;
    before = after;
  }
  return factor;
}

// The coarse matrix times a vector against P^T A P times it, by hand from the weights.
void check_galerkin(const Shape& n, const std::array<bool, 3>& axes, bool symmetric) {
  using namespace nopal::detail;
  StencilField<double> field = diffusion<double>(Grid(n), Side::dirichlet, checkerboard(3, 100));
  if (!symmetric) {  // a drift along the last axis
    const std::int64_t points = n.size(), last = 2 * n.rank();
    for (std::int64_t i = 0; i < points; ++i)
      field.values.data()[last * points + i] *= 0.75;
    field.row_sums = {};
  }
  Level<double> fine, coarse;
  const FinestLevel<double> finest(field, fine);
  EXPECT_EQ(fine.matrix.symmetric, symmetric) << n;
  const auto vectors = [](Level<double>& level) {
    for (Tensor<double>* v : {&level.b, &level.x, &level.r})
      *v = stored_field<double>(level.layout);
  };
  fine.coarsened = axes;
  Shape offset, stride;
  for (int a = 0; a < n.rank(); ++a) {
    offset.push_back(0);
    stride.push_back(axes[static_cast<std::size_t>(a + 3 - n.rank())] ? 2 : 1);
  }
  coarse.grid = fine.grid.coarsen(offset, stride);
  coarse.layout = LevelLayout(coarse.grid);
  coarse.exchange = LevelExchange<double>(coarse.grid, coarse.layout);
  vectors(fine);
  vectors(coarse);
  const StencilMatrix<double> part = symmetric_part(fine.matrix, fine.layout);
  interpolation_weights(fine, coarse, &part);
  coarse.matrix = galerkin_product(fine, coarse);

  const CycleRows<double> rows(fine, &coarse), coarse_rows(coarse, nullptr);
  const LevelLayout& layout = coarse.layout;
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    for (std::int64_t i2 = layout.own[2].begin; i2 < layout.own[2].end; ++i2)
      coarse.x.data()[layout.at(i0, i1, i2)] = std::sin(double(7 * i0 + 3 * i1 + 11 * i2 * i2));
  });
  for (std::int64_t s = rows.slabs().begin; s < rows.slabs().end; ++s)
    rows.interpolate(s);
  rows.multiply(fine.x.data(), fine.r.data());
  for (std::int64_t s = rows.coarse_slabs().begin; s < rows.coarse_slabs().end; ++s)
    rows.restrict_to(s);
  const Tensor<double> product = stored_field<double>(layout);
  coarse_rows.multiply(coarse.x.data(), product.data());
  double worst = 0, largest = 0;
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    for (std::int64_t i2 = layout.own[2].begin; i2 < layout.own[2].end; ++i2) {
      const std::ptrdiff_t i = layout.at(i0, i1, i2);
      worst = std::max(worst, std::abs(product.data()[i] - coarse.b.data()[i]));
      largest = std::max(largest, std::abs(coarse.b.data()[i]));
    }
  });
  EXPECT_LT(worst, 1e-12 * largest) << n << " symmetric " << symmetric;
}

TEST(StencilMultigrid, CoarseMatricesAreGalerkinProducts) {
  for (const bool symmetric : {true, false}) {
    check_galerkin({14}, {false, false, true}, symmetric);
    check_galerkin({11, 14}, {false, true, true}, symmetric);
    check_galerkin({11, 14}, {false, false, true}, symmetric);
    check_galerkin({12, 9}, {false, true, false}, symmetric);
    check_galerkin({7, 8, 9}, {true, true, true}, symmetric);
    check_galerkin({7, 8, 9}, {true, false, true}, symmetric);
  }
}

TEST(StencilMultigrid, IsExactWhereOneLevelIsEnough) {
  const auto matrix = diffusion<double>(Grid({6, 7}), Side::dirichlet, checkerboard(2, 10));
  const StencilMultigrid<double> multigrid(matrix, SmootherNetwork<double>::damped_jacobi(2));
  ASSERT_EQ(multigrid.levels().size(), 1U);
  const std::vector<double> x = own_noise(matrix.grid, 1),
                            y = one_cycle(multigrid, multiply(matrix, x));
  for (std::size_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(y[i], x[i], 1e-12);
}

TEST(StencilMultigrid, IsSymmetricPositiveAndConverges) {
  struct Case {
    Shape n;
    Side side;
    double contrast;
  };
  const std::vector<Case> cases = {
      {{300}, Side::dirichlet, 1},        {{257}, Side::neumann, 100},
      {{65, 65}, Side::dirichlet, 1},     {{64, 50}, Side::dirichlet, 1},
      {{63, 63}, Side::dirichlet, 1e4},   {{48, 61}, Side::neumann, 1},
      {{64, 48}, Side::periodic, 1},      {{40, 40}, Side::neumann, 1e4},
      {{17, 18, 19}, Side::dirichlet, 1}, {{16, 16, 16}, Side::periodic, 1},
      {{15, 17, 16}, Side::neumann, 1e3}};
  // Smoothing factors of local Fourier analysis, squared, and a margin for boundaries.
  const auto bound = [](const Case& c, bool chebyshev) {
    if (c.contrast > 1) return 0.6;
    const std::vector<double> jacobi{0.111, 0.36, 0.51}, polynomial{0.0035, 0.048, 0.118};
    const auto d = static_cast<std::size_t>(c.n.rank() - 1);
    return chebyshev ? polynomial[d] + 0.15 : jacobi[d] + 0.08;
  };
  for (const Case& c : cases)
    for (const bool chebyshev : {false, true}) {
      const int d = c.n.rank();
      const auto matrix =
          diffusion<double>(grid_for(c.n, c.side), c.side, checkerboard(8, c.contrast));
      const StencilMultigrid<double> multigrid(
          matrix, chebyshev ? SmootherNetwork<double>::chebyshev(d)
                            : SmootherNetwork<double>::damped_jacobi(d));
      EXPECT_TRUE(multigrid.symmetric());
      EXPECT_GT(multigrid.levels().size(), 1U);
      const bool singular = c.side != Side::dirichlet;
      std::vector<double> u = own_noise(matrix.grid, 1), v = own_noise(matrix.grid, 2);
      if (singular) u = multiply(matrix, u), v = multiply(matrix, v);
      const std::vector<double> bu = one_cycle(multigrid, u), bv = one_cycle(multigrid, v);
      EXPECT_NEAR(dot(bu, v) / std::sqrt(dot(bu, u) * dot(bv, v)),
                  dot(bv, u) / std::sqrt(dot(bu, u) * dot(bv, v)), 1e-12);
      EXPECT_GT(dot(bu, u), 0);
      EXPECT_LT(convergence_factor(matrix, multigrid, singular), bound(c, chebyshev))
          << c.n << " side " << int(c.side) << " chebyshev " << chebyshev;
    }
}

// A network that gives strongly coupled pairs of points more coupling than diagonal, and rows
// between them three times what is good: without a guard the cycle has negative directions or
// amplifies some.
TEST(StencilMultigrid, IsPositiveWhateverTheSmootherGives) {
  const Grid grid({40, 40});
  const auto matrix = diffusion<double>(grid, Side::dirichlet, [](const Point& p) {
    return (p[0] * 31 / 40 + p[1] * 31 / 40) % 2 ? 1e6 : 1.0;  // squares of one or two points
  });
  for (const double more : {1.6, 3.0}) {
    auto network = SmootherNetwork<double>::chebyshev(2);
    nopal::scale(more, network.linear);
    const StencilMultigrid<double> multigrid(matrix, network);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const std::vector<double> u = own_noise(grid, seed);
      EXPECT_GT(dot(one_cycle(multigrid, u), u), 0) << more << " " << seed;
    }
    EXPECT_LT(convergence_factor(matrix, multigrid), 1) << more;
  }
}

TEST(StencilMultigrid, FloatIsAlmostAsGoodAsDouble) {
  for (const double contrast : {1.0, 1e6}) {
    const Grid grid({127, 95});
    const auto matrix = diffusion<double>(grid, Side::dirichlet, checkerboard(16, contrast));
    const StencilMultigrid<double> exact(matrix, SmootherNetwork<double>::chebyshev(2));
    const StencilMultigrid<float> rounded(
        diffusion<float>(grid, Side::dirichlet, checkerboard(16, contrast)),
        SmootherNetwork<float>::chebyshev(2));
    const double reference = convergence_factor(matrix, exact);
    EXPECT_NEAR(convergence_factor(matrix, rounded), reference, 0.05) << contrast;
  }
}

TEST(StencilMultigrid, WeakAxesAreNotCoarsened) {
  auto matrix = diffusion<double>(Grid({64, 64}), Side::dirichlet, one);
  const std::int64_t points = 64 * 64;
  for (std::int64_t i = 0; i < points; ++i)
    for (std::int64_t k = 1; k <= 2; ++k) {  // X1 a thousand times weaker
      double& value = matrix.values.data()[k * points + i];
      matrix.values.data()[i] += value * 0.999;
      value *= 0.001;
    }
  // What the boundary took along X1 stays in the diagonal, which is harmless.
  matrix.row_sums = {};
  const StencilMultigrid<double> multigrid(matrix, SmootherNetwork<double>::damped_jacobi(2));
  EXPECT_EQ(multigrid.levels()[1].extents, Shape({64, 32}));
  EXPECT_LT(convergence_factor(matrix, multigrid), 0.4);
  MultigridOptions all;
  all.semicoarsening = 0;
  const StencilMultigrid<double> full(matrix, SmootherNetwork<double>::damped_jacobi(2), all);
  EXPECT_EQ(full.levels()[1].extents, Shape({32, 32}));
  EXPECT_GT(convergence_factor(matrix, full), 0.5);
}

// Rows x = b kept in the matrix, whose columns other rows still have.
TEST(StencilMultigrid, BoundaryRowsAreSolvedFirst) {
  const Shape n{33, 20};
  const Grid grid(n);
  auto matrix = diffusion<double>(grid, Side::neumann, one);
  const std::int64_t points = n.size();
  nopal::test::each_own_point(grid, [&](const Point& p, std::int64_t i) {
    const bool boundary = p[0] == 0 || p[0] == n[0] - 1 || p[1] == 0 || p[1] == n[1] - 1;
    if (!boundary) return;
    for (std::int64_t k = 1; k < 5; ++k)
      matrix.values.data()[k * points + i] = 0;
    matrix.values.data()[i] = 2.5;
  });
  matrix.row_sums = {};
  const StencilMultigrid<double> multigrid(matrix, SmootherNetwork<double>::damped_jacobi(2));
  EXPECT_EQ(multigrid.boundary_rows(), 2 * (33 + 18));
  EXPECT_TRUE(multigrid.symmetric());
  std::vector<double> x = own_noise(grid, 1);
  const std::vector<double> b = multiply(matrix, x);
  std::vector<double> y(x.size());
  for (int step = 0; step < 20; ++step) {
    std::vector<double> r = multiply(matrix, y);
    for (std::size_t i = 0; i < r.size(); ++i)
      r[i] = b[i] - r[i];
    const std::vector<double> z = one_cycle(multigrid, r);
    for (std::size_t i = 0; i < r.size(); ++i)
      y[i] += z[i];
  }
  for (std::size_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(y[i], x[i], 1e-8);
}

// Equations of very different scale, as a coefficient taken at the row's point makes them: the
// cycle solves the same problem.
TEST(StencilMultigrid, RowsMayHaveAnyScale) {
  auto matrix = diffusion<double>(Grid({48, 33}), Side::dirichlet, one);
  const std::int64_t points = 48 * 33;
  const std::vector<double> b = own_noise(matrix.grid, 1);
  const auto smoother = SmootherNetwork<double>::chebyshev(2);
  const std::vector<double> x = one_cycle(StencilMultigrid<double>(matrix, smoother), b);
  std::vector<double> scaled_b = b;
  for (std::int64_t i = 0; i < points; ++i) {
    const double factor = i % 33 > 15 ? 1000 : 0.01;
    scaled_b[static_cast<std::size_t>(i)] *= factor;
    matrix.row_sums.data()[i] *= factor;
    for (std::int64_t k = 0; k < 5; ++k)
      matrix.values.data()[k * points + i] *= factor;
  }
  const StencilMultigrid<double> scaled(matrix, smoother);
  EXPECT_FALSE(scaled.symmetric());
  const std::vector<double> y = one_cycle(scaled, scaled_b);
  for (std::size_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(y[i], x[i], 1e-12);
}

TEST(StencilMultigrid, NegativeMatricesAreTurnedRound) {
  auto matrix = diffusion<double>(Grid({40, 40}), Side::dirichlet, one);
  const std::vector<double> b = own_noise(matrix.grid, 1);
  const auto smoother = SmootherNetwork<double>::damped_jacobi(2);
  const std::vector<double> x = one_cycle(StencilMultigrid<double>(matrix, smoother), b);
  nopal::scale(-1.0, matrix.values);
  nopal::scale(-1.0, matrix.row_sums);
  const std::vector<double> y = one_cycle(StencilMultigrid<double>(matrix, smoother), b);
  for (std::size_t i = 0; i < x.size(); ++i)
    EXPECT_EQ(y[i], -x[i]);
}

TEST(StencilMultigrid, BadMatricesAreRefused) {
  const auto message = [](const auto& change, int smoother_dimension = 2) {
    auto matrix = diffusion<double>(Grid({12, 12}), Side::dirichlet, one);
    change(matrix);
    try {
      const StencilMultigrid<double> multigrid(
          matrix, SmootherNetwork<double>::damped_jacobi(smoother_dimension));
    } catch (const nopal::Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  using Field = StencilField<double>;
  const auto none = [](Field&) {};
  EXPECT_EQ(message(none), "no error");
  EXPECT_NE(message(none, 3).find("the smoother is for 3 dimensions"), std::string::npos);
  EXPECT_NE(message([](Field& f) {
              f.values.data()[12 * 3 + 4] = 0;
            }).find("zero on its diagonal at grid point (3, 4)"),
            std::string::npos);
  EXPECT_NE(message([](Field& f) {
              f.values.data()[150] = std::numeric_limits<double>::quiet_NaN();
            }).find("not finite"),
            std::string::npos);
  EXPECT_NE(message([](Field& f) { f.offsets[1] = f.offsets[2]; }).find("same offset twice"),
            std::string::npos);
  EXPECT_NE(message([](Field& f) {
              f.offsets[1] = {2, 0, 0};
            }).find("offsets of -1, 0 or 1"),
            std::string::npos);
  EXPECT_NE(message([](Field& f) {
              f.offsets[0] = {1, 1, 0};
            }).find("needs its diagonal"),
            std::string::npos);
}

}  // namespace
