// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/autograd/variable.hpp>

namespace nopal {
namespace {

template <class T>
Tape<T>*& active_tape() {
  thread_local Tape<T>* tape = nullptr;
  return tape;
}

}  // namespace

template <class T>
Tape<T>::Tape() {
  NOPAL_CHECK(active_tape<T>() == nullptr, "a Tape is already active on this thread");
  active_tape<T>() = this;
}

template <class T>
Tape<T>::~Tape() {
  active_tape<T>() = nullptr;
}

template <class T>
TapePause<T>::TapePause() noexcept : paused_(active_tape<T>()) {
  active_tape<T>() = nullptr;
}

template <class T>
TapePause<T>::~TapePause() {
  active_tape<T>() = paused_;
}

template <class T>
Tape<T>* Tape<T>::active() noexcept {
  return active_tape<T>();
}

template <class T>
void Tape<T>::backward(const Variable<T>& loss, T seed) {
  NOPAL_CHECK(loss.value().size() == 1, "backward() without a seed needs one number, got shape ",
              loss.shape());
  Tensor<T> one(loss.shape());
  one.fill(seed);
  backward(loss, one);
}

template <class T>
void Tape<T>::backward(const Variable<T>& output, const Tensor<T>& seed) {
  NOPAL_CHECK(output.requires_gradient(),
              "backward() of a value that does not depend on any parameter");
  NOPAL_CHECK(output.value().size() == seed.size(), "the seed of shape ", seed.shape(),
              " does not match the output of shape ", output.shape());
  output.accumulate(seed.clone());
  // Adjoints must not record: take the tape away while they run.
  active_tape<T>() = nullptr;
  try {
    while (!nodes_.empty()) {
      const std::shared_ptr<detail::Node<T>> node = std::move(nodes_.back());
      nodes_.pop_back();
      if (node->gradient.defined() && node->backward) node->backward(node->gradient);
      // What this node kept is not needed any more; free it now to keep the peak low.
      node->backward = nullptr;
      node->gradient = Tensor<T>();
    }
  } catch (...) {
    active_tape<T>() = this;
    throw;
  }
  active_tape<T>() = this;
}

template <class T>
Variable<T> Variable<T>::leaf(Tensor<T> value) {
  Variable result(std::move(value));
  result.node_ = std::make_shared<detail::Node<T>>();
  return result;
}

template <class T>
const Tensor<T>& Variable<T>::gradient() const {
  NOPAL_CHECK(node_ != nullptr, "gradient() of a constant");
  return node_->gradient;
}

template <class T>
void Variable<T>::clear_gradient() const {
  if (node_) node_->gradient = Tensor<T>();
}

template <class T>
void Variable<T>::set_gradient_memory(const Tensor<T>& memory) const {
  NOPAL_CHECK(node_ != nullptr, "set_gradient_memory() of a constant");
  NOPAL_CHECK(!memory.defined() || memory.size() == value_.size(), "gradient memory of shape ",
              memory.shape(), " for a value of shape ", value_.shape());
  node_->memory = memory.defined() ? memory.reshape(value_.shape()) : memory;
}

template <class T>
typename Variable<T>::Slot Variable<T>::gradient_slot() const {
  NOPAL_CHECK(node_ != nullptr, "gradient_slot() of a constant");
  if (node_->gradient.defined()) return {node_->gradient, T(1)};
  node_->gradient = node_->memory.defined() ? node_->memory : Tensor<T>(value_.shape());
  return {node_->gradient, T(0)};
}

namespace {

template <class T>
void accumulate_in(detail::Node<T>& node, Tensor<T> contribution) {
  if (node.gradient.defined()) {
    axpy(T(1), contribution, node.gradient);
  } else if (node.memory.defined()) {
    node.gradient = node.memory;
    node.gradient.copy_from(contribution);
  } else {
    node.gradient = std::move(contribution);
  }
}

}  // namespace

template <class T>
void Variable<T>::accumulate(Tensor<T> contribution) const {
  NOPAL_CHECK(node_ != nullptr, "accumulate() on a constant");
  NOPAL_CHECK(contribution.size() == value_.size(), "gradient of shape ", contribution.shape(),
              " for a value of shape ", value_.shape());
  accumulate_in(*node_, contribution.reshape(value_.shape()));
}

template <class T>
std::function<void(Tensor<T>)> Variable<T>::gradient_sink() const {
  NOPAL_CHECK(node_ != nullptr, "gradient_sink() of a constant");
  return [node = node_, shape = value_.shape()](Tensor<T> contribution) {
    NOPAL_CHECK(contribution.shape() == shape, "gradient of shape ", contribution.shape(),
                " for a value of shape ", shape);
    accumulate_in(*node, std::move(contribution));
  };
}

template <class T>
Variable<T> record(Tensor<T> value, std::function<void(const Tensor<T>& gradient)> backward) {
  Tape<T>* tape = Tape<T>::active();
  NOPAL_CHECK(tape != nullptr, "record() without an active Tape; test needs_record() first");
  Variable<T> result(std::move(value));
  result.node_ = std::make_shared<detail::Node<T>>();
  result.node_->backward = std::move(backward);
  tape->nodes_.push_back(result.node_);
  return result;
}

template <class T>
std::int64_t count(const Parameters<T>& parameters) {
  std::int64_t total = 0;
  for (const Parameter<T>* parameter : parameters)
    total += parameter->value().size();
  return total;
}

#define NOPAL_INSTANTIATE(T)                                                        \
  template class TapePause<T>;                                                      \
  template class Tape<T>;                                                           \
  template class Variable<T>;                                                       \
  template Variable<T> record<T>(Tensor<T>, std::function<void(const Tensor<T>&)>); \
  template std::int64_t count<T>(const Parameters<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
