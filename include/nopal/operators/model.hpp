// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/normaliser.hpp>
#include <nopal/io/safetensors.hpp>
#include <nopal/operators/operator.hpp>

#include <map>
#include <memory>
#include <string>

namespace nopal {

/// What a user evaluates: an operator with the normalisers of its training data.
///
/// predict(x) = decode(operator(encode(x))). Saved as one safetensors file: parameters, buffers and
/// normalisers as tensors, and in `__metadata__` the format version, operator name, its
/// configuration as JSON, and provenance (library version and commit, data file, seed, training
/// grid, units, errors).
///
/// Operators that depend on the spacing of grid points are used on other grids than that of their
/// training with a warning, a log line with both grids, once a grid.
template <class T>
class Model {
 public:
  Model() = default;
  explicit Model(std::unique_ptr<Operator<T>> op, Normaliser<T> input = {},
                 Normaliser<T> output = {});

  /// y (B, X1, ..., Xd, Cout) for x (B, X1, ..., Xd, Cin), both in physical units.
  Tensor<T> predict(const Tensor<T>& x) const;

  /// The same on the points of `grid` that this rank has, see Operator::forward(). Collective over
  /// the grid's communicator.
  Tensor<T> predict(const Tensor<T>& x, const Grid& grid) const;

  /// The same for an operator that takes more inputs than the field x; they are not normalised.
  Tensor<T> predict(const Tensor<T>& x, std::span<const Tensor<T>> others) const;

  /// The first into memory of the caller; allocates nothing from the second call on.
  void predict(const Tensor<T>& x, const Tensor<T>& y) const;

  /// y (B, P, C) at points (P, d) for functions u_1 (B, m_1), ..., u_n (B, m_n) of a PointOperator;
  /// in physical units. A normaliser of the input is that of the first function, whose values are
  /// the numbers of its field. Error for other operators, and for outputs that are normalised by
  /// point. Local.
  Tensor<T> predict_points(std::span<const Tensor<T>> functions, const Tensor<T>& points) const;

  /// Points along each axis of the training data; empty: not known.
  const Shape& training_grid() const noexcept { return training_grid_; }
  void set_training_grid(const Shape& points) { training_grid_ = points; }

  Operator<T>& op() const { return *operator_; }
  const Normaliser<T>& input_normaliser() const noexcept { return input_; }
  const Normaliser<T>& output_normaliser() const noexcept { return output_; }
  void set_normalisers(Normaliser<T> input, Normaliser<T> output);
  std::map<std::string, std::string>& provenance() noexcept { return provenance_; }
  const std::map<std::string, std::string>& provenance() const noexcept { return provenance_; }

  /// Reads on rank 0 and broadcasts. Error (same on all ranks) if the file is not a model, or lists
  /// missing, extra and misshapen tensors. Collective over `comm`.
  static Model load(const std::string& path, const Communicator& comm = {});

  /// Writes atomically on rank 0. Error on all ranks if it fails. Collective over `comm`.
  void save(const std::string& path, const Communicator& comm = {}) const;

  /// The file contents, for checkpoints that add tensors of their own.
  SafetensorsFile to_file() const;
  static Model from_file(const SafetensorsFile& file, const std::string& name);

 private:
  std::unique_ptr<Operator<T>> operator_;
  Normaliser<T> input_, output_;
  std::map<std::string, std::string> provenance_;
  Shape training_grid_;

  struct Warned;  // the grid that was warned of last
  void check_spacing(const Shape& points) const;
  std::shared_ptr<Warned> warned_;
};

/// The contents of a safetensors file on all ranks: rank 0 reads, the others get a copy. Error on
/// all ranks if it cannot be read. Collective over `comm`.
SafetensorsFile load_safetensors(const std::string& path, const Communicator& comm);

}  // namespace nopal
