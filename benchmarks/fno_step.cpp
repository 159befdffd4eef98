// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// One training step of a Fourier neural operator (forward, relative L2 loss, backward, sum of the
// gradients over ranks, AdamW) and inference of one sample, on random data: time, phases, memory,
// and share of the machine's peak. The twin in PyTorch is peers/fno2d.py.

#include "benchmarks/support/report.hpp"
#include "train/distributed_optimizer.hpp"

#include <nopal/core/random.hpp>
#include <nopal/operators/fno.hpp>
#include <nopal/train/losses.hpp>

#include <array>
#include <cstdio>

namespace {

using nopal::Shape;
using nopal::Tensor;
using nopal::Variable;

std::unique_ptr<nopal::Fno<float>> make_network(const benchmarks::Options& options) {
  const nlohmann::json modes = std::vector<std::int64_t>(
      static_cast<std::size_t>(options.integer("dimension")), options.integer("modes"));
  nlohmann::json json{{"n_modes", modes},
                      {"layout", options.text("layout")},
                      {"hidden_channels", options.integer("width")},
                      {"n_layers", options.integer("layers")},
                      {"factorization", options.text("factorization")},
                      {"rank", options.number("rank")}};
  return std::make_unique<nopal::Fno<float>>(nopal::FnoOptions::from_json(json));
}

Tensor<float> random_field(std::int64_t samples, const benchmarks::Options& options,
                           std::uint64_t seed) {
  Shape shape{samples};
  for (std::int64_t i = 0; i < options.integer("dimension"); ++i)
    shape.push_back(options.integer("n"));
  shape.push_back(1);
  const Tensor<float> field(shape);
  nopal::fill_normal(field, 0, 1, nopal::Random(seed));
  return field;
}

// A training step as the trainer does it, with the time of each phase.
class Step {
 public:
  static constexpr std::array<const char*, 5> phases = {"forward", "loss", "backward",
                                                        "gradient_sum", "optimizer"};

  Step(const nopal::Fno<float>& network, const Tensor<float>& x, const Tensor<float>& y,
       std::int64_t batch, const nopal::Communicator& comm)
      : network_(network),
        x_(x),
        y_(y),
        batch_(batch),
        optimizer_(network.parameters(),
                   nopal::make_optimizer<float>("adamw", {{"weight_decay", 1e-4}}), comm) {}

  void operator()() {
    double last = benchmarks::now();
    const auto finish = [&](std::size_t phase) {
      Kokkos::fence();
      const double time = benchmarks::now();
      samples_[phase].push_back(time - last);
      last = time;
    };
    for (const nopal::Parameter<float>* parameter : network_.parameters())
      parameter->variable.clear_gradient();
    optimizer_.prepare();
    double loss_value = 0;
    {
      nopal::Tape<float> tape;
      Variable<float> prediction = network_.forward(Variable<float>(x_));
      finish(0);
      const Variable<float> loss =
          nopal::relative_l2(prediction, y_, 1 / static_cast<float>(batch_));
      prediction = Variable<float>();
      finish(1);
      tape.backward(loss);
      loss_value = loss.value().item();
    }
    finish(2);
    optimizer_.sum_gradients(std::span(&loss_value, 1));
    finish(3);
    optimizer_.step(1e-3);
    finish(4);
  }

  // Forgets the warm-up.
  void restart() {
    for (auto& samples : samples_)
      samples.clear();
  }

  nlohmann::json phase_times() const {
    nlohmann::json result;
    for (std::size_t i = 0; i < phases.size(); ++i)
      result[phases[i]] = benchmarks::summarise(samples_[i]).median;
    return result;
  }

