// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <nopal/core/random.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/operators/deeponet.hpp>
#include <nopal/operators/multitask_deeponet.hpp>
#include <nopal/operators/pod_deeponet.hpp>
#include <nopal/train/losses.hpp>
#include <nopal/train/point_losses.hpp>
#include <nopal/train/residual_loss.hpp>
#include <nopal/train/step_training.hpp>

#include <cmath>
#include <cstdio>

namespace nopal {
namespace {

// s(y) = u_1 sin(y) + u_2 y: of 7 functions, at 5 shared points or at 0 to 6 of each one's own.
FunctionData<double> make_data(bool shared) {
  constexpr std::int64_t n = 7;
  FunctionData<double> data;
  std::vector<double> u, x, y, mask;
  const Random random(2);
  for (std::uint64_t i = 0; i < 2 * n; ++i)
    u.push_back(random.normal(i));
  const auto value = [&](std::int64_t i, double point) {
    y.push_back(u[2 * i] * std::sin(point) + u[2 * i + 1] * point + 2);
    mask.push_back(y.size() % 4 == 0 ? 0 : 1);
  };
  data.functions = {Tensor<double>::from_host({n, 2}, u)};
  if (shared) {
    x = {0.1, 0.3, 0.4, 0.8, 1.1};
    for (std::int64_t i = 0; i < n; ++i)
      for (const double point : x)
        value(i, point);
    data.values = Tensor<double>::from_host({n, 5, 1}, y);
  } else {
    data.offsets = {0};
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t p = 0; p < (i == 3 ? 0 : i); ++p) {
        x.push_back(random.uniform(100 + x.size()));
        value(i, x.back());
      }
      data.offsets.push_back(static_cast<std::int64_t>(x.size()));
    }
    data.values = Tensor<double>::from_host({static_cast<std::int64_t>(x.size()), 1}, y);
  }
  const auto rows = static_cast<std::int64_t>(x.size());
  data.points = Tensor<double>::from_host({rows, 1}, x);
  if (shared) data.mask = Tensor<double>::from_host({n, 5}, mask);
  return data;
}

struct Outcome {
  std::vector<double> losses, prediction;
};

Outcome train(const FunctionData<double>& data, const FunctionBatchOptions& batch,
              const Communicator& comm, PointOperator<double>& op) {
  StepOptions options;
  options.steps = 12;
  options.validation_interval = 1;
  options.learning_rate = 0.02;
  options.progress_seconds = 0;
  const StepResult result =
      train_steps<double>(op, function_loss<double>(op, data, batch, comm), options, comm);
  return {result.history.column("loss"), predict(op, data, comm, 3).to_vector()};
}

Outcome train(const FunctionData<double>& data, const FunctionBatchOptions& batch,
              const Communicator& comm) {
  DeepONet<double> op({.sensors = {2}, .branch = {6, 5}, .trunk = {6, 5}}, 3);
  return train(data, batch, comm, op);
}

// With layers that look at the whole batch: of functions in the branch, of points in the trunk.
Outcome train_with_norms(const FunctionData<double>& data, const FunctionBatchOptions& batch,
                         const Communicator& comm) {
  MultitaskDeepONetOptions options;
  options.sensors = 2;
  options.dimension = 1;
  options.branch = options.trunk = {6, 5, 4};
  options.branch_norm = options.trunk_norm = "batch";
  options.dropout = 0.3;
  MultitaskDeepONet<double> op(options, 3);
  return train(data, batch, comm, op);
}

