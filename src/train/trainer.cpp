// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/train/evaluation.hpp>
#include <nopal/train/schedule.hpp>
#include <nopal/train/trainer.hpp>

#include "data/dataset_checks.hpp"
#include "train/checkpoint.hpp"
#include "train/distributed_optimizer.hpp"
#include "train/progress.hpp"
#include "train/train_setup.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>

namespace nopal {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr double none = std::numeric_limits<double>::quiet_NaN();

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Physical units inside the tape: z (deviation + epsilon) + mean, whose adjoint is the same map
// with mean 0.
template <class T>
Variable<T> decode(const Variable<T>& z, const Normaliser<T>& normaliser,
                   const Normaliser<T>& without_mean) {
  if (normaliser.identity()) return z;
  Tensor<T> value = normaliser.decode(z.value());
  if (!needs_record(z)) return value;
  return record<T>(std::move(value),
                   [=](const Tensor<T>& dy) { z.accumulate(without_mean.decode(dy)); });
}

template <class T>
class Trainer {
 public:
  Trainer(Model<T>& model, const TrainData<T>& data, const TrainOptions& options,
          const Communicator& comm, const LossFunction<T>& loss)
      : model_(model),
        data_(data),
        options_(options),
        comm_(comm),
        loss_(loss ? loss : make_loss<T>(options.loss, options.boundary)),
        schedule_(make_schedule(options.schedule, options.learning_rate, options.schedule_options,
                                options.epochs)),
        optimizer_(model.op().parameters(),
                   make_optimizer<T>(options.optimizer, options.optimizer_options), comm) {
    detail::check_options(options, data);
    detail::check_data(model, data);
    NOPAL_CHECK(
        optimizer_.local().separable() || (options.clip_norm == 0 && options.clip_value == 0),
        "gradients cannot be clipped with the optimizer ", options.optimizer,
        ", whose line search needs them as they are");
    batches_ = options.drop_last ? data.training->size() / options.batch
                                 : (data.training->size() + options.batch - 1) / options.batch;
    const Normaliser<T>& output = model.output_normaliser();
    if (options.decode_loss && !output.identity())
      without_mean_ = Normaliser<T>(Tensor<T>::zeros(output.mean().shape()), output.deviation());
    state_.history.columns = detail::history_columns(data);
    if (!options.checkpoint.empty())
      identity_ = detail::identity(model, data, options, optimizer_.local().configuration(),
                                   schedule_->configuration(), static_cast<bool>(loss), comm);
  }

