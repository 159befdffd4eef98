// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The kept modes by FFTs of whole fields, where there are so many that this is faster.

#include <nopal/nn/truncated_dft.hpp>

#include "core/parallel.hpp"

namespace nopal {

template <class T>
void TruncatedDft<T>::set_by_fft(bool by_fft) {
  NOPAL_CHECK(!by_fft || (detail::on_host && box_ == Box::whole(grid_)),
              "truncated DFT: FFTs are for whole fields on a host");
  by_fft_ = by_fft;
  if (!by_fft || !places_.empty()) return;
  const int d = grid_.rank();
  for (std::int64_t mode = 0; mode < mode_count_; ++mode) {
    std::int64_t rest = mode, at = 0, negative = 0, stride = 1;
    bool both = false;
    for (int j = d - 1; j >= 0; --j) {
      const std::int64_t n = grid_[j], k = rest % modes_[j] - (j == d - 1 ? 0 : modes_[j] / 2);
      rest /= modes_[j];
      if (j == d - 1) both = k == 0 || 2 * k == n;
      at += (k + n) % n * stride;
      negative += (n - k) % n * stride;
      stride *= j == d - 1 ? n / 2 + 1 : n;
    }
    places_.push_back({at, both ? negative : -1});
  }
}

template <class T>
const RealFft<T>& TruncatedDft<T>::fft(std::int64_t channels) const {
  for (const auto& known : ffts_)
    if (known->field_shape()[-1] == channels) return *known;
  return *ffts_.emplace_back(std::make_unique<RealFft<T>>(grid_, 1, channels));
}

template <class T>
void TruncatedDft<T>::analyse_by_fft(const Tensor<T>& x, const Tensor<T>& spectrum,
                                     bool hermitian) const {
  const std::int64_t batch = x.extent(0), channels = x.extent(-1);
  const RealFft<T>& transform = fft(channels);
  const Tensor<T> all(transform.spectrum_shape());
  const T* const factors = multiplicity_.data();
  for (std::int64_t b = 0; b < batch; ++b) {
    transform.forward(x.slice(b, 1), all);
    T* const to = spectrum.data() + 2 * b * mode_count_ * channels;
    for (std::int64_t mode = 0; mode < mode_count_; ++mode) {
      const T factor = hermitian ? factors[mode] : normalisation_;
      const T* const from =
          all.data() + 2 * places_[static_cast<std::size_t>(mode)].of_mode * channels;
      for (std::int64_t i = 0; i < 2 * channels; ++i)
        to[2 * mode * channels + i] = factor * from[i];
    }
  }
}

// Re sum_k s_k S(k) e_k is the transform back of F(k) = s_k S(k) / 2, where -k is not stored and
// implied; where it is, it gets the conjugate half.
template <class T>
void TruncatedDft<T>::synthesise_by_fft(const Tensor<T>& spectrum, const Tensor<T>& x,
                                        bool hermitian, T beta) const {
  const std::int64_t batch = x.extent(0), channels = x.extent(-1);
  const RealFft<T>& transform = fft(channels);
  const Tensor<T> all(transform.spectrum_shape());
  const Tensor<T> field = beta == T(0) ? Tensor<T>() : Tensor<T>(transform.field_shape());
  const T* const factors = multiplicity_.data();
  for (std::int64_t b = 0; b < batch; ++b) {
    all.fill(T(0));
    const T* const from = spectrum.data() + 2 * b * mode_count_ * channels;
    for (std::int64_t mode = 0; mode < mode_count_; ++mode) {
      const Place& place = places_[static_cast<std::size_t>(mode)];
      const T factor = (hermitian ? factors[mode] : normalisation_) / 2;
      T* const to = all.data() + 2 * place.of_mode * channels;
      for (std::int64_t i = 0; i < 2 * channels; ++i)
        to[i] += factor * from[2 * mode * channels + i];
      if (place.of_negative < 0) continue;
      T* const other = all.data() + 2 * place.of_negative * channels;
      for (std::int64_t c = 0; c < channels; ++c) {
        other[2 * c] += factor * from[2 * (mode * channels + c)];
        other[2 * c + 1] -= factor * from[2 * (mode * channels + c) + 1];
      }
    }
    const Tensor<T> target = x.slice(b, 1);
    transform.backward(all, beta == T(0) ? target : field);
    if (beta != T(0)) axpy(T(1), field, target);
  }
}

#define NOPAL_INSTANTIATE(T)                                                                     \
  template void TruncatedDft<T>::set_by_fft(bool);                                               \
  template void TruncatedDft<T>::analyse_by_fft(const Tensor<T>&, const Tensor<T>&, bool) const; \
  template void TruncatedDft<T>::synthesise_by_fft(const Tensor<T>&, const Tensor<T>&, bool, T)  \
      const;
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