// More groups than functions of a batch, more ranks than points: some have nothing.
TEST(FunctionTraining, SameAsSerial) {
  const auto comm = Communicator::world();
  for (const bool shared : {true, false})
    for (const char* loss : {"mse", "l2"})
      for (const std::int64_t batch : {0, 2, 3})
        for (const std::int64_t points : {0, 2})
          for (std::int64_t space = 1; space <= comm.size(); ++space) {
            if (comm.size() % space != 0) continue;
            const auto data = make_data(shared);
            FunctionBatchOptions options;
            options.batch = batch;
            options.points = points;
            options.loss = loss;
            const Outcome serial = train(data, options, {});
            options.space_ranks = space;
            const Outcome parallel = train(data, options, comm);
            for (std::size_t i = 0; i < serial.losses.size(); ++i)
              ASSERT_NEAR(parallel.losses[i], serial.losses[i],
                          1e-9 * std::abs(serial.losses[i]) + 1e-12)
                  << shared << loss << batch << points << space << " step " << i;
            for (std::size_t i = 0; i < serial.prediction.size(); ++i)
              ASSERT_NEAR(parallel.prediction[i], serial.prediction[i], 1e-8);
          }
}

TEST(FunctionTraining, SameAsSerialWithBatchNormAndDropout) {
  const auto comm = Communicator::world();
  for (const bool shared : {true, false})
    for (const std::int64_t batch : {0, 3})
      for (std::int64_t space = 1; space <= comm.size(); ++space) {
        if (comm.size() % space != 0) continue;
        const auto data = make_data(shared);
        FunctionBatchOptions options;
        options.batch = batch;
        options.seed = 5;
        const Outcome serial = train_with_norms(data, options, {});
        options.space_ranks = space;
        const Outcome parallel = train_with_norms(data, options, comm);
        for (std::size_t i = 0; i < serial.losses.size(); ++i)
          ASSERT_NEAR(parallel.losses[i], serial.losses[i], 1e-8 * std::abs(serial.losses[i]))
              << shared << batch << space << " step " << i;
        for (std::size_t i = 0; i < serial.prediction.size(); ++i)
          ASSERT_NEAR(parallel.prediction[i], serial.prediction[i], 1e-7);
      }
}

TEST(FunctionTraining, SameAsSerialForPodDeepONet) {
  const auto comm = Communicator::world();
  const auto data = make_data(true);
  const auto run = [&](const Communicator& ranks) {
    const auto basis = pod_basis(data.values, 1, 2);
    PodDeepONetOptions options;
    options.sensors = 2;
    options.points = 5;
    options.modes = basis.count();
    options.hidden = {6};
    PodDeepONet<double> op(options, 3);
    op.set_basis(basis);
    FunctionBatchOptions batch;
    batch.batch = 3;
    return train(data, batch, ranks, op);
  };
  const Outcome serial = run({}), parallel = run(comm);
  for (std::size_t i = 0; i < serial.losses.size(); ++i)
    EXPECT_NEAR(parallel.losses[i], serial.losses[i], 1e-10 * serial.losses[i]);
  for (std::size_t i = 0; i < serial.prediction.size(); ++i)
    EXPECT_NEAR(parallel.prediction[i], serial.prediction[i], 1e-9);
}

