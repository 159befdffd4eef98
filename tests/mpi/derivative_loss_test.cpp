// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Derivative-enhanced losses: the value written out, the gradient by differences, and the same on
// any number of ranks.

#include "test_tools.hpp"

#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/neighbours.hpp>
#include <nopal/operators/fusion_deeponet.hpp>
#include <nopal/operators/pod_deeponet.hpp>
#include <nopal/train/derivative_loss.hpp>
#include <nopal/train/point_losses.hpp>

#include <cmath>

namespace nopal {
namespace {

using test::expect_error;

constexpr std::int64_t samples = 5, channels = 2;

FusionDeepONetOptions small() {
  FusionDeepONetOptions o;
  o.parameters = 3;
  o.out_channels = channels;
  o.width = 6;
  o.layers = 2;
  o.latent = 4;
  return o;
}

FunctionData<double> make_data(bool shared, bool masked) {
  FunctionData<double> data;
  Tensor<double> v({samples, 3});
  fill_uniform(v, 0, 1, Random(1));
  data.functions = {v};
  std::int64_t rows = 0;
  if (!shared) {
    for (std::int64_t i = 0; i <= samples; ++i) {
      data.offsets.push_back(rows);
      rows += 12 + 3 * i;
    }
    rows = data.offsets.back();
  }
  data.points = Tensor<double>({shared ? 15 : rows, 2});
  fill_uniform(data.points, -1, 1, Random(2));
  data.values = Tensor<double>(shared ? Shape{samples, 15, channels} : Shape{rows, channels});
  fill_normal(data.values, 0, 1, Random(3));
  if (masked) {
    data.mask = Tensor<double>(shared ? Shape{samples, 15} : Shape{rows});
    for (std::int64_t i = 0; i < data.mask.size(); ++i)
      data.mask.data()[i] = i % 5 == 3 ? 0 : 1;
  }
  return data;
}

double loss_of(const StepLoss<double>& loss, std::int64_t step, const Communicator& comm,
               const FusionDeepONet<double>& op, std::vector<double>* gradient = nullptr) {
  for (const Parameter<double>* p : op.parameters())
    p->variable.clear_gradient();
  Tape<double> tape;
  const Variable<double> share = loss(step);
  if (share.requires_gradient()) tape.backward(share);
  if (gradient)
    for (const Parameter<double>* p : op.parameters()) {
      const bool some = p->gradient().defined();
      const Tensor<double> g =
          some ? p->gradient().clone() : Tensor<double>::zeros(p->value().shape());
      comm.sum(g);
      const auto numbers = g.to_vector();
      gradient->insert(gradient->end(), numbers.begin(), numbers.end());
    }
  return comm.sum(share.value().item());
}

// Of all points: what is said in the header, by plain loops.
TEST(DerivativeLoss, ByHand) {
  const FusionDeepONet<double> op(small(), 3);
  for (const bool shared : {false, true})
    for (const bool masked : {false, true})
      for (const char* kind : {"least_squares", "differences"}) {
        const FunctionData<double> data = make_data(shared, masked);
        FunctionBatchOptions options;
        options.variable_weights = {1, 4};
        DerivativeLossOptions derivatives;
        derivatives.kind = kind;
        derivatives.weight = 0.3;
        derivatives.neighbours = 5;
        double value = 0, slopes = 0, count = 0, entries = 0;
        for (std::int64_t i = 0; i < samples; ++i) {
          std::vector<std::int64_t> rows, points;
          for (std::int64_t r = data.first_row(i); r < data.first_row(i + 1); ++r)
            if (!masked || data.mask.data()[r] != 0) {
              rows.push_back(r);
              points.push_back(shared ? r - data.first_row(i) : r);
            }
          const Tensor<double> x = select_rows(data.points, points);
          const Variable<double> v(data.functions[0].slice(i, 1));
          const auto n = static_cast<std::int64_t>(rows.size());
          Tensor<double> e =
              op.forward_rows(std::span(&v, 1), Variable<double>(x), {0, n}).value().clone();
          axpy(-1.0, select_rows(data.values.reshape({data.values.size() / 2, 2}), rows), e);
          const RowStencils s = kind == std::string("differences") ? consecutive_differences(x)
                                                                   : least_squares_gradients(x, 5);
          const auto g = StencilMap<double>(s)(Variable<double>(e)).value();
          for (std::int64_t k = 0; k < e.size(); ++k)
            value += (k % 2 ? 4 : 1) * e.data()[k] * e.data()[k];
          for (std::int64_t k = 0; k < g.size(); ++k)
            slopes += (k % 2 ? 4 : 1) * g.data()[k] * g.data()[k];
          count += static_cast<double>(e.size());
          entries += static_cast<double>(g.size());
        }
        const auto loss = derivative_enhanced_loss(op, data, options, derivatives);
        EXPECT_NEAR(loss_of(loss, 0, {}, op), value / count + 0.3 * slopes / entries, 1e-12)
            << kind << shared << masked;
      }
}

TEST(DerivativeLoss, TangentsMeetTheGradientsThatAreGiven) {
  const FusionDeepONet<double> op(small(), 3);
  const FunctionData<double> data = make_data(false, false);
  const std::int64_t rows = data.points.extent(0);
  Tensor<double> gradients({rows, 2, channels});
  fill_normal(gradients, 0, 1, Random(8));
  DerivativeLossOptions derivatives{"tangents", 0.2, 5};
  const auto loss = derivative_enhanced_loss(op, data, {}, derivatives, {}, gradients);
  double value = 0, slopes = 0;
  const Variable<double> v(data.functions[0]);
  const auto jet =
      op.derivatives_rows(std::span(&v, 1), data.points, data.offsets, JetLayout({1, 1}));
  for (std::int64_t k = 0; k < rows * channels; ++k) {
    value += std::pow(jet[0].value().data()[k] - data.values.data()[k], 2);
    for (std::int64_t j = 0; j < 2; ++j)
      slopes += std::pow(jet[static_cast<std::size_t>(j) + 1].value().data()[k] -
                             gradients.data()[(k / 2 * 2 + j) * 2 + k % 2],
                         2);
  }
  const double n = static_cast<double>(rows * channels);
  EXPECT_NEAR(loss_of(loss, 0, {}, op), value / n + 0.2 * slopes / (2 * n), 1e-12);
}

TEST(DerivativeLoss, GradientsAreThoseOfDifferences) {
  const FusionDeepONet<double> op(small(), 3);
  std::vector<Variable<double>> leaves;
  for (const Parameter<double>* p : op.parameters())
    leaves.push_back(p->variable);
  for (const char* kind : {"least_squares", "differences", "tangents"})
    for (const std::int64_t points : {0, 18}) {
      const FunctionData<double> data = make_data(false, true);
      FunctionBatchOptions options;
      options.points = points;
      const auto loss = derivative_enhanced_loss(op, data, options, {kind, 0.3, 5});
      const auto check = check_gradient([&] { return loss(2); }, leaves);
      EXPECT_LT(check.error, 1e-6) << kind << points << " " << check.where;
    }
}

TEST(DerivativeLoss, SameAsSerial) {
  const auto comm = Communicator::world();
  const FusionDeepONet<double> op(small(), 3);
  for (const char* kind : {"least_squares", "differences", "tangents"})
    for (const bool shared : {false, true})
      for (const std::int64_t points : {0, 18})
        for (const std::int64_t batch : {0, 2}) {
          const FunctionData<double> data = make_data(shared, true);
          FunctionBatchOptions options;
          options.points = points;
          options.batch = batch;
          options.seed = 5;
          const DerivativeLossOptions derivatives{kind, 0.3, 5};
          const auto alone = derivative_enhanced_loss(op, data, options, derivatives),
                     together = derivative_enhanced_loss(op, data, options, derivatives, comm);
          for (const std::int64_t step : {0, 1, 7}) {
            std::vector<double> a, b;
            const double serial = loss_of(alone, step, {}, op, &a),
                         parallel = loss_of(together, step, comm, op, &b);
            EXPECT_NEAR(parallel, serial, 1e-12 * serial) << kind << shared << points << batch;
            for (std::size_t i = 0; i < a.size(); ++i)
              EXPECT_NEAR(b[i], a[i], 1e-11 * (1 + std::abs(a[i]))) << kind << points << batch;
          }
        }
}

// Many draws come to the mean over all points: each group keeps its own neighbours.
TEST(DerivativeLoss, DrawsHaveTheMeanOfAllPoints) {
  const FusionDeepONet<double> op(small(), 3);
  const FunctionData<double> data = make_data(true, false);
  for (const char* kind : {"least_squares", "differences"}) {
    const DerivativeLossOptions derivatives{kind, 1e6, 5};  // the values hardly count
    FunctionBatchOptions options;
    const double all = loss_of(derivative_enhanced_loss(op, data, options, derivatives), 0, {}, op);
    options.points = 24000;
    const double drawn =
        loss_of(derivative_enhanced_loss(op, data, options, derivatives), 0, {}, op);
    EXPECT_NEAR(drawn, all, 0.06 * all) << kind;
  }
}

TEST(DerivativeLoss, DrawsOtherPointsEachStep) {
  const FusionDeepONet<double> op(small(), 3);
  const FunctionData<double> data = make_data(false, false);
  FunctionBatchOptions options;
  options.points = 12;
  const auto loss = derivative_enhanced_loss(op, data, options, {"least_squares", 0.3, 5});
  const double first = loss_of(loss, 0, {}, op), second = loss_of(loss, 1, {}, op);
  EXPECT_NE(first, second);
  EXPECT_EQ(loss_of(loss, 0, {}, op), first);
}

TEST(DerivativeLoss, BadInputIsRefused) {
  const FusionDeepONet<double> op(small(), 3);
  FunctionData<double> data = make_data(false, false);
  const auto make = [&](const DerivativeLossOptions& d, const FunctionBatchOptions& o = {}) {
    derivative_enhanced_loss(op, data, o, d);
  };
  expect_error([&] { make({"least_square"}); }, {"'least_square'", "did you mean 'least_squares'"});
  expect_error([&] { make({"least_squares", 1, 40}); }, {"sample 0", "40 neighbours", "the 12"});
  FunctionBatchOptions relative;
  relative.loss = "l2";
  expect_error([&] { make({"differences"}, relative); }, {"mse", "l2"});
  FunctionBatchOptions weights;
  weights.variable_weights = {1};
  expect_error([&] { make({"differences"}, weights); }, {"weights of 2 variables, got 1"});
  for (std::int64_t r = data.offsets[2]; r < data.offsets[3]; ++r)
    data.points.data()[2 * r] = 0.5;
  expect_error(
      [&] {
        make({"least_squares", 1, 4});
      },
      {"sample 2", "nearest neighbours of point 0", "on a line"});
}

}  // namespace
}  // namespace nopal
