// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// What the smallest program that uses an installed nopal does: a tensor, a model, its output.

#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/operators/model.hpp>

#include <nlohmann/json.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  std::printf("nopal %s, %s\n", nopal::version(), nopal::build_configuration().c_str());

  // Fields on 12 x 10 points with 2 channels.
  const nopal::Tensor<float> x({3, 12, 10, 2});
  nopal::fill_normal(x, 0, 1, nopal::Random(1));

  const nlohmann::json options = {{"n_modes", {4, 4}}, {"hidden_channels", 4}, {"in_channels", 2}};
  const nopal::Model<float> model(nopal::make_operator<float>("fno", options));
  const nopal::Tensor<float> y = model.predict(x);
  if (!(y.shape() == nopal::Shape{3, 12, 10, 1}) || !nopal::all_finite(y)) {
    std::printf("wrong output\n");
    return 1;
  }
  std::printf("consumer: all good\n");
  return 0;
}
