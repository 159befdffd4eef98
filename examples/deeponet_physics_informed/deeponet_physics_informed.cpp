// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// A deep operator network that learns from an equation instead of solutions
//
// Sample runs:  deeponet_physics_informed
//               mpiexec -n 2 deeponet_physics_informed -steps 2000
//               mpiexec -n 2 deeponet_physics_informed -samples 5000 -steps 30000 -batch 100
//
// Description:  Learns the map from the source u(x) to the solution s(x, t) of the
//               diffusion-reaction system
//
//                   s_t = D s_xx + k s^2 + u(x),   s = 0 at t = 0 and at x = 0 and 1,
//
//               twice with the same network: from computed solutions, and from the residual of the
//               equation at random points, for which no solution is needed. Conditions are built
//               in: the trunk is multiplied by t x (1 - x). Derivatives of the trunk's basis serve
//               all functions at once (DeepONet::derivatives). Beside them stand linear random
//               features, fitted to the same solutions, and the difference method on a coarse grid.
//               Takes some seconds; the last sample run is for accuracy and takes minutes (Wang,
//               Wang, Perdikaris, Sci. Adv. 7, 2021: 0.97 % with solutions, 0.53 % without). Writes
//               a picture and both models.

#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/operators/random_feature_operator.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/diffusion_reaction.hpp>
#include <nopal/train/point_losses.hpp>
#include <nopal/train/residual_loss.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace {

using nopal::Tensor;
using Data = nopal::FunctionData<float>;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

nopal::DeepONetOptions network(const std::string& branch_activation) {
  nopal::DeepONetOptions options;
  options.sensors = {101};
  options.dimension = 2;
  options.branch = {100, 100, 100};
  options.trunk = {100, 100, 100, 100};
  options.branch_activation = branch_activation;
  options.trunk_activation = "tanh";  // smooth: the equation has second derivatives
  options.bias = false;
  options.features.lower = {0, 0};
  options.features.upper = {1, 1};
  options.features.zero_lower = {0, 1};  // at x = 0 and t = 0
  options.features.zero_upper = {0};     // at x = 1
  return options;
}

// s_t - D s_xx - k s^2 - u at random sensors x, where u is known, and random times.
nopal::ResidualProblem<float> residual(const nopal::DiffusionReactionOptions& equation,
                                       const Tensor<float>& sources, std::int64_t points) {
  nopal::ResidualProblem<float> problem{{sources}, nopal::JetLayout({2, 1}), {}, {}};
  const std::int64_t m = equation.sensors;
  problem.points = [=](std::int64_t step) {
    const nopal::Random random(11, static_cast<std::uint64_t>(step));
    std::vector<float> x;
    for (std::int64_t p = 0; p < points; ++p) {
      const auto i = static_cast<std::uint64_t>(p);
      x.push_back(static_cast<float>(std::floor(random.uniform(2 * i) * double(m))) /
                  static_cast<float>(m - 1));
      x.push_back(static_cast<float>(equation.time * random.uniform(2 * i + 1)));
    }
    return Tensor<float>::from_host({points, 2}, x);
  };
  const std::vector<float> u = sources.to_vector();
  problem.residual = [=](const std::vector<std::int64_t>& samples, const Tensor<float>& at,
                         const std::vector<nopal::Variable<float>>& s) {
    const std::vector<float> x = at.to_vector();
    std::vector<float> source;
    for (const std::int64_t sample : samples)
      for (std::size_t p = 0; p < x.size(); p += 2) {
        const auto i = static_cast<std::int64_t>(x[p] * static_cast<float>(m - 1) + 0.5f);
        source.push_back(u[static_cast<std::size_t>(sample * m + i)]);
      }
    const auto f = Tensor<float>::from_host(s[0].shape(), source);
    // The order of the layout: s, s_x, s_xx, s_t.
    return nopal::linear_combination<float>({{1, s[3]},
                                             {-equation.diffusion, s[2]},
                                             {-equation.reaction, nopal::product(s[0], s[0])},
                                             {-1, f}});
  };
  return problem;
}

