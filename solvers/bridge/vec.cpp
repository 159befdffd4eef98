// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/bridge/vec.hpp>

#include <algorithm>
#include <type_traits>

namespace nopal {
namespace {

static_assert(std::is_same_v<PetscScalar, PetscReal>);

constexpr bool host_tensors =
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible;

struct Box {
  int dimension = 0;
  std::int64_t dof = 0;
  std::array<PetscInt, 3> extents{};  // x, y, z
  std::array<PetscInt, 3> first{};
};

enum class Part { whole, owned, ghosted };

Box box(DM dmda, Part part) {
  Box result;
  PetscInt dimension = 0, dof = 0;
  auto& n = result.extents;
  auto& s = result.first;
  NOPAL_PETSC(DMDAGetInfo(dmda, &dimension, &n[0], &n[1], &n[2], nullptr, nullptr, nullptr, &dof,
                          nullptr, nullptr, nullptr, nullptr, nullptr));
  if (part == Part::owned)
    NOPAL_PETSC(DMDAGetCorners(dmda, &s[0], &s[1], &s[2], &n[0], &n[1], &n[2]));
  if (part == Part::ghosted)
    NOPAL_PETSC(DMDAGetGhostCorners(dmda, &s[0], &s[1], &s[2], &n[0], &n[1], &n[2]));
  result.dimension = static_cast<int>(dimension);
  result.dof = dof;
  return result;
}

Shape shape(const Box& box) {
  Shape result;
  for (int axis = box.dimension - 1; axis >= 0; --axis)
    result.push_back(box.extents[static_cast<std::size_t>(axis)]);
  result.push_back(box.dof);
  return result;
}

std::array<std::int64_t, 3> first(const Box& box) {
  std::array<std::int64_t, 3> result{};
  for (int i = 0; i < box.dimension; ++i)
    result[static_cast<std::size_t>(i)] =
        box.first[static_cast<std::size_t>(box.dimension - 1 - i)];
  return result;
}

}  // namespace

VecTensor::VecTensor(Vec vec, Access access) : vec_(vec), access_(access) {
  get(nullptr);
}

VecTensor::VecTensor(Vec vec, Access access, const Shape& shape) : vec_(vec), access_(access) {
  get(&shape);
}

void VecTensor::get(const Shape* shape) {
  PetscInt size = 0;
  NOPAL_PETSC(VecGetLocalSize(vec_, &size));
  const Shape wanted = shape ? *shape : Shape{size};
  NOPAL_CHECK(wanted.size() == size, "a vector with ", size,
              " entries on this rank cannot be a tensor of shape ", wanted);
  // Of a vector on a device, the plain functions give the host copy that PETSc keeps up to date.
  if constexpr (host_tensors) {
    const PetscScalar* constant = nullptr;
    if (access_ == Access::read) {
      NOPAL_PETSC(VecGetArrayRead(vec_, &constant));
      data_ = const_cast<PetscScalar*>(constant);
    } else if (access_ == Access::write) {
      NOPAL_PETSC(VecGetArrayWrite(vec_, &data_));
    } else {
      NOPAL_PETSC(VecGetArray(vec_, &data_));
    }
  } else {
    PetscMemType type = PETSC_MEMTYPE_HOST;
    const PetscScalar* constant = nullptr;
    if (access_ == Access::read) {
      NOPAL_PETSC(VecGetArrayReadAndMemType(vec_, &constant, &type));
      data_ = const_cast<PetscScalar*>(constant);
    } else if (access_ == Access::write) {
      NOPAL_PETSC(VecGetArrayWriteAndMemType(vec_, &data_, &type));
    } else {
      NOPAL_PETSC(VecGetArrayAndMemType(vec_, &data_, &type));
    }
    on_device_ = true;
    if (PetscMemTypeHost(type)) {
      NOPAL_PETSC(restore());
      detail::throw_error("tensors live on a device but the vector on the host: use -vec_type cuda",
                          __FILE__, __LINE__);
    }
  }
  tensor_ = Tensor<PetscReal>::wrap(data_, wanted);
}

PetscErrorCode VecTensor::restore() {
  const PetscScalar* constant = data_;
  if (access_ == Access::read)
    return on_device_ ? VecRestoreArrayReadAndMemType(vec_, &constant)
                      : VecRestoreArrayRead(vec_, &constant);
  if (access_ == Access::write)
    return on_device_ ? VecRestoreArrayWriteAndMemType(vec_, &data_)
                      : VecRestoreArrayWrite(vec_, &data_);
  return on_device_ ? VecRestoreArrayAndMemType(vec_, &data_) : VecRestoreArray(vec_, &data_);
}

VecTensor::~VecTensor() {
  [[maybe_unused]] const PetscErrorCode code = restore();
}

template <class T>
void copy(Vec from, const Tensor<T>& to) {
  const VecTensor view(from, VecTensor::Access::read, to.shape());
  if constexpr (std::is_same_v<T, PetscReal>)
    to.copy_from(view.tensor());
  else
    to.copy_from(cast<T>(view.tensor()));
}

template <class T>
void copy(const Tensor<T>& from, Vec to) {
  const VecTensor view(to, VecTensor::Access::write, from.shape());
  if constexpr (std::is_same_v<T, PetscReal>)
    view.tensor().copy_from(from);
  else
    view.tensor().copy_from(cast<PetscReal>(from));
}

template void copy<float>(Vec, const Tensor<float>&);
template void copy<double>(Vec, const Tensor<double>&);
template void copy<float>(const Tensor<float>&, Vec);
template void copy<double>(const Tensor<double>&, Vec);

Shape global_shape(DM dmda) {
  return shape(box(dmda, Part::whole));
}
Shape owned_shape(DM dmda) {
  return shape(box(dmda, Part::owned));
}
Shape ghosted_shape(DM dmda) {
  return shape(box(dmda, Part::ghosted));
}

std::array<std::int64_t, 3> owned_first(DM dmda) {
  return first(box(dmda, Part::owned));
}
std::array<std::int64_t, 3> ghosted_first(DM dmda) {
  return first(box(dmda, Part::ghosted));
}

DmdaGather::DmdaGather(DM dmda) : dmda_(dmda) {
  NOPAL_PETSC(DMDACreateNaturalVector(dmda, natural_.receive()));
  NOPAL_PETSC(VecScatterCreateToAll(natural_, scatter_.receive(), whole_.receive()));
}

void DmdaGather::operator()(Vec global, std::vector<double>& whole) {
  NOPAL_PETSC(DMDAGlobalToNaturalBegin(dmda_, global, INSERT_VALUES, natural_));
  NOPAL_PETSC(DMDAGlobalToNaturalEnd(dmda_, global, INSERT_VALUES, natural_));
  NOPAL_PETSC(VecScatterBegin(scatter_, natural_, whole_, INSERT_VALUES, SCATTER_FORWARD));
  NOPAL_PETSC(VecScatterEnd(scatter_, natural_, whole_, INSERT_VALUES, SCATTER_FORWARD));
  PetscInt size = 0;
  const PetscScalar* values = nullptr;
  NOPAL_PETSC(VecGetLocalSize(whole_, &size));
  NOPAL_PETSC(VecGetArrayRead(whole_, &values));
  whole.assign(values, values + size);
  NOPAL_PETSC(VecRestoreArrayRead(whole_, &values));
}

}  // namespace nopal
