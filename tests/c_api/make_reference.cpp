// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Writes a model, and x and y = model(x) on 12 x 10 points as Fortran arrays x(12, 10, 2), y(12,
// 10, 3) of doubles.

#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/operators/model.hpp>

#include <nlohmann/json.hpp>

#include <fstream>

namespace {

void write(const std::string& path, const nopal::Tensor<double>& field) {
  const std::int64_t n1 = field.extent(1), n2 = field.extent(2), channels = field.extent(3);
  const std::vector<double> rows = field.to_vector();
  std::ofstream out(path, std::ios::binary);
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t j = 0; j < n2; ++j)
      for (std::int64_t i = 0; i < n1; ++i)
        out.write(reinterpret_cast<const char*>(
                      &rows[static_cast<std::size_t>((i * n2 + j) * channels + c)]),
                  sizeof(double));
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  const std::string folder = argc > 1 ? argv[1] : ".";
  const nopal::Model<float> made(nopal::make_operator<float>(
      "fno", {{"n_modes", {6, 4}}, {"in_channels", 2}, {"out_channels", 3}, {"hidden_channels", 5}},
      3));
  made.save(folder + "/model.safetensors");
  const auto model = nopal::Model<double>::load(folder + "/model.safetensors");
  nopal::Tensor<double> x({1, 12, 10, 2});
  nopal::fill_normal(x, 0, 1, nopal::Random(1));
  write(folder + "/x.bin", x);
  write(folder + "/y.bin", model.predict(x));
  return 0;
}
