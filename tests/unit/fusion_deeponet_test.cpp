// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "golden.hpp"
#include "test_tools.hpp"

#include <nopal/autograd/gradient_check.hpp>
#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/nn/elementwise.hpp>
#include <nopal/nn/rowdy.hpp>
#include <nopal/operators/deeponet.hpp>
#include <nopal/operators/fusion_deeponet.hpp>
#include <nopal/operators/model.hpp>

#include <nlohmann/json.hpp>

#include <cmath>

namespace nopal {
namespace {

using nlohmann::json;
using test::expect_error;

Tensor<double> random(const Shape& shape, std::uint64_t seed) {
  Tensor<double> x(shape);
  fill_normal(x, 0, 1, Random(seed));
  return x;
}

// Numbers of the activation away from where the sine is off.
template <class T>
void wake(const Operator<T>& op) {
  for (const Parameter<T>* p : op.parameters())
    if (p->name.find("activation") != std::string::npos)
      for (std::int64_t i = 0; i < p->value().size(); ++i)
        p->value().data()[i] = T(0.05 + 0.03 * double(i % 5) + 0.01 * double(i / 5));
}

double by_hand(double x, const double* n) {
  return std::tanh(10 * n[0] * x + n[1]) + 10 * n[2] * std::sin(10 * n[3] * x + n[4]);
}

TEST(Rowdy, ByHand) {
  const std::vector<double> numbers{0.12, -0.3, 0.05, 0.21, 0.4};
  const auto z = random({5, 3}, 1), bias = random({3}, 2), gate = random({3, 3}, 3);
  const auto n = Tensor<double>::from_host({5}, numbers);
  const std::vector<std::int64_t> offsets{0, 2, 2, 5};
  const auto plain = rowdy<double>(z, bias, n).value().to_vector();
  const auto gated = rowdy<double>(z, bias, n, {gate, offsets, 1}).value().to_vector();
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const std::size_t b = i < 6 ? 0 : 2, c = i % 3;
    const double f = by_hand(z.data()[i] + bias.data()[c], numbers.data());
    EXPECT_NEAR(plain[i], f, 1e-14);
    EXPECT_NEAR(gated[i], (1 + gate.data()[3 * b + c]) * f, 1e-14);
  }
  // A tangent is the derivative along it.
  const auto jet = random({3, 5, 3}, 4);
  const auto y = rowdy<double>(jet, bias, n, {gate, offsets}, 2).value().to_vector();
  for (std::size_t i = 0; i < 15; ++i) {
    const std::size_t b = i < 6 ? 0 : 2, c = i % 3;
    const double x = jet.data()[i] + bias.data()[c], h = 1e-5;
    const double slope =
        (by_hand(x + h, numbers.data()) - by_hand(x - h, numbers.data())) / (2 * h);
    for (std::size_t j = 1; j < 3; ++j)
      EXPECT_NEAR(y[15 * j + i], gate.data()[3 * b + c] * slope * jet.data()[15 * j + i], 1e-9);
  }
}

TEST(Rowdy, GradientsAreThoseOfDifferences) {
  const auto bias = Variable<double>::leaf(random({3}, 2)),
             gate = Variable<double>::leaf(random({4, 3}, 3)),
             numbers = Variable<double>::leaf(
                 Tensor<double>::from_host({5}, {0.12, -0.3, 0.05, 0.11, 0.4}));
  // More rows than a chunk of the adjoint, a function without rows.
  const std::vector<std::int64_t> offsets{0, 70, 70, 73, 205};
  for (const std::int64_t tangents : {0, 1, 2}) {
    const auto z = Variable<double>::leaf(tangents == 0 ? random({205, 3}, 1)
                                                        : random({1 + tangents, 205, 3}, 1));
    for (const double shift : {0.0, 1.0}) {
      const auto check = check_gradient(
          [&] {
            return rowdy<double>(z, bias, numbers, {gate, offsets, shift}, tangents);
          },
          {z, bias, numbers, gate});
      EXPECT_LT(check.error, 1e-6) << tangents << " " << check.where;
    }
    const auto check = check_gradient([&] { return rowdy<double>(z, bias, numbers, {}, tangents); },
                                      {z, bias, numbers});
    EXPECT_LT(check.error, 1e-6) << tangents << " " << check.where;
  }
}

TEST(Rowdy, InFloatItIsThatInDouble) {
  Tensor<double> z({400, 17});
  fill_normal(z, 0, 30, Random(1));
  const auto bias = random({17}, 2);
  const auto n = Tensor<double>::from_host({5}, {0.3, 0.1, 0.08, 0.9, -0.2});
  const auto exact = rowdy<double>(z, bias, n).value().to_vector();
  const auto rounded =
      rowdy<float>(cast<float>(z), cast<float>(bias), cast<float>(n)).value().to_vector();
  for (std::size_t i = 0; i < exact.size(); ++i)
    // Arguments of the sine go up to 1000, where a float has 6e-5 between neighbours.
    EXPECT_NEAR(rounded[i], exact[i], 3e-5 + 1e-6 * std::abs(z.data()[i])) << z.data()[i];
}

TEST(Rowdy, BadShapesAreRefused) {
  const auto z = random({5, 3}, 1), bias = random({3}, 2), n = random({5}, 3);
  expect_error([&] { rowdy<double>(random({2, 5, 3}, 1), bias, n); }, {"rows (R, W)", "(2, 5, 3)"});
  expect_error([&] { rowdy<double>(random({2, 5, 3}, 1), bias, n, {}, 2); }, {"a jet (3, R, W)"});
  expect_error([&] { rowdy<double>(z, random({2}, 1), n); }, {"bias", "(2)"});
  expect_error(
      [&] {
        rowdy<double>(z, bias, n, {random({2, 3}, 1), {0, 4}});
      },
      {"gate (2, 3)", "2 offsets"});
  expect_error([&] { rowdy<double>(z, bias, n, {random({2, 3}, 1), {0, 4, 3}}); }, {"from 0 to 5"});
}

TEST(FusionDeepONet, HasThePublishedNumbers) {
  for (const auto& [options, numbers] :
       {std::pair{json::object(), 37864},                          // semi-ellipse
        {json{{"parameters", 3}, {"out_channels", 1}}, 25448}}) {  // re-entry capsule
    const auto op = make_operator<float>("fusion_deeponet", options);
    EXPECT_EQ(count(op->parameters()), numbers);
    EXPECT_EQ(FusionDeepONetOptions::from_json(options).parameter_count(), numbers);
  }
}

// Against the authors' functions: output, gradients of all parameters, of the shape parameters and
// of the points.
TEST(FusionDeepONet, Golden) {
  const SafetensorsFile golden =
      read_safetensors(std::string(NOPAL_TEST_DATA) + "/fusion_deeponet.safetensors");
  const auto tensor = [&](const std::string& key) {
    return golden.tensors.at(key).to_tensor<float>();
  };
  const FusionDeepONet<float> op(
      {.parameters = 3, .dimension = 2, .out_channels = 2, .width = 10, .layers = 3, .latent = 8});
  // "branch.2.weight" is branch.W.2; of the last layer, the reference has outputs (G, C).
  const auto reference = [&](const std::string& kind, const std::string& name,
                             const Shape& shape) -> Tensor<float> {
    const std::string net = name.substr(0, name.find('.')), rest = name.substr(net.size() + 1);
    const Tensor<float> value =
        tensor(kind + "." + net + (rest.find("weight") != std::string::npos ? ".W." : ".b.") +
               rest.substr(0, 1));
    if (net == "trunk" || rest[0] != '3') return value.reshape(shape);
    return test::permute(value.reshape({value.size() / 16, 8, 2}), {0, 2, 1}).reshape(shape);
  };
  const char* const numbers[] = {"a", "c", "a1", "F1", "c1"};
  for (const Parameter<float>* p : op.parameters()) {
    if (p->name.find("activation") == std::string::npos) {
      p->value().copy_from(reference("param", p->name, p->value().shape()));
      continue;
    }
    const std::string net = p->name.substr(0, 6) == "branch" ? "branch" : "trunk";
    for (std::int64_t l = 0; l < 4; ++l)
      for (std::int64_t k = 0; k < 5; ++k)
        p->value().data()[5 * l + k] =
            tensor("param." + net + "." + numbers[k] + "." + std::to_string(l)).item();
  }
  const auto v = Variable<float>::leaf(tensor("in.branch")),
             x = Variable<float>::leaf(tensor("in.points").reshape({51, 2}));
  const std::vector<std::int64_t> offsets{0, 17, 34, 51};
  const Tensor<float> expected = tensor("out.y").reshape({51, 2});
  EXPECT_LT(test::relative_error(op.forward_rows(std::span(&v, 1), x, offsets).value(), expected),
            1e-5);
  {
    Tape<float> tape;
    const auto y = op.forward_rows(std::span(&v, 1), x, offsets);
    EXPECT_LT(test::relative_error(y.value(), expected), 1e-5);
    tape.backward(y, tensor("in.dy").reshape({51, 2}));
  }
  EXPECT_LT(test::relative_error(x.gradient(), tensor("grad.points").reshape({51, 2})), 1e-4);
  EXPECT_LT(test::relative_error(v.gradient(), tensor("grad.branch")), 1e-4);
  for (const Parameter<float>* p : op.parameters()) {
    if (p->name.find("activation") == std::string::npos) {
      EXPECT_LT(test::relative_error(p->gradient(), reference("grad", p->name, p->value().shape())),
                1e-4)
          << p->name;
      continue;
    }
    const std::string net = p->name.substr(0, 6) == "branch" ? "branch" : "trunk";
    for (std::int64_t l = 0; l < 3; ++l)
      for (std::int64_t k = 0; k < 5; ++k) {
        const float g = tensor("grad." + net + "." + numbers[k] + "." + std::to_string(l)).item();
        EXPECT_NEAR(p->gradient().data()[5 * l + k], g, 1e-4 * std::abs(g) + 1e-5)
            << p->name << l << numbers[k];
      }
    for (std::int64_t k = 15; k < 20; ++k)  // of the linear layer: not used
      EXPECT_EQ(p->gradient().data()[k], 0);
  }
}

FusionDeepONetOptions small() {
  FusionDeepONetOptions o;
  o.parameters = 2;
  o.dimension = 2;
  o.out_channels = 3;
  o.width = 6;
  o.layers = 2;
  o.latent = 5;
  return o;
}

// All pairs, ragged rows and rows one by one are the same; the tape gives the gradients.
TEST(FusionDeepONet, RowsAreThoseOfAllPairsAndGradients) {
  for (const char* gate : {"raw", "one_plus"})
    for (const char* encoding : {"none", "mip"}) {
      FusionDeepONetOptions o = small();
      o.gate = gate;
      o.encoding = encoding;
      o.parameter_lower = {-5, -6};
      o.parameter_upper = {5, 4};
      o.output_scale = {1, 2, 3};
      o.output_shift = {0, -1, 5};
      const FusionDeepONet<double> op(o, 3);
      wake(op);
      const auto v = Variable<double>::leaf(random({3, 2}, 1)),
                 x = Variable<double>::leaf(random({4, 2}, 2));
      const Variable<double> inputs[] = {v, x};
      const auto all = op.forward(inputs).value();
      EXPECT_EQ(all.shape(), (Shape{3, 4, 3}));
      // Function 1 has no points, function 2 those of numbers 3 and 1.
      const auto picked = Tensor<double>::from_host(
          {3, 2}, {x.value().data()[0], x.value().data()[1], x.value().data()[6],
                   x.value().data()[7], x.value().data()[2], x.value().data()[3]});
      const auto rows =
          op.forward_rows(std::span(&v, 1), Variable<double>(picked), {0, 1, 1, 3}).value();
      for (std::int64_t c = 0; c < 3; ++c) {
        EXPECT_NEAR(rows.data()[c], all.data()[c], 1e-13);
        EXPECT_NEAR(rows.data()[3 + c], all.data()[(2 * 4 + 3) * 3 + c], 1e-13);
        EXPECT_NEAR(rows.data()[6 + c], all.data()[(2 * 4 + 1) * 3 + c], 1e-13);
      }
      std::vector<Variable<double>> leaves{v, x};
      for (const Parameter<double>* p : op.parameters())
        leaves.push_back(p->variable);
      const auto check = check_gradient([&] { return op.forward(inputs); }, leaves);
      EXPECT_LT(check.error, 1e-6) << gate << encoding << " " << check.where;
    }
}

// By tangents: values as before, derivatives those of differences, and their gradients too.
TEST(FusionDeepONet, DerivativesInThePoints) {
  for (const bool boxed : {false, true}) {
    FusionDeepONetOptions o = small();
    o.output_scale = {1, 2, 3};
    if (boxed) {
      o.features.lower = {-3, -4};
      o.features.upper = {4, 5};
      o.features.zero_lower = {1};
    }
    const FusionDeepONet<double> op(o, 3);
    wake(op);
    const auto v = Variable<double>(random({2, 2}, 1));
    const auto x = random({5, 2}, 2);
    const std::vector<std::int64_t> offsets{0, 2, 5};
    const auto value = [&](std::int64_t axis, double h) {
      const auto moved = x.clone();
      for (std::int64_t i = 0; i < 5; ++i)
        moved.data()[2 * i + axis] += h;
      return op.forward_rows(std::span(&v, 1), Variable<double>(moved), offsets)
          .value()
          .to_vector();
    };
    const auto jet = op.derivatives_rows(std::span(&v, 1), x, offsets, JetLayout({1, 1}));
    ASSERT_EQ(jet.size(), 3U);
    const auto plain = value(0, 0);
    const auto none = op.derivatives_rows(std::span(&v, 1), x, offsets, JetLayout({0, 0}));
    ASSERT_EQ(none.size(), 1U);
    for (std::size_t i = 0; i < plain.size(); ++i) {
      EXPECT_NEAR(jet[0].value().data()[i], plain[i], 1e-13);
      EXPECT_NEAR(none[0].value().data()[i], plain[i], 1e-13);
    }
    const double h = 1e-5;
    for (std::int64_t axis = 0; axis < 2; ++axis) {
      const auto up = value(axis, h), down = value(axis, -h);
      for (std::size_t i = 0; i < up.size(); ++i)
        EXPECT_NEAR(jet[static_cast<std::size_t>(axis) + 1].value().data()[i],
                    (up[i] - down[i]) / (2 * h), 1e-8);
    }
    std::vector<Variable<double>> leaves;
    for (const Parameter<double>* p : op.parameters())
      leaves.push_back(p->variable);
    for (const std::size_t j : {0, 1, 2}) {
      const auto check = check_gradient(
          [&] {
            return op.derivatives_rows(std::span(&v, 1), x, offsets, JetLayout({1, 1}))[j];
          },
          leaves);
      EXPECT_LT(check.error, 1e-6) << j << " " << check.where;
    }
    expect_error(
        [&] {
          op.derivatives_rows(std::span(&v, 1), x, offsets, JetLayout({2, 0}));
        },
        {"up to the first order"});
  }
}

TEST(DeepONet, DerivativesOfRowsAreThoseOfAllPairs) {
  DeepONetOptions o;
  o.sensors = {2};
  o.branch = {5, 4};
  o.trunk = {6, 4};
  const DeepONet<double> op(o, 3);
  const auto v = Variable<double>(random({2, 2}, 1));
  const auto x = random({3, op.options().dimension}, 2);
  const JetLayout layout(std::vector<int>(static_cast<std::size_t>(op.options().dimension), 1));
  const auto all = op.derivatives(std::span(&v, 1), x, layout);
  const auto twice = repeat_rows(Variable<double>(x), 2).value();
  const auto rows = op.derivatives_rows(std::span(&v, 1), twice, {0, 3, 6}, layout);
  ASSERT_EQ(rows.size(), all.size());
  for (std::size_t j = 0; j < all.size(); ++j)
    for (std::int64_t i = 0; i < all[j].value().size(); ++i)
      EXPECT_NEAR(rows[j].value().data()[i], all[j].value().data()[i], 1e-13);
}

// The code of a parameter has norm 1, whatever its value.
TEST(FusionDeepONet, EncodingDoesNotSeeTheSizeOfParameters) {
  FusionDeepONetOptions o = small();
  o.encoding = "mip";
  expect_error([&] { FusionDeepONet<double> op(o); }, {"'mip'", "parameter_lower"});
  o.parameter_lower = {0, 1000};
  o.parameter_upper = {1e-3, 3000};
  const FusionDeepONet<double> op(o, 1);
  EXPECT_EQ(op.parameters()[0]->value().shape(), (Shape{4, 6}));
  EXPECT_EQ(op.options().parameter_count(), count(op.parameters()));
  // A first layer that adds the squares of cosine and sine cannot tell parameters apart; one that
  // adds cosines can. Here: the gradient of |E|^2 / 2 along v is 0, seen through the output.
  const Tensor<double>& w = op.parameters()[0]->value();
  w.fill(0);
  for (std::int64_t c = 0; c < 6; ++c)
    w.data()[c] = 1;  // the cosine of the first parameter
  const auto out = [&](double v) {
    const Variable<double> inputs[] = {Tensor<double>::from_host({1, 2}, {v, 2000}),
                                       Tensor<double>::from_host({1, 2}, {0.1, 0.2})};
    return op.forward(inputs).value().to_vector();
  };
  const auto low = out(0), again = out(0), high = out(1e-3);
  EXPECT_EQ(low, again);
  EXPECT_NE(low, high);
}

TEST(FusionDeepONet, ReportsParametersOutsideTheirRangeOnce) {
  FusionDeepONetOptions o = small();
  o.parameter_lower = {0.5, 0.5};
  o.parameter_upper = {1, 2};
  const FusionDeepONet<double> op(o, 1);
  std::vector<std::string> lines;
  set_log_sink([&](const std::string& line) { lines.push_back(line); });
  const auto evaluate = [&](double a, double b) {
    const Variable<double> inputs[] = {Tensor<double>::from_host({2, 2}, {0.5, 2, a, b}),
                                       Tensor<double>::from_host({1, 2}, {0.1, 0.2})};
    op.forward(inputs);
  };
  evaluate(1, 0.5);
  EXPECT_TRUE(lines.empty());
  evaluate(0.7, 3);
  evaluate(0.7, 4);
  set_log_sink(nullptr);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("parameter 1 of function 1 is 3, outside the range"), std::string::npos)
      << lines[0];
}

