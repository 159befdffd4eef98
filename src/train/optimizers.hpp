// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/train/optimizer.hpp>

#include "core/parallel.hpp"

#include <nlohmann/json.hpp>

namespace nopal::detail {

template <class T>
std::unique_ptr<Optimizer<T>> make_adamw(const nlohmann::json& options);
template <class T>
std::unique_ptr<Optimizer<T>> make_sgd(const nlohmann::json& options);
template <class T>
std::unique_ptr<Optimizer<T>> make_lion(const nlohmann::json& options);
template <class T>
std::unique_ptr<Optimizer<T>> make_lbfgs(const nlohmann::json& options);

/// A count as a tensor of four entries of 16 bits each: exact in float.
template <class T>
Tensor<T> encode_count(std::uint64_t count);
template <class T>
std::uint64_t decode_count(const Tensor<T>& tensor);

/// The gradient, or zeros where nothing flowed in.
template <class T>
Tensor<T> gradient_or_zeros(const Parameter<T>& parameter);

/// The tensor that `tensors` has for a parameter; made of zeros on first use. Error if a restored
/// one has another size.
template <class T>
const Tensor<T>& buffer_for(std::map<std::string, Tensor<T>>& tensors,
                            const Parameter<T>& parameter, std::int64_t size);

/// Splits `<kind>/<parameter>` entries off a state; what is left over is an Error.
template <class T>
void restore_kinds(const std::map<std::string, Tensor<T>>& state, const std::string& optimizer,
                   const std::map<std::string, std::map<std::string, Tensor<T>>*>& kinds,
                   std::uint64_t* step);

/// A loop over 0, ..., n-1 as body(begin, end): pieces on the host, where the body then vectorises,
/// entries on a device.
template <class Body>
void parallel_pieces(const char* name, std::int64_t n, const Body& body) {
  constexpr std::int64_t piece = on_host ? 4096 : 1;
  parallel_for(
      name, ItemRange(0, (n + piece - 1) / piece), KOKKOS_LAMBDA(std::int64_t i) {
        body(i * piece, (i + 1) * piece < n ? (i + 1) * piece : n);
      });
}

}  // namespace nopal::detail
