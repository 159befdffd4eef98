// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/truncated_dft.hpp>

#include "core/parallel.hpp"
#include "nn/axis_transform.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace nopal {
namespace {

// Rows of the cosines (h + 1 of them) and sines (h) of an axis.
std::int64_t highest(const Shape& modes, int axis) {
  return axis == modes.rank() - 1 ? modes[axis] - 1 : modes[axis] / 2;
}

}  // namespace

template <class T>
TruncatedDft<T>::TruncatedDft(const Shape& grid, const Shape& modes)
    : TruncatedDft(grid, modes, Box::whole(grid)) {}

template <class T>
TruncatedDft<T>::TruncatedDft(const Shape& grid, const Shape& modes, const Box& box)
    : grid_(grid), modes_(modes), box_(box) {
  const int d = grid.rank();
  NOPAL_CHECK(d >= 1 && d <= 3 && modes.rank() == d, "truncated DFT: grid ", grid, " and modes ",
              modes, " must have the same rank, 1 to 3");
  for (int j = 0; j < d; ++j)
    NOPAL_CHECK(modes[j] >= 1 && modes[j] <= (j == d - 1 ? grid[j] / 2 + 1 : grid[j]),
                "truncated DFT: modes ", modes, " do not fit grid ", grid,
                " (at most N, and N/2 + 1 on the last axis)");

  double points = 1;
  for (int j = 0; j < d; ++j) {
    const Range& range = box[j];
    NOPAL_CHECK(box.dimension == d && range.begin >= 0 && range.size() >= 0 && range.end <= grid[j],
                "truncated DFT: the points ", range.begin, " to ", range.end, " of axis ", j,
                " are not part of the grid ", grid);
    points *= static_cast<double>(grid[j]);
    points_.push_back(range.size());
    axes_.emplace_back(grid[j], highest(modes, j), range.begin, range.size());
    rows_.push_back(axes_.back().rows());
  }
  normalisation_ = static_cast<T>(1 / points);
  mode_count_ = modes.size();
  product_count_ = rows_.size();
  terms_of_part_ = 1 << (d - 1);
  terms_of_product_ = 1 << (d - 1);

  const auto parts = static_cast<std::size_t>(2 * mode_count_);
  const auto products = static_cast<std::size_t>(product_count_);
  std::vector<std::vector<Term>> of_part(parts), of_product(products);
  std::vector<T> multiplicity(static_cast<std::size_t>(mode_count_));
  for (std::int64_t mode = 0; mode < mode_count_; ++mode) {
    std::array<std::int64_t, 3> k{};
    std::int64_t rest = mode;
    for (int j = d - 1; j >= 0; --j) {
      k[static_cast<std::size_t>(j)] = rest % modes[j] - (j == d - 1 ? 0 : modes[j] / 2);
      rest /= modes[j];
    }
    const std::int64_t last = k[static_cast<std::size_t>(d - 1)];
    multiplicity[static_cast<std::size_t>(mode)] =
        last == 0 || 2 * last == grid[d - 1] ? T(1) : T(2);
    for (int sines = 0; sines < (1 << d); ++sines) {  // bit j: sine on axis j
      std::int64_t product = 0;
      int count = 0;
      double sign = 1;
      bool zero = false;
      for (int j = 0; j < d; ++j) {
        const std::int64_t kj = k[static_cast<std::size_t>(j)], h = highest(modes, j);
        const bool sine = (sines >> j) & 1;
        if (sine && kj == 0) zero = true;
        if (sine && kj < 0) sign = -sign;
        count += sine;
        product = product * rows_[j] + (sine ? h + std::abs(kj) : std::abs(kj));
      }
      if (zero) continue;
      // (-i)^count: 1, -i, -1, i
      const bool imaginary = count % 2 == 1;
      if (count == 1 || count == 2) sign = -sign;
      const auto part = static_cast<std::size_t>(2 * mode + (imaginary ? 1 : 0));
      of_part[part].push_back({static_cast<std::int32_t>(product), static_cast<T>(sign)});
      of_product[static_cast<std::size_t>(product)].push_back(
          {static_cast<std::int32_t>(part), static_cast<T>(sign)});
    }
  }

  const auto flatten = [](const std::vector<std::vector<Term>>& lists, int width, Tensor<T>& sign,
                          Kokkos::View<std::int32_t*, MemorySpace>& index) {
    const std::size_t count = lists.size() * static_cast<std::size_t>(width);
    std::vector<T> signs(count, T(0));
    index = Kokkos::View<std::int32_t*, MemorySpace>("nopal::TruncatedDft", count);
    auto host = Kokkos::create_mirror_view(index);
    for (std::size_t i = 0; i < lists.size(); ++i)
      for (std::size_t t = 0; t < lists[i].size(); ++t) {
        signs[i * static_cast<std::size_t>(width) + t] = lists[i][t].sign;
        host(i * static_cast<std::size_t>(width) + t) = lists[i][t].index;
      }
    Kokkos::deep_copy(index, host);
    sign = Tensor<T>::from_host({static_cast<std::int64_t>(count)}, signs);
  };
  flatten(of_part, terms_of_part_, part_sign_, part_index_);
  flatten(of_product, terms_of_product_, product_sign_, product_index_);
  multiplicity_ = Tensor<T>::from_host({mode_count_}, multiplicity);

  // The products run some 6 times as fast as FFTW on fields whose channels lie together (measured
  // from 64^2 to 1024^2 points, docs/benchmarks.md).
  constexpr double rates = 6;
  const double fft_flops = 2.5 * points * std::log2(std::max(points, 2.0));
  if (detail::on_host && box == Box::whole(grid) && cost(1, 1).flops > rates * fft_flops)
    set_by_fft(true);
}

