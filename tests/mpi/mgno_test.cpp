// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The multigrid neural operator on a field divided among ranks against the whole field: output and
// every gradient.

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <nopal/operators/mgno.hpp>

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

const std::vector<json>& configurations() {
  static const std::vector<json> list{
      {{"pre", {1, 1, 1, 2}}, {"post", {0, 1, 0, 0}}},
      {{"pre", {1, 1, 2}}, {"boundary", {"periodic"}}, {"cycle", "w"}, {"bias", true}},
      {{"pre", {1, 1, 1}}, {"boundary", {"reflect", "zero"}}, {"restriction", "residual"}},
      {{"pre", {1, 1, 1}},
       {"boundary", {"zero", "reflect", "periodic", "periodic"}},
       {"cycle_norm", "layer_norm"},
       {"layer_norm", "layer_norm"},
       {"norm_grid", {23, 18}}},
      {{"pre", {1, 1, 1}},
       {"transfer_padding", 0},
       {"prolongation_kernel", {3, 4}},
       {"growing_channels", true},
       {"head", "cycle"}},
  };
  return list;
}

template <class T>
void check(double tolerance) {
  for (json configuration : configurations()) {
    configuration["channels"] = 4;
    configuration["n_layers"] = 2;
    const Mgno<T> mgno(MgnoOptions::from_json(configuration), 7);
    const Shape extents{23, 18};
    const auto x = random_field<T>({2, 23, 18, 1}, 1), dy = random_field<T>({2, 23, 18, 1}, 2);
    const Grid grid(extents, mgno.grid_rules(), world()), whole(extents, mgno.grid_rules());
    const auto mine = output_and_gradients(mgno, part(x, grid.box()), part(dy, grid.box()), grid);
    const auto all = output_and_gradients(mgno, x, dy, whole);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i >= 2) world().sum(mine[i]);
      EXPECT_LT(relative_difference(mine[i], i >= 2 ? all[i] : part(all[i], grid.box()), world()),
                tolerance)
          << configuration << " "
          << (i >= 2 ? mgno.parameters()[i - 2]->name
              : i    ? "dx"
                     : "y");
    }
  }
}

TEST(DividedMgno, AgreesWithOneRank) {
  check<double>(1e-12);
}

TEST(DividedMgno, AgreesWithOneRankInFloat) {
  check<float>(1e-5);
}

TEST(DividedMgno, OtherRulesAreRefused) {
  const Mgno<float> mgno(MgnoOptions::from_json({{"pre", {1, 1}}}));
  const Grid grid({12, 12}, {BoundaryRule::periodic, BoundaryRule::periodic}, world());
  const Variable<float> x(random_field<float>(grid.box().field(1, 1), 1));
  test::expect_error([&] { mgno.forward(std::span(&x, 1), grid); }, {"boundary rules"});
}

}  // namespace
}  // namespace nopal
