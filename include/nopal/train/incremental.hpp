// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nopal {

/// Training that begins small: with few modes in all Fourier layers, and on coarse grids. George,
/// Zhao, Kossaifi, Li, Anandkumar, "Incremental spatial and spectral learning of neural operators
/// for solving large-scale PDEs", TMLR 2024.
///
/// Modes are added at the end of an epoch, `step` an axis, up to those that the weights have:
/// - "epochs": after each `interval` epochs;
/// - "loss_gap": when |loss_e - loss_(e-1)| <= tolerance |loss_(e-1)|;
/// - "explained": when the share of the lower frequencies, all but the `buffer` highest ones in
///   use, in the sum of |W|^2 is below 1 - tolerance: the highest are in demand.
///
/// With `strides` the training data are seen at every s-th point of each axis, s = strides[0] in
/// the first `stride_epochs` epochs, then strides[1], and so on; the last one stays. Errors are
/// those of the data as they are.
struct IncrementalOptions {
  std::string rule = "none";  ///< of modes: "none", "epochs", "loss_gap", "explained"
  std::int64_t start = 4;     ///< modes an axis in the first epoch
  std::int64_t step = 2;
  std::int64_t interval = 10;
  double tolerance = 1e-3;
  std::int64_t buffer = 2;
  std::vector<std::int64_t> strides = {};  ///< empty: all points
  std::int64_t stride_epochs = 10;

  bool active() const { return rule != "none" || !strides.empty(); }
};

}  // namespace nopal
