// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/comm/exchange.hpp>
#include <nopal/train/field_norm.hpp>

#include "train/fourier_norm.hpp"
#include "train/norm_kernels.hpp"

#include <mutex>

namespace nopal {

using detail::FieldLayout;
using detail::WaveNumbers;

namespace {

enum class Kind { l2, h1, h1_fourier };

}  // namespace

template <class T>
struct FieldNorm<T>::State {
  Kind kind = Kind::l2;
  Boundary boundary = Boundary::periodic;
  std::int64_t cutoff = 0;

  // Of a divided grid.
  bool divided = false;
  Grid grid;
  Exchange<T> margins;  // for differences
  std::vector<WaveNumbers<T>> divided_waves;

  // Of whole fields: transforms of the grid that was seen last.
  mutable std::mutex mutex;
  mutable std::shared_ptr<const std::vector<WaveNumbers<T>>> whole_waves;

  FieldLayout layout(const Shape& shape) const {
    if (kind != Kind::h1) return FieldLayout(shape);
    return divided ? FieldLayout(shape, boundary, grid, detail::difference_reach)
                   : FieldLayout(shape, boundary);
  }

  Tensor<T> with_margins(const Tensor<T>& v) const {
    Tensor<T> padded(margins.box().field(v.extent(0), v.extent(-1)));
    margins.start(v, padded);
    margins.finish(padded);
    return padded;
  }

  // Calls action(wave numbers) for each axis.
  template <class Action>
  void for_each_axis(const Shape& shape, const Action& action) const {
    std::shared_ptr<const std::vector<WaveNumbers<T>>> held;
    if (!divided) held = waves(shape);
    for (const WaveNumbers<T>& axis : divided ? divided_waves : *held)
      action(axis);
  }

  std::shared_ptr<const std::vector<WaveNumbers<T>>> waves(const Shape& shape) const {
    const int d = shape.rank() - 2;
    NOPAL_CHECK(d >= 1, "an H1 loss needs at least one grid axis, got shape ", shape);
    const std::scoped_lock lock(mutex);
    bool fits = whole_waves && static_cast<int>(whole_waves->size()) == d;
    for (int a = 0; fits && a < d; ++a)
      fits = (*whole_waves)[static_cast<std::size_t>(a)].points() == shape[a + 1];
    if (!fits) {
      std::vector<WaveNumbers<T>> made;
      made.reserve(static_cast<std::size_t>(d));
      for (int a = 0; a < d; ++a)
        made.emplace_back(a, shape[a + 1], cutoff);
      whole_waves = std::make_shared<const std::vector<WaveNumbers<T>>>(std::move(made));
    }
    return whole_waves;
  }
};

template <class T>
FieldNorm<T> FieldNorm<T>::l2() {
  return FieldNorm(std::make_shared<const State>());
}

template <class T>
FieldNorm<T> FieldNorm<T>::h1(Boundary boundary) {
  const auto state = std::make_shared<State>();
  state->kind = Kind::h1;
  state->boundary = boundary;
  return FieldNorm(state);
}

template <class T>
FieldNorm<T> FieldNorm<T>::h1_fourier(std::int64_t cutoff) {
  NOPAL_CHECK(cutoff >= 1, "expected a cutoff of wave numbers of at least 1, got ", cutoff);
  const auto state = std::make_shared<State>();
  state->kind = Kind::h1_fourier;
  state->cutoff = cutoff;
  return FieldNorm(state);
}

template <class T>
FieldNorm<T> FieldNorm<T>::on(const Grid& grid) const {
  if (grid.comm().size() == 1) return *this;
  const auto state = std::make_shared<State>();
  state->kind = state_->kind;
  state->boundary = state_->boundary;
  state->cutoff = state_->cutoff;
  state->divided = true;
  const bool wraps = state->kind == Kind::h1 && state->boundary == Boundary::periodic;
  const auto d = static_cast<std::size_t>(grid.dimension());
  // What lies beyond the ends is the norm's affair, whatever the rules of the network are.
  state->grid = grid.with_rules(
      std::vector<AxisRule>(d, wraps ? BoundaryRule::periodic : BoundaryRule::zero));
  if (state->kind == Kind::h1) {
    Shape width;
    for (int a = 0; a < grid.dimension(); ++a)
      width.push_back(grid.boxes().processes[a] > 1 ? detail::difference_reach : 0);
    state->margins = halo_exchange<T>(state->grid, width, width);
  }
  if (state->kind == Kind::h1_fourier)
    for (int a = 0; a < grid.dimension(); ++a)
      state->divided_waves.emplace_back(a, state->grid, state->cutoff);
  return FieldNorm(state);
}

template <class T>
const Communicator& FieldNorm<T>::comm() const {
  return state_->grid.comm();
}

template <class T>
Tensor<double> FieldNorm<T>::squares(const Tensor<T>& p, const Tensor<T>& y,
                                     Difference* difference) const {
  const State& s = *state_;
  const FieldLayout layout = s.layout(p.shape());
  Tensor<double> sums;
  if (s.kind == Kind::h1 && s.divided) {
    const Tensor<T> d = p.clone();
    axpy(T(-1), y, d);
    const Tensor<T> padded = s.with_margins(d);
    sums = squared_norms(layout, padded, s.with_margins(y), Tensor<T>(), true);
    if (difference) difference->field = padded;
  } else {
    Tensor<T> d;
    if (difference || s.kind == Kind::h1_fourier) d = Tensor<T>(p.shape());
    sums = squared_norms(layout, p, y, d);
    if (s.kind == Kind::h1_fourier)
      s.for_each_axis(p.shape(), [&](const WaveNumbers<T>& axis) {
        const Tensor<T> z = axis.apply(d);
        const Tensor<T> reference = axis.apply(y);
        if (axis.counts() && z.size() > 0)
          axpy(1.0, squared_norms(FieldLayout(z.shape()), z, reference, Tensor<T>(), true), sums);
        if (difference) difference->spectra.push_back(z);
      });
    if (difference) difference->field = d;
  }
  if (s.divided) s.grid.comm().sum(sums);
  return sums;
}

template <class T>
void FieldNorm<T>::half_gradient(const Difference& difference, const Tensor<double>& factor,
                                 const Tensor<T>& seed, T beta, const Tensor<T>& result) const {
  std::size_t a = 0;
  if (state_->kind == Kind::h1_fourier)
    state_->for_each_axis(result.shape(), [&](const WaveNumbers<T>& axis) {
      axis.add_adjoint(difference.spectra[a++], difference.field);
    });
  detail::half_gradient(state_->layout(result.shape()), difference.field, factor, seed, beta,
                        result);
}

template class FieldNorm<float>;
template class FieldNorm<double>;

}  // namespace nopal
