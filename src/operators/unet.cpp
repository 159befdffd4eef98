// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/io/option_reader.hpp>
#include <nopal/nn/convolution.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/initialisation.hpp>
#include <nopal/nn/linear.hpp>
#include <nopal/nn/norm.hpp>
#include <nopal/nn/pooling.hpp>
#include <nopal/operators/unet.hpp>

#include <nlohmann/json.hpp>

#include <cmath>

namespace nopal {
namespace {

Shape kernel_shape(const UnetOptions& o, std::int64_t in, std::int64_t out) {
  Shape shape;
  for (std::int64_t a = 0; a < o.dimension; ++a)
    shape.push_back(o.kernel);
  shape.push_back(in);
  shape.push_back(out);
  return shape;
}

ConvolutionOptions same(const UnetOptions& o, const Shape& field) {
  ConvolutionOptions options;
  for (std::int64_t a = 0; a < o.dimension; ++a)
    options.offset[static_cast<std::size_t>(a)] = -(o.kernel / 2);
  options.extents = Shape(field.begin() + 1, field.end() - 1);
  return options;
}

// x -> a x + b for x -> (x - shift) / scale.
std::pair<std::vector<double>, std::vector<double>> inverse(const std::vector<double>& scale,
                                                            const std::vector<double>& shift) {
  std::vector<double> factors, terms;
  for (std::size_t c = 0; c < std::max(scale.size(), shift.size()); ++c) {
    factors.push_back(1 / (scale.empty() ? 1 : scale[c]));
    terms.push_back(shift.empty() ? 0 : -shift[c] * factors.back());
  }
  return {factors, terms};
}

// Calls convolution(in, out) for each convolution of two fields (the second of 0 channels but on
// the way up), in order: down, then up.
template <class Visit>
void for_each_convolution(const UnetOptions& o, const Visit& visit) {
  std::int64_t channels = o.in_channels;
  for (std::int64_t l = 0; l < o.levels; ++l) {
    visit(l, channels, std::int64_t(0), o.width << l);
    visit(l, o.width << l, std::int64_t(0), o.width << l);
    channels = o.width << l;
  }
  for (std::int64_t l = o.levels - 2; l >= 0; --l) {
    visit(l, o.width << (l + 1), o.width << l, o.width << l);
    visit(l, o.width << l, std::int64_t(0), o.width << l);
  }
}

}  // namespace

UnetOptions UnetOptions::from_json(const nlohmann::json& json) {
  UnetOptions o;
  OptionReader read(json, "unet");
  read("dimension", o.dimension, 1, 3);
  read("in_channels", o.in_channels, 1);
  read("out_channels", o.out_channels, 1);
  read("width", o.width, 1);
  read("levels", o.levels, 1, 12);
  read("kernel", o.kernel, 1);
  read("activation", o.activation);
  read("groups", o.groups, 0);
  read("input_scale", o.input_scale);
  read("input_shift", o.input_shift);
  read("output_scale", o.output_scale);
  read("output_shift", o.output_shift);
  read.finish();
  activation_from_string(o.activation);
  NOPAL_CHECK(o.kernel % 2 == 1, "unet: option 'kernel' is ", o.kernel,
              "; expected an odd number of points");
  NOPAL_CHECK(o.groups == 0 || o.width % o.groups == 0, "unet: option 'groups' is ", o.groups,
              "; expected 0 or a divisor of the width ", o.width);
  const auto check = [](const char* name, const std::vector<double>& list, std::int64_t channels) {
    NOPAL_CHECK(list.empty() || static_cast<std::int64_t>(list.size()) == channels,
                "unet: option '", name, "' has ", list.size(), " numbers; expected none or ",
                channels);
  };
  check("input_scale", o.input_scale, o.in_channels);
  check("input_shift", o.input_shift, o.in_channels);
  check("output_scale", o.output_scale, o.out_channels);
  check("output_shift", o.output_shift, o.out_channels);
  for (const double s : o.input_scale)
    NOPAL_CHECK(s != 0 && std::isfinite(s), "unet: option 'input_scale' has the number ", s,
                "; expected finite ones that are not 0");
  return o;
}

nlohmann::json UnetOptions::to_json() const {
  return {{"dimension", dimension},
          {"in_channels", in_channels},
          {"out_channels", out_channels},
          {"width", width},
          {"levels", levels},
          {"kernel", kernel},
          {"activation", activation},
          {"groups", groups},
          {"input_scale", input_scale},
          {"input_shift", input_shift},
          {"output_scale", output_scale},
          {"output_shift", output_shift}};
}

double UnetOptions::parameter_count() const {
  const double taps = std::pow(static_cast<double>(kernel), static_cast<double>(dimension));
  double count = static_cast<double>((width + 1) * out_channels);
  for_each_convolution(*this,
                       [&](std::int64_t, std::int64_t in, std::int64_t joined, std::int64_t out) {
                         count += taps * static_cast<double>((in + joined) * out) +
                                  static_cast<double>(groups > 0 ? 2 * out : out);
                       });
  return count;
}

template <class T>
struct Unet<T>::Layers {
  explicit Layers(std::uint64_t seed) : store(seed) {}

  // With a norm its shift takes the place of the bias.
  struct Convolution {
    const Parameter<T>*weight, *joined, *bias, *scale;
  };