template <class T>
TruncatedDft<T>::~TruncatedDft() = default;

namespace {

// A list of at most `width` terms for each result, and the factor of each mode.
template <class T>
struct Combination {
  const T* sign;
  const std::int32_t* index;
  int width;
  const T* multiplicity;  // null: `normalisation` for all modes
  T normalisation;
  KOKKOS_INLINE_FUNCTION T factor(std::int64_t mode) const {
    return multiplicity ? multiplicity[mode] : normalisation;
  }
};

// The channels of item i of `pieces` for each result: all of them on the host, one on a device.
std::int64_t channel_pieces(std::int64_t channels) {
  return detail::on_host ? 1 : channels;
}

// spectrum[p, c] = s_mode(p) sum_t sign[p, t] products[index[p, t], c], parts p interleaved after
// c, for several samples.
template <class T>
void combine(const Combination<T>& terms, const T* products, std::int64_t product_count,
             T* spectrum, std::int64_t modes, std::int64_t channels, std::int64_t samples) {
  const std::int64_t pieces = channel_pieces(channels), width = channels / pieces;
  detail::parallel_for(
      "nopal::dft_combine", detail::ItemRange(0, samples * modes * pieces),
      KOKKOS_LAMBDA(std::int64_t i) {
        const std::int64_t first = i % pieces * width, mode = i / pieces % modes;
        const std::int64_t sample = i / (pieces * modes);
        const T* in = products + sample * product_count * channels + first;
        T* out = spectrum + ((sample * modes + mode) * channels + first) * 2;
        const T factor = terms.factor(mode);
        for (int t = 0; t < terms.width; ++t) {
          const std::int64_t re = 2 * mode * terms.width + t, im = re + terms.width;
          const T sre = factor * terms.sign[re], sim = factor * terms.sign[im];
          const T* pre = in + terms.index[re] * channels;
          const T* pim = in + terms.index[im] * channels;
          if (t == 0) {
#pragma GCC ivdep
            for (std::int64_t c = 0; c < width; ++c) {
              out[2 * c] = sre * pre[c];
              out[2 * c + 1] = sim * pim[c];
            }
          } else {
#pragma GCC ivdep
            for (std::int64_t c = 0; c < width; ++c) {
              out[2 * c] += sre * pre[c];
              out[2 * c + 1] += sim * pim[c];
            }
          }
        }
      });
}

// The transpose of combine().
template <class T>
void spread(const Combination<T>& terms, const T* spectrum, std::int64_t modes, T* products,
            std::int64_t product_count, std::int64_t channels, std::int64_t samples) {
  const std::int64_t pieces = channel_pieces(channels), width = channels / pieces;
  detail::parallel_for(
      "nopal::dft_spread", detail::ItemRange(0, samples * product_count * pieces),
      KOKKOS_LAMBDA(std::int64_t i) {
        const std::int64_t first = i % pieces * width, product = i / pieces % product_count;
        const std::int64_t sample = i / (pieces * product_count);
        T* out = products + (sample * product_count + product) * channels + first;
        for (int t = 0; t < terms.width; ++t) {
          const std::int64_t term = product * terms.width + t;
          const std::int64_t mode = terms.index[term] / 2, part = terms.index[term] % 2;
          const T s = terms.sign[term] * terms.factor(mode);
          const T* in = spectrum + ((sample * modes + mode) * channels + first) * 2 + part;
          if (t == 0) {
#pragma GCC ivdep
            for (std::int64_t c = 0; c < width; ++c)
              out[c] = s * in[2 * c];
          } else {
#pragma GCC ivdep
            for (std::int64_t c = 0; c < width; ++c)
              out[c] += s * in[2 * c];
          }
        }
      });
}

// Samples to transform at a time: one on the host, so that what one axis leaves is still in cache
// for the next; all on a device, to fill it.
std::int64_t group_size(std::int64_t batch) {
  return detail::on_host ? 1 : std::max<std::int64_t>(batch, 1);
}

}  // namespace

