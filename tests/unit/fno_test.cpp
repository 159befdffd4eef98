// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/nn/training_mode.hpp>
#include <nopal/operators/fno.hpp>
#include <nopal/operators/model.hpp>
#include "allocation_counter.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace nopal {
namespace {

using test::error_of;

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
    {{"n_modes", {4, 4}}, {"norm", "batch_norm"}, {"channel_mlp_dropout", 0.3}},
    {{"n_modes", {6}}, {"norm", "batch_norm"}, {"preactivation", true}, {"fno_skip", "none"}},
    {{"n_modes", {4, 4}}, {"norm", "ada_in"}, {"ada_in_features", 3}},
    {{"n_modes", {6}}, {"norm", "ada_in"}, {"ada_in_features", 1}, {"preactivation", true}},
    {{"n_modes", {4, 3}}, {"channel_mlp_dropout", 0.5}, {"channel_mlp_skip", "none"}},
    {{"n_modes", {3, 3}}, {"layout", "2021"}, {"domain_padding", {0.3, 0.2}}},
    {{"n_modes", {4, 3, 4}}, {"positional_embedding", "none"}, {"non_linearity", "silu"}},
    {{"n_modes", {4, 4, 4}}, {"factorization", "tt"}, {"rank", 0.3}},
    {{"n_modes", {4, 4}}, {"conv_bias_kernel", 3}, {"skip_bias", true}},
    {{"n_modes", {6}}, {"conv_bias_kernel", 4}, {"norm", "group_norm"}},
    {{"n_modes", {2, 3, 2}}, {"conv_bias_kernel", 2}, {"domain_padding", {0.2}}},
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

// The inputs of the operator: a random field and, for "ada_in", a random embedding.
template <class T>
std::vector<Variable<T>> inputs_for(const json& configuration, std::int64_t n = 8) {
  std::vector<Variable<T>> inputs;
  const auto add = [&](const Shape& shape) {
    Tensor<T> x(shape);
    fill_normal(x, 0, 1, Random(3, inputs.size()));
    inputs.push_back(Variable<T>::leaf(x));
  };
  add(field_for(configuration, n));
  if (configuration.contains("ada_in_features")) add({2, configuration["ada_in_features"]});
  return inputs;
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
    const auto inputs = inputs_for<double>(configuration);
    std::vector<Variable<double>> leaves = inputs;
    for (const auto* p : fno->parameters()) {
      leaves.push_back(p->variable);
      // Scales of about 1: from initial ones of about 0, the next norm is too steep for
      // differences.
      if (p->name.find("norm") != std::string::npos && p->name.ends_with("mlp.1.bias"))
        p->value().fill(1);
    }
    const auto check = [&] {
      return check_gradient([&] { return fno->forward(inputs); }, leaves, /*directions=*/1);
    };
    const auto inference = check();
    EXPECT_LT(inference.error, 1e-6) << variant << " " << inference.where;
    if (fno->buffers().empty() && !variant.contains("channel_mlp_dropout")) continue;
    const TrainingMode mode({.seed = 6, .batch = 2});
    const auto training = check();
    EXPECT_LT(training.error, 1e-6) << variant << " " << training.where;
  }
}

// A rank without samples takes part with none: no output, and gradients that are 0, not what the
// memory held before.
TEST(Fno, EmptyBatch) {
  for (const json& variant : variants) {
    const json configuration = with_small_sizes(variant);
    const auto fno = make_operator<double>("fno", configuration, 5);
    const auto whole = inputs_for<double>(configuration);
    for (const std::int64_t batch : {2, 0}) {
      std::vector<Variable<double>> inputs;
      for (const auto& input : whole)
        inputs.push_back(Variable<double>::leaf(input.value().slice(0, batch)));
      for (const auto* p : fno->parameters())
        p->variable.clear_gradient();
      const TrainingMode mode({.batch = 2});
      Tape<double> tape;
      const auto y = fno->forward(inputs);
      EXPECT_EQ(y.shape(), field_for(configuration).with(0, batch).with(-1, 3));
      tape.backward(y, Tensor<double>(y.shape()));
      EXPECT_TRUE(inputs[0].gradient().defined());
    }
    for (const auto* p : fno->parameters()) {
      if (!p->gradient().defined()) continue;
      for (const double g : p->gradient().to_vector())
        EXPECT_EQ(g, 0) << variant << " " << p->name;
    }
  }
}

