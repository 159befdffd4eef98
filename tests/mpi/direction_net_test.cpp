// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The direction network on a field divided among ranks against the whole field: output and every
// gradient.

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <nopal/nn/bfloat16.hpp>
#include <nopal/operators/direction_net.hpp>

#include <nlohmann/json.hpp>

namespace nopal {
namespace {

using nlohmann::json;
using test::output_and_gradients;
using test::part;
using test::random_field;
using test::relative_difference;

const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}

// The first axis among ranks, uneven, the last of them without points; or a process grid.
Grid divided(const Shape& extents, std::int64_t multiple, bool uneven) {
  std::vector<std::vector<std::int64_t>> counts;
  const std::int64_t blocks = extents[0] / multiple;
  auto& first = counts.emplace_back();
  const int owners = uneven && world().size() > 2 ? world().size() - 1 : world().size();
  for (int r = 0; r < world().size(); ++r)
    first.push_back(r < owners ? multiple * slab(blocks, r, owners).count : 0);
  for (int a = 1; a < extents.rank(); ++a)
    counts.push_back({extents[a]});
  return Grid(extents, {}, world(), counts);
}

template <class T>
void check(double tolerance) {
  for (const json& options : {json{{"dimension", 3}}, json{{"dimension", 2}},
                              json{{"dimension", 2}, {"levels", 2}, {"mask", true}},
                              json{{"dimension", 2}, {"levels", 9}, {"share_levels", true}}})
    for (const bool uneven : {false, true}) {
      json configuration = options;
      configuration["filters"] = 4;
      const DirectionNet<T> net(DirectionNetOptions::from_json(configuration), 7);
      for (const Parameter<T>* p : net.parameters())
        if (p->value().rank() == 1) fill_normal(p->value(), 0, 0.1, Random(p->value().size()));
      const bool plane = configuration["dimension"] == 2;
      const Shape extents = plane ? Shape{20, 12} : Shape{12, 4, 6};
      const Shape shape =
          plane ? Shape{2, 20, 12, options.contains("mask") ? 2 : 1} : Shape{1, 12, 4, 6, 1};
      const auto x = random_field<T>(shape, 1), dy = random_field<T>(shape.with(-1, 1), 2);
      const Grid grid = divided(extents, options.contains("levels") ? 4 : 2, uneven),
                 whole(extents);
      const auto mine = output_and_gradients(net, part(x, grid.box()), part(dy, grid.box()), grid);
      const auto all = output_and_gradients(net, x, dy, whole);
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (i >= 2) world().sum(mine[i]);
        EXPECT_LT(relative_difference(mine[i], i >= 2 ? all[i] : part(all[i], grid.box()), world()),
                  tolerance)
            << configuration << " "
            << (i >= 2 ? net.parameters()[i - 2]->name
                : i    ? "dx"
                       : "y");
      }
    }
}

TEST(DividedDirectionNet, AgreesWithOneRank) {
  check<double>(1e-12);
}

TEST(DividedDirectionNet, AgreesWithOneRankInFloat) {
  check<float>(2e-5);
}

TEST(DividedDirectionNet, AgreesWithOneRankInBfloat16) {
  if (!has_bfloat16()) GTEST_SKIP() << "no bfloat16 on this machine";
  for (const bool plane : {true, false})
    for (const bool uneven : {false, true}) {
      DirectionNetOptions options;
      options.dimension = plane ? 2 : 3;
      options.filters = 6;
      options.levels = plane ? 2 : 1;
      DirectionNet<float> net(options, 7);
      net.store_in_bfloat16();
      for (const Parameter<float>* p : net.parameters())
        if (p->value().rank() == 1) fill_normal(p->value(), 0, 0.1, Random(p->value().size()));
      const auto x = random_field<float>(plane ? Shape{2, 20, 12, 1} : Shape{1, 12, 4, 6, 1}, 1);
      const Shape extents(x.shape().begin() + 1, x.shape().end() - 1);
      const Grid grid = divided(extents, plane ? 4 : 2, uneven);
      const Variable<float> mine(part(x, grid.box())), all(x);
      const auto y = net.forward(std::span(&mine, 1), grid).value();
      const auto whole = net.forward(std::span(&all, 1)).value();
      EXPECT_LT(relative_difference(y, part(whole, grid.box()), world()), 1e-6) << plane << uneven;
    }
}

TEST(DividedDirectionNet, OddBoxesAreRefused) {
  if (world().size() == 1) return;
  const DirectionNet<float> net(DirectionNetOptions{.dimension = 2, .filters = 2});
  std::vector<std::vector<std::int64_t>> counts{{}, {4}};
  for (int r = 0; r < world().size(); ++r)
    counts[0].push_back(r == 0 ? 3 : r == 1 ? 5 : 4);
  std::int64_t rows = 0;
  for (const std::int64_t n : counts[0])
    rows += n;
  const Grid grid({rows, 4}, {}, world(), counts);
  const auto x = random_field<float>(grid.box().field(1, 1), 1);
  const Variable<float> v(x);
  test::expect_error([&] { net.forward(std::span(&v, 1), grid); }, {"multiple"});
}

}  // namespace
}  // namespace nopal
