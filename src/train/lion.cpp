// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/option_reader.hpp>

#include "train/optimizers.hpp"

namespace nopal::detail {
namespace {

template <class T>
struct Update {
  T rate, beta1, beta2, weight_decay;
  T* p_;
  const T* g_;
  T* m_;

  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t begin, std::int64_t end) const {
    T* KOKKOS_RESTRICT p = p_;
    const T* KOKKOS_RESTRICT g = g_;
    T* KOKKOS_RESTRICT m = m_;
    for (std::int64_t i = begin; i < end; ++i) {
      const T c = beta1 * m[i] + (1 - beta1) * g[i];
      const T sign = c > 0 ? T(1) : c < 0 ? T(-1) : c;  // NaN stays NaN
      p[i] -= rate * (sign + weight_decay * p[i]);
      m[i] = beta2 * m[i] + (1 - beta2) * g[i];
    }
  }
};

template <class T>
class Lion : public Optimizer<T> {
 public:
  explicit Lion(const nlohmann::json& given) {
    OptionReader read(given, "lion");
    read("beta1", beta1_, 0, 1);
    read("beta2", beta2_, 0, 1);
    read("weight_decay", weight_decay_, 0, 1e6);
    configuration_ = read.finish();
  }

  std::string name() const override { return "lion"; }
  nlohmann::json configuration() const override { return configuration_; }
  bool separable() const override { return true; }
  void set_momentum(double momentum) override { beta1_ = momentum; }

  void step(const Parameters<T>& parameters, double learning_rate,
            const std::function<double()>&) override {
    for (const Parameter<T>* parameter : parameters) {
      const std::int64_t size = parameter->value().size();
      const Tensor<T> gradient = gradient_or_zeros(*parameter);
      parallel_pieces("nopal::lion", size,
                      Update<T>{static_cast<T>(learning_rate * parameter->learning_rate_scale),
                                static_cast<T>(beta1_), static_cast<T>(beta2_),
                                static_cast<T>(weight_decay_), parameter->value().data(),
                                gradient.data(), buffer_for(moment_, *parameter, size).data()});
    }
  }

  std::map<std::string, Tensor<T>> state() const override {
    std::map<std::string, Tensor<T>> state;
    for (const auto& [name, tensor] : moment_)
      state["moment/" + name] = tensor;
    return state;
  }

  void restore(const std::map<std::string, Tensor<T>>& state) override {
    restore_kinds<T>(state, "lion", {{"moment", &moment_}}, nullptr);
  }

 private:
  double beta1_ = 0.9, beta2_ = 0.99, weight_decay_ = 0;
  nlohmann::json configuration_;
  std::map<std::string, Tensor<T>> moment_;  // m, by parameter
};

}  // namespace

template <class T>
std::unique_ptr<Optimizer<T>> make_lion(const nlohmann::json& options) {
  return std::make_unique<Lion<T>>(options);
}

template std::unique_ptr<Optimizer<float>> make_lion<float>(const nlohmann::json&);
template std::unique_ptr<Optimizer<double>> make_lion<double>(const nlohmann::json&);

}  // namespace nopal::detail
