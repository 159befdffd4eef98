// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/fft.hpp>

#include "core/fftw.hpp"
#include "core/parallel.hpp"

#include <array>
#include <mutex>

namespace nopal {

// FFTW chooses its algorithm from the alignment of the data as well, and a plan made for aligned
// data must not be run on other data. Tensors are aligned to 64 bytes, slices of them need not be.
struct detail::FftPlans {
  void* aligned = nullptr;
  void* unaligned = nullptr;
  void (*destroy)(void*) = nullptr;
};

namespace {

using detail::FftPlansPointer;
using detail::Fftw;

// FFTW's planner has global state and is the only part of it that is not thread-safe.
std::mutex& planner_mutex() {
  static std::mutex mutex;
  return mutex;
}

// FFTW_ESTIMATE always: FFTW_MEASURE picks the algorithm by timing, so that two runs of a program
// could round differently, and a resumed training would not end where the uninterrupted one does.
constexpr unsigned planner_flags = FFTW_ESTIMATE | FFTW_PRESERVE_INPUT;
constexpr unsigned destructive_planner_flags = FFTW_ESTIMATE | FFTW_DESTROY_INPUT;

struct Geometry {
  std::array<fftw_iodim64, 3> axes{};
  std::array<fftw_iodim64, 2> loops{};
  int rank = 0;
};

void check_grid(const Shape& grid, std::int64_t batch, std::int64_t channels) {
  NOPAL_CHECK(grid.rank() >= 1 && grid.rank() <= 3,
              "a transform has 1 to 3 grid axes, got a grid of shape ", grid);
  NOPAL_CHECK(grid.size() > 0 && batch > 0 && channels > 0,
              "a transform needs at least one point, batch and channel, got grid ", grid,
              ", batch ", batch, ", channels ", channels);
}

// Strides of the grid axes and of the loops over batch and channels, in units of the entries of
// each side; `in` and `out` are the grids as stored.
Geometry geometry(const Shape& grid, const Shape& in, const Shape& out, std::int64_t batch,
                  std::int64_t channels) {
  Geometry result;
  result.rank = grid.rank();
  for (int i = 0; i < grid.rank(); ++i) {
    auto& axis = result.axes[static_cast<std::size_t>(i)];
    axis.n = grid[i];
    axis.is = channels * in.product(i + 1, in.rank());
    axis.os = channels * out.product(i + 1, out.rank());
  }
  result.loops[0] = {batch, channels * in.size(), channels * out.size()};
  result.loops[1] = {channels, 1, 1};
  return result;
}

Shape with_channels(std::int64_t batch, const Shape& grid, std::int64_t channels, bool complex) {
  Shape shape{batch};
  for (const auto n : grid)
    shape.push_back(n);
  shape.push_back(channels);
  if (complex) shape.push_back(2);
  return shape;
}

// Plans for aligned and for any data. `plan(in, out, flags)` calls one of FFTW's planners on two
// arrays of the given numbers of bytes; with FFTW_ESTIMATE it does not touch them.
template <class T, class Plan>
FftPlansPointer make_plans(std::size_t in_bytes, std::size_t out_bytes, unsigned flags,
                           const char* what, const Shape& grid, const Plan& plan) {
  FftPlansPointer plans(new detail::FftPlans);
  plans->destroy = &Fftw<T>::destroy;
  const std::unique_ptr<void, decltype(&Fftw<T>::free)> in(Fftw<T>::malloc(in_bytes),
                                                           &Fftw<T>::free);
  const std::unique_ptr<void, decltype(&Fftw<T>::free)> out(Fftw<T>::malloc(out_bytes),
                                                            &Fftw<T>::free);
  NOPAL_CHECK(in && out, "not enough memory to plan a ", what, " of grid ", grid);
  const std::lock_guard lock(planner_mutex());
  plans->aligned = plan(in.get(), out.get(), flags);
  plans->unaligned = plan(in.get(), out.get(), flags | FFTW_UNALIGNED);
  NOPAL_CHECK(plans->aligned && plans->unaligned, "FFTW has no plan for a ", what, " of grid ",
              grid);
  return plans;
}

template <class T>
typename Fftw<T>::Plan choose(const FftPlansPointer& plans, const void* in, const void* out) {
  const bool aligned = Fftw<T>::alignment(in) == 0 && Fftw<T>::alignment(out) == 0;
  return static_cast<typename Fftw<T>::Plan>(aligned ? plans->aligned : plans->unaligned);
}

template <class T>
typename Fftw<T>::Complex* fftw_cast(const Kokkos::complex<T>* values) {
  return reinterpret_cast<typename Fftw<T>::Complex*>(const_cast<Kokkos::complex<T>*>(values));
}

void check_size(const char* what, const char* side, std::size_t expected, std::size_t actual) {
  NOPAL_CHECK(expected == actual, what, ": ", side, " needs ", expected, " entries, got ", actual);
}

void check_apart(const char* what, const void* in, const void* out) {
  NOPAL_CHECK(in != out, what, ": input and output must not be the same array");
}

// Entries of a tensor of the given shape as FFTW takes them, which on a device are a copy.
template <class To, class T>
class HostEntries {
 public:
  HostEntries(const char* what, const char* side, const Tensor<T>& tensor, const Shape& shape)
      : tensor_(tensor) {
    NOPAL_CHECK(tensor.shape() == shape, what, ": expected a ", side, " of shape ", shape, ", got ",
                tensor.shape());
    if (!detail::on_host) copy_ = tensor.to_vector();
  }

