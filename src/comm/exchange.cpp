// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/comm/exchange.hpp>

#include <nopal/core/profile.hpp>

#include "comm/block_copy.hpp"
#include "comm/mpi_tools.hpp"

#include <algorithm>
#include <atomic>
#include <sstream>

namespace nopal {

using detail::check_mpi;
using detail::FieldSize;
using detail::Message;
using detail::Write;

namespace {

std::atomic<std::int64_t> exchanged_bytes = 0;

std::string describe(const Boxes& boxes) {
  std::ostringstream out;
  out << boxes.processes;
  for (const auto& ranges : boxes.ranges)
    for (const Range& range : ranges)
      out << ' ' << range.begin << ' ' << range.end;
  return out.str();
}

void check_boxes(const Grid& grid, const Boxes& wanted) {
  const Shape& extents = grid.extents();
  NOPAL_CHECK(grid.dimension() > 0, "an exchange needs a grid, got one without points");
  NOPAL_CHECK(
      wanted.dimension() == grid.dimension() && wanted.processes.size() == grid.comm().size(),
      "an exchange on the grid ", extents, " needs boxes in ", grid.dimension(), " dimensions for ",
      grid.comm().size(), " ranks, got a process grid ", wanted.processes);
  for (int a = 0; a < grid.dimension(); ++a) {
    const std::int64_t n = extents[a];
    const bool low = grid.rule(a).low == BoundaryRule::reflect;
    const bool high = grid.rule(a).high == BoundaryRule::reflect;
    for (const Range& range : wanted.ranges[a]) {
      NOPAL_CHECK(range.size() >= 0, "a box has points ", range.begin, " to ", range.end - 1,
                  " along axis X", a + 1);
      const std::int64_t margin = std::max(low ? -range.begin : 0, high ? range.end - n : 0);
      NOPAL_CHECK(range.size() == 0 || margin < n, "axis X", a + 1, " of the grid ", extents,
                  " has ", n - 1, " points to reflect at its boundary, a margin needs ", margin);
    }
  }
}

enum class Direction { none, forward, adjoint };

// The messages of one direction and their entries.
template <class T>
struct Buffer {
  explicit Buffer(std::vector<Message> in_order) : messages(std::move(in_order)) {}

  std::int64_t points() const {
    return messages.empty() ? 0 : messages.back().first + messages.back().points;
  }

  void reserve(const FieldSize& size) {
    used = points() * size.values();
    if (used <= entries.size()) return;
    entries = Tensor<T>({used});
    if (!detail::on_host) host.resize(static_cast<std::size_t>(used));
  }

  // What MPI sends from or receives to is on the host: whether it can use a device is not known.
  T* mpi_data() { return detail::on_host ? entries.data() : host.data(); }
  void to_host() {
    if (!detail::on_host && used > 0) entries.slice(0, used).copy_to_host(host.data());
  }
  void from_host() {
    if (!detail::on_host && used > 0) entries.slice(0, used).copy_from_host(host.data());
  }

  std::vector<Message> messages;
  Tensor<T> entries;
  std::vector<T> host;
  std::int64_t used = 0;
};

// Calls action(pointer, count, rank) for each message in pieces that MPI can count.
template <class T, class Action>
void for_each_piece(Buffer<T>& buffer, const FieldSize& size, const Action& action) {
  for (const Message& message : buffer.messages) {
    T* data = buffer.mpi_data() + message.first * size.values();
    const std::int64_t count = message.points * size.values();
    for (std::int64_t i = 0; i == 0 || i < count; i += detail::mpi_piece)
      action(data + i, static_cast<int>(std::min(detail::mpi_piece, count - i)), message.rank);
  }
}

}  // namespace

std::int64_t bytes_exchanged() noexcept {
  return exchanged_bytes;
}

template <class T>
struct Exchange<T>::State {
  State(const Grid& source, const Boxes& wanted, const detail::ExchangePlan& plan)
      : grid(source),
        own(grid.box()),
        box(wanted.box(grid.comm().rank())),
        identity(wanted == grid.boxes()),
        covered(plan.covered),
        local(plan.local),
        zero(plan.zero),
        packed(plan.packed),
        unpacked(plan.unpacked),
        sent(plan.sent),
        received(plan.received) {}

