// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/random.hpp>
#include <nopal/data/sample_buffer.hpp>
#include <nopal/io/json_text.hpp>
#include <nopal/io/option_reader.hpp>
#include <nopal/train/online_trainer.hpp>
#include <nopal/train/optimizer.hpp>

#include "data/dataset_checks.hpp"
#include "train/batch_gradients.hpp"
#include "train/distributed_optimizer.hpp"

#include <cmath>
#include <limits>
#include <optional>

namespace nopal {
namespace {

using Json = nlohmann::json;

const std::string optimizer_prefix = "checkpoint.optimizer.";
constexpr const char* state_name = "online";
constexpr int state_version = 1;

}  // namespace

OnlineOptions OnlineOptions::from_json(const Json& json) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  OnlineOptions o;
  // What is left of an object after its options of another kind.
  Json plain = json;
  if (plain.is_object() && plain.contains("optimizer_options")) {
    o.optimizer_options = plain["optimizer_options"];
    plain.erase("optimizer_options");
  }
  OptionReader read(plain, "online training");
  read("batch", o.batch, 1);
  read("capacity", o.capacity, 1);
  read.choice("keep", o.keep, {"uniform", "newest"});
  read("warm_up", o.warm_up, 1);
  read("normalise", o.normalise);
  auto seed = static_cast<std::int64_t>(o.seed);
  read("seed", seed, 0);
  o.seed = static_cast<std::uint64_t>(seed);
  read.choice("loss", o.loss, loss_names());
  read.choice("boundary", o.boundary, {"periodic", "one_sided"});
  read("optimizer", o.optimizer);
  read("learning_rate", o.learning_rate, std::numeric_limits<double>::min(), infinity);
  read("clip_norm", o.clip_norm, 0, infinity);
  read.finish();
  return o;
}

Json OnlineOptions::to_json() const {
  return {{"batch", batch},         {"capacity", capacity},
          {"keep", keep},           {"warm_up", warm_up},
          {"normalise", normalise}, {"seed", seed},
          {"loss", loss},           {"boundary", boundary},
          {"optimizer", optimizer}, {"optimizer_options", optimizer_options},
          {"clip_norm", clip_norm}, {"learning_rate", learning_rate}};
}

template <class T>
struct OnlineTrainer<T>::Implementation {
  Implementation(Model<T>& trained, const Grid& points, const OnlineOptions& given)
      : model(trained),
        grid(points),
        comm(points.comm()),
        groups(comm, comm.size()),
        options(OnlineOptions::from_json(given.to_json())),
        optimizer(trained.op().parameters(),
                  make_optimizer<T>(options.optimizer, options.optimizer_options), comm),
        norm(FieldNorm<T>::l2().on(groups.divided() ? grid : Grid())) {
    NOPAL_CHECK(!groups.divided() || !model.op().grid_rules().empty(), model.op().name(),
                " works on whole fields only: they cannot be divided among ", comm.size(),
                " ranks");
    NOPAL_CHECK(optimizer.local().separable(), "online training: ", options.optimizer,
                " needs the same samples in many evaluations of a step; take adamw, sgd or lion");
    train_options.batch = options.batch;
    train_options.loss = options.loss;
    train_options.boundary =
        options.boundary == "periodic" ? Boundary::periodic : Boundary::one_sided;
    for (const auto& [name, value] : state_tensors(model.op()))
      comm.broadcast(value);
  }

  // Collective: the shapes and numbers of a sample, and that the model takes it.
  void check(const Tensor<T>& x, const Tensor<T>& y) const {
    comm.together([&] {
      const Box box = grid.box();
      NOPAL_CHECK(x.rank() == grid.dimension() + 2 && y.rank() == x.rank() &&
                      x.shape() == box.field(1, x.extent(-1)) &&
                      y.shape() == box.field(1, y.extent(-1)),
                  "online training: expected a sample on the box ", box.field(1, 1),
                  " of this rank, channels last, got x ", x.shape(), " and y ", y.shape());
      const Shape whole = Box::whole(grid.extents()).field(1, x.extent(-1));
      model.op().check_inputs(std::span(&whole, 1));
      NOPAL_CHECK(!buffer || (x.shape() == detail::with_samples(1, buffer->x_shape()) &&
                              y.shape() == detail::with_samples(1, buffer->y_shape())),
                  "online training: the samples before had other channels than x ", x.shape(),
                  " and y ", y.shape());
      for (const auto& [side, field] : {std::pair("x", &x), std::pair("y", &y)})
        NOPAL_CHECK(all_finite(*field), "online training: ", side, " of the sample after ", seen(),
                    " others has a number that is not finite; the sample was left out");
    });
  }

