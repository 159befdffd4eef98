// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/data/strided_dataset.hpp>

#include "data/dataset_checks.hpp"

namespace nopal {

template <class T>
StridedDataset<T>::StridedDataset(std::shared_ptr<const Dataset<T>> base, std::int64_t stride)
    : base_(std::move(base)) {
  set_stride(stride);
}

template <class T>
void StridedDataset<T>::set_stride(std::int64_t stride) {
  NOPAL_CHECK(stride >= 1, base_->description(), ": expected a stride of at least 1, got ", stride);
  const Shape sample = base_->x_shape();
  for (int a = 0; a + 1 < sample.rank(); ++a)
    NOPAL_CHECK(sample[a] % stride == 0, base_->description(), ": a grid with a stride of ", stride,
                " needs a multiple of so many points along each axis, got ", sample);
  stride_ = stride;
}

template <class T>
Shape StridedDataset<T>::strided(const Shape& sample) const {
  Shape shape = sample;
  for (int a = 0; a + 1 < sample.rank(); ++a)
    shape = shape.with(a, sample[a] / stride_);
  return shape;
}

template <class T>
void StridedDataset<T>::read(std::span<const std::int64_t> indices, const Tensor<T>& x,
                             const Tensor<T>& y) const {
  if (stride_ == 1) return base_->read(indices, x, y);
  detail::check_read(*this, indices, x, y);
  const auto count = static_cast<std::int64_t>(indices.size());
  const Tensor<T> whole_x(detail::with_samples(count, base_->x_shape()));
  const Tensor<T> whole_y(detail::with_samples(count, base_->y_shape()));
  base_->read(indices, whole_x, whole_y);
  for (const auto& [from, to] : {std::pair{whole_x, x}, {whole_y, y}}) {
    const std::vector<T> numbers = from.to_vector();
    const Shape fine = from.shape(), coarse = to.shape();
    const int d = fine.rank() - 2;
    std::vector<T> kept;
    kept.reserve(static_cast<std::size_t>(to.size()));
    for (std::int64_t p = 0; p < coarse.product(0, d + 1); ++p) {
      std::int64_t rest = p, at = 0, size = 1;
      for (int a = d; a >= 0; --a) {
        at += rest % coarse[a] * (a > 0 ? stride_ : 1) * size;
        rest /= coarse[a];
        size *= fine[a];
      }
      const auto first = numbers.begin() + at * fine[-1];
      kept.insert(kept.end(), first, first + fine[-1]);
    }
    to.copy_from_host(kept.data());
  }
}

template class StridedDataset<float>;
template class StridedDataset<double>;

}  // namespace nopal