  std::span<To> span() {
    T* entries = detail::on_host ? tensor_.data() : copy_.data();
    constexpr auto width = static_cast<std::int64_t>(sizeof(To) / sizeof(T));
    return {reinterpret_cast<To*>(entries), static_cast<std::size_t>(tensor_.size() / width)};
  }

  void copy_back() const {
    if (!detail::on_host) tensor_.copy_from_host(copy_.data());
  }

 private:
  const Tensor<T>& tensor_;
  std::vector<T> copy_;
};

// Calls transform(spans of in and out) and brings the result to where `out` is.
template <class From, class To, class T, class Transform>
void transform_tensors(const char* what, const char* in_side, const Tensor<T>& in,
                       const Shape& in_shape, const char* out_side, const Tensor<T>& out,
                       const Shape& out_shape, const Transform& transform) {
  HostEntries<From, T> source(what, in_side, in, in_shape);
  HostEntries<To, T> target(what, out_side, out, out_shape);
  check_apart(what, in.data(), out.data());
  transform(source.span(), target.span());
  target.copy_back();
}

struct KindTraits {
  fftw_r2r_kind fftw;
  std::int64_t factor;  // N = factor * (n + shift)
  std::int64_t shift;
};

KindTraits traits(RealTransformKind kind) {
  switch (kind) {
    case RealTransformKind::dct1:
      return {FFTW_REDFT00, 2, -1};
    case RealTransformKind::dct2:
      return {FFTW_REDFT10, 2, 0};
    case RealTransformKind::dct3:
      return {FFTW_REDFT01, 2, 0};
    case RealTransformKind::dst1:
      return {FFTW_RODFT00, 2, 1};
    case RealTransformKind::dst2:
      return {FFTW_RODFT10, 2, 0};
    default:
      return {FFTW_RODFT01, 2, 0};
  }
}

}  // namespace

void detail::FftPlansDeleter::operator()(FftPlans* plans) const noexcept {
  const std::lock_guard lock(planner_mutex());
  if (plans->aligned) plans->destroy(plans->aligned);
  if (plans->unaligned) plans->destroy(plans->unaligned);
  delete plans;
}

RealTransformKind inverse(RealTransformKind kind) {
  switch (kind) {
    case RealTransformKind::dct2:
      return RealTransformKind::dct3;
    case RealTransformKind::dct3:
      return RealTransformKind::dct2;
    case RealTransformKind::dst2:
      return RealTransformKind::dst3;
    case RealTransformKind::dst3:
      return RealTransformKind::dst2;
    default:
      return kind;
  }
}

template <class T>
RealFft<T>::RealFft(const Shape& grid, std::int64_t batch, std::int64_t channels) {
  check_grid(grid, batch, channels);
  const Shape half = grid.with(-1, grid[-1] / 2 + 1);
  field_ = with_channels(batch, grid, channels, false);
  spectrum_ = with_channels(batch, half, channels, true);
  normalisation_ = static_cast<double>(grid.size());

  const auto field_bytes = static_cast<std::size_t>(field_.size()) * sizeof(T);
  const auto spectrum_bytes = static_cast<std::size_t>(spectrum_.size()) * sizeof(T);
  const Geometry f = geometry(grid, grid, half, batch, channels);
  const Geometry b = geometry(grid, half, grid, batch, channels);
  forward_ = make_plans<T>(field_bytes, spectrum_bytes, planner_flags, "real Fourier transform",
                           grid, [&](void* in, void* out, unsigned flags) {
                             return Fftw<T>::plan_r2c(f.rank, f.axes.data(), f.loops.data(), in,
                                                      out, flags);
                           });
  backward_ = make_plans<T>(
      spectrum_bytes, field_bytes, destructive_planner_flags, "real Fourier transform", grid,
      [&](void* in, void* out, unsigned flags) {
        return Fftw<T>::plan_c2r(b.rank, b.axes.data(), b.loops.data(), in, out, flags);
      });
}

template <class T>
void RealFft<T>::forward(std::span<const T> field, std::span<Kokkos::complex<T>> spectrum) const {
  const char* what = "RealFft::forward";
  check_size(what, "field", static_cast<std::size_t>(field_.size()), field.size());
  check_size(what, "spectrum", static_cast<std::size_t>(spectrum_.size() / 2), spectrum.size());
  check_apart(what, field.data(), spectrum.data());
  Fftw<T>::execute_r2c(choose<T>(forward_, field.data(), spectrum.data()),
                       const_cast<T*>(field.data()), fftw_cast(spectrum.data()));
}

template <class T>
void RealFft<T>::backward(std::span<Kokkos::complex<T>> spectrum, std::span<T> field) const {
  const char* what = "RealFft::backward";
  check_size(what, "field", static_cast<std::size_t>(field_.size()), field.size());
  check_size(what, "spectrum", static_cast<std::size_t>(spectrum_.size() / 2), spectrum.size());
  check_apart(what, field.data(), spectrum.data());
  Fftw<T>::execute_c2r(choose<T>(backward_, spectrum.data(), field.data()),
                       fftw_cast(spectrum.data()), field.data());
}

template <class T>
void RealFft<T>::forward(const Tensor<T>& field, const Tensor<T>& spectrum) const {
  transform_tensors<const T, Kokkos::complex<T>>(
      "RealFft::forward", "field", field, field_, "spectrum", spectrum, spectrum_,
      [this](auto in, auto out) { this->forward(in, out); });
}

template <class T>
void RealFft<T>::backward(const Tensor<T>& spectrum, const Tensor<T>& field) const {
  transform_tensors<Kokkos::complex<T>, T>("RealFft::backward", "spectrum", spectrum, spectrum_,
                                           "field", field, field_,
                                           [this](auto in, auto out) { this->backward(in, out); });
}

template <class T>
ComplexFft<T>::ComplexFft(const Shape& grid, std::int64_t batch, std::int64_t channels) {
  check_grid(grid, batch, channels);
  shape_ = with_channels(batch, grid, channels, true);
  normalisation_ = static_cast<double>(grid.size());
  const auto bytes = static_cast<std::size_t>(shape_.size()) * sizeof(T);
  const Geometry g = geometry(grid, grid, grid, batch, channels);
  const auto plans = [&](int sign) {
    return make_plans<T>(bytes, bytes, planner_flags, "complex Fourier transform", grid,
                         [&](void* in, void* out, unsigned flags) {
                           return Fftw<T>::plan_c2c(g.rank, g.axes.data(), g.loops.data(), in, out,
                                                    sign, flags);
                         });
  };
  forward_ = plans(FFTW_FORWARD);
  backward_ = plans(FFTW_BACKWARD);
}

template <class T>
void ComplexFft<T>::forward(std::span<const Kokkos::complex<T>> field,
                            std::span<Kokkos::complex<T>> spectrum) const {
  const char* what = "ComplexFft::forward";
  check_size(what, "field", static_cast<std::size_t>(shape_.size() / 2), field.size());
  check_size(what, "spectrum", static_cast<std::size_t>(shape_.size() / 2), spectrum.size());
  check_apart(what, field.data(), spectrum.data());
  Fftw<T>::execute_c2c(choose<T>(forward_, field.data(), spectrum.data()), fftw_cast(field.data()),
                       fftw_cast(spectrum.data()));
}

template <class T>
void ComplexFft<T>::backward(std::span<const Kokkos::complex<T>> spectrum,
                             std::span<Kokkos::complex<T>> field) const {
  const char* what = "ComplexFft::backward";
  check_size(what, "field", static_cast<std::size_t>(shape_.size() / 2), field.size());
  check_size(what, "spectrum", static_cast<std::size_t>(shape_.size() / 2), spectrum.size());
  check_apart(what, field.data(), spectrum.data());
  Fftw<T>::execute_c2c(choose<T>(backward_, spectrum.data(), field.data()),
                       fftw_cast(spectrum.data()), fftw_cast(field.data()));
}

template <class T>
void ComplexFft<T>::forward(const Tensor<T>& field, const Tensor<T>& spectrum) const {
  transform_tensors<const Kokkos::complex<T>, Kokkos::complex<T>>(
      "ComplexFft::forward", "field", field, shape_, "spectrum", spectrum, shape_,
      [this](auto in, auto out) { this->forward(in, out); });
}

template <class T>
void ComplexFft<T>::backward(const Tensor<T>& spectrum, const Tensor<T>& field) const {
  transform_tensors<const Kokkos::complex<T>, Kokkos::complex<T>>(
      "ComplexFft::backward", "spectrum", spectrum, shape_, "field", field, shape_,
      [this](auto in, auto out) { this->backward(in, out); });
}

template <class T>
RealTransform<T>::RealTransform(const Shape& grid, const std::vector<RealTransformKind>& kinds,
                                std::int64_t batch, std::int64_t channels) {
  check_grid(grid, batch, channels);
  const auto axes = static_cast<std::size_t>(grid.rank());
  NOPAL_CHECK(kinds.size() == 1 || kinds.size() == axes, "a real transform of grid ", grid,
              " needs 1 or ", axes, " kinds, got ", kinds.size());
  shape_ = with_channels(batch, grid, channels, false);
  normalisation_ = 1;
  std::array<fftw_r2r_kind, 3> fftw_kinds{};
  for (std::size_t i = 0; i < axes; ++i) {
    const RealTransformKind kind = kinds[kinds.size() == 1 ? 0 : i];
    const std::int64_t n = grid[static_cast<int>(i)];
    NOPAL_CHECK(kind != RealTransformKind::dct1 || n >= 2,
                "a cosine transform of type 1 needs at least 2 points an axis, got grid ", grid);
    const KindTraits t = traits(kind);
    fftw_kinds[i] = t.fftw;
    normalisation_ *= static_cast<double>(t.factor * (n + t.shift));
  }
  const auto bytes = static_cast<std::size_t>(shape_.size()) * sizeof(T);
  const Geometry g = geometry(grid, grid, grid, batch, channels);
  plans_ = make_plans<T>(bytes, bytes, planner_flags, "cosine or sine transform", grid,
                         [&](void* in, void* out, unsigned flags) {
                           return Fftw<T>::plan_r2r(g.rank, g.axes.data(), g.loops.data(), in, out,
                                                    fftw_kinds.data(), flags);
                         });
}

template <class T>
void RealTransform<T>::execute(std::span<const T> in, std::span<T> out) const {
  const char* what = "RealTransform::execute";
  check_size(what, "input", static_cast<std::size_t>(shape_.size()), in.size());
  check_size(what, "output", static_cast<std::size_t>(shape_.size()), out.size());
  check_apart(what, in.data(), out.data());
  Fftw<T>::execute_r2r(choose<T>(plans_, in.data(), out.data()), const_cast<T*>(in.data()),
                       out.data());
}

template <class T>
void RealTransform<T>::execute(const Tensor<T>& in, const Tensor<T>& out) const {
  transform_tensors<const T, T>("RealTransform::execute", "input", in, shape_, "output", out,
                                shape_, [this](auto from, auto to) { this->execute(from, to); });
}

template class RealFft<float>;
template class RealFft<double>;
template class ComplexFft<float>;
template class ComplexFft<double>;
template class RealTransform<float>;
template class RealTransform<double>;

}  // namespace nopal
