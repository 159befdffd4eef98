// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "c_api/boxes.hpp"
#include "c_api/handles.hpp"

#include <nopal/io/json_text.hpp>

#include <nlohmann/json.hpp>

#include <numeric>
#include <sstream>

namespace nopal::c {

const std::string& AnyModel::word(const std::string& key, std::int64_t index) {
  std::string& result = words_[{key, index}];
  result.clear();
  const auto entry = metadata.find(key);
  if (entry == metadata.end()) return result;
  std::istringstream words(entry->second);
  std::string word;
  for (std::int64_t i = 0; words >> word; ++i)
    if (i == index) result = word;
  return result;
}

template <class T>
ModelHandle<T>::ModelHandle(const Communicator& comm, Model<T> model, const std::string& name)
    : AnyModel(comm), model_(std::move(model)) {
  precision = sizeof(T) == sizeof(float) ? NOPAL_FLOAT : NOPAL_DOUBLE;
  const Operator<T>& op = model_.op();
  const nlohmann::json configuration = op.configuration();
  if (const auto* on_points = dynamic_cast<const PointOperator<T>*>(&op)) {
    function_sizes = on_points->function_sizes();
    point_dimension = on_points->point_dimension();
  }
  require(configuration.contains("out_channels") &&
              (configuration.contains("in_channels") || !function_sizes.empty()),
          NOPAL_ERROR_MODEL, name, ": ", op.name(), " is no operator from fields to fields on a ",
          "grid, and none that is asked at points");
  if (configuration.contains("in_channels")) in = configuration.at("in_channels");
  out = configuration.at("out_channels");
  if (op.name() == "rollout")
    out = configuration.at("steps").template get<std::int64_t>() *
          configuration.at("variables").template get<std::int64_t>();
  metadata = model_.provenance();
  metadata["operator"] = op.name();
  metadata["configuration"] = json_text(configuration);
}

template <class T>
void ModelHandle<T>::set_metadata(const std::string& key, const std::string& value) {
  for (const char* own : {"format", "format_version", "operator", "configuration", "training_grid",
                          "nopal_version", "nopal_commit", "checkpoint", "online"})
    require(key != own, NOPAL_ERROR_ARGUMENT, "'", key, "' is written by the library itself; ",
            "choose another key");
  require(!key.empty(), NOPAL_ERROR_ARGUMENT, "expected a key, got an empty text");
  model_.provenance()[key] = value;
  metadata[key] = value;
}

template <class T>
void ModelHandle<T>::set_box(int d, const std::int64_t* extents, const std::int64_t* begin,
                             const std::int64_t* end, int layout) {
  Shape shape;
  Box own;
  std::vector<AxisRule> rules = model_.op().grid_rules();
  together(comm(), [&] {
    require(in > 0, NOPAL_ERROR_MODEL, model_.op().name(), " takes functions and points; call ",
            "nopal_model_infer_points()");
    require(d >= 1 && d <= 3 && extents && begin && end, NOPAL_ERROR_ARGUMENT,
            "expected 1 to 3 axes with extents, begin and end, got ", d, " axes",
            extents && begin && end ? "" : " and a null pointer");
    require(layout == NOPAL_ROW_MAJOR || layout == NOPAL_COLUMN_MAJOR, NOPAL_ERROR_ARGUMENT,
            "expected the layout NOPAL_ROW_MAJOR or NOPAL_COLUMN_MAJOR, got ", layout);
    own.dimension = d;
    double points = 1;
    for (int a = 0; a < d; ++a) {
      points *= static_cast<double>(extents[a]);
      require(
          extents[a] > 0 &&
                  points<9e15, NOPAL_ERROR_ARGUMENT, "axis ", a,
                         ": expected extents of 1 point or more and less than 9e15 in all, got ",
                         extents[a], a> 0
              ? " beside those before"
              : "");
      require(begin[a] >= 0 && begin[a] < end[a] && end[a] <= extents[a], NOPAL_ERROR_ARGUMENT,
              "axis ", a, ": expected 0 <= begin < end <= ", extents[a], ", got begin ", begin[a],
              " and end ", end[a], " (in Fortran axis ", a + 1, ", points ", begin[a] + 1, " to ",
              end[a], ")");
      shape.push_back(extents[a]);
      own.ranges[static_cast<std::size_t>(a)] = {begin[a], end[a]};
    }
    const Shape whole = Box::whole(shape).field(1, in);
    model_.op().check_inputs(std::span(&whole, 1));
    require(comm().size() == 1 || !rules.empty(), NOPAL_ERROR_MODEL, model_.op().name(),
            " works on whole fields only, not on boxes of ", comm().size(), " ranks");
  });
  if (rules.empty()) rules.assign(static_cast<std::size_t>(d), AxisRule());
  Grid grid = grid_of_boxes(comm(), own, shape, rules);
  Tensor<T> x, y;
  together(comm(), [&] {
    try {
      x = Tensor<T>(own.field(1, in));
      y = Tensor<T>(own.field(1, out));
    } catch (const std::exception& error) {
      throw Refusal{NOPAL_ERROR_OTHER, error.what()};
    }
  });
  grid_ = std::move(grid);
  layout_ = layout;
  x_ = std::move(x);
  y_ = std::move(y);
}

template <class T>
void ModelHandle<T>::check_arrays(const void* x, std::size_t x_count, const void* y,
                                  std::size_t y_count) const {
  together(comm(), [&] {
    require(x_.defined(), NOPAL_ERROR_STATE, "call nopal_model_set_box() first");
    require(x && y, NOPAL_ERROR_ARGUMENT, "expected arrays, got a null pointer");
    require(x_count == static_cast<std::size_t>(x_.size()) &&
                y_count == static_cast<std::size_t>(y_.size()),
            NOPAL_ERROR_ARGUMENT, "expected x with ", x_.size(), " numbers and y with ", y_.size(),
            " (", in, " and ", out, " channels on ", x_.size() / in, " points), got ", x_count,
            " and ", y_count);
  });
}

template <class T>
void ModelHandle<T>::infer(const void* x, std::size_t x_count, void* y, std::size_t y_count) {
  check_arrays(x, x_count, y, y_count);
  from_array(static_cast<const T*>(x), x_, arrays());
  if (comm().size() == 1)
    model_.predict(x_, y_);
  else
    y_.copy_from(model_.predict(x_, grid_));
  to_array(y_, static_cast<T*>(y), arrays());
}

template <class T>
void ModelHandle<T>::infer_points(const void* functions, std::size_t functions_count,
                                  const void* points, std::size_t points_count, void* y,
                                  std::size_t y_count, int layout) {
  require(!function_sizes.empty(), NOPAL_ERROR_MODEL, model_.op().name(), " maps fields on grids; ",
          "call nopal_model_set_box() and nopal_model_infer()");
  require(point_dimension > 0, NOPAL_ERROR_MODEL, model_.op().name(),
          " knows the points of its training only");
  require(layout == NOPAL_ROW_MAJOR || layout == NOPAL_COLUMN_MAJOR, NOPAL_ERROR_ARGUMENT,
          "expected the layout NOPAL_ROW_MAJOR or NOPAL_COLUMN_MAJOR, got ", layout);
  const std::int64_t values =
      std::accumulate(function_sizes.begin(), function_sizes.end(), std::int64_t(0));
  const auto count = static_cast<std::int64_t>(points_count) / point_dimension;
  require(functions && (count == 0 || (points && y)), NOPAL_ERROR_ARGUMENT,
          "expected arrays, got a null pointer");
  require(functions_count == static_cast<std::size_t>(values), NOPAL_ERROR_ARGUMENT, "expected ",
          values, " values of ", function_sizes.size(), " input function(s), got ",
          functions_count);
  require(points_count == static_cast<std::size_t>(count * point_dimension) &&
              y_count == static_cast<std::size_t>(count * out),
          NOPAL_ERROR_ARGUMENT, "expected P x ", point_dimension, " coordinates and P x ", out,
          " outputs, got ", points_count, " and ", y_count, " numbers");
  if (count == 0) return;
  const Arrays order{layout == NOPAL_COLUMN_MAJOR, device};
  const auto* from = static_cast<const T*>(functions);
  if (functions_.empty())
    for (const std::int64_t size : function_sizes)
      functions_.emplace_back(Shape{1, size});
  for (const Tensor<T>& function : functions_) {
    from_array(from, function, {false, device});
    from += function.size();
  }
  if (!points_.defined() || points_.extent(0) != count) {
    points_ = Tensor<T>({count, point_dimension});
    y_points_ = Tensor<T>({count, out});
  }
  from_array(static_cast<const T*>(points), points_, order);
  y_points_.copy_from(model_.predict_points(functions_, points_));
  to_array(y_points_, static_cast<T*>(y), order);
}

template class ModelHandle<float>;
template class ModelHandle<double>;

}  // namespace nopal::c
