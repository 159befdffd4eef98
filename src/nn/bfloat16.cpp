// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/nn/bfloat16.hpp>

#include "nn/bfloat16_numbers.hpp"
#include "nn/convolution_rows.hpp"

#include <array>
#include <cstring>
#include <vector>

namespace nopal {
namespace {

using detail::Bfloat16Pairs;
using detail::ConvolutionGeometry;
using detail::Direction;

std::uint16_t* numbers(const Tensor<float>& pairs) {
  return reinterpret_cast<std::uint16_t*>(pairs.data());
}
const std::uint16_t* numbers(const Bfloat16Field& x) {
  return numbers(x.pairs());
}

Shape pairs_of(const Shape& shape) {
  NOPAL_CHECK(shape.rank() >= 2 && shape[-1] % 2 == 0,
              "a field in bfloat16 needs an even number of channels, got the shape ", shape);
  return shape.with(-1, shape[-1] / 2);
}

// Points of a field of up to three axes, missing ones of one point.
struct Points {
  std::int64_t batch, n[3], channels;

  explicit Points(const Shape& shape) : batch(shape[0]), n{1, 1, 1}, channels(shape[-1]) {
    const int d = shape.rank() - 2;
    NOPAL_CHECK(d >= 1 && d <= 3, "expected a field (B, X1, ..., Xd, C), d = 1, 2, 3, got ", shape);
    for (int a = 0; a < d; ++a)
      n[3 - d + a] = shape[a + 1];
  }
};

template <class Work>
void for_each_line(const char* name, std::int64_t lines, const Work& work) {
  if constexpr (detail::on_host) detail::parallel_for(name, detail::ItemRange(0, lines), work);
}

// Entries (t, k, o): the bits of W(t, 2 k, o) and W(t, 2 k + 1, o).
Tensor<float> pair_up(const Tensor<float>& weight) {
  const std::int64_t in = weight.shape()[-2], out = weight.shape()[-1];
  NOPAL_CHECK(in % 2 == 0, "a convolution in bfloat16: the weight ", weight.shape(),
              " needs an even number of input channels");
  Tensor<float> result(weight.shape().with(-2, in / 2));
  std::uint16_t* to = numbers(result);
  const float* from = weight.data();
  for (std::int64_t row = 0; row < weight.size() / (2 * out); ++row)
    for (std::int64_t o = 0; o < out; ++o)
      for (std::int64_t half = 0; half < 2; ++half)
        to[2 * (row * out + o) + half] =
            detail::round_to_bfloat16(from[(2 * row + half) * out + o]);
  return result;
}

template <class Product>
Bfloat16Field convolve(const Tensor<float>& x, const Tensor<float>& weight,
                       const Tensor<float>& bias, const ConvolutionOptions& options,
                       const Bfloat16Field& residual) {
  constexpr const char* what = "convolution in bfloat16";
  const ScopedRegion region("convolution");
  require_bfloat16(what);
  const ConvolutionGeometry g =
      detail::make_geometry(what, Direction::to_coarse, x.shape(), weight.shape(), options);
  const std::int64_t channels = weight.shape()[-1];
  NOPAL_CHECK(!bias.defined() || bias.size() == channels, what, ": the bias ", bias.shape(),
              " does not match the weight ", weight.shape());
  const detail::Box box = detail::whole_output(g, Direction::to_coarse);
  Shape shape{x.extent(0)};
  for (int a = weight.rank() - 2; a > 0; --a)
    shape.push_back(box.count[static_cast<std::size_t>(3 - a)]);
  shape.push_back(channels);
  Bfloat16Field y(shape);
  NOPAL_CHECK(!residual.defined() || residual.shape() == shape, what, ": the field to add to has ",
              "shape ", residual.shape(), ", the result has ", shape);
  const auto kernel = detail::pack_kernel(g, Direction::to_coarse, weight, false);
  const detail::Map m(g, kernel);
  const detail::MapOutput<float> output{nullptr, nullptr, bias.data(),
                                        static_cast<float>(options.sign), options.activation};
  const float *w = kernel.entries.data(), *from = x.data();
  const std::uint16_t* add = residual.defined() ? numbers(residual) : nullptr;
  std::uint16_t* to = numbers(y.pairs());
  detail::for_each_segment(
      g.batch, box,
      [=](std::int64_t b, std::int64_t z0, std::int64_t z1, std::int64_t begin, std::int64_t end) {
        thread_local std::vector<float> sums;
        sums.resize(static_cast<std::size_t>((end - begin) * m.out));
        detail::MapOutput<float> o = output;
        o.y = sums.data();
        detail::apply_row<Product>(m, w, from, o, b, z0, z1, begin, end);
        const std::int64_t row = (b * m.axes[0].out + z0) * m.axes[1].out + z1;
        const std::int64_t place = (row * m.axes[2].out + begin) * m.out;
        detail::store_bfloat16(sums.data(), add ? add + place : nullptr, to + place,
                               (end - begin) * m.out);
      });
  return y;
}

}  // namespace

bool has_bfloat16() {
#if defined(__AVX512BF16__)
  return detail::on_host && __builtin_cpu_supports("avx512bf16") > 0;
#else
  return false;
#endif
}

void require_bfloat16(const std::string& what) {
  NOPAL_CHECK(has_bfloat16(), what,
              ": storage in bfloat16 needs a CPU with AVX-512 BF16 and a library that was compiled "
              "for it (NOPAL_ENABLE_NATIVE=ON), which this is not; use float");
}

Bfloat16Field::Bfloat16Field(const Shape& shape) : pairs_(pairs_of(shape)) {}

Bfloat16Field Bfloat16Field::from_pairs(const Tensor<float>& pairs) {
  Bfloat16Field field;
  field.pairs_ = pairs;
  return field;
}

Bfloat16Field Bfloat16Field::rounded(const Tensor<float>& x) {
  require_bfloat16("rounding");
  Bfloat16Field field(x.shape());
  detail::store_bfloat16(x.data(), nullptr, numbers(field.pairs_), x.size());
  return field;
}

Tensor<float> Bfloat16Field::to_float() const {
  Tensor<float> x(shape());
  const std::uint16_t* from = numbers(pairs_);
  float* to = x.data();
  for (std::int64_t i = 0; i < x.size(); ++i)
    to[i] = detail::widen_bfloat16(from[i]);
  return x;
}

Bfloat16Field convolution(const Bfloat16Field& x, const Tensor<float>& weight,
                          const Tensor<float>& bias, const ConvolutionOptions& options,
                          const Bfloat16Field& residual) {
  return convolve<Bfloat16Pairs>(x.pairs(), pair_up(weight), bias, options, residual);
}

Bfloat16Field convolution_to_bfloat16(const Tensor<float>& x, const Tensor<float>& weight,
                                      const Tensor<float>& bias,
                                      const ConvolutionOptions& options) {
  return convolve<detail::Numbers>(x, weight, bias, options, {});
}

Bfloat16Field halve(const Bfloat16Field& x) {
  const ScopedRegion region("average_pool");
  const Points p(x.shape());
  Shape shape{p.batch};
  int d = 0;
  for (int a = 1; a + 1 < x.shape().rank(); ++a, ++d) {
    NOPAL_CHECK(x.shape()[a] % 2 == 0, "halve: expected an even number of points along each axis, ",
                "got ", x.shape());
    shape.push_back(x.shape()[a] / 2);
  }
  shape.push_back(p.channels);
  Bfloat16Field y(shape);
  const std::uint16_t* from = numbers(x);
  std::uint16_t* to = numbers(y.pairs());
  // Axes of one point are not there, unless the field has all three.
  const std::int64_t w[3] = {d > 2 ? 2 : 1, d > 1 ? 2 : 1, 2};
  const std::int64_t m0 = p.n[0] / w[0], m1 = p.n[1] / w[1], m2 = p.n[2] / w[2];
  const float factor = 1 / static_cast<float>(w[0] * w[1] * w[2]);
  for_each_line("nopal::average_pool", p.batch * m0 * m1, [=](std::int64_t line) {
    const std::int64_t j = line % m1, i = line / m1 % m0, b = line / (m0 * m1);
    thread_local std::vector<float> sums;
    sums.assign(static_cast<std::size_t>(m2 * p.channels), 0);
    float* sum = sums.data();
    for (std::int64_t di = 0; di < w[0]; ++di)
      for (std::int64_t dj = 0; dj < w[1]; ++dj) {
        const std::uint16_t* row =
            from + (((b * p.n[0] + i * w[0] + di) * p.n[1] + j * w[1] + dj) * p.n[2]) * p.channels;
        for (std::int64_t k = 0; k < p.n[2]; ++k)
#pragma GCC ivdep
          for (std::int64_t c = 0; c < p.channels; ++c)
            sum[k / 2 * p.channels + c] += detail::widen_bfloat16(row[k * p.channels + c]);
      }
    for (std::int64_t k = 0; k < m2 * p.channels; ++k)
      sum[k] *= factor;
    detail::store_bfloat16(sum, nullptr, to + line * m2 * p.channels, m2 * p.channels);
  });
  return y;
}

Bfloat16Field add_doubled(const Bfloat16Field& x, const Bfloat16Field& y) {
  const ScopedRegion region("upsample_nearest");
  const Points coarse(x.shape()), fine(y.shape());
  std::int64_t w[3];
  bool fits = coarse.batch == fine.batch && coarse.channels == fine.channels;
  for (int a = 0; a < 3; ++a) {
    w[a] = a < 5 - y.shape().rank() ? 1 : 2;
    fits = fits && fine.n[a] == w[a] * coarse.n[a];
  }
  NOPAL_CHECK(fits && x.shape().rank() == y.shape().rank(), "add_doubled: a field of shape ",
              x.shape(), " is not half of one of shape ", y.shape());
  Bfloat16Field result(y.shape());
  const std::uint16_t *from = numbers(x), *to_add = numbers(y);
  std::uint16_t* to = numbers(result.pairs());
  for_each_line(
      "nopal::upsample_nearest", fine.batch * fine.n[0] * fine.n[1], [=](std::int64_t line) {
        const std::int64_t j = line % fine.n[1], i = line / fine.n[1] % fine.n[0],
                           b = line / (fine.n[0] * fine.n[1]);
        const std::uint16_t* row =
            from + (((b * coarse.n[0] + i / w[0]) * coarse.n[1] + j / w[1]) * coarse.n[2]) *
                       coarse.channels;
        const std::int64_t size = fine.n[2] * fine.channels;
        thread_local std::vector<float> sums;
        sums.resize(static_cast<std::size_t>(size));
        float* sum = sums.data();
        for (std::int64_t k = 0; k < fine.n[2]; ++k)
#pragma GCC ivdep
          for (std::int64_t c = 0; c < fine.channels; ++c)
            sum[k * fine.channels + c] = detail::widen_bfloat16(row[k / 2 * fine.channels + c]);
        detail::store_bfloat16(sum, to_add + line * size, to + line * size, size);
      });
  return result;
}

Tensor<float> linear(const Bfloat16Field& x, const Tensor<float>& weight,
                     const Tensor<float>& bias) {
  const ScopedRegion region("linear");
  const Shape shape = x.shape();
  const std::int64_t in = shape[-1], out = weight.rank() == 2 ? weight.shape()[-1] : 0;
  NOPAL_CHECK(weight.rank() == 2 && weight.shape()[0] == in && bias.size() == out,
              "linear: the input ", shape, " does not match the weight ", weight.shape(),
              " and the bias ", bias.shape());
  Tensor<float> y(shape.with(-1, out));
  const std::uint16_t* from = numbers(x);
  const float *w = weight.data(), *b = bias.data();
  float* to = y.data();
  for_each_line("nopal::linear", shape.size() / std::max<std::int64_t>(in, 1),
                [=](std::int64_t point) {
                  for (std::int64_t o = 0; o < out; ++o) {
                    float sum = b[o];
                    for (std::int64_t c = 0; c < in; ++c)
                      sum += detail::widen_bfloat16(from[point * in + c]) * w[c * out + o];
                    to[point * out + o] = sum;
                  }
                });
  return y;
}

}  // namespace nopal
