// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/gradient_sum.hpp>
#include <nopal/train/optimizer.hpp>

#include <memory>
#include <span>

namespace nopal::detail {

/// An optimizer whose gradients are sums over ranks.
///
/// Each rank updates the part of the parameters that it owns in GradientSum, with the state for
/// that part only, and hands the new values to the others: all ranks have the same bits, and the
/// work and memory of the update are shared. Methods that are not separable (L-BFGS) get the whole
/// gradient on every rank. One rank works on the parameters as they are. All functions are
/// collective.
template <class T>
class DistributedOptimizer {
 public:
  DistributedOptimizer(const Parameters<T>& parameters, std::unique_ptr<Optimizer<T>> optimizer,
                       const Communicator& comm, int ranks_per_node = 0);

  Optimizer<T>& local() { return *optimizer_; }

  /// To be called before the gradients of a step are made, after the last step(): they are then
  /// made where sum_gradients() wants them. Without it they are copied there.
  void prepare();

  /// Sums the gradients in the parameters over the ranks and takes them out of there; so are the
  /// `numbers` summed, with the same bits on all ranks.
  void sum_gradients(std::span<double> numbers);

  /// Limits the entries of the summed gradient to [-value, value], then its norm (0: no limit).
  void clip(double value, double norm);

  /// Updates the parameters on all ranks. `evaluate` must call sum_gradients().
  void step(double learning_rate, const std::function<double()>& evaluate = {});

  /// The whole state, equal on all ranks and for any number of ranks, as Optimizer::state().
  std::map<std::string, Tensor<T>> state() const;
  void restore(const std::map<std::string, Tensor<T>>& state);

 private:
  // Where a parameter lies in the flat vector.
  struct Place {
    Parameter<T>* parameter;
    std::int64_t first, size;
  };
  template <class Action>
  void for_each_in(Slab slab, const Action& action) const;

  std::unique_ptr<Optimizer<T>> optimizer_;
  Communicator comm_;
  std::vector<Place> places_;
  std::unique_ptr<GradientSum<T>> sum_;  // null on one rank
  std::vector<Parameter<T>> pieces_;     // my part of each parameter, with gradients in the sum
  Parameters<T> update_;                 // what the local optimizer works on
};

}  // namespace nopal::detail
