// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/random.hpp>
#include <nopal/data/random_field.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using std::numbers::pi;
using std::numbers::sqrt2;

// Keeps the streams of random fields apart from those of weights and batch orders, which count from
// 0 and may be drawn under the same seed.
constexpr std::uint64_t stream_tag = std::uint64_t(0x6766) << 48;
constexpr std::int64_t mode_limit = std::int64_t(1) << 19;

// Position of a mode in its sample's stream of normals: 3 bits component, 20 bits an axis (sign and
// magnitude), 1 bit part. It must depend on the mode number alone.
std::uint64_t position(int component, const std::array<std::int64_t, 3>& mode, int part) {
  auto code = static_cast<std::uint64_t>(component);
  for (const auto k : mode)
    code = code << 20 | static_cast<std::uint64_t>(k < 0) << 19 |
           static_cast<std::uint64_t>(std::abs(k));
  return code << 1 | static_cast<std::uint64_t>(part);
}

bool nodes_of_interior(const RandomFieldOptions& options) {
  return options.boundary == FieldBoundary::dirichlet && options.centring == FieldCentring::node;
}

RealTransformKind kind(const RandomFieldOptions& options) {
  const bool node = options.centring == FieldCentring::node;
  if (options.boundary == FieldBoundary::neumann)
    return node ? RealTransformKind::dct1 : RealTransformKind::dct3;
  return node ? RealTransformKind::dst1 : RealTransformKind::dst3;
}

// Calls action(flat position, position along each of three axes).
template <class Action>
void for_each(const std::array<std::size_t, 3>& n, const Action& action) {
  std::size_t flat = 0;
  for (std::size_t i = 0; i < n[0]; ++i)
    for (std::size_t j = 0; j < n[1]; ++j)
      for (std::size_t k = 0; k < n[2]; ++k)
        action(flat++, i, j, k);
}

// The first nonzero component, from the last axis on, decides which of k and -k has the numbers.
bool negative(const std::array<std::int64_t, 3>& mode) {
  for (std::size_t i = 3; i-- > 0;)
    if (mode[i] != 0) return mode[i] < 0;
  return false;
}

}  // namespace

RandomField::RandomField(const Shape& grid, const RandomFieldOptions& options)
    : grid_(grid), options_(options) {
  NOPAL_CHECK(grid.rank() >= 1 && grid.rank() <= 3,
              "a random field has 1 to 3 grid axes, got a grid of shape ", grid);
  std::int64_t least = 1;
  if (options.centring == FieldCentring::node) {
    if (options.boundary == FieldBoundary::neumann) least = 2;
    if (options.boundary == FieldBoundary::dirichlet) least = 3;
  }
  for (const auto n : grid)
    NOPAL_CHECK(n >= least && n < mode_limit, "a random field of this boundary needs ", least,
                " to ", mode_limit - 1, " points an axis, got a grid of shape ", grid);
  NOPAL_CHECK(std::isfinite(options.alpha) && std::isfinite(options.tau) && options.tau >= 0 &&
                  std::isfinite(options.sigma),
              "a random field needs finite alpha and sigma and tau >= 0, got alpha ", options.alpha,
              ", tau ", options.tau, ", sigma ", options.sigma);
  NOPAL_CHECK(options.tau > 0 || options.zero_mean || options.boundary == FieldBoundary::dirichlet,
              "a random field with tau = 0 has no constant mode: set zero_mean or tau > 0");
  NOPAL_CHECK(options.max_mode >= 0, "max_mode must not be negative, got ", options.max_mode);
  NOPAL_CHECK(options.component >= 0 && options.component < 8, "component must be 0 to 7, got ",
              options.component);
  for (int i = 0; i < grid.rank(); ++i)
    NOPAL_CHECK(options.lengths[static_cast<std::size_t>(i)] > 0, "lengths must be positive, got ",
                options.lengths[static_cast<std::size_t>(i)]);
  set_up_axes();
  set_up_weights();

  if (options.boundary == FieldBoundary::periodic) {
    periodic_.emplace(grid);
    spectrum_.resize(weights_.size());
  } else {
    Shape transformed;
    for (const auto n : grid)
      transformed.push_back(nodes_of_interior(options) ? n - 2 : n);
    real_.emplace(transformed, std::vector{kind(options)});
    modes_.resize(weights_.size());
    if (nodes_of_interior(options)) interior_.resize(weights_.size());
  }
}