  std::int64_t seen() const { return buffer ? buffer->seen() : 0; }

  Tensor<T> predict(const Tensor<T>& x) const {
    return groups.divided() ? model.predict(x, grid) : model.predict(x);
  }

  void begin() {
    // A training that goes on has its normalisers.
    const std::int64_t needed = restored ? 1 : options.warm_up;
    NOPAL_CHECK(seen() >= needed, "online training: the first step",
                restored ? " after a restart" : "", " comes after ", needed,
                needed == 1 ? " sample" : " samples",
                restored ? ", which a restart file does not hold" : " (option warm_up)",
                ", here are ", seen());
    if (options.normalise && !restored && model.input_normaliser().identity() &&
        model.output_normaliser().identity()) {
      NormaliserFit<T> inputs, outputs;
      for (std::int64_t i = 0; i < buffer->size(); ++i) {
        const Tensor<T> x(detail::with_samples(1, buffer->x_shape()));
        const Tensor<T> y(detail::with_samples(1, buffer->y_shape()));
        buffer->read(std::span(&i, 1), x, y);
        if (x.size() == 0) continue;
        inputs.add(x);
        outputs.add(y);
      }
      model.set_normalisers(inputs.finish(comm), outputs.finish(comm));
    }
    gradients.emplace(model, buffer, groups.divided() ? grid : Grid(), train_options,
                      LossFunction<T>(), groups);
    model.set_training_grid(grid.extents());
  }

  double step() {
    const std::int64_t size = buffer->size(), count = std::min(options.batch, size);
    // Stream 0 says which samples are kept.
    const std::vector<std::int64_t> order =
        Random(options.seed, static_cast<std::uint64_t>(steps) + 1).permutation(size);
    optimizer.prepare();
    double loss = (*gradients)(std::span(order).first(static_cast<std::size_t>(count)),
                               {.seed = options.seed, .index = steps});
    optimizer.sum_gradients(std::span(&loss, 1));
    NOPAL_CHECK(std::isfinite(loss), "online training: the loss of step ", steps + 1, " is ", loss,
                "; the parameters are those of the step before. Try a smaller learning_rate than ",
                options.learning_rate, " or clip_norm");
    optimizer.clip(0, options.clip_norm);
    optimizer.step(options.learning_rate);
    ++steps;
    return loss;
  }

  void restore(const std::string& path);

  Model<T>& model;
  Grid grid;
  Communicator comm;
  RankGroups groups;
  OnlineOptions options;
  TrainOptions train_options;
  detail::DistributedOptimizer<T> optimizer;
  FieldNorm<T> norm;
  std::shared_ptr<SampleBuffer<T>> buffer;
  std::optional<detail::BatchGradients<T>> gradients;  // from the first step on
  std::int64_t steps = 0, samples_before = 0;          // samples that a restored training saw
  bool restored = false;
};

template <class T>
OnlineTrainer<T>::OnlineTrainer(Model<T>& model, const Grid& grid, const OnlineOptions& options)
    : implementation_(std::make_unique<Implementation>(model, grid, options)) {}

template <class T>
OnlineTrainer<T>::~OnlineTrainer() = default;

template <class T>
void OnlineTrainer<T>::add(const Tensor<T>& x, const Tensor<T>& y) {
  Implementation& i = *implementation_;
  i.check(x, y);
  if (!i.buffer)
    i.buffer = std::make_shared<SampleBuffer<T>>(
        Shape(x.shape().begin() + 1, x.shape().end()),
        Shape(y.shape().begin() + 1, y.shape().end()), i.options.capacity,
        i.options.keep == "newest" ? SampleBuffer<T>::Keep::newest : SampleBuffer<T>::Keep::uniform,
        i.options.seed);
  i.buffer->add(x, y);
}

template <class T>
double OnlineTrainer<T>::error(const Tensor<T>& x, const Tensor<T>& y) const {
  implementation_->check(x, y);
  const double error =
      relative_errors(implementation_->predict(x), y, implementation_->norm).front();
  NOPAL_CHECK(std::isfinite(error), "online training: the error is ", error,
              ": the model's output is not finite, or numbers are too large to be squared");
  return error;
}

template <class T>
double OnlineTrainer<T>::step(std::int64_t steps) {
  Implementation& i = *implementation_;
  NOPAL_CHECK(steps > 0, "online training: expected at least 1 step, got ", steps);
  if (!i.gradients) i.begin();
  double sum = 0;
  for (std::int64_t s = 0; s < steps; ++s)
    sum += i.step();
  return sum / static_cast<double>(steps);
}

