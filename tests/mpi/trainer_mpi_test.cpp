// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Training on several ranks: as on one rank to rounding, parameters of all ranks with the same
// bits.

#include <gtest/gtest.h>
#include <nopal/train/evaluation.hpp>
#include <nopal/train/trainer.hpp>

#include "tiny_training.hpp"
#include "train/distributed_optimizer.hpp"

#include <cmath>
#include <filesystem>

namespace nopal {
namespace {

using namespace test;

template <class T>
struct Outcome {
  TrainResult<T> result;
  std::vector<T> best, last;
};

// `noisy`: with dropout and batch norm.
template <class T>
Outcome<T> run(const TrainOptions& options, const Communicator& comm, bool noisy = false) {
  auto model = noisy ? noisy_model<T>(3) : tiny_model<T>(11, 3);
  const Shape grid = noisy ? Shape{12} : Shape{4, 3}, fine = noisy ? Shape{18} : Shape{6, 5};
  const TrainData<T> data{
      tiny_data<T>(13, grid), tiny_data<T>(3, grid, 2), {{"fine", tiny_data<T>(5, fine, 3)}}};
  Outcome<T> outcome;
  outcome.result = train(model, data, options, comm);
  outcome.best = values(model);
  outcome.last = values(outcome.result.final_state);
  return outcome;
}

// Largest difference relative to the size of the parameters, about 1.
template <class T>
double distance(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(double(a[i]) - double(b[i])));
  return largest;
}

template <class T>
void expect_same_bits_everywhere(const std::vector<T>& mine, const Communicator& comm) {
  const auto tensor = Tensor<T>::from_host({static_cast<std::int64_t>(mine.size())}, mine);
  comm.broadcast(tensor);
  EXPECT_TRUE(same_bits(tensor.to_vector(), mine));
}

// Batches of 5: the last one has 3 samples, fewer than 4 ranks; 3 validation samples too.
TrainOptions options_of(const std::string& optimizer) {
  TrainOptions options = tiny_options(6, 5);
  options.optimizer = optimizer;
  if (optimizer == "sgd") options.optimizer_options = {{"momentum", 0.9}, {"nesterov", true}};
  if (optimizer == "lbfgs") options.learning_rate = 1;
  return options;
}

TEST(ParallelTraining, AgreesWithOneRank) {
  const Communicator comm = Communicator::world();
  for (const char* optimizer : {"adamw", "sgd", "lbfgs"})
    for (const char* loss : {"mse", "l2", "h1"})
      for (const bool decode : {false, true}) {
        TrainOptions options = options_of(optimizer);
        options.loss = loss;
        options.decode_loss = decode;
        const auto alone = run<double>(options, Communicator());
        const auto together = run<double>(options, comm);
        EXPECT_LT(distance(together.last, alone.last), 1e-9) << optimizer << ' ' << loss;
        EXPECT_LT(distance(together.best, alone.best), 1e-9) << optimizer << ' ' << loss;
        EXPECT_EQ(together.result.best_epoch, alone.result.best_epoch);
        const auto &a = alone.result.history, &b = together.result.history;
        ASSERT_EQ(a.columns, b.columns);
        for (const char* column : {"loss", "validation_l2", "fine_l2", "fine_h1"})
          for (std::size_t e = 0; e < 6; ++e)
            EXPECT_NEAR(a.column(column)[e], b.column(column)[e], 1e-9) << column;
        expect_same_bits_everywhere(together.last, comm);
        expect_same_bits_everywhere(together.best, comm);
      }
}

// Batches of 5 and 3, and of 1: then all ranks but one have no samples.
TEST(ParallelTraining, NoisyModelAgreesWithOneRank) {
  const Communicator comm = Communicator::world();
  for (const char* optimizer : {"adamw", "sgd", "lbfgs"})
    for (const std::int64_t batch : {5, 1}) {
      TrainOptions options = options_of(optimizer);
      options.batch = batch;
      options.epochs = 3;
      options.weight_averaging = 0.5;
      const auto alone = run<double>(options, Communicator(), true);
      const auto together = run<double>(options, comm, true);
      EXPECT_LT(distance(together.last, alone.last), 1e-8) << optimizer << ' ' << batch;
      EXPECT_LT(distance(together.best, alone.best), 1e-8) << optimizer << ' ' << batch;
      expect_same_bits_everywhere(together.last, comm);
      expect_same_bits_everywhere(together.best, comm);
      const auto again = run<double>(options, comm, true);
      EXPECT_TRUE(same_bits(again.last, together.last));
    }
}

TEST(ParallelTraining, AgreesWithOneRankInFloat) {
  const Communicator comm = Communicator::world();
  for (const char* optimizer : {"adamw", "sgd"}) {
    const auto alone = run<float>(options_of(optimizer), Communicator());
    const auto together = run<float>(options_of(optimizer), comm);
    EXPECT_LT(distance(together.last, alone.last), 1e-4) << optimizer;
    expect_same_bits_everywhere(together.last, comm);
    const auto again = run<float>(options_of(optimizer), comm);
    EXPECT_TRUE(same_bits(again.last, together.last));
  }
}

TEST(ParallelTraining, ClipsByTheNormOverAllRanks) {
  const Communicator comm = Communicator::world();
  TrainOptions options = options_of("sgd");
  options.learning_rate = 0.5;
  options.clip_norm = 0.05;
  options.clip_value = 0.04;
  const auto alone = run<double>(options, Communicator());
  const auto together = run<double>(options, comm);
  EXPECT_LT(distance(together.last, alone.last), 1e-11);
}

TEST(ParallelTraining, StartsFromTheParametersOfRankZero) {
  const Communicator comm = Communicator::world();
  const auto rank = static_cast<std::uint64_t>(comm.rank());
  auto tiny = tiny_model<float>(5, rank), noisy = noisy_model<float>(rank);
  for (const auto& buffer : noisy.op().buffers())
    buffer.value.fill(static_cast<float>(1 + comm.rank()));
  for (auto* model : {&tiny, &noisy}) {
    train<float>(*model, {tiny_data<float>(4, {3}), nullptr, {}}, tiny_options(1), comm);
    expect_same_bits_everywhere(values(*model), comm);
  }
}

// One path for all ranks of this run.
std::string checkpoint_path(const Communicator& comm) {
  return comm.broadcast(testing::TempDir() + "nopal_parallel_training_" +
                        std::to_string(comm.size()) + ".safetensors");
}

TEST(ParallelTraining, ResumedRunEndsWithTheSameBits) {
  const Communicator comm = Communicator::world();
  for (const auto& [optimizer, noisy] :
       {std::pair{"adamw", false}, {"sgd", false}, {"lbfgs", false}, {"adamw", true}}) {
    TrainOptions options = options_of(optimizer);
    const auto whole = run<float>(options, comm, noisy);
    options.checkpoint = checkpoint_path(comm);
    options.resume = true;
    if (comm.rank() == 0) std::filesystem::remove(options.checkpoint);
    Outcome<float> outcome;
    do {
      int batches = 0;
      options.stop = [&] { return ++batches == 4; };
      outcome = run<float>(options, comm, noisy);
    } while (outcome.result.interrupted);
    EXPECT_TRUE(same_bits(outcome.last, whole.last)) << optimizer;
    EXPECT_TRUE(same_bits(outcome.best, whole.best)) << optimizer;
    comm.barrier();
    if (comm.rank() == 0) std::filesystem::remove(options.checkpoint);
  }
}

// A checkpoint of all ranks goes on with one rank, and one of one rank with all.
TEST(ParallelTraining, ResumesOnAnotherNumberOfRanks) {
  const Communicator comm = Communicator::world();
  for (const bool together_first : {false, true}) {
    TrainOptions options = options_of("adamw");
    const auto whole = run<double>(options, comm);
    options.checkpoint = checkpoint_path(comm);
    if (comm.rank() == 0) std::filesystem::remove(options.checkpoint);
    comm.barrier();
    int batches = 0;
    options.stop = [&] { return ++batches == 7; };
    if (together_first || comm.rank() == 0)
      run<double>(options, together_first ? comm : Communicator());
    comm.barrier();
    options.stop = nullptr;
    options.resume = true;
    if (!together_first) {
      const auto outcome = run<double>(options, comm);
      EXPECT_LT(distance(outcome.last, whole.last), 1e-9);
    } else if (comm.rank() == 0) {
      const auto outcome = run<double>(options, Communicator());
      EXPECT_LT(distance(outcome.last, whole.last), 1e-9);
    }
    comm.barrier();
    if (comm.rank() == 0) std::filesystem::remove(options.checkpoint);
    comm.barrier();
  }
}

// Fails where a certain sample is read: on one rank only.
class FailingDataset : public InMemoryDataset<float> {
 public:
  using InMemoryDataset<float>::InMemoryDataset;
  void read(std::span<const std::int64_t> indices, const Tensor<float>& x,
            const Tensor<float>& y) const override {
    InMemoryDataset<float>::read(indices, x, y);
    for (const std::int64_t i : indices)
      NOPAL_CHECK(i != 6, "sample 6 cannot be read");
  }
};

TEST(ParallelTraining, ErrorsReachAllRanks) {
  const Communicator comm = Communicator::world();
  const Shape shape{8, 4, 1};
  auto model = tiny_model<float>(), noisy = noisy_model<float>();
  // Not zero: an error relative to a zero reference would be found before sample 6 is read.
  const auto ones = Tensor<float>::from_host(shape, std::vector<float>(32, 1));
  const auto failing = std::make_shared<FailingDataset>(ones, ones);
  TrainOptions options = tiny_options(2, 4);
  for (auto* one : {&model, &noisy})
    EXPECT_EQ(error_of([&] {
                train<float>(*one, {failing, nullptr, {}}, options, comm);
              }),
              "sample 6 cannot be read");
  options.evaluation_batch = 3;
  const auto good = tiny_data<float>(8, {4});
  EXPECT_EQ(error_of([&] {
              train<float>(model, {good, failing, {}}, options, comm);
            }),
            "sample 6 cannot be read");
  options.checkpoint = "/nopal-no-such-folder/x";
  EXPECT_NE(error_of([&] { train<float>(model, {good, nullptr, {}}, options, comm); }), "no error");
  options.checkpoint.clear();
  options.optimizer = "sgd";
  options.learning_rate = 1e30;
  options.epochs = 5;
  EXPECT_NE(error_of([&] {
              train<float>(model, {good, nullptr, {}}, options, comm);
            }).find("in epoch"),
            std::string::npos);
}

// y at a point depends on x around it: the network has to look beyond its box.
template <class T>
std::shared_ptr<const Dataset<T>> smooth_data(std::int64_t samples, std::int64_t n, std::int64_t m,
                                              std::uint64_t seed) {
  Tensor<T> x({samples, n, m, 1});
  fill_uniform(x, -1, 1, Random(seed, 5));
  const std::vector<T> v = x.to_vector();
  std::vector<T> y(v.size());
  for (std::size_t i = 0; i < y.size(); ++i)
    y[i] = T(1) + T(0.5) * v[i] + T(0.3) * v[(i + 1) % y.size()] * v[(i + 7) % y.size()];
  return std::make_shared<InMemoryDataset<T>>(x, Tensor<T>::from_host({samples, n, m, 1}, y));
}

template <class T>
Model<T> grid_model() {
  Tensor<T> mean({14, 10, 1}), deviation({14, 10, 1});
  fill_uniform(mean, -0.1, 0.1, Random(1));
  fill_uniform(deviation, 0.5, 1.5, Random(2));
  return Model<T>(make_operator<T>("mgno",
                                   {{"channels", 4},
                                    {"n_layers", 2},
                                    {"pre", {1, 1, 2}},
                                    {"boundary", {"reflect", "zero"}},
                                    {"layer_norm", "layer_norm"},
                                    {"norm_grid", {14, 10}}},
                                   4),
                  Normaliser<T>(mean, deviation), Normaliser<T>(deviation, deviation));
}

template <class T>
Outcome<T> run_divided(const TrainOptions& options, const Communicator& comm) {
  auto model = grid_model<T>();
  const TrainData<T> data{smooth_data<T>(7, 14, 10, 1), smooth_data<T>(3, 14, 10, 2), {}};
  Outcome<T> outcome;
  outcome.result = train(model, data, options, comm);
  outcome.best = values(model);
  outcome.last = values(outcome.result.final_state);
  return outcome;
}

// All ways to share the work: points, samples and both (4 ranks). The last batch has 1 sample, so
// that all groups but one have none.
TEST(DomainParallelTraining, AgreesWithOneRank) {
  const Communicator comm = Communicator::world();
  for (const char* optimizer : {"adamw", "lbfgs"})
    for (const char* loss : {"mse", "l2", "h1", "h1_fourier"})
      for (const bool decode : {false, true}) {
        if (optimizer[0] == 'l' && (decode || loss[0] != 'h')) continue;
        TrainOptions options = tiny_options(2, 3);
        options.optimizer = optimizer;
        if (optimizer[0] == 'l') options.learning_rate = 1;
        options.loss = loss;
        options.boundary = Boundary::one_sided;
        options.decode_loss = decode;
        const auto alone = run_divided<double>(options, Communicator());
        for (int space = 1; space <= comm.size(); ++space) {
          if (comm.size() % space != 0) continue;
          options.space_ranks = space;
          const auto together = run_divided<double>(options, comm);
          EXPECT_LT(distance(together.last, alone.last), 1e-9) << loss << space;
          EXPECT_LT(distance(together.best, alone.best), 1e-9) << loss << space;
          const auto &a = alone.result.history, &b = together.result.history;
          for (const char* column : {"loss", "validation_l2", "validation_h1"})
            for (std::size_t e = 0; e < 2; ++e)
              EXPECT_NEAR(a.column(column)[e], b.column(column)[e], 1e-9) << column << space;
          expect_same_bits_everywhere(together.last, comm);
        }
      }
}

TEST(DomainParallelTraining, RepeatsItsBits) {
  const Communicator comm = Communicator::world();
  TrainOptions options = tiny_options(2, 3);
  options.space_ranks = comm.size();
  EXPECT_TRUE(
      same_bits(run_divided<float>(options, comm).last, run_divided<float>(options, comm).last));
}

TEST(DomainParallelTraining, WhatIsNotPossibleIsRefused) {
  const Communicator comm = Communicator::world();
  if (comm.size() == 1) return;
  TrainOptions options = tiny_options(1);
  auto model = grid_model<float>();
  const auto good = smooth_data<float>(4, 14, 10, 1);
  const auto error = [&](Model<float>& m, std::shared_ptr<const Dataset<float>> data,
                         LossFunction<float> loss = {}) {
    return error_of([&] { train<float>(m, {data, nullptr, {}}, options, comm, loss); });
  };
  const auto contains = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  options.space_ranks = comm.size() + 1;
  contains(error(model, good), "cannot form groups");
  options.space_ranks = comm.size();
  contains(error(model, good, make_loss<float>("l2")), "a loss of one's own");
  auto whole = tiny_model<float>();
  contains(error(whole, tiny_data<float>(4, {8})), "whole fields only");
  // A rank that cannot read must not leave the others of its group waiting.
  class Failing : public InMemoryDataset<float> {
   public:
    Failing(const Dataset<float>& data, bool fails)
        : InMemoryDataset<float>(values_of(data), values_of(data)), fails_(fails) {}
    void read(std::span<const std::int64_t> indices, const Tensor<float>& x,
              const Tensor<float>& y) const override {
      NOPAL_CHECK(!fails_ || indices[0] != 3, "sample 3 cannot be read");
      InMemoryDataset<float>::read(indices, x, y);
    }

   private:
    static Tensor<float> values_of(const Dataset<float>& data) {
      Tensor<float> x({4, 14, 10, 1});
      const std::vector<std::int64_t> all{0, 1, 2, 3};
      data.read(all, x, x.clone());
      return x;
    }
    bool fails_;
  };
  options.batch = 1;
  contains(error(model, std::make_shared<Failing>(*good, comm.rank() == 1)),
           "sample 3 cannot be read");
}

TEST(ParallelTraining, EvaluationDoesNotDependOnRanks) {
  const Communicator comm = Communicator::world();
  const auto model = tiny_model<double>();
  for (const std::int64_t samples : {1, 3, 10}) {
    const auto data = tiny_data<double>(samples, {5, 4});
    const Evaluation alone = evaluate(model, *data, 2);
    const Evaluation together = evaluate(model, *data, 2, comm);
    EXPECT_NEAR(together.relative_l2, alone.relative_l2, 1e-13);
    EXPECT_NEAR(together.relative_h1, alone.relative_h1, 1e-13);
    EXPECT_EQ(together.largest_relative_l2, alone.largest_relative_l2);
    EXPECT_EQ(together.samples, samples);
  }
}

// Several nodes, equal (4 ranks) and not (3): parameters and state as on one rank.
TEST(DistributedOptimizer, AgreesWithOneRank) {
  const Communicator comm = Communicator::world();
  for (const char* name : {"adamw", "sgd"})
    for (const int ranks_per_node : {0, 1, 2}) {
      TinyOperator<double> mine(9), reference(9);
      const nlohmann::json options =
          name[0] == 's' ? nlohmann::json{{"momentum", 0.5}} : nlohmann::json::object();
      detail::DistributedOptimizer<double> distributed(
          mine.parameters(), make_optimizer<double>(name, options), comm, ranks_per_node);
      detail::DistributedOptimizer<double> alone(reference.parameters(),
                                                 make_optimizer<double>(name, options), {});
      const auto set = [](const Parameter<double>& p, int rank, double step) {
        Tensor<double> g(p.value().shape());
        fill_normal(g, 0.1, 1, Random(static_cast<std::uint64_t>(rank), step * 100));
        return g;
      };
      for (int step = 0; step < 4; ++step) {
        for (std::size_t i = 0; i < mine.parameters().size(); ++i) {
          mine.parameters()[i]->variable.accumulate(set(*mine.parameters()[i], comm.rank(), step));
          for (int r = 0; r < comm.size(); ++r)
            reference.parameters()[i]->variable.accumulate(set(*mine.parameters()[i], r, step));
        }
        double one = 1;
        distributed.sum_gradients(std::span<double>(&one, 1));
        EXPECT_EQ(one, comm.size());
        distributed.clip(0, 0.7);
        distributed.step(0.1);
        alone.sum_gradients({});
        alone.clip(0, 0.7);
        alone.step(0.1);
        if (step == 2) distributed.restore(distributed.state());
      }
      for (std::size_t i = 0; i < mine.parameters().size(); ++i)
        EXPECT_LT(distance(mine.parameters()[i]->value().to_vector(),
                           reference.parameters()[i]->value().to_vector()),
                  1e-13);
      const auto a = distributed.state(), b = alone.state();
      ASSERT_EQ(a.size(), b.size());
      for (const auto& [key, tensor] : b)
        EXPECT_LT(distance(a.at(key).to_vector(), tensor.to_vector()), 1e-13) << key;
    }
}

}  // namespace
}  // namespace nopal
