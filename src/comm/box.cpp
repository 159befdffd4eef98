// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/comm/box.hpp>

namespace nopal {
namespace {

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// The boxes whose ranges are range(axis, output range); empty where that of the output is.
template <class Function>
Boxes map(const Boxes& outputs, std::initializer_list<Shape> parameters, const Function& range) {
  for (const Shape& parameter : parameters)
    NOPAL_CHECK(parameter.rank() == outputs.dimension(), "boxes in ", outputs.dimension(),
                " dimensions need that many widths, kernels, strides or paddings, got ", parameter);
  Boxes result = outputs;
  for (int a = 0; a < outputs.dimension(); ++a)
    for (Range& r : result.ranges[a])
      if (r.size() > 0) r = range(a, r);
  return result;
}

void check_convolution(const Shape& kernel, const Shape& stride) {
  NOPAL_CHECK(kernel.size() > 0 && stride.size() > 0, "kernels and strides are 1 or more, got ",
              kernel, " and ", stride);
}

}  // namespace

Box Box::whole(const Shape& extents) {
  Box box;
  box.dimension = extents.rank();
  for (int a = 0; a < box.dimension; ++a)
    box.ranges[static_cast<std::size_t>(a)] = {0, extents[a]};
  return box;
}

Shape Box::extents() const {
  Shape result;
  for (int a = 0; a < dimension; ++a)
    result.push_back((*this)[a].size());
  return result;
}

Shape Box::field(std::int64_t batch, std::int64_t channels) const {
  Shape result{batch};
  for (int a = 0; a < dimension; ++a)
    result.push_back((*this)[a].size());
  result.push_back(channels);
  return result;
}

Shape Boxes::coordinates(int rank) const {
  Shape result = processes;
  for (int a = dimension() - 1; a >= 0; --a) {
    result = result.with(a, rank % processes[a]);
    rank /= static_cast<int>(processes[a]);
  }
  return result;
}

int Boxes::rank(const Shape& coordinates) const {
  std::int64_t result = 0;
  for (int a = 0; a < dimension(); ++a)
    result = result * processes[a] + coordinates[a];
  return static_cast<int>(result);
}

Box Boxes::box(int rank) const {
  const Shape at = coordinates(rank);
  Box result{{}, dimension()};
  for (int a = 0; a < dimension(); ++a)
    result.ranges[a] = ranges[a][at[a]];
  return result;
}

Boxes padded(const Boxes& outputs, const Shape& low, const Shape& high) {
  return map(outputs, {low, high}, [&](int a, const Range& r) {
    return Range{r.begin - low[a], r.end + high[a]};
  });
}

Boxes convolution_inputs(const Boxes& outputs, const Shape& kernel, const Shape& stride,
                         const Shape& padding) {
  check_convolution(kernel, stride);
  return map(outputs, {kernel, stride, padding}, [&](int a, const Range& r) {
    return Range{stride[a] * r.begin - padding[a],
                 stride[a] * (r.end - 1) - padding[a] + kernel[a]};
  });
}

Boxes transposed_convolution_inputs(const Boxes& outputs, const Shape& kernel, const Shape& stride,
                                    const Shape& padding) {
  check_convolution(kernel, stride);
  // q reaches output j if 0 <= j + padding - stride q < kernel.
  return map(outputs, {kernel, stride, padding}, [&](int a, const Range& r) {
    return Range{floor_divide(r.begin + padding[a] - kernel[a], stride[a]) + 1,
                 floor_divide(r.end - 1 + padding[a], stride[a]) + 1};
  });
}

}  // namespace nopal
