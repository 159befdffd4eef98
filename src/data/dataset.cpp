// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "data/dataset_checks.hpp"

#include <nopal/comm/field_part.hpp>
#include <nopal/data/dataset.hpp>

#include <utility>
#include <vector>

namespace nopal {
namespace detail {

Shape with_samples(std::int64_t n, const Shape& sample) {
  Shape shape{n};
  for (const std::int64_t extent : sample)
    shape.push_back(extent);
  return shape;
}

namespace {

constexpr double most_numbers = 1e17;  // sums of their bytes stay below 2^63

}  // namespace

void check_sample_shapes(const Shape& x, const Shape& y, const std::string& where,
                         const std::string& x_name, const std::string& y_name) {
  for (const auto& [shape, name] : {std::pair(x, x_name), std::pair(y, y_name)}) {
    NOPAL_CHECK(shape.rank() >= 2, where, ": ", name, " has shape ", shape,
                ", expected (N, X1, ..., Xd, C): samples first, channels last");
    NOPAL_CHECK(shape[0] > 0, where, ": ", name, " of shape ", shape, " has no samples");
    double numbers = 1;  // their product may overflow an integer
    for (const std::int64_t extent : shape)
      numbers *= static_cast<double>(extent);
    NOPAL_CHECK(numbers > 0, where, ": ", name, " of shape ", shape, " has an empty axis");
    NOPAL_CHECK(numbers <= most_numbers, where, ": ", name, " of shape ", shape,
                " is too large for any file");
  }
  NOPAL_CHECK(x[0] == y[0], where, ": ", x_name, " has ", x[0], " samples, ", y_name, " has ", y[0],
              "; they must have as many");
  const bool same_grid =
      x.rank() == y.rank() && x.with(-1, 1).with(0, 1) == y.with(-1, 1).with(0, 1);
  NOPAL_CHECK(same_grid, where, ": ", x_name, " of shape ", x, " and ", y_name, " of shape ", y,
              " are on different grids; only their last axis, the channels, may differ");
}

}  // namespace detail

namespace {

Shape without_samples(const Shape& shape) {
  return Shape(shape.begin() + 1, shape.end());
}

}  // namespace

template <class T>
InMemoryDataset<T>::InMemoryDataset(Tensor<T> x, Tensor<T> y, std::string description)
    : x_(std::move(x)), y_(std::move(y)), description_(std::move(description)) {
  detail::check_sample_shapes(x_.shape(), y_.shape(), description_, "x", "y");
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
  detail::check_read(*this, indices, x, y);
  std::int64_t b = 0;
  for (const std::int64_t index : indices) {
    x.slice(b, 1).copy_from(x_.slice(index, 1));
    y.slice(b, 1).copy_from(y_.slice(index, 1));
    ++b;
  }
}

template <class T>
SubsetDataset<T>::SubsetDataset(std::shared_ptr<const Dataset<T>> base, std::int64_t first,
                                std::int64_t count)
    : base_(std::move(base)), first_(first), count_(count) {
  NOPAL_CHECK(base_ != nullptr, "a subset needs a data set, got none");
  NOPAL_CHECK(first >= 0 && count > 0 && first <= base_->size() - count, base_->description(),
              ": samples [", first, ", ", first + count, ") are not a part of its ", base_->size(),
              " samples");
}

template <class T>
std::string SubsetDataset<T>::description() const {
  return detail::concatenate(base_->description(), " [", first_, ", ", first_ + count_, ")");
}

template <class T>
void SubsetDataset<T>::read(std::span<const std::int64_t> indices, const Tensor<T>& x,
                            const Tensor<T>& y) const {
  detail::check_read(*this, indices, x, y);
  std::vector<std::int64_t> shifted(indices.begin(), indices.end());
  for (std::int64_t& index : shifted)
    index += first_;
  base_->read(shifted, x, y);
}

template <class T>
BoxDataset<T>::BoxDataset(std::shared_ptr<const Dataset<T>> base, const Box& box)
    : base_(std::move(base)), box_(box) {
  NOPAL_CHECK(base_ != nullptr, "a part of the points needs a data set, got none");
  const Shape whole = base_->x_shape();
  bool inside = whole.rank() == box.dimension + 1;
  for (int a = 0; inside && a < box.dimension; ++a)
    inside = box[a].begin >= 0 && box[a].end <= whole[a];
  NOPAL_CHECK(inside, base_->description(), ": a box of ", box.extents(),
              " points is not a part of fields of shape ", whole);
}

template <class T>
Shape BoxDataset<T>::x_shape() const {
  return without_samples(box_.field(1, base_->x_shape()[-1]));
}

template <class T>
Shape BoxDataset<T>::y_shape() const {
  return without_samples(box_.field(1, base_->y_shape()[-1]));
}

template <class T>
void BoxDataset<T>::read(std::span<const std::int64_t> indices, const Tensor<T>& x,
                         const Tensor<T>& y) const {
  detail::check_read(*this, indices, x, y);
  const auto count = static_cast<std::int64_t>(indices.size());
  const Tensor<T> whole_x(detail::with_samples(count, base_->x_shape()));
  const Tensor<T> whole_y(detail::with_samples(count, base_->y_shape()));
  base_->read(indices, whole_x, whole_y);
  field_part(whole_x, box_, x);
  field_part(whole_y, box_, y);
}

template class BoxDataset<float>;
template class BoxDataset<double>;
template class InMemoryDataset<float>;
template class InMemoryDataset<double>;
template class SubsetDataset<float>;
template class SubsetDataset<double>;

}  // namespace nopal
