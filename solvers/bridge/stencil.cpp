// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/bridge/stencil.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace nopal {
namespace {

constexpr int slots = 27, centre = 13;  // offsets (o1, o2, o3) as 9 (o1 + 1) + 3 (o2 + 1) + o3 + 1
using Point = std::array<std::int64_t, 3>;

// The entries of a sequential AIJ matrix while this lives.
class Rows {
 public:
  explicit Rows(Mat matrix) : matrix_(matrix) {
    PetscBool done = PETSC_FALSE;
    NOPAL_PETSC(
        MatGetRowIJ(matrix_, 0, PETSC_FALSE, PETSC_FALSE, &count_, &begin_, &columns_, &done));
    NOPAL_CHECK(done, "PETSc cannot give the entries of this matrix; use the type aij");
    NOPAL_PETSC(MatSeqAIJGetArrayRead(matrix_, &values_));
  }
  ~Rows() {
    PetscBool done = PETSC_FALSE;
    [[maybe_unused]] PetscErrorCode code = MatSeqAIJRestoreArrayRead(matrix_, &values_);
    code =
        MatRestoreRowIJ(matrix_, 0, PETSC_FALSE, PETSC_FALSE, &count_, &begin_, &columns_, &done);
  }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  PetscInt begin(std::int64_t row) const { return begin_[row]; }
  PetscInt end(std::int64_t row) const { return begin_[row + 1]; }
  PetscInt column(PetscInt entry) const { return columns_[entry]; }
  PetscScalar value(PetscInt entry) const { return values_[entry]; }

 private:
  Mat matrix_;
  PetscInt count_ = 0;
  const PetscInt *begin_ = nullptr, *columns_ = nullptr;
  const PetscScalar* values_ = nullptr;
};

std::string text(const Point& point, int dimension) {
  std::string result = "(";
  for (int a = 0; a < dimension; ++a)
    result += (a ? ", " : "") + std::to_string(point[static_cast<std::size_t>(a)]);
  return result + ")";
}

// Grid points and offsets of this rank's rows and columns.
class Columns {
 public:
  Columns(Mat matrix, const Grid& grid) : grid_(grid), d_(grid.dimension()), box_(grid.box()) {
    NOPAL_PETSC(MatGetOwnershipRangesColumn(matrix, &ranges_));
    for (int a = 0; a < d_; ++a) {
      extents_[static_cast<std::size_t>(a)] = box_[a].size();
      periodic_[static_cast<std::size_t>(a)] = grid.rule(a).low == BoundaryRule::periodic;
    }
    // In a local row-major numbering an offset is a difference of numbers, and unique where boxes
    // are not too thin.
    const std::int64_t s2 = 1, s1 = extents_[2], s0 = extents_[1] * extents_[2];
    strides_ = {d_ == 3 ? s0 : d_ == 2 ? extents_[1] : s2, d_ == 3 ? s1 : s2, s2};
    reach_ = strides_[0] + strides_[1] + strides_[2];
    if (std::any_of(extents_.begin(), extents_.begin() + d_, [](auto n) { return n < 3; })) return;
    slot_of_.assign(static_cast<std::size_t>(2 * reach_ + 1), -1);
    for (int s = 0; s < slots; ++s) {
      const auto o = offset(s);
      bool inside = true;
      std::int64_t difference = 0;
      for (std::size_t a = 0; a < 3; ++a) {
        inside = inside && (o[a] == 0 || a < static_cast<std::size_t>(d_));
        difference += o[a] * strides_[a];
      }
      if (inside) slot_of_[static_cast<std::size_t>(difference + reach_)] = static_cast<char>(s);
    }
  }

  static std::array<int, 3> offset(int slot) {
    return {slot / 9 - 1, slot / 3 % 3 - 1, slot % 3 - 1};
  }

  // The points of the rows one after the other, in the whole grid.
  Point first() const {
    return {box_[0].begin, d_ > 1 ? box_[1].begin : 0, d_ > 2 ? box_[2].begin : 0};
  }
  void next(Point& at) const {
    for (int a = d_ - 1; a >= 0; --a) {
      std::int64_t& i = at[static_cast<std::size_t>(a)];
      if (++i < box_[a].end || a == 0) return;
      i = box_[a].begin;
    }
  }

