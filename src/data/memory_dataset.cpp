// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/data/dataset.hpp>

namespace nopal {
namespace {

Shape without_samples(const Shape& shape) {
  return Shape(shape.begin() + 1, shape.end());
}

}  // namespace

template <class T>
InMemoryDataset<T>::InMemoryDataset(Tensor<T> x, Tensor<T> y, std::string description)
    : x_(std::move(x)), y_(std::move(y)), description_(std::move(description)) {
  NOPAL_CHECK(x_.rank() >= 2 && y_.rank() >= 2, description_,
              ": expected x and y of shape (samples, grid..., channels), got ", x_.shape(), " and ",
              y_.shape());
  NOPAL_CHECK(x_.extent(0) == y_.extent(0) && x_.extent(0) > 0, description_,
              ": expected the same number of samples in x and y, at least one, got shapes ",
              x_.shape(), " and ", y_.shape());
}

template <class T>
Shape InMemoryDataset<T>::x_shape() const {
  return without_samples(x_.shape());
}

template <class T>
Shape InMemoryDataset<T>::y_shape() const {
  return without_samples(y_.shape());
}

template <class T>
void InMemoryDataset<T>::read(std::span<const std::int64_t> indices, const Tensor<T>& x,
                              const Tensor<T>& y) const {
  const auto count = static_cast<std::int64_t>(indices.size());
  NOPAL_CHECK(x.shape() == x_.shape().with(0, count) && y.shape() == y_.shape().with(0, count),
              description_, ": to read ", count, " samples of shapes ", x_shape(), " and ",
              y_shape(), " the tensors have shapes ", x.shape(), " and ", y.shape());
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t index = indices[static_cast<std::size_t>(i)];
    NOPAL_CHECK(index >= 0 && index < size(), description_, ": there is no sample ", index,
                ", the set has ", size());
    x.slice(i, 1).copy_from(x_.slice(index, 1));
    y.slice(i, 1).copy_from(y_.slice(index, 1));
  }
}

template <class T>
SubsetDataset<T>::SubsetDataset(std::shared_ptr<const Dataset<T>> base, std::int64_t first,
                                std::int64_t count)
    : base_(std::move(base)), first_(first), count_(count) {
  NOPAL_CHECK(first >= 0 && count > 0 && first + count <= base_->size(), base_->description(),
              ": samples [", first, ", ", first + count, ") are not a part of the ", base_->size(),
              " that there are");
}

template <class T>
std::string SubsetDataset<T>::description() const {
  return detail::concatenate(base_->description(), " [", first_, ", ", first_ + count_, ")");
}

template <class T>
void SubsetDataset<T>::read(std::span<const std::int64_t> indices, const Tensor<T>& x,
                            const Tensor<T>& y) const {
  std::vector<std::int64_t> shifted(indices.begin(), indices.end());
  for (std::int64_t& index : shifted) {
    NOPAL_CHECK(index >= 0 && index < count_, description(), ": there is no sample ", index,
                ", the set has ", count_);
    index += first_;
  }
  base_->read(shifted, x, y);
}

#define NOPAL_INSTANTIATE(T)         \
  template class InMemoryDataset<T>; \
  template class SubsetDataset<T>;
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
