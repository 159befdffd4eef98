// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/train/evaluation.hpp>
#include <nopal/train/schedule.hpp>
#include <nopal/train/trainer.hpp>

#include "train/batch_gradients.hpp"
#include "train/checkpoint.hpp"
#include "train/distributed_optimizer.hpp"
#include "train/incremental_training.hpp"
#include "train/progress.hpp"
#include "train/tensor_copies.hpp"
#include "train/train_setup.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nopal {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

template <class T>
class Trainer {
 public:
  Trainer(Model<T>& model, const TrainData<T>& data, const TrainOptions& options,
          const Communicator& comm, const LossFunction<T>& loss)
      : model_(model),
        data_(data),
        options_(options),
        comm_(comm),
        groups_(comm, options.space_ranks),
        incremental_(model.op(), options.incremental, data.training, groups_.divided()),
        gradients_(detail::batch_gradients(model, incremental_.data(), options, loss, groups_)),
        schedule_(make_schedule(options.schedule, options.learning_rate, options.schedule_options,
                                options.epochs)),
        optimizer_(model.op().parameters(),
                   make_optimizer<T>(options.optimizer, options.optimizer_options), comm) {
    detail::check_options(options, data);
    detail::check_data(model, data, groups_);
    const Shape sample = data.training->x_shape();
    model.set_training_grid(Shape(sample.begin(), sample.end() - 1));
    NOPAL_CHECK(
        optimizer_.local().separable() || (options.clip_norm == 0 && options.clip_value == 0),
        "gradients cannot be clipped with the optimizer ", options.optimizer,
        ", whose line search needs them as they are");
    const std::int64_t samples = data.training->size();
    batch_ = std::min(options.batch, samples);  // so that no sum of the two overflows
    batches_ = options.drop_last ? samples / batch_ : (samples + batch_ - 1) / batch_;
    samples_ = options.drop_last ? batches_ * batch_ : samples;
    for (const auto& [name, value] : state_tensors(model.op()))
      tensors_.push_back(value);
    state_.history.columns = detail::history_columns(data);
    for (const std::string& name : incremental_.columns())
      state_.history.columns.push_back(name);
    if (!options.checkpoint.empty())
      identity_ = detail::identity(model, data, options, optimizer_.local().configuration(),
                                   schedule_->configuration(), static_cast<bool>(loss), comm);
  }

  TrainResult<T> run() {
    for (const Tensor<T>& tensor : tensors_)
      comm_.broadcast(tensor);
    resume();
    if (!state_.history.rows.empty()) write_history();
    clock_ = detail::TrainingClock(options_.epochs, state_.epoch, state_.seconds);
    last_checkpoint_ = 0;
    bool saved = false;
    while (state_.epoch < options_.epochs && !exhausted()) {
      saved = false;
      incremental_.begin_epoch(state_.history);
      if (!run_batches()) {
        save();
        return result(true);
      }
      end_epoch();
      if (options_.checkpoint_interval > 0 && state_.epoch % options_.checkpoint_interval == 0) {
        save();
        saved = true;
      }
    }
    if (!saved) save();
    return result(false);
  }

 private:
  // What rank 0 asks of all ranks, and how the batch went; summed with the gradients.
  enum Number { batch_loss, failed, stop_asked, save_asked, number_count };

  bool exhausted() const {
    return options_.patience > 0 && state_.best_epoch > 0 &&
           state_.epoch - state_.best_epoch >= options_.patience;
  }

  // The rest of the running epoch; false if the caller asked to stop.
  bool run_batches() {
    const std::vector<std::int64_t> order =
        Random(options_.seed, static_cast<std::uint64_t>(state_.epoch))
            .permutation(data_.training->size());
    const double start = clock_.run() - state_.epoch_seconds;
    double last_live = clock_.run();
    // A checkpoint may have been written after the last batch.
    rate_ = schedule_->learning_rate(TrainPosition{
        state_.epoch, options_.epochs, std::max<std::int64_t>(0, state_.batch - 1), batches_});
    while (state_.batch < batches_) {
      const TrainPosition position{state_.epoch, options_.epochs, state_.batch, batches_};
      rate_ = schedule_->learning_rate(position);
      if (const double momentum = schedule_->momentum(position); !std::isnan(momentum))
        optimizer_.local().set_momentum(momentum);
      const std::int64_t first = state_.batch * batch_;
      const std::int64_t count = std::min(batch_, static_cast<std::int64_t>(order.size()) - first);
      double numbers[number_count] = {0, 0, 0, 0};
      if (comm_.rank() == 0) {
        numbers[stop_asked] = options_.stop && options_.stop() ? 1 : 0;
        numbers[save_asked] = options_.checkpoint_seconds > 0 &&
                                      clock_.run() - last_checkpoint_ > options_.checkpoint_seconds
                                  ? 1
                                  : 0;
      }
      step(std::span(order).subspan(static_cast<std::size_t>(first),
                                    static_cast<std::size_t>(count)),
           numbers);
      state_.loss += numbers[batch_loss] * static_cast<double>(count);
      ++state_.batch;
      state_.epoch_seconds = clock_.run() - start;
      if (options_.weight_averaging > 0)
        detail::average(static_cast<T>(options_.weight_averaging), tensors_, state_.average);
      if (numbers[stop_asked] > 0) return false;
      if (numbers[save_asked] > 0) save();
      if (options_.live && comm_.rank() == 0 && clock_.run() - last_live > 1) {
        last_live = clock_.run();
        detail::ProgressLine line = progress(first + count);
        line.batch = state_.batch;
        line.batches = batches_;
        options_.live(format(line));
      }
    }
    return true;
  }