// Stopped twice and resumed, once with a new operator: the same bits as in one run.
TEST(FunctionTraining, ResumesWithTheSameBits) {
  const auto comm = Communicator::world();
  const auto data = make_data(true);
  const std::string path = "steps_" + std::to_string(comm.size()) + ".safetensors";
  MultitaskDeepONetOptions network;
  network.sensors = 2;
  network.dimension = 1;
  network.branch = network.trunk = {6, 5, 4};
  network.branch_norm = "batch";
  network.dropout = 0.3;
  FunctionBatchOptions batch;
  batch.batch = 3;
  const auto run = [&](StepOptions options, std::int64_t stop_after, StepResult& result) {
    MultitaskDeepONet<double> op(network, 3);
    const auto validate = [&] { return mean_point_error(predict(op, data, comm), data); };
    std::int64_t asked = 0;
    if (stop_after > 0)
      options.stop = [&] { return comm.rank() + 1 == comm.size() && ++asked == stop_after; };
    result = train_steps<double>(op, function_loss<double>(op, data, batch, comm), options, comm,
                                 validate);
    std::vector<double> all;
    for (const auto& [name, value] : state_tensors<double>(op))
      for (const double v : value.to_vector())
        all.push_back(v);
    return all;
  };
  StepOptions options;
  options.steps = 20;
  options.validation_interval = 4;
  options.schedule = "cosine";
  options.progress_seconds = 0;
  StepResult whole, first, second, third;
  const auto expected = run(options, 0, whole);
  options.checkpoint = path;
  options.resume = true;
  if (comm.rank() == 0) std::remove(path.c_str());
  comm.barrier();
  run(options, 5, first);
  EXPECT_TRUE(first.interrupted);
  run(options, 9, second);
  EXPECT_TRUE(second.interrupted);
  EXPECT_EQ(run(options, 0, third), expected);
  EXPECT_FALSE(third.interrupted);
  EXPECT_EQ(third.best_step, whole.best_step);
  EXPECT_EQ(third.history.column("validation"), whole.history.column("validation"));
  // What would not go on in the same way is refused, and the file stays.
  options.learning_rate *= 2;
  test::expect_error([&] { run(options, 0, third); }, {path, "learning_rate"});
  options.checkpoint.clear();
  test::expect_error([&] { run(options, 0, third); }, {"-resume", "needs a checkpoint"});
  comm.barrier();
  if (comm.rank() == 0) std::remove(path.c_str());
}

TEST(FunctionTraining, TrainsAPart) {
  const auto comm = Communicator::world();
  const auto data = make_data(true);
  DeepONet<double> op({.sensors = {2}, .branch = {6, 5}, .trunk = {6, 5}}, 3);
  std::vector<std::vector<double>> before;
  for (const auto* parameter : op.parameters())
    before.push_back(parameter->value().to_vector());
  StepOptions options;
  options.steps = 3;
  options.progress_seconds = 0;
  options.trainable = {"branch.1", "trunk.0.weight"};
  train_steps<double>(op, function_loss<double>(op, data, {}, comm), options, comm);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto* parameter = op.parameters()[i];
    const bool trained =
        parameter->name.rfind("branch.1.", 0) == 0 || parameter->name == "trunk.0.weight";
    EXPECT_EQ(parameter->value().to_vector() != before[i], trained) << parameter->name;
    EXPECT_TRUE(parameter->variable.requires_gradient()) << parameter->name;
  }
  options.trainable = {"branch.7"};
  test::expect_error(
      [&] { train_steps<double>(op, function_loss<double>(op, data, {}, comm), options, comm); },
      {"no parameter is 'branch.7'"});
}

TEST(FunctionTraining, KeepsTheBestAndLearns) {
  const auto comm = Communicator::world();
  const auto data = make_data(true);
  DeepONet<double> op({.sensors = {2}, .branch = {10, 8}, .trunk = {10, 8}}, 3);
  StepOptions options;
  options.steps = 400;
  options.validation_interval = 50;
  options.learning_rate = 0.01;
  options.progress_seconds = 0;
  const auto error = [&] { return mean_point_error(predict(op, data, comm), data); };
  // Validation prefers an early step.
  int asked = 0;
  std::vector<double> errors;
  const auto validate = [&] {
    errors.push_back(error());
    return std::abs(++asked - 3.0);
  };
  const auto result =
      train_steps<double>(op, function_loss<double>(op, data, {}, comm), options, comm, validate);
  EXPECT_EQ(result.best_step, 150);
  EXPECT_NEAR(error(), errors[2], 1e-12);
  EXPECT_LT(errors.back(), 0.05);
}

