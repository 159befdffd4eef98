// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nopal.h>
#include <nopal/io/option_reader.hpp>
#include <nopal/train/online_trainer.hpp>

#include "c_api/handles.hpp"

namespace nopal::c {
namespace {

template <class T>
class TrainerHandle : public AnyTrainer {
 public:
  TrainerHandle(std::shared_ptr<ModelHandle<T>> model, const OnlineOptions& options)
      : model_(std::move(model)),
        trainer_(model_->model(), model_->grid(), options),
        x_(model_->x_shape()),
        y_(model_->y_shape()) {}

  void add(const void* x, std::size_t x_count, const void* y, std::size_t y_count) override {
    take(x, x_count, y, y_count);
    trainer_.add(x_, y_);
  }
  double error(const void* x, std::size_t x_count, const void* y, std::size_t y_count) override {
    take(x, x_count, y, y_count);
    return trainer_.error(x_, y_);
  }
  double step(std::int64_t steps) override { return trainer_.step(steps); }
  void set_learning_rate(double rate) override { trainer_.set_learning_rate(rate); }
  std::int64_t samples() const override { return trainer_.samples(); }
  std::int64_t steps() const override { return trainer_.steps(); }
  void save(const std::string& path) override { trainer_.save(path); }
  void restore(const std::string& path) override { trainer_.restore(path); }

 private:
  void take(const void* x, std::size_t x_count, const void* y, std::size_t y_count) {
    model_->check_arrays(x, x_count, y, y_count);
    require(model_->x_shape() == x_.shape(), NOPAL_ERROR_STATE, "the model got another box after ",
            "the trainer was made; make a trainer for it");
    from_array(static_cast<const T*>(x), x_, model_->arrays());
    from_array(static_cast<const T*>(y), y_, model_->arrays());
  }

  std::shared_ptr<ModelHandle<T>> model_;
  OnlineTrainer<T> trainer_;
  Tensor<T> x_, y_;
};

template <class T>
bool make_trainer(nopal_trainer_s& handle, const OnlineOptions& options) {
  auto model = std::dynamic_pointer_cast<ModelHandle<T>>(handle.model);
  if (!model) return false;
  handle.trainer = std::make_unique<TrainerHandle<T>>(std::move(model), options);
  return true;
}

template <class Action>
nopal_status with_trainer(nopal_trainer trainer, const Action& action) noexcept {
  return with_handle(trainer, "trainer",
                     [&](nopal_trainer_s& handle) { action(*handle.trainer, *handle.model); });
}

// What OnlineTrainer refuses is wrong for a reason that its text says; the kind is the argument's.
template <class Action>
void as_argument(const Action& action) {
  try {
    action();
  } catch (const nopal::Error& error) {
    throw Refusal{NOPAL_ERROR_ARGUMENT, error.what()};
  }
}

}  // namespace
}  // namespace nopal::c

using namespace nopal;
using namespace nopal::c;

extern "C" {

nopal_status nopal_trainer_create(nopal_model model, const char* options, nopal_trainer* trainer) {
  return create_handle(trainer, "trainer", NOPAL_ERROR_ARGUMENT, [&] {
    require_handle(model, "model");
    auto handle = std::make_unique<nopal_trainer_s>();
    handle->model = model->model;
    const std::string text = options && *options ? options : "{}";
    require_agreement(handle->model->comm(), text, "options");
    OnlineOptions parsed;
    together(handle->model->comm(), [&] {
      require(
          handle->model->in > 0, NOPAL_ERROR_MODEL, handle->model->metadata["operator"],
          " takes functions and points; only operators on fields are trained from a simulation, ",
          "this one by `nopal train`");
      require(handle->model->has_box(), NOPAL_ERROR_STATE, "call nopal_model_set_box() first");
      parsed = OnlineOptions::from_json(parse_options(text, "the trainer's options"));
    });
    as_argument([&] {
      if (!make_trainer<float>(*handle, parsed)) make_trainer<double>(*handle, parsed);
    });
    return handle;
  });
}

nopal_status nopal_trainer_destroy(nopal_trainer* trainer) {
  return destroy_handle(trainer, "trainer");
}

nopal_status nopal_trainer_check_precision(nopal_trainer trainer, int precision) {
  return with_trainer(trainer, [&](AnyTrainer&, AnyModel& m) { require_precision(m, precision); });
}

nopal_status nopal_trainer_add(nopal_trainer trainer, const void* x, size_t x_count, const void* y,
                               size_t y_count) {
  return with_trainer(trainer, [&](AnyTrainer& t, AnyModel&) {
    as_argument([&] { t.add(x, x_count, y, y_count); });
  });
}

nopal_status nopal_trainer_error(nopal_trainer trainer, const void* x, size_t x_count,
                                 const void* y, size_t y_count, double* error) {
  return with_trainer(trainer, [&](AnyTrainer& t, AnyModel& m) {
    together(m.comm(), [&] {
      require(error != nullptr, NOPAL_ERROR_ARGUMENT, "expected the address of a number, got NULL");
    });
    as_argument([&] { *error = t.error(x, x_count, y, y_count); });
  });
}

nopal_status nopal_trainer_step(nopal_trainer trainer, int64_t steps, double* loss) {
  return with_trainer(trainer, [&](AnyTrainer& t, AnyModel& m) {
    require_agreement(m.comm(), std::to_string(steps), "numbers of steps");
    require(steps > 0, NOPAL_ERROR_ARGUMENT, "expected at least 1 step, got ", steps);
    try {
      const double mean = t.step(steps);
      if (loss) *loss = mean;
    } catch (const nopal::Error& error) {
      throw Refusal{NOPAL_ERROR_STATE, error.what()};
    }
    m.metadata["steps"] = std::to_string(t.steps());
    m.metadata["training_samples"] = std::to_string(t.samples());
  });
}

nopal_status nopal_trainer_set_learning_rate(nopal_trainer trainer, double rate) {
  return with_trainer(trainer, [&](AnyTrainer& t, AnyModel& m) {
    require_agreement(m.comm(), nopal::detail::concatenate(rate), "learning rates");
    as_argument([&] { t.set_learning_rate(rate); });
  });
}

nopal_status nopal_trainer_counts(nopal_trainer trainer, int64_t* samples, int64_t* steps) {
  return with_trainer(trainer, [&](AnyTrainer& t, AnyModel&) {
    require(samples && steps, NOPAL_ERROR_ARGUMENT, "expected addresses of numbers, got NULL");
    *samples = t.samples();
    *steps = t.steps();
  });
}

nopal_status nopal_trainer_save(nopal_trainer trainer, const char* path) {
  return with_trainer(trainer, [&](AnyTrainer& t, AnyModel& m) {
    together(m.comm(),
             [&] { require(path != nullptr, NOPAL_ERROR_ARGUMENT, "expected a path, got NULL"); });
    t.save(path);
  });
}

nopal_status nopal_trainer_restore(nopal_trainer trainer, const char* path) {
  return with_trainer(trainer, [&](AnyTrainer& t, AnyModel& m) {
    together(m.comm(),
             [&] { require(path != nullptr, NOPAL_ERROR_ARGUMENT, "expected a path, got NULL"); });
    try {
      t.restore(path);
    } catch (const nopal::Error& error) {
      throw Refusal{NOPAL_ERROR_MODEL, error.what()};
    }
  });
}

}  // extern "C"
