// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "operators/least_squares.hpp"

namespace nopal::detail {
namespace {

using Matrix = Eigen::MatrixXd;

// The triangular factor of a QR decomposition, or the matrix itself if it is no taller than wide.
Matrix reduced(const Matrix& rows) {
  if (rows.rows() <= rows.cols()) return rows;
  const Eigen::HouseholderQR<Matrix> qr(rows);
  return qr.matrixQR().topRows(rows.cols()).triangularView<Eigen::Upper>();
}

void send(const Matrix& rows, int to, const Communicator& comm) {
  const std::int64_t count = rows.rows();
  MPI_Send(&count, 1, MPI_INT64_T, to, 0, comm.mpi());
  for (Eigen::Index column = 0; column < rows.cols(); ++column)
    MPI_Send(rows.col(column).data(), static_cast<int>(count), MPI_DOUBLE, to, 0, comm.mpi());
}

Matrix receive(Eigen::Index columns, int from, const Communicator& comm) {
  std::int64_t count = 0;
  MPI_Recv(&count, 1, MPI_INT64_T, from, 0, comm.mpi(), MPI_STATUS_IGNORE);
  Matrix rows(count, columns);
  for (Eigen::Index column = 0; column < columns; ++column)
    MPI_Recv(rows.col(column).data(), static_cast<int>(count), MPI_DOUBLE, from, 0, comm.mpi(),
             MPI_STATUS_IGNORE);
  return rows;
}

// The factor of the rows of all ranks, on rank 0, by a binary tree.
Matrix gather_factor(Matrix rows, const Communicator& comm) {
  rows = reduced(rows);
  for (int step = 1; step < comm.size(); step *= 2) {
    if (comm.rank() % (2 * step) == step) {
      send(rows, comm.rank() - step, comm);
      return {};
    }
    if (comm.rank() + step >= comm.size()) continue;
    const Matrix other = receive(rows.cols(), comm.rank() + step, comm);
    Matrix both(rows.rows() + other.rows(), rows.cols());
    both << rows, other;
    rows = reduced(both);
  }
  return rows;
}

}  // namespace

LeastSquaresResult least_squares(Matrix a, Matrix b, double threshold, const Communicator& comm) {
  const Eigen::Index columns = a.cols(), sides = b.cols();
  comm.together([&] {
    NOPAL_CHECK(a.allFinite() && b.allFinite(),
                "least squares: expected finite numbers, got one that is not");
  });
  if (comm.size() > 1) {
    Matrix rows(a.rows(), columns + sides);
    rows << a, b;
    rows = gather_factor(std::move(rows), comm);
    a = rows.leftCols(columns);
    b = rows.rightCols(sides);
  }
  LeastSquaresResult result;
  comm.together([&] {
    if (comm.rank() > 0) return;
    Eigen::CompleteOrthogonalDecomposition<Matrix> decomposition;
    decomposition.setThreshold(threshold);
    decomposition.compute(a);
    result.rank = decomposition.rank();
    NOPAL_CHECK(result.rank > 0 && a.rows() > 0, "least squares: the matrix of ", columns,
                " features is singular, all its entries are 0: the inputs carry no information");
    result.x = decomposition.solve(b);
  });
  const Tensor<double> shared({columns * sides + 1});
  if (comm.rank() == 0) {
    std::vector<double> values(result.x.data(), result.x.data() + result.x.size());
    values.push_back(static_cast<double>(result.rank));
    shared.copy_from_host(values.data());
  }
  if (comm.size() > 1) {
    comm.broadcast(shared);
    const std::vector<double> values = shared.to_vector();
    result.x = Eigen::Map<const Matrix>(values.data(), columns, sides);
    result.rank = static_cast<Eigen::Index>(values.back());
  }
  return result;
}

}  // namespace nopal::detail