  // Whether all neighbours of a point are in the box.
  bool inner(const Point& at) const {
    bool result = !slot_of_.empty();
    for (int a = 0; a < d_; ++a) {
      const std::int64_t i = at[static_cast<std::size_t>(a)];
      result = result && i > box_[a].begin && i + 1 < box_[a].end;
    }
    return result;
  }

  // The slot of a column on the same rank in the row of an inner point; -1 if it is no neighbour.
  int near(std::int64_t row, PetscInt column) const {
    const std::int64_t difference = column - row + reach_;
    if (difference < 0 || difference > 2 * reach_) return -1;
    return slot_of_[static_cast<std::size_t>(difference)];
  }

  // The slot of any column, by its number in the whole matrix.
  int far(const Point& at, PetscInt column) const {
    const int size = grid_.comm().size();
    const int rank =
        static_cast<int>(std::upper_bound(ranges_, ranges_ + size + 1, column) - ranges_) - 1;
    const Point to = point_in(grid_.boxes().box(rank), column - ranges_[rank]);
    int slot = centre;
    constexpr std::array<int, 3> weight{9, 3, 1};
    for (std::size_t a = 0; a < static_cast<std::size_t>(d_); ++a) {
      const std::int64_t n = grid_.extents()[static_cast<int>(a)];
      std::int64_t step = to[a] - at[a];
      if (periodic_[a] && std::abs(step) > 1) step = step > 0 ? step - n : step + n;
      NOPAL_CHECK(step >= -1 && step <= 1, "the matrix row of grid point ", text(at, d_),
                  " couples with point ", text(to, d_),
                  ", but a stencil reaches 1 point along each "
                  "axis; is the grid ",
                  grid_.extents(), " that of the matrix?");
      slot += static_cast<int>(step) * weight[a];
    }
    return slot;
  }

 private:
  Point point_in(const Box& box, std::int64_t number) const {
    Point result{};
    for (int a = d_ - 1; a >= 0; --a) {
      result[static_cast<std::size_t>(a)] = box[a].begin + number % box[a].size();
      number /= box[a].size();
    }
    return result;
  }

  const Grid& grid_;
  int d_;
  Box box_;
  Point extents_{1, 1, 1}, strides_{};
  std::array<bool, 3> periodic_{};
  std::int64_t reach_ = 0;
  std::vector<char> slot_of_;
  const PetscInt* ranges_ = nullptr;
};

// f(row, point, slot, value) for each entry of this rank's rows; in the order of rows.
class Entries {
 public:
  Entries(Mat matrix, const Grid& grid) : columns_(matrix, grid), points_(grid.box().size()) {
    PetscBool parallel = PETSC_FALSE;
    NOPAL_PETSC(
        PetscObjectBaseTypeCompare(reinterpret_cast<PetscObject>(matrix), MATMPIAIJ, &parallel));
    Mat own = matrix, others = nullptr;
    if (parallel) NOPAL_PETSC(MatMPIAIJGetSeqAIJ(matrix, &own, &others, &numbers_));
    NOPAL_PETSC(MatGetOwnershipRangeColumn(matrix, &first_, nullptr));
    own_.emplace(own);
    if (others) others_.emplace(others);
  }

  template <class Action>
  void each(const Action& action) const {
    Point at = columns_.first();
    Pattern pattern;
    for (std::int64_t row = 0; row < points_; ++row, columns_.next(at)) {
      const PetscInt begin = own_->begin(row), end = own_->end(row);
      if (columns_.inner(at) && pattern.find(*own_, columns_, row)) {
        for (PetscInt k = begin; k < end; ++k)
          action(row, pattern.places[static_cast<std::size_t>(k - begin)], own_->value(k));
      } else {
        for (PetscInt k = begin; k < end; ++k)
          action(row, columns_.far(at, first_ + own_->column(k)), own_->value(k));
      }
      if (!others_) continue;
      for (PetscInt k = others_->begin(row); k < others_->end(row); ++k)
        action(row, columns_.far(at, numbers_[others_->column(k)]), others_->value(k));
    }
  }

 private:
  // The slots of a row's entries; rows of inner points mostly have those of the row before.
  struct Pattern {
    std::array<PetscInt, slots> steps{};
    std::array<int, slots> places{};
    PetscInt count = 0;

