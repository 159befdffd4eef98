// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/operators/model.hpp>

#include "c_api/field_layout.hpp"
#include "c_api/status.hpp"

#include <map>
#include <memory>
#include <string>

namespace nopal::c {

/// A trainer of either precision, see nopal_trainer_*.
class AnyTrainer {
 public:
  virtual ~AnyTrainer() = default;
  virtual void add(const void* x, std::size_t x_count, const void* y, std::size_t y_count) = 0;
  virtual double error(const void* x, std::size_t x_count, const void* y, std::size_t y_count) = 0;
  virtual double step(std::int64_t steps) = 0;
  virtual void set_learning_rate(double rate) = 0;
  virtual std::int64_t samples() const = 0;
  virtual std::int64_t steps() const = 0;
  virtual void save(const std::string& path) = 0;
  virtual void restore(const std::string& path) = 0;
};

/// A model of either precision, see nopal_model_*.
class AnyModel {
 public:
  explicit AnyModel(const Communicator& comm) : comm_(comm.duplicate()) {}
  virtual ~AnyModel() = default;

  virtual void set_box(int dimension, const std::int64_t* extents, const std::int64_t* begin,
                       const std::int64_t* end, int layout) = 0;
  virtual void infer(const void* x, std::size_t x_count, void* y, std::size_t y_count) = 0;
  virtual void infer_points(const void* functions, std::size_t functions_count, const void* points,
                            std::size_t points_count, void* y, std::size_t y_count, int layout) = 0;
  virtual void save(const std::string& path) = 0;
  virtual void set_metadata(const std::string& key, const std::string& value) = 0;
  virtual Shape training_grid() const = 0;
  virtual bool has_box() const = 0;

  const Communicator& comm() const noexcept { return comm_; }

  std::int64_t in = 0, out = 0;              ///< channels; in is 0 without fields
  std::vector<std::int64_t> function_sizes;  ///< empty: no operator on points
  std::int64_t point_dimension = 0;
  int precision = NOPAL_FLOAT;  ///< of the caller's arrays
  bool device = false;          ///< where they are

  /// What is known, as text; entries stay where they are.
  std::map<std::string, std::string> metadata;

  /// Word `index` of the list under a key; "" if there is none. Stays where it is.
  const std::string& word(const std::string& key, std::int64_t index);

 private:
  Communicator comm_;
  std::map<std::pair<std::string, std::int64_t>, std::string> words_;
};

template <class T>
class ModelHandle : public AnyModel {
 public:
  /// `name` stands in messages. Collective.
  ModelHandle(const Communicator& comm, Model<T> model, const std::string& name);

  void set_box(int dimension, const std::int64_t* extents, const std::int64_t* begin,
               const std::int64_t* end, int layout) override;
  void infer(const void* x, std::size_t x_count, void* y, std::size_t y_count) override;
  void infer_points(const void* functions, std::size_t functions_count, const void* points,
                    std::size_t points_count, void* y, std::size_t y_count, int layout) override;
  void save(const std::string& path) override { model_.save(path, comm()); }
  void set_metadata(const std::string& key, const std::string& value) override;
  Shape training_grid() const override { return model_.training_grid(); }
  bool has_box() const override { return x_.defined(); }

  Model<T>& model() noexcept { return model_; }
  const Grid& grid() const noexcept { return grid_; }  ///< without ranks before set_box()
  Shape x_shape() const { return x_.shape(); }         ///< of this rank's box, (1, ..., Cin)
  Shape y_shape() const { return y_.shape(); }
  Arrays arrays() const noexcept { return {layout_ == NOPAL_COLUMN_MAJOR, device}; }

  /// Refuses arrays that do not fit the box. Collective.
  void check_arrays(const void* x, std::size_t x_count, const void* y, std::size_t y_count) const;

 private:
  Model<T> model_;
  Grid grid_;
  int layout_ = NOPAL_ROW_MAJOR;
  Tensor<T> x_, y_;  // on this rank's box
  std::vector<Tensor<T>> functions_;
  Tensor<T> points_, y_points_;
};

}  // namespace nopal::c

/// What a nopal_model and a nopal_trainer point to. The trainer keeps its model alive.
struct nopal_model_s {
  std::shared_ptr<nopal::c::AnyModel> model;
};
struct nopal_trainer_s {
  std::shared_ptr<nopal::c::AnyModel> model;
  std::unique_ptr<nopal::c::AnyTrainer> trainer;
};

namespace nopal::c {

/// Refuses arrays of another precision than the model's.
inline void require_precision(const AnyModel& model, int precision) {
  const auto name = [](int p) {
    return p == NOPAL_DOUBLE ? "double (nopal_double, real64)" : "float (nopal_float, real32)";
  };
  require(precision == model.precision, NOPAL_ERROR_ARGUMENT, "expected arrays of ",
          name(model.precision), ", as the model was made for, got ", name(precision));
}

/// Refuses what is no handle.
template <class Handle>
void require_handle(const Handle* handle, const char* kind) {
  require(handle != nullptr, NOPAL_ERROR_ARGUMENT, "expected a ", kind, ", got NULL");
  require(enlisted(handle), NOPAL_ERROR_ARGUMENT, "expected a ", kind,
          ", got a handle of none: it was destroyed, or never made");
}

/// Calls `action` with the handle's contents, unless the handle is none or another call runs.
template <class Handle, class Action>
nopal_status with_handle(Handle* handle, const char* kind, const Action& action) noexcept {
  return guarded(NOPAL_ERROR_OTHER, [&] {
    const OneCall call;
    require_running();
    require_handle(handle, kind);
    action(*handle);
  });
}

/// Makes `*handle` of what `make` gives, NULL on an error.
template <class Handle, class Make>
nopal_status create_handle(Handle** handle, const char* kind, nopal_status other,
                           const Make& make) noexcept {
  return guarded(other, [&] {
    require(handle != nullptr, NOPAL_ERROR_ARGUMENT, "expected the address of a ", kind,
            ", got NULL");
    *handle = nullptr;
    const OneCall call;
    require_running();
    std::unique_ptr<Handle> made = make();
    enlist(made.get());
    *handle = made.release();
  });
}

template <class Handle>
nopal_status destroy_handle(Handle** handle, const char* kind) noexcept {
  return guarded(NOPAL_ERROR_OTHER, [&] {
    require(handle != nullptr, NOPAL_ERROR_ARGUMENT, "expected the address of a ", kind,
            ", got NULL");
    if (*handle == nullptr) return;
    const OneCall call;
    require_running();
    require(enlisted(*handle), NOPAL_ERROR_ARGUMENT, "this ", kind, " was destroyed before");
    strike_off(*handle);
    delete *handle;  // NOLINT(cppcoreguidelines-owning-memory): a handle of C
    *handle = nullptr;
  });
}

}  // namespace nopal::c