  // One update with the samples `batch`; `numbers` come in with the wishes of rank 0.
  void step(std::span<const std::int64_t> batch, std::span<double> numbers) {
    const ScopedRegion region("train_step");
    if (optimizer_.local().separable()) {
      evaluate_batch(batch, numbers);
      optimizer_.clip(options_.clip_value, options_.clip_norm);
      optimizer_.step(rate_);
      return;
    }
    bool first = true;
    optimizer_.step(rate_, [&] {
      double again[number_count] = {0, 0, 0, 0};
      evaluate_batch(batch, first ? numbers : std::span<double>(again), first);
      const double loss = first ? numbers[batch_loss] : again[batch_loss];
      first = false;
      return loss;
    });
  }

  // Loss and gradients of the global batch, the same on all ranks. What goes wrong on one rank must
  // not leave the others waiting: it takes part in the sum and all throw afterwards. Only where
  // layers communicate, they must all know before.
  void evaluate_batch(std::span<const std::int64_t> batch, std::span<double> numbers,
                      bool first = true) {
    optimizer_.prepare();
    const auto evaluate = [&] {
      numbers[batch_loss] = gradients_(batch, {.seed = options_.seed,
                                               .index = state_.epoch * batches_ + state_.batch,
                                               .repeated = !first});
    };
    std::string message;
    if (gradients_.collective()) {
      comm_.together(evaluate);
    } else {
      try {
        evaluate();
      } catch (const std::exception& error) {
        message = error.what();
        numbers[batch_loss] = none;
        numbers[failed] = 1;
      }
    }
    optimizer_.sum_gradients(numbers);
    if (numbers[failed] > 0) comm_.together([&] { NOPAL_CHECK(message.empty(), message); });
    NOPAL_CHECK(!first || std::isfinite(numbers[batch_loss]), "the loss is ", numbers[batch_loss],
                " in epoch ", state_.epoch + 1, ", batch ", state_.batch + 1, " of ", batches_,
                " (learning rate ", rate_, "); ",
                state_.epoch + state_.batch > 0
                    ? "try a smaller learning rate or a limit of the gradient (-clip_norm)"
                    : "look at the scale of the data (-normalise_input, -normalise_output)",
                saved_ ? ", from checkpoint " + options_.checkpoint : std::string());
  }

  // Errors of this epoch, and the row of the history with them.
  void end_epoch() {
    const std::int64_t epoch = state_.epoch + 1;
    detail::ProgressLine line = progress(samples_);
    std::vector<double> row{static_cast<double>(epoch), rate_, line.loss};
    const bool due = epoch == options_.epochs || epoch % options_.evaluation_interval == 0;
    double validation = none;
    detail::exchange(tensors_, state_.average);
    for (const auto& [name, set] : detail::evaluation_sets(data_)) {
      Evaluation errors{none, none, none, 0};
      if (due)
        errors = evaluate(model_, set, options_.evaluation_batch, groups_, options_.boundary);
      if (set == data_.validation) validation = errors.relative_l2;
      row.push_back(errors.relative_l2);
      row.push_back(errors.relative_h1);
      line.errors.emplace_back(name, errors.relative_l2);
    }
    if (!data_.validation || due) {
      const double error = data_.validation ? validation : line.loss;
      schedule_->end_epoch(error);
      keep_best(epoch, error);
    }
    detail::exchange(tensors_, state_.average);
    state_.epoch = epoch;
    state_.batch = 0;
    state_.loss = 0;
    state_.epoch_seconds = 0;
    state_.seconds = clock_.total();
    row.push_back(line.samples_per_second);
    row.push_back(state_.seconds);
    for (const double number : incremental_.row(state_.history, line.loss))
      row.push_back(number);
    state_.history.rows.push_back(std::move(row));
    write_history();
    if (comm_.rank() > 0) return;
    line.seconds_left = clock_.left(static_cast<double>(epoch));
    if (options_.progress)
      options_.progress(format(line));
    else
      log(format(line));
  }

  void keep_best(std::int64_t epoch, double error) {
    // Without a validation set there is nothing to choose by: the last one is the result.
    if (data_.validation && !(error < state_.best_error)) return;
    state_.best_epoch = epoch;
    state_.best_error = error;
    if (data_.validation) detail::keep(tensors_, state_.best);
  }