void RandomField::set_up_axes() {
  for (std::size_t a = 0; a < 3; ++a) {
    const int axis = static_cast<int>(a) - (3 - grid_.rank());
    if (axis < 0) {
      axes_[a] = {{0}, {1}};
      continue;
    }
    const std::int64_t n = grid_[axis];
    const bool node = options_.centring == FieldCentring::node;
    const bool half = axis == grid_.rank() - 1;  // the axis that a real spectrum stores half of
    const double unit = 1 / std::sqrt(options_.lengths[static_cast<std::size_t>(axis)]);

    std::int64_t positions = n;
    if (nodes_of_interior(options_)) positions = n - 2;
    if (options_.boundary == FieldBoundary::periodic && half) positions = n / 2 + 1;
    for (std::int64_t p = 0; p < positions; ++p) {
      std::int64_t mode = p;
      std::int64_t resolved = n - 1;
      double factor = 1;
      switch (options_.boundary) {
        case FieldBoundary::neumann:
          // The transforms have a factor 2 on all modes but the first and, on nodes, the last.
          factor = p == 0 ? 1 : (node && p == n - 1 ? sqrt2 : sqrt2 / 2);
          break;
        case FieldBoundary::dirichlet:
          mode = p + 1;
          resolved = n;
          factor = !node && p == n - 1 ? sqrt2 : sqrt2 / 2;
          break;
        case FieldBoundary::periodic:
          // On an even grid the mode n/2 has no sine part, so it is left out.
          mode = p > n / 2 ? p - n : p;
          resolved = (n - 1) / 2;
          break;
      }
      if (options_.max_mode > 0) resolved = std::min(resolved, options_.max_mode);
      axes_[a].modes.push_back(mode);
      axes_[a].factors.push_back(std::abs(mode) <= resolved ? unit * factor : 0);
    }
  }
}

void RandomField::set_up_weights() {
  const double wave = options_.boundary == FieldBoundary::periodic ? 2 * pi : pi;
  const auto square = [&](std::size_t a, std::size_t p) {
    const int axis = static_cast<int>(a) - (3 - grid_.rank());
    if (axis < 0) return 0.0;
    const double k = wave * static_cast<double>(axes_[a].modes[p]) /
                     options_.lengths[static_cast<std::size_t>(axis)];
    return k * k;
  };
  const std::array n = {axes_[0].modes.size(), axes_[1].modes.size(), axes_[2].modes.size()};
  weights_.resize(n[0] * n[1] * n[2]);
  for_each(n, [&](std::size_t flat, std::size_t i, std::size_t j, std::size_t k) {
    const double eigenvalue = square(0, i) + square(1, j) + square(2, k);
    const double factor = axes_[0].factors[i] * axes_[1].factors[j] * axes_[2].factors[k];
    const bool left_out = factor == 0 || (options_.zero_mean && eigenvalue == 0);
    weights_[flat] =
        left_out ? 0
                 : factor * options_.sigma *
                       std::pow(eigenvalue + options_.tau * options_.tau, -options_.alpha / 2);
  });
}

double RandomField::coordinate(int axis, std::int64_t i) const {
  const std::int64_t n = grid_[axis];
  const auto a = static_cast<std::size_t>(axis < 0 ? axis + grid_.rank() : axis);
  const auto x = static_cast<double>(i), cells = static_cast<double>(n);
  if (options_.centring == FieldCentring::cell) return (x + 0.5) / cells * options_.lengths[a];
  const bool periodic = options_.boundary == FieldBoundary::periodic;
  return x / (periodic ? cells : cells - 1) * options_.lengths[a];
}

void RandomField::sample(std::uint64_t seed, std::uint64_t index, std::span<double> values) {
  NOPAL_CHECK(values.size() == static_cast<std::size_t>(grid_.size()), "a random field of shape ",
              grid_, " needs ", grid_.size(), " values, got ", values.size());
  NOPAL_CHECK(index >> 48 == 0, "sample index ", index, " is not below 2^48");
  if (periodic_)
    sample_periodic(seed, stream_tag | index, values);
  else
    sample_real(seed, stream_tag | index, values);
}

