// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "commands.hpp"
#include "common.hpp"
#include "figures.hpp"

#include <nopal/core/runtime.hpp>
#include <nopal/operators/rollout.hpp>
#include <nopal/train/boosting.hpp>
#include <nopal/train/optimizer.hpp>
#include <nopal/train/schedule.hpp>
#include <nopal/train/trainer.hpp>

#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <functional>
#include <optional>

namespace nopal::tools {
namespace {

struct TrainRequest {
  std::string data, validation, out, curve, model, start;
  std::vector<std::string> tests;
  nlohmann::json configuration;
  std::string normalise_input, normalise_output;
  std::uint64_t seed = 0;
  std::size_t cache_bytes = 0;
  TrainOptions options;
};

std::vector<std::string> optimizer_names() {
  return {"adamw", "sgd", "lion", "lbfgs"};
}

std::vector<std::string> schedule_names() {
  return {"constant",     "step",   "milestones", "exponential",
          "inverse_time", "cosine", "onecycle",   "plateau"};
}

// A problem with the options found by the library, such as the type of a configuration.
template <class Action>
void attempt(Options& options, Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    options.fail(error.what());
  }
}

// The options of the library's default configuration, and then those that the user gave.
nlohmann::json configuration(Options& options, const std::string& prefix, const std::string& title,
                             const std::function<nlohmann::json()>& defaults) {
  nlohmann::json all = nlohmann::json::object();
  try {
    all = defaults();
  } catch (const Error& error) {
    options.fail_at_once(error.what());
  }
  return options.configuration(prefix, all, title);
}

void declare_training(Options& options, TrainRequest& request) {
  TrainOptions& t = request.options;
  options.section("Training");
  t.epochs = options.integer("epochs", 100, "passes over the data", 0);
  t.batch = options.integer("batch", 20, "samples a step, over all ranks", 1);
  t.space_ranks =
      options.integer("space_ranks", 1, "ranks that divide the points of each field among them", 1);
  t.drop_last = options.flag("drop_last", false, "leave out a partial last batch");
  request.seed = static_cast<std::uint64_t>(
      options.integer("seed", 0, "of the first weights and the order of the samples", 0));
  t.seed = request.seed;
  t.loss = options.choice("loss", "l2", loss_names(), "what is minimised");
  t.boundary = options.choice("boundary", "one_sided", {"periodic", "one_sided"},
                              "differences of H1 at the boundary") == "periodic"
                   ? Boundary::periodic
                   : Boundary::one_sided;
  t.decode_loss = options.flag("decode_loss", false, "loss in physical units");
  request.normalise_input = options.choice("normalise_input", "channel",
                                           {"channel", "point", "none"}, "scaling of inputs, by");
  request.normalise_output = options.choice("normalise_output", "channel",
                                            {"channel", "point", "none"}, "scaling of outputs, by");
  t.learning_rate = options.real("learning_rate", 1e-3, "first or largest step size", 0);
  t.clip_norm = options.real("clip_norm", 0, "limit of the gradient's norm, 0: none", 0);
  t.clip_value = options.real("clip_value", 0, "limit of the gradient's entries, 0: none", 0);
  t.weight_averaging = options.real(
      "weight_averaging", 0, "decay of an average of the parameters as the result, 0: none", 0);
  t.patience = options.integer("patience", 0, "stop after epochs without progress, 0: never", 0);
  t.evaluation_interval = options.integer("evaluation_interval", 1, "epochs between errors", 1);

  IncrementalOptions& i = t.incremental;
  options.section("Training that begins small");
  i.rule = options.choice("incremental", "none", {"none", "epochs", "loss_gap", "explained"},
                          "when Fourier layers get more modes");
  i.start = options.integer("incremental_start", 4, "modes an axis in the first epoch", 1);
  i.step = options.integer("incremental_step", 2, "modes that are added at a time", 1);
  i.interval = options.integer("incremental_interval", 10, "epochs between them, rule epochs", 1);
  i.tolerance = options.real("incremental_tolerance", 1e-3,
                             "relative change of the loss, or share of the highest modes", 0);
  i.buffer = options.integer("incremental_buffer", 2, "highest modes, rule explained", 1);
  i.strides = options.integers("incremental_strides",
                               "every so many points of the training data, one after the other");
  i.stride_epochs = options.integer("incremental_stride_epochs", 10, "epochs with each", 1);

  options.section("Optimizer and schedule");
  t.optimizer = options.choice("optimizer", "adamw", optimizer_names(), "method");
  t.schedule = options.choice("schedule", "cosine", schedule_names(), "course of the step size");
  t.optimizer_options = configuration(options, "optimizer_", "Optimizer " + t.optimizer, [&] {
    return make_optimizer<float>(t.optimizer, nlohmann::json::object())->configuration();
  });
  attempt(options, [&] { make_optimizer<float>(t.optimizer, t.optimizer_options); });
  t.schedule_options = configuration(options, "schedule_", "Schedule " + t.schedule, [&] {
    return make_schedule(t.schedule, t.learning_rate, nlohmann::json::object(), t.epochs)
        ->configuration();
  });
  attempt(options,
          [&] { make_schedule(t.schedule, t.learning_rate, t.schedule_options, t.epochs); });
}

void declare_files(Options& options, TrainRequest& request) {
  TrainOptions& t = request.options;
  request.data = options.required("data", "FILE", "training data (HDF5)");
  request.validation =
      options.text("validation", "0.1", "FILE|X",
                   "validation data that choose the best epoch: a file, or a share of -data");
  request.cache_bytes =
      static_cast<std::size_t>(options.integer(
          "data_cache", 1024,
          "MB: a file of at most this size is kept in memory, a larger one read as it is needed",
          0))
      << 20;
  request.tests = options.texts("test", "FILE,...", "data whose errors are reported each epoch");
  request.out = options.required("out", "FILE", "model to write (safetensors)");
  t.checkpoint = options.text("checkpoint", "", "FILE", "save the state of training here");
  t.checkpoint_interval =
      options.integer("checkpoint_interval", 1, "epochs between checkpoints", 0);
  t.checkpoint_seconds = options.real("checkpoint_seconds", 0, "also after so many seconds", 0);
  t.resume = options.flag("resume", false, "go on from -checkpoint, if that file exists");
  t.history = options.text("history_file", "", "FILE", "learning curve to write (CSV)");
  request.curve = options.text("curve", "", "FILE", "learning curve to draw (PNG)");
  if (t.resume && t.checkpoint.empty())
    options.fail("option -resume needs -checkpoint FILE, the file to go on from");
}

// The configuration of the model: what follows from the data, then what the user gave.
void declare_model(Options& options, TrainRequest& request, const Set& data) {
  request.start = options.text(
      "start", "", "FILE", "begin with this model: its operator, options, normalisers, weights");
  if (!request.start.empty()) {
    for (const char* const name : {"model", "normalise_input", "normalise_output"})
      if (!Options::peek(name).empty())
        options.fail("option -" + std::string(name) + ": -start FILE says it already");
    return;
  }
  request.model = options.choice("model", "fno", operator_names(), "operator to train");
  // For help without data; of a Fusion-DeepONet's channels some are coordinates.
  const Shape x =
      data ? data->x_shape() : Shape{64, 64, request.model == "fusion_deeponet" ? 4 : 1};
  const Shape y = data ? data->y_shape() : Shape{64, 64, 1};
  const nlohmann::json given =
      configuration(options, request.model + "_", "Model " + request.model, [&] {
        return make_operator<float>(request.model, suggest_configuration(request.model, x, y))
            ->configuration();
      });
  request.configuration = suggest_configuration(request.model, x, y, given);
  request.configuration.update(given);
  attempt(options, [&] {
    const auto op = make_operator<float>(request.model, request.configuration);
    if (!data) return;
    const Shape field =
        with_samples(1, samples_for(request.model, op->configuration(), data)->x_shape());
    op->check_inputs(std::span(&field, 1));
  });
}

NormaliserFit<float>::Kind normaliser_kind(const std::string& name) {
  using Kind = NormaliserFit<float>::Kind;
  return name == "point" ? Kind::point : Kind::channel;
}

// Of the training data; nothing if validation data have a file of their own.
std::optional<double> validation_share(const TrainRequest& request) {
  double share = 0;
  const char* const end = request.validation.data() + request.validation.size();
  const auto [last, code] = std::from_chars(request.validation.data(), end, share);
  if (code != std::errc() || last != end) return std::nullopt;
  return share;
}

TrainData<float> open_sets(const TrainRequest& request, const Set& file, const Communicator& comm) {
  TrainData<float> sets;
  const auto samples = [&](const Set& set) {
    return samples_for(request.model, request.configuration, set);
  };
  const auto data = samples(file);
  if (const auto share = validation_share(request)) {
    NOPAL_CHECK(*share >= 0 && *share < 1,
                "option -validation: expected a file or a share in [0, 1), got ",
                request.validation);
    try {
      std::tie(sets.training, sets.validation) = validation_split<float>(data, *share);
    } catch (const Error& error) {
      NOPAL_CHECK(false, "option -validation ", request.validation, ": ", error.what());
    }
  } else {
    sets.training = data;
    sets.validation = samples(open_data(request.validation, comm, request.cache_bytes));
  }
  for (const std::string& test : request.tests)
    sets.evaluation.emplace_back(stem(test), samples(open_data(test, comm)));
  return sets;
}

void check_files(const Options& options, const TrainRequest& request) {
  std::vector<NamedPath> inputs = {{"-data", request.data}};
  if (!request.start.empty()) inputs.push_back({"-start", request.start});
  if (!validation_share(request)) inputs.push_back({"-validation", request.validation});
  for (const std::string& file : request.tests)
    inputs.push_back({"-test", file});
  options.check_files(inputs, {{"-out", request.out},
                               {"-checkpoint", request.options.checkpoint},
                               {"-history_file", request.options.history},
                               {"-curve", request.curve}});
}

volatile std::sig_atomic_t stop_requested = 0;

void request_stop(int number) {
  stop_requested = number;
}

// With a checkpoint, an interrupted run ends in order: the next one goes on with -resume.
void watch_signals(TrainOptions& options) {
  if (options.checkpoint.empty()) return;
  handle_signals({SIGINT, SIGTERM}, request_stop);
  options.stop = [] { return stop_requested != 0; };
}

// Of inputs and outputs; frames that are fed back have one for all.
std::pair<Normaliser<float>, Normaliser<float>> normalisers(const TrainRequest& request,
                                                            const Operator<float>& op,
                                                            const Dataset<float>& training,
                                                            const Communicator& comm) {
  const bool scaled_input = request.normalise_input != "none";
  const bool scaled_output = request.normalise_output != "none";
  if (request.model == "rollout") {
    NOPAL_CHECK(
        request.normalise_input == request.normalise_output && request.normalise_input != "point",
        "-model rollout feeds outputs back: take channel for both -normalise_input and ",
        "-normalise_output, or none for both");
    if (!scaled_input) return {};
    return fit_frames(training, RolloutOptions::from_json(op.configuration()), comm);
  }
  std::pair<Normaliser<float>, Normaliser<float>> result;
  if (scaled_input)
    result.first = fit_inputs(training, normaliser_kind(request.normalise_input), comm);
  if (scaled_output)
    result.second = fit_outputs(training, normaliser_kind(request.normalise_output), comm);
  return result;
}

// Weights of modes that the grid does not have never act.
void note_modes(const TrainRequest& request, const Shape& x, const Communicator& comm) {
  if (request.model != "fno" || comm.rank() > 0) return;
  const auto modes = request.configuration.at("n_modes").get<std::vector<std::int64_t>>();
  for (std::size_t a = 0; a < modes.size(); ++a)
    if (const std::int64_t points = x[static_cast<int>(a)]; modes[a] > points)
      std::printf(
          "note: -fno_n_modes asks for %lld modes along axis %zu, whose %lld points have as "
          "many; the others' weights do nothing here\n",
          static_cast<long long>(modes[a]), a + 1, static_cast<long long>(points));
}

// A new one, its normalisers fitted.
Model<float> make_model(const TrainRequest& request, const Dataset<float>& training,
                        const Communicator& comm) {
  auto op = make_operator<float>(request.model, request.configuration, request.seed);
  NOPAL_CHECK(!op->configuration().value("mask", false) ||
                  (request.normalise_input == "none" && request.normalise_output == "none"),
              "-model ", request.model, ": the mask in the last channel of the inputs must stay 0 ",
              "and 1, and outputs 0 outside; take -normalise_input none -normalise_output none");
  note_modes(request, training.x_shape(), comm);
  const auto [input, output] = normalisers(request, *op, training, comm);
  return Model<float>(std::move(op), input, output);
}

void record_provenance(Model<float>& model, const TrainRequest& request, const Set& data,
                       const TrainResult<float>& result) {
  auto& provenance = model.provenance();
  for (const auto& [key, value] : data->attributes())
    provenance["data." + key] = value;
  provenance["data"] = request.data;
  provenance["samples"] = std::to_string(data->size());
  provenance["grid"] = grid_text(data->x_shape());
  provenance["seed"] = std::to_string(request.seed);
  provenance["epochs"] = std::to_string(result.epochs);
  provenance["best_epoch"] = std::to_string(result.best_epoch);
  char error[32];
  std::snprintf(error, sizeof error, "%.6g", result.best_error);
  provenance["validation_relative_l2"] = error;
}

}  // namespace

