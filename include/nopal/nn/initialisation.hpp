// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace nopal {

/// Random stream of a parameter: a hash (FNV-1a) of its name, so that a weight depends on (seed,
/// name) and not on the order in which layers are made.
std::uint64_t parameter_stream(const std::string& name);

/// The parameters and buffers of a layer or operator; addresses of parameters stay valid while more
/// are added.
template <class T>
class ParameterStore {
 public:
  explicit ParameterStore(std::uint64_t seed) : seed_(seed) {}
  ParameterStore(const ParameterStore&) = delete;
  ParameterStore& operator=(const ParameterStore&) = delete;

  /// Uniform in +-1/sqrt(fan_in): the default of PyTorch's linear and convolution layers, weights
  /// and biases alike.
  const Parameter<T>& uniform(const std::string& name, const Shape& shape, std::int64_t fan_in);

  /// Normal with mean 0.
  const Parameter<T>& normal(const std::string& name, const Shape& shape, double deviation);

  const Parameter<T>& constant(const std::string& name, const Shape& shape, double value);

  /// A tensor that is saved with the parameters but not trained.
  Tensor<T> buffer(const std::string& name, const Shape& shape, double value);

  /// The same with random values, normal with mean 0.
  Tensor<T> normal_buffer(const std::string& name, const Shape& shape, double deviation);

  /// Appends all parameters or buffers, in the order of their making.
  void append_parameters(Parameters<T>& list);
  void append_buffers(std::vector<NamedTensor<T>>& list) const;

 private:
  Parameter<T>& make(const std::string& name, const Shape& shape);

  std::uint64_t seed_;
  std::deque<Parameter<T>> parameters_;
  std::vector<NamedTensor<T>> buffers_;
};

}  // namespace nopal
