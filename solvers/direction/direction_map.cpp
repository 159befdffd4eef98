// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/direction/direction_map.hpp>

#include <nopal/comm/exchange.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace nopal {
namespace {

// The diagonal where a row has no other entry, 0 elsewhere.
std::vector<double> lonely_diagonal(Mat matrix, std::int64_t rows) {
  std::vector<double> diagonal(static_cast<std::size_t>(rows), 0);
  PetscBool has_rows = PETSC_FALSE;
  NOPAL_PETSC(MatHasOperation(matrix, MATOP_GET_ROW, &has_rows));
  if (!has_rows) return diagonal;
  PetscInt first = 0, end = 0;
  NOPAL_PETSC(MatGetOwnershipRange(matrix, &first, &end));
  for (PetscInt row = first; row < end; ++row) {
    PetscInt count = 0;
    const PetscInt* columns = nullptr;
    const PetscScalar* values = nullptr;
    NOPAL_PETSC(MatGetRow(matrix, row, &count, &columns, &values));
    double own = 0;
    bool lonely = true;
    for (PetscInt k = 0; k < count; ++k) {
      if (columns[k] == row)
        own = PetscRealPart(values[k]);
      else
        lonely = lonely && PetscRealPart(values[k]) == 0;
    }
    if (lonely && own != 0) diagonal[static_cast<std::size_t>(row - first)] = own;
    NOPAL_PETSC(MatRestoreRow(matrix, row, &count, &columns, &values));
  }
  return diagonal;
}

// The boxes of `grid` with their ends moved to multiples of a number, of an extent that is one.
std::vector<std::vector<std::int64_t>> aligned_counts(const Grid& grid, std::int64_t multiple,
                                                      Shape& extents) {
  std::vector<std::vector<std::int64_t>> counts;
  for (int a = 0; a < grid.dimension(); ++a) {
    const std::int64_t n = (grid.extents()[a] + multiple - 1) / multiple * multiple;
    extents.push_back(n);
    auto& axis = counts.emplace_back();
    const auto& ranges = grid.boxes().ranges[static_cast<std::size_t>(a)];
    std::int64_t begin = 0;
    for (std::size_t p = 0; p < ranges.size(); ++p) {
      const std::int64_t end =
          p + 1 == ranges.size() ? n : (ranges[p].end + multiple / 2) / multiple * multiple;
      axis.push_back(std::min(end, n) - begin);
      begin = std::min(end, n);
    }
  }
  return counts;
}

}  // namespace

template <class T>
struct DirectionMap<T>::State {
  const DirectionNet<T>* net;
  OwnedMat matrix;
  MatNullSpace null_space = nullptr;  // the matrix's
  Grid grid, aligned;
  Exchange<T> to_network, from_network;
  std::vector<double> lonely;    // see lonely_diagonal
  Tensor<T> input, own, output;  // of the network; on the boxes of the vectors
  Tensor<T> field;               // a channel of the network's input
  double unknowns = 0, obstacles = 0;
  std::int64_t applications = 0, fallbacks = 0;
};

template <class T>
DirectionMap<T>::DirectionMap(const DirectionNet<T>& net, const Grid& grid, Mat matrix)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  const DirectionNetOptions& o = net.options();
  s.net = &net;
  NOPAL_PETSC(PetscObjectReference(reinterpret_cast<PetscObject>(matrix)));
  *s.matrix.receive() = matrix;
  NOPAL_PETSC(MatGetNullSpace(matrix, &s.null_space));
  PetscInt rows = 0;
  NOPAL_PETSC(MatGetLocalSize(matrix, &rows, nullptr));
  grid.comm().together([&] {
    NOPAL_CHECK(o.dimension == grid.dimension(), "the direction network is for ", o.dimension,
                " dimensions, the grid ", grid.extents(), " has ", grid.dimension());
    NOPAL_CHECK(rows == grid.box().size(), "this rank has ", grid.box().size(),
                " points of the grid ", grid.extents(), ", and ", rows, " rows of the matrix");
  });
  s.grid = grid.with_rules({});
  // An extent that was moved up may make room for a level more.
  Shape extents;
  std::vector<std::vector<std::int64_t>> counts;
  std::int64_t levels = net.levels_of(s.grid.extents()), before = 0;
  while (levels != before) {
    extents = Shape();
    counts = aligned_counts(s.grid, std::int64_t(1) << levels, extents);
    before = std::exchange(levels, net.levels_of(extents));
  }
  s.aligned = Grid(extents, {}, s.grid.comm(), counts);
  s.to_network = Exchange<T>(s.grid, s.aligned.boxes());
  s.from_network = Exchange<T>(s.aligned, s.grid.boxes());
  s.own = Tensor<T>(s.grid.box().field(1, 1));
  s.output = Tensor<T>(s.grid.box().field(1, 1));
  s.field = Tensor<T>(s.aligned.box().field(1, 1));
  s.input = Tensor<T>::zeros(s.aligned.box().field(1, o.mask ? 2 : 1));

  s.lonely = lonely_diagonal(matrix, rows);
  const auto mine = static_cast<double>(
      std::count_if(s.lonely.begin(), s.lonely.end(), [](double d) { return d != 0; }));
  s.obstacles = grid.comm().sum(mine);
  s.unknowns = static_cast<double>(grid.extents().size()) - s.obstacles;
  NOPAL_CHECK(s.unknowns > 0, "all ", s.obstacles, " rows of the matrix couple with no other: ",
              "obstacles leave no unknown on the grid ", grid.extents());
  if (!o.mask) return;
  std::vector<T> mask;
  for (const double d : s.lonely)
    mask.push_back(d == 0 ? T(1) : T(0));
  s.own.copy_from_host(mask.data());
  s.to_network.start(s.own, s.field);
  s.to_network.finish(s.field);
  const std::vector<T> aligned_mask = s.field.to_vector();
  std::vector<T> input(2 * aligned_mask.size(), T(0));
  for (std::size_t i = 0; i < aligned_mask.size(); ++i)
    input[2 * i + 1] = aligned_mask[i];
  s.input.copy_from_host(input.data());
}