template <class T>
void TruncatedDft<T>::analyse(const Tensor<T>& x, const Tensor<T>& spectrum, bool hermitian) const {
  const ScopedRegion region("truncated_dft");
  const int d = grid_.rank();
  const std::int64_t batch = x.extent(0), channels = x.extent(-1);
  NOPAL_CHECK(x.rank() == d + 2 && x.size() == batch * points_.size() * channels &&
                  spectrum.size() == 2 * batch * mode_count_ * channels,
              "truncated DFT: field ", x.shape(), " and spectrum ", spectrum.shape(),
              " do not match the points ", points_, " and modes ", modes_);
  if (x.size() == 0) return spectrum.fill(T(0));
  if (by_fft_) return analyse_by_fft(x, spectrum, hermitian);
  const std::int64_t group = group_size(batch);
  const Combination<T> terms{part_sign_.data(), part_index_.data(), terms_of_part_,
                             hermitian ? multiplicity_.data() : nullptr, normalisation_};
  // The last axis first, whose data lies together.
  std::array<Tensor<T>, 3> stage;  // stage[j]: axes from j on transformed
  std::int64_t before = points_.size(), after = channels;
  for (int j = d - 1; j >= 0; --j) {
    before /= points_[j];
    after *= rows_[j];
    stage[static_cast<std::size_t>(j)] = Tensor<T>({group * before, after});
  }
  for (std::int64_t b = 0; b < batch; b += group) {
    const T* in = x.data() + b * points_.size() * channels;
    before = points_.size();
    after = channels;
    for (int j = d - 1; j >= 0; --j) {
      before /= points_[j];
      T* out = stage[static_cast<std::size_t>(j)].data();
      axes_[static_cast<std::size_t>(j)].analyse(in, out, group * before, after);
      after *= rows_[j];
      in = out;
    }
    combine(terms, in, product_count_, spectrum.data() + 2 * b * mode_count_ * channels,
            mode_count_, channels, group);
  }
}