    // False if an entry is no near neighbour.
    bool find(const Rows& rows, const Columns& columns, std::int64_t row) {
      const PetscInt begin = rows.begin(row), n = rows.end(row) - begin;
      bool same = n == count;
      for (PetscInt k = 0; k < n && same; ++k)
        same = rows.column(begin + k) - row == steps[static_cast<std::size_t>(k)];
      if (same) return true;
      count = 0;
      if (n > slots) return false;
      for (PetscInt k = 0; k < n; ++k) {
        const auto i = static_cast<std::size_t>(k);
        steps[i] = rows.column(begin + k) - static_cast<PetscInt>(row);
        places[i] = columns.near(row, rows.column(begin + k));
        if (places[i] < 0) return false;
      }
      count = n;
      return true;
    }
  };

  Columns columns_;
  std::int64_t points_;
  PetscInt first_ = 0;
  const PetscInt* numbers_ = nullptr;  // of the columns of others_
  std::optional<Rows> own_, others_;
};

// The matrix itself, or a copy in `converted` of the type AIJ.
Mat as_aij(Mat matrix, OwnedMat& converted) {
  for (const char* type : {MATSEQAIJ, MATMPIAIJ}) {
    PetscBool same = PETSC_FALSE;
    NOPAL_PETSC(PetscObjectBaseTypeCompare(reinterpret_cast<PetscObject>(matrix), type, &same));
    if (same) return matrix;
  }
  MatType type = nullptr;
  NOPAL_PETSC(MatGetType(matrix, &type));
  try {
    NOPAL_PETSC(MatConvert(matrix, MATAIJ, MAT_INITIAL_MATRIX, converted.receive()));
  } catch (const Error& error) {
    NOPAL_CHECK(false, "a stencil needs the entries of the matrix, which the type ", type,
                " does not give: use aij, or another matrix for the preconditioner (", error.what(),
                ")");
  }
  return converted;
}

}  // namespace

template <class T>
StencilField<T> stencil_of(Mat matrix, const Grid& grid) {
  PetscInt rows = 0, own_rows = 0, columns = 0;
  NOPAL_PETSC(MatGetSize(matrix, &rows, &columns));
  NOPAL_PETSC(MatGetLocalSize(matrix, &own_rows, nullptr));
  const std::int64_t points = grid.box().size();
  const Communicator& comm = grid.comm();
  comm.together([&] {
    NOPAL_CHECK(rows == columns && rows == grid.extents().size(), "the matrix has ", rows,
                " rows and ", columns, " columns, the grid ", grid.extents(), " has ",
                grid.extents().size(), " points; there must be one unknown a point");
    NOPAL_CHECK(own_rows == points, "this rank has ", own_rows, " rows of the matrix, but ", points,
                " points of the grid ", grid.extents());
  });
  OwnedMat converted;
  const Mat aij = as_aij(matrix, converted);
  const Entries entries(aij, grid);

  std::array<bool, slots> present{};
  present[centre] = true;
  comm.together([&] {
    entries.each([&](std::int64_t, int slot, PetscScalar) {
      present[static_cast<std::size_t>(slot)] = true;
    });
  });
  StencilField<T> field{grid, {}, {}, Tensor<T>({points})};
  std::array<std::int64_t, slots> place{};
  for (int s = 0; s < slots; ++s) {
    if (!comm.any(present[static_cast<std::size_t>(s)])) continue;
    place[static_cast<std::size_t>(s)] = static_cast<std::int64_t>(field.offsets.size()) * points;
    field.offsets.push_back(Columns::offset(s));
  }
  field.values = Tensor<T>::zeros({static_cast<std::int64_t>(field.offsets.size()), points});
  T *const values = field.values.data(), *const sums = field.row_sums.data();
  std::int64_t last = -1;
  double sum = 0, size = 0;
  const auto end_row = [&] {  // what is left of a sum by rounding is 0
    if (last >= 0) sums[last] = std::abs(sum) > 1e-14 * size ? static_cast<T>(sum) : T(0);
  };
  entries.each([&](std::int64_t row, int slot, PetscScalar value) {
    if (row != last) {
      end_row();
      last = row, sum = 0, size = 0;
    }
    values[place[static_cast<std::size_t>(slot)] + row] += static_cast<T>(value);
    sum += static_cast<double>(value);
    size += std::abs(static_cast<double>(value));
  });
  end_row();
  return field;
}

template StencilField<float> stencil_of<float>(Mat, const Grid&);
template StencilField<double> stencil_of<double>(Mat, const Grid&);

}  // namespace nopal
