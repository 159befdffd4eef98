// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// A flow in time, one frame predicted from the last: training through the roll-out
//
// Sample runs:  fno_rollout
//               mpiexec -n 2 fno_rollout
//               fno_rollout -resolution 64 -sequences 200 -epochs 30 -navier_stokes_viscosity 1e-4
//
// Description:  The flow of Li et al., ICLR 2021: vorticity on the unit torus, from random first
//               values, driven by a fixed force. A Fourier neural operator learns the step from one
//               frame to the next, first from pairs of frames; fed with its own frames it drifts
//               away. Then it goes on with roll-outs of some steps, whose gradient goes back
//               through all of them. The table has errors along new flows beside two classical
//               answers: the first frame as it is, and the spectral solver on the grid of the
//               network. Writes pictures of the frames, their energy spectra, and a series for
//               ParaView; takes about a minute.
//
// See also:     nopal train -model rollout, nopal predict -steps.

#include <nopal/core/runtime.hpp>
#include <nopal/data/frame_windows.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/io/vtk.hpp>
#include <nopal/operators/rollout.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/navier_stokes.hpp>
#include <nopal/train/trainer.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace {

using Tensor = nopal::Tensor<float>;
using Set = std::shared_ptr<const nopal::Dataset<float>>;

// Frame k of the channels of a sequence (1, n, n, K), as (1, n, n, 1).
Tensor frame_of(const Tensor& sequence, std::int64_t k) {
  const std::vector<float> all = sequence.to_vector();
  const auto frames = static_cast<std::size_t>(sequence.extent(-1));
  std::vector<float> one;
  for (auto i = static_cast<std::size_t>(k); i < all.size(); i += frames)
    one.push_back(all[i]);
  return Tensor::from_host(sequence.shape().with(-1, 1), one);
}

double relative_error(const Tensor& a, const Tensor& b) {
  const std::vector<float> x = a.to_vector(), y = b.to_vector();
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    difference += std::pow(x[i] - y[i], 2);
    size += std::pow(y[i], 2);
  }
  return std::sqrt(difference / size);
}