// s'' = u_1 + u_2 s, by residuals only; 7 functions on up to 4 ranks, batches of 3.
TEST(ResidualLoss, SameAsSerial) {
  const auto world = Communicator::world();
  const auto run = [](const Communicator& comm) {
    DeepONetOptions network{.sensors = {2}, .branch = {6, 5}, .trunk = {6, 5}};
    network.trunk_activation = "tanh";
    DeepONet<double> op(network, 3);
    const auto data = make_data(true);
    const std::vector<double> u = data.functions[0].to_vector();
    ResidualProblem<double> problem{{data.functions[0]}, JetLayout({2}), {}, {}};
    problem.points = [](std::int64_t step) {
      const Tensor<double> points({4, 1});
      fill_uniform(points, 0, 1, Random(7, static_cast<std::uint64_t>(step)));
      return points;
    };
    problem.residual = [&u](const std::vector<std::int64_t>& samples, const Tensor<double>&,
                            const std::vector<Variable<double>>& jet) {
      const Tensor<double> one(jet[0].shape()), two(jet[0].shape());
      for (std::int64_t i = 0; i < one.size(); ++i) {
        const auto sample = static_cast<std::size_t>(samples[static_cast<std::size_t>(i / 4)]);
        one.data()[i] = u[2 * sample];
        two.data()[i] = u[2 * sample + 1];
      }
      return linear_combination<double>(
          {{1, jet[2]}, {-1, one}, {-1, product(jet[0], Variable<double>(two))}});
    };
    StepOptions options;
    options.steps = 10;
    options.validation_interval = 1;
    options.progress_seconds = 0;
    options.learning_rate = 0.02;
    return train_steps<double>(op, residual_loss<double>(op, problem, 3, 1, comm), options, comm)
        .history.column("loss");
  };
  const auto serial = run({}), parallel = run(world);
  ASSERT_EQ(serial.size(), 10u);
  for (std::size_t i = 0; i < serial.size(); ++i)
    EXPECT_NEAR(parallel[i], serial[i], 1e-10 * serial[i]);
}

// A batch smaller than the number of ranks leaves some without a share.
TEST(FunctionTraining, RanksWithoutAShareFollow) {
  const auto comm = Communicator::world();
  DeepONet<double> op({.sensors = {2}, .branch = {5}, .trunk = {5}});
  StepOptions options;
  options.progress_seconds = 0;
  options.steps = 3;
  const Tensor<double>& bias = op.parameters()[1]->value();
  const std::vector<double> before = bias.to_vector();
  const Tensor<double> target({5});
  target.fill(2);
  const auto loss = [&](bool shared) {
    return [&, shared](std::int64_t) -> Variable<double> {
      if (!shared || comm.rank() + 1 < comm.size()) return Tensor<double>::zeros({1});
      return squared_error(op.parameters()[1]->variable, target, 1.0);
    };
  };
  train_steps<double>(op, loss(true), options, comm);
  const std::vector<double> after = bias.to_vector();
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_GT(after[i], before[i] + 1e-4);
    EXPECT_EQ(comm.max(after[i]), after[i]);
  }
  test::expect_error([&] { train_steps<double>(op, loss(false), options, comm); },
                     {"step 1 depends on no parameter"});
}

TEST(FunctionTraining, ErrorsReachAllRanks) {
  const auto comm = Communicator::world();
  DeepONet<double> op({.sensors = {2}, .branch = {5}, .trunk = {5}});
  StepOptions options;
  options.progress_seconds = 0;
  test::expect_error(
      [&] {
        train_steps<double>(
            op,
            [&](std::int64_t) -> Variable<double> {
              NOPAL_CHECK(comm.rank() + 1 < comm.size(), "no loss here");
              return squared_error(op.parameters()[1]->variable, Tensor<double>::zeros({5}), 1.0);
            },
            options, comm);
      },
      {"no loss here"});
  test::expect_error(
      [&] {
        train_steps<double>(
            op,
            [&](std::int64_t) -> Variable<double> {
              const Tensor<double> target({5});
              target.fill(NAN);
              return squared_error(op.parameters()[1]->variable, target, 1.0);
            },
            options, comm);
      },
      {"step 1", "learning rate"});
}

}  // namespace
}  // namespace nopal
