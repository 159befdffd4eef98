// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "train/tensor_copies.hpp"

namespace nopal::detail {

template <class T>
void keep(const std::vector<Tensor<T>>& tensors, std::vector<Tensor<T>>& copies) {
  if (copies.empty())
    for (const Tensor<T>& tensor : tensors)
      copies.emplace_back(tensor.shape());
  for (std::size_t i = 0; i < copies.size(); ++i)
    copies[i].copy_from(tensors[i]);
}

template <class T>
void average(T decay, const std::vector<Tensor<T>>& tensors, std::vector<Tensor<T>>& average) {
  if (average.empty()) return keep(tensors, average);
  for (std::size_t i = 0; i < average.size(); ++i) {
    scale(decay, average[i]);
    axpy(T(1) - decay, tensors[i], average[i]);
  }
}

template <class T>
void exchange(const std::vector<Tensor<T>>& tensors, const std::vector<Tensor<T>>& copies) {
  for (std::size_t i = 0; i < copies.size(); ++i) {
    const Tensor<T> value = tensors[i].clone();
    tensors[i].copy_from(copies[i]);
    copies[i].copy_from(value);
  }
}

#define NOPAL_INSTANTIATE(T)                                                           \
  template void keep<T>(const std::vector<Tensor<T>>&, std::vector<Tensor<T>>&);       \
  template void average<T>(T, const std::vector<Tensor<T>>&, std::vector<Tensor<T>>&); \
  template void exchange<T>(const std::vector<Tensor<T>>&, const std::vector<Tensor<T>>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal::detail
