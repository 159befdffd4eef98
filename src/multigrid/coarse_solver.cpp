// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "multigrid/coarse_solver.hpp"

#include <Eigen/Dense>

#include <cmath>

namespace nopal::detail {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

// Singular values below this share of the largest, after scaling to a unit diagonal, count as 0.
constexpr double tolerance = 1e-11;

Matrix symmetric_inverse(const Matrix& a) {
  const Eigen::SelfAdjointEigenSolver<Matrix> eigen(a);
  Vector values = eigen.eigenvalues();
  const double least = tolerance * values.cwiseAbs().maxCoeff();
  for (auto& value : values)
    value = std::abs(value) > least ? 1 / value : 0;
  return eigen.eigenvectors() * values.asDiagonal() * eigen.eigenvectors().transpose();
}

Matrix general_inverse(const Matrix& a) {
  const Eigen::BDCSVD<Matrix> svd(a, Eigen::ComputeThinU | Eigen::ComputeThinV);
  Vector values = svd.singularValues();
  const double least = tolerance * values.maxCoeff();
  for (auto& value : values)
    value = value > least ? 1 / value : 0;
  return svd.matrixV() * values.asDiagonal() * svd.matrixU().transpose();
}

template <class Action>
void each_point(const LevelLayout& layout, const Action& action) {
  std::int64_t row = 0;
  LevelLayout::rows(layout.own, [&](std::int64_t i0, std::int64_t i1) {
    for (std::int64_t i2 = layout.own[2].begin; i2 < layout.own[2].end; ++i2)
      action(row++, std::array<std::int64_t, 3>{i0, i1, i2});
  });
}

}  // namespace

template <class T>
CoarseSolver<T>::CoarseSolver(const Level<T>& level) {
  const LevelLayout& layout = level.layout;
  std::array<std::int64_t, 3> n{};
  points_ = 1;
  for (std::size_t a = 0; a < 3; ++a)
    points_ *= n[a] = layout.own[a].size();
  Matrix a = Matrix::Zero(points_, points_);
  Vector scale(points_);
  each_point(layout, [&](std::int64_t row, const std::array<std::int64_t, 3>& at) {
    const std::ptrdiff_t i = layout.at(at[0], at[1], at[2]);
    scale[row] = static_cast<double>(level.scale.data()[i]);
    for (int slot = 0; slot < slots; ++slot) {
      const T* values = level.matrix.coefficient(slot, layout);
      if (!values || values[i] == 0) continue;
      if (slot != centre) a(row, row) -= static_cast<double>(values[i]);
      std::int64_t column = 0;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        const std::int64_t to = at[axis] - layout.own[axis].begin + offset_of(slot)[axis];
        column = column * n[axis] + (to + n[axis]) % n[axis];  // wraps where the axis is periodic
      }
      a(row, column) += static_cast<double>(values[i]);
    }
  });
  a = scale.asDiagonal() * a * scale.asDiagonal();
  const Matrix inverse =
      level.matrix.symmetric ? symmetric_inverse((a + a.transpose()) / 2) : general_inverse(a);
  const Matrix scaled = scale.asDiagonal() * inverse * scale.asDiagonal();
  inverse_.resize(static_cast<std::size_t>(points_ * points_));
  for (std::int64_t r = 0; r < points_; ++r)
    for (std::int64_t c = 0; c < points_; ++c)
      inverse_[static_cast<std::size_t>(r * points_ + c)] = static_cast<T>(scaled(r, c));
  b_.resize(static_cast<std::size_t>(points_));
}

template <class T>
void CoarseSolver<T>::solve(const Level<T>& level) const {
  each_point(level.layout, [&](std::int64_t row, const std::array<std::int64_t, 3>& at) {
    b_[static_cast<std::size_t>(row)] = level.b.data()[level.layout.at(at[0], at[1], at[2])];
  });
  each_point(level.layout, [&](std::int64_t row, const std::array<std::int64_t, 3>& at) {
    const T* const values = inverse_.data() + row * points_;
    double sum = 0;
    for (std::int64_t c = 0; c < points_; ++c)
      sum += static_cast<double>(values[c]) * static_cast<double>(b_[static_cast<std::size_t>(c)]);
    level.x.data()[level.layout.at(at[0], at[1], at[2])] = static_cast<T>(sum);
  });
}

template class CoarseSolver<float>;
template class CoarseSolver<double>;

}  // namespace nopal::detail
