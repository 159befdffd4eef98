// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/model.hpp>

#include <string>
#include <vector>

namespace nopal {

/// How the weights of a trained network are put into factors; names as in FnoOptions.
struct CompressionOptions {
  std::string factorization = "tucker";  ///< "tucker" or "tt"
  double rank = 0.1;                     ///< fraction of the dense numbers, in (0, 1]
  bool joint_factorization = false;      ///< all layers as one tensor
  bool fixed_rank_modes = false;
};

/// The model with the dense weights of its Fourier layers (operator fno) replaced by factors of the
/// ranks that the options give, everything else as it is: a start for fine-tuning.
///
/// Tucker by the sequentially truncated higher-order SVD: axis by axis, the core is projected on
/// the leading left singular vectors of its unfolding (Vannieuwenhoven, Vandebril, Meerbergen, SIAM
/// J. Sci. Comput. 34, 2012; De Lathauwer, De Moor, Vandewalle, SIAM J. Matrix Anal. Appl. 21,
/// 2000); tt by the TT-SVD (Oseledets, SIAM J. Sci. Comput. 33, 2011). Both are within a factor of
/// the root of the number of axes of the best of these ranks.
///
/// `errors`, if given, gets |W - factors| / |W| in the Frobenius norm, an entry a layer. Error if
/// the operator is no fno or has factors already; cp has no such form: train it from the start.
/// Local.
template <class T>
Model<T> compressed(const Model<T>& model, const CompressionOptions& options,
                    std::vector<double>* errors = nullptr);

}  // namespace nopal
