// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <nopal/core/allocator.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/exchange.hpp>

#include <cmath>

// Fields on several ranks against the whole field on one.

namespace nopal {
namespace {

using test::expect_error;
using Rules = std::vector<AxisRule>;
constexpr auto zero = BoundaryRule::zero, reflect = BoundaryRule::reflect,
               periodic = BoundaryRule::periodic;

const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}

// A whole field without batch and channels; entries are numbers of points, 0 beyond the domain.
struct Whole {
  Shape extents;
  std::vector<double> values;

  explicit Whole(const Shape& shape) : extents(shape), values(shape.size()) {
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<double>(i + 1);
  }

  // As numpy.pad does it, axis after axis.
  void pad(int axis, std::int64_t low, std::int64_t high, const AxisRule& rule) {
    const std::int64_t n = extents[axis], m = low + n + high;
    const std::int64_t inner = extents.product(axis + 1, extents.rank());
    std::vector<double> result;
    for (std::int64_t outer = 0; outer < extents.product(0, axis); ++outer)
      for (std::int64_t i = 0; i < m; ++i) {
        std::int64_t from = i - low;
        bool inside = true;
        if (from < 0) {
          if (rule.low == zero) inside = false;
          if (rule.low == reflect) from = -from;
          while (rule.low == periodic && from < 0)
            from += n;
        } else if (from >= n) {
          if (rule.high == zero) inside = false;
          if (rule.high == reflect) from = 2 * n - 2 - from;
          while (rule.high == periodic && from >= n)
            from -= n;
        }
        for (std::int64_t k = 0; k < inner; ++k)
          result.push_back(inside ? values[(outer * n + from) * inner + k] : 0);
      }
    extents = extents.with(axis, m);
    values = result;
  }