 private:
  const nopal::Fno<float>& network_;
  Tensor<float> x_, y_;
  std::int64_t batch_;
  nopal::detail::DistributedOptimizer<float> optimizer_;
  std::array<std::vector<double>, phases.size()> samples_;
};

nlohmann::json measure_step(const nopal::Fno<float>& network, const benchmarks::Options& options,
                            double resident_before, const nopal::Communicator& comm) {
  const std::int64_t batch = options.integer("batch");
  const nopal::Slab mine = nopal::slab(batch, comm.rank(), comm.size());
  Step step(network, random_field(mine.count, options, 1), random_field(mine.count, options, 2),
            batch, comm);
  const benchmarks::Effort effort{options.number("seconds"),
                                  static_cast<int>(options.integer("rounds")), 0};
  for (int i = 0; i < 2; ++i)
    step();
  step.restart();
  const auto calls_before = nopal::memory_statistics().system_allocations;
  const benchmarks::Timing timing = benchmarks::measure([&] { step(); }, effort, comm);
  const nopal::MemoryStatistics tensors = nopal::memory_statistics();
  const benchmarks::ProcessMemory process = benchmarks::process_memory();
  // Memory of all ranks together: that is what a node must have.
  return {{"name", "step"},
          {"batch", batch},
          {"seconds", timing.to_json()},
          {"phases", step.phase_times()},
          {"allocations_after_warm_up", tensors.system_allocations - calls_before},
          {"memory",
           {{"high_water_bytes", comm.sum(process.high_water)},
            {"above_start_bytes", comm.sum(process.high_water - resident_before)},
            {"tensors_bytes", comm.sum(static_cast<double>(tensors.peak_in_use))}}}};
}

nlohmann::json measure_inference(const nopal::Fno<float>& network,
                                 const benchmarks::Options& options) {
  const Variable<float> x(random_field(1, options, 3));
  const auto infer = [&] { network.forward(x); };
  infer();
  infer();
  const auto calls_before = nopal::memory_statistics().system_allocations;
  const benchmarks::Effort effort{options.number("seconds"),
                                  static_cast<int>(options.integer("rounds")), 2};
  const benchmarks::Timing timing = benchmarks::measure(infer, effort);
  return {
      {"name", "inference"},
      {"batch", 1},
      {"seconds", timing.to_json()},
      {"allocations_after_warm_up", nopal::memory_statistics().system_allocations - calls_before}};
}

// What the work of a call is, and which share of the machine's peaks the median call reaches.
void add_shares(nlohmann::json& result, const nopal::Cost& cost, const benchmarks::Peaks& peaks) {
  const double seconds = result["seconds"]["median"];
  result["flops"] = cost.flops;
  result["bytes"] = cost.bytes;
  result["share_of_gemm_peak"] = cost.flops / seconds / peaks.sgemm;
  result["share_of_copy_peak"] = cost.bytes / seconds / peaks.copy;
}

void print(const nlohmann::json& result, int ranks) {
  std::printf("%-9s batch %lld, %d rank%s: median %.2f ms, min %.2f ms, processor %.2f ms\n",
              result["name"].get<std::string>().c_str(), result["batch"].get<long long>(), ranks,
              ranks > 1 ? "s" : "", 1e3 * result["seconds"]["median"].get<double>(),
              1e3 * result["seconds"]["min"].get<double>(),
              1e3 * result["seconds"]["processor"].get<double>());
  if (result.contains("phases"))
    for (const char* phase : Step::phases)
      std::printf("  %-12s %9.2f ms\n", phase, 1e3 * result["phases"][phase].get<double>());
  if (result.contains("memory"))
    std::printf("  memory: peak %.0f MiB, %.0f above start, tensors %.0f\n",
                result["memory"]["high_water_bytes"].get<double>() / (1 << 20),
                result["memory"]["above_start_bytes"].get<double>() / (1 << 20),
                result["memory"]["tensors_bytes"].get<double>() / (1 << 20));
  std::printf("  allocations after warm-up: %lld\n",
              result["allocations_after_warm_up"].get<long long>());
  if (result.contains("flops"))
    std::printf(
        "  %.2f GFLOP, %.0f%% of GEMM peak; %.0f MB, %.0f%% of copy peak\n",
        1e-9 * result["flops"].get<double>(), 100 * result["share_of_gemm_peak"].get<double>(),
        1e-6 * result["bytes"].get<double>(), 100 * result["share_of_copy_peak"].get<double>());
}

void run(const benchmarks::Options& options) {
  const nopal::Communicator comm = nopal::Communicator::world();
  const std::string only = options.text("only");
  NOPAL_CHECK(only.empty() || only == "step" || only == "inference",
              "option '-only' expects step or inference, got '", only, "'");
  const double resident_before = benchmarks::process_memory().resident;
  const auto network = make_network(options);
  nlohmann::json results = nlohmann::json::array();
  // The step comes first: its peak memory must not be that of something else.
  if (only != "inference")
    results.push_back(measure_step(*network, options, resident_before, comm));
  if (only != "step" && comm.size() == 1) results.push_back(measure_inference(*network, options));

  nlohmann::json report = {{"benchmark", "fno_step"},
                           {"environment", benchmarks::environment(comm)},
                           {"parameters", nopal::count(network->parameters())},
                           {"options", options.to_json()}};
  if (options.integer("peaks") != 0) {
    const benchmarks::Peaks peaks =
        benchmarks::measure_peaks({0.3, 5, 2}, std::size_t(1) << 29, comm);
    report["peaks"] = peaks.to_json();
    for (auto& result : results) {
      const std::int64_t batch = result["batch"];
      const Shape shape = random_field(1, options, 0).shape().with(0, batch);
      nopal::Cost cost = network->cost(std::span(&shape, 1));
      // The adjoint has a product for the input and one for the weights where forward has one.
      if (result["name"] == "step") cost = {3 * cost.flops, 3 * cost.bytes};
      add_shares(result, cost, peaks);
    }
  }
  report["results"] = results;
  if (comm.rank() != 0) return;
  for (const auto& result : results)
    print(result, comm.size());
  benchmarks::write_json(options.text("json"), report);
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options(
      "Training step and inference of a Fourier neural operator on random data.",
      {{"n", "64"},
       {"dimension", "2"},
       {"width", "32"},
       {"modes", "12"},
       {"layers", "4"},
       {"batch", "20"},
       {"layout", "2021"},
       {"factorization", "dense"},
       {"rank", "1"},
       {"seconds", "3"},
       {"rounds", "5"},
       {"only", ""},
       {"peaks", "1"},
       {"json", ""}});
  return benchmarks::run_program(argc, argv, options, run);
}
