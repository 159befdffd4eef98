// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Compressed convolutions, in a network of one's own, for the wave equation
//
// Sample runs:  wave_compressed
//               mpiexec -n 2 wave_compressed
//               wave_compressed -samples 1000 -epochs 60 -channels 32
//
// Description:  Learns the map from u(0) to u(T) of
//
//                   u_tt = Lap u on the unit square, u_t(0) = 0, u = 0 on the boundary,
//
//               by a plain convolutional network whose 5 x 5 kernels are dense, or sums of R = 1,
//               2, 4 products of one-dimensional filters, after "A priori compression of
//               convolutional neural networks for wave simulators" (arXiv:2304.04964). The table
//               compares error, parameters, memory and time. The map is linear; the network is
//               not, as it would be for other waves. Fewer weights are less to store and to send,
//               and not less of everything: in training the filters keep a field for each of their
//               stages, which takes memory, and with few channels time. The network is written here
//               from nopal's layers: how to add an operator of one's own. Takes about half a
//               minute; nothing is written.

#include <nopal/core/allocator.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/nn/separable_convolution.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/wave.hpp>
#include <nopal/train/evaluation.hpp>
#include <nopal/train/trainer.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>

namespace {

constexpr std::int64_t taps = 5, layers = 4, reach = layers * (taps / 2);

// v <- gelu(W v + b), four times, and a product with a matrix at each point. W is a convolution
// with a dense kernel (rank 0) or a compressed one.
class WaveNetwork : public nopal::Operator<float> {
 public:
  WaveNetwork(std::int64_t channels, std::int64_t rank) : store_(0) {
    for (std::int64_t l = 0; l < layers; ++l) {
      const std::string name = "layers." + std::to_string(l);
      const std::int64_t in = l == 0 ? 1 : channels;
      if (rank > 0) {
        compressed_.emplace_back(
            nopal::SeparableConvolutionOptions{in, channels, {taps, taps}, rank}, store_, name);
      } else {
        const std::int64_t fan_in = in * taps * taps;
        weights_.push_back(store_
                               .normal(name + ".weight", {taps, taps, in, channels},
                                       std::sqrt(2.0 / double(fan_in)))
                               .variable);
        biases_.push_back(store_.constant(name + ".bias", {channels}, 0).variable);
      }
    }
    head_ = store_.uniform("head.weight", {1, 1, channels, 1}, channels).variable;
    store_.append_parameters(parameters_);
  }

  std::string name() const override { return "wave network"; }
  nlohmann::json configuration() const override { return nlohmann::json::object(); }
  const nopal::Parameters<float>& parameters() const override { return parameters_; }
  nopal::Cost cost(std::span<const nopal::Shape>) const override { return {}; }

  void check_inputs(std::span<const nopal::Shape> inputs) const override {
    NOPAL_CHECK(inputs.size() == 1 && inputs[0].rank() == 4 && inputs[0][3] == 1,
                "expected a field (B, X1, X2, 1), got ", inputs[0]);
  }

  using Operator<float>::forward;
  nopal::Variable<float> forward(std::span<const nopal::Variable<float>> inputs) const override {
    // A margin of zeros of half a kernel on each side, so that fields keep their size.
    nopal::ConvolutionOptions options;
    options.offset = {-(taps / 2), -(taps / 2)};
    options.extents = {inputs[0].shape()[1], inputs[0].shape()[2]};
    options.activation = nopal::Activation::gelu;
    nopal::Variable<float> v = inputs[0];
    for (std::size_t l = 0; l < std::size_t(layers); ++l)
      v = compressed_.empty() ? nopal::convolution(v, weights_[l], biases_[l], options)
                              : compressed_[l].forward(v, options);
    return nopal::convolution(v, head_);
  }

 private:
  nopal::ParameterStore<float> store_;
  std::vector<nopal::SeparableConvolution<float>> compressed_;
  std::vector<nopal::Variable<float>> weights_, biases_;
  nopal::Variable<float> head_;
  nopal::Parameters<float> parameters_;
};

void run(const nopal::Communicator& comm) {
  const bool speaks = comm.rank() == 0;

  // 1. Options. In the time T a wave goes 0.8 times as far as the network sees, which is 8 points.
  std::int64_t n = 33, samples = 200, epochs = 12, channels = 16;
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("resolution", "points an axis", n, 2 * reach + 1);
    read.integer("samples", "training samples", samples, 1);
    read.integer("epochs", "passes over the training samples", epochs, 1);
    read.integer("channels", "of the network", channels, 1);
  };
  if (!nopal::read_program_options(comm, "wave_compressed", own_options, {"wave_ts_"})) return;
  nopal::WaveOptions wave_options;
  wave_options.resolution = n;
  wave_options.time = 0.8 * double(reach) / double(n - 1);

  // 2. Data for training, for choosing the best epoch, and for the table.
  nopal::Wave problem(wave_options);
  const std::int64_t tests = 40;
  const auto make = [&](std::int64_t first, std::int64_t count) {
    return nopal::generate_in_memory<float>(problem, {count, 0, first, 0}, comm);
  };
  const auto training = make(0, samples);
  const auto validation = make(samples, tests);
  const auto test = make(samples + tests, tests);

  // 3. The same training for all.
  nopal::TrainOptions options;
  options.epochs = epochs;
  options.batch = 5;
  options.learning_rate = 1e-2;
  options.schedule = "onecycle";

  // 4. Train and judge each network. Memory is the most that tensors took at once on this rank.
  std::vector<std::string> table{"kernel   error    parameters  memory      epoch"};
  for (const std::int64_t rank : {0, 1, 2, 4}) {
    const nopal::MemoryStatistics before = nopal::memory_statistics();
    nopal::reset_peak_memory();
    nopal::Model<float> model(std::make_unique<WaveNetwork>(channels, rank),
                              nopal::fit_inputs(*training), nopal::fit_outputs(*training));
    const auto result = nopal::train<float>(model, {training, validation, {}}, options, comm);
    const double memory =
        double(nopal::memory_statistics().peak_in_use - before.in_use) / double(1 << 20);
    const auto error = nopal::evaluate(model, *test, 10, comm);
    char line[200];
    std::snprintf(line, sizeof line, "%-8s %.4f   %6ld      %5.1f MiB   %.2f s",
                  rank == 0 ? "dense" : ("rank " + std::to_string(rank)).c_str(), error.relative_l2,
                  long(nopal::count(model.op().parameters())), memory,
                  result.history.last("seconds") / double(result.epochs));
    table.emplace_back(line);
  }
  for (const std::string& line : table)
    if (speaks) std::printf("%s\n", line.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "wave_compressed: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
