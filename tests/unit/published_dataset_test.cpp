// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The layouts of published data, in small files that other programs wrote; entries are kind + 0.1 *
// first index + 0.01 * second index + ..., see tests/data/published/make_published.py.

#include "test_tools.hpp"

#include <nopal/data/frame_windows.hpp>
#include <nopal/data/published_dataset.hpp>

#include <cmath>
#include <functional>

namespace {

using namespace nopal;

const std::string folder = NOPAL_TEST_DATA "/published/";

double value(double kind, std::initializer_list<std::int64_t> index) {
  double factor = 0.1;
  for (const std::int64_t i : index) {
    kind += factor * double(i % 10);
    factor /= 10;
  }
  return kind;
}

PublishedOptions frames(std::int64_t input, std::int64_t output = 0, std::int64_t stride = 1) {
  PublishedOptions o;
  o.input_frames = input;
  o.output_frames = output;
  o.time_stride = stride;
  return o;
}

// All samples, x(n, i, j, c) and y(n, i, j, c) as these functions say.
using Entry = std::function<double(std::int64_t n, std::int64_t i, std::int64_t j, std::int64_t c)>;
void expect(const PublishedDataset<double>& data, const Shape& x_shape, const Shape& y_shape,
            std::int64_t samples, const Entry& x, const Entry& y, double tolerance = 1e-6) {
  ASSERT_EQ(data.size(), samples);
  ASSERT_EQ(data.x_shape(), x_shape);
  ASSERT_EQ(data.y_shape(), y_shape);
  // Backwards, and then all at once.
  std::vector<std::int64_t> order, all;
  for (std::int64_t n = 0; n < samples; ++n) {
    order.push_back(samples - 1 - n);
    all.push_back(n);
  }
  for (const auto& indices : {order, all}) {
    Shape xs{samples}, ys{samples};
    for (const std::int64_t n : x_shape)
      xs.push_back(n);
    for (const std::int64_t n : y_shape)
      ys.push_back(n);
    const Tensor<double> a(xs), u(ys);
    data.read(indices, a, u);
    for (const auto& [field, entry] : {std::pair(a, x), std::pair(u, y)}) {
      const Shape s = field.shape();
      const std::int64_t channels = s[-1], n1 = s[1], n2 = s.rank() > 3 ? s[2] : 1;
      const std::vector<double> values = field.to_vector();
      std::size_t at = 0;
      for (const std::int64_t n : indices)
        for (std::int64_t i = 0; i < n1; ++i)
          for (std::int64_t j = 0; j < n2; ++j)
            for (std::int64_t c = 0; c < channels; ++c)
              ASSERT_NEAR(values[at++], entry(n, i, j, c), tolerance)
                  << data.description() << " " << n << " " << i << " " << j << " " << c;
    }
  }
}

TEST(PublishedDataset, IsDarcyOfFno) {
  for (const char* name : {"fno_darcy_v7.mat", "fno_darcy_v6.mat"}) {
    const PublishedDataset<double> data(folder + name);
    EXPECT_EQ(data.layout(), "FNO");
    expect(
        data, {5, 4, 1}, {5, 4, 1}, 3,
        [](auto n, auto i, auto j, auto) {
          return value(1, {n, i, j});
        },
        [](auto n, auto i, auto j, auto) {
          return value(2, {n, i, j});
        });
    PublishedOptions coarse;
    coarse.space_stride = 2;
    expect(
        PublishedDataset<double>(folder + name, coarse), {3, 2, 1}, {3, 2, 1}, 3,
        [](auto n, auto i, auto j, auto) {
          return value(1, {n, 2 * i, 2 * j});
        },
        [](auto n, auto i, auto j, auto) {
          return value(2, {n, 2 * i, 2 * j});
        });
  }
}

TEST(PublishedDataset, IsNavierStokesOfFno) {
  const std::string path = folder + "fno_navier_stokes_v73.mat";
  // From a to all frames of u, or from the first frames of u to the others.
  expect(
      PublishedDataset<double>(path), {4, 5, 1}, {4, 5, 6}, 3,
      [](auto n, auto i, auto j, auto) {
        return value(1, {n, i, j});
      },
      [](auto n, auto i, auto j, auto c) {
        return value(2, {n, i, j, c});
      });
  expect(
      PublishedDataset<double>(path, frames(2, 2)), {4, 5, 2}, {4, 5, 2}, 3,
      [](auto n, auto i, auto j, auto c) {
        return value(2, {n, i, j, c});
      },
      [](auto n, auto i, auto j, auto c) {
        return value(2, {n, i, j, c + 2});
      });
}

TEST(PublishedDataset, IsPdebench) {
  const PublishedDataset<double> darcy(folder + "pdebench_darcy.hdf5");
  EXPECT_EQ(darcy.layout(), "PDEBench");
  EXPECT_EQ(darcy.attributes().at("domain"), "0.125 0.875 0.1 0.9");
  EXPECT_EQ(darcy.attributes().at("beta"), "1");
  EXPECT_EQ(darcy.attributes().at("x_channels"), "nu");
  expect(
      darcy, {4, 5, 1}, {4, 5, 1}, 3,
      [](auto n, auto i, auto j, auto) {
        return value(1, {n, i, j});
      },
      [](auto n, auto i, auto j, auto) {
        return value(2, {n, 0, i, j});
      });
  // Every other of 6 frames: 0, then 2 and 4.
  const PublishedDataset<double> waves(folder + "pdebench_1d.hdf5", frames(1, 0, 2));
  EXPECT_EQ(waves.attributes().at("domain"), "0 0.875");
  EXPECT_EQ(waves.attributes().at("y_channels"), "u@2 u@4");
  expect(
      waves, {8, 1}, {8, 2}, 4,
      [](auto n, auto i, auto, auto) {
        return value(1, {n, 0, i});
      },
      [](auto n, auto i, auto, auto c) {
        return value(1, {n, 2 * c + 2, i});
      });
  // density, pressure, Vx, Vy are of kinds 2, 3, 0, 1.
  const double kinds[] = {2, 3, 0, 1};
  const PublishedDataset<double> flow(folder + "pdebench_cfd.hdf5", frames(2, 1));
  EXPECT_EQ(flow.attributes().at("y_channels"), "density@2 pressure@2 Vx@2 Vy@2");
  expect(
      flow, {4, 6, 8}, {4, 6, 4}, 3,
      [&](auto n, auto i, auto j, auto c) {
        return value(kinds[c % 4], {n, c / 4, i, j});
      },
      [&](auto n, auto i, auto j, auto c) {
        return value(kinds[c % 4], {n, 2 + c / 4, i, j});
      });
  // Two velocities, particles, and the constant force last in x.
  expect(
      PublishedDataset<double>(folder + "pdebench_incompressible.h5", frames(1, 2)), {4, 4, 5},
      {4, 4, 6}, 2,
      [](auto n, auto i, auto j, auto c) {
        return c < 2   ? value(1, {n, 0, i, j, c})
               : c < 3 ? value(2, {n, 0, i, j, 0})
                       : value(3, {n, i, j, c - 3});
      },
      [](auto n, auto i, auto j, auto c) {
        const auto t = 1 + c / 3, v = c % 3;
        return v < 2 ? value(1, {n, t, i, j, v}) : value(2, {n, t, i, j, 0});
      });
  const PublishedDataset<double> groups(folder + "pdebench_groups.h5", frames(1, 1, 4));
  EXPECT_EQ(groups.attributes().at("domain"), "-1 1 -2 2");
  expect(
      groups, {4, 6, 2}, {4, 6, 2}, 3,
      [](auto n, auto i, auto j, auto c) {
        return value(double(n), {0, i, j, c});
      },
      [](auto n, auto i, auto j, auto c) {
        return value(double(n), {4, i, j, c});
      });
}

TEST(PublishedDataset, IsTheWell) {
  const PublishedDataset<double> data(folder + "the_well.hdf5", frames(2, 1));
  EXPECT_EQ(data.layout(), "The Well");
  EXPECT_EQ(data.attributes().at("problem"), "a_small_one");
  EXPECT_EQ(data.attributes().at("domain"), "0 1 0 2");
  // A frame: pressure, 2 velocities, 4 stresses; then depth, and the profile along y of all
  // samples.
  const auto frame = [](auto n, auto t, auto i, auto j, auto v) {
    return v < 1   ? value(1, {n, t, i, j})
           : v < 3 ? value(4, {n, t, i, j, v - 1})
                   : value(5, {n, t, i, j, (v - 3) / 2, (v - 3) % 2});
  };
  expect(
      data, {3, 4, 16}, {3, 4, 7}, 2,
      [&](auto n, auto i, auto j, auto c) {
        if (c < 14) return frame(n, c / 7, i, j, c % 7);
        return c == 14 ? value(2, {n, i, j}) : value(3, {j});
      },
      [&](auto n, auto i, auto j, auto c) { return frame(n, std::int64_t(2), i, j, c); });
}

TEST(PublishedDataset, IsPairsOfArrays) {
  expect(
      PublishedDataset<double>(folder + "stored.npz"), {3, 5, 1}, {3, 5, 1}, 4,
      [](auto n, auto i, auto j, auto) {
        return value(1, {n, i, j});
      },
      [](auto n, auto i, auto j, auto) {
        return value(2, {n, i, j});
      });
  PublishedOptions named;
  named.x_array = "inputs";
  named.y_array = "outputs";
  expect(
      PublishedDataset<double>(folder + "fields.npz", named), {6, 1}, {6, 1}, 4,
      [](auto n, auto i, auto, auto) {
        return value(1, {n, i});
      },
      [](auto n, auto i, auto, auto) {
        return value(2, {n, i});
      });
  // With one axis of space the second of three is that of channels, or the last.
  PublishedOptions channels;
  channels.x_array = channels.y_array = "x";
  channels.dimension = 1;
  channels.channels_first = true;
  expect(
      PublishedDataset<double>(folder + "stored.npz", channels), {5, 3}, {5, 3}, 4,
      [](auto n, auto i, auto, auto c) {
        return value(1, {n, c, i});
      },
      [](auto n, auto i, auto, auto c) {
        return value(1, {n, c, i});
      });
}

// Frames as FrameWindows wants them: windows of a long series, constants last.
TEST(PublishedDataset, GivesSequencesForWindows) {
  const auto data =
      std::make_shared<PublishedDataset<double>>(folder + "pdebench_incompressible.h5", frames(1));
  const FrameWindows<double> windows(data,
                                     {.variables = 3, .constants = 2, .frames = 2, .steps = 1});
  EXPECT_EQ(windows.windows(), 3);
  EXPECT_EQ(windows.x_shape(), (Shape{4, 4, 8}));
  const Tensor<double> x({1, 4, 4, 8}), y({1, 4, 4, 3});
  const std::int64_t index = 4;  // sample 1, frames 1, 2 and 3
  windows.read(std::span(&index, 1), x, y);
  const auto xs = x.to_vector(), ys = y.to_vector();
  EXPECT_NEAR(xs[0], value(1, {1, 1, 0, 0, 0}), 1e-6);
  EXPECT_NEAR(xs[3], value(1, {1, 2, 0, 0, 0}), 1e-6);
  EXPECT_NEAR(xs[7], value(3, {1, 0, 0, 1}), 1e-6);
  EXPECT_NEAR(ys[1], value(1, {1, 3, 0, 0, 1}), 1e-6);
}

TEST(PublishedDataset, SaysWhatDoesNotFit) {
  test::expect_error([] { PublishedDataset<float>(folder + "fields.npz"); },
                     {"fields.npz", "-x_array", "inputs (4, 6)"});
  test::expect_error([] { PublishedDataset<float>(folder + "pdebench_1d.hdf5", frames(3, 4)); },
                     {"6 frames", "3 in the input", "4 in the output"});
  test::expect_error([] { PublishedDataset<float>(folder + "pdebench_1d.hdf5", frames(1, 0, 9)); },
                     {"1 frames", "every 9"});
  test::expect_error([] { PublishedDataset<float>(folder + "pdebench_1d.hdf5", frames(1, 0, 0)); },
                     {"time_stride", "0"});
  PublishedOptions o;
  o.x_array = "inputs";
  test::expect_error([&] { PublishedDataset<float>(folder + "fields.npz", o); }, {"both arrays"});
  o.y_array = "output";
  test::expect_error([&] { PublishedDataset<float>(folder + "fields.npz", o); },
                     {"output", "outputs"});
  o.y_array = "outputs";
  o.dimension = 3;
  test::expect_error([&] { PublishedDataset<float>(folder + "fields.npz", o); },
                     {"(4, 6)", "3 dimensions"});
  o.dimension = 0;
  o.input_frames = 2;
  test::expect_error([&] { PublishedDataset<float>(folder + "fields.npz", o); },
                     {"no axis of time", "input_frames"});
  // (6, 8) and (6, 8, 3): one axis of space, or two?
  test::expect_error([] { PublishedDataset<float>(folder + "unclear.npz"); },
                     {"x has 1 axes of space", "others have 2", "-dimension"});
  PublishedOptions line;
  line.dimension = 1;
  EXPECT_EQ(PublishedDataset<float>(folder + "unclear.npz", line).y_shape(), (Shape{8, 3}));
  // Numbers that a float cannot hold.
  const PublishedDataset<double> data(folder + "stored.npz");
  const Tensor<double> x({1, 3, 5, 1}), wrong({1, 3, 4, 1});
  const std::int64_t first = 0, beyond = 4;
  test::expect_error([&] { data.read(std::span(&first, 1), x, wrong); }, {"(1, 3, 4, 1)"});
  test::expect_error([&] { data.read(std::span(&beyond, 1), x, x); }, {"sample 4"});
}

}  // namespace
