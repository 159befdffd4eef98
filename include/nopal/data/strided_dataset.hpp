// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/dataset.hpp>

namespace nopal {

/// Every s-th point along each axis of the samples of another set, from the first point on: a
/// coarser grid of the same periodic or cell-free fields. The stride may change between reads.
template <class T>
class StridedDataset : public Dataset<T> {
 public:
  explicit StridedDataset(std::shared_ptr<const Dataset<T>> base, std::int64_t stride = 1);

  /// Error if an axis has no multiple of so many points.
  void set_stride(std::int64_t stride);
  std::int64_t stride() const noexcept { return stride_; }

  std::int64_t size() const override { return base_->size(); }
  Shape x_shape() const override { return strided(base_->x_shape()); }
  Shape y_shape() const override { return strided(base_->y_shape()); }
  std::string description() const override { return base_->description(); }
  void read(std::span<const std::int64_t> indices, const Tensor<T>& x,
            const Tensor<T>& y) const override;

 private:
  Shape strided(const Shape& sample) const;

  std::shared_ptr<const Dataset<T>> base_;
  std::int64_t stride_ = 1;
};

}  // namespace nopal
