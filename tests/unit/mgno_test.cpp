// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "allocation_counter.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/operators/mgno.hpp>
#include <nopal/operators/model.hpp>

#include <nlohmann/json.hpp>

#include <cmath>

namespace nopal {
namespace {

using nlohmann::json;

template <class T>
Tensor<T> random(const Shape& shape, std::uint64_t seed) {
  Tensor<T> x(shape);
  fill_normal(x, 0, 1, Random(seed));
  return x;
}

// Small operators that differ in one thing each.
const std::vector<json>& variants() {
  static const std::vector<json> list = [] {
    const json base{{"channels", 3}, {"n_layers", 2}, {"pre", {1, 1, 2}}, {"post", {0, 1, 0}}};
    std::vector<json> result{base};
    for (const json& change : std::initializer_list<json>{
             {{"cycle", "w"}},
             {{"restriction", "residual"}},
             {{"restriction", "residual"}, {"cycle", "w"}, {"sharing", "operator"}},
             {{"sharing", "operator"}, {"bias", true}},
             {{"sharing", "smoother"}, {"first_operator", true}, {"bias", true}},
             {{"boundary", {"reflect"}}, {"bias", true}, {"first_operator", true}},
             {{"boundary", {"periodic"}}},
             {{"boundary", {"periodic", "reflect"}}, {"cycle_norm", "layer_norm"}},
             {{"boundary", {"zero", "reflect", "periodic", "periodic"}},
              {"layer_norm", "layer_norm"}},
             {{"growing_channels", true}, {"head", "cycle"}},
             {{"transfer_padding", 0}, {"prolongation_kernel", {3, 4}}},
             {{"kernel", 5}, {"prolongation_kernel", {2}}, {"skip", "none"}},
             {{"global_skip", true}, {"non_linearity", "tanh"}},
             {{"cycle_norm", "layer_norm"}, {"norm_grid", {11, 14}}},
             {{"layer_norm", "layer_norm"},
              {"norm_grid", {11, 14}},
              {"in_channels", 2},
              {"out_channels", 3}}}) {
      json one = base;
      one.update(change);
      result.push_back(one);
    }
    return result;
  }();
  return list;
}

Shape field(const json& configuration) {
  return {2, 11, 14, configuration.value("in_channels", 1)};
}

TEST(Mgno, PublishedParameterCounts) {
  const std::pair<const char*, std::int64_t> counts[] = {{"darcy_rough", 572661},
                                                         {"darcy_smooth", 678093},
                                                         {"pipe", 783876},
                                                         {"navier_stokes", 2885194},
                                                         {"helmholtz", 5351806}};
  for (const auto& [preset, expected] : counts) {
    const auto mgno = make_operator<float>("mgno", {{"preset", preset}});
    EXPECT_EQ(count(mgno->parameters()), expected) << preset;
    EXPECT_EQ(MgnoOptions::from_json({{"preset", preset}}).parameter_count(), expected) << preset;
  }
}

TEST(Mgno, PublishedLevels) {
  const auto levels = [](const char* preset, std::int64_t n) {
    return MgnoOptions::from_json({{"preset", preset}}).cycle_options(1, 1).extents(n);
  };
  using List = std::vector<std::int64_t>;
  EXPECT_EQ(levels("darcy_smooth", 211), (List{211, 106, 53, 27, 14, 7}));
  EXPECT_EQ(levels("helmholtz", 101), (List{101, 50, 24, 11, 5}));
  EXPECT_EQ(levels("darcy_rough", 256), (List{256, 128, 64, 32, 16, 8}));
}

TEST(Mgno, CountsAndConfigurationRoundTrip) {
  for (const json& configuration : variants()) {
    const auto mgno = make_operator<float>("mgno", configuration);
    EXPECT_EQ(static_cast<double>(count(mgno->parameters())),
              MgnoOptions::from_json(configuration).parameter_count())
        << configuration;
    EXPECT_EQ(make_operator<float>("mgno", mgno->configuration())->configuration(),
              mgno->configuration());
    const Shape x = field(configuration);
    EXPECT_EQ(mgno->forward(Variable<float>(random<float>(x, 1))).shape(),
              x.with(-1, configuration.value("out_channels", 1)));
  }
}

TEST(Mgno, Gradients) {
  for (const json& configuration : variants()) {
    const auto mgno = make_operator<double>("mgno", configuration, 3);
    const auto x = Variable<double>::leaf(random<double>(field(configuration), 1));
    std::vector<Variable<double>> leaves{x};
    for (const Parameter<double>* p : mgno->parameters())
      leaves.push_back(p->variable);
    const auto check = check_gradient([&] { return mgno->forward(x); }, leaves, 1);
    EXPECT_LT(check.error, 1e-6) << configuration << " " << check.where;
  }
}

TEST(Mgno, OneAndThreeDimensions) {
  for (const std::int64_t d : {1, 3}) {
    const json configuration{{"dimension", d}, {"channels", 2}, {"n_layers", 1}, {"pre", {1, 1}}};
    const auto mgno = make_operator<double>("mgno", configuration, 3);
    const auto x =
        Variable<double>::leaf(random<double>(d == 1 ? Shape{2, 9, 1} : Shape{1, 5, 4, 6, 1}, 1));
    std::vector<Variable<double>> leaves{x};
    for (const Parameter<double>* p : mgno->parameters())
      leaves.push_back(p->variable);
    const auto check = check_gradient([&] { return mgno->forward(x); }, leaves, 1);
    EXPECT_LT(check.error, 1e-6) << d << " " << check.where;
  }
}

// Without activations, biases and norms the operator is a sum of cycles: linear to rounding.
TEST(Mgno, LinearWithoutBiasAndNorm) {
  for (json configuration : variants()) {
    if (configuration.value("bias", false) || configuration.contains("cycle_norm") ||
        configuration.contains("layer_norm"))
      continue;
    configuration["non_linearity"] = "identity";
    configuration["skip"] = "none";
    const auto mgno = make_operator<double>("mgno", configuration, 3);
    const auto map = [&](const Tensor<double>& x) {
      return mgno->forward(Variable<double>(x)).value();
    };
    const auto a = random<double>(field(configuration), 1);
    const auto b = random<double>(field(configuration), 2);
    Tensor<double> both = a.clone();
    scale(2.5, both);
    axpy(-1.5, b, both);
    const Tensor<double> y = map(both), ya = map(a), yb = map(b);
    axpy(-2.5, ya, y);
    axpy(1.5, yb, y);
    EXPECT_LT(std::sqrt(dot(y, y)), 1e-13 * (std::sqrt(dot(ya, ya)) + std::sqrt(dot(yb, yb))))
        << configuration;
  }
}

// A cycle with periodic rules commutes with a shift by a point of the coarsest grid; the authors'
// prolongation, with zeros beyond the domain, does not.
TEST(Mgno, PeriodicShift) {
  const auto mgno = make_operator<double>(
      "mgno", {{"boundary", {"periodic"}}, {"channels", 3}, {"n_layers", 2}, {"pre", {1, 1, 2}}},
      3);
  const std::int64_t n1 = 16, n2 = 12, shift = 4;
  const auto x = random<double>({1, n1, n2, 1}, 1);
  const auto shifted = [&](const std::vector<double>& v) {
    std::vector<double> result(v.size());
    for (std::int64_t i = 0; i < n1; ++i)
      for (std::int64_t j = 0; j < n2; ++j)
        result[static_cast<std::size_t>((i + shift) % n1 * n2 + (j + shift) % n2)] =
            v[static_cast<std::size_t>(i * n2 + j)];
    return result;
  };
  const auto y = shifted(mgno->forward(Variable<double>(x)).value().to_vector());
  const auto of_shifted =
      mgno->forward(Variable<double>(Tensor<double>::from_host(x.shape(), shifted(x.to_vector()))))
          .value()
          .to_vector();
  for (std::size_t i = 0; i < y.size(); ++i)
    ASSERT_NEAR(of_shifted[i], y[i], 1e-12) << i;
}

// Weights are stencils of one spacing: other grids are possible, and not silently.
TEST(Mgno, OtherSpacingsAreWarnedOf) {
  std::vector<std::string> lines;
  const LogSink before = set_log_sink([&](const std::string& line) { lines.push_back(line); });
  Model<float> trained(make_operator<float>("mgno", {{"pre", {1, 1}}, {"channels", 2}}));
  trained.predict(random<float>({1, 12, 8, 1}, 1));  // not known: nothing to say
  trained.set_training_grid({16, 8});
  const auto model = Model<float>::from_file(trained.to_file(), "m");
  EXPECT_EQ(model.training_grid(), (Shape{16, 8}));
  model.predict(random<float>({3, 16, 8, 1}, 1));
  EXPECT_TRUE(lines.empty());
  model.predict(random<float>({1, 32, 8, 1}, 1));
  model.predict(random<float>({2, 32, 8, 1}, 1));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("grids of 16 x 8 points"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("one of 32 x 8 points"), std::string::npos) << lines[0];
  // Fourier layers know no spacing.
  Model<float> fno(make_operator<float>("fno", {{"n_modes", {4, 4}}, {"hidden_channels", 2}}));
  fno.set_training_grid({16, 8});
  fno.predict(random<float>({1, 32, 8, 1}, 1));
  EXPECT_EQ(lines.size(), 1u);
  set_log_sink(before);
  // Damage is not trusted.
  for (const char* text : {"", "x", "64 x", "0 x 3", "-4", "6e3", "1 x 2 x 3 x 4", "64 y 64"}) {
    SafetensorsFile file = trained.to_file();
    file.metadata["training_grid"] = text;
    EXPECT_EQ(Model<float>::from_file(file, "m").training_grid(), Shape()) << text;
  }
}

TEST(Mgno, InferenceAllocatesNothing) {
  const auto mgno = make_operator<float>("mgno", {{"pre", {1, 1, 2}}, {"channels", 8}});
  const Variable<float> x(random<float>({1, 33, 20, 1}, 1));
  const auto run = [&] { mgno->forward(x); };
  run();
  run();
  const long before = allocations;
  run();
  EXPECT_TRUE(allocations == before || launches_allocate);
}

TEST(Mgno, CostCountsTheProducts) {
  // One level: S, then A and S; a skip and a head.
  const auto mgno =
      make_operator<float>("mgno", {{"pre", {2}}, {"channels", 4}, {"n_layers", 1}, {"kernel", 1}});
  const Shape x{3, 8, 5, 1};
  EXPECT_EQ(mgno->cost(std::span(&x, 1)).flops, 2.0 * 120 * (4 + 4 + 4 + 4 + 4));
}

TEST(Mgno, ErrorsSayWhatIsWrong) {
  using test::expect_error;
  const auto make = [](const json& configuration) {
    return [=] { make_operator<float>("mgno", configuration); };
  };
  expect_error(make({{"chanels", 3}}), {"channels"});
  expect_error(make({{"pre", json::array()}}), {"'pre' expects"});
  expect_error(make({{"pre", {1, 1}}, {"post", {0, 0, 0}}}), {"'post' expects"});
  expect_error(make({{"pre", {0, 1}}}), {"needs a smoothing step"});
  expect_error(make({{"pre", {1, 0}}, {"restriction", "residual"}}), {"needs a smoothing step"});
  expect_error(make({{"kernel", 4}}), {"odd"});
  expect_error(make({{"boundary", {"neumann"}}}), {"expects zero, reflect or periodic"});
  expect_error(make({{"boundary", {"periodic", "zero", "zero", "zero"}}}), {"one side"});
  expect_error(make({{"prolongation_kernel", {3, 4, 4}}}), {"for the transfers between 6 levels"});
  expect_error(make({{"global_skip", true}, {"out_channels", 2}}), {"global_skip"});
  expect_error(make({{"norm_grid", {3, 3}}, {"transfer_padding", 0}}), {"too few points"});

  const auto forward = [](const json& configuration, const Shape& shape) {
    return [=] {
      const auto mgno = make_operator<float>("mgno", configuration);
      mgno->check_inputs(std::span(&shape, 1));
      mgno->forward(Variable<float>(random<float>(shape, 1)));
    };
  };
  expect_error(forward({}, {1, 8, 8, 2}), {"expects a field (B, X1, ..., Xd, 1)"});
  expect_error(forward({{"transfer_padding", 0}, {"pre", {1, 1, 1}}}, {1, 6, 8, 1}),
               {"at least 7 points"});
  expect_error(forward({{"boundary", {"reflect"}}, {"pre", {1, 1, 1}}}, {1, 8, 4, 1}),
               {"at least 5 points"});
  expect_error(forward({{"preset", "navier_stokes"}}, {1, 32, 32, 1}), {"(64, 64)"});
}

}  // namespace
}  // namespace nopal
