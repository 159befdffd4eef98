// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/profile.hpp>
#include <nopal/nn/spectral_convolution.hpp>

#include <algorithm>

namespace nopal {

template <class T>
SpectralConvolution<T>::SpectralConvolution(const SpectralWeightOptions& options,
                                            const Shape& active_modes)
    : weight_(options), active_modes_(active_modes.rank() > 0 ? active_modes : options.modes) {
  NOPAL_CHECK(active_modes_.rank() == options.modes.rank(), "spectral convolution: active modes ",
              active_modes_, " and stored modes ", options.modes, " differ in rank");
}

template <class T>
SpectralConvolution<T>::SpectralConvolution(std::shared_ptr<JointSpectralWeight<T>> joint,
                                            std::int64_t layer, const Shape& active_modes)
    : joint_(std::move(joint)),
      layer_(layer),
      active_modes_(active_modes.rank() > 0 ? active_modes : joint_->options().modes) {
  NOPAL_CHECK(active_modes_.rank() == joint_->options().modes.rank() && layer >= 0 &&
                  layer < joint_->layers(),
              "spectral convolution: active modes ", active_modes_, " and layer ", layer,
              " do not fit a joint weight of modes ", joint_->options().modes, " and ",
              joint_->layers(), " layers");
}

template <class T>
void SpectralConvolution<T>::set_active_modes(const Shape& active_modes) {
  const Shape& stored = options().modes;
  bool fits = active_modes.rank() == stored.rank();
  for (int j = 0; fits && j < stored.rank(); ++j)
    fits = active_modes[j] >= 1 && active_modes[j] <= stored[j];
  NOPAL_CHECK(fits, "spectral convolution: active modes ", active_modes,
              " do not fit stored modes ", stored);
  active_modes_ = active_modes;
}

template <class T>
Variable<T> SpectralConvolution<T>::active_weight() const {
  return joint_ ? joint_->layer(layer_).dense(active_modes_) : weight_.dense(active_modes_);
}

template <class T>
Variable<T> SpectralConvolution<T>::contract(const Variable<T>& spectrum) const {
  return joint_ ? joint_->layer(layer_).contract(spectrum) : weight_.contract(spectrum);
}

template <class T>
Shape SpectralConvolution<T>::kept_modes(const Shape& grid, const Shape& output_grid) const {
  const Shape& stored = options().modes;
  const int d = stored.rank();
  NOPAL_CHECK(grid.rank() == d && output_grid.rank() == d, "spectral convolution in ", d,
              " dimensions got fields on grids ", grid, " and ", output_grid);
  Shape kept;
  for (int j = 0; j < d; ++j) {
    const std::int64_t coarser = std::min(grid[j], output_grid[j]);
    kept.push_back(std::min({stored[j], active_modes_[j], j == d - 1 ? coarser / 2 + 1 : coarser}));
  }
  return kept;
}

template <class T>
const TruncatedDft<T>& SpectralConvolution<T>::transform(const Shape& grid, const Shape& modes,
                                                         const Box& box) const {
  for (const auto& known : transforms_)
    if (known->grid() == grid && known->modes() == modes && known->box() == box) return *known;
  return *transforms_.emplace_back(std::make_unique<TruncatedDft<T>>(grid, modes, box));
}

template <class T>
Variable<T> SpectralConvolution<T>::forward(const Variable<T>& x, const Variable<T>& into,
                                            const Shape& output_grid) const {
  const int d = options().modes.rank();
  NOPAL_CHECK(x.shape().rank() == d + 2, "spectral convolution in ", d,
              " dimensions got a field of shape ", x.shape());
  const Shape grid(x.shape().begin() + 1, x.shape().begin() + 1 + d);
  const Shape& target = output_grid.rank() > 0 ? output_grid : grid;
  const Shape kept = kept_modes(grid, target);
  const Variable<T> spectrum = contract(truncated_dft(transform(grid, kept, Box::whole(grid)), x));
  return inverse_truncated_dft(transform(target, kept, Box::whole(target)), spectrum, into);
}

template <class T>
Variable<T> SpectralConvolution<T>::forward(const Variable<T>& x, const Variable<T>& into,
                                            const Grid& grid) const {
  const Shape kept = kept_modes(grid.extents(), grid.extents());
  const TruncatedDft<T>& dft = transform(grid.extents(), kept, grid.box());
  return inverse_truncated_dft(dft, contract(truncated_dft(dft, x, grid.comm())), into);
}

template <class T>
Cost SpectralConvolution<T>::cost(std::int64_t batch, const Shape& grid) const {
  const Shape kept = kept_modes(grid, grid);
  const TruncatedDft<T>& dft = transform(grid, kept, Box::whole(grid));
  Cost cost = dft.cost(batch, options().in_channels);
  cost += joint_ ? joint_->layer(layer_).cost(batch, kept) : weight_.cost(batch, kept);
  cost += dft.cost(batch, options().out_channels);
  return cost;
}

template class SpectralConvolution<float>;
template class SpectralConvolution<double>;

}  // namespace nopal