void RandomField::sample_real(std::uint64_t seed, std::uint64_t stream, std::span<double> values) {
  const Random random(seed, stream);
  const std::array n = {axes_[0].modes.size(), axes_[1].modes.size(), axes_[2].modes.size()};
  for_each(n, [&](std::size_t flat, std::size_t i, std::size_t j, std::size_t k) {
    const std::array mode = {axes_[0].modes[i], axes_[1].modes[j], axes_[2].modes[k]};
    modes_[flat] = weights_[flat] == 0
                       ? 0
                       : weights_[flat] * random.normal(position(options_.component, mode, 0));
  });
  if (!nodes_of_interior(options_)) {
    real_->execute(std::span<const double>(modes_), values);
    return;
  }
  real_->execute(std::span<const double>(modes_), interior_);
  std::fill(values.begin(), values.end(), 0.0);
  const auto edge = [&](int axis) { return std::size_t(axis >= 3 - grid_.rank() ? 1 : 0); };
  const std::size_t e0 = edge(0), e1 = edge(1), e2 = edge(2);  // 0 on the missing axes
  for_each(n, [&](std::size_t flat, std::size_t i, std::size_t j, std::size_t k) {
    const std::size_t row = (i + e0) * (n[1] + 2 * e1) + j + e1;
    values[row * (n[2] + 2 * e2) + k + e2] = interior_[flat];
  });
}

void RandomField::sample_periodic(std::uint64_t seed, std::uint64_t stream,
                                  std::span<double> values) {
  const Random random(seed, stream);
  const std::array n = {axes_[0].modes.size(), axes_[1].modes.size(), axes_[2].modes.size()};
  const bool shift = options_.centring == FieldCentring::cell;
  for_each(n, [&](std::size_t flat, std::size_t i, std::size_t j, std::size_t k) {
    std::array mode = {axes_[0].modes[i], axes_[1].modes[j], axes_[2].modes[k]};
    if (weights_[flat] == 0) {
      spectrum_[flat] = 0;
      return;
    }
    double phase = 0;
    if (shift)
      for (int axis = 0; axis < grid_.rank(); ++axis)
        phase += pi * static_cast<double>(mode[static_cast<std::size_t>(axis + 3 - grid_.rank())]) /
                 static_cast<double>(grid_[axis]);
    if (mode == std::array<std::int64_t, 3>{}) {
      spectrum_[flat] = weights_[flat] * random.normal(position(options_.component, mode, 0));
      return;
    }
    // With F(k) = w (xi - i eta)/sqrt(2) and F(-k) its conjugate the pair of modes adds up to
    // w sqrt(2) (xi cos + eta sin), two orthonormal real functions.
    const bool conjugate = negative(mode);
    if (conjugate)
      for (auto& m : mode)
        m = -m;
    const double xi = random.normal(position(options_.component, mode, 0));
    const double eta = random.normal(position(options_.component, mode, 1));
    const Kokkos::complex<double> turn(std::cos(phase), std::sin(phase));
    spectrum_[flat] =
        Kokkos::complex<double>(xi, conjugate ? eta : -eta) * turn * (weights_[flat] / sqrt2);
  });
  periodic_->backward(std::span<Kokkos::complex<double>>(spectrum_), values);
}

template <class T>
void RandomField::sample(std::uint64_t seed, std::uint64_t index, const Tensor<T>& field) {
  NOPAL_CHECK(field.shape() == grid_, "expected a random field of shape ", grid_, ", got ",
              field.shape());
  host_.resize(static_cast<std::size_t>(grid_.size()));
  sample(seed, index, std::span<double>(host_));
  if constexpr (std::is_same_v<T, double>) {
    field.copy_from_host(host_.data());
  } else {
    const std::vector<T> rounded(host_.begin(), host_.end());
    field.copy_from_host(rounded.data());
  }
}

template void RandomField::sample<float>(std::uint64_t, std::uint64_t, const Tensor<float>&);
template void RandomField::sample<double>(std::uint64_t, std::uint64_t, const Tensor<double>&);

}  // namespace nopal
