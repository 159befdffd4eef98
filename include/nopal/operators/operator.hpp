// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/autograd/variable.hpp>
#include <nopal/comm/grid.hpp>
#include <nopal/core/profile.hpp>
#include <nopal/nn/jet.hpp>

#include <nlohmann/json_fwd.hpp>

#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace nopal {

/// A learned map between functions: a network with named parameters and a JSON configuration.
template <class T>
class Operator {
 public:
  virtual ~Operator() = default;

  /// Registry name, e.g. "fno".
  virtual std::string name() const = 0;

  /// All options, defaults included: make_operator(name(), configuration()) gives an operator of
  /// the same structure.
  virtual nlohmann::json configuration() const = 0;

  /// Output for the given inputs; a field operator takes one (B, X1, ..., Xd, Cin) and gives
  /// (B, X1, ..., Xd, Cout). Records on the active Tape, if any. Without one it allocates nothing
  /// from the second call of the same shape on.
  virtual Variable<T> forward(std::span<const Variable<T>> inputs) const = 0;
  Variable<T> forward(const Variable<T>& input) const { return forward(std::span(&input, 1)); }

  /// The same on a grid whose points are divided among ranks: inputs and output are the fields on
  /// this rank's box. `grid` must have the rules that grid_rules() gives. Collective over the
  /// grid's communicator, and so is the adjoint, in which a rank's gradients of parameters are its
  /// own points' part: add them up over the ranks. Error if the operator has no such form and the
  /// grid more than one rank.
  virtual Variable<T> forward(std::span<const Variable<T>> inputs, const Grid& grid) const {
    NOPAL_CHECK(grid.comm().size() == 1, name(), ": fields divided among ranks are not possible; ",
                "got a grid ", grid.extents(), " on ", grid.comm().size(), " ranks");
    return forward(inputs);
  }

  /// The boundary rules of the fields, an entry an axis; empty: the operator has none.
  virtual std::vector<AxisRule> grid_rules() const { return {}; }

  /// How that many ranks should divide the axes of a field, processes along each; empty: as Grid
  /// does.
  virtual Shape process_grid(int /*ranks*/) const { return {}; }

  /// Whether the weights belong to one spacing of grid points, such as stencils that carry no h: on
  /// a finer grid of the same domain it is another map.
  virtual bool depends_on_spacing() const { return false; }

  /// Uses at most `modes` modes an axis of the weights of Fourier layers, counted as in their
  /// options, from the lowest frequencies on; 0: all that there are. The configuration says how
  /// many. Returns whether there are such layers.
  virtual bool restrict_modes(std::int64_t /*modes*/) { return false; }

  /// Entry j: sum of |W|^2 of the weights in use at frequencies whose largest number along an axis
  /// is j. Empty if there are none.
  virtual std::vector<double> mode_strengths() const { return {}; }

  /// Throws an Error naming both shapes if forward() cannot take such inputs.
  virtual void check_inputs(std::span<const Shape> inputs) const = 0;

  /// Flops and least bytes of one forward() on inputs of these shapes.
  virtual Cost cost(std::span<const Shape> inputs) const = 0;

  /// Trainable tensors in a fixed order; their addresses stay valid as long as the operator.
  virtual const Parameters<T>& parameters() const = 0;

  /// Tensors that forward() changes in training mode and no optimiser: they are saved with the
  /// parameters, but not counted among them. An operator that has some is collective in training
  /// mode, see TrainingMode.
  virtual std::vector<NamedTensor<T>> buffers() const { return {}; }
};

/// An operator whose outputs are asked for at any points: functions u_1 (B, m_1), ..., u_n (B, m_n)
/// and coordinates.
template <class T>
class PointOperator : public Operator<T> {
 public:
  using Operator<T>::forward;

  /// Values of each input function, m_1, ..., m_n.
  virtual std::vector<std::int64_t> function_sizes() const = 0;

  /// Coordinates of a point, d; 0: any number, they are not looked at.
  virtual std::int64_t point_dimension() const = 0;

  /// Output (R, C) at points (R, d) of which the rows offsets[b] <= r < offsets[b + 1] belong to
  /// function b, in any number (ragged, without padding). forward() with functions and points (P,
  /// d) gives all pairs, (B, P, C).
  virtual Variable<T> forward_rows(std::span<const Variable<T>> functions,
                                   const Variable<T>& points,
                                   const std::vector<std::int64_t>& offsets) const = 0;

  /// The same output and its derivatives in the coordinates of the points, each (R, C), in the
  /// order of the layout; the tape records them, so that losses may contain them. Error if the
  /// operator has none.
  virtual std::vector<Variable<T>> derivatives_rows(std::span<const Variable<T>> /*functions*/,
                                                    const Tensor<T>& /*points*/,
                                                    const std::vector<std::int64_t>& /*offsets*/,
                                                    const JetLayout& /*layout*/) const {
    NOPAL_CHECK(false, this->name(), " has no derivatives in the points; take deeponet or ",
                "fusion_deeponet, or a loss on neighbours");
    return {};
  }
};

/// All that training changes and a model file holds: parameters, then buffers.
template <class T>
std::vector<NamedTensor<T>> state_tensors(const Operator<T>& op) {
  std::vector<NamedTensor<T>> tensors;
  for (const Parameter<T>* parameter : op.parameters())
    tensors.push_back({parameter->name, parameter->value()});
  for (const NamedTensor<T>& buffer : op.buffers())
    tensors.push_back(buffer);
  return tensors;
}

/// Makes an operator from its registry name and JSON options; absent options take their defaults,
/// unknown ones are an Error that names the nearest valid one. Weights depend on `seed` only.
/// Error before anything is allocated if the operator would have more than `max_parameters`
/// numbers: a configuration from a file is not trusted to size memory.
template <class T>
std::unique_ptr<Operator<T>> make_operator(
    const std::string& name, const nlohmann::json& configuration, std::uint64_t seed = 0,
    double max_parameters = std::numeric_limits<double>::infinity());

/// The options that follow from data of shapes (X1, ..., Xd, Cin) and (X1, ..., Xd, Cout), without
/// the sample axis: channels, and what a user would otherwise have to give (modes an axis, levels).
/// Options that the user did give, such as a preset, may leave less to suggest.
nlohmann::json suggest_configuration(const std::string& name, const Shape& x_shape,
                                     const Shape& y_shape, const nlohmann::json& given);
nlohmann::json suggest_configuration(const std::string& name, const Shape& x_shape,
                                     const Shape& y_shape);

/// Names that make_operator() knows, sorted.
std::vector<std::string> operator_names();

}  // namespace nopal
