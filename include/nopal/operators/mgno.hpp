// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/nn/activation.hpp>
#include <nopal/nn/multigrid_cycle.hpp>
#include <nopal/operators/operator.hpp>

#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// Options of a multigrid neural operator. In JSON `preset` is read first and sets the defaults of
/// the others; the rest is named as here.
struct MgnoOptions {
  /// One of the configurations that the authors ran: "darcy_rough" (also multiscale; 572,661
  /// parameters), "darcy_smooth" (211 x 211; 678,093), "navier_stokes" (64 x 64; 2,885,194), "pipe"
  /// (783,876), "helmholtz" (101 x 101; 5,351,806). "none": those of the members below.
  std::string preset = "none";

  std::int64_t dimension = 2;
  std::int64_t in_channels = 1;
  std::int64_t out_channels = 1;
  std::int64_t channels = 24;                       ///< of the fields between the layers
  std::int64_t n_layers = 4;                        ///< layers with a non-linearity
  std::vector<std::int64_t> pre{1, 1, 1, 1, 1, 2};  ///< smoothing steps a level, the finest first
  std::vector<std::int64_t> post{0};                ///< as many, or one for all
  std::string cycle = "v";                          ///< "v", "w"
  std::string restriction = "rhs";  ///< "rhs", "residual": see MultigridCycleOptions
  std::string sharing = "none";     ///< "none", "operator", "smoother"
  bool growing_channels = false;    ///< l + 1 times as many on level l
  std::int64_t kernel = 3;
  std::int64_t transfer_padding = 1;  ///< 0 or 1
  std::vector<std::int64_t> prolongation_kernel{4};
  bool bias = false;            ///< of the convolutions on the levels
  bool first_operator = false;  ///< see MultigridCycleOptions
  /// What lies beyond the domain: "zero", "reflect", "periodic"; one for all sides, one an axis, or
  /// one a side (low and high side of the first axis, then of the second, ...).
  std::vector<std::string> boundary{"zero"};
  std::string skip = "linear";      ///< beside each cycle: "linear" (with bias), "none"
  std::string cycle_norm = "none";  ///< after each prolongation: "none", "layer_norm"
  std::string layer_norm = "none";  ///< after each layer's cycle: "none", "layer_norm"
  /// The grid whose points each have a scale and shift of the norms; empty: one a channel, and the
  /// operator works on any grid.
  std::vector<std::int64_t> norm_grid;
  std::string head = "linear";  ///< to the output: "linear" (no bias), "cycle"
  bool global_skip = false;     ///< adds the input to the output
  std::string non_linearity = "gelu";

  static MgnoOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;

  /// The rules of `boundary`, an entry an axis.
  std::vector<AxisRule> rules() const;

  /// The options of a layer's cycle.
  MultigridCycleOptions cycle_options(std::int64_t in, std::int64_t out) const;

  /// Number of parameters of such an operator, computed without making it.
  double parameter_count() const;
};

/// Multigrid neural operator: v_l = f(W_l v_{l-1} + w_l v_{l-1} + b_l), W_l a linear multigrid
/// cycle with learned kernels, w_l and b_l a 1 x 1 convolution with bias, then a linear head; He,
/// Liu, Xu, "MgNO: efficient parameterization of linear operators via multigrid", ICLR 2024.
///
/// Fields (B, X1, ..., Xd, C) on any grid with enough points for the levels, d = 1, 2, 3. Kernels
/// carry no grid spacing: on a finer grid than that of the training they are another operator.
/// Prolongation follows the boundary rules, where the authors' code has zeros for all of them.
///
/// The forward() without a grid is local; that on a grid is collective, and gives each rank the
/// output on its box, the same as on one rank to rounding.
template <class T>
class Mgno : public Operator<T> {
 public:
  explicit Mgno(const MgnoOptions& options, std::uint64_t seed = 0);
  ~Mgno() override;

  std::string name() const override { return "mgno"; }
  nlohmann::json configuration() const override;
  using Operator<T>::forward;
  Variable<T> forward(std::span<const Variable<T>> inputs) const override;
  Variable<T> forward(std::span<const Variable<T>> inputs, const Grid& grid) const override;
  bool depends_on_spacing() const override { return true; }
  std::vector<AxisRule> grid_rules() const override { return options_.rules(); }
  void check_inputs(std::span<const Shape> inputs) const override;
  Cost cost(std::span<const Shape> inputs) const override;
  const Parameters<T>& parameters() const override { return parameters_; }

  const MgnoOptions& options() const noexcept { return options_; }

 private:
  struct Layers;
  Variable<T> apply(const MultigridGrids<T>& grids, const Variable<T>& x) const;

  MgnoOptions options_;
  std::unique_ptr<Layers> layers_;
  Parameters<T> parameters_;
};

}  // namespace nopal
