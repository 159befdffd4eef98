// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/operators/learned_multigrid.hpp>

#include <nopal/io/option_reader.hpp>
#include <nopal/nn/initialisation.hpp>

#include <nlohmann/json.hpp>

#include <cmath>

namespace nopal {
namespace {

std::int64_t stencil_points(std::int64_t dimension) {
  return dimension == 1 ? 3 : dimension == 2 ? 9 : 27;
}

// The offsets of a 3^d stencil in row-major order.
std::vector<StencilOffset> all_offsets(int dimension) {
  std::vector<StencilOffset> result;
  for (std::int64_t k = 0; k < stencil_points(dimension); ++k) {
    StencilOffset offset{};
    std::int64_t rest = k;
    for (int a = dimension - 1; a >= 0; --a) {
      offset[static_cast<std::size_t>(a)] = static_cast<int>(rest % 3) - 1;
      rest /= 3;
    }
    result.push_back(offset);
  }
  return result;
}

// Points along each axis of a field (B, X1, ..., Xd, C).
Shape points_of(const Shape& field) {
  return Shape(field.begin() + 1, field.end() - 1);
}

}  // namespace

LearnedMultigridOptions LearnedMultigridOptions::from_json(const nlohmann::json& json) {
  LearnedMultigridOptions options;
  OptionReader read(json, "multigrid");
  read("dimension", options.dimension, 1, 3);
  read("hidden", options.hidden, 0, 4096);
  read.choice("transfer", options.transfer, {"operator", "linear"});
  read.finish();
  return options;
}

nlohmann::json LearnedMultigridOptions::to_json() const {
  return {{"dimension", dimension}, {"hidden", hidden}, {"transfer", transfer}};
}

MultigridOptions LearnedMultigridOptions::multigrid_options() const {
  MultigridOptions options;
  options.transfer = transfer;
  return options;
}

double LearnedMultigridOptions::parameter_count() const {
  const auto outputs = static_cast<double>(stencil_points(dimension)), inputs = outputs - 1;
  const auto h = static_cast<double>(hidden);
  return outputs + inputs * outputs + h * (inputs + 1 + outputs);
}

template <class T>
struct LearnedMultigrid<T>::Weights {
  explicit Weights(std::uint64_t seed) : store(seed) {}
  ParameterStore<T> store;
  const Parameter<T>*bias = nullptr, *linear = nullptr;
  const Parameter<T>*weight1 = nullptr, *bias1 = nullptr, *weight2 = nullptr;
};

template <class T>
LearnedMultigrid<T>::LearnedMultigrid(const LearnedMultigridOptions& options, std::uint64_t seed)
    : options_(options), weights_(std::make_unique<Weights>(seed)) {
  NOPAL_CHECK(options.dimension >= 1 && options.dimension <= 3 && options.hidden >= 0,
              "a multigrid preconditioner is for 1 to 3 dimensions, got ", options.dimension);
  const std::int64_t outputs = stencil_points(options.dimension), inputs = outputs - 1;
  const std::int64_t h = options.hidden;
  Weights& w = *weights_;
  const auto start = SmootherNetwork<T>::chebyshev(static_cast<int>(options.dimension));
  w.bias = &w.store.constant("bias", {outputs}, 0);
  w.linear = &w.store.constant("linear", {inputs, outputs}, 0);
  w.bias->value().copy_from(start.bias);
  w.linear->value().copy_from(start.linear);
  if (h > 0) {
    // Scaled couplings add up to about -1 over all neighbours: inputs of order 1 for each unit.
    w.weight1 = &w.store.normal("weight1", {inputs, h}, 2.0);
    w.bias1 = &w.store.normal("bias1", {h}, 0.3);
    w.weight2 = &w.store.constant("weight2", {h, outputs}, 0);
  }
  w.store.append_parameters(parameters_);
}

template <class T>
LearnedMultigrid<T>::~LearnedMultigrid() = default;

template <class T>
nlohmann::json LearnedMultigrid<T>::configuration() const {
  return options_.to_json();
}

template <class T>
SmootherNetwork<T> LearnedMultigrid<T>::network() const {
  SmootherNetwork<T> network;
  network.dimension = static_cast<int>(options_.dimension);
  network.bias = weights_->bias->value();
  network.linear = weights_->linear->value();
  if (options_.hidden > 0) {
    network.weight1 = weights_->weight1->value();
    network.bias1 = weights_->bias1->value();
    network.weight2 = weights_->weight2->value();
  }
  return network;
}

template <class T>
void LearnedMultigrid<T>::check_inputs(std::span<const Shape> inputs) const {
  const auto d = static_cast<int>(options_.dimension);
  NOPAL_CHECK(inputs.size() == 2,
              "multigrid takes two inputs, matrices (B, X1, ..., Xd, 3^d) and residuals (B, X1, "
              "..., Xd, 1), got ",
              inputs.size(), "; as a preconditioner it is used by PETSc's PC nopal");
  const Shape &a = inputs[0], &r = inputs[1];
  NOPAL_CHECK(a.rank() == d + 2 && r.rank() == d + 2 && a[-1] == stencil_points(d) && r[-1] == 1 &&
                  a[0] == r[0] && points_of(a) == points_of(r),
              "multigrid in ", d, " dimensions takes matrices (B, X1, ..., Xd, ", stencil_points(d),
              ") and residuals (B, X1, ..., Xd, 1), got ", a, " and ", r);
}

template <class T>
Variable<T> LearnedMultigrid<T>::forward(std::span<const Variable<T>> inputs) const {
  const ScopedRegion region("multigrid");
  std::vector<Shape> shapes;
  for (const Variable<T>& input : inputs)
    shapes.push_back(input.shape());
  check_inputs(shapes);
  NOPAL_CHECK(Tape<T>::active() == nullptr,
              "multigrid cannot be differentiated through its forward(); see train_multigrid()");
  const Shape points = points_of(shapes[0]);
  const std::int64_t n = points.size(), entries = shapes[0][-1];
  Tensor<T> result(shapes[1]);
  std::vector<T> solution(static_cast<std::size_t>(n)), values(solution.size() * entries);
  for (std::int64_t b = 0; b < shapes[0][0]; ++b) {
    const std::vector<T> stencils = inputs[0].value().slice(b, 1).to_vector();
    const std::vector<T> residual = inputs[1].value().slice(b, 1).to_vector();
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t k = 0; k < entries; ++k)
        values[static_cast<std::size_t>(k * n + i)] =
            stencils[static_cast<std::size_t>(i * entries + k)];
    const StencilField<T> field{Grid(points),
                                all_offsets(static_cast<int>(options_.dimension)),
                                Tensor<T>::from_host({entries, n}, values),
                                {}};
    StencilMultigrid<T>(field, network(), options_.multigrid_options())
        .apply(residual.data(), solution.data());
    result.slice(b, 1).copy_from_host(solution.data());
  }
  return result;
}

// Of one cycle with full stencils on all levels, without the set-up.
template <class T>
Cost LearnedMultigrid<T>::cost(std::span<const Shape> inputs) const {
  check_inputs(inputs);
  const double levels = 1 / (1 - std::ldexp(1.0, -static_cast<int>(options_.dimension)));
  const auto points = static_cast<double>(inputs[1].size());
  const auto entries = static_cast<double>(stencil_points(options_.dimension));
  Cost cost;
  cost.flops = levels * points * 2 * (4 * entries + 2);
  cost.bytes = levels * points * sizeof(T) * (2 * entries + 8);
  return cost;
}

template class LearnedMultigrid<float>;
template class LearnedMultigrid<double>;

}  // namespace nopal
