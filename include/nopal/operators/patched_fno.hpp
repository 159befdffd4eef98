// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/fno.hpp>

#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// Options of a patched FNO; in JSON those of the FNO and these, on one level.
struct PatchedFnoOptions {
  FnoOptions fno;           ///< channels and modes: of the whole field, and of a patch with margins
  std::int64_t levels = 1;  ///< L from 0 to 3: 2^L patches along each axis, L coarser fields
  double padding = 0.125;   ///< margin of a patch on each side, as a share of the whole axis
  std::string boundary = "periodic";  ///< beyond the domain: "periodic", "reflect", "zero"
  /// Coarser fields: every other point ("stride", as published), or after a filter [1 2 1] / 4
  /// along each axis, which keeps what the coarser field cannot show from looking like something
  /// else.
  std::string coarse = "lowpass";
  /// Patches that are evaluated at a time, 0: all of this rank's. In training the fields within the
  /// FNO are then kept for those only and computed again for the adjoint, see recomputed().
  std::int64_t patch_batch = 0;

  static PatchedFnoOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;
  double parameter_count() const { return inner().parameter_count(); }
  /// Those of the FNO that a patch goes through.
  FnoOptions inner() const;
};

/// Multi-grid domain decomposition around an FNO (MG-TFNO; Kossaifi, Kovachki, Azizzadenesheli,
/// Anandkumar, TMLR 2024, section 4): the field is cut into n^d patches, n = 2^L, each with a
/// margin of p points; beside the patch, the FNO sees L windows of as many points, centred on it,
/// of coarser fields, of which each has half as many points an axis as the one before: the last of
/// them the whole domain. The results without margins make the output.
///
/// With N points along an axis, m = N / n and p = round(padding N), patch i begins at point i m -
/// p; its window of level l at coarse point i m / 2^l - ceil((m - m / 2^l) / 2) - p. Both have m +
/// 2 p points. Coordinates (the FNO's positional_embedding) are those in the whole domain. N must
/// be a multiple of 4^L.
///
/// Input (B, N1, ..., Nd, Cin), output (B, N1, ..., Nd, Cout), d = 1, 2, 3. Fields may be divided
/// among ranks: each rank evaluates the patches at its place in the process grid, and sends margins
/// and coarser fields only, never what is within the FNO. Collective over the grid's communicator;
/// gradients of parameters are this rank's part.
template <class T>
class PatchedFno : public Operator<T> {
 public:
  explicit PatchedFno(const PatchedFnoOptions& options, std::uint64_t seed = 0);
  ~PatchedFno() override;

  std::string name() const override { return "patched_fno"; }
  nlohmann::json configuration() const override;
  using Operator<T>::forward;
  Variable<T> forward(std::span<const Variable<T>> inputs) const override;
  Variable<T> forward(std::span<const Variable<T>> inputs, const Grid& grid) const override;
  std::vector<AxisRule> grid_rules() const override;
  /// That with the fewest patches on any rank, and then the most equal one.
  Shape process_grid(int ranks) const override;
  void check_inputs(std::span<const Shape> inputs) const override;
  Cost cost(std::span<const Shape> inputs) const override;
  const Parameters<T>& parameters() const override { return fno_.parameters(); }
  std::vector<NamedTensor<T>> buffers() const override { return fno_.buffers(); }
  bool restrict_modes(std::int64_t modes) override { return fno_.restrict_modes(modes); }
  std::vector<double> mode_strengths() const override { return fno_.mode_strengths(); }

  const PatchedFnoOptions& options() const noexcept { return options_; }

  /// What the FNO sees on this rank: (B k, m1 + 2 p1, ..., C (L + 1)), k patches of each sample one
  /// after the other. As forward().
  Variable<T> patches(const Variable<T>& x, const Grid& grid) const;

 private:
  struct Plan;
  struct Plans;
  std::shared_ptr<const Plan> plan(const Grid& grid) const;
  Variable<T> patches(const Variable<T>& x, const Plan& plan) const;
  void check_grid(const Shape& extents) const;

  PatchedFnoOptions options_;
  Fno<T> fno_;
  std::unique_ptr<Plans> plans_;
};

}  // namespace nopal
