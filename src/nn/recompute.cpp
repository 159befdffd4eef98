// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/recompute.hpp>

#include <algorithm>
#include <cstring>

#include "core/parallel.hpp"
#include "nn/bfloat16_numbers.hpp"

namespace nopal {
namespace {

// Pairs of rounded numbers, in tensors of floats so that the allocator counts and keeps them.
template <class T>
void pack(const T* from, float* to, std::int64_t size) {
  detail::parallel_flat(
      "nopal::pack_bfloat16", (size + 1) / 2, KOKKOS_LAMBDA(std::int64_t i) {
        const std::int64_t j = 2 * i + 1 < size ? 2 * i + 1 : 2 * i;
        const std::uint32_t low = detail::round_to_bfloat16(static_cast<float>(from[2 * i]));
        const std::uint32_t high = detail::round_to_bfloat16(static_cast<float>(from[j]));
        const std::uint32_t bits = low | high << 16;
        std::memcpy(to + i, &bits, sizeof bits);
      });
}

template <class T>
void unpack(const float* from, T* to, std::int64_t size) {
  detail::parallel_flat(
      "nopal::unpack_bfloat16", size / 2, KOKKOS_LAMBDA(std::int64_t i) {
        std::uint32_t bits;
        std::memcpy(&bits, from + i, sizeof bits);
        to[2 * i] = static_cast<T>(detail::widen_bfloat16(static_cast<std::uint16_t>(bits)));
        to[2 * i + 1] =
            static_cast<T>(detail::widen_bfloat16(static_cast<std::uint16_t>(bits >> 16)));
      });
  if (size % 2 == 0) return;
  detail::parallel_flat(
      "nopal::unpack_bfloat16", 1, KOKKOS_LAMBDA(std::int64_t) {
        std::uint32_t bits;
        std::memcpy(&bits, from + size / 2, sizeof bits);
        to[size - 1] = static_cast<T>(detail::widen_bfloat16(static_cast<std::uint16_t>(bits)));
      });
}

// A tensor as it is kept.
template <class T>
class Kept {
 public:
  Kept(const Tensor<T>& x, FieldStorage storage) {
    if (storage == FieldStorage::full) {
      whole_ = x;
      return;
    }
    shape_ = x.shape();
    pairs_ = Tensor<float>({(x.size() + 1) / 2});
    pack(x.data(), pairs_.data(), x.size());
  }

  Tensor<T> get() const {
    if (whole_.defined()) return whole_;
    Tensor<T> x(shape_);
    unpack(pairs_.data(), x.data(), x.size());
    return x;
  }

 private:
  Tensor<T> whole_;
  Tensor<float> pairs_;
  Shape shape_;
};

}  // namespace

template <class T>
Variable<T> recomputed(const std::function<Variable<T>(const Variable<T>&)>& f,
                       const Variable<T>& x, std::int64_t samples, FieldStorage storage) {
  NOPAL_CHECK(x.shape().rank() >= 1 && samples >= 0,
              "recomputed: expected samples along the first ",
              "axis of the input and pieces of at least 0, got ", x.shape(), " and ", samples);
  const std::int64_t all = x.shape()[0], piece = samples > 0 ? std::min(samples, all) : all;
  const bool recording = Tape<T>::active() != nullptr;
  const Kept<T> kept(x.value(), storage);
  Tensor<T> y;
  {
    const TapePause<T> pause;
    const Tensor<T> field = kept.get();
    if (piece == all) {
      y = f(Variable<T>(field)).value();
    } else {
      for (std::int64_t first = 0; first < all; first += piece) {
        const std::int64_t count = std::min(piece, all - first);
        const Tensor<T> part = f(Variable<T>(field.slice(first, count))).value();
        NOPAL_CHECK(part.rank() >= 1 && part.extent(0) == count, "recomputed: expected ", count,
                    " samples in the result, got ", part.shape());
        if (first == 0) y = Tensor<T>(part.shape().with(0, all));
        y.slice(first, count).copy_from(part);
      }
    }
  }
  if (!recording) return y;
  // Where dx goes: x itself would keep its value.
  std::function<void(Tensor<T>)> sink;
  if (x.requires_gradient()) sink = x.gradient_sink();
  return record<T>(y, [f, sink, kept, all, piece](const Tensor<T>& dy) {
    const Tensor<T> field = kept.get();
    Tensor<T> dx;
    if (sink) dx = Tensor<T>(field.shape());
    for (std::int64_t first = 0; first < all || first == 0;
         first += std::max<std::int64_t>(piece, 1)) {
      const std::int64_t count = std::min(piece, all - first);
      const auto leaf = Variable<T>::leaf(field.slice(first, count));
      const Tensor<T> target = sink ? dx.slice(first, count) : Tensor<T>();
      if (sink) leaf.set_gradient_memory(target);
      Tape<T> tape;
      const Variable<T> part = f(leaf);
      if (part.requires_gradient()) tape.backward(part, dy.slice(first, count));
      if (sink && !leaf.gradient().defined()) target.fill(T(0));
    }
    if (sink) sink(dx);
  });
}

#define NOPAL_INSTANTIATE(T)                                                             \
  template Variable<T> recomputed(const std::function<Variable<T>(const Variable<T>&)>&, \
                                  const Variable<T>&, std::int64_t, FieldStorage);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
