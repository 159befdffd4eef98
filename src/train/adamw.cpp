// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/io/option_reader.hpp>

#include "train/optimizers.hpp"

#include <cmath>

namespace nopal::detail {
namespace {

// g += coupled * p, p = (p * before - rate * m / (sqrt(v) + epsilon)) * after: all of one step
// folded into numbers.
template <class T>
struct Coefficients {
  T beta1, one_minus_beta1, beta2, one_minus_beta2, rate, epsilon, before, after, coupled;
};

// One pass over parameter, gradient and moments.
template <class T>
struct RealUpdate {
  Coefficients<T> a;
  T* p_;
  const T* g_;
  T* m_;
  T* v_;

  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t begin, std::int64_t end) const {
    T* KOKKOS_RESTRICT p = p_;
    const T* KOKKOS_RESTRICT g = g_;
    T* KOKKOS_RESTRICT m = m_;
    T* KOKKOS_RESTRICT v = v_;
    const Coefficients<T> c = a;
    for (std::int64_t i = begin; i < end; ++i) {
      const T gi = g[i] + c.coupled * p[i];
      const T mi = c.beta1 * m[i] + c.one_minus_beta1 * gi;
      const T vi = c.beta2 * v[i] + c.one_minus_beta2 * (gi * gi);
      m[i] = mi;
      v[i] = vi;
      p[i] = (p[i] * c.before - c.rate * mi / (::sqrt(vi) + c.epsilon)) * c.after;
    }
  }
};

// The same with one second moment |g|^2 a complex entry.
template <class T>
struct ComplexUpdate {
  Coefficients<T> a;
  T* p_;
  const T* g_;
  T* m_;
  T* v_;

  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t begin, std::int64_t end) const {
    T* KOKKOS_RESTRICT p = p_;
    const T* KOKKOS_RESTRICT g = g_;
    T* KOKKOS_RESTRICT m = m_;
    T* KOKKOS_RESTRICT v = v_;
    const Coefficients<T> c = a;
    for (std::int64_t i = begin; i < end; ++i) {
      const T re = g[2 * i] + c.coupled * p[2 * i];
      const T im = g[2 * i + 1] + c.coupled * p[2 * i + 1];
      const T vi = c.beta2 * v[i] + c.one_minus_beta2 * (re * re + im * im);
      const T m0 = c.beta1 * m[2 * i] + c.one_minus_beta1 * re;
      const T m1 = c.beta1 * m[2 * i + 1] + c.one_minus_beta1 * im;
      v[i] = vi;
      m[2 * i] = m0;
      m[2 * i + 1] = m1;
      const T scale = c.rate / (::sqrt(vi) + c.epsilon);
      p[2 * i] = (p[2 * i] * c.before - scale * m0) * c.after;
      p[2 * i + 1] = (p[2 * i + 1] * c.before - scale * m1) * c.after;
    }
  }
};

template <class T>
class AdamW : public Optimizer<T> {
 public:
  explicit AdamW(const nlohmann::json& given) {
    std::string moment = "joint";
    OptionReader read(given, "adamw");
    read("beta1", beta1_, 0, 1 - 1e-12);
    read("beta2", beta2_, 0, 1 - 1e-12);
    read("epsilon", epsilon_, 0, 1);
    read("weight_decay", weight_decay_, 0, 1e6);
    read.choice("complex_moment", moment, {"joint", "split"});
    read("corrected_epsilon", corrected_epsilon_);
    read("decay_first", decay_first_);
    read("coupled_decay", coupled_decay_);
    configuration_ = read.finish();
    joint_ = moment == "joint";
  }

  std::string name() const override { return "adamw"; }
  nlohmann::json configuration() const override { return configuration_; }
  bool separable() const override { return true; }
  void set_momentum(double momentum) override { beta1_ = momentum; }

  void step(const Parameters<T>& parameters, double learning_rate,
            const std::function<double()>&) override {
    ++step_;
    const auto t = static_cast<double>(step_);
    const double correction1 = 1 - std::pow(beta1_, t);
    const double root = std::sqrt(1 - std::pow(beta2_, t));
    const double decay = coupled_decay_ ? 1 : 1 - learning_rate * weight_decay_;
    Coefficients<T> a{static_cast<T>(beta1_),
                      static_cast<T>(1 - beta1_),
                      static_cast<T>(beta2_),
                      static_cast<T>(1 - beta2_),
                      static_cast<T>(learning_rate * root / correction1),
                      static_cast<T>(corrected_epsilon_ ? epsilon_ * root : epsilon_),
                      static_cast<T>(decay_first_ ? decay : 1),
                      static_cast<T>(decay_first_ ? 1 : decay),
                      static_cast<T>(coupled_decay_ ? weight_decay_ : 0)};
    const T rate = a.rate;
    for (const Parameter<T>* parameter : parameters) {
      a.rate = rate * static_cast<T>(parameter->learning_rate_scale);
      const bool joint = joint_ && parameter->is_complex;
      const std::int64_t size = parameter->value().size();
      const std::int64_t entries = joint ? size / 2 : size;
      const Tensor<T> gradient = gradient_or_zeros(*parameter);
      T* p = parameter->value().data();
      const T* g = gradient.data();
      T* m = buffer_for(first_, *parameter, size).data();
      T* v = buffer_for(second_, *parameter, entries).data();
      if (joint)
        parallel_pieces("nopal::adamw", entries, ComplexUpdate<T>{a, p, g, m, v});
      else
        parallel_pieces("nopal::adamw", entries, RealUpdate<T>{a, p, g, m, v});
    }
  }

  std::map<std::string, Tensor<T>> state() const override {
    std::map<std::string, Tensor<T>> state{{"step", encode_count<T>(step_)}};
    for (const auto& [name, tensor] : first_)
      state["first/" + name] = tensor;
    for (const auto& [name, tensor] : second_)
      state["second/" + name] = tensor;
    return state;
  }

  void restore(const std::map<std::string, Tensor<T>>& state) override {
    restore_kinds<T>(state, "adamw", {{"first", &first_}, {"second", &second_}}, &step_);
  }

 private:
  double beta1_ = 0.9, beta2_ = 0.999, epsilon_ = 1e-6, weight_decay_ = 0;
  bool joint_ = true, corrected_epsilon_ = false, decay_first_ = false, coupled_decay_ = false;
  nlohmann::json configuration_;
  std::uint64_t step_ = 0;
  std::map<std::string, Tensor<T>> first_, second_;  // moments, by parameter
};

}  // namespace

template <class T>
std::unique_ptr<Optimizer<T>> make_adamw(const nlohmann::json& options) {
  return std::make_unique<AdamW<T>>(options);
}

template std::unique_ptr<Optimizer<float>> make_adamw<float>(const nlohmann::json&);
template std::unique_ptr<Optimizer<double>> make_adamw<double>(const nlohmann::json&);

}  // namespace nopal::detail
