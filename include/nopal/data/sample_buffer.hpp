// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/dataset.hpp>

#include <string>
#include <vector>

namespace nopal {

/// Samples of a stream, such as the time steps of a running simulation: at most `capacity` of
/// those that came, in memory.
///
/// When it is full, a new sample replaces another one: with Keep::newest the oldest; with
/// Keep::uniform a random one or none, so that at any time each sample that came is kept with the
/// same probability capacity / seen() (reservoir sampling; Vitter, ACM Trans. Math. Softw. 11,
/// 37-57, 1985, algorithm R). The choice depends on the seed and the number of the sample only:
/// ranks that each add their box of the same fields keep the same samples.
template <class T>
class SampleBuffer : public Dataset<T> {
 public:
  enum class Keep { newest, uniform };

  /// Shapes (X1, ..., Xd, C) without the sample axis. Error if there is no room for a sample.
  SampleBuffer(const Shape& x_shape, const Shape& y_shape, std::int64_t capacity,
               Keep keep = Keep::uniform, std::uint64_t seed = 0);

  /// Takes a copy of x (1, X1, ..., Xd, Cin) and y (1, X1, ..., Xd, Cout). Memory is taken as
  /// samples come. Local.
  void add(const Tensor<T>& x, const Tensor<T>& y);

  std::int64_t seen() const noexcept { return seen_; }  ///< samples that came

  std::int64_t size() const override { return static_cast<std::int64_t>(samples_.size()); }
  Shape x_shape() const override { return x_shape_; }
  Shape y_shape() const override { return y_shape_; }
  std::string description() const override;
  void read(std::span<const std::int64_t> indices, const Tensor<T>& x,
            const Tensor<T>& y) const override;

 private:
  struct Sample {
    Tensor<T> x, y;
  };
  Shape x_shape_, y_shape_;
  std::int64_t capacity_, seen_ = 0;
  Keep keep_;
  std::uint64_t seed_;
  std::vector<Sample> samples_;
};

}  // namespace nopal
