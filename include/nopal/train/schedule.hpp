// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace nopal {

/// Where training is: the next step is batch `batch` of `batches` in epoch `epoch` of `epochs`.
struct TrainPosition {
  std::int64_t epoch = 0, epochs = 1;
  std::int64_t batch = 0, batches = 1;
};

/// Learning rate (and momentum) over the course of training.
class Schedule {
 public:
  virtual ~Schedule() = default;

  /// All options, defaults included.
  virtual nlohmann::json configuration() const = 0;

  virtual double learning_rate(const TrainPosition& position) const = 0;

  /// Momentum to set in the optimizer, or NaN to leave it alone.
  virtual double momentum(const TrainPosition& position) const = 0;

  /// Tells the validation error (or the training loss without a validation set) of an epoch.
  virtual void end_epoch(double error) = 0;

  /// State for checkpoints, exact.
  virtual nlohmann::json state() const = 0;
  virtual void restore(const nlohmann::json& state) = 0;
};

/// Makes a schedule with base rate eta from its name and JSON options; unknown options are an
/// Error. With e the number of epochs done (formulas of torch.optim.lr_scheduler):
///
/// | name | rate | options |
/// | --- | --- | --- |
/// | constant | eta | |
/// | step | eta gamma^floor(e / step_size) | step_size 100, gamma 0.5 |
/// | milestones | eta f_k, k the number of milestones <= e,  f_0 = 1, none by default | milestones
/// (epochs, rising),
///   factors f_1, f_2, ... |
/// | inverse_time | eta / (1 + gamma e / step_size) | step_size 1, gamma 1e-4 |
/// | exponential | eta gamma^e | gamma 0.99 |
/// | cosine | eta_min + (eta - eta_min) (1 + cos(pi e / t_max)) / 2 | t_max (epochs), eta_min 0 |
/// | onecycle | OneCycleLR with max_lr = eta, two phases, cosine | epochs (all),
///   pct_start 0.3, div_factor 25, final_div_factor 1e4, per_batch true (false: a value an epoch),
///   cycle_momentum false, base_momentum 0.85, max_momentum 0.95 |
/// | plateau | ReduceLROnPlateau (relative threshold) | factor 0.1, patience 10, threshold 1e-4,
///   cooldown 0, min_lr 0 |
///
/// Options of all: `warmup` w (epochs, default 0) and `warmup_start` f (default 0.01): during the
/// first w epochs the rate is eta (f + (1 - f) e / w) with e counted in batches, then the schedule
/// begins with e = 0. `per_batch` (step, milestones, inverse_time, exponential, cosine; default
/// false): e includes the fraction of the current epoch. `epochs` is the planned number, the
/// default of t_max (less w).
std::unique_ptr<Schedule> make_schedule(const std::string& name, double learning_rate,
                                        const nlohmann::json& options, std::int64_t epochs);

}  // namespace nopal
