// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/train/losses.hpp>

#include "core/parallel.hpp"

#include <cmath>
#include <limits>

namespace nopal {
namespace {

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
      "nopal::squared_error_adjoint", detail::ItemRange(0, x.size()),
      KOKKOS_LAMBDA(std::int64_t i) { px[i] *= a * ps[0]; });
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
      "nopal::squared_error", detail::ItemRange(0, samples), KOKKOS_LAMBDA(std::int64_t i) {
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
      "nopal::squared_error_sum", detail::ItemRange(0, 1), KOKKOS_LAMBDA(std::int64_t) {
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
Variable<T> relative_norm(const Variable<T>& prediction, const Tensor<T>& target, T weight,
                          const FieldNorm<T>& norm) {
  check_shapes(prediction.value(), target);
  const bool recording = needs_record(prediction);
  typename FieldNorm<T>::Difference difference;
  const Tensor<double> squares =
      norm.squares(prediction.value(), target, recording ? &difference : nullptr);

  Tensor<T> value({1});
  // For each sample and channel, the factor of the gradient of the squared norm.
  Tensor<double> coefficient({squares.extent(0), squares.extent(1)});
  const double* s = squares.data();
  double* factor = coefficient.data();
  T* result = value.data();
  const std::int64_t count = coefficient.size();
  const double w = weight;
  const double share = norm.comm().rank() == 0 ? 1 : 0;
  Kokkos::parallel_for(
      "nopal::relative_norm", detail::ItemRange(0, 1), KOKKOS_LAMBDA(std::int64_t) {
        double sum = 0;
        for (std::int64_t i = 0; i < count; ++i) {
          const double numerator = ::sqrt(s[2 * i]), denominator = ::sqrt(s[2 * i + 1]) + 1e-8;
          sum += numerator / denominator;
          // The ratio has no derivative at 0; a perfect prediction gets gradient 0. A norm that is
          // NaN must stay one.
          factor[i] = numerator == 0 ? 0 : w / (numerator * denominator);
        }
        result[0] = static_cast<T>(share * w * sum);
      });
  if (!recording) return value;
  return record<T>(std::move(value), [=](const Tensor<T>& seed) {
    const auto slot = prediction.gradient_slot();
    norm.half_gradient(difference, coefficient, seed, slot.beta, slot.buffer);
  });
}

template <class T>
Variable<T> relative_l2(const Variable<T>& prediction, const Tensor<T>& target, T weight) {
  return relative_norm(prediction, target, weight, FieldNorm<T>::l2());
}

template <class T>
Variable<T> relative_h1(const Variable<T>& prediction, const Tensor<T>& target, T weight,
                        Boundary boundary) {
  return relative_norm(prediction, target, weight, FieldNorm<T>::h1(boundary));
}

std::vector<std::string> loss_names() {
  return {"l2", "h1", "h1_fourier", "mse"};
}

template <class T>
LossFunction<T> make_loss(const std::string& name, Boundary boundary, const Grid& grid) {
  const auto share = [](std::int64_t batch, double numbers) {
    return static_cast<T>(1.0 / (static_cast<double>(batch) * numbers));
  };
  if (name == "mse") {
    // Of all ranks, some of which may have none; 0: the fields are whole.
    const std::int64_t points = grid.comm().size() == 1 ? 0 : grid.extents().size();
    return [share, points](const Variable<T>& p, const Tensor<T>& y, std::int64_t batch) {
      const std::int64_t numbers =
          points > 0 ? points * y.extent(-1) : y.shape().product(1, y.rank());
      return squared_error(p, y, share(batch, static_cast<double>(numbers)));
    };
  }
  NOPAL_CHECK(name == "l2" || name == "h1" || name == "h1_fourier",
              "expected a loss \"mse\", \"l2\", \"h1\" or \"h1_fourier\", got \"", name, "\"");
  const FieldNorm<T> norm = (name == "l2"   ? FieldNorm<T>::l2()
                             : name == "h1" ? FieldNorm<T>::h1(boundary)
                                            : FieldNorm<T>::h1_fourier())
                                .on(grid);
  return [share, norm](const Variable<T>& p, const Tensor<T>& y, std::int64_t batch) {
    return relative_norm(p, y, share(batch, static_cast<double>(y.extent(-1))), norm);
  };
}

template <class T>
std::vector<double> relative_errors(const Tensor<T>& prediction, const Tensor<T>& target,
                                    const FieldNorm<T>& norm) {
  check_shapes(prediction, target);
  const Tensor<double> squares = norm.squares(prediction, target, nullptr);
  const std::vector<double> s = squares.to_vector();
  std::vector<double> errors;
  std::size_t i = 0;
  for (std::int64_t b = 0; b < squares.extent(0); ++b) {
    double difference = 0, reference = 0;
    for (std::int64_t c = 0; c < squares.extent(1); ++c, i += 2) {
      difference += s[i];
      reference += s[i + 1];
    }
    NOPAL_CHECK(difference == 0 || reference != 0, "the reference of sample ", b, " of ",
                squares.extent(0),
                " is zero everywhere, or too small to be squared: errors relative to it do not ",
                "exist; leave such samples out");
    errors.push_back(difference == 0 ? 0 : std::sqrt(difference) / std::sqrt(reference));
  }
  return errors;
}

template <class T>
std::vector<double> relative_l2_errors(const Tensor<T>& prediction, const Tensor<T>& target) {
  return relative_errors(prediction, target, FieldNorm<T>::l2());
}

template <class T>
std::vector<double> relative_h1_errors(const Tensor<T>& prediction, const Tensor<T>& target,
                                       Boundary boundary) {
  return relative_errors(prediction, target, FieldNorm<T>::h1(boundary));
}

#define NOPAL_INSTANTIATE(T)                                                              \
  template Variable<T> squared_error<T>(const Variable<T>&, const Tensor<T>&, T);         \
  template Variable<T> mean_squared_error<T>(const Variable<T>&, const Tensor<T>&);       \
  template Variable<T> relative_norm<T>(const Variable<T>&, const Tensor<T>&, T,          \
                                        const FieldNorm<T>&);                             \
  template Variable<T> relative_l2<T>(const Variable<T>&, const Tensor<T>&, T);           \
  template Variable<T> relative_h1<T>(const Variable<T>&, const Tensor<T>&, T, Boundary); \
  template LossFunction<T> make_loss<T>(const std::string&, Boundary, const Grid&);       \
  template std::vector<double> relative_errors<T>(const Tensor<T>&, const Tensor<T>&,     \
                                                  const FieldNorm<T>&);                   \
  template std::vector<double> relative_l2_errors<T>(const Tensor<T>&, const Tensor<T>&); \
  template std::vector<double> relative_h1_errors<T>(const Tensor<T>&, const Tensor<T>&, Boundary);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
