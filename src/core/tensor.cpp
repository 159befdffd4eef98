// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/tensor.hpp>

#include "core/parallel.hpp"

#include <cmath>

namespace nopal {
namespace {

using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;

template <class T>
using HostView = Kokkos::View<T*, Kokkos::LayoutRight, Kokkos::HostSpace,
                              Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

}  // namespace

template <class T>
void Tensor<T>::fill(T value) const {
  T* x = data_;
  detail::parallel_for(
      "nopal::fill", Range(0, size_), KOKKOS_LAMBDA(std::int64_t i) { x[i] = value; });
}

template <class T>
void Tensor<T>::copy_from(const Tensor& other) const {
  NOPAL_CHECK(other.size() == size_, "cannot copy ", other.shape(), " into ", shape_);
  if (size_ > 0 && data_ != other.data_) Kokkos::deep_copy(flat(), other.flat());
}

template <class T>
void Tensor<T>::copy_from_host(const T* values) const {
  if (size_ == 0) return;
  HostView<const T> source(values, static_cast<std::size_t>(size_));
  Kokkos::deep_copy(flat(), source);
}

template <class T>
void Tensor<T>::copy_to_host(T* values) const {
  if (size_ == 0) return;
  HostView<T> target(values, static_cast<std::size_t>(size_));
  Kokkos::deep_copy(target, flat());
}

template <class T>
std::vector<T> Tensor<T>::to_vector() const {
  std::vector<T> values(static_cast<std::size_t>(size_));
  copy_to_host(values.data());
  return values;
}

template <class T>
T Tensor<T>::item() const {
  NOPAL_CHECK(size_ == 1, "item() needs a tensor with one entry, this one has shape ", shape_);
  T value;
  copy_to_host(&value);
  return value;
}

template <class T>
void axpy(T a, const Tensor<T>& x, const Tensor<T>& y) {
  NOPAL_CHECK(x.size() == y.size(), "axpy of shapes ", x.shape(), " and ", y.shape());
  const T* px = x.data();
  T* py = y.data();
  detail::parallel_for(
      "nopal::axpy", Range(0, x.size()), KOKKOS_LAMBDA(std::int64_t i) { py[i] += a * px[i]; });
}

template <class T>
void scale(T a, const Tensor<T>& x) {
  T* px = x.data();
  detail::parallel_for(
      "nopal::scale", Range(0, x.size()), KOKKOS_LAMBDA(std::int64_t i) { px[i] *= a; });
}

template <class T>
double dot(const Tensor<T>& x, const Tensor<T>& y) {
  NOPAL_CHECK(x.size() == y.size(), "dot of shapes ", x.shape(), " and ", y.shape());
  const T* px = x.data();
  const T* py = y.data();
  double result = 0;
  Kokkos::parallel_reduce(
      "nopal::dot", Range(0, x.size()),
      KOKKOS_LAMBDA(std::int64_t i, double& sum) { sum += double(px[i]) * double(py[i]); }, result);
  return result;
}

template <class T>
bool all_finite(const Tensor<T>& x) {
  const T* px = x.data();
  std::int64_t bad = 0;
  Kokkos::parallel_reduce(
      "nopal::all_finite", Range(0, x.size()),
      // 0 x is 0 for a finite x and NaN otherwise; holds on every back end.
      KOKKOS_LAMBDA(std::int64_t i, std::int64_t & sum) { sum += (T(0) * px[i] == T(0)) ? 0 : 1; },
      bad);
  return bad == 0;
}

template <class To, class From>
Tensor<To> cast(const Tensor<From>& x) {
  Tensor<To> result(x.shape());
  const From* source = x.data();
  To* target = result.data();
  detail::parallel_for(
      "nopal::cast", Range(0, x.size()),
      KOKKOS_LAMBDA(std::int64_t i) { target[i] = static_cast<To>(source[i]); });
  return result;
}

#define NOPAL_INSTANTIATE(T)                                    \
  template class Tensor<T>;                                     \
  template void axpy<T>(T, const Tensor<T>&, const Tensor<T>&); \
  template void scale<T>(T, const Tensor<T>&);                  \
  template double dot<T>(const Tensor<T>&, const Tensor<T>&);   \
  template bool all_finite<T>(const Tensor<T>&);                \
  template Tensor<float> cast<float, T>(const Tensor<T>&);      \
  template Tensor<double> cast<double, T>(const Tensor<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
