// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/data/interpolation.hpp>
#include <nopal/operators/baselines.hpp>

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nopal {
namespace {

template <class T>
using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

Shape with_samples(std::int64_t samples, const Shape& shape) {
  Shape result{samples};
  for (const std::int64_t extent : shape)
    result.push_back(extent);
  return result;
}

Shape grid_of(const Shape& fields) {
  return Shape(fields.begin() + 1, fields.end() - 1);
}

// Calls action(x, y) for blocks of the first `count` samples.
template <class T, class Action>
void for_blocks(const Dataset<T>& data, std::int64_t count, Action&& action) {
  constexpr std::int64_t block = 64;
  for (std::int64_t first = 0; first < count; first += block) {
    std::vector<std::int64_t> indices(static_cast<std::size_t>(std::min(block, count - first)));
    std::iota(indices.begin(), indices.end(), first);
    const auto samples = static_cast<std::int64_t>(indices.size());
    const Tensor<T> x(with_samples(samples, data.x_shape()));
    const Tensor<T> y(with_samples(samples, data.y_shape()));
    data.read(indices, x, y);
    action(first, x, y);
  }
}

template <class T>
Tensor<T> on_grid(const Tensor<T>& fields, const Shape& grid) {
  return grid_of(fields.shape()) == grid ? fields : interpolate(fields, grid);
}

// X X^T in double, by blocks of columns.
template <class T>
Matrix gram(const Rows<T>& a, const Rows<T>& b) {
  constexpr Eigen::Index block = 1024;
  Matrix sum = Matrix::Zero(a.rows(), b.rows());
  for (Eigen::Index first = 0; first < a.cols(); first += block) {
    const Eigen::Index count = std::min(block, a.cols() - first);
    const Matrix p = a.middleCols(first, count).template cast<double>();
    const Matrix q = b.middleCols(first, count).template cast<double>();
    sum.noalias() += p * q.transpose();
  }
  return sum;
}

// Eigenpairs of X X^T, largest first, without those that are rounding.
struct Components {
  Vector values;
  Matrix vectors;  // N x r
};

Components components(const Matrix& gram_matrix) {
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(gram_matrix);
  const Vector values = solver.eigenvalues().reverse();
  Eigen::Index rank = 0;
  while (rank < values.size() && values[rank] > 1e-10 * values[0] && values[rank] > 0)
    ++rank;
  return {values.head(rank), solver.eigenvectors().rowwise().reverse().leftCols(rank)};
}

// 1, 2, 3, 4, 6, 8, 11, ... up to and with `largest`.
std::vector<Eigen::Index> candidate_ranks(Eigen::Index largest) {
  std::vector<Eigen::Index> ranks;
  for (double r = 1; r < static_cast<double>(largest); r = std::max(r + 1, r * 1.35))
    ranks.push_back(static_cast<Eigen::Index>(r));
  if (largest > 0) ranks.push_back(largest);
  return ranks;
}

// The number of components with the least mean relative error on the rows behind `fitted`.
template <class T>
Eigen::Index choose_rank(const Rows<T>& x, const Rows<T>& y, Eigen::Index fitted) {
  const Eigen::Index held_out = x.rows() - fitted;
  const Rows<T> x0 = x.topRows(fitted), y0 = y.topRows(fitted);
  const Eigen::Matrix<T, 1, Eigen::Dynamic> x_mean = x0.colwise().mean(),
                                            y_mean = y0.colwise().mean();
  const Rows<T> xc = x0.rowwise() - x_mean, yc = y0.rowwise() - y_mean;
  const Rows<T> xv = x.bottomRows(held_out).rowwise() - x_mean;
  const Rows<T> target = y.bottomRows(held_out);
  const Components c = components(gram(xc, xc));
  // Prediction = mean + sum_k (xv . v_k) w_k with (xv . v_k) w_k = (xv xc^T u_k / lambda_k) u_k^T
  // yc.
  const Matrix left = gram(xv, xc) * c.vectors * c.values.cwiseInverse().asDiagonal();
  const Rows<T> right = (c.vectors.transpose().template cast<T>() * yc).eval();
  const Rows<T> scores = left.cast<T>();
  Rows<T> residual = y_mean.replicate(held_out, 1) - target;
  Eigen::Index best = 0, done = 0;
  double least = INFINITY;
  for (const Eigen::Index rank : candidate_ranks(c.values.size())) {
    residual.noalias() +=
        scores.middleCols(done, rank - done) * right.middleRows(done, rank - done);
    done = rank;
    double error = 0;
    for (Eigen::Index i = 0; i < held_out; ++i)
      error += static_cast<double>(residual.row(i).norm()) /
               (static_cast<double>(target.row(i).norm()) + 1e-30);
    if (error < least) {
      least = error;
      best = rank;
    }
  }
  return best;
}

}  // namespace

template <class T>
MeanField<T>::MeanField(const Dataset<T>& training) {
  std::vector<double> sum(static_cast<std::size_t>(training.y_shape().size()), 0.0);
  for_blocks(training, training.size(), [&](std::int64_t, const Tensor<T>&, const Tensor<T>& y) {
    const std::vector<T> values = y.to_vector();
    for (std::size_t i = 0; i < values.size(); ++i)
      sum[i % sum.size()] += static_cast<double>(values[i]);
  });
  std::vector<T> mean(sum.size());
  for (std::size_t i = 0; i < sum.size(); ++i)
    mean[i] = static_cast<T>(sum[i] / static_cast<double>(training.size()));
  mean_ = Tensor<T>::from_host(with_samples(1, training.y_shape()), mean);
}

template <class T>
Tensor<T> MeanField<T>::predict(const Tensor<T>& x) const {
  const Tensor<T> field = on_grid(mean_, grid_of(x.shape()));
  Tensor<T> y(field.shape().with(0, x.extent(0)));
  for (std::int64_t b = 0; b < x.extent(0); ++b)
    y.slice(b, 1).copy_from(field);
  return y;
}

template <class T>
struct LinearBaseline<T>::Implementation {
  Shape x_shape, y_shape;
  Eigen::Matrix<T, 1, Eigen::Dynamic> x_mean, y_mean;
  Rows<T> directions;  // V^T, r x inputs
  Rows<T> outputs;     // W^T, r x outputs
};

template <class T>
LinearBaseline<T>::LinearBaseline(const Dataset<T>& training, std::int64_t max_samples)
    : implementation_(std::make_unique<Implementation>()) {
  const std::int64_t n = std::min(training.size(), max_samples);
  NOPAL_CHECK(n >= 1, "a linear baseline needs training samples, got ", n);
  Implementation& m = *implementation_;
  m.x_shape = training.x_shape();
  m.y_shape = training.y_shape();
  Rows<T> x(n, m.x_shape.size()), y(n, m.y_shape.size());
  for_blocks(training, n, [&](std::int64_t first, const Tensor<T>& xb, const Tensor<T>& yb) {
    xb.copy_to_host(x.data() + first * x.cols());
    yb.copy_to_host(y.data() + first * y.cols());
  });

  const std::int64_t fitted = n - n / 5;
  const Eigen::Index rank = n >= 5 ? choose_rank(x, y, fitted) : n;
  m.x_mean = x.colwise().mean();
  m.y_mean = y.colwise().mean();
  x.rowwise() -= m.x_mean;
  y.rowwise() -= m.y_mean;
  const Components c = components(gram(x, x));
  const Eigen::Index r = std::min<Eigen::Index>(rank, c.values.size());
  // V = X^T U / sqrt(lambda), W^T = Z^+ Y = U^T Y / sqrt(lambda).
  const Matrix scaled =
      c.vectors.leftCols(r) * c.values.head(r).cwiseSqrt().cwiseInverse().asDiagonal();
  const Rows<T> transposed = scaled.transpose().template cast<T>();
  m.directions = transposed * x;
  m.outputs = transposed * y;
}

template <class T>
LinearBaseline<T>::~LinearBaseline() = default;

template <class T>
std::int64_t LinearBaseline<T>::rank() const {
  return implementation_->directions.rows();
}

template <class T>
Tensor<T> LinearBaseline<T>::predict(const Tensor<T>& x) const {
  const Implementation& m = *implementation_;
  const Shape training_grid(m.x_shape.begin(), m.x_shape.end() - 1);
  NOPAL_CHECK(x.rank() == m.x_shape.rank() + 1 && x.extent(-1) == m.x_shape[-1],
              "the linear baseline expects inputs (B, grid, ", m.x_shape[-1],
              ") like the training data's ", m.x_shape, ", got ", x.shape());
  const Tensor<T> inputs = on_grid(x, training_grid);
  const std::vector<T> host = inputs.to_vector();
  const Eigen::Map<const Rows<T>> rows(host.data(), inputs.extent(0), m.x_shape.size());
  Rows<T> y = ((rows.rowwise() - m.x_mean) * m.directions.transpose()).eval() * m.outputs;
  y.rowwise() += m.y_mean;
  const Tensor<T> result(with_samples(x.extent(0), m.y_shape));
  result.copy_from_host(y.data());
  return on_grid(result, grid_of(x.shape()));
}

template class MeanField<float>;
template class MeanField<double>;
template class LinearBaseline<float>;
template class LinearBaseline<double>;

}  // namespace nopal