int train_command(Options& options, const Communicator& comm) {
  if (Options::peek("model") == "direction_net") return train_direction_command(options, comm);
  if (Options::peek("model") == "multigrid") return train_multigrid_command(options, comm);
  TrainRequest request;
  declare_files(options, request);
  Set data;
  if (!options.help_requested() && !request.data.empty())
    attempt(options, [&] { data = open_data(request.data, comm, request.cache_bytes); });
  declare_model(options, request, data);
  declare_training(options, request);
  options.note(
      "-model multigrid trains a preconditioner and needs no data: its options are those of\n"
      "nopal train -model multigrid -help; so does -model direction_net");
  if (!options.ready()) return 0;

  check_files(options, request);
  std::optional<Model<float>> start;
  if (!request.start.empty()) {
    start = Model<float>::load(request.start, comm);
    request.model = start->op().name();
    request.configuration = start->op().configuration();
  }
  const TrainData<float> sets = open_sets(request, data, comm);
  TrainOptions& t = request.options;
  const bool speaks = comm.rank() == 0;
  // mpiexec gives a rank a terminal of its own for stdout, even if the user has sent it to a file;
  // stderr tells.
  if (speaks && ::isatty(STDOUT_FILENO) && ::isatty(STDERR_FILENO)) {
    t.live = [](const std::string& line) {
      std::printf("\r%s\033[K", line.c_str()), std::fflush(stdout);
    };
    t.progress = [](const std::string& line) { std::printf("\r%s\033[K\n", line.c_str()); };
  }
  watch_signals(t);

  Model<float> model = start ? std::move(*start) : make_model(request, *sets.training, comm);
  const Shape output = output_shape(model.op(), *sets.training, comm);
  const Shape expected = sets.training->y_shape();
  NOPAL_CHECK(output == expected, "-model ", request.model, " gives outputs of shape ", output,
              ", those of -data ", request.data, " have shape ", expected,
              "; see the options of the model");
  if (speaks)
    std::printf("%s with %lld parameters, %lld samples on %s, %d rank%s\n", request.model.c_str(),
                static_cast<long long>(count(model.op().parameters())),
                static_cast<long long>(sets.training->size()), grid_text(data->x_shape()).c_str(),
                comm.size(), comm.size() == 1 ? "" : "s");
  const TrainResult<float> result = request.model == "boosted" ? train_boosted(model, sets, t, comm)
                                                               : train(model, sets, t, comm);
  if (result.interrupted) {
    if (speaks)
      std::printf("interrupted in epoch %lld; go on with -resume -checkpoint %s\n",
                  static_cast<long long>(result.epochs + 1), t.checkpoint.c_str());
    // As a shell reports a program that a signal ended; the one of rank 0 counts.
    return 128 + static_cast<int>(comm.max(speaks ? stop_requested : 0));
  }
  record_provenance(model, request, data, result);
  model.save(request.out, comm);
  if (!request.curve.empty())
    comm.together([&] {
      if (speaks) draw_learning_curve(request.curve, result.history, sets, t.boundary);
    });
  if (speaks)
    std::printf("%s: best epoch %lld of %lld, %s %.4f\n", request.out.c_str(),
                static_cast<long long>(result.best_epoch), static_cast<long long>(result.epochs),
                sets.validation ? "relative L2 error on the validation data" : "training loss",
                result.best_error);
  return 0;
}

}  // namespace nopal::tools
