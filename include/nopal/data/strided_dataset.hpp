// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/dataset.hpp>

namespace nopal {

/// The samples of another set on a coarser grid: x (X1 / s, ..., Xd / s, Cin) and y (..., Cout)
/// hold the points (s i1, ..., s id) of its fields, without a filter. That is the same function on
/// fewer points where these have equal distances from the first point on: periodic fields, or cells
/// counted from one side. For training that begins on coarse grids, see IncrementalOptions.
///
/// The stride may change between reads, and the shapes with it. Local; a value for each rank, which
/// should be the same on all that train together.
template <class T>
class StridedDataset : public Dataset<T> {
 public:
  /// Error as set_stride().
  explicit StridedDataset(std::shared_ptr<const Dataset<T>> base, std::int64_t stride = 1);

  /// s for the next reads. Error naming shape and stride if s < 1, or an axis has no multiple of s
  /// points; the stride before stays.
  void set_stride(std::int64_t stride);
  /// s
  std::int64_t stride() const noexcept { return stride_; }

  std::int64_t size() const override { return base_->size(); }
  Shape x_shape() const override { return strided(base_->x_shape()); }
  Shape y_shape() const override { return strided(base_->y_shape()); }
  std::string description() const override { return base_->description(); }
  /// Reads whole samples of the other set and keeps their points. Error as Dataset::read().
  void read(std::span<const std::int64_t> indices, const Tensor<T>& x,
            const Tensor<T>& y) const override;

 private:
  Shape strided(const Shape& sample) const;

  std::shared_ptr<const Dataset<T>> base_;
  std::int64_t stride_ = 1;
};

}  // namespace nopal
