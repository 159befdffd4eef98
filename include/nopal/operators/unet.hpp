// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/nn/activation.hpp>
#include <nopal/operators/operator.hpp>

#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// Options of a U-Net; in JSON named as here.
struct UnetOptions {
  std::int64_t dimension = 2;    ///< d, 1 to 3
  std::int64_t in_channels = 3;  ///< parameters and masks are channels
  std::int64_t out_channels = 1;
  std::int64_t width = 32;  ///< channels of the finest level, twice as many a level below
  std::int64_t levels = 4;  ///< grids, the finest included
  std::int64_t kernel = 3;  ///< points an axis, odd
  std::string activation = "gelu";
  std::int64_t groups = 8;  ///< of the group norm after each convolution; 0: none; divides `width`
  /// Of the input, x -> (x - shift) / scale, and the output, u -> scale u + shift, by channel.
  /// Empty: 1 and 0.
  std::vector<double> input_scale = {}, input_shift = {}, output_scale = {}, output_shift = {};

  static UnetOptions from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;
  double parameter_count() const;
};

/// U-Net: convolutions on a sequence of grids, each half as fine as the one before, and back, with
/// the fields of the way down joined to those of the way up. Ronneberger, Fischer, Brox, MICCAI
/// 2015; with zero margins, so that fields keep their size, means instead of maxima, nearest values
/// upwards, and group norms (Wu, He, ECCV 2018). A baseline for maps between images, and for
/// parameters as constant channels.
///
/// Level l has c_l = 2^l width channels. Down: x_0 = block(x), x_l = block(mean_2(x_(l-1))), block
/// two convolutions with norm and activation. Up: y_L = x_L, y_l = block(up_2(y_(l+1)), x_l). Then
/// a linear layer. x (B, X1, ..., Xd, Cin), each Xi a multiple of 2^(levels - 1), to (B, X1, ...,
/// Xd, Cout). Local.
template <class T>
class Unet : public Operator<T> {
 public:
  explicit Unet(const UnetOptions& options, std::uint64_t seed = 0);
  ~Unet() override;

  std::string name() const override { return "unet"; }
  nlohmann::json configuration() const override;
  using Operator<T>::forward;
  Variable<T> forward(std::span<const Variable<T>> inputs) const override;
  void check_inputs(std::span<const Shape> inputs) const override;
  Cost cost(std::span<const Shape> inputs) const override;
  const Parameters<T>& parameters() const override { return parameters_; }
  bool depends_on_spacing() const override { return true; }

  const UnetOptions& options() const noexcept { return options_; }

 private:
  struct Layers;

  UnetOptions options_;
  std::unique_ptr<Layers> layers_;
  Parameters<T> parameters_;
};

}  // namespace nopal
