// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/subspace.hpp>

#include <nopal/core/random.hpp>

#include <Eigen/Eigenvalues>

#include <cmath>
#include <numbers>

namespace nopal {

std::vector<OwnedVec> leading_vectors(const std::vector<OwnedVec>& columns, std::int64_t count) {
  NOPAL_CHECK(count >= 1, "a coarse space needs at least one vector, got ", count);
  const auto m = static_cast<Eigen::Index>(columns.size());
  std::vector<OwnedVec> result;
  NOPAL_CHECK(m > 0, "a coarse space of no columns");
  std::vector<Vec> raw(columns.begin(), columns.end());
  Eigen::MatrixXd gram(m, m);
  std::vector<PetscScalar> row(columns.size());
  for (Eigen::Index i = 0; i < m; ++i) {
    NOPAL_PETSC(VecMDot(raw[static_cast<std::size_t>(i)], static_cast<PetscInt>(m), raw.data(),
                        row.data()));
    for (Eigen::Index j = 0; j < m; ++j)
      gram(i, j) = PetscRealPart(row[static_cast<std::size_t>(j)]);
  }
  NOPAL_CHECK(gram.allFinite(), "the columns of a coarse space are not finite");
  // Columns of equal size: otherwise the largest decide alone.
  const Eigen::VectorXd size =
      gram.diagonal().cwiseSqrt().unaryExpr([](double s) { return s > 0 ? 1 / s : 0; });
  gram = size.asDiagonal() * gram * size.asDiagonal();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(0.5 * (gram + gram.transpose()));
  NOPAL_CHECK(eigen.info() == Eigen::Success && eigen.eigenvalues()(m - 1) > 0,
              "the columns of a coarse space are all zero");
  for (Eigen::Index k = m - 1; k >= 0 && static_cast<std::int64_t>(result.size()) < count; --k) {
    const double value = eigen.eigenvalues()(k);
    if (value < 1e-14 * eigen.eigenvalues()(m - 1)) break;
    for (Eigen::Index i = 0; i < m; ++i)
      row[static_cast<std::size_t>(i)] = eigen.eigenvectors()(i, k) * size(i) / std::sqrt(value);
    OwnedVec v;
    NOPAL_PETSC(VecDuplicate(raw[0], v.receive()));
    NOPAL_PETSC(VecSet(v, 0));
    NOPAL_PETSC(VecMAXPY(v, static_cast<PetscInt>(m), row.data(), raw.data()));
    // Small singular values leave errors along the others.
    for (int pass = 0; pass < 2; ++pass)
      for (const OwnedVec& before : result) {
        PetscScalar along = 0;
        NOPAL_PETSC(VecDot(v, before, &along));
        NOPAL_PETSC(VecAXPY(v, -along, before));
      }
    PetscReal norm = 0;
    NOPAL_PETSC(VecNormalize(v, &norm));
    if (norm > 1e-3) result.push_back(std::move(v));
  }
  return result;
}

std::vector<OwnedVec> trunk_vectors(const DeepONet<float>& op, const Tensor<double>& points,
                                    Vec like) {
  const Tensor<float> basis = op.trunk(Variable<float>(cast<float>(points))).value();
  const std::int64_t rows = points.extent(0), columns = rows > 0 ? basis.size() / rows : 0;
  PetscInt local = 0;
  NOPAL_PETSC(VecGetLocalSize(like, &local));
  const Communicator comm = communicator_of(like);
  comm.together([&] {
    NOPAL_CHECK(local == rows, "a trunk basis at ", rows, " points for vectors of ", local,
                " entries on this rank");
  });
  const auto count = static_cast<std::int64_t>(comm.max(static_cast<double>(columns)));
  const std::vector<float> values = basis.to_vector();
  std::vector<OwnedVec> result;
  for (std::int64_t k = 0; k < count; ++k) {
    OwnedVec v;
    PetscScalar* to = nullptr;
    NOPAL_PETSC(VecDuplicate(like, v.receive()));
    NOPAL_PETSC(VecGetArrayWrite(v, &to));
    for (std::int64_t i = 0; i < rows; ++i)
      to[i] = values[static_cast<std::size_t>(i * columns + k)];
    NOPAL_PETSC(VecRestoreArrayWrite(v, &to));
    result.push_back(std::move(v));
  }
  return result;
}

std::vector<OwnedVec> response_vectors(FieldMap& surrogate, std::int64_t count, std::uint64_t seed,
                                       Vec like) {
  NOPAL_CHECK(surrogate.inputs() == 1, "responses for a coarse space: the surrogate takes ",
              surrogate.inputs(), " channels, expected one, the right-hand side");
  constexpr std::uint64_t waves = 4;
  const Box box = surrogate.grid().box();
  const Shape n = surrogate.grid().extents();
  std::vector<OwnedVec> result;
  OwnedVec input;
  NOPAL_PETSC(VecDuplicate(like, input.receive()));
  for (std::int64_t k = 0; k < count; ++k) {
    const Random random(seed, static_cast<std::uint64_t>(k));
    PetscScalar* values = nullptr;
    NOPAL_PETSC(VecGetArrayWrite(input, &values));
    for (std::int64_t i = 0; i < box.size(); ++i) {
      std::int64_t rest = i;
      double x[3] = {};
      for (int a = box.dimension - 1; a >= 0; --a) {
        x[a] = (static_cast<double>(box[a].begin + rest % box[a].size()) + 0.5) /
               static_cast<double>(n[a]);
        rest /= box[a].size();
      }
      double sum = 0;
      for (std::uint64_t w = 0; w < waves; ++w) {
        double phase = 2 * std::numbers::pi * random.uniform(16 * w);
        for (int a = 0; a < box.dimension; ++a)
          phase += std::numbers::pi * x[a] *
                   std::floor(8 * random.uniform(16 * w + 1 + static_cast<std::uint64_t>(a)) - 4);
        sum += random.normal(16 * w + 8) * std::sin(phase);
      }
      values[i] = sum;
    }
    NOPAL_PETSC(VecRestoreArrayWrite(input, &values));
    OwnedVec answer;
    NOPAL_PETSC(VecDuplicate(like, answer.receive()));
    surrogate.apply({input}, answer);
    result.push_back(std::move(answer));
  }
  return result;
}

OwnedMat columns_of(const std::vector<OwnedVec>& vectors) {
  NOPAL_CHECK(!vectors.empty(), "a matrix of no columns");
  PetscInt rows = 0, all_rows = 0;
  NOPAL_PETSC(VecGetLocalSize(vectors[0], &rows));
  NOPAL_PETSC(VecGetSize(vectors[0], &all_rows));
  const auto count = static_cast<PetscInt>(vectors.size());
  PetscInt first = 0;
  NOPAL_PETSC(VecGetOwnershipRange(vectors[0], &first, nullptr));
  OwnedMat matrix;
  NOPAL_PETSC(MatCreateAIJ(PetscObjectComm(reinterpret_cast<PetscObject>(vectors[0].get())), rows,
                           PETSC_DECIDE, all_rows, count, count, nullptr, count, nullptr,
                           matrix.receive()));
  for (PetscInt k = 0; k < count; ++k) {
    const Vec column = vectors[static_cast<std::size_t>(k)];
    const PetscScalar* values = nullptr;
    NOPAL_PETSC(VecGetArrayRead(column, &values));
    for (PetscInt i = 0; i < rows; ++i)
      NOPAL_PETSC(MatSetValue(matrix, first + i, k, values[i], INSERT_VALUES));
    NOPAL_PETSC(VecRestoreArrayRead(column, &values));
  }
  NOPAL_PETSC(MatAssemblyBegin(matrix, MAT_FINAL_ASSEMBLY));
  NOPAL_PETSC(MatAssemblyEnd(matrix, MAT_FINAL_ASSEMBLY));
  return matrix;
}

}  // namespace nopal
