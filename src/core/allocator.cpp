// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/allocator.hpp>
#include <nopal/core/error.hpp>

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <mutex>
#include <new>
#include <unordered_map>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace nopal {
namespace {

using MemorySpace = Kokkos::DefaultExecutionSpace::memory_space;

// Sizes are rounded to 1/8 of their power of two, so that batches of slightly different size (the
// last one of an epoch) reuse the same block at a waste of at most one eighth.
std::size_t size_class(std::size_t bytes) {
  constexpr std::size_t smallest = 256;
  if (bytes <= smallest) return smallest;
  std::size_t power = smallest;
  while (power * 2 <= bytes)
    power *= 2;
  const std::size_t step = std::max<std::size_t>(power / 8, 64);
  return (bytes + step - 1) / step * step;
}

// Asks for huge pages for a large block: kernels walk through fields with strides of many small
// pages, more than the translation buffer holds. A wish only: systems may not grant it.
void prefer_huge_pages([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__)
  constexpr std::uintptr_t huge = 2 << 20;
  if constexpr (Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible) {
    const auto begin = reinterpret_cast<std::uintptr_t>(data);
    const std::uintptr_t first = (begin + huge - 1) / huge * huge;
    const std::uintptr_t last = (begin + bytes) / huge * huge;
    if (first < last)
      madvise(static_cast<char*>(data) + (first - begin), last - first, MADV_HUGEPAGE);
  }
#endif
}

class Pool {
 public:
  static Pool& instance() {
    static Pool* pool = new Pool;  // never destroyed: tensors may outlive static destructors
    return *pool;
  }

  detail::Storage* acquire(std::size_t bytes) {
    const std::size_t capacity = size_class(bytes);
    std::lock_guard<std::mutex> lock(mutex_);
    detail::Storage* storage = pop(free_[capacity]);
    if (storage) {
      statistics_.cached -= capacity;
    } else {
      storage = allocate(capacity);
    }
    statistics_.in_use += capacity;
    statistics_.peak_in_use = std::max(statistics_.peak_in_use, statistics_.in_use);
    storage->references.store(1, std::memory_order_relaxed);
    return storage;
  }

  detail::Storage* acquire_external(void* data, std::size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    detail::Storage* storage = pop(headers_);
    if (!storage) storage = new detail::Storage;
    storage->data = data;
    storage->capacity = bytes;
    storage->owned = false;
    storage->references.store(1, std::memory_order_relaxed);
    return storage;
  }

  void recycle(detail::Storage* storage) noexcept {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!storage->owned) {
      push(headers_, storage);
      return;
    }
    statistics_.in_use -= storage->capacity;
    if (!Kokkos::is_initialized()) {  // too late to free; the process is ending
      return;
    }
    statistics_.cached += storage->capacity;
    push(free_[storage->capacity], storage);
  }

  void release() {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [capacity, head] : free_)
      while (detail::Storage* storage = pop(head)) {
        Kokkos::kokkos_free<MemorySpace>(storage->data);
        delete storage;
      }
    statistics_.cached = 0;
  }

  MemoryStatistics statistics() {
    std::lock_guard<std::mutex> lock(mutex_);
    return statistics_;
  }

  void reset_peak() {
    std::lock_guard<std::mutex> lock(mutex_);
    statistics_.peak_in_use = statistics_.in_use;
  }

 private:
  static detail::Storage* pop(detail::Storage*& head) noexcept {
    detail::Storage* storage = head;
    if (storage) head = storage->next;
    return storage;
  }

  static void push(detail::Storage*& head, detail::Storage* storage) noexcept {
    storage->next = head;
    head = storage;
  }

  detail::Storage* allocate(std::size_t capacity) {
    NOPAL_CHECK(Kokkos::is_initialized(),
                "a tensor was made before the library was initialised; create a nopal::Runtime (or "
                "call Kokkos::initialize) first");
    if (!hook_installed_) {
      hook_installed_ = true;
      Kokkos::push_finalize_hook([] {
        Pool::instance().release();
        Pool::instance().hook_installed_ = false;
      });
    }
    void* data = nullptr;
    try {
      data = Kokkos::kokkos_malloc<MemorySpace>("nopal::Tensor", capacity);
    } catch (const std::exception&) {
    }
    NOPAL_CHECK(data != nullptr, "out of memory: asked for ", capacity, " bytes while ",
                statistics_.in_use, " are in use; use a smaller batch or more ranks");
    prefer_huge_pages(data, capacity);
    ++statistics_.system_allocations;
    auto* storage = new detail::Storage;
    storage->data = data;
    storage->capacity = capacity;
    return storage;
  }

  std::mutex mutex_;
  std::unordered_map<std::size_t, detail::Storage*> free_;
  detail::Storage* headers_ = nullptr;
  MemoryStatistics statistics_;
  bool hook_installed_ = false;
};

}  // namespace

MemoryStatistics memory_statistics() {
  return Pool::instance().statistics();
}
void reset_peak_memory() {
  Pool::instance().reset_peak();
}
void release_cached_memory() {
  Pool::instance().release();
}

namespace detail {

Storage* acquire(std::size_t bytes) {
  return Pool::instance().acquire(bytes);
}
Storage* acquire_external(void* data, std::size_t bytes) {
  return Pool::instance().acquire_external(data, bytes);
}
void recycle(Storage* storage) noexcept {
  Pool::instance().recycle(storage);
}

}  // namespace detail
}  // namespace nopal
