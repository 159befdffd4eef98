// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "benchmarks/support/operator_run.hpp"

#include "train/distributed_optimizer.hpp"

#include <nopal/core/random.hpp>
#include <nopal/train/losses.hpp>

#include <array>
#include <cstdio>

namespace benchmarks {
namespace {

using nopal::Shape;
using nopal::Tensor;
using nopal::Variable;

Tensor<float> random_field(std::int64_t samples, const Shape& points, std::int64_t channels,
                           std::uint64_t seed) {
  Shape shape{samples};
  for (const std::int64_t n : points)
    shape.push_back(n);
  shape.push_back(channels);
  const Tensor<float> field(shape);
  nopal::fill_normal(field, 0, 1, nopal::Random(seed));
  return field;
}

// A training step as the trainer does it, with the time of each phase.
class Step {
 public:
  static constexpr std::array<const char*, 5> phases = {"forward", "loss", "backward",
                                                        "gradient_sum", "optimizer"};

  Step(const nopal::Operator<float>& network, const Tensor<float>& x, const Tensor<float>& y,
       std::int64_t batch, const nopal::Communicator& comm)
      : network_(network),
        x_(x),
        y_(y),
        batch_(batch),
        optimizer_(network.parameters(),
                   nopal::make_optimizer<float>("adamw", {{"weight_decay", 1e-4}}), comm) {}

  void operator()() {
    double last = now();
    const auto finish = [&](std::size_t phase) {
      Kokkos::fence();
      const double time = now();
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
      result[phases[i]] = summarise(samples_[i]).median;
    return result;
  }

 private:
  const nopal::Operator<float>& network_;
  Tensor<float> x_, y_;
  std::int64_t batch_;
  nopal::detail::DistributedOptimizer<float> optimizer_;
  std::array<std::vector<double>, phases.size()> samples_;
};

nlohmann::json measure_step(const nopal::Operator<float>& network, const FieldSize& field,
                            const Options& options, double resident_before,
                            const nopal::Communicator& comm) {
  const std::int64_t batch = options.integer("batch");
  const nopal::Slab mine = nopal::slab(batch, comm.rank(), comm.size());
  Step step(network, random_field(mine.count, field.points, field.in_channels, 1),
            random_field(mine.count, field.points, field.out_channels, 2), batch, comm);
  const Effort effort{options.number("seconds"), static_cast<int>(options.integer("rounds")), 0};
  for (int i = 0; i < 2; ++i)
    step();
  step.restart();
  const auto calls_before = nopal::memory_statistics().system_allocations;
  const Timing timing = measure([&] { step(); }, effort, comm);
  const nopal::MemoryStatistics tensors = nopal::memory_statistics();
  const ProcessMemory process = process_memory();
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

// Of one sample: the whole field on one rank, divided among the ranks if they are several.
nlohmann::json measure_inference(const nopal::Operator<float>& network, const FieldSize& field,
                                 const Options& options, const nopal::Communicator& comm) {
  const nopal::Grid grid(field.points, network.grid_rules(), comm);
  const Variable<float> x(random_field(1, grid.box().extents(), field.in_channels, 3));
  const auto infer = [&] {
    if (comm.size() == 1)
      network.forward(x);
    else
      network.forward(std::span(&x, 1), grid);
  };
  infer();
  infer();
  const auto calls_before = nopal::memory_statistics().system_allocations;
  const Effort effort{options.number("seconds"), static_cast<int>(options.integer("rounds")), 2};
  const Timing timing = measure(infer, effort, comm);
  return {
      {"name", "inference"},
      {"batch", 1},
      {"seconds", timing.to_json()},
      {"allocations_after_warm_up", nopal::memory_statistics().system_allocations - calls_before}};
}

// What the work of a call is, and which share of the machine's peaks the median call reaches.
void add_shares(nlohmann::json& result, const nopal::Cost& cost, const Peaks& peaks) {
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

}  // namespace

std::map<std::string, std::string> operator_options(std::map<std::string, std::string> own) {
  own.merge(std::map<std::string, std::string>{
      {"seconds", "3"}, {"rounds", "5"}, {"only", ""}, {"peaks", "1"}, {"json", ""}});
  return own;
}

void run_operator(const char* benchmark, const Options& options, const FieldSize& field,
                  const std::function<std::unique_ptr<nopal::Operator<float>>()>& make) {
  const nopal::Communicator comm = nopal::Communicator::world();
  const std::string only = options.text("only");
  NOPAL_CHECK(only.empty() || only == "step" || only == "inference",
              "option '-only' expects step or inference, got '", only, "'");
  const double resident_before = process_memory().resident;
  const auto network = make();
  nlohmann::json results = nlohmann::json::array();
  // The step comes first: its peak memory must not be that of something else.
  if (only != "inference")
    results.push_back(measure_step(*network, field, options, resident_before, comm));
  const bool divides = !network->grid_rules().empty();
  if (only != "step" && (comm.size() == 1 || divides))
    results.push_back(measure_inference(*network, field, options, comm));

  nlohmann::json report = {{"benchmark", benchmark},
                           {"environment", environment(comm)},
                           {"parameters", nopal::count(network->parameters())},
                           {"options", options.to_json()}};
  if (options.integer("peaks") != 0) {
    const Peaks peaks = measure_peaks({0.3, 5, 2}, std::size_t(1) << 29, comm);
    report["peaks"] = peaks.to_json();
    for (auto& result : results) {
      Shape shape{result["batch"].get<std::int64_t>()};
      for (const std::int64_t n : field.points)
        shape.push_back(n);
      shape.push_back(field.in_channels);
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
  write_json(options.text("json"), report);
}

}  // namespace benchmarks
