// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Losses and errors of fields that are divided among ranks against those of whole fields.

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <nopal/train/losses.hpp>

namespace nopal {
namespace {

using test::part;
using test::random_field;
using test::relative_difference;

const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}

// Boxes that are narrower than the differences reach, uneven ones, and axes that are not divided.
std::vector<Grid> grids() {
  const int ranks = world().size();
  std::vector<std::vector<std::int64_t>> uneven{{}, {9}};
  for (int r = 0; r < ranks; ++r)
    uneven[0].push_back(r == 0 ? 1 : 5);
  std::int64_t points = 0;
  for (const std::int64_t n : uneven[0])
    points += n;
  std::vector<Grid> list{Grid({48}, {}, world()),
                         Grid({5, 7}, {}, world()),
                         Grid({23, 18}, {BoundaryRule::reflect, BoundaryRule::zero}, world()),
                         Grid({6, 5, 8}, {}, world()),
                         Grid({9, 8}, {}, world(), {1, ranks}),
                         Grid({9, 8}, {}, world(), {ranks, 1})};
  if (ranks > 1) {
    list.push_back(Grid({points, 9}, {}, world(), uneven));
    std::vector<std::vector<std::int64_t>> empty{{}, {7}};  // the last rank has no points
    for (int r = 0; r < ranks; ++r)
      empty[0].push_back(r == ranks - 1 ? 0 : 4);
    list.push_back(Grid({4 * (ranks - 1), 7}, {}, world(), empty));
  }
  return list;
}

Shape field_shape(const Grid& grid, std::int64_t batch, std::int64_t channels) {
  Shape shape{batch};
  for (const std::int64_t n : grid.extents())
    shape.push_back(n);
  shape.push_back(channels);
  return shape;
}

template <class T>
void check(double tolerance) {
  for (const Grid& grid : grids())
    for (const std::int64_t channels : {1, 2})
      for (const std::string& name : loss_names())
        for (const Boundary boundary : {Boundary::periodic, Boundary::one_sided}) {
          const Shape shape = field_shape(grid, 3, channels);
          const auto p = random_field<T>(shape, 1), y = random_field<T>(shape, 2);
          const auto run = [&](const Tensor<T>& prediction, const Tensor<T>& target,
                               const Grid& where) {
            const auto leaf = Variable<T>::leaf(prediction);
            Tape<T> tape;
            const Variable<T> loss = make_loss<T>(name, boundary, where)(leaf, target, 4);
            tape.backward(loss);
            return std::pair(loss.value().item(), leaf.gradient());
          };
          const auto whole = run(p, y, Grid(grid.extents()));
          const auto mine = run(part(p, grid.box()), part(y, grid.box()), grid);
          EXPECT_NEAR(world().sum(static_cast<double>(mine.first)), whole.first,
                      tolerance * whole.first)
              << name << grid.extents();
          EXPECT_LT(relative_difference(mine.second, part(whole.second, grid.box()), world()),
                    tolerance)
              << name << grid.extents();
        }
}

TEST(DividedLosses, AgreeWithWholeFields) {
  check<double>(1e-12);
}

TEST(DividedLosses, AgreeWithWholeFieldsInFloat) {
  check<float>(1e-5);
}

TEST(DividedLosses, ErrorsAgreeWithWholeFields) {
  for (const Grid& grid : grids()) {
    const Shape shape = field_shape(grid, 3, 2);
    const auto p = random_field<double>(shape, 1), y = random_field<double>(shape, 2);
    for (const auto& norm : {FieldNorm<double>::l2(), FieldNorm<double>::h1(Boundary::one_sided),
                             FieldNorm<double>::h1_fourier()}) {
      const auto whole = relative_errors(p, y, norm);
      const auto mine = relative_errors(part(p, grid.box()), part(y, grid.box()), norm.on(grid));
      for (std::size_t b = 0; b < 3; ++b)
        EXPECT_NEAR(mine[b], whole[b], 1e-12);
    }
  }
}

TEST(DividedLosses, FewPointsAreRefusedEverywhere) {
  if (world().size() > 3) return;
  const Grid grid({3, 8}, {}, world());
  const auto y = part(random_field<double>({1, 3, 8, 1}, 1), grid.box());
  test::expect_error([&] { make_loss<double>("h1", Boundary::one_sided, grid)(y, y, 1); },
                     {"at least 4 points"});
}

}  // namespace
}  // namespace nopal
