// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nopal.h>
#include <nopal/io/option_reader.hpp>

#include "c_api/handles.hpp"

#include <limits>

namespace nopal::c {
namespace {

template <class Action>
nopal_status with_model(nopal_model model, const Action& action) noexcept {
  return with_handle(model, "model", [&](nopal_model_s& handle) { action(*handle.model); });
}

// A handle of the precision asked for, of the model that load(type) gives.
template <class Load>
std::unique_ptr<nopal_model_s> make_handle(const Communicator& comm, int precision,
                                           const char* name, const Load& load) {
  auto handle = std::make_unique<nopal_model_s>();
  if (precision == NOPAL_FLOAT)
    handle->model = std::make_shared<ModelHandle<float>>(comm, load(float()), name);
  else
    handle->model = std::make_shared<ModelHandle<double>>(comm, load(double()), name);
  return handle;
}

void check_arguments(const Communicator& comm, const char* text, const char* what, int precision) {
  together(comm, [&] {
    require(text != nullptr, NOPAL_ERROR_ARGUMENT, "expected ", what, ", got NULL");
    require(precision == NOPAL_FLOAT || precision == NOPAL_DOUBLE, NOPAL_ERROR_ARGUMENT,
            "expected the precision NOPAL_FLOAT or NOPAL_DOUBLE, got ", precision);
  });
  require_agreement(comm, std::to_string(precision), "precisions");
}

const char* side_name(int side) {
  require(side == NOPAL_INPUT || side == NOPAL_OUTPUT, NOPAL_ERROR_ARGUMENT,
          "expected the side NOPAL_INPUT or NOPAL_OUTPUT, got ", side);
  return side == NOPAL_INPUT ? "data.x_" : "data.y_";
}

double number(const std::string& text) {
  std::size_t used = 0;
  try {
    const double value = std::stod(text, &used);
    if (used == text.size()) return value;
  } catch (const std::exception&) {
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace
}  // namespace nopal::c

using namespace nopal;
using namespace nopal::c;

extern "C" {

nopal_status nopal_model_load(MPI_Comm comm, const char* path, int precision, nopal_model* model) {
  return create_handle(model, "model", NOPAL_ERROR_MODEL, [&] {
    require_usable(comm);
    const Communicator ranks(comm);
    check_arguments(ranks, path, "the path of a model", precision);
    return make_handle(ranks, precision, path,
                       [&](auto type) { return Model<decltype(type)>::load(path, ranks); });
  });
}

nopal_status nopal_model_create(MPI_Comm comm, const char* name, const char* configuration,
                                int precision, uint64_t seed, nopal_model* model) {
  return create_handle(model, "model", NOPAL_ERROR_ARGUMENT, [&] {
    require_usable(comm);
    const Communicator ranks(comm);
    check_arguments(ranks, name, "the name of an operator", precision);
    const std::string options = configuration && *configuration ? configuration : "{}";
    require_agreement(ranks, nopal::detail::concatenate(name, ' ', seed, ' ', options),
                      "operators, configurations or seeds");
    return make_handle(ranks, precision, name, [&](auto type) {
      using T = decltype(type);
      std::unique_ptr<Operator<T>> op;
      ranks.together([&] {
        op = make_operator<T>(name, parse_options(options, "the model's configuration"), seed);
      });
      return Model<T>(std::move(op));
    });
  });
}

nopal_status nopal_model_load_f(MPI_Fint comm, const char* path, int precision,
                                nopal_model* model) {
  return nopal_model_load(MPI_Comm_f2c(comm), path, precision, model);
}

nopal_status nopal_model_create_f(MPI_Fint comm, const char* name, const char* configuration,
                                  int precision, uint64_t seed, nopal_model* model) {
  return nopal_model_create(MPI_Comm_f2c(comm), name, configuration, precision, seed, model);
}

nopal_status nopal_model_save(nopal_model model, const char* path) {
  return with_model(model, [&](AnyModel& m) {
    together(m.comm(),
             [&] { require(path != nullptr, NOPAL_ERROR_ARGUMENT, "expected a path, got NULL"); });
    m.save(path);
  });
}

nopal_status nopal_model_destroy(nopal_model* model) {
  return destroy_handle(model, "model");
}

nopal_status nopal_model_channels(nopal_model model, int64_t* in, int64_t* out) {
  return with_model(model, [&](AnyModel& m) {
    require(in && out, NOPAL_ERROR_ARGUMENT, "expected addresses of numbers, got NULL");
    *in = m.in;
    *out = m.out;
  });
}

nopal_status nopal_model_field(nopal_model model, int side, int64_t channel, const char** name,
                               const char** unit) {
  return with_model(model, [&](AnyModel& m) {
    require(name && unit, NOPAL_ERROR_ARGUMENT, "expected addresses of texts, got NULL");
    const std::string key = side_name(side);
    const std::int64_t channels = side == NOPAL_INPUT ? m.in : m.out;
    require(channel >= 0 && channel < channels, NOPAL_ERROR_ARGUMENT, "expected a channel from 0 ",
            "to ", channels - 1, " (in Fortran 1 to ", channels, "), got ", channel);
    *name = m.word(key + "channels", channel).c_str();
    *unit = m.word(key + "units", channel).c_str();
  });
}

nopal_status nopal_model_grid(nopal_model model, int* dimension, int64_t* extents) {
  return with_model(model, [&](AnyModel& m) {
    require(dimension && extents, NOPAL_ERROR_ARGUMENT, "expected addresses of numbers, got NULL");
    const Shape grid = m.training_grid();
    *dimension = grid.rank();
    for (int a = 0; a < grid.rank(); ++a)
      extents[a] = grid[a];
  });
}

nopal_status nopal_model_axis(nopal_model model, int axis, const char** name, double* low,
                              double* high, const char** unit) {
  return with_model(model, [&](AnyModel& m) {
    require(name && low && high && unit, NOPAL_ERROR_ARGUMENT, "expected addresses, got NULL");
    const int axes = m.training_grid().rank();
    require(axis >= 0 && axis < axes, NOPAL_ERROR_ARGUMENT, "expected an axis of the ", axes,
            " of the training grid, from 0, got ", axis);
    const char* const usual[] = {"x", "y", "z"};
    const std::string& given = m.word("data.axes", axis);
    *name = given.empty() ? usual[axis] : given.c_str();
    *low = number(m.word("data.domain", static_cast<std::int64_t>(2) * axis));
    *high = number(m.word("data.domain", static_cast<std::int64_t>(2) * axis + 1));
    *unit = m.word("data.axes_units", axis).c_str();
  });
}

nopal_status nopal_model_metadata(nopal_model model, const char* key, const char** value) {
  return with_model(model, [&](AnyModel& m) {
    require(key && value, NOPAL_ERROR_ARGUMENT,
            "expected a key and the address of a text, got NULL");
    const auto entry = m.metadata.find(key);
    *value = entry == m.metadata.end() ? nullptr : entry->second.c_str();
  });
}

nopal_status nopal_model_set_metadata(nopal_model model, const char* key, const char* value) {
  return with_model(model, [&](AnyModel& m) {
    require(key && value, NOPAL_ERROR_ARGUMENT, "expected a key and a text, got NULL");
    m.set_metadata(key, value);
  });
}

nopal_status nopal_model_set_box(nopal_model model, int dimension, const int64_t* extents,
                                 const int64_t* begin, const int64_t* end, int layout) {
  return with_model(model, [&](AnyModel& m) { m.set_box(dimension, extents, begin, end, layout); });
}

nopal_status nopal_model_set_memory(nopal_model model, int memory) {
  return with_model(model, [&](AnyModel& m) {
    require(memory == NOPAL_HOST || memory == NOPAL_DEVICE, NOPAL_ERROR_ARGUMENT,
            "expected the memory NOPAL_HOST or NOPAL_DEVICE, got ", memory);
    m.device = memory == NOPAL_DEVICE;
  });
}

nopal_status nopal_model_check_precision(nopal_model model, int precision) {
  return with_model(model, [&](AnyModel& m) { require_precision(m, precision); });
}

nopal_status nopal_model_infer(nopal_model model, const void* x, size_t x_count, void* y,
                               size_t y_count) {
  return with_model(model, [&](AnyModel& m) { m.infer(x, x_count, y, y_count); });
}

nopal_status nopal_model_functions(nopal_model model, int* functions, int* dimension) {
  return with_model(model, [&](AnyModel& m) {
    require(functions && dimension, NOPAL_ERROR_ARGUMENT,
            "expected addresses of numbers, got NULL");
    *functions = static_cast<int>(m.function_sizes.size());
    *dimension = static_cast<int>(m.point_dimension);
  });
}

nopal_status nopal_model_function_size(nopal_model model, int function, int64_t* size) {
  return with_model(model, [&](AnyModel& m) {
    require(size != nullptr, NOPAL_ERROR_ARGUMENT, "expected the address of a number, got NULL");
    const auto functions = static_cast<int>(m.function_sizes.size());
    require(function >= 0 && function < functions, NOPAL_ERROR_ARGUMENT, "expected one of ",
            functions, " input functions, from 0, got ", function);
    *size = m.function_sizes[static_cast<std::size_t>(function)];
  });
}

nopal_status nopal_model_infer_points(nopal_model model, const void* functions,
                                      size_t functions_count, const void* points,
                                      size_t points_count, void* y, size_t y_count, int layout) {
  return with_model(model, [&](AnyModel& m) {
    m.infer_points(functions, functions_count, points, points_count, y, y_count, layout);
  });
}

}  // extern "C"
