// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/convolution.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/image_network.hpp>
#include <nopal/nn/pooling.hpp>

#include <cmath>

namespace nopal {
namespace {

Shape with_points(const Shape& extents, std::int64_t divisor, bool up, std::int64_t channels) {
  Shape result;
  for (int a = 0; a + 1 < extents.rank(); ++a)
    result.push_back((extents[a] + (up ? divisor - 1 : 0)) / divisor);
  result.push_back(channels);
  return result;
}

// (X1, ..., Xd, C) before each convolution, and at the end.
std::vector<Shape> stages(const Shape& extents, const ImageOptions& o) {
  NOPAL_CHECK(extents.rank() >= 2 && extents.rank() <= 4 && extents.size() >= 1,
              "an image network reads fields (X1, ..., Xd, C), d = 1, 2, 3, got ", extents);
  NOPAL_CHECK(o.kernel >= 1 && o.kernel % 2 == 1, "an image network needs an odd kernel, got ",
              o.kernel);
  NOPAL_CHECK(o.stride >= 1 && o.pool >= 1, "an image network needs stride and pool of at least ",
              "1, got ", o.stride, " and ", o.pool);
  std::vector<Shape> result{extents};
  for (std::size_t l = 0; l < o.filters.size(); ++l) {
    NOPAL_CHECK(o.filters[l] >= 1, "an image network needs at least 1 filter, got ", o.filters[l]);
    const Shape after = with_points(result.back(), o.stride, true, o.filters[l]);
    const Shape pooled = with_points(after, o.pool, false, o.filters[l]);
    NOPAL_CHECK(pooled.size() >= 1, "an image network: after convolution ", l + 1, " a field of ",
                extents, " has the shape ", after, ", smaller than blocks of ", o.pool,
                " points; use fewer convolutions");
    result.push_back(pooled);
  }
  return result;
}

Shape kernel_shape(const Shape& extents, std::int64_t kernel, std::int64_t out) {
  Shape shape;
  for (int a = 0; a + 1 < extents.rank(); ++a)
    shape.push_back(kernel);
  shape.push_back(extents[-1]);
  shape.push_back(out);
  return shape;
}

ConvolutionOptions same(const Shape& extents, const ImageOptions& o) {
  ConvolutionOptions options;
  options.stride = o.stride;
  options.activation = o.activation;
  for (int a = 0; a + 1 < extents.rank(); ++a)
    options.offset[static_cast<std::size_t>(a)] = -(o.kernel / 2);
  const Shape out = with_points(extents, o.stride, true, 1);
  options.extents = Shape(out.begin(), out.end() - 1);
  return options;
}

}  // namespace

template <class T>
ImageNetwork<T>::ImageNetwork(ParameterStore<T>& store, const std::string& name,
                              const Shape& extents, const ImageOptions& options)
    : extents_(extents), options_(options) {
  const std::vector<Shape> fields = stages(extents, options);
  for (std::size_t l = 0; l < options.filters.size(); ++l) {
    const Shape shape = kernel_shape(fields[l], options.kernel, options.filters[l]);
    const auto taps = std::pow(static_cast<double>(options.kernel), extents.rank() - 1);
    const double deviation = std::sqrt(2 / (taps * static_cast<double>(shape[-1] + shape[-2])));
    const std::string layer = name + "." + std::to_string(l);
    const Parameter<T>& weight = store.normal(layer + ".weight", shape, deviation);
    layers_.emplace_back(&weight, &store.constant(layer + ".bias", {options.filters[l]}, 0));
  }
}

template <class T>
Variable<T> ImageNetwork<T>::forward(Variable<T> x) const {
  const std::int64_t batch = x.shape()[0];
  for (const auto& [weight, bias] : layers_) {
    const Shape extents(x.shape().begin() + 1, x.shape().end());
    x = convolution(x, weight->variable, bias->variable, same(extents, options_));
    if (options_.pool > 1) x = average_pool(x, options_.pool);
  }
  return reshape(x, {batch, features(extents_, options_).size()});
}

template <class T>
Cost ImageNetwork<T>::cost(std::int64_t batch) const {
  Cost total;
  const std::vector<Shape> fields = stages(extents_, options_);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    Shape x{batch};
    for (const std::int64_t n : fields[l])
      x.push_back(n);
    const Cost one =
        convolution_cost<T>(x, layers_[l].first->value().shape(), same(fields[l], options_));
    total.flops += one.flops;
    total.bytes += one.bytes;
  }
  return total;
}

template <class T>
Shape ImageNetwork<T>::features(const Shape& extents, const ImageOptions& options) {
  return stages(extents, options).back();
}

template <class T>
double ImageNetwork<T>::parameter_count(const Shape& extents, const ImageOptions& options) {
  double count = 0;
  const std::vector<Shape> fields = stages(extents, options);
  for (std::size_t l = 0; l < options.filters.size(); ++l)
    count += static_cast<double>(
        kernel_shape(fields[l], options.kernel, options.filters[l]).size() + options.filters[l]);
  return count;
}

template class ImageNetwork<float>;
template class ImageNetwork<double>;

}  // namespace nopal
