// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "plugin/direction_preconditioner.hpp"

#include <cstdio>

namespace nopal::detail {

template <class T>
DirectionPreconditioner<T>::DirectionPreconditioner(GridLayout layout,
                                                    std::unique_ptr<Model<T>> model, Mat matrix)
    : layout_(std::move(layout)), model_(std::move(model)) {
  const auto& net = dynamic_cast<const DirectionNet<T>&>(model_->op());
  map_ = std::make_unique<DirectionMap<T>>(net, layout_.grid(), layout_.rows());
  if (layout_.rows() != matrix) NOPAL_PETSC(MatGetNullSpace(matrix, &null_space_));
  // A matrix that says nothing is taken for symmetric.
  PetscBool known = PETSC_FALSE, symmetric = PETSC_FALSE;
  NOPAL_PETSC(MatIsSymmetricKnown(matrix, &known, &symmetric));
  symmetric_ = !known || symmetric;
}

template <class T>
void DirectionPreconditioner<T>::apply(Vec r, Vec z) {
  layout_.apply(r, z, [&](Vec b, Vec x) { map_->apply(b, x); });
  if (null_space_) NOPAL_PETSC(MatNullSpaceRemove(null_space_, z));
}

template <class T>
std::vector<std::string> DirectionPreconditioner<T>::description() const {
  char first[200], second[200];
  std::snprintf(first, sizeof first,
                "direction network of %lld parameters, %lld unknowns, %lld rows of obstacles",
                static_cast<long long>(count(model_->op().parameters())),
                static_cast<long long>(map_->unknowns()),
                static_cast<long long>(map_->obstacles()));
  std::snprintf(second, sizeof second,
                "%lld applications, of which %lld gave no descent: the residual was taken",
                static_cast<long long>(map_->applications()),
                static_cast<long long>(map_->fallbacks()));
  return {first, second};
}

template class DirectionPreconditioner<float>;
template class DirectionPreconditioner<double>;

}  // namespace nopal::detail
