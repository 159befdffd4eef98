// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/direction/direction_training.hpp>

#include <nopal/core/random.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/solvers/bridge/differentiable.hpp>
#include <nopal/solvers/bridge/vec.hpp>
#include <nopal/solvers/direction/dcdm.hpp>
#include <nopal/solvers/direction/direction_map.hpp>
#include <nopal/train/direction_loss.hpp>
#include <nopal/train/step_training.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numbers>

namespace nopal {
namespace {

// Rows with neighbours: 1, obstacles: 0.
std::vector<float> mask_of(const LinearSystem& system) {
  PetscInt first = 0, end = 0;
  NOPAL_PETSC(MatGetOwnershipRange(system.matrix, &first, &end));
  std::vector<float> mask;
  for (PetscInt row = first; row < end; ++row) {
    PetscInt count = 0;
    NOPAL_PETSC(MatGetRow(system.matrix, row, &count, nullptr, nullptr));
    mask.push_back(count > 1 ? 1.F : 0.F);
    NOPAL_PETSC(MatRestoreRow(system.matrix, row, &count, nullptr, nullptr));
  }
  return mask;
}

// Noise on blocks of 2^k points, two k: some smooth, some rough, as residuals are.
void set_right_side(Vec b, const Shape& extents, const std::vector<float>& mask, std::uint64_t seed,
                    std::uint64_t index, MatNullSpace space) {
  const Random random(seed, 99 + index);
  std::int64_t levels = 0;
  while ((std::int64_t(2) << levels) < extents[0])
    ++levels;
  PetscScalar* values = nullptr;
  NOPAL_PETSC(VecGetArrayWrite(b, &values));
  std::fill(values, values + extents.size(), PetscScalar(0));
  for (std::uint64_t part = 0; part < 2; ++part) {
    const auto shift =
        std::min(static_cast<std::int64_t>(random.uniform(part) * double(levels)), levels - 1);
    const double size = std::pow(10, 2 * random.uniform(2 + part) - 2);
    const Random noise(seed, 1000003 * (index + 1) + part);
    for (std::int64_t i = 0; i < extents.size(); ++i) {
      std::int64_t rest = i, block = 0;
      for (int a = extents.rank() - 1; a >= 0; --a) {
        block = block * 4096 + ((rest % extents[a]) >> shift);
        rest /= extents[a];
      }
      if (mask[static_cast<std::size_t>(i)] != 0)
        values[i] += size * noise.normal(static_cast<std::uint64_t>(block));
    }
  }
  NOPAL_PETSC(VecRestoreArrayWrite(b, &values));
  if (space) NOPAL_PETSC(MatNullSpaceRemove(space, b));
}

Shape extents_of(const LinearSystem& system) {
  const Shape field = global_shape(system.dm);
  Shape extents;
  for (int a = 0; a + 1 < field.rank(); ++a)
    extents.push_back(field[a]);
  return extents;
}

void solve_exactly(const LinearSystem& system, Vec b, Vec x) {
  OwnedKSP ksp;
  NOPAL_PETSC(KSPCreate(PETSC_COMM_SELF, ksp.receive()));
  NOPAL_PETSC(KSPSetOperators(ksp, system.matrix, system.matrix));
  NOPAL_PETSC(KSPSetType(ksp, KSPCG));
  PC pc = nullptr;
  NOPAL_PETSC(KSPGetPC(ksp, &pc));
  NOPAL_PETSC(PCSetType(pc, PCJACOBI));
  NOPAL_PETSC(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  NOPAL_PETSC(KSPSetTolerances(ksp, 1e-10, NOPAL_PETSC_KEEP, NOPAL_PETSC_KEEP, 20000));
  NOPAL_PETSC(KSPSolve(ksp, b, x));
  KSPConvergedReason reason = KSP_CONVERGED_ITERATING;
  NOPAL_PETSC(KSPGetConvergedReason(ksp, &reason));
  NOPAL_CHECK(reason > 0, "a training matrix could not be solved with: KSP reason ", int(reason));
}

// Solves of one system, with directions of the network or steepest descent made conjugate (CG).
class Solves {
 public:
  Solves(const LinearSystem& system, const DirectionNet<float>* net)
      : system_(system), extents_(extents_of(system)), mask_(mask_of(system)) {
    NOPAL_PETSC(MatGetNullSpace(system.matrix, &space_));
    NOPAL_PETSC(MatCreateVecs(system.matrix, x_.receive(), b_.receive()));
    NOPAL_PETSC(VecDuplicate(x_, exact_.receive()));
    if (net) map_ = std::make_unique<DirectionMap<float>>(*net, Grid(extents_), system.matrix);
  }
  const Shape& extents() const { return extents_; }

  DcdmResult run(std::uint64_t seed, std::uint64_t index, int limit, double tolerance,
                 const std::function<void(const PetscScalar* r, double energy)>& record = {}) {
    set_right_side(b_, extents_, mask_, seed, index, space_);
    NOPAL_PETSC(VecSet(x_, 0));
    DcdmOptions options{tolerance, limit, {}};
    if (record) {
      solve_exactly(system_, b_, exact_);
      options.observer = [&](Vec x, Vec r) {
        PetscScalar rx = 0, re = 0;
        NOPAL_PETSC(VecDot(r, x, &rx));
        NOPAL_PETSC(VecDot(r, exact_, &re));
        const PetscScalar* values = nullptr;
        NOPAL_PETSC(VecGetArrayRead(r, &values));
        record(values, PetscRealPart(re - rx));
        NOPAL_PETSC(VecRestoreArrayRead(r, &values));
      };
    }
    return dcdm(
        system_.matrix, b_, x_,
        [&](Vec r, Vec q) {
          if (map_)
            map_->apply(r, q);
          else
            NOPAL_PETSC(VecCopy(r, q));
        },
        options);
  }

 private:
  const LinearSystem& system_;
  Shape extents_;
  std::vector<float> mask_;
  MatNullSpace space_ = nullptr;
  OwnedVec x_, b_, exact_;
  std::unique_ptr<DirectionMap<float>> map_;
};

// Mean factor of the residual an iteration, in solves to 1e-6 with right-hand sides of other seeds.
double convergence_rate(const std::vector<LinearSystem>& systems, const DirectionNet<float>& net,
                        std::uint64_t seed, const Communicator& comm) {
  double sum = 0;
  comm.together([&] {
    for (std::size_t i = 0; i < systems.size(); ++i) {
      if (static_cast<int>(i) % comm.size() != comm.rank()) continue;
      const DcdmResult run = Solves(systems[i], &net).run(seed + 77, i, 60, 1e-6);
      sum += std::log(run.residuals.back() / run.residuals.front()) / run.iterations;
    }
  });
  return std::exp(comm.sum(sum) / static_cast<double>(systems.size()));
}

// A batch of the samples, as the network takes it.
struct Batch {
  Tensor<float> input, mask, b;  // (B, ..., 1 or 2), (B, ..., 1), (B, ..., 1)
  std::vector<double> energy;
  std::vector<std::int64_t> system;
};

Batch make_batch(const DirectionNetOptions& net, const DirectionSamples& samples,
                 const std::vector<std::vector<float>>& masks, const std::vector<double>& unknowns,
                 const std::vector<std::int64_t>& which) {
  const auto count = static_cast<std::int64_t>(which.size());
  const Shape one = samples.b.shape().with(0, count);
  const std::int64_t points = one.product(1, one.rank());
  Batch batch{Tensor<float>(one.with(-1, net.mask ? 2 : 1)),
              Tensor<float>(one),
              Tensor<float>(one),
              {},
              {}};
  // On the host: a copy beside the work of a step.
  std::vector<float> input, mask, b(static_cast<std::size_t>(count * points));
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t i = which[static_cast<std::size_t>(k)];
    const auto system = static_cast<std::size_t>(samples.system[static_cast<std::size_t>(i)]);
    samples.b.slice(i, 1).copy_to_host(b.data() + k * points);
    const auto size =
        static_cast<float>(net.input_scale == "rms" ? std::sqrt(unknowns[system]) : 1.0);
    for (std::int64_t p = 0; p < points; ++p) {
      const float m = masks[system][static_cast<std::size_t>(p)];
      input.push_back(size * b[static_cast<std::size_t>(k * points + p)]);
      if (net.mask) input.push_back(m);
      mask.push_back(m);
    }
    batch.energy.push_back(samples.energy[static_cast<std::size_t>(i)]);
    batch.system.push_back(samples.system[static_cast<std::size_t>(i)]);
  }
  batch.input.copy_from_host(input.data());
  batch.mask.copy_from_host(mask.data());
  batch.b.copy_from_host(b.data());
  return batch;
}

// A q of each sample with its own matrix: a differentiable block matrix.
Variable<float> multiply_each(const std::vector<LinearSystem>& systems,
                              const std::vector<std::int64_t>& which, const Variable<float>& q) {
  const Tensor<float> y(q.shape());
  const auto apply = [&systems, which](const Tensor<float>& x, const Tensor<float>& result) {
    for (std::size_t k = 0; k < which.size(); ++k) {
      const auto i = static_cast<std::int64_t>(k);
      const Variable<float> one(x.slice(i, 1));
      const Tensor<float> ax =
          multiply(systems[static_cast<std::size_t>(which[k])].matrix, one).value();
      result.slice(i, 1).copy_from(ax);
    }
  };
  apply(q.value(), y);
  if (!needs_record(q)) return y;
  return record<float>(y, [q, apply](const Tensor<float>& dy) {
    const Tensor<float> dx(q.shape());
    apply(dy, dx);  // symmetric
    q.accumulate(dx);
  });
}

std::vector<LinearSystem> make_systems(LinearSystemOptions o, std::int64_t count,
                                       std::uint64_t seed) {
  std::vector<LinearSystem> systems;
  const std::int64_t obstacles = o.obstacles;
  for (std::int64_t i = 0; i < count; ++i) {
    o.obstacles = i % 4 == 0 ? 0 : 1 + (obstacles > 0 ? i % obstacles : 0);
    if (obstacles == 0) o.obstacles = 0;
    o.seed = seed + static_cast<std::uint64_t>(i);
    systems.push_back(make_linear_system(o, Communicator()));
    if (i == 0 && obstacles == 0) break;  // all alike
  }
  return systems;
}

}  // namespace

LinearSystemOptions DirectionTrainOptions::pressure() {
  LinearSystemOptions o;
  o.name = "pressure";
  o.dimension = 3;
  o.points = 32;
  o.obstacles = 4;
  return o;
}

DirectionSamples record_residuals(const std::vector<LinearSystem>& systems,
                                  const DirectionNet<float>* net, std::int64_t count,
                                  std::int64_t depth, std::uint64_t seed,
                                  const Communicator& comm) {
  const Shape extents = extents_of(systems.front());
  const std::int64_t points = extents.size();
  const auto solves = static_cast<std::int64_t>(systems.size()) * count, each = depth + 1;
  Shape shape{solves * each};
  for (int a = 0; a < extents.rank(); ++a)
    shape.push_back(extents[a]);
  shape.push_back(1);
  DirectionSamples samples{Tensor<float>::zeros(shape), {}, {}};
  Tensor<double> energy = Tensor<double>::zeros({solves * each});
  comm.together([&] {
    for (std::int64_t s = 0; s < solves; ++s) {
      if (s % comm.size() != comm.rank()) continue;
      Solves one(systems[static_cast<std::size_t>(s / count)], net);
      std::int64_t at = s * each;
      std::vector<float> unit(static_cast<std::size_t>(points));
      one.run(seed, static_cast<std::uint64_t>(s), static_cast<int>(depth), 1e-7,
              [&](const PetscScalar* r, double e) {
                double square = 0;
                for (std::int64_t i = 0; i < points; ++i)
                  square += PetscRealPart(r[i]) * PetscRealPart(r[i]);
                for (std::int64_t i = 0; i < points; ++i)
                  unit[static_cast<std::size_t>(i)] =
                      static_cast<float>(PetscRealPart(r[i]) / std::sqrt(square));
                samples.b.slice(at, 1).copy_from_host(unit.data());
                energy.data()[at++] = e / square;
              });
    }
  });
  comm.sum(samples.b);
  comm.sum(energy);
  // Solves that ended early leave gaps.
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < solves * each; ++i) {
    if (!(energy.data()[i] > 0)) continue;
    if (kept < i) samples.b.slice(kept, 1).copy_from(samples.b.slice(i, 1));
    ++kept;
    samples.energy.push_back(energy.data()[i]);
    samples.system.push_back(i / each / count);
  }
  samples.b = samples.b.slice(0, kept);
  return samples;
}

