// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace nopal {

/// Counters of the caching allocator, in bytes and calls, since the start of the program.
struct MemoryStatistics {
  std::size_t in_use = 0;                ///< bytes held by live tensors
  std::size_t peak_in_use = 0;           ///< largest value of `in_use` since the last reset
  std::size_t cached = 0;                ///< bytes kept for reuse
  std::uint64_t system_allocations = 0;  ///< how often memory was asked from the system
};

/// Current counters. Not collective; each rank has its own.
MemoryStatistics memory_statistics();

/// Sets `peak_in_use` to `in_use`.
void reset_peak_memory();

/// Gives all cached blocks back to the system. Live tensors stay valid.
void release_cached_memory();

namespace detail {

/// A reference-counted block of memory in the default Kokkos memory space.
///
/// Training makes the same buffers in every step and inference in every call, so freed blocks,
/// header included, are kept in lists by size class and handed out again: after the first step
/// nothing is asked from the system.
struct Storage {
  void* data = nullptr;
  std::size_t capacity = 0;
  std::atomic<int> references{0};
  bool owned = true;
  Storage* next = nullptr;
};

/// A block of at least `bytes` bytes, aligned to 64, with one reference. Contents are undefined.
Storage* acquire(std::size_t bytes);

/// A header for memory that somebody else owns, with one reference.
Storage* acquire_external(void* data, std::size_t bytes);

/// Takes back a block whose last reference is gone.
void recycle(Storage* storage) noexcept;

/// Shared ownership of a Storage, like std::shared_ptr but without its control block.
class StoragePointer {
 public:
  StoragePointer() = default;
  explicit StoragePointer(Storage* storage) noexcept : storage_(storage) {}
  StoragePointer(const StoragePointer& other) noexcept : storage_(other.storage_) {
    if (storage_) storage_->references.fetch_add(1, std::memory_order_relaxed);
  }
  StoragePointer(StoragePointer&& other) noexcept : storage_(other.storage_) {
    other.storage_ = nullptr;
  }
  StoragePointer& operator=(StoragePointer other) noexcept {
    Storage* mine = storage_;
    storage_ = other.storage_;
    other.storage_ = mine;
    return *this;
  }
  ~StoragePointer() {
    if (storage_ && storage_->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
      recycle(storage_);
  }

  Storage* get() const noexcept { return storage_; }
  int use_count() const noexcept { return storage_ ? storage_->references.load() : 0; }

 private:
  Storage* storage_ = nullptr;
};

}  // namespace detail
}  // namespace nopal