  // The part in `box`, whose index 0 is `origin` here.
  std::vector<double> part(const Box& box, const Shape& origin) const {
    std::vector<double> result;
    const int d = extents.rank();
    const Shape n = box.extents();
    for (std::int64_t p = 0; p < n.size(); ++p) {
      std::int64_t at = 0, rest = p;
      for (int a = 0; a < d; ++a) {
        const std::int64_t i = rest / n.product(a + 1, d);
        rest %= n.product(a + 1, d);
        at = at * extents[a] + box[a].begin + i + origin[a];
      }
      result.push_back(values[at]);
    }
    return result;
  }
};

Shape zeros(int d) {
  Shape result;
  for (int a = 0; a < d; ++a)
    result.push_back(0);
  return result;
}

// A field whose value is a function of point, sample and channel, 0 at point 0.
template <class T>
Tensor<T> field(const std::vector<double>& points, const Box& box, std::int64_t batch,
                std::int64_t channels) {
  std::vector<T> values;
  for (std::int64_t b = 0; b < batch; ++b)
    for (const double point : points)
      for (std::int64_t c = 0; c < channels; ++c)
        values.push_back(static_cast<T>(point * static_cast<double>(1 + 3 * b + c)));
  return Tensor<T>::from_host(box.field(batch, channels), values);
}

// The field and its adjoint on this rank against the whole ones.
template <class T>
void check_halo(const Grid& grid, const Rules& rules, const Shape& low, const Shape& high,
                std::int64_t batch = 2, std::int64_t channels = 3) {
  const int d = grid.dimension(), rank = grid.comm().rank();
  Whole whole(grid.extents()), margins(grid.extents());
  for (int a = 0; a < d; ++a)
    margins.pad(a, low[a], high[a], rules[a]);

  const auto halo = halo_exchange<T>(grid, low, high);
  const Box own = grid.box(), box = halo.box();
  const auto x = field<T>(whole.part(own, zeros(d)), own, batch, channels);
  const Tensor<T> y(box.field(batch, channels));
  y.fill(T(-99));
  halo.start(x, y);
  halo.finish(y);
  const auto expected = field<T>(margins.part(box, low), box, batch, channels);
  ASSERT_EQ(y.to_vector(), expected.to_vector())
      << "rank " << rank << " of grid " << grid.extents() << " on " << grid.boxes().processes
      << ", widths " << low << high;

  // The adjoint of small integers, exact in any order: add what all ranks' margins hold.
  const auto weight = [](int r, std::size_t i) { return static_cast<double>((r + 5 * i) % 7); };
  std::vector<double> gradient(grid.extents().size() + 1), dy;
  for (int r = 0; r < grid.comm().size(); ++r) {
    const std::vector<double> points = margins.part(padded(grid.boxes(), low, high).box(r), low);
    for (std::size_t i = 0; i < points.size(); ++i) {
      gradient[static_cast<std::size_t>(points[i])] += weight(r, i);
      if (r == rank) dy.push_back(weight(r, i));
    }
  }
  std::vector<double> mine;
  for (const double point : whole.part(own, zeros(d)))
    mine.push_back(gradient[static_cast<std::size_t>(point)]);
  const Tensor<T> dx(own.field(batch, channels));
  dx.fill(T(1));
  const auto seed = field<T>(dy, box, batch, channels);
  halo.start_adjoint(seed);
  halo.finish_adjoint(seed, dx);
  const std::vector<T> once = dx.to_vector();
  ASSERT_EQ(once, field<T>(mine, own, batch, channels).to_vector()) << "adjoint on rank " << rank;
  halo.start_adjoint(seed);
  halo.finish_adjoint(seed, dx, true);
  for (std::size_t i = 0; i < once.size(); ++i)
    ASSERT_EQ(dx.to_vector()[i], 2 * once[i]);
}

// All process grids that fit.
std::vector<Grid> grids(const Shape& extents, const Rules& rules) {
  std::vector<Grid> result;
  const std::int64_t size = world().size(), d = extents.rank();
  for (std::int64_t p = 1; p <= size; ++p)
    for (std::int64_t q = 1; q <= (d > 1 ? size : 1); ++q) {
      if (size % (p * q) != 0 || (d < 3 && p * q != size)) continue;
      Shape processes{p};
      if (d > 1) processes.push_back(q);
      if (d > 2) processes.push_back(size / (p * q));
      bool fits = true;
      for (int a = 0; a < d; ++a)
        fits = fits && processes[a] <= extents[a];
      if (fits) result.emplace_back(extents, rules, world(), processes);
    }
  return result;
}

TEST(Halo, OneDimension) {
  for (const AxisRule& rule : {AxisRule(zero), AxisRule(reflect), AxisRule(periodic),
                               AxisRule(zero, reflect), AxisRule(reflect, zero)})
    for (const std::int64_t n : {4, 7, 13})
      for (const std::int64_t low : {0, 1, 3})
        for (const std::int64_t high : {0, 2, 3})
          for (const Grid& grid : grids({n}, {rule}))
            check_halo<float>(grid, {rule}, {low}, {high});
}

TEST(Halo, TwoDimensions) {
  const std::vector<Rules> rules{{zero, zero},
                                 {reflect, periodic},
                                 {{zero, reflect}, reflect},
                                 {periodic, {reflect, zero}},
                                 {periodic, periodic}};
  for (const Rules& rule : rules)
    for (const Shape& extents : {Shape{5, 7}, Shape{8, 4}})
      for (const auto& [low, high] : {std::pair<Shape, Shape>{{1, 1}, {1, 1}},
                                      {{0, 2}, {3, 1}},
                                      {{3, 3}, {3, 3}},
                                      {{0, 0}, {0, 1}}})
        for (const Grid& grid : grids(extents, rule))
          check_halo<double>(grid, rule, low, high);
}

TEST(Halo, ThreeDimensions) {
  const std::vector<Rules> rules{{zero, reflect, periodic}, {periodic, {zero, reflect}, zero}};
  for (const Rules& rule : rules)
    for (const auto& [low, high] :
         {std::pair<Shape, Shape>{{1, 1, 1}, {1, 1, 1}}, {{2, 0, 3}, {1, 3, 0}}})
      for (const Grid& grid : grids({5, 4, 6}, rule))
        check_halo<float>(grid, rule, low, high);
}

// Wider than boxes, and on periodic axes than the grid.
TEST(Halo, WideMargins) {
  for (const AxisRule& rule : {AxisRule(zero), AxisRule(reflect), AxisRule(periodic)})
    for (const Grid& grid : grids({5, 9}, {rule, rule}))
      check_halo<float>(grid, {rule, rule}, {4, 6}, {3, 8}, 1, 1);
  for (const Grid& grid : grids({5}, {periodic}))
    check_halo<float>(grid, {periodic}, {12}, {7});
}

TEST(Halo, UnevenAndEmptyBoxes) {
  std::vector<std::int64_t> counts;
  for (int p = 0; p < world().size(); ++p)
    counts.push_back(p % 2 ? 0 : 3 + p);
  std::int64_t n = 0;
  for (const std::int64_t count : counts)
    n += count;
  const std::vector<std::vector<std::int64_t>> both{counts, {5}};
  for (const AxisRule& rule : {AxisRule(zero), AxisRule(reflect), AxisRule(periodic)}) {
    const Grid grid({n, 5}, {rule, rule}, world(), both);
    check_halo<double>(grid, {rule, rule}, {2, 1}, {1, 2});
    check_halo<double>(grid.agglomerate(n), {rule, rule}, {2, 1}, {1, 2});
    check_halo<double>(grid, {rule, rule}, {1, 1}, {1, 1}, 0, 3);
  }
}

TEST(Halo, AdjointIdentity) {
  const Rules rules{reflect, {zero, reflect}};
  for (const Grid& grid : grids({9, 11}, rules)) {
    const auto halo = halo_exchange<double>(grid, {3, 2}, {1, 4});
    const Tensor<double> x(grid.box().field(2, 5)), hx(halo.box().field(2, 5));
    const Tensor<double> y(hx.shape()), hty(x.shape());
    fill_normal(x, 0, 1, Random(1, world().rank()));
    fill_normal(y, 0, 1, Random(2, world().rank()));
    halo.start(x, hx);
    halo.finish(hx);
    halo.start_adjoint(y);
    halo.finish_adjoint(y, hty);
    const double left = world().sum(dot(hx, y)), right = world().sum(dot(x, hty));
    const double scale = std::sqrt(world().sum(dot(hx, hx)) * world().sum(dot(y, y)));
    EXPECT_NEAR(left, right, 1e-14 * scale);
    // The same bits again.
    const std::vector<double> first = hty.to_vector();
    halo.start_adjoint(y);
    halo.finish_adjoint(y, hty);
    EXPECT_EQ(hty.to_vector(), first);
  }
}

TEST(Halo, DeclaresItsBytes) {
  const int size = world().size();
  const Grid line({8}, {}, world());
  const auto halo = halo_exchange<float>(line, {1}, {1});
  const int neighbours = size == 1 ? 0 : world().rank() % (size - 1) == 0 ? 1 : 2;
  EXPECT_EQ(halo.messages_sent(), neighbours);
  EXPECT_EQ(halo.bytes_sent(2, 3), neighbours * 2 * 3 * 4);
  if (size != 4) return;
  // Boxes of 2 x 2 points: 2 to each neighbour beside it and 1 to the one across the corner.
  const auto open = halo_exchange<double>(Grid({4, 4}, {}, world()), {1, 1}, {1, 1});
  EXPECT_EQ(open.messages_sent(), 3);
  EXPECT_EQ(open.bytes_sent(1, 1), 5 * 8);
  // On the torus the whole ring of 12 points, still in 3 messages.
  const Grid torus({4, 4}, {periodic, periodic}, world(), Shape{2, 2});
  const auto ring = halo_exchange<double>(torus, {1, 1}, {1, 1});
  EXPECT_EQ(ring.messages_sent(), 3);
  EXPECT_EQ(ring.bytes_sent(1, 1), 12 * 8);
}

TEST(Halo, AllocatesNothingAfterTheFirstCall) {
  const Grid grid({16, 16}, {periodic, zero}, world());
  const auto halo = halo_exchange<float>(grid, {1, 1}, {1, 1});
  const Variable<float> x(Tensor<float>::zeros(grid.box().field(2, 4)));
  exchange(x, halo);
  const auto before = memory_statistics().system_allocations;
  for (int i = 0; i < 3; ++i)
    exchange(x, halo);
  EXPECT_EQ(memory_statistics().system_allocations, before);
}

// Two exchanges under way at once on grids that share a communicator.
TEST(Halo, Overlaps) {
  const Grid fine({12, 12}, {periodic, reflect}, world()), coarse = fine.coarsen({0, 0});
  const auto one = halo_exchange<double>(fine, {1, 1}, {1, 1});
  const auto other = halo_exchange<double>(coarse, {2, 1}, {1, 2});
  const Tensor<double> x(fine.box().field(1, 2)), u(coarse.box().field(1, 2));
  fill_normal(x, 0, 1, Random(1, world().rank()));
  fill_normal(u, 0, 1, Random(2, world().rank()));
  const Variable<double> y = exchange<double>(x, one), v = exchange<double>(u, other);
  const Tensor<double> y2(y.shape()), v2(v.shape());
  one.start(x, y2);
  x.fill(0);  // start() does not need x any more
  other.start(u, v2);
  other.finish(v2);
  one.finish(y2);
  EXPECT_EQ(y2.to_vector(), y.value().to_vector());
  EXPECT_EQ(v2.to_vector(), v.value().to_vector());
}

// Groups of ranks for samples, each with its own grid.
TEST(Halo, OnPartsOfTheCommunicator) {
  const Communicator space = world().split(world().rank() % 2);
  const Rules rules{periodic, reflect};
  check_halo<float>(Grid({6, 5}, rules, space), rules, {1, 1}, {1, 1});
}

TEST(Redistribution, RoundTripBetweenProcessGrids) {
  const std::vector<Grid> all = grids({9, 6, 4}, {zero, periodic, reflect});
  for (const Grid& from : all)
    for (const Grid& to : {all.front(), all.back(), from.agglomerate(5), from.agglomerate(100),
                           from.gather(world().size() - 1)}) {
      const Whole whole(from.extents());
      const auto there = redistribution<double>(from, to);
      const auto x = field<double>(whole.part(from.box(), {0, 0, 0}), from.box(), 2, 3);
      const Variable<double> leaf = Variable<double>::leaf(x);
      Tape<double> tape;
      const Variable<double> y = exchange(leaf, there);
      EXPECT_EQ(y.value().to_vector(),
                field<double>(whole.part(to.box(), {0, 0, 0}), to.box(), 2, 3).to_vector());
      EXPECT_EQ(exchange<double>(y.value(), redistribution<double>(to, from)).value().to_vector(),
                x.to_vector());
      if (there.identity()) continue;
      tape.backward(y, y.value());
      EXPECT_EQ(leaf.gradient().to_vector(), x.to_vector());
    }
}

// A multigrid transfer on ranks equals that on one: down with kernel 3, up with kernel 4, on the
// coarse grid that stays with its owners and on fewer ranks.
TEST(Multigrid, TransfersGetWhatTheyNeed) {
  for (const std::int64_t n : {8, 11, 20})
    for (const std::int64_t least : {1, 3, 100}) {
      const Grid fine({n}, {zero}, world()), coarse = fine.coarsen({0});
      const Grid few = coarse.agglomerate(least);
      const auto down = Exchange<double>(fine, convolution_inputs(coarse.boxes(), {3}, {2}, {1}));
      const auto gather = redistribution<double>(coarse, few);
      const auto up =
          Exchange<double>(few, transposed_convolution_inputs(fine.boxes(), {4}, {2}, {1}));
      const Whole whole({n});
      const auto x = field<double>(whole.part(fine.box(), {0}), fine.box(), 1, 1);

      const std::vector<double> inputs = exchange<double>(x, down).value().to_vector();
      std::vector<double> sums;
      for (std::int64_t i = 0; i < coarse.box().size(); ++i)
        sums.push_back(inputs[2 * i] + 2 * inputs[2 * i + 1] + 3 * inputs[2 * i + 2]);
      const auto u = Tensor<double>::from_host(coarse.box().field(1, 1), sums);
      const std::vector<double> v = exchange(exchange<double>(u, gather), up).value().to_vector();

      const auto at = [&](std::int64_t i) { return i < 0 || i >= n ? 0 : whole.values[i]; };
      const auto restricted = [&](std::int64_t i) {
        const bool inside = i >= 0 && i < (n + 1) / 2;
        return inside ? at(2 * i - 1) + 2 * at(2 * i) + 3 * at(2 * i + 1) : 0;
      };
      for (std::int64_t j = fine.box()[0].begin; j < fine.box()[0].end; ++j) {
        double sum = 0, expected = 0;
        for (std::int64_t q = -2; q < n; ++q) {
          const std::int64_t tap = j - (2 * q - 1);
          if (tap < 0 || tap >= 4) continue;
          expected += static_cast<double>(tap + 1) * restricted(q);
          sum += static_cast<double>(tap + 1) * v[q - up.box()[0].begin];
        }
        EXPECT_EQ(sum, expected) << "point " << j << " of " << n;
      }
    }
}

TEST(Exchange, ErrorsOnAllRanks) {
  const int size = world().size(), rank = world().rank();
  const Grid grid({8, 8}, {zero, reflect}, world());
  expect_error([&] { halo_exchange<float>(grid, {1, 8}, {1, 1}); }, {"axis X2", "(8, 8)"});
  if (size == 1) return;
  // The wrong width on one rank only.
  expect_error([&] { halo_exchange<float>(grid, {1, rank == 1 ? 8 : 1}, {1, 1}); }, {"axis X2"});
  expect_error([&] { halo_exchange<float>(grid, {1, 1 + rank % 2}, {1, 1}); }, {"same boxes"});
  expect_error(
      [&] {
        Exchange<float>(grid, Boxes{{1, 1}, {{{0, 8}}, {{0, 8}}}});
      },
      {std::to_string(size) + " ranks", "(1, 1)"});
  const Grid part({8, 8}, {}, world().split(rank));
  expect_error([&] { redistribution<float>(grid, part); }, {"1 ranks"});

  // Samples that differ are noticed where messages come in.
  const auto halo = halo_exchange<float>(Grid({4 * size}, {}, world()), {1}, {1});
  const std::int64_t batch = rank % 2 + 1;
  const Tensor<float> x({batch, 4, 1}), y({batch, 6, 1});
  halo.start(x, y);
  expect_error([&] { halo.finish(y); }, {"messages", "all ranks"});
  world().barrier();
}

}  // namespace
}  // namespace nopal
