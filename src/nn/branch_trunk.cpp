// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/blas.hpp>
#include <nopal/core/profile.hpp>
#include <nopal/nn/branch_trunk.hpp>

#include "core/parallel.hpp"
#include "nn/row_kernels.hpp"

#include <algorithm>

namespace nopal {
namespace {

using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;

struct Sizes {
  std::int64_t functions, points, outputs, latent, branch_groups, trunk_groups;
  bool trunk_is_shared() const { return trunk_groups == 1 && outputs > 1; }
};

// plane(r) = field(r, c), or back.
template <class T>
void copy_output(const Tensor<T>& field, std::int64_t c, const Tensor<T>& plane, bool back) {
  const std::int64_t outputs = field.extent(-1);
  T *f = field.data() + c, *p = plane.data();
  detail::parallel_for(
      "nopal::copy_output", Range(0, plane.size()), KOKKOS_LAMBDA(std::int64_t r) {
        if (back)
          f[r * outputs] = p[r];
        else
          p[r] = f[r * outputs];
      });
}

template <class T>
void multiply(const Sizes& s, const T* branch, const T* trunk, const Tensor<T>& y) {
  if (s.trunk_is_shared())
    return gemm_batched(Op::none, Op::transpose, s.points, s.outputs, s.latent, T(1), trunk,
                        s.latent, 0, branch, s.latent, s.outputs * s.latent, T(0), y.data(),
                        s.outputs, s.points * s.outputs, s.functions);
  const Tensor<T> plane =
      s.outputs == 1 ? y.reshape({s.functions, s.points}) : Tensor<T>({s.functions, s.points});
  for (std::int64_t c = 0; c < s.outputs; ++c) {
    gemm(Op::none, Op::transpose, s.functions, s.points, s.latent, T(1),
         branch + std::min(c, s.branch_groups - 1) * s.latent, s.branch_groups * s.latent,
         trunk + c * s.latent, s.trunk_groups * s.latent, T(0), plane.data(), s.points);
    if (s.outputs > 1) copy_output(y, c, plane, true);
  }
}

// Gradients of both factors; an undefined buffer is not wanted.
template <class T>
void multiply_adjoint(const Sizes& s, const Variable<T>& branch, const Variable<T>& trunk,
                      const Tensor<T>& dy) {
  typename Variable<T>::Slot db{}, dt{};
  if (branch.requires_gradient()) db = branch.gradient_slot();
  if (trunk.requires_gradient()) dt = trunk.gradient_slot();
  const T *const b = branch.value().data(), *const t = trunk.value().data();
  if (s.trunk_is_shared()) {
    if (db.buffer.defined())
      gemm_batched(Op::transpose, Op::none, s.outputs, s.latent, s.points, T(1), dy.data(),
                   s.outputs, s.points * s.outputs, t, s.latent, 0, db.beta, db.buffer.data(),
                   s.latent, s.outputs * s.latent, s.functions);
    if (!dt.buffer.defined()) return;
    if (s.functions == 0 && dt.beta == T(0)) dt.buffer.fill(T(0));
    for (std::int64_t i = 0; i < s.functions; ++i)
      gemm(Op::none, Op::none, s.points, s.latent, s.outputs, T(1),
           dy.data() + i * s.points * s.outputs, s.outputs, b + i * s.outputs * s.latent, s.latent,
           i > 0 ? T(1) : dt.beta, dt.buffer.data(), s.latent);
    return;
  }
  const Tensor<T> plane =
      s.outputs == 1 ? dy.reshape({s.functions, s.points}) : Tensor<T>({s.functions, s.points});
  for (std::int64_t c = 0; c < s.outputs; ++c) {
    if (s.outputs > 1) copy_output(dy, c, plane, false);
    const std::int64_t gb = std::min(c, s.branch_groups - 1);  // the trunk has one for each c here
    const std::int64_t rows_b = s.branch_groups * s.latent, rows_t = s.trunk_groups * s.latent;
    if (db.buffer.defined())
      gemm(Op::none, Op::none, s.functions, s.latent, s.points, T(1), plane.data(), s.points,
           t + c * s.latent, rows_t, gb == c ? db.beta : T(1), db.buffer.data() + gb * s.latent,
           rows_b);
    if (dt.buffer.defined())
      gemm(Op::transpose, Op::none, s.points, s.latent, s.functions, T(1), plane.data(), s.points,
           b + gb * s.latent, rows_b, dt.beta, dt.buffer.data() + c * s.latent, rows_t);
  }
}

Sizes sizes_of(const Shape& branch, const Shape& trunk) {
  NOPAL_CHECK(branch.rank() == 3 && trunk.rank() == 3 && branch[2] == trunk[2] &&
                  (branch[1] == trunk[1] || branch[1] == 1 || trunk[1] == 1),
              "branch_trunk: expected branch (B, C, K) and trunk (P, C, K), C or 1 each, got ",
              branch, " and ", trunk);
  return {branch[0], trunk[0], std::max(branch[1], trunk[1]), branch[2], branch[1], trunk[1]};
}

using Offsets = Kokkos::View<std::int64_t*, MemorySpace>;

// A function at a time: its rows are together, and nobody else adds to its coefficients.
template <class T>
void rows_forward(const Sizes& s, const T* branch, const T* trunk, const Offsets& offsets, T* y) {
  const std::int64_t width = s.latent, outputs = s.outputs;
  const std::int64_t step_b = s.branch_groups > 1 ? width : 0,
                     step_t = s.trunk_groups > 1 ? width : 0;
  const std::int64_t row_b = s.branch_groups * width, row_t = s.trunk_groups * width;
  detail::parallel_for(
      "nopal::branch_trunk_rows", Range(0, s.functions), KOKKOS_LAMBDA(std::int64_t b) {
        for (std::int64_t r = offsets(b); r < offsets(b + 1); ++r)
          for (std::int64_t c = 0; c < outputs; ++c) {
            const T *u = branch + b * row_b + c * step_b, *t = trunk + r * row_t + c * step_t;
            T sum[8] = {0, 0, 0, 0, 0, 0, 0, 0};
            std::int64_t k = 0;
            for (; k + 8 <= width; k += 8)
              for (int l = 0; l < 8; ++l)
                sum[l] += u[k + l] * t[k + l];
            for (; k < width; ++k)
              sum[0] += u[k] * t[k];
            y[r * outputs + c] =
                ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
          }
      });
}

template <class T>
void rows_adjoint(const Sizes& s, const T* branch, const T* trunk, const Offsets& offsets,
                  const T* dy, T* dbranch, T* dtrunk) {
  const std::int64_t width = s.latent, outputs = s.outputs;
  const std::int64_t step_b = s.branch_groups > 1 ? width : 0,
                     step_t = s.trunk_groups > 1 ? width : 0;
  const std::int64_t row_b = s.branch_groups * width, row_t = s.trunk_groups * width;
  detail::parallel_for(
      "nopal::branch_trunk_rows_adjoint", Range(0, s.functions), KOKKOS_LAMBDA(std::int64_t b) {
        for (std::int64_t r = offsets(b); r < offsets(b + 1); ++r)
          for (std::int64_t c = 0; c < outputs; ++c) {
            const T g = dy[r * outputs + c];
            const std::int64_t i = b * row_b + c * step_b, j = r * row_t + c * step_t;
            if (dbranch)
              for (std::int64_t k = 0; k < width; ++k)
                dbranch[i + k] += g * trunk[j + k];
            if (dtrunk)
              for (std::int64_t k = 0; k < width; ++k)
                dtrunk[j + k] += g * branch[i + k];
          }
      });
}

// Offsets where kernels can read them.
Offsets on_device(const std::vector<std::int64_t>& offsets) {
  Offsets view(Kokkos::view_alloc("nopal::offsets", Kokkos::WithoutInitializing), offsets.size());
  Kokkos::deep_copy(
      view,
      Kokkos::View<const std::int64_t*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(
          offsets.data(), offsets.size()));
  return view;
}

}  // namespace

template <class T>
Variable<T> branch_trunk(const Variable<T>& branch, const Variable<T>& trunk,
                         const Variable<T>& bias) {
  const ScopedRegion region("branch_trunk");
  const Sizes s = sizes_of(branch.shape(), trunk.shape());
  const bool biased = bias.value().defined();
  NOPAL_CHECK(!biased || bias.shape() == Shape{s.outputs}, "branch_trunk: the bias has shape ",
              bias.shape(), ", expected ", Shape{s.outputs});
  const Tensor<T> y({s.functions, s.points, s.outputs});
  multiply(s, branch.value().data(), trunk.value().data(), y);
  const std::int64_t rows = s.functions * s.points;
  if (biased) detail::add_rows(bias.value().data(), y.data(), rows, s.outputs);
  if (!needs_record(branch, trunk, bias)) return y;
  return record<T>(y, [=](const Tensor<T>& dy) {
    const ScopedRegion adjoint("branch_trunk_adjoint");
    if (bias.requires_gradient()) {
      const auto [db, beta] = bias.gradient_slot();
      detail::sum_rows(dy.data(), db.data(), rows, s.outputs, beta);
    }
    multiply_adjoint(s, branch, trunk, dy);
  });
}

template <class T>
Variable<T> branch_trunk_rows(const Variable<T>& branch, const Variable<T>& trunk,
                              const std::vector<std::int64_t>& offsets, const Variable<T>& bias) {
  const ScopedRegion region("branch_trunk");
  const Sizes s = sizes_of(branch.shape(), trunk.shape());
  NOPAL_CHECK(
      static_cast<std::int64_t>(offsets.size()) == s.functions + 1 && offsets.front() == 0 &&
          offsets.back() == s.points && std::is_sorted(offsets.begin(), offsets.end()),
      "branch_trunk: expected ", s.functions + 1, " offsets that rise from 0 to the ", s.points,
      " points, got ", offsets.size(),
      offsets.empty() ? std::string()
                      : detail::concatenate(" from ", offsets.front(), " to ", offsets.back()));
  const bool biased = bias.value().defined();
  NOPAL_CHECK(!biased || bias.shape() == Shape{s.outputs}, "branch_trunk: the bias has shape ",
              bias.shape(), ", expected ", Shape{s.outputs});
  const Tensor<T> y({s.points, s.outputs});
  const auto rows = on_device(offsets);
  rows_forward(s, branch.value().data(), trunk.value().data(), rows, y.data());
  if (biased) detail::add_rows(bias.value().data(), y.data(), s.points, s.outputs);
  if (!needs_record(branch, trunk, bias)) return y;
  return record<T>(y, [=](const Tensor<T>& dy) {
    const ScopedRegion adjoint("branch_trunk_adjoint");
    if (bias.requires_gradient()) {
      const auto [db, beta] = bias.gradient_slot();
      detail::sum_rows(dy.data(), db.data(), s.points, s.outputs, beta);
    }
    typename Variable<T>::Slot db{}, dt{};
    if (branch.requires_gradient()) db = branch.gradient_slot();
    if (trunk.requires_gradient()) dt = trunk.gradient_slot();
    if (db.buffer.defined() && db.beta == T(0)) db.buffer.fill(T(0));
    if (dt.buffer.defined() && dt.beta == T(0)) dt.buffer.fill(T(0));
    rows_adjoint(s, branch.value().data(), trunk.value().data(), rows, dy.data(),
                 db.buffer.defined() ? db.buffer.data() : nullptr,
                 dt.buffer.defined() ? dt.buffer.data() : nullptr);
  });
}

template Variable<float> branch_trunk_rows<float>(const Variable<float>&, const Variable<float>&,
                                                  const std::vector<std::int64_t>&,
                                                  const Variable<float>&);
template Variable<double> branch_trunk_rows<double>(const Variable<double>&,
                                                    const Variable<double>&,
                                                    const std::vector<std::int64_t>&,
                                                    const Variable<double>&);
template Variable<float> branch_trunk<float>(const Variable<float>&, const Variable<float>&,
                                             const Variable<float>&);
template Variable<double> branch_trunk<double>(const Variable<double>&, const Variable<double>&,
                                               const Variable<double>&);

}  // namespace nopal
