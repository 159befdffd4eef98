// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>
#include <nopal/solvers/petsc.hpp>

#include <array>
#include <cstdint>

namespace nopal {

/// Entries of a PETSc vector as a tensor, without a copy, for the life of this object.
///
/// Holds this rank's part of the vector: by default of shape (local size), or of a shape of equal
/// size such as owned_shape(dmda). While it lives, PETSc must not use the vector otherwise; when it
/// dies, PETSc learns of the change. With a host build of nopal the entries are the vector's host
/// copy; with a device build the vector must live on the same kind of device (an Error otherwise).
class VecTensor {
 public:
  /// `read`: entries must not be changed. `write`: entries are undefined at first.
  enum class Access { read, write, read_write };

  explicit VecTensor(Vec vec, Access access = Access::read_write);
  VecTensor(Vec vec, Access access, const Shape& shape);
  ~VecTensor();
  VecTensor(const VecTensor&) = delete;
  VecTensor& operator=(const VecTensor&) = delete;

  const Tensor<PetscReal>& tensor() const noexcept { return tensor_; }

 private:
  void get(const Shape* shape);
  PetscErrorCode restore();

  Vec vec_;
  Access access_;
  bool on_device_ = false;
  PetscScalar* data_ = nullptr;
  Tensor<PetscReal> tensor_;
};

/// Copies between this rank's part of a vector and a tensor of equal size, changing the precision
/// if it differs.
template <class T>
void copy(Vec from, const Tensor<T>& to);
template <class T>
void copy(const Tensor<T>& from, Vec to);

/// Shapes of a DMDA's fields as tensors, (X1, ..., Xd, dof). A DMDA numbers its x axis fastest, so
/// X1 is its last axis (y in 2-D, z in 3-D) and Xd is x.
Shape global_shape(DM dmda);   ///< whole grid
Shape owned_shape(DM dmda);    ///< this rank's box, the layout of its global vectors
Shape ghosted_shape(DM dmda);  ///< this rank's box with ghosts, the layout of its local vectors

/// Index in the whole grid of the first point of the owned or ghosted box, X1 first; missing axes
/// are 0 at the end.
std::array<std::int64_t, 3> owned_first(DM dmda);
std::array<std::int64_t, 3> ghosted_first(DM dmda);

/// Collects the whole field of a DMDA on every rank, in natural order. Made once, used often.
class DmdaGather {
 public:
  /// Collective on the DMDA.
  explicit DmdaGather(DM dmda);

  /// The whole field as values of global_shape(), on the host. Collective.
  void operator()(Vec global, std::vector<double>& whole);

 private:
  DM dmda_;
  OwnedVec natural_, whole_;
  OwnedScatter scatter_;
};

}  // namespace nopal
