// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Convolutions and norms of a field divided among ranks against those of the whole field.

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <nopal/nn/grid_convolution.hpp>
#include <nopal/nn/layer_norm.hpp>

namespace nopal {
namespace {

using test::part;
using test::random_field;
using test::relative_difference;
using Rules = std::vector<AxisRule>;
constexpr auto zero = BoundaryRule::zero, reflect = BoundaryRule::reflect,
               periodic = BoundaryRule::periodic;

const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}

Shape same(std::int64_t value, int count) {
  Shape result;
  for (int a = 0; a < count; ++a)
    result.push_back(value);
  return result;
}

struct Case {
  Shape extents;
  Rules rules;
  std::int64_t kernel, stride, padding;
};

const std::vector<Case> cases = {
    {{17}, {zero}, 3, 1, 1},
    {{17}, {periodic}, 5, 1, 2},
    {{9, 14}, {zero, zero}, 3, 1, 1},
    {{9, 14}, {periodic, reflect}, 3, 1, 1},
    {{8, 13}, {AxisRule(zero, reflect), AxisRule(reflect, zero)}, 5, 1, 2},
    {{9, 14}, {zero, periodic}, 3, 2, 1},
    {{11, 14}, {reflect, reflect}, 3, 2, 1},
    {{11, 14}, {zero, zero}, 3, 2, 0},
    {{8, 6}, {zero, zero}, 4, 2, 1},
    {{6, 7, 8}, {zero, periodic, reflect}, 3, 1, 1},
    {{6, 7, 8}, {periodic, zero, zero}, 3, 2, 1},
};

// On the grids that the stencil joins: y and all gradients. The adjoint identity follows: gradients
// of the whole field are checked against differences elsewhere.
template <class T>
void check(const Grid& from, const Grid& to, const GridStencil& stencil, const Rules& rules,
           double tolerance, const std::string& what) {
  const std::int64_t batch = 2, in = 3, out = 5;
  const int d = from.dimension();
  const Grid whole_from(from.extents(), rules), whole_to(to.extents(), rules);
  const GridConvolution<T> divided(from, to, stencil), whole(whole_from, whole_to, stencil);
  Shape kernel = stencil.kernel;
  kernel.push_back(in);
  kernel.push_back(out);
  const auto field_of = [&](const Grid& grid, std::int64_t channels, std::uint64_t seed) {
    Shape shape{batch};
    for (int a = 0; a < d; ++a)
      shape.push_back(grid.extents()[a]);
    shape.push_back(channels);
    return random_field<T>(shape, seed);
  };
  const auto x = field_of(from, in, 1), add = field_of(to, out, 2), dy = field_of(to, out, 3);

  const auto run = [&](const GridConvolution<T>& convolution, const Tensor<T>& x_part,
                       const Tensor<T>& add_part, const Tensor<T>& dy_part) {
    const auto vx = Variable<T>::leaf(x_part), va = Variable<T>::leaf(add_part);
    const auto w = Variable<T>::leaf(random_field<T>(kernel, 4));
    const auto b = Variable<T>::leaf(random_field<T>({out}, 5));
    // Inference first: it may overwrite what it adds to.
    const Tensor<T> inferred =
        convolution(Variable<T>(x_part), w, b, Activation::gelu, -1, Variable<T>(add_part.clone()))
            .value();
    Tape<T> tape;
    const Variable<T> y = convolution(vx, w, b, Activation::gelu, -1, va);
    std::vector<Tensor<T>> result{y.value().clone(), inferred};
    tape.backward(y, dy_part.clone());
    for (const auto& leaf : {vx, va, w, b})
      result.push_back(leaf.gradient().clone());
    return result;
  };
  const auto mine = run(divided, part(x, from.box()), part(add, to.box()), part(dy, to.box()));
  const auto all = run(whole, x, add, dy);
  const Communicator& comm = from.comm();
  const char* const names[] = {"y", "inference", "dx", "dadd", "dw", "db"};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i >= 4) comm.sum(mine[i]);
    const Tensor<T> expected = i >= 4 ? all[i] : part(all[i], i == 2 ? from.box() : to.box());
    EXPECT_LT(relative_difference(mine[i], expected, comm), tolerance) << what << " " << names[i];
  }
}