  // All ranks have started what is under way, so that waiting ends.
  ~State() {
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (running != Direction::none && !finalized)
      MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  FieldSize size_of(const Tensor<T>& field) const {
    const int rank = grid.dimension() + 2;
    NOPAL_CHECK(field.rank() == rank, "exchange: expected a field (B, X1, ..., Xd, C) of ", rank,
                " axes on the grid ", grid.extents(), ", got shape ", field.shape());
    return {field.extent(0), field.extent(-1)};
  }

  void check(const char* name, const Tensor<T>& field, const Box& on, const FieldSize& of) const {
    const Shape needed = on.field(of.batch, of.channels);
    NOPAL_CHECK(field.shape() == needed, "exchange: ", name, " has shape ", field.shape(),
                ", expected ", needed, " on this rank");
  }

  void begin(Direction direction, const FieldSize& of) {
    NOPAL_CHECK(running == Direction::none, "exchange: started while ",
                running == Direction::forward ? "start()" : "start_adjoint()",
                " is not finished; overlapping exchanges need an Exchange each");
    size = of;
    sent.reserve(size);
    received.reserve(size);
    running = direction;
  }

  void check_running(Direction direction) const {
    NOPAL_CHECK(running == direction, "exchange: ",
                direction == Direction::forward ? "finish() without start()"
                                                : "finish_adjoint() without start_adjoint()");
  }

  void receive(Buffer<T>& buffer) {
    requests.clear();
    expected.clear();
    for_each_piece(buffer, size, [&](T* data, int count, int rank) {
      expected.push_back(count);
      requests.emplace_back();
      check_mpi(MPI_Irecv(data, count, detail::mpi_type<T>(), rank, tag, grid.comm().mpi(),
                          &requests.back()),
                "MPI_Irecv");
    });
  }

  void send(Buffer<T>& buffer) {
    if (buffer.messages.empty()) return;
    Kokkos::fence();
    buffer.to_host();
    for_each_piece(buffer, size, [&](T* data, int count, int rank) {
      requests.emplace_back();
      exchanged_bytes += static_cast<std::int64_t>(sizeof(T)) * count;
      check_mpi(MPI_Isend(data, count, detail::mpi_type<T>(), rank, tag, grid.comm().mpi(),
                          &requests.back()),
                "MPI_Isend");
    });
  }

  void wait(Buffer<T>& buffer) {
    running = Direction::none;
    if (requests.empty()) return;
    statuses.resize(requests.size());
    bool good = MPI_Waitall(static_cast<int>(requests.size()), requests.data(), statuses.data()) ==
                MPI_SUCCESS;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      int count = 0;
      MPI_Get_count(&statuses[i], detail::mpi_type<T>(), &count);
      good = good && count == expected[i];
    }
    NOPAL_CHECK(good, "exchange: messages for ", size.batch, " samples of ", size.channels,
                " channels did not come as expected; all ranks must pass as many");
    buffer.from_host();
  }

  static constexpr int tag = 0;

  Grid grid;
  Box own, box;
  bool identity, covered;
  detail::BlockList local, zero, packed, unpacked;
  Buffer<T> sent, received;  // by y; the adjoint sends what y received

