// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/operators/learned_multigrid.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/train/multigrid_training.hpp>

#include <gtest/gtest.h>

#include "multigrid_test_tools.hpp"
#include "test_tools.hpp"

#include <nlohmann/json.hpp>

namespace {

using nopal::Grid;
using nopal::LearnedMultigrid;
using nopal::LearnedMultigridOptions;
using nopal::MultigridTrainOptions;
using nopal::Shape;
using nopal::SmootherNetwork;
using nopal::StencilMultigrid;
using nopal::Tensor;
using nopal::test::checkerboard;
using nopal::test::diffusion;
using nopal::test::dot;
using nopal::test::multiply;
using nopal::test::own_noise;
using nopal::test::Side;

LearnedMultigridOptions options_for(int dimension, int hidden) {
  LearnedMultigridOptions options;
  options.dimension = dimension;
  options.hidden = hidden;
  return options;
}

// Mean reduction of the error in a cycle, in the norm of the matrix, over the last of many.
double convergence_factor(const nopal::StencilField<double>& matrix,
                          const StencilMultigrid<double>& multigrid, int cycles) {
  std::vector<double> e = own_noise(matrix.grid, 5), z(e.size());
  double before = 0;
  for (int k = 0; k < cycles; ++k) {
    if (k == cycles / 2) before = dot(e, multiply(matrix, e));
    const std::vector<double> r = multiply(matrix, e);
    multigrid.apply(r.data(), z.data());
    for (std::size_t i = 0; i < e.size(); ++i)
      e[i] -= z[i];
  }
  return std::pow(dot(e, multiply(matrix, e)) / before, 1.0 / cycles);
}

SmootherNetwork<double> in_double(const SmootherNetwork<float>& network) {
  SmootherNetwork<double> result;
  result.dimension = network.dimension;
  result.bias = nopal::cast<double>(network.bias);
  result.linear = nopal::cast<double>(network.linear);
  if (network.hidden() > 0) {
    result.weight1 = nopal::cast<double>(network.weight1);
    result.bias1 = nopal::cast<double>(network.bias1);
    result.weight2 = nopal::cast<double>(network.weight2);
  }
  return result;
}

TEST(LearnedMultigrid, BeginsAsChebyshev) {
  for (int d = 1; d <= 3; ++d) {
    const LearnedMultigrid<double> op(options_for(d, 5), 3);
    const Shape n = d == 1 ? Shape{150} : d == 2 ? Shape{20, 17} : Shape{7, 8, 9};
    const auto matrix = diffusion<double>(Grid(n), Side::dirichlet, checkerboard(3, 10));
    const std::vector<double> b = own_noise(matrix.grid, 1);
    std::vector<double> x(b.size()), y(b.size());
    StencilMultigrid<double>(matrix, op.network()).apply(b.data(), x.data());
    StencilMultigrid<double>(matrix, SmootherNetwork<double>::chebyshev(d))
        .apply(b.data(), y.data());
    EXPECT_EQ(x, y) << d;
    EXPECT_EQ(double(nopal::count(op.parameters())), op.options().parameter_count());
  }
}

TEST(LearnedMultigrid, ForwardIsACycle) {
  const LearnedMultigrid<double> op(options_for(2, 5), 3);
  const Shape n{20, 17};
  const auto matrix = diffusion<double>(Grid(n), Side::dirichlet, checkerboard(3, 10));
  const std::int64_t points = n.size();
  Tensor<double> stencils = Tensor<double>::zeros({1, 20, 17, 9}), residual({1, 20, 17, 1});
  for (std::int64_t i = 0; i < points; ++i)
    for (std::size_t k = 0; k < matrix.offsets.size(); ++k) {
      const auto& o = matrix.offsets[k];
      stencils.data()[i * 9 + 3 * (o[0] + 1) + o[1] + 1] =
          matrix.values.data()[std::int64_t(k) * points + i];
    }
  const std::vector<double> b = own_noise(matrix.grid, 1);
  residual.copy_from_host(b.data());
  const std::vector<nopal::Variable<double>> inputs{stencils, residual};
  const std::vector<double> x = op.forward(inputs).value().to_vector();
  std::vector<double> y(b.size());
  StencilMultigrid<double>(matrix, op.network()).apply(b.data(), y.data());
  for (std::size_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(x[i], y[i], 1e-10);
}

TEST(LearnedMultigrid, IsSavedAndLoaded) {
  const nopal::test::ScratchFolder folder;
  const nopal::Model<float> model(std::make_unique<LearnedMultigrid<float>>(options_for(3, 4), 9));
  model.save(folder / "m.safetensors");
  const auto loaded = nopal::Model<float>::load(folder / "m.safetensors");
  const auto* op = dynamic_cast<const LearnedMultigrid<float>*>(&loaded.op());
  ASSERT_NE(op, nullptr);
  EXPECT_EQ(op->options().dimension, 3);
  EXPECT_EQ(op->network().weight1.to_vector(),
            dynamic_cast<const LearnedMultigrid<float>&>(model.op()).network().weight1.to_vector());
  EXPECT_THROW(nopal::make_operator<float>("multigrid", {{"dimension", 4}}), nopal::Error);
  EXPECT_THROW(nopal::make_operator<float>("multigrid", {{"hiden", 4}}), nopal::Error);
}

// Smoothers trained on at most 31 x 31 points hold on grids many times as large: Fanaskov,
// arXiv:2402.05563, whose single pair of 3 x 3 kernels has 0.046 to 0.102 on grids of 31 to 2047.
TEST(LearnedMultigrid, TrainingOnSmallPoissonHoldsOnLarge) {
  LearnedMultigrid<float> op(options_for(2, 0), 0);
  MultigridTrainOptions options;
  options.kinds = {"poisson"};
  options.points = 31;
  options.steps = 60;
  options.matrices = 16;
  options.validation = 8;
  const auto result = nopal::train_multigrid(op, options);
  EXPECT_LT(result.rate, 0.8 * result.rate_before);
  for (const std::int64_t n : {31, 63, 255}) {
    const auto matrix =
        diffusion<double>(Grid({n, n}), Side::dirichlet, [](const auto&) { return 1.0; });
    const StencilMultigrid<double> trained(matrix, in_double(op.network()));
    EXPECT_LT(convergence_factor(matrix, trained, 10), 0.11) << n;
    for (const auto& level : trained.levels())
      EXPECT_EQ(level.smoother_scale, 1) << n;
  }
}

TEST(LearnedMultigrid, TuningToAMatrixReducesItsRate) {
  LearnedMultigrid<float> op(options_for(2, 4), 0);
  MultigridTrainOptions options;
  options.steps = 150;
  options.validation_interval = 10;
  const auto matrix = diffusion<double>(Grid({30, 30}), Side::neumann, checkerboard(4, 100));
  const auto result = nopal::tune_multigrid(op, matrix, options);
  EXPECT_LT(result.rate, 0.97 * result.rate_before);
}

TEST(LearnedMultigrid, BadTrainingOptionsAreNamed) {
  LearnedMultigrid<float> op(options_for(2, 0), 0);
  const auto message = [&](const auto& change) {
    MultigridTrainOptions options;
    options.steps = 0;
    change(options);
    try {
      nopal::train_multigrid(op, options);
    } catch (const nopal::Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  using Options = MultigridTrainOptions;
  EXPECT_NE(message([](Options& o) { o.kinds = {"jump"}; }).find("did you mean 'jumps'"),
            std::string::npos);
  EXPECT_NE(message([](Options& o) { o.points = 3; }).find("option -points"), std::string::npos);
  EXPECT_NE(message([](Options& o) { o.batch = 0; }).find("option -batch"), std::string::npos);
  EXPECT_NE(message([](Options& o) { o.contrast = 0.5; }).find("option -contrast"),
            std::string::npos);
}

}  // namespace
