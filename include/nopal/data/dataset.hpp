// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/box.hpp>
#include <nopal/comm/communicator.hpp>
#include <nopal/core/tensor.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace nopal {

/// A set of input-output samples on a grid: x (N, X1, ..., Xd, Cin), y (N, X1, ..., Xd, Cout).
///
/// Samples are asked for by global index, so that the order of a batch does not depend on the
/// number of ranks; each rank reads only what it needs.
template <class T>
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual std::int64_t size() const = 0;        ///< N, the same on all ranks
  virtual Shape x_shape() const = 0;            ///< (X1, ..., Xd, Cin), without the sample axis
  virtual Shape y_shape() const = 0;            ///< (X1, ..., Xd, Cout)
  virtual std::string description() const = 0;  ///< path or origin, for messages and provenance

  /// Reads the samples `indices` into x (B, ...) and y (B, ...), B = indices.size(). Not
  /// collective.
  virtual void read(std::span<const std::int64_t> indices, const Tensor<T>& x,
                    const Tensor<T>& y) const = 0;
};

/// Data held in memory.
template <class T>
class InMemoryDataset : public Dataset<T> {
 public:
  InMemoryDataset(Tensor<T> x, Tensor<T> y, std::string description = "memory");

  std::int64_t size() const override { return x_.extent(0); }
  Shape x_shape() const override;
  Shape y_shape() const override;
  std::string description() const override { return description_; }
  void read(std::span<const std::int64_t> indices, const Tensor<T>& x,
            const Tensor<T>& y) const override;

 private:
  Tensor<T> x_, y_;
  std::string description_;
};

/// The samples [first, first + count) of another set: training, validation and test splits.
template <class T>
class SubsetDataset : public Dataset<T> {
 public:
  SubsetDataset(std::shared_ptr<const Dataset<T>> base, std::int64_t first, std::int64_t count);

  std::int64_t size() const override { return count_; }
  Shape x_shape() const override { return base_->x_shape(); }
  Shape y_shape() const override { return base_->y_shape(); }
  std::string description() const override;
  void read(std::span<const std::int64_t> indices, const Tensor<T>& x,
            const Tensor<T>& y) const override;

 private:
  std::shared_ptr<const Dataset<T>> base_;
  std::int64_t first_, count_;
};

/// The points of a box of each sample of another set: what a rank has of fields that are divided
/// among ranks. Reads whole samples and keeps the part.
template <class T>
class BoxDataset : public Dataset<T> {
 public:
  /// Error if the box is not one of the set's grid.
  BoxDataset(std::shared_ptr<const Dataset<T>> base, const Box& box);

  std::int64_t size() const override { return base_->size(); }
  Shape x_shape() const override;
  Shape y_shape() const override;
  std::string description() const override { return base_->description(); }
  void read(std::span<const std::int64_t> indices, const Tensor<T>& x,
            const Tensor<T>& y) const override;

 private:
  std::shared_ptr<const Dataset<T>> base_;
  Box box_;
};

/// An HDF5 file with `/x` and `/y` (docs/formats.md). Opening checks that both exist, have floating
/// point (or integer) type, equal N > 0 and equal grids. Reads are chunk by chunk: the file may be
/// larger than memory. A file that fits `cache_bytes` is held in memory after the first pass.
/// Non-finite values are an Error that names the sample.
template <class T>
class Hdf5Dataset : public Dataset<T> {
 public:
  explicit Hdf5Dataset(const std::string& path, std::size_t cache_bytes = std::size_t(1) << 30,
                       const std::string& x_name = "x", const std::string& y_name = "y");
  ~Hdf5Dataset() override;

  std::int64_t size() const override;
  Shape x_shape() const override;
  Shape y_shape() const override;
  std::string description() const override;
  void read(std::span<const std::int64_t> indices, const Tensor<T>& x,
            const Tensor<T>& y) const override;

  /// String and number attributes of the file's root (problem, units, seed, commit, ...), as text.
  std::map<std::string, std::string> attributes() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// Writes an HDF5 data set of known size, each rank its own samples (parallel HDF5).
///
/// The file is made as a Replacement of `path`, with its disk space taken at once, and renamed by
/// close(): a run that dies, or a disk that is too small, leaves an older file at `path` as it was.
/// Destruction is collective, too, and drops a file that was not closed.
template <class T>
class Hdf5Writer {
 public:
  /// Collective. `x_shape`, `y_shape` without the sample axis. Error, on all ranks, if the file
  /// cannot be written or the disk has no room for it.
  Hdf5Writer(const std::string& path, std::int64_t samples, const Shape& x_shape,
             const Shape& y_shape, const Communicator& comm = {});
  ~Hdf5Writer();

  /// Writes samples [first, first + B) from x (B, ...), y (B, ...). Not collective.
  void write(std::int64_t first, const Tensor<T>& x, const Tensor<T>& y);

  /// Root attributes: provenance, units. Each once. Collective, same on all ranks.
  void attribute(const std::string& name, const std::string& value);
  void attribute(const std::string& name, double value);

  /// Finishes the file and moves it into place. Error if a sample was not written. Collective.
  void close();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace nopal