void run(const nopal::Communicator& comm) {
  // 1. Options.
  std::int64_t samples = 300, tests = 50, steps = 600, batch = 50, points = 200;
  double rate = 3e-3;
  std::string path = "deeponet_physics_informed", branch = "gelu";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("samples", "training sources", samples, 20);
    read.integer("tests", "test sources", tests, 1);
    read.integer("steps", "steps of the optimiser, of either network", steps, 1);
    read.integer("batch", "sources of a step", batch, 1);
    read.integer("points", "points of a step, random", points, 1);
    read.real("rate", "learning rate at first", rate);
    read.text("branch", "activation of the branch", branch);
    read.output("out", "models and picture to write, without ending", path, ".safetensors");
  };
  if (!nopal::read_program_options(comm, "deeponet_physics_informed", own_options)) return;

  // 2. Data: sources with their solutions on a grid of 101 x 101 points, for training, to choose
  //    the best step and to judge. Training without solutions sees the sources only.
  const nopal::DiffusionReactionOptions equation;
  nopal::DiffusionReaction problem(equation);
  const auto make = [&](std::uint64_t seed, std::int64_t count) {
    return problem.as_functions(
        *nopal::generate_in_memory<float>(problem, {count, seed, 0, 0}, comm));
  };
  const Data training = make(0, samples), validation = make(1, 20), test = make(2, tests);

  // 3. Both trainings: Adam, the rate falling as a cosine.
  nopal::StepOptions how;
  how.steps = steps;
  how.learning_rate = rate;
  how.schedule = "cosine";
  how.validation_interval = std::max<std::int64_t>(steps / 20, 1);
  struct Row {
    std::string name;
    double seconds, error;
    std::vector<float> first;  // solution of the first test source
  };
  std::vector<Row> rows;
  const auto train = [&](const std::string& name, const std::string& file, const auto& make_loss) {
    auto op = std::make_unique<nopal::DeepONet<float>>(network(branch), 0);
    const auto result = nopal::train_steps<float>(*op, make_loss(*op), how, comm, [&] {
      return nopal::mean_point_error(nopal::predict(*op, validation, comm), validation);
    });
    const Tensor<float> s = nopal::predict(*op, test, comm);
    rows.push_back(
        {name, result.seconds, nopal::mean_point_error(s, test), s.slice(0, 1).to_vector()});
    nopal::Model<float>(std::move(op)).save(path + "_" + file + ".safetensors", comm);
  };
  train("DeepONet, from solutions", "data", [&](const nopal::DeepONet<float>& op) {
    nopal::FunctionBatchOptions some;
    some.batch = batch;
    some.points = points;
    return nopal::function_loss<float>(op, training, some, comm);
  });
  train("DeepONet, from the equation", "equation", [&](const nopal::DeepONet<float>& op) {
    return nopal::residual_loss<float>(op, residual(equation, training.functions[0], points), batch,
                                       0, comm);
  });

  // 4. What they have to beat.
  if (comm.rank() == 0) {
    const auto start = std::chrono::steady_clock::now();
    nopal::RandomFeatureOptions linear;
    linear.sensors = equation.sensors;
    linear.points = test.points.extent(0);
    linear.dimension = 2;
    linear.features = "linear";
    linear.count = equation.sensors;
    linear.trunk_count = 0;
    linear.threshold = 1e-10;
    nopal::RandomFeatureOperator<double> fit(linear);
    fit.fit(nopal::cast<double>(training.functions[0]), nopal::cast<double>(training.values),
            nopal::cast<double>(training.points));
    const double seconds = seconds_since(start);
    const auto s = nopal::cast<float>(
        fit.forward(nopal::Variable<double>(nopal::cast<double>(test.functions[0]))).value());
    rows.push_back({"random features, linear", seconds, nopal::mean_point_error(s, test), {}});

    // Every fifth sensor and 10 steps, straight lines between them.
    const std::int64_t coarse = 5, frames = 10;
    const auto m = static_cast<std::size_t>(equation.sensors);
    const auto n = (m - 1) / static_cast<std::size_t>(coarse) + 1;
    const double k = equation.reaction;
    const nopal::ReactionDiffusion method{equation.diffusion, 1,
                                          [k](double v, double& value, double& slope) {
                                            value = k * v * v;
                                            slope = 2 * k * v;
                                          },
                                          false};
    const std::vector<float> u = test.functions[0].to_vector();
    std::vector<float> all;
    const auto begin = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < tests; ++i) {
      std::vector<double> source, zero(n);
      for (std::size_t j = 0; j < n; ++j)
        source.push_back(double(u[static_cast<std::size_t>(i) * m + j * std::size_t(coarse)]));
      const auto r = method.solve(zero, source, equation.time, frames, 1);
      for (std::size_t j = 0; j < m; ++j)
        for (std::int64_t t = 0; t <= equation.times; ++t) {
          const double x = double(j) / double(coarse),
                       y = double(t * frames) / double(equation.times);
          const auto a = std::min(static_cast<std::size_t>(x), n - 2);
          const auto b =
              std::min(static_cast<std::size_t>(y), static_cast<std::size_t>(frames - 1));
          const double fx = x - double(a), fy = y - double(b);
          const auto at = [&](std::size_t tt, std::size_t xx) { return r[tt * n + xx]; };
          all.push_back(static_cast<float>((1 - fy) * ((1 - fx) * at(b, a) + fx * at(b, a + 1)) +
                                           fy * ((1 - fx) * at(b + 1, a) + fx * at(b + 1, a + 1))));
        }
    }
    const double each = seconds_since(begin) / static_cast<double>(tests);
    rows.push_back(
        {"differences on 21 points, 10 steps",
         each,
         nopal::mean_point_error(Tensor<float>::from_host(test.values.shape(), all), test),
         {}});
  }
  if (comm.rank() > 0) return;

  // 5. The table.
  std::printf("diffusion-reaction: %ld sources, %ld steps\n", long(samples), long(steps));
  for (const Row& row : rows)
    std::printf("%-36s relative L2 error %6.2f%% in %.2g s\n", row.name.c_str(), 100 * row.error,
                row.seconds);
  std::printf(
      "(the last one a solution; the others training, after which a solution takes less)\n");

  // 6. A picture: the first test source's solution, and both errors. Time points up.
  const auto width = static_cast<int>(equation.times) + 1,
             height = static_cast<int>(equation.sensors);
  const std::vector<float> exact = test.values.slice(0, 1).to_vector();
  std::vector<nopal::Panel> panels;
  const auto panel = [&](const std::string& title, const std::vector<float>& values) {
    nopal::Panel p{title, width, height, {}, nopal::ColorMap::viridis, {}, {}};
    for (int t = 0; t < width; ++t)
      for (int x = 0; x < height; ++x)
        p.values.push_back(double(values[static_cast<std::size_t>(x * width + t)]));
    panels.push_back(p);
  };
  panel("s(x, t)", exact);
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<float> error = rows[i].first;
    for (std::size_t p = 0; p < error.size(); ++p)
      error[p] = std::abs(error[p] - exact[p]);
    panel("|error|, " + rows[i].name.substr(10), error);
  }
  nopal::draw_panels(panels, "diffusion-reaction").write_png(path + ".png");
  std::printf("picture: %s.png\n", path.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "deeponet_physics_informed: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