void run(const nopal::Communicator& comm) {
  // 1. Options, those of the flow among them.
  auto flow = nopal::NavierStokesOptions::read(comm);
  flow.recipe = "fno";
  if (flow.time == 0) flow.time = 15;
  if (flow.frames == 0) flow.frames = 15;
  std::int64_t n = 32, sequences = 24, epochs = 8, steps = 4;
  std::string path = "fno_rollout";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("resolution", "points an axis", n, 16);
    read.integer("sequences", "flows to train on", sequences, 4);
    read.integer("epochs", "passes over pairs of frames; half as many over roll-outs", epochs, 2);
    read.integer("steps", "of the roll-outs in training", steps, 2);
    read.output("out", "beginning of the names of pictures and series", path);
  };
  if (!nopal::read_program_options(comm, "fno_rollout", own_options)) return;
  NOPAL_CHECK(n % 2 == 0, "option -resolution: the spectral solver needs an even number, got ", n);

  // 2. Sequences of frames, solved on twice as many points an axis; cut into windows of one frame
  //    and those that follow.
  flow.resolution = n;
  flow.solve_refine = 2;
  nopal::NavierStokes problem(flow);
  const std::int64_t tests = 6;
  const auto make = [&](std::int64_t first, std::int64_t count) {
    return nopal::generate_in_memory<float>(problem, {count, 0, first, 10}, comm);
  };
  const Set training = make(0, sequences), validation = make(sequences, tests),
            test = make(sequences + tests, tests);
  const auto windows = [](const Set& set, std::int64_t length) {
    return std::make_shared<nopal::FrameWindows<float>>(
        set, nopal::FrameWindowOptions{.frames = 1, .steps = length});
  };
  const std::int64_t all = problem.options().frames - 1;  // after the first one

  // 3. A network for one step. It gives the change of the vorticity, which is small.
  const auto rollout_options = [](std::int64_t length) {
    return nopal::RolloutOptions::from_json({{"operator", "fno"},
                                             {"n_modes", {16, 16}},
                                             {"hidden_channels", 16},
                                             {"n_layers", 3},
                                             {"increment", true},
                                             {"steps", length}});
  };
  const auto fit = [&](nopal::Model<float>& model, std::int64_t length, std::int64_t passes,
                       double rate) {
    nopal::TrainOptions options;
    options.epochs = passes;
    options.batch = 10;
    options.learning_rate = rate;
    options.schedule = "cosine";
    nopal::train(model, {windows(training, length), windows(validation, length), {}}, options,
                 comm);
  };
  const auto [input, output] = nopal::fit_frames(*windows(training, 1), rollout_options(1), comm);
  nopal::Model<float> one_step(std::make_unique<nopal::Rollout<float>>(rollout_options(1)), input,
                               output);
  fit(one_step, 1, epochs, 4e-3);

  // 4. The same network goes on, with the gradient through several steps.
  nopal::Model<float> rolled = nopal::with_steps(one_step, steps);
  fit(rolled, steps, std::max<std::int64_t>(1, epochs / 2), 1e-3);

  // 5. Roll-outs along new flows, frame by frame; classical answers beside them.
  const char* names[] = {"first frame", "trained on one step", "trained on roll-outs",
                         "spectral solver, n points"};
  std::vector<std::vector<double>> errors(4, std::vector<double>(static_cast<std::size_t>(all)));
  std::vector<std::vector<Tensor>> shown(4);  // of the first test flow
  double seconds[4] = {};
  const auto whole = windows(test, all);
  for (std::int64_t s = 0; s < tests; ++s) {
    const Tensor x({1, n, n, 1}), y({1, n, n, all});
    whole->read(std::vector<std::int64_t>{s}, x, y);
    std::size_t kind = 0;
    const auto take = [&](std::int64_t k, const Tensor& w) {
      errors[kind][static_cast<std::size_t>(k - 1)] +=
          relative_error(w, frame_of(y, k - 1)) / static_cast<double>(tests);
      if (s == 0) shown[kind].push_back(w.clone());
    };
    for (std::int64_t k = 1; k <= all; ++k)
      take(k, x);
    for (const nopal::Model<float>* model : {&one_step, &rolled}) {
      ++kind;
      const double begin = MPI_Wtime();
      nopal::roll_out<float>(*model, x, all, take);
      seconds[kind] += (MPI_Wtime() - begin) / static_cast<double>(tests);
    }
    ++kind;
    nopal::VorticitySolver solver = problem.solver(n);
    const std::vector<float> first = x.to_vector();
    solver.set_vorticity(std::vector<double>(first.begin(), first.end()));
    solver.set_force(problem.force(0, static_cast<std::uint64_t>(sequences + tests + s), n));
    const double begin = MPI_Wtime();
    for (std::int64_t k = 1; k <= all; ++k) {
      solver.advance(problem.options().time * static_cast<double>(k) /
                     static_cast<double>(all + 1));
      const std::vector<double> w = solver.whole_vorticity();
      take(k, Tensor::from_host({1, n, n, 1}, std::vector<float>(w.begin(), w.end())));
    }
    seconds[kind] += (MPI_Wtime() - begin) / static_cast<double>(tests);
  }

  // 6. The table.
  if (comm.rank() > 0) return;
  std::printf("%ld flows of %ld frames on %ld x %ld points, %ld test flows\n%-28s", long(sequences),
              long(all + 1), long(n), long(n), long(tests), "relative L2 error, %, at step");
  const std::int64_t shown_steps[] = {1, steps, all / 2, all};
  for (const std::int64_t k : shown_steps)
    std::printf(" %7ld", long(k));
  std::printf(" %9s\n", "ms/flow");
  for (std::size_t kind = 0; kind < 4; ++kind) {
    std::printf("%-28s ", names[kind]);
    for (const std::int64_t k : shown_steps)
      std::printf(" %7.2f", 100 * errors[kind][static_cast<std::size_t>(k - 1)]);
    std::printf(" %9.1f\n", 1e3 * seconds[kind]);
  }

  // 7. Spectra of the last frame, pictures of all frames, and a series for ParaView.
  const Tensor x({1, n, n, 1}), y({1, n, n, all});
  whole->read(std::vector<std::int64_t>{0}, x, y);
  std::vector<nopal::Curve> curves;
  const auto spectrum = [&](const char* name, const Tensor& w, bool dashed) {
    nopal::VorticitySolver flow_of = problem.solver(n);
    const std::vector<float> numbers = w.to_vector();
    flow_of.set_vorticity(std::vector<double>(numbers.begin(), numbers.end()));
    nopal::Curve curve{name, {}, flow_of.energy_spectrum(), dashed};
    for (std::size_t k = 0; k < curve.y.size(); ++k)
      curve.x.push_back(static_cast<double>(k));
    curves.push_back(curve);
  };
  spectrum("reference", frame_of(y, all - 1), true);
  for (const std::size_t kind : {1, 2})
    spectrum(names[kind], shown[kind].back(), false);
  nopal::PlotOptions plot;
  plot.title = "Energy spectrum after the last step";
  plot.x_label = "wave number";
  plot.y_label = "energy";
  plot.log_y = true;
  nopal::draw_plot(curves, plot).write_png(path + "_spectrum.png");

  nopal::VtkSeries series(path + ".pvd");
  for (std::int64_t k = 0; k < all; ++k) {
    const auto i = static_cast<std::size_t>(k);
    const auto panel = [&](const char* title, const Tensor& w) {
      auto one = nopal::make_panel(title, w.reshape({n, n, 1}), nopal::ColorMap::diverging);
      one.low = -2.5, one.high = 2.5;
      return one;
    };
    char name[16];
    std::snprintf(name, sizeof name, "_%03d.png", static_cast<int>(k + 1));
    nopal::draw_panels({panel("reference", frame_of(y, k)), panel(names[1], shown[1][i]),
                        panel(names[2], shown[2][i])},
                       "Vorticity, step " + std::to_string(k + 1))
        .write_png(path + name);
    nopal::VtkImage image({n, n}, {1 / double(n), 1 / double(n)});
    image.add("reference", frame_of(y, k).reshape({n, n}));
    image.add("prediction", shown[2][i].reshape({n, n}));
    series.add(problem.options().time * static_cast<double>(k + 2) / static_cast<double>(all + 1),
               image);
  }
  std::printf("pictures: %s_spectrum.png, %s_001.png to _%03ld.png; series: %s.pvd\n", path.c_str(),
              path.c_str(), long(all), path.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  if (PetscInitialize(&argc, &argv, nullptr, nullptr) != PETSC_SUCCESS) return 1;
  int code = 0;
  try {
    run(nopal::Communicator::world());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fno_rollout: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
