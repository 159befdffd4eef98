// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

// The two linear maps of a convolution and the gradient of its kernel, on fields
// (B, X1, X2, X3, C). A strided convolution takes a fine field to a coarse one, its transpose a
// coarse field to a fine one; kernel tap t joins the points
//
//   fine = offset + stride * coarse + t        (each axis).
//
// Fields are zero outside their box, so that offsets and extents are free.

#include <nopal/nn/convolution.hpp>

#include <array>
#include <cstdint>

namespace nopal::detail {

struct ConvolutionAxis {
  std::int64_t fine = 1, coarse = 1;  ///< points
  std::int64_t taps = 1, stride = 1, offset = 0;
};

struct ConvolutionGeometry {
  std::int64_t batch, fine_channels, coarse_channels;
  std::array<ConvolutionAxis, 3> axes;  ///< missing leading axes have one point
};

enum class Direction { to_coarse, to_fine };

/// The geometry of convolution() or, to_fine, transposed_convolution(), after checks of the shapes;
/// `what` begins the messages.
ConvolutionGeometry make_geometry(const char* what, Direction direction, const Shape& x,
                                  const Shape& weight, const ConvolutionOptions& options);

/// Points first[j], ..., first[j] + count[j] - 1 of the output on axis j.
struct Box {
  std::array<std::int64_t, 3> first, count;
};

/// All points of the output.
Box whole_output(const ConvolutionGeometry& geometry, Direction direction);

/// Output channels in panels that a register block takes at once: the first of `lead` channels, the
/// others of `next`. The last one may be filled up with zeros.
struct Panels {
  std::int64_t lead, next;

  KOKKOS_INLINE_FUNCTION std::int64_t width(std::int64_t first) const {
    return first < lead ? lead : next;
  }
  KOKKOS_INLINE_FUNCTION std::int64_t first_of(std::int64_t channel) const {
    return channel < lead ? 0 : lead + (channel - lead) / next * next;
  }
  KOKKOS_INLINE_FUNCTION std::int64_t padded(std::int64_t channels) const {
    return channels <= lead ? lead : lead + (channels - lead + next - 1) / next * next;
  }
};

/// A kernel's entries in the order in which the loops read them: (taps, in, channels of a panel)
/// for each panel. Outputs of a transposed convolution belong to stride^d classes, each of which
/// sees its own taps; a class is a convolution of stride 1 with those taps in reverse order, and
/// its entries are stored together.
template <class T>
struct PackedKernel {
  Tensor<T> entries;  ///< the kernel itself where it has that order
  Direction direction;
  std::int64_t in, out;  ///< channels
  Panels panels;
};

/// `weight` is (K1, ..., Kd, in, out), or (K1, ..., Kd, out, in) if `swapped`, where `in` are the
/// channels of the field that the map starts from.
template <class T>
PackedKernel<T> pack_kernel(const ConvolutionGeometry& geometry, Direction direction,
                            const Tensor<T>& weight, bool swapped);

/// What a map does with its sums: y = f(init + bias + sign * sum).
template <class T>
struct MapOutput {
  T* y;
  const T* init = nullptr;  ///< of y's shape; may be y
  const T* bias = nullptr;
  T sign = 1;
  Activation activation = Activation::identity;
  T* slope = nullptr;  ///< f' of the same argument, of y's shape
};

/// Applies the convolution (to_coarse) or its transpose (to_fine) where the output lies in `box`.
/// Makes no memory; boxes may be computed in any order.
template <class T>
void apply_kernel(const ConvolutionGeometry& geometry, const PackedKernel<T>& kernel, const T* x,
                  const MapOutput<T>& output, const Box& box);

/// dw(t, i, o) := beta dw(t, i, o) + sign sum over points of fine(.., f) coarse(.., g), where
/// (i, o) = (f, g), or (g, f) if `coarse_first`. The same bits on every run with as many threads.
template <class T>
void kernel_gradient(const ConvolutionGeometry& geometry, const T* fine, const T* coarse, T* dw,
                     bool coarse_first, T sign, T beta);

/// The plain Kokkos versions of the two, for any execution space; public for their test.
template <class T>
void apply_kernel_kokkos(const ConvolutionGeometry& geometry, const PackedKernel<T>& kernel,
                         const T* x, const MapOutput<T>& output, const Box& box);
template <class T>
void kernel_gradient_kokkos(const ConvolutionGeometry& geometry, const T* fine, const T* coarse,
                            T* dw, bool coarse_first, T sign, T beta);

}  // namespace nopal::detail
