// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// A multigrid cycle on the Laplacian with u = 0 on the boundary: what one apply and one set-up
// take, the share of the copy bandwidth, and by how much cycles reduce the error in the energy
// norm, for the smoothers that need no training and a trained model.

#include "benchmarks/support/report.hpp"

#include <nopal/core/random.hpp>
#include <nopal/multigrid/stencil_multigrid.hpp>
#include <nopal/operators/learned_multigrid.hpp>
#include <nopal/operators/model.hpp>

#include <cmath>
#include <cstdio>

namespace {

using nopal::Shape;
using nopal::StencilField;
using nopal::StencilMultigrid;
using nopal::Tensor;

StencilField<float> laplacian(const Shape& n) {
  const int d = n.rank();
  const std::int64_t points = n.size();
  StencilField<float> field{nopal::Grid(n), {{}}, {}, Tensor<float>::zeros({points})};
  field.values = Tensor<float>::zeros({1 + 2 * d, points});
  for (int a = 0; a < d; ++a)
    for (int side = 0; side < 2; ++side) {
      nopal::StencilOffset offset{};
      offset[static_cast<std::size_t>(a)] = 2 * side - 1;
      field.offsets.push_back(offset);
      for (std::int64_t i = 0; i < points; ++i) {
        const std::int64_t place = i / n.product(a + 1, d) % n[a];
        const bool inside = side ? place + 1 < n[a] : place > 0;
        field.values.data()[i] += 1;
        (inside ? field.values.data()[(1 + 2 * a + side) * points + i]
                : field.row_sums.data()[i]) += inside ? -1.F : 1.F;
      }
    }
  return field;
}

void multiply(const StencilField<float>& matrix, const std::vector<double>& x,
              std::vector<double>& y) {
  const Shape& n = matrix.grid.extents();
  const auto points = static_cast<std::int64_t>(x.size());
  std::fill(y.begin(), y.end(), 0.0);
  for (std::size_t k = 0; k < matrix.offsets.size(); ++k) {
    std::int64_t shift = 0;
    for (int a = 0; a < n.rank(); ++a)
      shift += matrix.offsets[k][static_cast<std::size_t>(a)] * n.product(a + 1, n.rank());
    const float* const values = matrix.values.data() + static_cast<std::int64_t>(k) * points;
    for (std::int64_t i = std::max<std::int64_t>(0, -shift); i < std::min(points, points - shift);
         ++i)
      y[static_cast<std::size_t>(i)] += double(values[i]) * x[static_cast<std::size_t>(i + shift)];
  }
}

// Mean over cycles 6 to 10 from a random error.
double convergence_factor(const StencilField<float>& matrix, const StencilMultigrid<float>& cycle) {
  std::vector<double> e(static_cast<std::size_t>(matrix.grid.extents().size())), r(e), z(e);
  const nopal::Random random(1);
  for (std::size_t i = 0; i < e.size(); ++i)
    e[i] = random.normal(i);
  const auto energy = [&] {
    multiply(matrix, e, r);
    double sum = 0;
    for (std::size_t i = 0; i < e.size(); ++i)
      sum += e[i] * r[i];
    return sum;
  };
  double before = 0;
  for (int k = 0; k < 10; ++k) {
    if (k == 5) before = energy();
    multiply(matrix, e, r);
    cycle.apply(r.data(), z.data());
    for (std::size_t i = 0; i < e.size(); ++i)
      e[i] -= z[i];
  }
  return std::pow(energy() / before, 0.1);
}

void run(const benchmarks::Options& options) {
  const benchmarks::Effort effort{options.number("seconds"), 5, 2};
  const auto d = static_cast<int>(options.integer("dimension"));
  Shape n;
  for (int a = 0; a < d; ++a)
    n.push_back(options.integer("points"));
  const double peak = benchmarks::copy_rate(std::size_t(1) << 28, effort);
  std::printf("copy peak %.1f GB/s\n%-12s %12s %12s %12s %10s %8s %8s\n", 1e-9 * peak, "smoother",
              "set-up ms", "apply ms", "counted MB", "GB/s", "of peak", "factor");
  const StencilField<float> matrix = laplacian(n);
  nlohmann::json results = nlohmann::json::array();
  const auto report = [&](const std::string& name, const nopal::SmootherNetwork<float>& network) {
    const auto set_up =
        benchmarks::measure([&] { const StencilMultigrid<float> made(matrix, network); }, effort);
    const StencilMultigrid<float> cycle(matrix, network);
    std::vector<double> b(static_cast<std::size_t>(n.size()), 1.0), x(b);
    const auto apply = benchmarks::measure([&] { cycle.apply(b.data(), x.data()); }, effort);
    const double bytes = cycle.cost().bytes + 16 * static_cast<double>(n.size());  // b and x
    const double factor = convergence_factor(matrix, cycle);
    std::printf("%-12s %12.1f %12.2f %12.1f %10.1f %7.0f%% %8.4f\n", name.c_str(),
                1e3 * set_up.median, 1e3 * apply.median, 1e-6 * bytes, 1e-9 * bytes / apply.median,
                100 * bytes / apply.median / peak, factor);
    results.push_back({{"smoother", name},
                       {"set_up", set_up.to_json()},
                       {"apply", apply.to_json()},
                       {"counted_bytes", bytes},
                       {"convergence_factor", factor}});
  };
  report("untrained", nopal::SmootherNetwork<float>::damped_jacobi(d));
  report("chebyshev", nopal::SmootherNetwork<float>::chebyshev(d));
  if (!options.text("model").empty()) {
    const auto model = nopal::Model<float>::load(options.text("model"));
    report("trained", dynamic_cast<const nopal::LearnedMultigrid<float>&>(model.op()).network());
  }
  benchmarks::write_json(options.text("json"), {{"environment", benchmarks::environment()},
                                                {"options", options.to_json()},
                                                {"copy_peak", peak},
                                                {"results", results}});
}

}  // namespace

int main(int argc, char** argv) {
  benchmarks::Options options(
      "One multigrid cycle on the Laplacian.",
      {{"dimension", "2"}, {"points", "1025"}, {"model", ""}, {"seconds", "1"}, {"json", ""}});
  return benchmarks::run_program(argc, argv, options, run);
}
