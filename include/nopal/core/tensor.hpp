// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/allocator.hpp>
#include <nopal/core/shape.hpp>

#include <Kokkos_Core.hpp>

#include <type_traits>
#include <vector>

namespace nopal {

/// The execution space that all kernels of the library run on.
using ExecutionSpace = Kokkos::DefaultExecutionSpace;
/// The memory space that all tensors live in.
using MemorySpace = ExecutionSpace::memory_space;

namespace detail {

template <class T, int Rank>
struct PointerType {
  using type = typename PointerType<T, Rank - 1>::type*;
};
template <class T>
struct PointerType<T, 0> {
  using type = T;
};

}  // namespace detail

/// Dense array of `float` or `double` with 0 to 6 axes, contiguous, the last axis fastest.
///
/// Fields are stored channels last, `(B, X1, ..., Xd, C)`, which is the layout of a PETSc DMDA
/// vector with `dof = C`. Complex data has a last axis of 2 (real, imaginary part).
///
/// A Tensor is a handle: copies share the entries, like a Kokkos::View; `clone()` makes new ones.
/// Entries live in the default Kokkos memory space; `to_vector()` and `copy_from_host()` move them
/// between host and device. Memory comes from a caching allocator and is not initialised.
template <class T>
class Tensor {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>,
                "nopal::Tensor is instantiated for float and double");

 public:
  using value_type = T;

  /// An empty handle: `defined()` is false.
  Tensor() = default;

  /// New tensor with undefined entries.
  explicit Tensor(const Shape& shape)
      : shape_(shape),
        size_(shape.size()),
        storage_(detail::acquire(static_cast<std::size_t>(size_) * sizeof(T))),
        data_(static_cast<T*>(storage_.get()->data)) {}

  /// New tensor with all entries 0.
  static Tensor zeros(const Shape& shape) {
    Tensor result(shape);
    result.fill(T(0));
    return result;
  }

  /// New tensor with entries copied from host memory, row-major.
  static Tensor from_host(const Shape& shape, const std::vector<T>& values) {
    NOPAL_CHECK(static_cast<std::int64_t>(values.size()) == shape.size(), "shape ", shape,
                " needs ", shape.size(), " values, got ", values.size());
    Tensor result(shape);
    result.copy_from_host(values.data());
    return result;
  }

  /// Handle to memory that the caller owns (a PETSc array, a user's array) and keeps alive.
  /// `data` must be accessible from the default execution space.
  static Tensor wrap(T* data, const Shape& shape) {
    Tensor result;
    result.shape_ = shape;
    result.size_ = shape.size();
    result.storage_ = detail::StoragePointer(
        detail::acquire_external(data, static_cast<std::size_t>(result.size_) * sizeof(T)));
    result.data_ = data;
    return result;
  }

  bool defined() const noexcept { return data_ != nullptr; }
  const Shape& shape() const noexcept { return shape_; }
  int rank() const noexcept { return shape_.rank(); }
  std::int64_t extent(int axis) const { return shape_[axis]; }
  std::int64_t size() const noexcept { return size_; }

  /// Pointer to the first entry. As with views, constness of the handle is not that of the entries.
  T* data() const noexcept { return data_; }

  /// True if no other handle shares the entries, so that they may be overwritten.
  bool unique() const noexcept { return storage_.use_count() == 1; }

  /// The same entries under another shape of equal size.
  Tensor reshape(const Shape& shape) const {
    NOPAL_CHECK(shape.size() == size_, "cannot reshape ", shape_, " to ", shape,
                ": the numbers of entries differ");
    Tensor result(*this);
    result.shape_ = shape;
    return result;
  }

  /// Entries [first, first + count) of the slowest axis; shares the memory.
  Tensor slice(std::int64_t first, std::int64_t count) const {
    NOPAL_CHECK(rank() > 0 && first >= 0 && count >= 0 && first + count <= shape_[0], "slice [",
                first, ", ", first + count, ") is outside shape ", shape_);
    Tensor result(*this);
    result.shape_ = shape_.with(0, count);
    result.size_ = result.shape_.size();
    result.data_ = data_ + first * shape_.product(1, rank());
    return result;
  }

  Tensor clone() const {
    Tensor result(shape_);
    result.copy_from(*this);
    return result;
  }

  /// Unmanaged Kokkos view of the entries with compile-time rank; `Rank` must be `rank()`.
  template <int Rank>
  auto view() const {
    using Pointer = typename detail::PointerType<T, Rank>::type;
    using View = Kokkos::View<Pointer, Kokkos::LayoutRight, MemorySpace,
                              Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
    NOPAL_CHECK(Rank == rank(), "view<", Rank, "> of a tensor of shape ", shape_);
    Kokkos::LayoutRight layout;
    for (int i = 0; i < Rank; ++i)
      layout.dimension[i] = static_cast<std::size_t>(shape_[i]);
    return View(data_, layout);
  }

  /// Flat unmanaged view of all entries.
  auto flat() const {
    return Kokkos::View<T*, Kokkos::LayoutRight, MemorySpace,
                        Kokkos::MemoryTraits<Kokkos::Unmanaged>>(data_,
                                                                 static_cast<std::size_t>(size_));
  }

  void fill(T value) const;
  void copy_from(const Tensor& other) const;   ///< shapes must have equal size
  void copy_from_host(const T* values) const;  ///< `size()` values, row-major
  void copy_to_host(T* values) const;          ///< `size()` values, row-major
  std::vector<T> to_vector() const;            ///< host copy, row-major
  T item() const;                              ///< the entry of a tensor of size 1

 private:
  Shape shape_;
  std::int64_t size_ = 0;
  detail::StoragePointer storage_;
  T* data_ = nullptr;
};

/// y += a x, entry by entry.
template <class T>
void axpy(T a, const Tensor<T>& x, const Tensor<T>& y);

/// x *= a.
template <class T>
void scale(T a, const Tensor<T>& x);

/// Sum of x_i y_i, accumulated in double. Local to this rank.
template <class T>
double dot(const Tensor<T>& x, const Tensor<T>& y);

/// True if every entry is finite. Local to this rank.
template <class T>
bool all_finite(const Tensor<T>& x);

/// Entries converted to another precision.
template <class To, class From>
Tensor<To> cast(const Tensor<From>& x);

}  // namespace nopal
