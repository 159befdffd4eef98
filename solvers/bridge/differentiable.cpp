// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/bridge/differentiable.hpp>

#include <nopal/solvers/bridge/vec.hpp>

#include <memory>

namespace nopal {
namespace {

// Shared by the forward and the backward pass of one node.
template <class Owner, class Handle>
std::shared_ptr<Owner> keep(Handle handle) {
  NOPAL_PETSC(PetscObjectReference(reinterpret_cast<PetscObject>(handle)));
  auto kept = std::make_shared<Owner>();
  *kept->receive() = handle;
  return kept;
}

// One vector in, one out, as a linear map of PETSc's.
struct LinearMap {
  Mat matrix;  // whose vectors it takes
  std::int64_t inputs, outputs;
  const char* what;
  std::function<void(Vec, Vec)> forward, backward;
};

std::pair<std::int64_t, std::int64_t> local_size(Mat matrix) {
  PetscInt rows = 0, columns = 0;
  NOPAL_PETSC(MatGetLocalSize(matrix, &rows, &columns));
  return {rows, columns};
}

// Vectors in x: 1 for the shape (n...), B for (B, n...); 0 if the shape does not fit.
std::int64_t vectors_in(const Shape& shape, std::int64_t size) {
  std::int64_t rest = 1;
  for (int axis = 1; axis < shape.rank(); ++axis)
    rest *= shape[axis];
  if (shape.rank() > 1 && rest == size) return shape[0];
  return shape.size() == size ? 1 : 0;
}

// y(b) := map x(b), or its transpose, for each of the vectors.
template <class T>
void each_vector(const LinearMap& map, bool transpose, std::int64_t count, const Tensor<T>& x,
                 const Tensor<T>& y) {
  OwnedVec in, out;
  NOPAL_PETSC(transpose ? MatCreateVecs(map.matrix, out.receive(), in.receive())
                        : MatCreateVecs(map.matrix, in.receive(), out.receive()));
  const std::int64_t from = transpose ? map.outputs : map.inputs,
                     to = transpose ? map.inputs : map.outputs;
  for (std::int64_t b = 0; b < count; ++b) {
    copy(Tensor<T>::wrap(x.data() + b * from, {from}), in);
    (transpose ? map.backward : map.forward)(in, out);
    copy(out, Tensor<T>::wrap(y.data() + b * to, {to}));
  }
}

template <class T>
Variable<T> apply(const LinearMap& map, const Variable<T>& x) {
  const Communicator comm = communicator_of(map.matrix);
  const std::int64_t count = vectors_in(x.shape(), map.inputs);
  comm.together([&] {
    NOPAL_CHECK(count > 0, map.what, " takes vectors of ", map.inputs,
                " entries on this rank, one or a batch of them; got the shape ", x.shape());
  });
  Shape shape = x.shape();
  if (map.inputs != map.outputs)
    shape = count > 1 || x.shape().size() != map.inputs ? Shape{count, map.outputs}
                                                        : Shape{map.outputs};
  Tensor<T> y(shape);
  each_vector(map, false, count, x.value(), y);
  if (!needs_record(x)) return y;
  return record<T>(std::move(y), [map, count, x](const Tensor<T>& dy) {
    Tensor<T> dx(x.shape());
    each_vector(map, true, count, dy, dx);
    x.accumulate(std::move(dx));
  });
}

void solve_once(KSP solver, bool transpose, Vec b, Vec x) {
  NOPAL_PETSC(transpose ? KSPSolveTranspose(solver, b, x) : KSPSolve(solver, b, x));
  KSPConvergedReason reason = KSP_CONVERGED_ITERATING;
  PetscInt iterations = 0;
  const char* text = nullptr;
  NOPAL_PETSC(KSPGetConvergedReason(solver, &reason));
  NOPAL_PETSC(KSPGetIterationNumber(solver, &iterations));
  NOPAL_PETSC(KSPGetConvergedReasonString(solver, &text));
  NOPAL_CHECK(reason > 0, "the solver of a differentiable solve", transpose ? " (its adjoint)" : "",
              " ended with ", text, " after ", iterations,
              " iterations: use another preconditioner, more iterations or a larger tolerance");
}

}  // namespace

template <class T>
Variable<T> multiply(Mat matrix, const Variable<T>& x) {
  const auto kept = keep<OwnedMat>(matrix);
  const auto [rows, columns] = local_size(matrix);
  const LinearMap map{matrix,
                      columns,
                      rows,
                      "a product with a matrix",
                      [kept](Vec in, Vec out) { NOPAL_PETSC(MatMult(*kept, in, out)); },
                      [kept](Vec in, Vec out) { NOPAL_PETSC(MatMultTranspose(*kept, in, out)); }};
  return apply(map, x);
}

template <class T>
Variable<T> solve(KSP solver, const Variable<T>& b) {
  const auto kept = keep<OwnedKSP>(solver);
  Mat matrix = nullptr;
  NOPAL_PETSC(KSPGetOperators(solver, &matrix, nullptr));
  const auto [rows, columns] = local_size(matrix);
  PetscBool known = PETSC_FALSE, symmetric = PETSC_FALSE;
  NOPAL_PETSC(MatIsSymmetricKnown(matrix, &known, &symmetric));
  const bool transpose = !(known && symmetric);
  const LinearMap map{
      matrix,
      rows,
      columns,
      "a solve",
      [kept](Vec in, Vec out) { solve_once(*kept, false, in, out); },
      [kept, transpose](Vec in, Vec out) { solve_once(*kept, transpose, in, out); }};
  return apply(map, b);
}

template Variable<float> multiply<float>(Mat, const Variable<float>&);
template Variable<double> multiply<double>(Mat, const Variable<double>&);
template Variable<float> solve<float>(KSP, const Variable<float>&);
template Variable<double> solve<double>(KSP, const Variable<double>&);

}  // namespace nopal
