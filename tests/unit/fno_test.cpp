// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/operators/fno.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdlib>
#include <new>

// Counts every allocation of the process, so that "allocates nothing" is meant literally.
namespace {
std::atomic<long> allocations{0};
}
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}

namespace nopal {
namespace {

using nlohmann::json;

std::int64_t parameters_of(const json& configuration) {
  return count(make_operator<float>("fno", configuration)->parameters());
}

// Published counts: FNO scripts of 2021 (a complex weight counts as two), and neuraloperator's
// TFNO with these options.
TEST(Fno, PublishedParameterCounts) {
  EXPECT_EQ(parameters_of({{"layout", "2021"}, {"n_modes", {16}}, {"hidden_channels", 64}}),
            549569);
  EXPECT_EQ(parameters_of({{"layout", "2021"}, {"n_modes", {12, 12}}, {"hidden_channels", 32}}),
            2368001);
  EXPECT_EQ(parameters_of({{"n_modes", {16, 16}},
                           {"hidden_channels", 32},
                           {"factorization", "tucker"},
                           {"rank", 0.42}}),
            520761);
}

const json variants[] = {
    {{"n_modes", {6}}},
    {{"n_modes", {4, 6}}, {"factorization", "tucker"}, {"rank", 0.5}},
    {{"n_modes", {4, 6}}, {"factorization", "tucker"}, {"rank", 0.5}, {"fixed_rank_modes", true}},
    {{"n_modes", {4, 6}}, {"factorization", "cp"}, {"rank", 0.5}},
    {{"n_modes", {4, 6}}, {"factorization", "tt"}, {"rank", 0.5}},
    {{"n_modes", {4, 6}}, {"separable", true}},
    {{"n_modes", {4, 6}}, {"separable", true}, {"factorization", "tucker"}, {"rank", 0.5}},
    {{"n_modes", {5, 3}}, {"preactivation", true}, {"stabilizer", "tanh"}},
    {{"n_modes", {4, 4}}, {"fno_skip", "soft-gating"}, {"channel_mlp_skip", "linear"}},
    {{"n_modes", {4, 4}}, {"fno_skip", "identity"}, {"channel_mlp_skip", "identity"}},
    {{"n_modes", {4, 4}}, {"fno_skip", "none"}, {"channel_mlp_skip", "none"}},
    {{"n_modes", {4, 4}}, {"max_n_modes", {6, 8}}, {"domain_padding", {0.25}}},
    {{"n_modes", {4, 4}}, {"use_channel_mlp", false}, {"skip_bias", true}},
    {{"n_modes", {4, 4}}, {"norm", "instance_norm"}},
    {{"n_modes", {4, 4}}, {"norm", "group_norm"}, {"norm_groups", 2}, {"preactivation", true}},
    {{"n_modes", {4, 4}}, {"norm", "group_norm"}, {"fno_skip", "none"}},
    {{"n_modes", {4, 4}}, {"norm", "group_norm"}, {"use_channel_mlp", false}},
    {{"n_modes", {3, 3}}, {"layout", "2021"}, {"domain_padding", {0.3, 0.2}}},
    {{"n_modes", {4, 3, 4}}, {"positional_embedding", "none"}, {"non_linearity", "silu"}},
    {{"n_modes", {4, 4, 4}}, {"factorization", "tt"}, {"rank", 0.3}},
};

json with_small_sizes(json configuration) {
  configuration["hidden_channels"] = 4;
  configuration["n_layers"] = 2;
  configuration["in_channels"] = 2;
  configuration["out_channels"] = 3;
  return configuration;
}

Shape field_for(const json& configuration, std::int64_t n = 8) {
  Shape shape{2};
  const auto d = configuration["n_modes"].size();
  for (std::size_t j = 0; j < d; ++j)
    shape.push_back(n + static_cast<std::int64_t>(j));
  shape.push_back(2);
  return shape;
}

TEST(Fno, PredictedParameterCountIsTheActualOne) {
  for (const json& variant : variants) {
    const json configuration = with_small_sizes(variant);
    EXPECT_EQ(FnoOptions::from_json(configuration).parameter_count(),
              static_cast<double>(parameters_of(configuration)))
        << variant;
  }
}

TEST(Fno, GradientsOfEveryVariant) {
  for (const json& variant : variants) {
    const json configuration = with_small_sizes(variant);
    const auto fno = make_operator<double>("fno", configuration, 5);
    Tensor<double> x(field_for(configuration));
    fill_normal(x, 0, 1, Random(3));
    std::vector<Variable<double>> leaves{Variable<double>::leaf(x)};
    for (const auto* p : fno->parameters())
      leaves.push_back(p->variable);
    const auto check =
        check_gradient([&] { return fno->forward(leaves[0]); }, leaves, /*directions=*/1);
    EXPECT_LT(check.error, 1e-6) << variant << " " << check.where;
  }
}

TEST(Fno, ConfigurationRebuildsTheSameOperator) {
  for (const json& variant : variants) {
    const auto first = make_operator<float>("fno", with_small_sizes(variant), 9);
    const auto second = make_operator<float>("fno", first->configuration(), 9);
    EXPECT_EQ(first->configuration(), second->configuration());
    Tensor<float> x(field_for(variant));
    fill_normal(x, 0, 1, Random(4));
    EXPECT_EQ(first->forward(Variable<float>(x)).value().to_vector(),
              second->forward(Variable<float>(x)).value().to_vector());
  }
}

// A band-limited input on a finer grid is the same function, and so must be the output at the
// common points. One linear layer, so that no higher frequencies arise. (The reference moves
// negative frequencies to wrong places when the resolution changes.)
TEST(Fno, ResolutionChangeKeepsNegativeFrequencies) {
  const json configuration = {{"n_modes", {8, 8}},
                              {"hidden_channels", 3},
                              {"in_channels", 1},
                              {"out_channels", 1},
                              {"n_layers", 1},
                              {"use_channel_mlp", false},
                              {"fno_skip", "none"},
                              {"positional_embedding", "none"},
                              {"non_linearity", "identity"}};
  const auto fno = make_operator<double>("fno", configuration, 1);
  const auto sample = [](std::int64_t n1, std::int64_t n2) {
    Tensor<double> x({1, n1, n2, 1});
    for (std::int64_t i = 0; i < n1; ++i)
      for (std::int64_t j = 0; j < n2; ++j) {
        const double s = 2 * M_PI * double(i) / double(n1), t = 2 * M_PI * double(j) / double(n2);
        x.data()[i * n2 + j] = std::cos(2 * t - 3 * s + 0.3) + std::sin(s + t) + std::cos(2 * s);
      }
    return x;
  };
  const auto coarse = fno->forward(Variable<double>(sample(10, 12))).value();
  for (const auto& [f1, f2] : {std::pair{2, 2}, {3, 1}, {1, 5}}) {
    const std::int64_t n1 = 10 * f1, n2 = 12 * f2;
    const auto fine = fno->forward(Variable<double>(sample(n1, n2))).value();
    for (std::int64_t i = 0; i < 10; ++i)
      for (std::int64_t j = 0; j < 12; ++j)
        EXPECT_NEAR(fine.data()[(i * f1) * n2 + j * f2], coarse.data()[i * 12 + j], 1e-12);
  }
}

TEST(Fno, GridsWithFewerModesThanWeights) {
  const auto fno = make_operator<float>("fno", {{"n_modes", {16, 16}}, {"hidden_channels", 4}}, 1);
  for (std::int64_t n : {1, 2, 3, 7, 15, 16, 17}) {
    Tensor<float> x({1, n, n + 1, 1});
    fill_normal(x, 0, 1, Random(2));
    EXPECT_TRUE(all_finite(fno->forward(Variable<float>(x)).value())) << n;
  }
}

TEST(Fno, InferenceAllocatesNothingAfterTheFirstCall) {
  for (const json& variant : variants) {
    const auto fno = make_operator<float>("fno", with_small_sizes(variant), 1);
    Tensor<float> x(field_for(variant, 16));
    fill_normal(x, 0, 1, Random(2));
    const Variable<float> input(x);
    for (int i = 0; i < 2; ++i)
      fno->forward(input);
    const long before = allocations;
    const auto system_before = memory_statistics().system_allocations;
    fno->forward(input);
    EXPECT_EQ(allocations - before, 0) << variant;
    EXPECT_EQ(memory_statistics().system_allocations, system_before) << variant;
  }
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Fno, BadOptionsAreNamed) {
  const auto message = [](const json& j) {
    return error_of([&] { make_operator<float>("fno", j); });
  };
  EXPECT_NE(message({{"n_mode", {4}}}).find("did you mean 'n_modes'"), std::string::npos);
  EXPECT_NE(message({{"n_modes", {4}}, {"norm", "grupp_norm"}}).find("'group_norm'"),
            std::string::npos);
  EXPECT_NE(message(json::object()).find("n_modes"), std::string::npos);
  EXPECT_NE(message({{"n_modes", {4}}, {"rank", 1.5}}).find("1.5"), std::string::npos);
  EXPECT_NE(message({{"n_modes", {4}}, {"hidden_channels", "x"}}).find("hidden_channels"),
            std::string::npos);
  EXPECT_NE(error_of([] { make_operator<float>("fmo", {}); }).find("'fno'"), std::string::npos);
}

TEST(Fno, WrongInputNamesBothShapes) {
  const auto fno = make_operator<float>("fno", {{"n_modes", {4, 4}}, {"in_channels", 3}});
  const std::string message = error_of([&] {
    fno->forward(Variable<float>(Tensor<float>({2, 8, 8, 1})));
  });
  EXPECT_NE(message.find("3"), std::string::npos) << message;
  EXPECT_NE(message.find("(2, 8, 8, 1)"), std::string::npos) << message;
  EXPECT_NE(error_of([&] {
              fno->forward(Variable<float>(Tensor<float>({2, 8, 3})));
            }).find("(2, 8, 3)"),
            std::string::npos);
}

}  // namespace
}  // namespace nopal