  // About the running epoch, `samples` of which are done.
  detail::ProgressLine progress(std::int64_t samples) const {
    const auto done = static_cast<double>(samples);
    detail::ProgressLine line;
    line.epoch = state_.epoch + 1;
    line.epochs = options_.epochs;
    line.loss = state_.loss / done;
    line.learning_rate = rate_;
    line.samples_per_second = done / std::max(state_.epoch_seconds, 1e-9);
    line.seconds_left =
        clock_.left(static_cast<double>(state_.epoch) +
                    static_cast<double>(state_.batch) / static_cast<double>(batches_));
    return line;
  }

  // An older file stays until there is something to put in its place.
  // A full disk is no reason to lose the training as well: what could be written once is missed
  // only.
  template <class Write>
  void go_on_without(const char* what, const Write& write) {
    try {
      write();
    } catch (const Error& error) {
      if (comm_.rank() == 0)
        log(detail::concatenate("warning: ", what,
                                " could not be written, training goes on: ", error.what()));
    }
  }

  void write_history() {
    if (options_.history.empty()) return;
    if (history_begun_ && comm_.rank() == 0)
      go_on_without("the history", [&] { append_csv(options_.history, state_.history); });
    if (history_begun_) return;
    comm_.together([&] {
      if (comm_.rank() == 0) write_csv(options_.history, state_.history);
    });
    history_begun_ = true;
  }

  void save() {
    if (options_.checkpoint.empty()) return;
    const ScopedRegion region("checkpoint");
    detail::TrainingState<T> state = state_;
    state.seconds = clock_.total();
    state.schedule = schedule_->state();
    state.optimizer = optimizer_.state();
    const auto write = [&] {
      detail::save_checkpoint(options_.checkpoint, model_, state, identity_, comm_);
    };
    if (saved_)
      go_on_without("the checkpoint", write);
    else
      write();
    saved_ = true;
    last_checkpoint_ = clock_.run();
  }

  void resume() {
    if (!options_.resume || options_.checkpoint.empty()) return;
    auto state = detail::load_checkpoint(options_.checkpoint, model_, identity_, comm_);
    if (!state) return;
    // The same, but for names that are not UTF-8, which the file could not hold.
    state->history.columns = std::move(state_.history.columns);
    state_ = std::move(*state);
    schedule_->restore(state_.schedule);
    optimizer_.restore(state_.optimizer);
    state_.optimizer.clear();
    saved_ = true;
  }

  TrainResult<T> result(bool interrupted) {
    TrainResult<T> result;
    result.history = state_.history;
    result.epochs = state_.epoch;
    result.best_epoch = state_.best_epoch;
    result.best_error = state_.best_error;
    result.interrupted = interrupted;
    result.stopped_early = !interrupted && exhausted() && state_.epoch < options_.epochs;
    detail::exchange(tensors_, state_.average);
    detail::keep(tensors_, result.final_state);
    for (std::size_t i = 0; i < state_.best.size(); ++i)
      tensors_[i].copy_from(state_.best[i]);
    incremental_.restore(state_.history, state_.best.empty() ? state_.epoch : state_.best_epoch);
    detail::note_provenance(model_, data_, options_, state_.epoch, state_.best_epoch,
                            data_.validation ? state_.best_error : none);
    return result;
  }

  Model<T>& model_;
  const TrainData<T>& data_;
  const TrainOptions& options_;
  Communicator comm_;
  RankGroups groups_;
  detail::IncrementalTraining<T> incremental_;
  detail::BatchGradients<T> gradients_;
  std::unique_ptr<Schedule> schedule_;
  detail::DistributedOptimizer<T> optimizer_;
  std::vector<Tensor<T>> tensors_;  // what training changes
  nlohmann::json identity_;
  std::int64_t batch_ = 0;                  // samples of a whole one
  std::int64_t batches_ = 0, samples_ = 0;  // an epoch
  detail::TrainingState<T> state_;
  bool history_begun_ = false;
  bool saved_ = false;  // there is a checkpoint of this training

  double rate_ = 0;
  detail::TrainingClock clock_;
  double last_checkpoint_ = 0;  // on the clock of this run
};

}  // namespace

template <class T>
TrainResult<T> train(Model<T>& model, const TrainData<T>& data, const TrainOptions& options,
                     const Communicator& comm, LossFunction<T> loss) {
  NOPAL_CHECK(data.training != nullptr, "train: expected a training set, got none");
  return Trainer<T>(model, data, options, comm, loss).run();
}

template TrainResult<float> train<float>(Model<float>&, const TrainData<float>&,
                                         const TrainOptions&, const Communicator&,
                                         LossFunction<float>);
template TrainResult<double> train<double>(Model<double>&, const TrainData<double>&,
                                           const TrainOptions&, const Communicator&,
                                           LossFunction<double>);

}  // namespace nopal
