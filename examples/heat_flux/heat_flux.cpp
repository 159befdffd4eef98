// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Heat flux through a surface: losses that know derivatives
//
// Sample runs:  heat_flux
//               mpiexec -n 2 heat_flux -steps 6000 -points 160
//
// Description:  Temperature around 60 ellipses, 48 to train and 12 to test, as functions of the
// half
//               axes, the direction of the gradient far away, and the point. What an engineer wants
//               is the flux -dT/dn through the surface, a derivative of what a network learns. The
//               same Fusion-DeepONet is trained with mean squares of T alone and with three losses
//               that compare derivatives, too: by consecutive differences, by least squares on
//               neighbours (both need only T in the data), and by tangents of the network against
//               exact gradients. Peyvan, Kumar, Karniadakis, arXiv 2501.01934. The solution is
//               known exactly, and so are all errors. Draws the flux along one surface.

#include <nopal/core/runtime.hpp>
#include <nopal/data/channel_statistics.hpp>
#include <nopal/io/figure.hpp>
#include <nopal/operators/fusion_deeponet.hpp>
#include <nopal/solvers/generate.hpp>
#include <nopal/solvers/options.hpp>
#include <nopal/solvers/problems/ellipse_conduction.hpp>
#include <nopal/train/derivative_loss.hpp>

#include <cmath>
#include <cstdio>