TEST(Fno, ConfigurationRebuildsTheSameOperator) {
  for (const json& variant : variants) {
    const auto first = make_operator<float>("fno", with_small_sizes(variant), 9);
    const auto second = make_operator<float>("fno", first->configuration(), 9);
    EXPECT_EQ(first->configuration(), second->configuration());
    const auto inputs = inputs_for<float>(variant);
    EXPECT_EQ(first->forward(inputs).value().to_vector(),
              second->forward(inputs).value().to_vector());
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
    std::vector<double> x(static_cast<std::size_t>(n1 * n2));
    for (std::int64_t i = 0; i < n1; ++i)
      for (std::int64_t j = 0; j < n2; ++j) {
        const double s = 2 * M_PI * double(i) / double(n1), t = 2 * M_PI * double(j) / double(n2);
        x[static_cast<std::size_t>(i * n2 + j)] =
            std::cos(2 * t - 3 * s + 0.3) + std::sin(s + t) + std::cos(2 * s);
      }
    return Tensor<double>::from_host({1, n1, n2, 1}, x);
  };
  const auto coarse = fno->forward(Variable<double>(sample(10, 12))).value().to_vector();
  for (const auto& [f1, f2] : {std::pair{2, 2}, {3, 1}, {1, 5}}) {
    const std::int64_t n1 = 10 * f1, n2 = 12 * f2;
    const auto fine = fno->forward(Variable<double>(sample(n1, n2))).value().to_vector();
    for (std::int64_t i = 0; i < 10; ++i)
      for (std::int64_t j = 0; j < 12; ++j)
        EXPECT_NEAR(fine[static_cast<std::size_t>((i * f1) * n2 + j * f2)],
                    coarse[static_cast<std::size_t>(i * 12 + j)], 1e-12);
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
    const auto input = inputs_for<float>(variant, 16);
    for (int i = 0; i < 2; ++i)
      fno->forward(input);
    const long before = allocations;
    const auto system_before = memory_statistics().system_allocations;
    fno->forward(input);
    EXPECT_TRUE(allocations == before || launches_allocate) << variant;
    EXPECT_EQ(memory_statistics().system_allocations, system_before) << variant;
  }
}

// Scale and shift of a sample
// come from its embedding, and one embedding may be for all samples.
TEST(Fno, AdaInTakesAnEmbedding) {
  const json configuration =
      with_small_sizes({{"n_modes", {4}}, {"norm", "ada_in"}, {"ada_in_features", 3}});
  const auto fno = make_operator<double>("fno", configuration, 5);
  const auto inputs = inputs_for<double>(configuration);
  const Tensor<double> x = inputs[0].value(), e = inputs[1].value();
  const auto y = fno->forward(inputs).value();
  for (std::int64_t b = 0; b < 2; ++b) {
    const Variable<double> alone[] = {x.slice(b, 1), e.slice(b, 1)};
    const auto yb = fno->forward(alone).value().to_vector(), whole = y.slice(b, 1).to_vector();
    for (std::size_t i = 0; i < yb.size(); ++i)
      EXPECT_NEAR(yb[i], whole[i], 1e-12);
  }
  const Variable<double> shared[] = {x, e.slice(1, 1)};
  const auto ys = fno->forward(shared).value();
  const auto ys1 = ys.slice(1, 1).to_vector(), y1 = y.slice(1, 1).to_vector();
  for (std::size_t i = 0; i < y1.size(); ++i)
    EXPECT_NEAR(ys1[i], y1[i], 1e-12);
  EXPECT_NE(ys.slice(0, 1).to_vector(), y.slice(0, 1).to_vector());
  // With weights 0 and biases w and s in all last layers, scale is w and shift s, not 1 + w.
  for (const auto* p : fno->parameters()) {
    if (p->name.find("norm") == std::string::npos) continue;
    if (p->name.ends_with("mlp.1.weight")) p->value().fill(0);
    if (p->name.ends_with("mlp.1.bias")) p->value().fill(0);
    if (p->name.ends_with("norm.1.mlp.1.bias"))
      p->value().copy_from_host(std::vector<double>{0, 0, 0, 0, 1, 2, 3, 4}.data());
  }
  const auto constant = fno->forward(inputs).value().to_vector();
  for (std::size_t i = 3; i < constant.size(); ++i)
    EXPECT_NEAR(constant[i], constant[i % 3], 1e-12);
}

TEST(Fno, AdaInChecksItsInputs) {
  const auto fno =
      make_operator<float>("fno", {{"n_modes", {4}}, {"norm", "ada_in"}, {"ada_in_features", 3}});
  const Variable<float> x(Tensor<float>({2, 8, 1}));
  const auto message = [&](const std::vector<Variable<float>>& inputs) {
    return error_of([&] { fno->forward(inputs); });
  };
  EXPECT_EQ(message({x}),
            "fno with the norm 'ada_in' takes two inputs, a field and an embedding (B, 3), got 1");
  for (const Shape& shape : {Shape{2, 4}, Shape{3, 3}, Shape{3}})
    EXPECT_NE(message({x, Tensor<float>(shape)}).find("(B, 3) or (1, 3)"), std::string::npos);
  EXPECT_NE(message({x, x, x}).find("got 3"), std::string::npos);
}

