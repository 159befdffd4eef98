// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The halo exchange of a periodic grid over all ranks, and its adjoint, beside the same margins of
// the rank's box alone, without messages. Traffic is the field read, the field with margins
// written, and each sent byte read and written twice (packing, unpacking); its share is of the copy
// bandwidth of all ranks together.

#include "benchmarks/support/report.hpp"

#include <nopal/comm/exchange.hpp>
#include <nopal/core/random.hpp>

#include <cstdio>

namespace {

using nopal::Exchange;
using nopal::Grid;
using nopal::Shape;
using nopal::Tensor;

Shape repeated(std::int64_t value, std::int64_t times) {
  Shape shape;
  for (std::int64_t i = 0; i < times; ++i)
    shape.push_back(value);
  return shape;
}

void run(const benchmarks::Options& options) {
  const nopal::Communicator comm = nopal::Communicator::world();
  const benchmarks::Effort effort{options.number("seconds"), 5, 2};
  const std::int64_t d = options.integer("dimension"), batch = options.integer("batch");
  const std::int64_t channels = options.integer("channels");
  const Shape width = repeated(options.integer("width"), d);
  const std::vector<nopal::AxisRule> rules(d, nopal::BoundaryRule::periodic);

  const Grid grid(repeated(options.integer("points"), d), rules, comm);
  const double peak = benchmarks::copy_rate(std::size_t(1) << 28, effort, comm);
  if (comm.rank() == 0)
    std::printf("copy peak of %d ranks: %.1f GB/s\n%-16s %12s %12s %10s %8s\n", comm.size(),
                1e-9 * peak, "exchange", "us", "sent bytes", "GB/s", "of peak");
  nlohmann::json results = nlohmann::json::array();

  const auto report = [&](const char* name, const Exchange<float>& halo, bool adjoint) {
    const Tensor<float> x(halo.grid().box().field(batch, channels));
    const Tensor<float> y(halo.box().field(batch, channels));
    nopal::fill_normal(x, 0, 1, nopal::Random(1));
    nopal::fill_normal(y, 0, 1, nopal::Random(2));
    const auto time = benchmarks::measure(
        [&] {
          if (adjoint) {
            halo.start_adjoint(y);
            halo.finish_adjoint(y, x);
          } else {
            halo.start(x, y);
            halo.finish(y);
          }
          Kokkos::fence();
        },
        effort, comm);
    const double sent = comm.sum(static_cast<double>(halo.bytes_sent(batch, channels)));
    const double fields =
        comm.sum(static_cast<double>(sizeof(float)) * static_cast<double>(x.size() + y.size()));
    const double rate = (fields + 4 * sent) / time.median;
    results.push_back({{"name", name},
                       {"seconds", time.to_json()},
                       {"bytes_sent", sent},
                       {"bytes_per_second", rate},
                       {"share_of_peak", rate / peak}});
    if (comm.rank() == 0)
      std::printf("%-16s %12.1f %12.0f %10.2f %7.0f%%\n", name, 1e6 * time.median, sent,
                  1e-9 * rate, 100 * rate / peak);
  };
  const auto halo = nopal::halo_exchange<float>(grid, width, width);
  const auto alone = nopal::halo_exchange<float>(Grid(grid.box().extents(), rules), width, width);
  report("without messages", alone, false);
  report("halo", halo, false);
  report("adjoint", halo, true);
  if (comm.rank() == 0)
    benchmarks::write_json(options.text("json"), {{"benchmark", "exchange"},
                                                  {"environment", benchmarks::environment(comm)},
                                                  {"options", options.to_json()},
                                                  {"copy", peak},
                                                  {"results", results}});
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options("Measures halo exchanges between the ranks of mpirun.",
                              {{"dimension", "2"},
                               {"points", "256"},
                               {"channels", "24"},
                               {"batch", "8"},
                               {"width", "1"},
                               {"seconds", "0.5"},
                               {"json", ""}});
  return benchmarks::run_program(argc, argv, options, run);
}
