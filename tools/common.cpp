// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "common.hpp"

#include <nopal/data/frame_windows.hpp>
#include <nopal/operators/rollout.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <numeric>
#include <sstream>

namespace nopal::tools {

Set open_data(const std::string& path, const Communicator& comm, std::size_t cache_bytes) {
  Set data;
  comm.together([&] { data = std::make_shared<Hdf5Dataset<float>>(path, cache_bytes); });
  return data;
}

void make_folder(const std::string& path, const Communicator& comm) {
  comm.together([&] {
    if (comm.rank() > 0) return;
    std::error_code code;
    std::filesystem::create_directories(path, code);
    NOPAL_CHECK(!code && std::filesystem::is_directory(path), "cannot make the folder ", path, ": ",
                code ? code.message() : "a file has that name");
  });
}

std::shared_ptr<const Dataset<float>> samples_for(const std::string& operator_name,
                                                  const nlohmann::json& configuration,
                                                  std::shared_ptr<const Dataset<float>> data,
                                                  bool whole) {
  if (operator_name != "rollout") return data;
  const auto o = RolloutOptions::from_json(configuration);
  const std::int64_t frames =
      (data->x_shape()[-1] - o.constants + data->y_shape()[-1]) / o.variables;
  const std::int64_t steps = whole ? std::max<std::int64_t>(1, frames - o.frames) : o.steps;
  return std::make_shared<FrameWindows<float>>(
      std::move(data), FrameWindowOptions{o.variables, o.constants, o.frames, steps, 1});
}

std::vector<std::string> split(const std::string& list, char separator) {
  std::vector<std::string> items;
  std::istringstream in(list);
  for (std::string item; std::getline(in, item, separator);)
    items.push_back(item);
  return items;
}

void handle_signals(std::initializer_list<int> signals, void (*handler)(int)) {
  for (const int number : signals)
    if (std::signal(number, handler) == SIG_IGN) std::signal(number, SIG_IGN);
}

std::string stem(const std::string& path) {
  return std::filesystem::path(path).stem().string();
}

std::string grid_text(const Shape& shape) {
  std::string text;
  for (int axis = 0; axis + 1 < shape.rank(); ++axis)
    text += (axis > 0 ? " x " : "") + std::to_string(shape[axis]);
  return text;
}

Shape with_samples(std::int64_t samples, const Shape& shape) {
  Shape result{samples};
  for (const std::int64_t extent : shape)
    result.push_back(extent);
  return result;
}

template <class T>
std::pair<Tensor<T>, Tensor<T>> read_samples(const Dataset<T>& data, std::int64_t first,
                                             std::int64_t count) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), first);
  Tensor<T> x(with_samples(count, data.x_shape())), y(with_samples(count, data.y_shape()));
  data.read(indices, x, y);
  return {x, y};
}

template std::pair<Tensor<float>, Tensor<float>> read_samples<float>(const Dataset<float>&,
                                                                     std::int64_t, std::int64_t);
template std::pair<Tensor<double>, Tensor<double>> read_samples<double>(const Dataset<double>&,
                                                                        std::int64_t, std::int64_t);

Shape output_shape(const Operator<float>& op, const Dataset<float>& data,
                   const Communicator& comm) {
  Shape shape;
  comm.together([&] {
    const Variable<float> y = op.forward(Variable<float>(read_samples(data, 0, 1).first));
    shape = Shape(y.shape().begin() + 1, y.shape().end());
  });
  return shape;
}

Summary summarise(std::vector<double> errors) {
  if (errors.empty()) return {};
  std::sort(errors.begin(), errors.end());
  const std::size_t n = errors.size();
  return {std::accumulate(errors.begin(), errors.end(), 0.0) / static_cast<double>(n),
          (errors[(n - 1) / 2] + errors[n / 2]) / 2, errors.back()};
}

}  // namespace nopal::tools