TEST(Fno, BuffersAreNotParameters) {
  const json configuration = with_small_sizes({{"n_modes", {4}}, {"norm", "batch_norm"}});
  const auto fno = make_operator<float>("fno", configuration);
  const auto buffers = fno->buffers();
  ASSERT_EQ(buffers.size(), 8u);
  EXPECT_EQ(buffers[0].name, "blocks.0.norm.0.running_mean");
  EXPECT_EQ(buffers[7].name, "blocks.1.norm.1.running_variance");
  for (const auto* p : fno->parameters())
    EXPECT_EQ(p->name.find("running"), std::string::npos);
  EXPECT_EQ(state_tensors(*fno).size(), fno->parameters().size() + 8);
  const auto before = buffers[0].value.to_vector();
  fno->forward(inputs_for<float>(configuration));
  EXPECT_EQ(buffers[0].value.to_vector(), before);
  const TrainingMode mode({.batch = 2});
  fno->forward(inputs_for<float>(configuration));
  EXPECT_NE(buffers[0].value.to_vector(), before);
}

TEST(Fno, BuffersAreSavedWithTheModel) {
  const json configuration = with_small_sizes({{"n_modes", {4}}, {"norm", "batch_norm"}});
  const auto x = inputs_for<float>(configuration)[0].value();
  const Model<float> model(make_operator<float>("fno", configuration));
  {
    const TrainingMode mode({.batch = 2});
    model.predict(x);
  }
  SafetensorsFile file = model.to_file();
  EXPECT_EQ(Model<float>::from_file(file, "m").predict(x).to_vector(),
            model.predict(x).to_vector());
  file.tensors.erase("blocks.1.norm.0.running_mean");
  EXPECT_NE(error_of([&] {
              Model<float>::from_file(file, "m");
            }).find("missing blocks.1.norm.0.running_mean"),
            std::string::npos);
}

// The embedding of a model is a second input, which is not normalised.
TEST(Fno, ModelsPredictWithAnEmbedding) {
  const json configuration =
      with_small_sizes({{"n_modes", {4}}, {"norm", "ada_in"}, {"ada_in_features", 3}});
  const auto inputs = inputs_for<float>(configuration);
  const auto two = Tensor<float>::from_host({2}, {2, 2});
  const Model<float> model(make_operator<float>("fno", configuration), Normaliser<float>(two, two));
  const Variable<float> encoded[] = {model.input_normaliser().encode(inputs[0].value()), inputs[1]};
  EXPECT_EQ(model.predict(inputs[0].value(), std::span(&inputs[1].value(), 1)).to_vector(),
            model.op().forward(encoded).value().to_vector());
}

// Options that change nothing (see their comments), and dropout in inference.
TEST(Fno, OptionsWithoutEffect) {
  const json plain = with_small_sizes({{"n_modes", {8, 8}}});
  const auto inputs = inputs_for<float>(plain);
  const auto expected = make_operator<float>("fno", plain, 1)->forward(inputs).value().to_vector();
  for (const json& option :
       {json{{"enforce_hermitian_symmetry", false}}, json{{"fno_block_precision", "full"}},
        json{{"channel_mlp_dropout", 0.5}}}) {
    json changed = plain;
    changed.update(option);
    const auto fno = make_operator<float>("fno", changed, 1);
    EXPECT_EQ(fno->forward(inputs).value().to_vector(), expected) << option;
  }
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
  EXPECT_EQ(message({{"n_modes", {4}}, {"fno_block_precision", "half"}}),
            "fno: fno_block_precision 'half' is not available, nopal computes in the precision of "
            "the model; use 'full'");
  EXPECT_NE(message({{"n_modes", {4}}, {"channel_mlp_dropout", 1}}).find("[0, 1), got 1"),
            std::string::npos);
  EXPECT_NE(message({{"n_modes", {4}}, {"norm", "ada_in"}}).find("ada_in_features"),
            std::string::npos);
  EXPECT_NE(message({{"n_modes", {4}}, {"ada_in_features", 2}}).find("got 2 with 'none'"),
            std::string::npos);
  EXPECT_NE(message({{"n_modes", {4}}, {"conv_bias_kernel", 0}}).find("[1, 64], got 0"),
            std::string::npos);
  EXPECT_NE(message({{"n_modes", {4}}, {"conv_bias_kernel", 3}, {"fno_skip", "none"}})
                .find("fno_skip is 'none'"),
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
