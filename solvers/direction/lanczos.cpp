// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/direction/lanczos.hpp>

#include <nopal/core/random.hpp>
#include <nopal/data/dataset.hpp>
#include <nopal/solvers/bridge/vec.hpp>

#include <Eigen/Eigenvalues>

#include <cmath>
#include <filesystem>

namespace nopal {
namespace {

// Coefficients of a sample, the same on any number of ranks.
std::vector<double> coefficients(std::int64_t size, std::uint64_t seed, std::uint64_t index,
                                 std::int64_t low, double weight) {
  if (low < 0) low = static_cast<std::int64_t>(std::lround(0.55 * static_cast<double>(size)));
  const Random random(seed, index);
  std::vector<double> c;
  for (std::int64_t j = 0; j < size; ++j)
    c.push_back((j < low ? weight : 1) * random.normal(static_cast<std::uint64_t>(j)));
  return c;
}

// A vector that belongs to the rows, by number: with a DMDA's rows of several ranks another vector.
void set_random(Vec v, std::uint64_t seed) {
  PetscInt first = 0, end = 0;
  PetscScalar* values = nullptr;
  const Random random(seed, 31);
  NOPAL_PETSC(VecGetOwnershipRange(v, &first, &end));
  NOPAL_PETSC(VecGetArrayWrite(v, &values));
  for (PetscInt i = first; i < end; ++i)
    values[i - first] = random.normal(static_cast<std::uint64_t>(i));
  NOPAL_PETSC(VecRestoreArrayWrite(v, &values));
}

}  // namespace

RitzSpace::RitzSpace(Mat matrix, std::int64_t steps, std::uint64_t seed) {
  NOPAL_CHECK(steps >= 1, "the Lanczos process needs at least one step, got ", steps);
  PetscInt rows = 0;
  NOPAL_PETSC(MatGetSize(matrix, &rows, nullptr));
  steps = std::min<std::int64_t>(steps, rows);
  std::vector<double> alpha, beta;
  std::vector<Vec> raw;
  OwnedVec start, w;
  NOPAL_PETSC(MatCreateVecs(matrix, w.receive(), start.receive()));
  set_random(w, seed);
  NOPAL_PETSC(MatMult(matrix, w, start));
  double largest = 0;
  PetscReal norm = 0;
  NOPAL_PETSC(VecNormalize(start, &norm));
  NOPAL_CHECK(norm > 0 && std::isfinite(norm),
              "the Lanczos process: the matrix is zero, or not "
              "finite");
  for (std::int64_t j = 0; j < steps; ++j) {
    raw.push_back(start.get());
    basis_.push_back(std::move(start));
    start = OwnedVec();
    NOPAL_PETSC(MatMult(matrix, raw.back(), w));
    std::vector<PetscScalar> along(raw.size()), again(raw.size());
    const auto count = static_cast<PetscInt>(raw.size());
    NOPAL_PETSC(VecMDot(w, count, raw.data(), along.data()));
    alpha.push_back(PetscRealPart(along.back()));
    largest = std::max(largest, std::abs(alpha.back()) + (j > 0 ? beta.back() : 0));
    // A symmetric matrix gives the last beta back, and nothing along earlier vectors.
    for (std::size_t i = 0; i + 1 < along.size(); ++i) {
      const double expected = i + 2 == along.size() ? beta.back() : 0;
      NOPAL_CHECK(std::abs(PetscRealPart(along[i]) - expected) <= 1e-6 * largest,
                  "the Lanczos process, step ", j + 1, ": the matrix is not symmetric, v_", i + 1,
                  " . A v_", j + 1, " is ", PetscRealPart(along[i]), ", expected ", expected);
    }
    for (int pass = 0; pass < 2; ++pass) {
      if (pass == 1) NOPAL_PETSC(VecMDot(w, count, raw.data(), along.data()));
      for (std::size_t i = 0; i < along.size(); ++i)
        again[i] = -along[i];
      NOPAL_PETSC(VecMAXPY(w, count, again.data(), raw.data()));
    }
    NOPAL_PETSC(VecNorm(w, NORM_2, &norm));
    if (norm <= 1e-12 * largest || j + 1 == steps) break;
    beta.push_back(norm);
    NOPAL_PETSC(VecDuplicate(w, start.receive()));
    NOPAL_PETSC(VecCopy(w, start));
    NOPAL_PETSC(VecScale(start, 1 / norm));
  }
  const auto m = static_cast<Eigen::Index>(alpha.size());
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen;
  eigen.computeFromTridiagonal(Eigen::Map<Eigen::VectorXd>(alpha.data(), m),
                               Eigen::Map<Eigen::VectorXd>(beta.data(), m - 1));
  NOPAL_CHECK(eigen.info() == Eigen::Success, "the eigenvalues of the Lanczos process's ", m, " x ",
              m, " matrix were not found");
  const double top = eigen.eigenvalues()(m - 1);
  NOPAL_CHECK(top > 0 && eigen.eigenvalues()(0) > -1e-8 * top,
              "the matrix is not positive semidefinite: it has a Ritz value ",
              eigen.eigenvalues()(0), ", the largest is ", top);
  for (Eigen::Index j = 0; j < m; ++j) {
    if (eigen.eigenvalues()(j) < 1e-8 * top) continue;
    values_.push_back(eigen.eigenvalues()(j));
    for (Eigen::Index i = 0; i < m; ++i)
      vectors_.push_back(eigen.eigenvectors()(i, j));
  }
}

void RitzSpace::combine(const std::vector<double>& c, Vec y) const {
  NOPAL_CHECK(c.size() == values_.size(), "a combination of ", values_.size(),
              " Ritz vectors needs as many coefficients, got ", c.size());
  const auto m = static_cast<Eigen::Index>(basis_.size());
  const auto s = Eigen::Map<const Eigen::MatrixXd>(vectors_.data(), m,
                                                   static_cast<Eigen::Index>(values_.size()));
  const Eigen::VectorXd weights =
      s * Eigen::Map<const Eigen::VectorXd>(c.data(), static_cast<Eigen::Index>(c.size()));
  const std::vector<Vec> raw(basis_.begin(), basis_.end());
  NOPAL_PETSC(VecSet(y, 0));
  NOPAL_PETSC(VecMAXPY(y, static_cast<PetscInt>(m), weights.data(), const_cast<Vec*>(raw.data())));
}

void RitzSpace::sample(std::uint64_t seed, std::uint64_t index, Vec y, std::int64_t low,
                       double weight) const {
  combine(coefficients(size(), seed, index, low, weight), y);
  NOPAL_PETSC(VecNormalize(y, nullptr));
}

void write_ritz_samples(const RitzSpace& space, DM dmda, std::int64_t count, std::uint64_t seed,
                        const std::string& path) {
  const Communicator comm = communicator_of(dmda);
  const Shape field = global_shape(dmda);
  const double each = 2.0 * sizeof(float) * static_cast<double>(field.size());
  comm.together([&] {
    NOPAL_CHECK(count >= 1, "expected at least one sample of Ritz vectors, got ", count);
    NOPAL_CHECK(field[-1] == 1, "samples of Ritz vectors need one unknown a point, the DMDA has ",
                field[-1]);
    if (comm.rank() > 0) return;
    std::error_code error;
    auto folder = std::filesystem::path(path).parent_path();
    const auto room = std::filesystem::space(folder.empty() ? "." : folder, error);
    const auto fit = static_cast<double>(room.available) / each;
    NOPAL_CHECK(error || fit >= static_cast<double>(count), path, ": ", count, " samples of ",
                each * 1e-6, " MB do not fit on the disk; ", static_cast<std::int64_t>(fit),
                " would");
  });
  Hdf5Writer<float> writer(path, count, field, field, comm);
  OwnedVec b, x;
  NOPAL_PETSC(DMCreateGlobalVector(dmda, b.receive()));
  NOPAL_PETSC(VecDuplicate(b, x.receive()));
  DmdaGather collect(dmda);
  std::vector<double> whole_b, whole_x;
  const Shape one = [&] {
    Shape shape{1};
    for (const std::int64_t n : field)
      shape.push_back(n);
    return shape;
  }();
  for (std::int64_t i = 0; i < count; ++i) {
    std::vector<double> c = coefficients(space.size(), seed, static_cast<std::uint64_t>(i), -1, 9);
    space.combine(c, b);
    for (std::size_t j = 0; j < c.size(); ++j)
      c[j] /= space.values()[j];
    space.combine(c, x);
    PetscReal norm = 0;
    NOPAL_PETSC(VecNormalize(b, &norm));
    NOPAL_PETSC(VecScale(x, 1 / norm));
    collect(b, whole_b);
    collect(x, whole_x);
    comm.together([&] {
      if (comm.rank() != static_cast<int>(i % comm.size())) return;
      writer.write(i, Tensor<float>::from_host(one, {whole_b.begin(), whole_b.end()}),
                   Tensor<float>::from_host(one, {whole_x.begin(), whole_x.end()}));
    });
  }
  writer.attribute("problem", "Ritz vectors");
  writer.attribute("ritz_vectors", static_cast<double>(space.size()));
  writer.attribute("seed", static_cast<double>(seed));
  writer.close();
}

}  // namespace nopal
