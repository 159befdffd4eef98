// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/grid.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/train/losses.hpp>

#include <nlohmann/json.hpp>

#include <memory>
#include <string>

namespace nopal {

/// How to train from a running simulation. The same on all ranks; in JSON named as here.
struct OnlineOptions {
  std::int64_t batch = 8;        ///< samples of a step, drawn without repetition from those kept
  std::int64_t capacity = 256;   ///< samples kept, see SampleBuffer; each rank has its box of them
  std::string keep = "uniform";  ///< which: "uniform" of all that came, "newest"
  std::int64_t warm_up = 8;      ///< samples that must have come before the first step
  bool normalise = true;         ///< see OnlineTrainer
  std::uint64_t seed = 0;        ///< of what is kept and drawn, and of dropout
  std::string loss = "l2";       ///< see make_loss()
  std::string boundary = "periodic";  ///< of the differences of the H1 loss, or "one_sided"
  std::string optimizer = "adamw";    ///< see make_optimizer()
  nlohmann::json optimizer_options = nlohmann::json::object();
  double learning_rate = 1e-3;
  double clip_norm = 0;  ///< limit of the gradient's Euclidean norm; 0: none

  /// Error for unknown options, naming the nearest, and for values that make no sense.
  static OnlineOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;
};

/// Trains a model on samples as a simulation makes them, with the fields divided among ranks as
/// the simulation has them (in situ).
///
///     OnlineTrainer<double> trainer(model, grid, options);
///     for (...) {                     // the simulation's time loop
///       trainer.add(x, y);            // this rank's box of input and output
///       const double loss = trainer.step(4);
///     }
///     trainer.save("flow.safetensors");
///
/// Each step draws a batch of the samples kept and moves the parameters once. A model without
/// normalisers gets those per channel of the samples that are kept when the first step is taken,
/// which then stay: training data only, and a fixed problem for the optimiser. Any number of ranks
/// gives the same result to rounding, and the same number the same bits.
///
/// All functions but the numbers are collective over the grid's communicator, and errors are the
/// same on all ranks. The model must outlive the trainer.
template <class T>
class OnlineTrainer {
 public:
  /// `grid`: the points of all ranks, with the rules of the operator. Error if the operator cannot
  /// work on fields that are divided so, or for options as OnlineOptions::from_json().
  OnlineTrainer(Model<T>& model, const Grid& grid, const OnlineOptions& options = {});
  ~OnlineTrainer();

  /// Takes a copy of a sample in physical units: x (1, n1, ..., nd, Cin) and y (1, n1, ..., nd,
  /// Cout) on this rank's box. Error if a number is not finite: the sample is then left out.
  void add(const Tensor<T>& x, const Tensor<T>& y);

  /// The relative L2 error of the model on a sample that need not have been added: before add() it
  /// is an error on what training has not seen.
  double error(const Tensor<T>& x, const Tensor<T>& y) const;

  /// That many steps; their mean loss. Error before `warm_up` samples have come; Error that names
  /// the step for a loss that is not finite, with the parameters of the step before.
  double step(std::int64_t steps = 1);

  std::int64_t samples() const noexcept;  ///< that came
  std::int64_t steps() const noexcept;    ///< that were taken

  double learning_rate() const noexcept;
  void set_learning_rate(double rate);  ///< of the steps to come. Error unless positive.

  /// Writes the model with the state of the optimiser, atomically; Model::load() and restore()
  /// read it. The samples are not in it.
  void save(const std::string& path) const;

  /// Puts parameters, normalisers, optimiser and learning rate as save() wrote them back, and
  /// counts on; the other options stay. The samples come anew, and steps from the first one on, as
  /// the normalisers are there. Error, and nothing is changed, if the file is of another model or
  /// optimiser.
  void restore(const std::string& path);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace nopal
