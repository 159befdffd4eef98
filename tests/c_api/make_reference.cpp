// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Writes what the Fortran program must find: a model, and x and y = model(x) on 12 x 10 points as
// arrays x(12, 10, 2), y(12, 10, 3) of doubles; what the model gives for x after a short training;
// an operator on points, its input functions, points and values.

#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/operators/model.hpp>
#include <nopal/train/online_trainer.hpp>

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
  const nopal::Tensor<double> y = model.predict(x).clone();
  write(folder + "/y.bin", y);

  nopal::Model<double> trained(nopal::make_operator<double>(
      "fno", {{"n_modes", {6, 4}}, {"in_channels", 2}, {"out_channels", 3}, {"hidden_channels", 5}},
      3));
  nopal::OnlineOptions options;
  options.batch = options.warm_up = 4;
  options.learning_rate = 0.01;
  const nopal::Grid grid({12, 10}, {nopal::BoundaryRule::periodic, nopal::BoundaryRule::periodic});
  nopal::OnlineTrainer<double> trainer(trained, grid, options);
  for (int k = 1; k <= 4; ++k) {
    const nopal::Tensor<double> kx = x.clone(), ky = y.clone();
    nopal::scale(double(k), kx);
    nopal::scale(double(k), ky);
    trainer.add(kx, ky);
  }
  trainer.step(2);
  write(folder + "/trained.bin", trained.predict(x));

  nopal::Model<double>(nopal::make_operator<double>("deeponet", {{"sensors", {6, 4}},
                                                                 {"dimension", 2},
                                                                 {"out_channels", 3},
                                                                 {"branch", {5, 4}},
                                                                 {"trunk", {5, 4}}}))
      .save(folder + "/deeponet.safetensors");
  const auto deeponet = nopal::Model<double>::load(folder + "/deeponet.safetensors");
  const std::vector<nopal::Tensor<double>> functions{nopal::Tensor<double>({1, 6}),
                                                     nopal::Tensor<double>({1, 4})};
  const nopal::Tensor<double> points({7, 2});
  nopal::fill_normal(functions[0], 0, 1, nopal::Random(2));
  nopal::fill_normal(functions[1], 0, 1, nopal::Random(3));
  nopal::fill_uniform(points, 0, 1, nopal::Random(4));
  std::ofstream out(folder + "/points.bin", std::ios::binary);
  for (const auto& tensor :
       {functions[0], functions[1], points, deeponet.predict_points(functions, points)}) {
    const std::vector<double> values = tensor.to_vector();
    out.write(reinterpret_cast<const char*>(values.data()),
              static_cast<std::streamsize>(values.size() * sizeof(double)));
  }
  return 0;
}
