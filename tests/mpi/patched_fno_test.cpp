// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Patches of fields by hand, and patched operators on any number of ranks against one.

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/comm/exchange.hpp>
#include <nopal/operators/patched_fno.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace {

using namespace nopal;
using nlohmann::json;
using test::expect_error;
using test::output_and_gradients;
using test::part;
using test::random_field;
using test::relative_difference;

const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}

json base(int dimension) {
  return {{"n_modes", std::vector<int>(std::size_t(dimension), 4)},
          {"in_channels", 1},
          {"hidden_channels", 4},
          {"n_layers", 2},
          {"out_channels", 2},
          {"projection_channels", 3}};
}

json with(json options, const json& more) {
  options.update(more);
  return options;
}

PatchedFno<double> make(const json& options) {
  return PatchedFno<double>(PatchedFnoOptions::from_json(options), 3);
}

// Along a periodic line: patch i of level 0 holds points i m - p, ..., and window i of level l
// coarse points from i m / 2^l - ceil((m - m / 2^l) / 2) - p on, each the field at 2^l times its
// number.
TEST(PatchedFno, SeesThePublishedWindows) {
  const std::int64_t n = 32, levels = 2, m = n / 4, p = 3, size = m + 2 * p;
  const auto op = make(with(base(1), {{"levels", levels},
                                      {"padding", 0.1},
                                      {"coarse", "stride"},
                                      {"positional_embedding", "none"}}));
  const auto x = random_field<double>({1, n, 1}, 1);
  const Grid grid({n}, op.grid_rules());
  const auto seen = op.patches(Variable<double>(x), grid).value();
  ASSERT_EQ(seen.shape(), Shape({4, size, 3}));
  for (std::int64_t i = 0; i < 4; ++i)
    for (std::int64_t l = 0; l <= levels; ++l)
      for (std::int64_t k = 0; k < size; ++k) {
        const std::int64_t stride = m >> l, coarse = n >> l;
        const std::int64_t at = i * stride - (m - stride + 1) / 2 - p + k;
        const std::int64_t point = ((at % coarse + coarse) % coarse) << l;
        EXPECT_EQ(seen.data()[(i * size + k) * 3 + l], x.data()[point]) << i << l << k;
      }
}

// Coordinates are those of the domain, and the filter keeps linear functions but for the ends.
TEST(PatchedFno, CoordinatesAreGlobal) {
  const std::int64_t n = 16;
  const auto op = make(with(base(2), {{"levels", 1}, {"padding", 0.125}, {"boundary", "zero"}}));
  const Grid grid({n, n}, op.grid_rules());
  const auto seen = op.patches(Variable<double>(Tensor<double>::zeros({1, n, n, 1})), grid).value();
  ASSERT_EQ(seen.shape(), Shape({4, 12, 12, 6}));  // value, x, y of two levels
  const auto at = [&](std::int64_t patch, std::int64_t i, std::int64_t j, std::int64_t c) {
    return seen.data()[((patch * 12 + i) * 12 + j) * 6 + c];
  };
  EXPECT_EQ(at(3, 2, 5, 1), 8.0 / 16);  // patch (1, 1) begins at point 8 - 2
  EXPECT_EQ(at(3, 2, 5, 2), 11.0 / 16);
  EXPECT_EQ(at(2, 2, 11, 2), 9.0 / 16);
  EXPECT_EQ(at(0, 1, 5, 1), 0);  // beyond the domain
  // Window (0, 0) of level 1 begins at coarse point 0 - 2 - 2.
  EXPECT_NEAR(at(0, 6, 7, 4), 2 * 2.0 / 16, 1e-15);
  EXPECT_NEAR(at(0, 6, 7, 5), 2 * 3.0 / 16, 1e-15);
}

TEST(PatchedFno, IsTheSameOnAnyNumberOfRanks) {
  for (const char* boundary : {"periodic", "reflect", "zero"})
    for (const auto& [options, extents] :
         {std::pair{with(base(1), {{"levels", 2}}), Shape{32}},
          {with(base(2), {{"levels", 1}, {"coarse", "stride"}}), Shape{16, 12}},
          {with(base(2), {{"levels", 2}, {"patch_batch", 3}}), Shape{32, 64}},
          {with(base(3), {{"levels", 1}, {"patch_batch", 1}}), Shape{8, 8, 12}},
          {with(base(2), {{"levels", 0}}), Shape{10, 9}}}) {
      const auto op = make(with(options, {{"boundary", boundary}}));
      const auto whole = random_field<double>(Box::whole(extents).field(2, 1), 1),
                 dy = random_field<double>(Box::whole(extents).field(2, 2), 2);
      const auto alone = output_and_gradients(op, whole, dy, Grid(extents, op.grid_rules()));
      const Grid grid(extents, op.grid_rules(), world());
      const auto mine =
          output_and_gradients(op, part(whole, grid.box()), part(dy, grid.box()), grid);
      for (std::size_t i = 0; i < 2; ++i)
        EXPECT_LT(relative_difference(mine[i], part(alone[i], grid.box()), world()), 1e-12)
            << boundary << options << i;
      for (std::size_t i = 2; i < mine.size(); ++i) {
        world().sum(mine[i]);
        EXPECT_LT(relative_difference(mine[i], alone[i], Communicator()), 1e-11)
            << boundary << options << i;
      }
    }
}

