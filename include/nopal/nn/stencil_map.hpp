// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace nopal {

/// A sparse map from values at R points to M outputs of D components each, on the host: output m is
/// sum over the entries k = first[m], ..., first[m + 1] - 1 of weights[k D + j] u(points[k]).
struct RowStencils {
  std::int64_t rows = 0;        ///< R
  std::int64_t components = 1;  ///< D
  std::vector<std::int64_t> first{0};
  std::vector<std::int64_t> points;
  std::vector<double> weights;

  std::int64_t outputs() const { return static_cast<std::int64_t>(first.size()) - 1; }  ///< M
};

/// The same as a layer: u (R, C) to (M, D, C), with its adjoint.
template <class T>
class StencilMap {
 public:
  StencilMap() = default;
  /// Error if the stencils contradict themselves: lengths, points outside 0, ..., R - 1.
  explicit StencilMap(const RowStencils& stencils);

  bool defined() const noexcept { return parts_ != nullptr; }
  /// The same bits on every run. 2 C D flops an entry, the adjoint costs as much.
  Variable<T> operator()(const Variable<T>& u) const;

 private:
  struct Parts;
  std::shared_ptr<const Parts> parts_;
};

}  // namespace nopal
