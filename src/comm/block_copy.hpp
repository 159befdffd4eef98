// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/core/tensor.hpp>

#include "comm/exchange_plan.hpp"
#include "core/parallel.hpp"

namespace nopal::detail {

/// Samples and channels of the fields that are copied.
struct FieldSize {
  std::int64_t batch = 0, channels = 0;
  std::int64_t values() const noexcept { return batch * channels; }  ///< at one point
};

/// Blocks, in the memory of the host and of the kernels.
class BlockList {
 public:
  explicit BlockList(const std::vector<Block>& blocks)
      : host_(blocks),
        view_(Kokkos::view_alloc(Kokkos::WithoutInitializing, "nopal::blocks"), blocks.size()) {
    using Host =
        Kokkos::View<const Block*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
    Kokkos::deep_copy(view_, Host(host_.data(), host_.size()));
  }

  int count() const noexcept { return static_cast<int>(host_.size()); }
  const Block& operator[](int k) const { return host_[static_cast<std::size_t>(k)]; }
  const Block* data() const { return view_.data(); }

 private:
  std::vector<Block> host_;
  Kokkos::View<Block*, MemorySpace> view_;
};

enum class Write { zero, copy, add };

/// Writes the targets of blocks, or with `reverse` their sources from their targets. One team takes
/// a chunk of rows of one sample.
template <class T, Write write>
struct BlockKernel {
  using Policy = Kokkos::TeamPolicy<ExecutionSpace>;

  const Block* blocks;
  int last;  // block that chunks may belong to
  std::int64_t first_chunk, chunks;
  FieldSize size;
  bool reverse;
  const T* source;
  T* target;

  KOKKOS_FUNCTION std::int64_t at(const Placement& p, std::int64_t sample, std::int64_t i0,
                                  std::int64_t i1, std::int64_t i2) const {
    return (size.batch * p.message + p.first + sample * p.sample + i0 * p.stride[0] +
            i1 * p.stride[1] + i2 * p.stride[2]) *
           size.channels;
  }

  KOKKOS_FUNCTION void operator()(const typename Policy::member_type& team) const {
    const std::int64_t sample = team.league_rank() / chunks;
    const std::int64_t chunk = first_chunk + team.league_rank() % chunks;
    int k = 0;
    while (k < last && blocks[k + 1].first_chunk <= chunk)
      ++k;
    const Block& block = blocks[k];
    const Placement& from = reverse ? block.target : block.source;
    const Placement& to = reverse ? block.source : block.target;
    const std::int64_t rows = block.rows(), length = block.run * size.channels;
    const std::int64_t begin = (chunk - block.first_chunk) * Block::chunk;
    const std::int64_t end = begin + Block::chunk < rows ? begin + Block::chunk : rows;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, begin, end), [&](std::int64_t row) {
      const std::int64_t runs = block.count[2] / block.run, line = row / runs;
      const std::int64_t i0 = line / block.count[1], i1 = line % block.count[1];
      const std::int64_t i2 = row % runs * block.run;
      const T* s = source + at(from, sample, i0, i1, i2);
      T* t = target + at(to, sample, i0, i1, i2);
      Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, length), [&](std::int64_t j) {
        if (write == Write::zero)
          t[j] = T(0);
        else
          t[j] = write == Write::add ? t[j] + s[j] : s[j];
      });
    });
  }
};

/// Blocks [first, end) of a list. Blocks of one call must not write the same entries.
template <Write write, class T>
void write_blocks(const BlockList& list, int first, int end, const FieldSize& size, bool reverse,
                  const T* source, T* target) {
  if (first == end || size.values() == 0) return;
  const std::int64_t first_chunk = list[first].first_chunk;
  const std::int64_t chunks = list[end - 1].first_chunk + list[end - 1].chunks() - first_chunk;
  using Kernel = BlockKernel<T, write>;
  const Kernel kernel{list.data(), end - 1, first_chunk, chunks, size, reverse, source, target};
  const typename Kernel::Policy policy(static_cast<int>(chunks * size.batch), Kokkos::AUTO,
                                       on_host ? 1 : 32);
  detail::parallel_for("nopal::exchange", policy, kernel);
}

/// All blocks of a list.
template <Write write, class T>
void write_blocks(const BlockList& list, const FieldSize& size, bool reverse, const T* source,
                  T* target) {
  write_blocks<write>(list, 0, list.count(), size, reverse, source, target);
}

}  // namespace nopal::detail