  TrainResult<T> run() {
    for (const Parameter<T>* parameter : model_.op().parameters())
      comm_.broadcast(parameter->value());
    resume();
    write_history(false);
    start_ = last_checkpoint_ = Clock::now();
    seconds_before_ = state_.seconds;
    epochs_before_ = state_.epoch;
    bool saved = false;
    while (state_.epoch < options_.epochs && !exhausted()) {
      saved = false;
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
    const Clock::time_point start = Clock::now();
    const double before = state_.epoch_seconds;
    Clock::time_point last_live = start;
    // A checkpoint may have been written after the last batch.
    rate_ = schedule_->learning_rate(
        {state_.epoch, options_.epochs, std::max<std::int64_t>(0, state_.batch - 1), batches_});
    while (state_.batch < batches_) {
      const TrainPosition position{state_.epoch, options_.epochs, state_.batch, batches_};
      rate_ = schedule_->learning_rate(position);
      if (const double momentum = schedule_->momentum(position); !std::isnan(momentum))
        optimizer_.local().set_momentum(momentum);
      const std::int64_t first = state_.batch * options_.batch;
      const std::int64_t count =
          std::min(options_.batch, static_cast<std::int64_t>(order.size()) - first);
      double numbers[number_count] = {0, 0, 0, 0};
      if (comm_.rank() == 0) {
        numbers[stop_asked] = options_.stop && options_.stop() ? 1 : 0;
        numbers[save_asked] = options_.checkpoint_seconds > 0 &&
                                      seconds_since(last_checkpoint_) > options_.checkpoint_seconds
                                  ? 1
                                  : 0;
      }
      step(std::span(order).subspan(static_cast<std::size_t>(first),
                                    static_cast<std::size_t>(count)),
           numbers);
      state_.loss += numbers[batch_loss] * static_cast<double>(count);
      ++state_.batch;
      state_.epoch_seconds = before + seconds_since(start);
      average();
      if (numbers[stop_asked] > 0) return false;
      if (numbers[save_asked] > 0) save();
      if (options_.live && comm_.rank() == 0 && seconds_since(last_live) > 1) {
        last_live = Clock::now();
        options_.live(format(progress_line(false)));
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
  // not leave the others waiting: it takes part in the sum and all throw afterwards.
  void evaluate_batch(std::span<const std::int64_t> batch, std::span<double> numbers,
                      bool must_be_finite = true) {
    std::string message;
    try {
      numbers[batch_loss] = local_gradients(batch);
    } catch (const std::exception& error) {
      message = error.what();
      numbers[batch_loss] = none;
      numbers[failed] = 1;
    }
    optimizer_.sum_gradients(numbers);
    if (numbers[failed] > 0) comm_.together([&] { NOPAL_CHECK(message.empty(), message); });
    NOPAL_CHECK(!must_be_finite || std::isfinite(numbers[batch_loss]), "the loss is ",
                numbers[batch_loss], " in epoch ", state_.epoch + 1, ", batch ", state_.batch + 1,
                " of ", batches_, " (learning rate ", rate_,
                "); try a smaller learning rate or clip_norm",
                saved_ ? ", from checkpoint " + options_.checkpoint : std::string());
  }

  // This rank's share of the loss and of the gradients.
  double local_gradients(std::span<const std::int64_t> batch) {
    for (const Parameter<T>* parameter : model_.op().parameters())
      parameter->variable.clear_gradient();
    const auto count = static_cast<std::int64_t>(batch.size());
    const Slab mine = slab(count, comm_.rank(), comm_.size());
    if (mine.count == 0) return 0;
    const Tensor<T> x(detail::with_samples(mine.count, data_.training->x_shape()));
    const Tensor<T> y(detail::with_samples(mine.count, data_.training->y_shape()));
    data_.training->read(
        batch.subspan(static_cast<std::size_t>(mine.first), static_cast<std::size_t>(mine.count)),
        x, y);
    model_.input_normaliser().encode_in_place(x);
    if (!options_.decode_loss) model_.output_normaliser().encode_in_place(y);
    optimizer_.prepare();
    Tape<T> tape;
    Variable<T> prediction = model_.op().forward(Variable<T>(x));
    if (options_.decode_loss)
      prediction = decode(prediction, model_.output_normaliser(), without_mean_);
    const Variable<T> loss = loss_(prediction, y, count);
    prediction = Variable<T>();  // its memory can go as soon as the tape is done with it
    tape.backward(loss);
    return static_cast<double>(loss.value().item());
  }

  // state_.average follows the parameters; the first step sets it.
  void average() {
    if (options_.weight_averaging == 0) return;
    const Parameters<T>& parameters = model_.op().parameters();
    const bool first = state_.average.empty();
    const T decay = static_cast<T>(options_.weight_averaging);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (first) {
        state_.average.push_back(parameters[i]->value().clone());
      } else {
        scale(decay, state_.average[i]);
        axpy(T(1) - decay, parameters[i]->value(), state_.average[i]);
      }
    }
  }

  // Exchanges the parameters with their averages, if there are any: for evaluation and the result.
  void exchange_average() {
    const Parameters<T>& parameters = model_.op().parameters();
    for (std::size_t i = 0; i < state_.average.size(); ++i) {
      const Tensor<T> value = parameters[i]->value().clone();
      parameters[i]->value().copy_from(state_.average[i]);
      state_.average[i].copy_from(value);
    }
  }

  void end_epoch() {
    const double samples = samples_of_epoch();
    const double loss = state_.loss / samples;
    const std::int64_t epoch = state_.epoch + 1;
    std::vector<double> row{static_cast<double>(epoch), rate_, loss};
    const bool due = epoch == options_.epochs || epoch % options_.evaluation_interval == 0;
    errors_.clear();
    double validation = none;
    exchange_average();
    for (const auto& [name, set] : detail::evaluation_sets(data_)) {
      Evaluation errors{none, none, none, 0};
      if (due) errors = evaluate(model_, *set, options_.evaluation_batch, comm_, options_.boundary);
      if (set == data_.validation) validation = errors.relative_l2;
      row.push_back(errors.relative_l2);
      row.push_back(errors.relative_h1);
      errors_.emplace_back(name, errors.relative_l2);
    }
    if (!data_.validation || due) {
      const double error = data_.validation ? validation : loss;
      schedule_->end_epoch(error);
      keep_best(epoch, error);
    }
    exchange_average();
    last_rate_of_samples_ = samples / std::max(state_.epoch_seconds, 1e-9);
    last_loss_ = loss;
    state_.epoch = epoch;
    state_.batch = 0;
    state_.loss = 0;
    state_.epoch_seconds = 0;
    state_.seconds = seconds_before_ + seconds_since(start_);
    row.push_back(last_rate_of_samples_);
    row.push_back(state_.seconds);
    state_.history.rows.push_back(std::move(row));
    write_history(true);
    if (comm_.rank() > 0) return;
    const std::string line = format(progress_line(true));
    if (options_.progress)
      options_.progress(line);
    else
      log(line);
  }

  void keep_best(std::int64_t epoch, double error) {
    if (!data_.validation) {  // nothing to choose by: the last one is the result
      state_.best_epoch = epoch;
      state_.best_error = error;
      return;
    }
    if (!(error < state_.best_error)) return;
    state_.best_epoch = epoch;
    state_.best_error = error;
    const Parameters<T>& parameters = model_.op().parameters();
    if (state_.best.empty())
      for (const Parameter<T>* parameter : parameters)
        state_.best.emplace_back(parameter->value().shape());
    for (std::size_t i = 0; i < parameters.size(); ++i)
      state_.best[i].copy_from(parameters[i]->value());
  }

  double samples_of_epoch() const {
    return static_cast<double>(options_.drop_last ? batches_ * options_.batch
                                                  : data_.training->size());
  }

  detail::ProgressLine progress_line(bool epoch_is_over) const {
    detail::ProgressLine line;
    line.epochs = options_.epochs;
    line.learning_rate = rate_;
    const double run = seconds_since(start_);
    double done = static_cast<double>(state_.epoch - epochs_before_);
    if (epoch_is_over) {
      line.epoch = state_.epoch;
      line.loss = last_loss_;
      line.errors = errors_;
      line.samples_per_second = last_rate_of_samples_;
    } else {
      line.epoch = state_.epoch + 1;
      line.batch = state_.batch;
      line.batches = batches_;
      const double samples =
          static_cast<double>(std::min(state_.batch * options_.batch, data_.training->size()));
      line.loss = state_.loss / samples;
      line.samples_per_second = samples / std::max(state_.epoch_seconds, 1e-9);
      done += static_cast<double>(state_.batch) / static_cast<double>(batches_);
    }
    const double total = static_cast<double>(options_.epochs - epochs_before_);
    line.seconds_left = done > 0 ? run / done * (total - done) : 0;
    return line;
  }

  void write_history(bool only_last) {
    if (options_.history.empty()) return;
    comm_.together([&] {
      if (comm_.rank() > 0) return;
      if (only_last)
        append_csv(options_.history, state_.history);
      else
        write_csv(options_.history, state_.history);
    });
  }

  void save() {
    if (options_.checkpoint.empty()) return;
    const ScopedRegion region("checkpoint");
    const double seconds = seconds_before_ + seconds_since(start_);
    auto optimizer = optimizer_.state();
    comm_.together([&] {
      if (comm_.rank() > 0) return;
      for (const Parameter<T>* parameter : model_.op().parameters())
        NOPAL_CHECK(all_finite(parameter->value()), "parameter \"", parameter->name,
                    "\" is not finite after epoch ", state_.epoch, ", batch ", state_.batch,
                    "; the last checkpoint stays as it is. Try a smaller learning rate or "
                    "clip_norm");
      detail::TrainingState<T> state = state_;
      state.seconds = seconds;
      state.schedule = schedule_->state();
      state.optimizer = std::move(optimizer);
      write_safetensors(options_.checkpoint, detail::to_checkpoint(model_, state, identity_));
    });
    saved_ = true;
    last_checkpoint_ = Clock::now();
  }

  void resume() {
    if (!options_.resume || options_.checkpoint.empty()) return;
    if (!comm_.any(comm_.rank() == 0 && std::filesystem::exists(options_.checkpoint))) return;
    SafetensorsFile file = load_safetensors(options_.checkpoint, comm_);
    state_ = detail::from_checkpoint(file, options_.checkpoint, model_, identity_);
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
    const Parameters<T>& parameters = model_.op().parameters();
    exchange_average();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      result.final_parameters.push_back(parameters[i]->value().clone());
      if (!state_.best.empty()) parameters[i]->value().copy_from(state_.best[i]);
    }
    detail::note_provenance(model_, data_, options_, state_.epoch, state_.best_epoch,
                            data_.validation ? state_.best_error : none);
    return result;
  }

  Model<T>& model_;
  const TrainData<T>& data_;
  const TrainOptions& options_;
  Communicator comm_;
  LossFunction<T> loss_;
  std::unique_ptr<Schedule> schedule_;
  detail::DistributedOptimizer<T> optimizer_;
  Normaliser<T> without_mean_;
  Json identity_;
  std::int64_t batches_ = 0;
  detail::TrainingState<T> state_;
  bool saved_ = false;  // there is a checkpoint of this training

  double rate_ = 0, last_loss_ = 0, last_rate_of_samples_ = 0;
  std::vector<std::pair<std::string, double>> errors_;
  Clock::time_point start_, last_checkpoint_;
  double seconds_before_ = 0;
  std::int64_t epochs_before_ = 0;
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
