// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace nopal {

template <class T>
class Variable;

namespace detail {

/// What the tape knows about one value: its gradient and how to pass it on.
template <class T>
struct Node {
  Tensor<T> gradient;  ///< undefined until something flows in
  Tensor<T> memory;    ///< where to put it; undefined: anywhere
  std::function<void(const Tensor<T>& gradient)> backward;
};

}  // namespace detail

/// Reverse-mode differentiation over coarse operations (a layer is one node, not a scalar).
///
/// While a Tape exists, the primitives of nn/ record how to propagate gradients; `backward()` then
/// walks the records in reverse order. Without one they compute values only: inference makes no
/// nodes and allocates nothing after the first call. One tape a thread at a time.
///
///     Tape<float> tape;
///     Variable<float> loss = relative_l2(model.forward(x), y);
///     tape.backward(loss);                 // parameters' gradients are now set
template <class T>
class Tape {
 public:
  Tape();
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// The tape of this thread, or null: then nothing is recorded.
  static Tape* active() noexcept;

  /// Adds d(seed * loss)/dp to the gradient of every leaf p that requires one, then empties the
  /// tape. `loss` must have one entry.
  void backward(const Variable<T>& loss, T seed = T(1));

  /// The same for a tensor-valued output: adds d(sum(output * seed))/dp.
  void backward(const Variable<T>& output, const Tensor<T>& seed);

  /// Number of records, for tests.
  std::size_t size() const noexcept { return nodes_.size(); }

 private:
  friend class Variable<T>;
  template <class U>
  friend Variable<U> record(Tensor<U>, std::function<void(const Tensor<U>&)>);

  std::vector<std::shared_ptr<detail::Node<T>>> nodes_;
};

/// While it lives, the tape of this thread records nothing: for what a loss computes beside itself,
/// such as data of the next steps.
template <class T>
class TapePause {
 public:
  TapePause() noexcept;
  ~TapePause();
  TapePause(const TapePause&) = delete;
  TapePause& operator=(const TapePause&) = delete;

 private:
  Tape<T>* paused_;
};

/// A tensor that may take part in differentiation. A handle: copies share value and gradient.
template <class T>
class Variable {
 public:
  Variable() = default;

  /// A constant.
  Variable(Tensor<T> value) : value_(std::move(value)) {}  // NOLINT: a tensor is a constant

  /// A leaf whose gradient is accumulated by Tape::backward().
  static Variable leaf(Tensor<T> value);

  const Tensor<T>& value() const noexcept { return value_; }
  const Shape& shape() const noexcept { return value_.shape(); }
  bool requires_gradient() const noexcept { return node_ != nullptr; }

  /// The gradient so far; undefined tensor if nothing flowed in.
  const Tensor<T>& gradient() const;

  /// Forgets the gradient; its memory goes back to the allocator.
  void clear_gradient() const;

  /// The next gradients of this leaf are made in `memory`, a tensor of its size, instead of in
  /// memory of their own: who collects them needs no copy. An undefined tensor ends that.
  void set_gradient_memory(const Tensor<T>& memory) const;

  /// For adjoints that write straight into the gradient: returns its buffer and beta, the factor
  /// that the old contents enter with (0: undefined, overwrite; 1: add), as in gemm().
  struct Slot {
    Tensor<T> buffer;
    T beta;
  };
  Slot gradient_slot() const;

  /// Adds `contribution` to the gradient, taking over its memory if this is the first one. The
  /// caller must not use `contribution` afterwards.
  void accumulate(Tensor<T> contribution) const;

  /// accumulate() as a function that does not keep the value of this variable.
  std::function<void(Tensor<T>)> gradient_sink() const;

 private:
  friend class Tape<T>;
  template <class U>
  friend Variable<U> record(Tensor<U>, std::function<void(const Tensor<U>&)>);

  Tensor<T> value_;
  std::shared_ptr<detail::Node<T>> node_;
};

/// True if a tape is active and any of the inputs requires a gradient: then a primitive must call
/// record(), and otherwise may work in place.
template <class T, class... Variables>
bool needs_record(const Variable<T>& first, const Variables&... rest) {
  return Tape<T>::active() != nullptr &&
         (first.requires_gradient() || ... || rest.requires_gradient());
}

/// Makes the result of a primitive: `backward(dy)` gets the gradient of the result and hands on
/// gradients to the inputs through gradient_slot() or accumulate() for each that
/// requires_gradient(). This is how custom operations (a PETSc MatMult, a KSPSolve) become layers.
/// Call only if needs_record().
template <class T>
Variable<T> record(Tensor<T> value, std::function<void(const Tensor<T>& gradient)> backward);

/// A trainable tensor of a model.
template <class T>
struct Parameter {
  std::string name;         ///< unique in its model, e.g. `fourier.0.spectral.weight`
  Variable<T> variable;     ///< a leaf
  bool is_complex = false;  ///< last axis is (real, imaginary)
  /// The learning rate of this parameter is the optimizer's times this (but for L-BFGS).
  double learning_rate_scale = 1;

  const Tensor<T>& value() const noexcept { return variable.value(); }
  const Tensor<T>& gradient() const { return variable.gradient(); }
};

/// The parameters of a layer or model, in a fixed order. Does not own them.
template <class T>
using Parameters = std::vector<Parameter<T>*>;

/// A tensor of a model under its name, for instance a buffer: one that changes with training but is
/// not trained, such as the running mean of a batch norm.
template <class T>
struct NamedTensor {
  std::string name;  ///< unique in its model
  Tensor<T> value;
};

/// Number of real numbers in the parameters (a complex entry counts as two).
template <class T>
std::int64_t count(const Parameters<T>& parameters);

}  // namespace nopal