template <class T>
void TruncatedDft<T>::synthesise(const Tensor<T>& spectrum, const Tensor<T>& x, bool hermitian,
                                 T beta) const {
  const ScopedRegion region("inverse_truncated_dft");
  const int d = grid_.rank();
  const std::int64_t batch = x.extent(0), channels = x.extent(-1);
  NOPAL_CHECK(x.rank() == d + 2 && x.size() == batch * points_.size() * channels &&
                  spectrum.size() == 2 * batch * mode_count_ * channels,
              "inverse truncated DFT: field ", x.shape(), " and spectrum ", spectrum.shape(),
              " do not match the points ", points_, " and modes ", modes_);
  if (x.size() == 0) return;
  if (by_fft_) return synthesise_by_fft(spectrum, x, hermitian, beta);
  const std::int64_t group = group_size(batch);
  const Combination<T> terms{product_sign_.data(), product_index_.data(), terms_of_product_,
                             hermitian ? multiplicity_.data() : nullptr, normalisation_};
  std::array<Tensor<T>, 3> stage;  // stage[j]: axes before j are points, the others products
  std::int64_t before = 1, after = product_count_ * channels;
  for (int j = 0; j < d; ++j) {
    stage[static_cast<std::size_t>(j)] = Tensor<T>({group * before, after});
    before *= points_[j];
    after /= rows_[j];
  }
  for (std::int64_t b = 0; b < batch; b += group) {
    T* in = stage[0].data();
    spread(terms, spectrum.data() + 2 * b * mode_count_ * channels, mode_count_, in, product_count_,
           channels, group);
    before = 1;
    after = product_count_ * channels;
    for (int j = 0; j < d; ++j) {
      const bool last = j == d - 1;
      after /= rows_[j];
      T* out = last ? x.data() + b * points_.size() * channels
                    : stage[static_cast<std::size_t>(j + 1)].data();
      axes_[static_cast<std::size_t>(j)].synthesise(in, out, group * before, after,
                                                    last ? beta : T(0));
      before *= points_[j];
      in = out;
    }
  }
}

template <class T>
Cost TruncatedDft<T>::cost(std::int64_t batch, std::int64_t channels) const {
  const auto fields = static_cast<double>(batch * channels);
  Cost cost;
  double columns = fields * static_cast<double>(points_.size());
  for (int j = grid_.rank() - 1; j >= 0 && columns > 0; --j) {
    columns /= static_cast<double>(points_[j]);
    cost.flops += columns * axes_[static_cast<std::size_t>(j)].flops();
    columns *= static_cast<double>(rows_[j]);
  }
  cost.flops += 2 * fields * static_cast<double>(2 * mode_count_ * terms_of_part_);
  cost.bytes = fields * static_cast<double>(sizeof(T)) *
               static_cast<double>(points_.size() + 2 * mode_count_);
  return cost;
}

template <class T>
Variable<T> truncated_dft(const TruncatedDft<T>& dft, const Variable<T>& x,
                          const Communicator& comm) {
  const Shape& k = dft.modes();
  Shape shape{x.shape()[0]};
  for (std::int64_t modes : k)
    shape.push_back(modes);
  shape.push_back(x.shape()[-1]);
  shape.push_back(2);
  const Tensor<T> spectrum(shape);
  dft.analyse(x.value(), spectrum, false);
  comm.sum(spectrum);
  // On several ranks all record, or none: the adjoint is collective.
  if (!needs_record(x)) return spectrum;
  return record<T>(spectrum, [&dft, x, comm](const Tensor<T>& dspectrum) {
    comm.sum(dspectrum);
    const auto [dx, beta] = x.gradient_slot();
    dft.synthesise(dspectrum, dx, false, beta);
  });
}

template <class T>
Variable<T> inverse_truncated_dft(const TruncatedDft<T>& dft, const Variable<T>& spectrum,
                                  const Variable<T>& into) {
  const bool added = into.value().defined();
  Tensor<T> x = into.value();
  if (!added) {
    Shape shape{spectrum.shape()[0]};
    for (int j = 0; j < dft.box().dimension; ++j)
      shape.push_back(dft.box()[j].size());
    shape.push_back(spectrum.shape()[-2]);
    x = Tensor<T>(shape);
  }
  dft.synthesise(spectrum.value(), x, true, T(added ? 1 : 0));
  if (!needs_record(spectrum, into)) return x;
  return record<T>(x, [&dft, spectrum, into](const Tensor<T>& dx) {
    if (spectrum.requires_gradient()) {
      const Tensor<T> dspectrum(spectrum.shape());
      dft.analyse(dx, dspectrum, true);
      spectrum.accumulate(dspectrum);
    }
    if (into.requires_gradient()) into.accumulate(dx);
  });
}

#define NOPAL_INSTANTIATE(T)                                                                \
  template class TruncatedDft<T>;                                                           \
  template Variable<T> truncated_dft<T>(const TruncatedDft<T>&, const Variable<T>&,         \
                                        const Communicator&);                               \
  template Variable<T> inverse_truncated_dft<T>(const TruncatedDft<T>&, const Variable<T>&, \
                                                const Variable<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
