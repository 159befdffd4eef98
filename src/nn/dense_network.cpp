// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/dense_network.hpp>
#include <nopal/nn/linear.hpp>

#include <cmath>

namespace nopal {

template <class T>
DenseNetwork<T>::DenseNetwork(ParameterStore<T>& store, const std::string& name,
                              const std::vector<std::int64_t>& widths, Activation activation,
                              bool activate_last) {
  NOPAL_CHECK(widths.size() >= 2, "a dense network needs the widths of its input and output, got ",
              widths.size(), " widths");
  for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
    const std::int64_t in = widths[l], out = widths[l + 1];
    NOPAL_CHECK(in >= 1 && out >= 1, "a dense network needs widths of at least 1, got ", in,
                " and ", out);
    const std::string layer = name + "." + std::to_string(l);
    const double deviation = std::sqrt(2.0 / static_cast<double>(in + out));
    const Parameter<T>& weight = store.normal(layer + ".weight", {in, out}, deviation);
    const bool last = l + 2 == widths.size();
    layers_.push_back({&weight, &store.constant(layer + ".bias", {out}, 0),
                       last && !activate_last ? Activation::identity : activation});
  }
}

template <class T>
Variable<T> DenseNetwork<T>::forward(Variable<T> x) const {
  for (const Layer& layer : layers_)
    x = linear(x, layer.weight->variable, layer.bias->variable, layer.activation);
  return x;
}

template <class T>
Cost DenseNetwork<T>::cost(std::int64_t rows) const {
  Cost cost;
  for (const Layer& layer : layers_) {
    const auto in = static_cast<double>(layer.weight->value().extent(0));
    const auto out = static_cast<double>(layer.weight->value().extent(1));
    const auto n = static_cast<double>(rows);
    cost.flops += 2 * n * in * out;
    cost.bytes += sizeof(T) * (n * (in + out) + in * out);
  }
  return cost;
}

template <class T>
double DenseNetwork<T>::parameter_count(const std::vector<std::int64_t>& widths) {
  double count = 0;
  for (std::size_t l = 0; l + 1 < widths.size(); ++l)
    count += (static_cast<double>(widths[l]) + 1) * static_cast<double>(widths[l + 1]);
  return count;
}

template class DenseNetwork<float>;
template class DenseNetwork<double>;

}  // namespace nopal
