// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/train/optimizer.hpp>

#include "train/optimizers.hpp"

#include <cmath>

namespace nopal {
namespace detail {

template <class T>
Tensor<T> encode_count(std::uint64_t count) {
  std::vector<T> words(4);
  for (std::size_t i = 0; i < 4; ++i)
    words[i] = static_cast<T>(count >> (16 * i) & 0xffff);
  return Tensor<T>::from_host({4}, words);
}

template <class T>
std::uint64_t decode_count(const Tensor<T>& tensor) {
  NOPAL_CHECK(tensor.size() == 4, "a count in an optimizer state has 4 entries, got shape ",
              tensor.shape());
  const std::vector<T> words = tensor.to_vector();
  std::uint64_t count = 0;
  for (int i = 0; i < 4; ++i) {
    const T word = words[static_cast<std::size_t>(i)];
    NOPAL_CHECK(word >= 0 && word <= 65535 && word == std::floor(word),
                "a count in an optimizer state is made of integers below 65536, got ", word);
    count |= static_cast<std::uint64_t>(word) << (16 * i);
  }
  return count;
}

template <class T>
Tensor<T> gradient_or_zeros(const Parameter<T>& parameter) {
  return parameter.gradient().defined() ? parameter.gradient()
                                        : Tensor<T>::zeros(parameter.value().shape());
}

template <class T>
const Tensor<T>& buffer_for(std::map<std::string, Tensor<T>>& tensors,
                            const Parameter<T>& parameter, std::int64_t size) {
  Tensor<T>& buffer = tensors[parameter.name];
  if (!buffer.defined()) buffer = Tensor<T>::zeros({size});
  NOPAL_CHECK(buffer.size() == size, "the optimizer state of parameter \"", parameter.name,
              "\" has ", buffer.size(), " entries, expected ", size,
              "; it belongs to another model or other options");
  return buffer;
}

template <class T>
void restore_kinds(const std::map<std::string, Tensor<T>>& state, const std::string& optimizer,
                   const std::map<std::string, std::map<std::string, Tensor<T>>*>& kinds,
                   std::uint64_t* step) {
  for (const auto& [kind, tensors] : kinds)
    tensors->clear();
  NOPAL_CHECK(!step || state.count("step"), "the state of optimizer ", optimizer,
              " has no \"step\"; it is incomplete");
  for (const auto& [name, tensor] : state) {
    if (step && name == "step") {
      *step = decode_count(tensor);
      continue;
    }
    const auto slash = name.find('/');
    const auto kind = slash == std::string::npos ? kinds.end() : kinds.find(name.substr(0, slash));
    NOPAL_CHECK(kind != kinds.end(), "the state of optimizer ", optimizer, " has no entry \"", name,
                "\"; it belongs to another optimizer");
    (*kind->second)[name.substr(slash + 1)] = tensor.clone();
  }
}

#define NOPAL_INSTANTIATE(T)                                                                      \
  template Tensor<T> encode_count<T>(std::uint64_t);                                              \
  template std::uint64_t decode_count<T>(const Tensor<T>&);                                       \
  template Tensor<T> gradient_or_zeros<T>(const Parameter<T>&);                                   \
  template const Tensor<T>& buffer_for<T>(std::map<std::string, Tensor<T>>&, const Parameter<T>&, \
                                          std::int64_t);                                          \
  template void restore_kinds<T>(const std::map<std::string, Tensor<T>>&, const std::string&,     \
                                 const std::map<std::string, std::map<std::string, Tensor<T>>*>&, \
                                 std::uint64_t*);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace detail

template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(const std::string& name,
                                             const nlohmann::json& options) {
  if (name == "adamw") return detail::make_adamw<T>(options);
  if (name == "sgd") return detail::make_sgd<T>(options);
  if (name == "lion") return detail::make_lion<T>(options);
  if (name == "lbfgs") return detail::make_lbfgs<T>(options);
  NOPAL_CHECK(false, "unknown optimizer '", name, "'",
              suggestion(name, {"adamw", "sgd", "lion", "lbfgs"}));
}

template <class T>
double gradient_norm(const Parameters<T>& parameters) {
  double sum = 0;
  for (const Parameter<T>* parameter : parameters)
    if (parameter->gradient().defined()) sum += dot(parameter->gradient(), parameter->gradient());
  return std::sqrt(sum);
}

template <class T>
void clip_gradients_by_norm(const Parameters<T>& parameters, double norm, double limit) {
  if (!(norm > limit)) return;
  for (const Parameter<T>* parameter : parameters)
    if (parameter->gradient().defined()) scale(static_cast<T>(limit / norm), parameter->gradient());
}

template <class T>
void clip_gradients_by_value(const Parameters<T>& parameters, double limit) {
  const T bound = static_cast<T>(limit);
  for (const Parameter<T>* parameter : parameters) {
    if (!parameter->gradient().defined()) continue;
    T* g = parameter->gradient().data();
    detail::parallel_pieces(
        "nopal::clip", parameter->gradient().size(),
        KOKKOS_LAMBDA(std::int64_t begin, std::int64_t end) {
          // Written so that NaN stays NaN.
          for (std::int64_t i = begin; i < end; ++i)
            g[i] = g[i] > bound ? bound : (g[i] < -bound ? -bound : g[i]);
        });
  }
}

#define NOPAL_INSTANTIATE(T)                                                       \
  template std::unique_ptr<Optimizer<T>> make_optimizer<T>(const std::string&,     \
                                                           const nlohmann::json&); \
  template double gradient_norm<T>(const Parameters<T>&);                          \
  template void clip_gradients_by_norm<T>(const Parameters<T>&, double, double);   \
  template void clip_gradients_by_value<T>(const Parameters<T>&, double);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
