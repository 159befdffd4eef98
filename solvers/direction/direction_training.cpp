// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/direction/direction_training.hpp>

#include "direction/residual_solves.hpp"

#include <nopal/core/random.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/solvers/bridge/differentiable.hpp>
#include <nopal/train/direction_loss.hpp>
#include <nopal/train/step_training.hpp>

#include <algorithm>
#include <cmath>
#include <memory>

namespace nopal {
namespace {

using detail::mask_of;
using detail::ResidualSolves;

// Mean factor of the residual an iteration, in solves to 1e-6 with right-hand sides of other seeds.
double convergence_rate(const std::vector<LinearSystem>& systems, const DirectionNet<float>& net,
                        std::uint64_t seed, const Communicator& comm) {
  double sum = 0;
  comm.together([&] {
    for (std::size_t i = 0; i < systems.size(); ++i) {
      if (static_cast<int>(i) % comm.size() != comm.rank()) continue;
      const DcdmResult run = ResidualSolves(systems[i], &net).run(seed + 77, i, 60, 1e-6);
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

// Matrices first, ..., first + count - 1 of a sequence in which every fourth has no obstacle.
std::vector<LinearSystem> make_systems(LinearSystemOptions o, std::int64_t first,
                                       std::int64_t count, std::uint64_t seed) {
  std::vector<LinearSystem> systems;
  const std::int64_t obstacles = o.obstacles;
  for (std::int64_t i = first; i < first + count; ++i) {
    o.obstacles = i % 4 == 0 ? 0 : 1 + (obstacles > 0 ? i % obstacles : 0);
    if (obstacles == 0) o.obstacles = 0;
    o.seed = seed + static_cast<std::uint64_t>(i);
    systems.push_back(make_linear_system(o, Communicator()));
    if (obstacles == 0) break;  // all alike
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

namespace {

// A grid of the training and what is done on it: about as many points as on the first.
struct TrainingGrid {
  LinearSystemOptions system;
  std::int64_t batch, matrices, capacity;
};

std::vector<TrainingGrid> make_grids(const DirectionTrainOptions& o) {
  std::vector<std::int64_t> sizes = o.sizes;
  if (sizes.empty()) sizes.push_back(o.system.points);
  std::vector<TrainingGrid> grids;
  for (const std::int64_t size : sizes) {
    const double part = std::pow(double(sizes.front()) / double(size), o.system.dimension);
    const auto scaled = [part](std::int64_t count) {
      return std::max<std::int64_t>(1, std::llround(part * static_cast<double>(count)));
    };
    TrainingGrid grid{o.system, scaled(o.batch), std::min(o.matrices, scaled(o.matrices)), 0};
    grid.system.points = size;
    grid.capacity = std::max(scaled(o.capacity), grid.batch);
    grids.push_back(grid);
  }
  return grids;
}

// Matrices that choose the weights, of the grids in turn.
std::vector<LinearSystem> make_validation(const DirectionTrainOptions& o,
                                          const std::vector<TrainingGrid>& grids) {
  std::vector<LinearSystem> systems;
  const auto count = static_cast<std::int64_t>(grids.size());
  for (std::int64_t g = 0; g < count; ++g) {
    const std::int64_t share = (o.validation + count - 1 - g) / count;
    for (LinearSystem& system :
         make_systems(grids[static_cast<std::size_t>(g)].system, 0, share,
                      o.seed + 1000001 + static_cast<std::uint64_t>(1000 * g)))
      systems.push_back(std::move(system));
  }
  return systems;
}

void check(const DirectionTrainOptions& o) {
  for (const std::int64_t size : o.sizes)
    NOPAL_CHECK(size >= 2, "training of a direction network: grids need 2 points an axis, got ",
                size);

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
  const std::vector<TrainingGrid> grids = make_grids(o);
  const std::vector<LinearSystem> others = make_validation(o, grids);
  std::vector<Pool> pools;
  pools.reserve(grids.size());
  for (const TrainingGrid& grid : grids)
    pools.emplace_back(grid.capacity);
  // With other obstacles each time: of a few, a network learns the places.
  const auto record = [&](std::size_t which, std::int64_t number, bool with_net) {
    const auto index = static_cast<std::uint64_t>(number);
    const std::int64_t matrices = grids[which].matrices;
    const auto turns = static_cast<std::int64_t>(grids.size());
    const std::int64_t turn = (number + turns - 1) / turns;
    std::vector<LinearSystem> systems =
        make_systems(grids[which].system, turn * matrices, matrices, o.seed + 1);
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
    pools[which].add(samples, shared);
  };
  const StepLoss<float> loss = [&](std::int64_t step) -> Variable<float> {
    const std::int64_t number = step / o.interval;
    const bool with_net = o.trained || step >= o.interval;
    const auto at = static_cast<std::size_t>(step) % grids.size();
    if (step % o.interval == 0 || pools[at].size() == 0) {
      const TapePause<float> pause;  // solves are not differentiated
      for (std::size_t i = 0; i < grids.size(); ++i)
        if (pools[i].size() == 0 || static_cast<std::size_t>(number) % grids.size() == i)
          record(i, number, with_net);
    }
    const Pool& pool = pools[at];
    const std::int64_t count = grids[at].batch;
    NOPAL_CHECK(pool.size() >= count, "training of a direction network: a batch of ", count,
                " needs as many residuals, but only ", pool.size(),
                " were recorded: more matrices, right-hand sides or depth, or a smaller batch");
    const Random random(o.seed + 5, static_cast<std::uint64_t>(step));
    const Slab mine = slab(count, comm.rank(), comm.size());
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
    const double weight = 1 / static_cast<double>(count);
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
  training.name = "direction_net " + o.system.name;
  for (const TrainingGrid& grid : grids)
    training.name += " " + std::to_string(grid.system.points);
  training.name += " " + o.system.walls + " " + o.loss;
  training.progress_seconds = o.progress_seconds;
  training.progress = o.progress;
  const StepResult run = train_steps<float>(
      net, loss, training, comm, [&] { return convergence_rate(others, net, o.seed, comm); });
  return {run.history, run.best_error, run.seconds};
}

}  // namespace nopal
