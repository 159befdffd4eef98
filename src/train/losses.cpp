// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/train/losses.hpp>

#include "train/field_norms.hpp"

#include <cmath>
#include <limits>

namespace nopal {
namespace {

using detail::FieldNorm;
using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;

template <class T>
void check_shapes(const Tensor<T>& prediction, const Tensor<T>& target) {
  NOPAL_CHECK(prediction.shape() == target.shape(), "the prediction has shape ", prediction.shape(),
              ", but the target has ", target.shape());
}

// x *= a * seed[0] without a trip of the seed to the host.
template <class T>
void scale_by(const Tensor<T>& x, T a, const Tensor<T>& seed) {
  T* px = x.data();
  const T* ps = seed.data();
  Kokkos::parallel_for(
      "nopal::squared_error_adjoint", Range(0, x.size()),
      KOKKOS_LAMBDA(std::int64_t i) { px[i] *= a * ps[0]; });
}

// What the adjoint needs beyond the norms: p - y and, for each sample and channel, the factor of
// the gradient of the squared norm.
template <class T>
Variable<T> make_node(const Variable<T>& prediction, const FieldNorm& norm, Tensor<T> value,
                      Tensor<T> difference, Tensor<double> coefficient) {
  return record<T>(std::move(value), [=](const Tensor<T>& seed) {
    if (norm.axes == 0) {  // pointwise: the difference becomes the gradient, nothing is added
      half_gradient(norm, difference, coefficient, seed, T(0), difference);
      prediction.accumulate(difference);
    } else {
      const auto slot = prediction.gradient_slot();
      half_gradient(norm, difference, coefficient, seed, slot.beta, slot.buffer);
    }
  });
}

template <class T>
Variable<T> relative_norm(const Variable<T>& prediction, const Tensor<T>& target, T weight,
                          const FieldNorm& norm) {
  const bool recording = needs_record(prediction);
  Tensor<T> difference;
  if (recording) difference = Tensor<T>(target.shape());
  const Tensor<double> squares = squared_norms(norm, prediction.value(), target, difference);

  Tensor<T> value({1});
  Tensor<double> coefficient({norm.samples, norm.channels});
  const double* s = squares.data();
  double* factor = coefficient.data();
  T* result = value.data();
  const std::int64_t count = coefficient.size();
  const double w = weight;
  Kokkos::parallel_for(
      "nopal::relative_norm", Range(0, 1), KOKKOS_LAMBDA(std::int64_t) {
        double sum = 0;
        for (std::int64_t i = 0; i < count; ++i) {
          const double numerator = ::sqrt(s[2 * i]), denominator = ::sqrt(s[2 * i + 1]) + 1e-8;
          sum += numerator / denominator;
          // The ratio has no derivative at 0; a perfect prediction gets gradient 0. A norm that is
          // NaN must stay one.
          factor[i] = numerator == 0 ? 0 : w / (numerator * denominator);
        }
        result[0] = static_cast<T>(w * sum);
      });
  if (!recording) return value;
  return make_node(prediction, norm, std::move(value), std::move(difference),
                   std::move(coefficient));
}

template <class T>
std::vector<double> relative_errors(const Tensor<T>& prediction, const Tensor<T>& target,
                                    const FieldNorm& norm) {
  const std::vector<double> s = squared_norms(norm, prediction, target, Tensor<T>()).to_vector();
  std::vector<double> errors;
  std::size_t i = 0;
  for (std::int64_t b = 0; b < norm.samples; ++b) {
    double difference = 0, reference = 0;
    for (std::int64_t c = 0; c < norm.channels; ++c, i += 2) {
      difference += s[i];
      reference += s[i + 1];
    }
    NOPAL_CHECK(difference == 0 || reference != 0, "the reference of sample ", b, " of ",
                norm.samples,
                " is zero everywhere: errors relative to it do not exist; leave such samples out");
    errors.push_back(difference == 0 ? 0 : std::sqrt(difference) / std::sqrt(reference));
  }
  return errors;
}

}  // namespace

template <class T>
Variable<T> squared_error(const Variable<T>& prediction, const Tensor<T>& target, T weight) {
  check_shapes(prediction.value(), target);
  const std::int64_t size = target.size();
  const std::int64_t row = 4096;
  const std::int64_t samples = (size + row - 1) / row;
  const bool recording = needs_record(prediction);
  Tensor<T> difference;
  if (recording) difference = Tensor<T>(target.shape());
  Tensor<double> partial({samples});
  const T* p = prediction.value().data();
  const T* y = target.data();
  T* d = difference.data();
  double* sums = partial.data();
  Kokkos::parallel_for(
      "nopal::squared_error", Range(0, samples), KOKKOS_LAMBDA(std::int64_t i) {
        // Eight independent sums: a fixed order that still vectorises.
        double sum[8] = {0, 0, 0, 0, 0, 0, 0, 0};
        const std::int64_t end = i * row + row < size ? i * row + row : size;
        std::int64_t j = i * row;
        for (; j + 8 <= end; j += 8)
          for (int l = 0; l < 8; ++l) {
            const double e = double(p[j + l]) - double(y[j + l]);
            sum[l] += e * e;
          }
        for (; j < end; ++j) {
          const double e = double(p[j]) - double(y[j]);
          sum[0] += e * e;
        }
        if (d)
          for (j = i * row; j < end; ++j)
            d[j] = p[j] - y[j];
        sums[i] = ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
      });
  Tensor<T> value({1});
  T* result = value.data();
  const double w = weight;
  Kokkos::parallel_for(
      "nopal::squared_error_sum", Range(0, 1), KOKKOS_LAMBDA(std::int64_t) {
        double sum = 0;
        for (std::int64_t i = 0; i < samples; ++i)
          sum += sums[i];
        result[0] = static_cast<T>(w * sum);
      });
  if (!recording) return value;
  return record<T>(std::move(value), [=](const Tensor<T>& seed) {
    scale_by(difference, static_cast<T>(2 * w), seed);
    prediction.accumulate(difference);
  });
}

template <class T>
Variable<T> mean_squared_error(const Variable<T>& prediction, const Tensor<T>& target) {
  return squared_error(prediction, target, T(1) / static_cast<T>(target.size()));
}

template <class T>
Variable<T> relative_l2(const Variable<T>& prediction, const Tensor<T>& target, T weight) {
  check_shapes(prediction.value(), target);
  return relative_norm(prediction, target, weight,
                       FieldNorm(target.shape(), false, Boundary::periodic));
}

template <class T>
Variable<T> relative_h1(const Variable<T>& prediction, const Tensor<T>& target, T weight,
                        Boundary boundary) {
  check_shapes(prediction.value(), target);
  return relative_norm(prediction, target, weight, FieldNorm(target.shape(), true, boundary));
}

template <class T>
LossFunction<T> make_loss(const std::string& name, Boundary boundary) {
  const auto share = [](std::int64_t batch, std::int64_t numbers) {
    return static_cast<T>(1.0 / (static_cast<double>(batch) * static_cast<double>(numbers)));
  };
  if (name == "mse")
    return [share](const Variable<T>& p, const Tensor<T>& y, std::int64_t batch) {
      return squared_error(p, y, share(batch, y.shape().product(1, y.rank())));
    };
  if (name == "l2")
    return [share](const Variable<T>& p, const Tensor<T>& y, std::int64_t batch) {
      return relative_l2(p, y, share(batch, y.extent(-1)));
    };
  NOPAL_CHECK(name == "h1", "expected a loss \"mse\", \"l2\" or \"h1\", got \"", name, "\"");
  return [share, boundary](const Variable<T>& p, const Tensor<T>& y, std::int64_t batch) {
    return relative_h1(p, y, share(batch, y.extent(-1)), boundary);
  };
}

template <class T>
std::vector<double> relative_l2_errors(const Tensor<T>& prediction, const Tensor<T>& target) {
  check_shapes(prediction, target);
  return relative_errors(prediction, target, FieldNorm(target.shape(), false, Boundary::periodic));
}

template <class T>
std::vector<double> relative_h1_errors(const Tensor<T>& prediction, const Tensor<T>& target,
                                       Boundary boundary) {
  check_shapes(prediction, target);
  return relative_errors(prediction, target, FieldNorm(target.shape(), true, boundary));
}

#define NOPAL_INSTANTIATE(T)                                                              \
  template Variable<T> squared_error<T>(const Variable<T>&, const Tensor<T>&, T);         \
  template Variable<T> mean_squared_error<T>(const Variable<T>&, const Tensor<T>&);       \
  template Variable<T> relative_l2<T>(const Variable<T>&, const Tensor<T>&, T);           \
  template Variable<T> relative_h1<T>(const Variable<T>&, const Tensor<T>&, T, Boundary); \
  template LossFunction<T> make_loss<T>(const std::string&, Boundary);                    \
  template std::vector<double> relative_l2_errors<T>(const Tensor<T>&, const Tensor<T>&); \
  template std::vector<double> relative_h1_errors<T>(const Tensor<T>&, const Tensor<T>&, Boundary);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