template <class T>
DirectionMap<T>::~DirectionMap() = default;

template <class T>
void DirectionMap<T>::apply(Vec r, Vec z) {
  State& s = *state_;
  const Communicator& comm = s.grid.comm();
  const std::size_t rows = s.lonely.size();
  const PetscScalar* from = nullptr;
  NOPAL_PETSC(VecGetArrayRead(r, &from));
  // Scaled by the largest entry, whose square may be too large or small for a double.
  double largest = 0;
  for (std::size_t i = 0; i < rows; ++i)
    if (s.lonely[i] == 0) {
      const double entry = std::abs(PetscRealPart(from[i]));
      largest = std::isnan(entry) ? entry : std::max(largest, entry);
    }
  const bool finite = !comm.any(!std::isfinite(largest));
  largest = finite ? comm.max(largest) : 0;
  double square = 0;
  for (std::size_t i = 0; i < rows && largest > 0; ++i)
    if (s.lonely[i] == 0) square += std::pow(PetscRealPart(from[i]) / largest, 2);
  const double norm = largest * std::sqrt(comm.sum(square));
  const double size = s.net->options().input_scale == "rms" ? norm / std::sqrt(s.unknowns) : norm;
  ++s.applications;
  std::vector<T> unit(rows, T(0)), direction(rows, T(0));
  if (norm > 0) {
    for (std::size_t i = 0; i < rows; ++i)
      if (s.lonely[i] == 0) unit[i] = static_cast<T>(PetscRealPart(from[i]) / size);
    s.own.copy_from_host(unit.data());
    s.to_network.start(s.own, s.field);
    s.to_network.finish(s.field);
    const std::int64_t channels = s.input.extent(-1);
    const auto source = s.field.flat(), target = s.input.flat();
    Kokkos::parallel_for(
        "nopal::direction_input",
        Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>(0, s.field.size()),
        KOKKOS_LAMBDA(std::int64_t i) { target(channels * i) = source(i); });
    const Variable<T> x(s.input);
    const Variable<T> f = s.net->forward(std::span(&x, 1), s.aligned);
    s.from_network.start(f.value(), s.output);
    s.from_network.finish(s.output);
    s.output.copy_to_host(direction.data());
  }
  double descent = 0;
  for (std::size_t i = 0; i < rows; ++i)
    descent += double(unit[i]) * double(direction[i]);
  descent = comm.sum(descent);
  const bool descends = descent > 0 && std::isfinite(descent);
  if (norm > 0 && !descends) ++s.fallbacks;
  PetscScalar* to = nullptr;
  NOPAL_PETSC(VecGetArrayWrite(z, &to));
  for (std::size_t i = 0; i < rows; ++i)
    to[i] = s.lonely[i] != 0 ? from[i] / s.lonely[i]
            : descends       ? static_cast<PetscScalar>(size * double(direction[i]))
                             : from[i];
  NOPAL_PETSC(VecRestoreArrayWrite(z, &to));
  NOPAL_PETSC(VecRestoreArrayRead(r, &from));
  if (s.null_space) NOPAL_PETSC(MatNullSpaceRemove(s.null_space, z));
}

template <class T>
std::int64_t DirectionMap<T>::unknowns() const {
  return static_cast<std::int64_t>(state_->unknowns);
}
template <class T>
std::int64_t DirectionMap<T>::obstacles() const {
  return static_cast<std::int64_t>(state_->obstacles);
}
template <class T>
std::int64_t DirectionMap<T>::applications() const {
  return state_->applications;
}
template <class T>
std::int64_t DirectionMap<T>::fallbacks() const {
  return state_->fallbacks;
}
template <class T>
Cost DirectionMap<T>::cost() const {
  const Shape shape[] = {state_->input.shape()};
  return state_->net->cost(shape);
}
template <class T>
const Grid& DirectionMap<T>::network_grid() const {
  return state_->aligned;
}

template class DirectionMap<float>;
template class DirectionMap<double>;

}  // namespace nopal
