// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/direction/direction_training.hpp>

#include <nopal/core/random.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/solvers/bridge/differentiable.hpp>
#include <nopal/solvers/bridge/vec.hpp>
#include <nopal/solvers/direction/dcdm.hpp>
#include <nopal/solvers/direction/direction_map.hpp>
#include <nopal/solvers/direction/lanczos.hpp>
#include <nopal/train/direction_loss.hpp>
#include <nopal/train/step_training.hpp>

#include <algorithm>
#include <cmath>
#include <memory>

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
  Solves(const LinearSystem& system, const DirectionNet<float>* net, std::int64_t ritz_vectors = 0)
      : system_(system), extents_(extents_of(system)), mask_(mask_of(system)) {
    NOPAL_PETSC(MatGetNullSpace(system.matrix, &space_));
    NOPAL_PETSC(MatCreateVecs(system.matrix, x_.receive(), b_.receive()));
    NOPAL_PETSC(VecDuplicate(x_, exact_.receive()));
    if (ritz_vectors > 0) ritz_ = std::make_unique<RitzSpace>(system.matrix, ritz_vectors);
    if (net) map_ = std::make_unique<DirectionMap<float>>(*net, Grid(extents_), system.matrix);
  }
  const Shape& extents() const { return extents_; }

  DcdmResult run(std::uint64_t seed, std::uint64_t index, int limit, double tolerance,
                 const std::function<void(const PetscScalar* r, double energy)>& record = {}) {
    if (ritz_) {
      ritz_->sample(seed, index, b_);
      PetscScalar* values = nullptr;
      NOPAL_PETSC(VecGetArray(b_, &values));
      for (std::size_t i = 0; i < mask_.size(); ++i)
        values[i] *= mask_[i];
      NOPAL_PETSC(VecRestoreArray(b_, &values));
    } else {
      set_right_side(b_, extents_, mask_, seed, index, space_);
    }
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
  std::unique_ptr<RitzSpace> ritz_;
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

// A matrix of the training.
struct TrainingSystem {
  LinearSystem system;
  std::vector<float> mask;
  double unknowns = 0;
};

// The residuals that steps draw from, the latest `capacity` of them.
class Pool {
 public:
  explicit Pool(std::int64_t capacity) : capacity_(capacity) {}

  std::int64_t size() const { return static_cast<std::int64_t>(energy_.size()); }

  void add(const DirectionSamples& samples,
           const std::vector<std::shared_ptr<const TrainingSystem>>& systems) {
    if (!b_.defined()) b_ = Tensor<float>(samples.b.shape().with(0, capacity_));
    for (std::int64_t i = 0; i < samples.b.extent(0); ++i) {
      const auto k = static_cast<std::size_t>(i);
      const auto& system = systems[static_cast<std::size_t>(samples.system[k])];
      b_.slice(next_, 1).copy_from(samples.b.slice(i, 1));
      if (size() < capacity_) {
        energy_.push_back(samples.energy[k]);
        system_.push_back(system);
      } else {
        energy_[static_cast<std::size_t>(next_)] = samples.energy[k];
        system_[static_cast<std::size_t>(next_)] = system;
      }
      next_ = (next_ + 1) % capacity_;
    }
  }

  struct Batch {
    Tensor<float> input, mask, b;  // (B, ..., 1 or 2), (B, ..., 1), (B, ..., 1)
    std::vector<double> energy;
    std::vector<std::shared_ptr<const TrainingSystem>> system;
  };

  Batch batch(const DirectionNetOptions& net, const std::vector<std::int64_t>& which) const {
    const auto count = static_cast<std::int64_t>(which.size());
    const Shape one = b_.shape().with(0, count);
    const std::int64_t points = one.product(1, one.rank());
    Batch batch{Tensor<float>(one.with(-1, net.mask ? 2 : 1)),
                Tensor<float>(one),
                Tensor<float>(one),
                {},
                {}};
    // On the host: little beside the work of a step.
    std::vector<float> input, mask, b(static_cast<std::size_t>(count * points));
    for (std::int64_t k = 0; k < count; ++k) {
      const std::int64_t i = which[static_cast<std::size_t>(k)];
      const auto& system = system_[static_cast<std::size_t>(i)];
      b_.slice(i, 1).copy_to_host(b.data() + k * points);
      const auto size =
          static_cast<float>(net.input_scale == "rms" ? std::sqrt(system->unknowns) : 1.0);
      for (std::int64_t p = 0; p < points; ++p) {
        const float m = system->mask[static_cast<std::size_t>(p)];
        input.push_back(size * b[static_cast<std::size_t>(k * points + p)]);
        if (net.mask) input.push_back(m);
        mask.push_back(m);
      }
      batch.energy.push_back(energy_[static_cast<std::size_t>(i)]);
      batch.system.push_back(system);
    }
    batch.input.copy_from_host(input.data());
    batch.mask.copy_from_host(mask.data());
    batch.b.copy_from_host(b.data());
    return batch;
  }

 private:
  std::int64_t capacity_, next_ = 0;
  Tensor<float> b_;
  std::vector<double> energy_;
  std::vector<std::shared_ptr<const TrainingSystem>> system_;
};

// A q of each sample with its own matrix, which is symmetric: a differentiable block matrix.
Variable<float> multiply_each(const std::vector<std::shared_ptr<const TrainingSystem>>& systems,
                              const Variable<float>& q) {
  const auto apply = [systems](const Tensor<float>& x) {
    Tensor<float> y(x.shape());
    for (std::size_t k = 0; k < systems.size(); ++k) {
      const auto i = static_cast<std::int64_t>(k);
      const Variable<float> one(x.slice(i, 1));
      y.slice(i, 1).copy_from(multiply(systems[k]->system.matrix, one).value());
    }
    return y;
  };
  const Tensor<float> y = apply(q.value());
  if (!needs_record(q)) return y;
  return record<float>(y, [q, apply](const Tensor<float>& dy) { q.accumulate(apply(dy)); });
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
                                  std::int64_t depth, std::uint64_t seed, const Communicator& comm,
                                  std::int64_t ritz_vectors) {
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
      Solves one(systems[static_cast<std::size_t>(s / count)], net, ritz_vectors);
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

namespace {

void check(const DirectionTrainOptions& o) {
  NOPAL_CHECK(o.matrices >= 1 && o.right_sides >= 1 && o.depth >= 0 && o.ritz_vectors >= 0 &&
                  o.interval >= 1 && o.steps >= 1 && o.batch >= 1 && o.validation >= 1 &&
                  o.validation_interval >= 1,
              "training of a direction network: all numbers must be at least 1, got ", o.steps,
              " steps, batch ", o.batch, ", interval ", o.interval, ", ", o.matrices, " matrices, ",
              o.right_sides, " right-hand sides, depth ", o.depth);
  NOPAL_CHECK(o.loss == "energy" || o.loss == "residual",
              "training of a direction network: the loss must be energy or residual, got '", o.loss,
              "'");
  NOPAL_CHECK(o.capacity >= o.batch, "training of a direction network: a batch of ", o.batch,
              " residuals does not fit the capacity of ", o.capacity);
}

}  // namespace

DirectionTrainResult train_direction(DirectionNet<float>& net, const DirectionTrainOptions& o,
                                     const Communicator& comm) {
  check(o);
  const std::vector<LinearSystem> others = make_systems(o.system, o.validation, o.seed + 1000001);
  Pool pool(o.capacity);
  // With other obstacles each time: of a few, a network learns the places.
  const auto record = [&](std::int64_t number, bool with_net) {
    const auto index = static_cast<std::uint64_t>(number);
    std::vector<LinearSystem> systems = make_systems(
        o.system, o.matrices, o.seed + 1 + index * static_cast<std::uint64_t>(o.matrices));
    const DirectionSamples samples =
        record_residuals(systems, with_net ? &net : nullptr, o.right_sides, o.depth, o.seed + index,
                         comm, o.ritz_vectors);
    std::vector<std::shared_ptr<const TrainingSystem>> shared;
    for (LinearSystem& system : systems) {
      auto one = std::make_shared<TrainingSystem>();
      one->mask = mask_of(system);
      one->unknowns = static_cast<double>(std::count(one->mask.begin(), one->mask.end(), 1.F));
      one->system = std::move(system);
      shared.push_back(std::move(one));
    }
    pool.add(samples, shared);
  };
  const StepLoss<float> loss = [&](std::int64_t step) -> Variable<float> {
    if (pool.size() == 0 || step % o.interval == 0) {
      const TapePause<float> pause;  // solves are not differentiated
      record(step / o.interval, o.trained || step >= o.interval);
    }
    NOPAL_CHECK(pool.size() >= o.batch, "training of a direction network: a batch of ", o.batch,
                " needs as many residuals, but only ", pool.size(),
                " were recorded: more matrices, right-hand sides or depth, or a smaller batch");
    const Random random(o.seed + 5, static_cast<std::uint64_t>(step));
    const Slab mine = slab(o.batch, comm.rank(), comm.size());
    std::vector<std::int64_t> which;
    for (std::int64_t k = mine.first; k < mine.first + mine.count; ++k) {
      const double u = random.uniform(static_cast<std::uint64_t>(k));
      which.push_back(std::min(static_cast<std::int64_t>(u * static_cast<double>(pool.size())),
                               pool.size() - 1));
    }
    if (which.empty()) return Tensor<float>::zeros({1});
    const Pool::Batch batch = pool.batch(net.options(), which);
    const Variable<float> input(batch.input);
    const Variable<float> q =
        product(net.forward(std::span(&input, 1)), Variable<float>(batch.mask));
    const Variable<float> aq = multiply_each(batch.system, q);
    const double weight = 1 / static_cast<double>(o.batch);
    return o.loss == "energy" ? direction_energy_loss(q, aq, batch.b, batch.energy, weight)
                              : direction_loss(q, aq, batch.b, weight);
  };
  StepOptions training;
  training.steps = o.steps;
  training.learning_rate = o.learning_rate;
  training.schedule = "cosine";
  training.clip_norm = o.clip_norm;
  training.validation_interval = o.validation_interval;
  training.checkpoint = o.checkpoint;
  training.resume = o.resume;
  training.name = "direction_net " + o.system.name + " " + std::to_string(o.system.points) + " " +
                  o.system.walls + " " + o.loss;
  training.progress_seconds = o.progress_seconds;
  training.progress = o.progress;
  const StepResult run = train_steps<float>(
      net, loss, training, comm, [&] { return convergence_rate(others, net, o.seed, comm); });
  return {run.history, run.best_error, run.seconds};
}

}  // namespace nopal
