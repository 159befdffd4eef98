// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/dataset.hpp>

namespace nopal {

/// What windows a sequence of frames is cut into. All frames have C variables; the inputs of the
/// data may end with S constant channels, which every window gets.
struct FrameWindowOptions {
  std::int64_t variables = 1;  ///< C
  std::int64_t constants = 0;  ///< S
  std::int64_t frames = 1;     ///< of x
  std::int64_t steps = 1;      ///< of y, those after them
  std::int64_t stride = 1;     ///< frames from the beginning of a window to that of the next
};

/// Samples of another set whose channels are frames in time, those of x (..., F C + S) continued by
/// those of y (..., G C), as windows: sample w of a sequence has the frames w stride, ..., w stride
/// + frames - 1 in x and the `steps` after them in y. A training set for steps of any number out of
/// long sequences.
template <class T>
class FrameWindows : public Dataset<T> {
 public:
  /// Error if channels are not whole frames, or a window is longer than a sequence.
  FrameWindows(std::shared_ptr<const Dataset<T>> base, const FrameWindowOptions& options);

  std::int64_t windows() const noexcept { return windows_; }  ///< of a sequence
  std::int64_t size() const override { return base_->size() * windows_; }
  Shape x_shape() const override;
  Shape y_shape() const override;
  std::string description() const override;
  void read(std::span<const std::int64_t> indices, const Tensor<T>& x,
            const Tensor<T>& y) const override;

 private:
  std::shared_ptr<const Dataset<T>> base_;
  FrameWindowOptions options_;
  std::int64_t windows_ = 0;
};

}  // namespace nopal