namespace {

using nopal::EllipseConduction;
using nopal::Tensor;
using Data = nopal::FunctionData<float>;

// Flux -dT/dn at points of the surfaces of test shapes, all of them one after the other.
std::vector<double> fluxes(const nopal::FusionDeepONet<float>& op, const Data& test,
                           const std::vector<EllipseConduction::Surface>& surfaces) {
  std::vector<float> points;
  std::vector<std::int64_t> offsets{0};
  for (const auto& surface : surfaces) {
    for (const double x : surface.points.to_vector())
      points.push_back(static_cast<float>(x));
    offsets.push_back(static_cast<std::int64_t>(points.size()) / 2);
  }
  const nopal::Variable<float> shapes(test.functions[0]);
  const auto jet = op.derivatives_rows(std::span(&shapes, 1),
                                       Tensor<float>::from_host({offsets.back(), 2}, points),
                                       offsets, nopal::JetLayout({1, 1}));
  const auto x = jet[1].value().to_vector(), y = jet[2].value().to_vector();
  std::vector<double> result;
  for (const auto& surface : surfaces)
    for (std::int64_t k = 0; k < surface.lengths.size(); ++k) {
      const double* normal = surface.normals.data() + 2 * k;
      const std::size_t i = result.size();
      result.push_back(-(double(x[i]) * normal[0] + double(y[i]) * normal[1]));
    }
  return result;
}

void run(const nopal::Communicator& comm) {
  // 1. Options, those of the problem among them.
  const auto conduction = nopal::EllipseConductionOptions::read(comm);
  std::int64_t steps = 800, points = 80, seed = 0;
  double weight = 1;
  std::string path = "heat_flux";
  const auto own_options = [&](nopal::PetscOptionReader& read) {
    read.integer("steps", "steps of the optimiser", steps, 10);
    read.integer("points", "random points of each shape in a step", points, 20);
    read.integer("seed", "of the weights", seed, 0);
    read.real("weight", "of the derivatives", weight);
    read.output("out", "picture to write, without ending", path, ".png");
  };
  if (!nopal::read_program_options(comm, "heat_flux", own_options)) return;

  // 2. All 60 shapes; 12 of them, chosen by chance, are for the test.
  EllipseConduction problem(conduction);
  const Data all = problem.as_functions(
      *nopal::generate_in_memory<float>(problem, {EllipseConduction::designs, 0, 0, 2}, comm));
  const auto order = nopal::Random(1).permutation(EllipseConduction::designs);
  const std::vector<std::int64_t> known(order.begin() + 12, order.end()),
      rest(order.begin(), order.begin() + 12);
  const Data training = nopal::select_samples(all, known), test = nopal::select_samples(all, rest);
  std::vector<EllipseConduction::Surface> surfaces;
  std::vector<double> exact;  // fluxes
  for (const std::int64_t index : rest) {
    surfaces.push_back(EllipseConduction::surface(
        EllipseConduction::design(static_cast<std::uint64_t>(index)), 200));
    const auto& s = surfaces.back();
    for (std::int64_t k = 0; k < s.lengths.size(); ++k)
      exact.push_back(-(s.gradients.data()[2 * k] * s.normals.data()[2 * k] +
                        s.gradients.data()[2 * k + 1] * s.normals.data()[2 * k + 1]));
  }

  // 3. The network, scaled by the training shapes: 25,448 numbers.
  const auto range = nopal::channel_ranges(training.values),
             box = nopal::channel_ranges(training.points),
             shapes = nopal::channel_ranges(training.functions[0]);
  nopal::FusionDeepONetOptions options;
  options.parameters = 3;
  options.out_channels = 1;
  options.parameter_lower = shapes.low;
  options.parameter_upper = shapes.high;
  options.features.lower = box.low;
  options.features.upper = box.high;
  options.output_scale = range.width;
  options.output_shift = range.low;

  // 4. Four losses, one after the other.
  nopal::FunctionBatchOptions batch;
  batch.points = points;
  batch.variable_weights = {1 / (range.width[0] * range.width[0])};
  const Tensor<float> gradients = problem.gradients<float>(known);
  struct Loss {
    const char *name, *kind;  // of the derivatives
  };
  const Loss losses[] = {{"T alone", ""},
                         {"and consecutive differences", "differences"},
                         {"and least squares on 8 neighbours", "least_squares"},
                         {"and tangents, exact gradients", "tangents"}};
  struct Row {
    const char* name;
    double temperature, flux, total, seconds;
  };
  std::vector<Row> rows;
  std::vector<nopal::Curve> curves;
  const auto curve = [&](const char* name, const std::vector<double>& flux, bool dashed) {
    nopal::Curve one{name, {}, {}, dashed};
    for (std::size_t k = 0; k < 200; ++k) {
      one.x.push_back(360 * (static_cast<double>(k) + 0.5) / 200);
      one.y.push_back(flux[k]);
    }
    curves.push_back(one);
  };
  curve("exact", exact, true);
  for (const Loss& loss : losses) {
    nopal::FusionDeepONet<float> op(options, static_cast<std::uint64_t>(seed));
    nopal::DerivativeLossOptions derivatives;
    derivatives.kind = loss.kind;
    derivatives.weight = weight;
    derivatives.neighbours = 8;
    nopal::StepOptions how;
    how.steps = steps;
    how.learning_rate = 2e-3;
    how.schedule = "cosine";
    const bool plain = derivatives.kind.empty();
    const auto result = nopal::train_steps<float>(
        op,
        plain ? nopal::function_loss<float>(op, training, batch, comm)
              : nopal::derivative_enhanced_loss<float>(
                    op, training, batch, derivatives, comm,
                    derivatives.kind == "tangents" ? gradients : Tensor<float>()),
        how, comm);

    // 5. Errors of the temperature, of the flux at points of the surfaces, and of the total flux,
    //    the mean over the test shapes.
    const auto flux = fluxes(op, test, surfaces);
    const double temperature =
        nopal::channel_errors(nopal::predict(op, test, comm, 1), test.values)[0];
    double difference = 0, size = 0, total = 0;
    for (std::size_t s = 0; s < surfaces.size(); ++s) {
      double wrong = 0, right = 0;
      for (std::size_t k = 0; k < 200; ++k) {
        const double length = surfaces[s].lengths.data()[k], e = exact[200 * s + k],
                     error = flux[200 * s + k] - e;
        difference += length * error * error;
        size += length * e * e;
        wrong += length * error;
        right += length * e;
      }
      total += std::abs(wrong / right) / static_cast<double>(surfaces.size());
    }
    rows.push_back({loss.name, temperature, std::sqrt(difference / size), total,
                    result.seconds / static_cast<double>(steps)});
    if (plain || derivatives.kind == "least_squares") curve(loss.name, flux, false);
  }

  // 6. The table, and the flux along the first of the test shapes.
  if (comm.rank() > 0) return;
  std::printf("%ld training and %ld test shapes, %ld steps\n%-36s %9s %9s %12s %10s\n",
              long(training.size()), long(test.size()), long(steps), "relative L2 error, %", "T",
              "flux", "total flux", "ms a step");
  for (const Row& row : rows)
    std::printf("%-36s %9.3f %9.2f %12.2f %10.1f\n", row.name, 100 * row.temperature,
                100 * row.flux, 100 * row.total, 1e3 * row.seconds);
  nopal::PlotOptions plot;
  plot.title = "Heat flux through an ellipse that was not trained on";
  plot.x_label = "angle, degrees";
  plot.y_label = "flux";
  nopal::draw_plot(curves, plot).write_png(path + ".png");
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
    std::fprintf(stderr, "heat_flux: %s\n", error.what());
    code = 1;
  }
  return PetscFinalize() == PETSC_SUCCESS ? code : 1;
}