TEST(PatchedFno, DividesItsPatchesAmongRanks) {
  const auto two = make(with(base(2), {{"levels", 2}}));
  EXPECT_EQ(two.process_grid(1), Shape({1, 1}));
  EXPECT_EQ(two.process_grid(3), Shape({1, 3}));  // 2 patches of 4 an axis on the busiest
  EXPECT_EQ(two.process_grid(4), Shape({2, 2}));
  EXPECT_EQ(two.process_grid(8), Shape({2, 4}));
  EXPECT_EQ(two.process_grid(16), Shape({4, 4}));
  EXPECT_EQ(make(with(base(3), {{"levels", 1}})).process_grid(8), Shape({2, 2, 2}));
  EXPECT_EQ(make(base(1)).process_grid(5), Shape({5}));
}

// docs/scaling.md: what margins and coarser windows of a rank's patches need of other ranks' points
// is sent once for the whole network, and results to the rank that has their points; as many bytes
// go back with the adjoint, and nothing else is sent.
TEST(PatchedFno, SendsWhatItsWindowsNeed) {
  const std::int64_t batch = 2, outputs = 2;
  for (const std::int64_t n : {32, 64})
    for (const std::int64_t levels : {1, 2}) {
      const auto op = make(with(base(2), {{"levels", levels},
                                          {"padding", 0.125},
                                          {"coarse", "stride"},
                                          {"positional_embedding", "none"}}));
      const Shape processes = op.process_grid(world().size());
      const Grid grid({n, n}, op.grid_rules(), world(), processes);
      const std::int64_t all = std::int64_t(1) << levels, m = n / all, p = n / 8;
      const Box own = grid.box();
      const Shape place = grid.boxes().coordinates(world().rank());
      const Slab patches[] = {
          slab(all, static_cast<int>(place[0]), static_cast<int>(processes[0])),
          slab(all, static_cast<int>(place[1]), static_cast<int>(processes[1]))};
      const bool any = patches[0].count > 0 && patches[1].count > 0;
      // Points i of all windows of a level along an axis: how many, and how many of them are here.
      std::int64_t needed = 0;
      for (std::int64_t l = 0; any && l <= levels; ++l) {
        const std::int64_t points = n >> l, stride = m >> l;
        std::int64_t wanted[2], here[2] = {0, 0};
        for (int a = 0; a < 2; ++a) {
          wanted[a] = (patches[a].count - 1) * stride + m + 2 * p;
          for (std::int64_t k = 0; k < wanted[a]; ++k) {
            const std::int64_t at = patches[a].first * stride - (m - stride + 1) / 2 - p + k;
            const std::int64_t fine = ((at % points + points) % points) << l;
            here[a] += fine >= own[a].begin && fine < own[a].end ? 1 : 0;
          }
        }
        needed += wanted[0] * wanted[1] - here[0] * here[1];
      }
      // Results that another rank computes.
      std::int64_t kept = 1;
      for (int a = 0; a < 2; ++a)
        kept *= std::max<std::int64_t>(
            0, std::min(own[a].end, (patches[a].first + patches[a].count) * m) -
                   std::max(own[a].begin, patches[a].first * m));
      needed += outputs * (own.size() - kept);
      const auto x = Variable<double>::leaf(random_field<double>(own.field(batch, 1), 1));
      const std::int64_t before = bytes_exchanged();
      Tape<double> tape;
      const auto y = op.forward(std::span(&x, 1), grid);
      const std::int64_t forward = bytes_exchanged() - before;
      tape.backward(y, random_field<double>(y.shape(), 2));
      const std::int64_t both = bytes_exchanged() - before;
      const double expected = static_cast<double>(8 * batch) * world().sum(double(needed));
      EXPECT_EQ(world().sum(double(forward)), expected) << n << " " << levels;
      EXPECT_EQ(world().sum(double(both)), 2 * expected) << n << " " << levels;
    }
}

// Without levels and margins it is the FNO; patches in pieces are the patches.
TEST(PatchedFno, IsTheFnoWithoutPatches) {
  const json options = with(base(2), {{"positional_embedding", "none"}});
  const auto plain = make_operator<double>("fno", options, 3);
  const auto op = make(with(options, {{"levels", 0}, {"padding", 0}}));
  const Variable<double> x(random_field<double>({2, 8, 8, 1}, 1));
  EXPECT_EQ(op.forward(x).value().to_vector(), plain->forward(x).value().to_vector());
  EXPECT_EQ(count(op.parameters()), count(plain->parameters()));
  const json two = with(base(2), {{"levels", 1}});
  const auto pieces = make(with(two, {{"patch_batch", 1}})).forward(x).value().to_vector(),
             together = make(two).forward(x).value().to_vector();
  for (std::size_t i = 0; i < pieces.size(); ++i)
    EXPECT_NEAR(pieces[i], together[i], 1e-13);
  EXPECT_EQ(PatchedFnoOptions::from_json(two).parameter_count(), count(make(two).parameters()));
}

TEST(PatchedFno, BadInputIsRefused) {
  const auto op = make(with(base(2), {{"levels", 2}}));
  const auto on = [&](const Shape& extents) {
    const Variable<double> x(Tensor<double>::zeros(Box::whole(extents).field(1, 1)));
    op.forward(x);
  };
  expect_error([&] { on({16, 24}); }, {"multiple of 16", "axis 1 has 24", "16 and 32"});
  const auto fine = make(with(base(2), {{"levels", 2}, {"n_modes", {12, 4}}}));
  const Variable<double> x(Tensor<double>::zeros({1, 16, 16, 1}));
  expect_error([&] { fine.forward(x); }, {"exceed the 8 points", "fewer modes"});
  expect_error([&] { make(with(base(2), {{"levels", 4}})); }, {"levels"});
  expect_error([&] { make(with(base(2), {{"coarse", "mean"}})); }, {"lowpass"});
  expect_error([&] { make(with(base(2), {{"levles", 1}})); }, {"unknown option 'levles'"});
}

}  // namespace