DirectionTrainResult train_direction(DirectionNet<float>& net, const DirectionTrainOptions& o,
                                     const Communicator& comm) {
  NOPAL_CHECK(o.matrices >= 1 && o.right_sides >= 1 && o.depth >= 1 && o.rounds >= 1 &&
                  o.steps >= o.rounds && o.batch >= 1 && o.validation >= 1,
              "training of a direction network: all numbers must be at least 1, and steps at least "
              "the rounds, got ",
              o.steps, " steps in ", o.rounds, " rounds");
  NOPAL_CHECK(o.loss == "energy" || o.loss == "residual",
              "training of a direction network: the loss must be energy or residual, got '", o.loss,
              "'");
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const std::vector<LinearSystem> others = make_systems(o.system, o.validation, o.seed + 1000001);
  DirectionTrainResult result;
  result.history.columns = {"round", "step", "loss", "rate", "seconds"};
  result.rate = 2;
  std::vector<Tensor<float>> best;
  std::int64_t done = 0;
  for (std::int64_t round = 0; round < o.rounds; ++round) {
    // Other obstacles each round: of a few, a network learns the places.
    const std::vector<LinearSystem> systems = make_systems(
        o.system, o.matrices, o.seed + 1 + static_cast<std::uint64_t>(round * o.matrices));
    std::vector<std::vector<float>> masks;
    std::vector<double> unknowns;
    for (const LinearSystem& system : systems) {
      masks.push_back(mask_of(system));
      unknowns.push_back(
          static_cast<double>(std::count(masks.back().begin(), masks.back().end(), 1.F)));
    }
    DirectionSamples samples =
        record_residuals(systems, round == 0 ? nullptr : &net, o.right_sides, o.depth,
                         o.seed + 31 * static_cast<std::uint64_t>(round + 1), comm);
    const std::int64_t size = samples.b.extent(0);
    NOPAL_CHECK(size >= o.batch, "training of a direction network: a batch of ", o.batch,
                " needs as many samples, but only ", size,
                " residuals were recorded: more matrices, right-hand sides or depth, or a smaller "
                "batch");
    const std::int64_t steps = o.steps * (round + 1) / o.rounds - done;
    const StepLoss<float> loss = [&](std::int64_t step) -> Variable<float> {
      const Random random(o.seed + 5, static_cast<std::uint64_t>(done + step));
      const Slab mine = slab(o.batch, comm.rank(), comm.size());
      std::vector<std::int64_t> which;
      for (std::int64_t k = mine.first; k < mine.first + mine.count; ++k)
        which.push_back(std::min<std::int64_t>(
            static_cast<std::int64_t>(random.uniform(static_cast<std::uint64_t>(k)) * double(size)),
            size - 1));
      if (which.empty()) return Tensor<float>::zeros({1});
      const Batch batch = make_batch(net.options(), samples, masks, unknowns, which);
      const Variable<float> input(batch.input);
      const Variable<float> q =
          product(net.forward(std::span(&input, 1)), Variable<float>(batch.mask));
      const Variable<float> aq = multiply_each(systems, batch.system, q);
      const double weight = 1 / static_cast<double>(o.batch);
      return o.loss == "energy" ? direction_energy_loss(q, aq, batch.b, batch.energy, weight)
                                : direction_loss(q, aq, batch.b, weight);
    };
    StepOptions training;
    training.steps = steps;
    training.learning_rate = o.learning_rate * 0.5 *
                             (1 + std::cos(std::numbers::pi * static_cast<double>(round) /
                                           static_cast<double>(o.rounds)));
    training.validation_interval = steps;
    training.progress_seconds = 20;
    if (o.progress)
      training.progress = [&](const std::string& line) {
        o.progress("round " + std::to_string(round + 1) + "/" + std::to_string(o.rounds) + "  " +
                   line);
      };
    double mean = 0;
    std::int64_t counted = 0;
    const StepLoss<float> averaged = [&](std::int64_t step) {
      const Variable<float> share = loss(step);
      if (step >= steps / 2) mean += static_cast<double>(share.value().item()), ++counted;
      return share;
    };
    train_steps<float>(net, averaged, training, comm);
    done += steps;
    const double rate = convergence_rate(others, net, o.seed, comm);
    mean = comm.sum(mean / static_cast<double>(std::max<std::int64_t>(counted, 1)));
    result.history.rows.push_back(
        {static_cast<double>(round + 1), static_cast<double>(done), mean, rate, seconds()});
    if (o.progress && comm.rank() == 0) {
      char line[160];
      std::snprintf(line, sizeof line, "round %lld: loss %.4f, %.3f an iteration, %.0f s",
                    static_cast<long long>(round + 1), mean, rate, seconds());
      o.progress(line);
    }
    if (rate < result.rate) {
      result.rate = rate;
      best.clear();
      for (const Parameter<float>* p : net.parameters())
        best.push_back(p->value().clone());
    }
    if (o.minutes > 0 && comm.max(seconds()) > 60 * o.minutes) break;
  }
  for (std::size_t i = 0; i < best.size(); ++i)
    net.parameters()[i]->value().copy_from(best[i]);
  result.seconds = seconds();
  return result;
}

}  // namespace nopal