  Direction running = Direction::none;
  FieldSize size;  // of the fields under way
  std::vector<MPI_Request> requests;
  std::vector<MPI_Status> statuses;
  std::vector<int> expected;  // entries of the messages to receive, the first of the requests
};

template <class T>
Exchange<T>::Exchange(const Grid& grid, const Boxes& wanted) {
  const Communicator& comm = grid.comm();
  comm.together([&] { check_boxes(grid, wanted); });
  NOPAL_CHECK(comm.same(describe(wanted)),
              "an exchange needs the same boxes on all ranks; they differ");
  state_ = std::make_shared<State>(grid, wanted, detail::make_plan(grid, wanted, comm.rank()));
}

template <class T>
const Grid& Exchange<T>::grid() const {
  return state_->grid;
}

template <class T>
const Box& Exchange<T>::box() const {
  return state_->box;
}

template <class T>
bool Exchange<T>::identity() const {
  return state_->identity;
}

template <class T>
int Exchange<T>::messages_sent() const {
  return static_cast<int>(state_->sent.messages.size());
}

template <class T>
std::int64_t Exchange<T>::bytes_sent(std::int64_t batch, std::int64_t channels) const {
  return state_->sent.points() * batch * channels * static_cast<std::int64_t>(sizeof(T));
}

template <class T>
void Exchange<T>::start(const Tensor<T>& x, const Tensor<T>& y) const {
  const ScopedRegion region("exchange");
  State& s = *state_;
  const FieldSize size = s.size_of(x);
  s.check("x", x, s.own, size);
  s.check("y", y, s.box, size);
  s.begin(Direction::forward, size);
  s.receive(s.received);
  write_blocks<Write::copy>(s.packed, s.size, false, x.data(), s.sent.entries.data());
  s.send(s.sent);
  write_blocks<Write::zero>(s.zero, s.size, false, x.data(), y.data());
  write_blocks<Write::copy>(s.local, s.size, false, x.data(), y.data());
}

template <class T>
void Exchange<T>::finish(const Tensor<T>& y) const {
  const ScopedRegion region("exchange");
  State& s = *state_;
  s.check_running(Direction::forward);
  s.check("y", y, s.box, s.size);
  s.wait(s.received);
  write_blocks<Write::copy>(s.unpacked, s.size, false, s.received.entries.data(), y.data());
}

template <class T>
void Exchange<T>::start_adjoint(const Tensor<T>& dy) const {
  const ScopedRegion region("exchange_adjoint");
  State& s = *state_;
  const FieldSize size = s.size_of(dy);
  s.check("dy", dy, s.box, size);
  s.begin(Direction::adjoint, size);
  s.receive(s.sent);
  write_blocks<Write::copy>(s.unpacked, s.size, true, dy.data(), s.received.entries.data());
  s.send(s.received);
}

template <class T>
void Exchange<T>::finish_adjoint(const Tensor<T>& dy, const Tensor<T>& dx, bool add) const {
  const ScopedRegion region("exchange_adjoint");
  State& s = *state_;
  s.check_running(Direction::adjoint);
  s.check("dy", dy, s.box, s.size);
  s.check("dx", dx, s.own, s.size);
  const bool copy = !add && s.covered;
  if (copy)
    write_blocks<Write::copy>(s.local, 0, 1, s.size, true, dy.data(), dx.data());
  else if (!add)
    dx.fill(T(0));
  // Blocks may add to the same points: one at a time, always in the same order.
  for (int k = copy ? 1 : 0; k < s.local.count(); ++k)
    write_blocks<Write::add>(s.local, k, k + 1, s.size, true, dy.data(), dx.data());
  s.wait(s.sent);
  for (int k = 0; k < s.packed.count(); ++k)
    write_blocks<Write::add>(s.packed, k, k + 1, s.size, true, s.sent.entries.data(), dx.data());
}

template <class T>
Exchange<T> halo_exchange(const Grid& grid, const Shape& low, const Shape& high) {
  Boxes wanted;
  grid.comm().together([&] { wanted = padded(grid.boxes(), low, high); });
  return Exchange<T>(grid, wanted);
}

template <class T>
Exchange<T> redistribution(const Grid& from, const Grid& to) {
  from.comm().together([&] {
    NOPAL_CHECK(from.extents() == to.extents(), "redistribution from the grid ", from.extents(),
                " to the grid ", to.extents(), ": their extents differ");
    int relation = MPI_IDENT;
    if (from.comm().size() > 1 && to.comm().size() > 1)
      check_mpi(MPI_Comm_compare(from.comm().mpi(), to.comm().mpi(), &relation),
                "MPI_Comm_compare");
    NOPAL_CHECK(from.comm().size() == to.comm().size() &&
                    (relation == MPI_IDENT || relation == MPI_CONGRUENT),
                "redistribution between grids of ", from.comm().size(), " and ", to.comm().size(),
                " ranks: they must be the same ranks in the same order");
  });
  return Exchange<T>(from, to.boxes());
}

#define NOPAL_INSTANTIATE(T)                                                               \
  template class Exchange<T>;                                                              \
  template Exchange<T> halo_exchange<T>(const Grid&, const Shape& low, const Shape& high); \
  template Exchange<T> redistribution<T>(const Grid&, const Grid&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