template <class T>
void check_all(double tolerance) {
  for (const Case& c : cases) {
    const int d = c.extents.rank();
    std::ostringstream name;
    name << c.extents << " kernel " << c.kernel << " stride " << c.stride << " pad " << c.padding;
    const Grid grid(c.extents, c.rules, world());
    const GridStencil stencil{same(c.kernel, d), c.stride, same(c.padding, d)};
    if (c.stride == 1) {
      check<T>(grid, grid, stencil, c.rules, tolerance, name.str());
      continue;
    }
    const Grid coarse = grid.coarsen(same(c.padding == 0 ? 1 : 0, d));
    GridStencil back = stencil;
    back.transposed = true;
    for (const Grid& target : {coarse, coarse.agglomerate(4), coarse.agglomerate(1000)}) {
      check<T>(grid, target, stencil, c.rules, tolerance, name.str() + " down");
      check<T>(target, grid, back, c.rules, tolerance, name.str() + " up");
    }
  }
}

TEST(GridConvolution, AgreesWithOneRank) {
  check_all<double>(1e-13);
}

TEST(GridConvolution, AgreesWithOneRankInFloat) {
  check_all<float>(1e-5);
}

TEST(GridConvolution, BytesArePredicted) {
  // A row of 12 points and 4 channels to each neighbour in a division of the first axis only.
  const Rules rules{zero, zero};
  const Grid grid({4 * world().size(), 12}, rules, world(), Shape{world().size(), 1});
  const GridConvolution<float> convolution(grid, grid, {{3, 3}, 1, {1, 1}});
  const int rank = world().rank();
  const int neighbours = (rank > 0 ? 1 : 0) + (rank + 1 < world().size() ? 1 : 0);
  EXPECT_EQ(convolution.bytes_sent(2, 4), neighbours * 2 * 12 * 4 * 4);
}

TEST(GridConvolution, TooFewPointsToReflect) {
  const Rules rules{reflect};
  const Grid grid(Shape{world().size()}, rules, world());
  test::expect_error([&] { GridConvolution<float>(grid, grid, {{9}, 1, {4}}); }, {"reflect"});
}

template <class T>
void check_norm(double tolerance) {
  const Rules rules{zero, periodic};
  const Shape extents{7, 10};
  const Grid grid(extents, rules, world());
  const auto x = random_field<T>({2, 7, 10, 3}, 1), dy = random_field<T>({2, 7, 10, 3}, 2);
  for (const Shape& affine : {Shape{}, Shape{3}, Shape{7, 10, 3}}) {
    const auto run = [&](const Tensor<T>& px, const Tensor<T>& pdy, const Grid* on) {
      const auto vx = Variable<T>::leaf(px);
      Variable<T> scale, shift;
      if (affine.rank() > 0) {
        scale = Variable<T>::leaf(random_field<T>(affine, 3));
        shift = Variable<T>::leaf(random_field<T>(affine, 4));
      }
      Tape<T> tape;
      const Variable<T> y = on ? layer_norm(vx, scale, shift, *on) : layer_norm(vx, scale, shift);
      std::vector<Tensor<T>> result{y.value().clone()};
      tape.backward(y, pdy.clone());
      result.push_back(vx.gradient());
      if (affine.rank() > 0) {
        result.push_back(scale.gradient());
        result.push_back(shift.gradient());
      }
      return result;
    };
    const auto mine = run(part(x, grid.box()), part(dy, grid.box()), &grid);
    const auto all = run(x, dy, nullptr);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i >= 2) world().sum(mine[i]);
      EXPECT_LT(relative_difference(mine[i], i >= 2 ? all[i] : part(all[i], grid.box()), world()),
                tolerance)
          << affine << " " << i;
    }
  }
}

TEST(LayerNorm, AgreesWithOneRank) {
  check_norm<double>(1e-13);
  check_norm<float>(1e-5);
}

}  // namespace
}  // namespace nopal