template <class T>
std::int64_t OnlineTrainer<T>::samples() const noexcept {
  return implementation_->samples_before + implementation_->seen();
}

template <class T>
std::int64_t OnlineTrainer<T>::steps() const noexcept {
  return implementation_->steps;
}

template <class T>
double OnlineTrainer<T>::learning_rate() const noexcept {
  return implementation_->options.learning_rate;
}

template <class T>
void OnlineTrainer<T>::set_learning_rate(double rate) {
  NOPAL_CHECK(rate > 0 && std::isfinite(rate), "online training: expected a positive learning ",
              "rate, got ", rate);
  implementation_->options.learning_rate = rate;
}

template <class T>
void OnlineTrainer<T>::save(const std::string& path) const {
  Implementation& i = *implementation_;
  const auto state = i.optimizer.state();
  i.comm.together([&] {
    if (i.comm.rank() > 0) return;
    SafetensorsFile file = i.model.to_file();
    for (const auto& [name, tensor] : state)
      file.tensors[optimizer_prefix + name] = FileTensor::from_tensor(tensor);
    file.metadata["training_data"] = "samples of a running simulation";
    file.metadata["training_samples"] = std::to_string(samples());
    file.metadata["seed"] = std::to_string(i.options.seed);
    file.metadata["steps"] = std::to_string(i.steps);
    file.metadata[state_name] =
        json_text(Json{{"version", state_version},
                       {"precision", sizeof(T) == 4 ? "float" : "double"},
                       {"steps", i.steps},
                       {"samples", samples()},
                       {"learning_rate", i.options.learning_rate},
                       {"optimizer", i.options.optimizer},
                       {"optimizer_options", i.optimizer.local().configuration()}});
    write_safetensors(path, file);
  });
}

template <class T>
void OnlineTrainer<T>::Implementation::restore(const std::string& path) {
  const SafetensorsFile file = load_safetensors(path, comm);
  const auto entry = file.metadata.find(state_name);
  NOPAL_CHECK(entry != file.metadata.end(), path, ": not a file of an online training; to begin ",
              "with the weights of a model, load it before the trainer is made");
  const Json state = Json::parse(entry->second, nullptr, false);
  const std::string precision = sizeof(T) == 4 ? "float" : "double";
  const auto is = [&](const char* key, const Json& value) {
    NOPAL_CHECK(state.is_object() && state.contains(key) && state[key] == value, path,
                ": cannot go on, ", key, " is ",
                state.is_object() && state.contains(key) ? json_text(state[key]) : "absent",
                " there, ", json_text(value), " here");
  };
  is("version", state_version);
  is("precision", precision);
  is("optimizer", options.optimizer);
  is("optimizer_options", optimizer.local().configuration());
  Model<T> stored = Model<T>::from_file(file, path);
  NOPAL_CHECK(stored.op().name() == model.op().name() &&
                  stored.op().configuration() == model.op().configuration(),
              path, ": cannot go on, it holds another operator: ", stored.op().name(), " ",
              json_text(stored.op().configuration()));
  for (const char* key : {"steps", "samples"})
    NOPAL_CHECK(state.contains(key) && state[key].is_number_integer() && state[key] >= 0, path,
                ": damaged, no number of ", key);
  const double rate =
      state.value("learning_rate", Json()).is_number() ? state["learning_rate"].get<double>() : 0;
  NOPAL_CHECK(rate > 0 && std::isfinite(rate), path, ": damaged, no learning_rate");
  std::map<std::string, Tensor<T>> tensors;
  const auto expected = optimizer.state();
  for (const auto& [name, tensor] : file.tensors)
    if (name.starts_with(optimizer_prefix))
      tensors[name.substr(optimizer_prefix.size())] = tensor.template to_tensor<T>();
  // Before the first step there is none.
  for (const auto& [name, tensor] : expected)
    NOPAL_CHECK(tensors.contains(name) && tensors[name].size() == tensor.size(), path,
                ": damaged, the optimiser's ", name, " is absent or of another size");
  optimizer.restore(tensors);
  const auto from = state_tensors(stored.op()), to = state_tensors(model.op());
  for (std::size_t t = 0; t < to.size(); ++t)
    to[t].value.copy_from(from[t].value);
  model.set_normalisers(stored.input_normaliser(), stored.output_normaliser());
  options.learning_rate = rate;
  steps = state["steps"];
  samples_before = state["samples"];
  // With the normalisers of the file, if a step was taken.
  restored = steps > 0;
  gradients.reset();
}

template <class T>
void OnlineTrainer<T>::restore(const std::string& path) {
  implementation_->restore(path);
}

template class OnlineTrainer<float>;
template class OnlineTrainer<double>;

}  // namespace nopal
