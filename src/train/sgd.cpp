// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/option_reader.hpp>

#include "train/optimizers.hpp"

namespace nopal::detail {
namespace {

template <class T>
struct Update {
  T rate, momentum, weight_decay;
  bool nesterov;
  T* p_;
  const T* g_;
  T* u_;

  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t begin, std::int64_t end) const {
    T* KOKKOS_RESTRICT p = p_;
    const T* KOKKOS_RESTRICT g = g_;
    T* KOKKOS_RESTRICT u = u_;
    for (std::int64_t i = begin; i < end; ++i) {
      const T gi = g[i] + weight_decay * p[i];
      const T ui = momentum * u[i] + gi;
      u[i] = ui;
      p[i] -= rate * (nesterov ? gi + momentum * ui : ui);
    }
  }
};

// Without momentum there is no velocity to keep.
template <class T>
struct PlainUpdate {
  T rate, weight_decay;
  T* p_;
  const T* g_;

  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t begin, std::int64_t end) const {
    T* KOKKOS_RESTRICT p = p_;
    const T* KOKKOS_RESTRICT g = g_;
    for (std::int64_t i = begin; i < end; ++i)
      p[i] -= rate * (g[i] + weight_decay * p[i]);
  }
};

template <class T>
class Sgd : public Optimizer<T> {
 public:
  explicit Sgd(const nlohmann::json& given) {
    OptionReader read(given, "sgd");
    read("momentum", momentum_, 0, 1);
    read("nesterov", nesterov_);
    read("weight_decay", weight_decay_, 0, 1e6);
    configuration_ = read.finish();
  }

  std::string name() const override { return "sgd"; }
  nlohmann::json configuration() const override { return configuration_; }
  bool separable() const override { return true; }
  void set_momentum(double momentum) override { momentum_ = momentum; }

  void step(const Parameters<T>& parameters, double learning_rate,
            const std::function<double()>&) override {
    for (const Parameter<T>* parameter : parameters) {
      const std::int64_t size = parameter->value().size();
      const Tensor<T> gradient = gradient_or_zeros(*parameter);
      T* p = parameter->value().data();
      const auto rate = static_cast<T>(learning_rate * parameter->learning_rate_scale);
      const auto decay = static_cast<T>(weight_decay_);
      if (momentum_ == 0 && velocity_.empty()) {
        parallel_pieces("nopal::sgd", size, PlainUpdate<T>{rate, decay, p, gradient.data()});
        continue;
      }
      parallel_pieces("nopal::sgd", size,
                      Update<T>{rate, static_cast<T>(momentum_), decay, nesterov_, p,
                                gradient.data(), buffer_for(velocity_, *parameter, size).data()});
    }
  }

  std::map<std::string, Tensor<T>> state() const override {
    std::map<std::string, Tensor<T>> state;
    for (const auto& [name, tensor] : velocity_)
      state["velocity/" + name] = tensor;
    return state;
  }

  void restore(const std::map<std::string, Tensor<T>>& state) override {
    restore_kinds<T>(state, "sgd", {{"velocity", &velocity_}}, nullptr);
  }

 private:
  double momentum_ = 0, weight_decay_ = 0;
  bool nesterov_ = false;
  nlohmann::json configuration_;
  std::map<std::string, Tensor<T>> velocity_;  // u, by parameter
};

}  // namespace

template <class T>
std::unique_ptr<Optimizer<T>> make_sgd(const nlohmann::json& options) {
  return std::make_unique<Sgd<T>>(options);
}

template std::unique_ptr<Optimizer<float>> make_sgd<float>(const nlohmann::json&);
template std::unique_ptr<Optimizer<double>> make_sgd<double>(const nlohmann::json&);

}  // namespace nopal::detail
