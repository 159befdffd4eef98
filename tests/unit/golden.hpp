// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

// Outputs and gradients of reference implementations in tests/data/*.safetensors (see the files'
// metadata): the same network with the same weights must give the same numbers.

#include <gtest/gtest.h>
#include <nopal/io/safetensors.hpp>
#include <nopal/operators/operator.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <functional>

namespace nopal::test {

// Reorders axes: axis j of the result is axis order[j] of x.
inline Tensor<float> permute(const Tensor<float>& x, const std::vector<int>& order) {
  Shape shape;
  std::vector<std::int64_t> stride;
  for (int axis : order) {
    shape.push_back(x.extent(axis));
    stride.push_back(x.shape().product(axis + 1, x.rank()));
  }
  const auto entries = x.to_vector();
  std::vector<float> result;
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    std::int64_t rest = i, source = 0;
    for (int j = shape.rank() - 1; j >= 0; --j) {
      source += rest % shape[j] * stride[static_cast<std::size_t>(j)];
      rest /= shape[j];
    }
    result.push_back(entries[static_cast<std::size_t>(source)]);
  }
  return Tensor<float>::from_host(shape, result);
}

// The reference's name and layout of one of our parameters.
struct Twin {
  std::string name;
  std::vector<int> order;  // empty: as it is, up to axes of size 1
};

inline double relative_error(const Tensor<float>& a, const Tensor<float>& b) {
  Tensor<float> difference = a.clone();
  axpy(-1.0f, b, difference);
  return std::sqrt(dot(difference, difference) / dot(b, b));
}

// The golden file `name` against an operator; `twin` tells the reference's parameter for ours.
inline void check_golden(const std::string& name, const Operator<float>& op,
                         const std::function<Twin(const std::string&)>& twin) {
  const SafetensorsFile golden =
      read_safetensors(std::string(NOPAL_TEST_DATA) + "/" + name + ".safetensors");
  const auto tensor = [&](const std::string& key) {
    const auto entry = golden.tensors.find(key);
    if (entry == golden.tensors.end()) throw std::runtime_error("golden file has no " + key);
    return entry->second.to_tensor<float>();
  };
  const auto parameter_of = [&](const std::string& kind, const Twin& t) {
    const Tensor<float> value = tensor(kind + "." + t.name);
    return t.order.empty() ? value : permute(value, t.order);
  };
  const std::vector<int> channels_last{0, 2, 3, 1};

  std::size_t expected = 0;
  for (const auto& [key, value] : golden.tensors)
    expected += key.rfind("param.", 0) == 0;
  ASSERT_EQ(op.parameters().size(), expected);
  for (const Parameter<float>* p : op.parameters()) {
    const Twin t = twin(p->name);
    ASSERT_FALSE(t.name.empty()) << p->name;
    p->value().copy_from(parameter_of("param", t));
  }

  const auto x = Variable<float>::leaf(permute(tensor("in.x"), channels_last));
  const Tensor<float> y = permute(tensor("out.y"), channels_last);
  EXPECT_LT(relative_error(op.forward(Variable<float>(x.value())).value(), y), 1e-5) << "inference";
  {
    Tape<float> tape;
    const Variable<float> output = op.forward(x);
    EXPECT_LT(relative_error(output.value(), y), 1e-5) << "training";
    tape.backward(output, permute(tensor("in.dy"), channels_last));
  }
  EXPECT_LT(relative_error(x.gradient(), permute(tensor("grad.x"), channels_last)), 1e-4);
  for (const Parameter<float>* p : op.parameters())
    EXPECT_LT(relative_error(p->gradient(), parameter_of("grad", twin(p->name))), 1e-4) << p->name;
}

}  // namespace nopal::test
