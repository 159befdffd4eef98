// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/multigrid/stencil_multigrid.hpp>

#include <gtest/gtest.h>

#include "multigrid_test_tools.hpp"

#include <nopal/comm/communicator.hpp>

namespace {

using nopal::AxisRule;
using nopal::BoundaryRule;
using nopal::Communicator;
using nopal::Grid;
using nopal::Shape;
using nopal::SmootherNetwork;
using nopal::StencilMultigrid;
using nopal::test::checkerboard;
using nopal::test::diffusion;
using nopal::test::own_noise;
using nopal::test::Point;
using nopal::test::Side;

template <class T>
void same_as_on_one_rank(const Shape& n, Side side, double contrast, double tolerance) {
  const Communicator comm = Communicator::world();
  const auto rule = side == Side::periodic ? BoundaryRule::periodic : BoundaryRule::zero;
  const std::vector<AxisRule> rules(static_cast<std::size_t>(n.rank()), rule);
  const Grid divided(n, rules, comm), whole(n, rules);
  const auto network = SmootherNetwork<T>::chebyshev(n.rank());
  const auto k = checkerboard(9, contrast);
  const StencilMultigrid<T> one(diffusion<T>(whole, side, k), network);
  const StencilMultigrid<T> many(diffusion<T>(divided, side, k), network);
  ASSERT_EQ(one.levels().size(), many.levels().size());
  for (std::size_t l = 0; l < one.levels().size(); ++l) {
    EXPECT_EQ(one.levels()[l].extents, many.levels()[l].extents);
    EXPECT_NEAR(one.levels()[l].spectral_radius, many.levels()[l].spectral_radius, 1e-4);
  }
  const std::vector<double> b = own_noise(whole, 1), own = own_noise(divided, 1);
  std::vector<double> x(b.size()), part(own.size());
  for (int twice = 0; twice < 2; ++twice) {
    one.apply(b.data(), x.data());
    many.apply(own.data(), part.data());
  }
  double worst = 0, largest = 0;
  nopal::test::each_own_point(divided, [&](const Point& p, std::int64_t i) {
    const double expected = x[static_cast<std::size_t>(nopal::test::whole_index(n, p))];
    worst = std::max(worst, std::abs(part[static_cast<std::size_t>(i)] - expected));
    largest = std::max(largest, std::abs(expected));
  });
  EXPECT_LT(comm.max(worst), tolerance * comm.max(largest)) << n << " side " << int(side);
}

TEST(StencilMultigrid, IsTheSameOnAnyNumberOfRanks) {
  same_as_on_one_rank<double>({400}, Side::dirichlet, 10, 1e-11);
  same_as_on_one_rank<double>({9001}, Side::dirichlet, 10, 1e-9);
  same_as_on_one_rank<double>({131, 97}, Side::dirichlet, 100, 1e-11);
  same_as_on_one_rank<double>({128, 96}, Side::periodic, 1, 1e-9);
  same_as_on_one_rank<double>({96, 131}, Side::neumann, 10, 1e-9);
  same_as_on_one_rank<double>({40, 33, 29}, Side::dirichlet, 100, 1e-11);
  same_as_on_one_rank<double>({32, 24, 28}, Side::periodic, 1, 1e-9);
  same_as_on_one_rank<float>({131, 97}, Side::dirichlet, 100, 1e-4);
  same_as_on_one_rank<float>({40, 33, 29}, Side::dirichlet, 100, 1e-4);
}

TEST(StencilMultigrid, ErrorsAreThoseOfAllRanks) {
  const Communicator comm = Communicator::world();
  const Grid grid({40, 30}, {}, comm);
  auto matrix = diffusion<double>(grid, Side::dirichlet, [](const Point&) { return 1.0; });
  if (comm.rank() == comm.size() - 1) matrix.values.data()[2] = 0;
  try {
    const StencilMultigrid<double> multigrid(matrix, SmootherNetwork<double>::damped_jacobi(2));
    FAIL() << "no error";
  } catch (const nopal::Error& error) {
    EXPECT_NE(std::string(error.what()).find("zero on its diagonal at grid point"),
              std::string::npos);
  }
}

}  // namespace