TEST(FusionDeepONet, SavesAndLoads) {
  const test::ScratchFolder folder;
  FusionDeepONetOptions o = small();
  o.gate = "one_plus";
  o.parameter_lower = {0, 0};
  o.parameter_upper = {1, 1};
  Model<float> model(std::make_unique<FusionDeepONet<float>>(o, 5));
  wake(model.op());
  const Variable<float> inputs[] = {cast<float>(random({2, 2}, 1)), cast<float>(random({3, 2}, 2))};
  const auto before = model.op().forward(inputs).value().to_vector();
  model.save(folder / "fusion.safetensors");
  const auto loaded = Model<float>::load(folder / "fusion.safetensors");
  EXPECT_EQ(loaded.op().forward(inputs).value().to_vector(), before);
}

// A field of parameters and coordinates, as on grids that follow the shapes.
TEST(FusionDeepONet, TakesFieldsOfParametersAndCoordinates) {
  const FusionDeepONet<double> op(small(), 3);
  const auto v = random({2, 2}, 1), at = random({2, 3, 4, 2}, 2);
  Tensor<double> field({2, 3, 4, 4});
  for (std::int64_t r = 0; r < 24; ++r)
    for (std::int64_t c = 0; c < 4; ++c)
      field.data()[4 * r + c] = c < 2 ? v.data()[2 * (r / 12) + c] : at.data()[2 * r + c - 2];
  const Variable<double> functions(v), input(field);
  const auto rows =
      op.forward_rows(std::span(&functions, 1), Variable<double>(at.reshape({24, 2})), {0, 12, 24});
  const auto y = op.forward(input);
  EXPECT_EQ(y.shape(), (Shape{2, 3, 4, 3}));
  EXPECT_EQ(y.value().to_vector(), rows.value().to_vector());
  const Shape shape[] = {field.shape()}, pair[] = {{2, 2}, {12, 2}};
  EXPECT_EQ(op.cost(shape).flops, op.cost(pair).flops);
  expect_error(
      [&] {
        op.forward(Variable<double>(random({2, 3, 4, 5}, 1)));
      },
      {"2 parameters and 2 coordinates", "(2, 3, 4, 5)"});
  const auto json = suggest_configuration("fusion_deeponet", {3, 4, 5}, {3, 4, 4});
  EXPECT_EQ(json["parameters"], 3);
  EXPECT_EQ(json["dimension"], 2);
  EXPECT_EQ(json["out_channels"], 4);
  expect_error(
      [] {
        suggest_configuration("fusion_deeponet", {3, 4, 2}, {3, 4, 4});
      },
      {"2 coordinates, got 2 channels"});
}

