// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/random.hpp>
#include <nopal/nn/initialisation.hpp>

#include <cmath>

namespace nopal {

std::uint64_t parameter_stream(const std::string& name) {
  std::uint64_t hash = 14695981039346656037ull;
  for (const char c : name)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return hash;
}

template <class T>
Parameter<T>& ParameterStore<T>::make(const std::string& name, const Shape& shape) {
  return parameters_.emplace_back(
      Parameter<T>{name, Variable<T>::leaf(Tensor<T>(shape)), /*is_complex=*/false});
}

template <class T>
const Parameter<T>& ParameterStore<T>::uniform(const std::string& name, const Shape& shape,
                                               std::int64_t fan_in) {
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  Parameter<T>& parameter = make(name, shape);
  fill_uniform(parameter.value(), -bound, bound, Random(seed_, parameter_stream(name)));
  return parameter;
}

template <class T>
const Parameter<T>& ParameterStore<T>::normal(const std::string& name, const Shape& shape,
                                              double deviation) {
  Parameter<T>& parameter = make(name, shape);
  fill_normal(parameter.value(), 0, deviation, Random(seed_, parameter_stream(name)));
  return parameter;
}

template <class T>
const Parameter<T>& ParameterStore<T>::constant(const std::string& name, const Shape& shape,
                                                double value) {
  Parameter<T>& parameter = make(name, shape);
  parameter.value().fill(static_cast<T>(value));
  return parameter;
}

template <class T>
void ParameterStore<T>::append_parameters(Parameters<T>& list) {
  for (Parameter<T>& parameter : parameters_)
    list.push_back(&parameter);
}

template <class T>
Tensor<T> ParameterStore<T>::buffer(const std::string& name, const Shape& shape, double value) {
  const Tensor<T> tensor(shape);
  tensor.fill(static_cast<T>(value));
  return buffers_.emplace_back(NamedTensor<T>{name, tensor}).value;
}

template <class T>
Tensor<T> ParameterStore<T>::normal_buffer(const std::string& name, const Shape& shape,
                                           double deviation) {
  Tensor<T> tensor = buffer(name, shape, 0);
  fill_normal(tensor, 0, deviation, Random(seed_, parameter_stream(name)));
  return tensor;
}

template <class T>
void ParameterStore<T>::append_buffers(std::vector<NamedTensor<T>>& list) const {
  list.insert(list.end(), buffers_.begin(), buffers_.end());
}

template class ParameterStore<float>;
template class ParameterStore<double>;

}  // namespace nopal