  ParameterStore<T> store;
  std::vector<Convolution> convolutions;
  const Parameter<T>*weight = nullptr, *bias = nullptr;
};

template <class T>
Unet<T>::Unet(const UnetOptions& options, std::uint64_t seed)
    : options_(UnetOptions::from_json(options.to_json())), layers_(std::make_unique<Layers>(seed)) {
  const UnetOptions& o = options_;
  ParameterStore<T>& store = layers_->store;
  const double taps = std::pow(static_cast<double>(o.kernel), static_cast<double>(o.dimension));
  for_each_convolution(o, [&](std::int64_t, std::int64_t in, std::int64_t joined,
                              std::int64_t out) {
    const std::string name = "convolution." + std::to_string(layers_->convolutions.size());
    // He et al., ICCV 2015.
    const double deviation = std::sqrt(2 / (taps * static_cast<double>(in + joined)));
    typename Layers::Convolution c{};
    c.weight = &store.normal(name + ".weight", kernel_shape(o, in, out), deviation);
    if (joined > 0)
      c.joined = &store.normal(name + ".joined_weight", kernel_shape(o, joined, out), deviation);
    c.bias = &store.constant(name + ".bias", {out}, 0);
    if (o.groups > 0) c.scale = &store.constant(name + ".norm_scale", {out}, 1);
    layers_->convolutions.push_back(c);
  });
  layers_->weight = &store.normal("last.weight", {o.width, o.out_channels},
                                  std::sqrt(1 / static_cast<double>(o.width)));
  layers_->bias = &store.constant("last.bias", {o.out_channels}, 0);
  store.append_parameters(parameters_);
}

template <class T>
Unet<T>::~Unet() = default;

template <class T>
nlohmann::json Unet<T>::configuration() const {
  return options_.to_json();
}

template <class T>
void Unet<T>::check_inputs(std::span<const Shape> inputs) const {
  NOPAL_CHECK(inputs.size() == 1, "unet takes one field, got ", inputs.size());
  const Shape& x = inputs[0];
  const std::int64_t multiple = std::int64_t(1) << (options_.levels - 1);
  bool fits = x.rank() == options_.dimension + 2 && x[-1] == options_.in_channels;
  for (int a = 1; fits && a + 1 < x.rank(); ++a)
    fits = x[a] > 0 && x[a] % multiple == 0;
  NOPAL_CHECK(fits, "unet takes a field (B, X1, ..., X", options_.dimension, ", ",
              options_.in_channels, ") of a multiple of ", multiple, " points an axis, got ", x,
              "; take other 'levels' or another grid");
}

template <class T>
Variable<T> Unet<T>::forward(std::span<const Variable<T>> inputs) const {
  const ScopedRegion region("unet");
  const Shape shapes[] = {inputs.empty() ? Shape{} : inputs[0].shape()};
  check_inputs(std::span(shapes, inputs.size()));
  const UnetOptions& o = options_;
  const Activation activation = activation_from_string(o.activation);
  auto next = layers_->convolutions.begin();
  const auto convolve = [&](const Variable<T>& x, const Variable<T>& joined) {
    const typename Layers::Convolution& c = *next++;
    ConvolutionOptions options = same(o, x.shape());
    Variable<T> sum;
    if (c.joined) sum = convolution(joined, c.joined->variable, {}, options);
    if (o.groups > 0) {
      const Variable<T> y = convolution(x, c.weight->variable, {}, options, std::move(sum));
      return activate(group_norm(y, o.groups, c.scale->variable, c.bias->variable), activation);
    }
    options.activation = activation;
    return convolution(x, c.weight->variable, c.bias->variable, options, std::move(sum));
  };
  const auto [factors, terms] = inverse(o.input_scale, o.input_shift);
  Variable<T> x = affine_channels(inputs[0], factors, terms);
  std::vector<Variable<T>> down;
  for (std::int64_t l = 0; l < o.levels; ++l) {
    if (l > 0) x = average_pool(x, 2);
    x = convolve(convolve(x, {}), {});
    down.push_back(x);
  }
  for (std::int64_t l = o.levels - 2; l >= 0; --l)
    x = convolve(convolve(upsample_nearest(x, 2), down[static_cast<std::size_t>(l)]), {});
  return affine_channels(linear(x, layers_->weight->variable, layers_->bias->variable),
                         o.output_scale, o.output_shift);
}

template <class T>
Cost Unet<T>::cost(std::span<const Shape> inputs) const {
  check_inputs(inputs);
  Cost total;
  for_each_convolution(
      options_, [&](std::int64_t level, std::int64_t in, std::int64_t joined, std::int64_t out) {
        Shape x = inputs[0];
        for (int a = 1; a + 1 < x.rank(); ++a)
          x = x.with(a, x[a] >> level);
        for (const std::int64_t channels : {in, joined})
          if (channels > 0) {
            x = x.with(-1, channels);
            const Cost one =
                convolution_cost<T>(x, kernel_shape(options_, channels, out), same(options_, x));
            total.flops += one.flops;
            total.bytes += one.bytes;
          }
      });
  const std::int64_t count = inputs[0].size() / inputs[0][-1];
  const auto points = static_cast<double>(count);
  total.flops += 2 * points * static_cast<double>(options_.width * options_.out_channels);
  total.bytes += points * static_cast<double>(options_.width + options_.out_channels) * sizeof(T);
  return total;
}

template class Unet<float>;
template class Unet<double>;

}  // namespace nopal