TEST(FusionDeepONet, BadInputIsRefused) {
  const FusionDeepONet<double> op(small());
  const Variable<double> one[] = {random({2, 2}, 1)};
  expect_error([&] { op.forward(one); }, {"parameters (B, 2) and points (P, 2), got 1 inputs"});
  const Variable<double> other[] = {random({2, 3}, 1), random({4, 2}, 2)};
  expect_error([&] { op.forward(other); }, {"(2, 3), expected (B, 2)"});
  const Variable<double> points[] = {random({2, 2}, 1), random({4, 3}, 2)};
  expect_error([&] { op.forward(points); }, {"(4, 3), expected (P, 2)"});
  const auto make = [](const json& j) { make_operator<double>("fusion_deeponet", j); };
  expect_error([&] { make({{"gate", "open"}}); }, {"gate", "raw", "one_plus"});
  expect_error([&] { make({{"parameter_lower", {1}}}); }, {"need 2 numbers each, got 1 and 0"});
  expect_error(
      [&] {
        make({{"parameter_lower", {1, 1}}, {"parameter_upper", {2, 1}}});
      },
      {"range of parameter 1 is empty"});
  expect_error([&] { make({{"output_scale", {1, 2}}}); }, {"need 4 numbers, got 2"});
}

}  // namespace
}  // namespace nopal
