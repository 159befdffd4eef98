// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nopal.h>
#include <nopal/core/runtime.hpp>
#include <nopal/operators/model.hpp>

#include "c_api/field_layout.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

namespace {

using namespace nopal;

thread_local std::string last_error;

// An error of a kind of its own.
struct Refusal {
  nopal_status status;
  std::string text;
};

template <class... Parts>
void require(bool holds, nopal_status status, const Parts&... parts) {
  if (!holds) throw Refusal{status, detail::concatenate(parts...)};
}

// No exception may cross into C.
template <class Action>
nopal_status guarded(nopal_status other, const Action& action) noexcept {
  try {
    last_error.clear();
    action();
    return NOPAL_SUCCESS;
  } catch (const Refusal& refusal) {
    last_error = refusal.text;
    return refusal.status;
  } catch (const std::exception& error) {
    last_error = error.what();
    return other;
  } catch (...) {
    last_error = "unknown error";
    return NOPAL_ERROR_OTHER;
  }
}

// Checks that may fail on some ranks: all ranks then refuse with the same status. Collective.
template <class Action>
void together(const Communicator& comm, const Action& action) {
  std::optional<Refusal> mine;
  try {
    action();
  } catch (const Refusal& refusal) {
    mine = refusal;
  } catch (const std::exception& error) {
    mine = Refusal{NOPAL_ERROR_ARGUMENT, error.what()};
  }
  const int worst = static_cast<int>(comm.max(mine ? static_cast<double>(mine->status) : 0));
  if (worst == 0) return;
  if (mine && mine->status == worst) throw Refusal(*mine);
  throw Refusal{static_cast<nopal_status>(worst),
                mine ? mine->text : "refused on another rank, whose text says why"};
}

// Whether MPI knows the communicator: asked so that a wrong one is an error and no abort.
bool usable(MPI_Comm comm) {
  if (comm == MPI_COMM_NULL) return false;
  MPI_Errhandler before = MPI_ERRHANDLER_NULL;
  MPI_Comm_get_errhandler(MPI_COMM_WORLD, &before);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  int size = 0;
  const int code = MPI_Comm_size(comm, &size);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, before);
  if (before != MPI_ERRHANDLER_NULL) MPI_Errhandler_free(&before);
  return code == MPI_SUCCESS;
}

std::mutex runtime_mutex;
std::optional<Runtime> runtime;
int runtime_users = 0;

bool running() {
  const std::lock_guard<std::mutex> lock(runtime_mutex);
  return runtime_users > 0;
}

}  // namespace

// What both precisions share.
struct nopal_model_s {
  virtual ~nopal_model_s() = default;
  virtual void set_box(int dimension, const std::int64_t* extents, const std::int64_t* begin,
                       const std::int64_t* end, int layout) = 0;
  virtual void infer(const void* x, std::size_t x_count, void* y, std::size_t y_count) = 0;

  std::mutex mutex;
  std::int64_t in = 0, out = 0;
  std::map<std::string, std::string> metadata;
};

namespace {

// The grid that the boxes of all ranks make, its ranks numbered as Grid does. Collective.
Grid grid_of(const Communicator& comm, const Box& own, const Shape& extents,
             const std::vector<AxisRule>& rules) {
  const int d = extents.rank(), ranks = comm.size();
  std::vector<double> mine(static_cast<std::size_t>(9 * ranks), 0.0);
  double* const row = mine.data() + static_cast<std::ptrdiff_t>(9) * comm.rank();
  for (int a = 0; a < d; ++a) {
    row[3 * a] = static_cast<double>(extents[a]);
    row[3 * a + 1] = static_cast<double>(own[a].begin);
    row[3 * a + 2] = static_cast<double>(own[a].end);
  }
  const auto all = Tensor<double>::from_host({9 * ranks}, mine);
  comm.sum(all);
  const std::vector<double> table = all.to_vector();
  const auto entry = [&](int rank, int axis, int what) {
    return static_cast<std::int64_t>(table[static_cast<std::size_t>(9 * rank + 3 * axis + what)]);
  };
  std::vector<std::vector<std::int64_t>> counts;
  int position = 0;
  std::int64_t product = 1;
  for (int a = 0; a < d; ++a) {
    std::vector<std::pair<std::int64_t, std::int64_t>> cuts;
    for (int r = 0; r < ranks; ++r) {
      require(entry(r, a, 0) == extents[a], NOPAL_ERROR_ARGUMENT, "the extents of axis ", a,
              " differ: ", extents[a], " here, ", entry(r, a, 0), " on rank ", r);
      cuts.emplace_back(entry(r, a, 1), entry(r, a, 2));
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    std::int64_t next = 0;
    auto& axis = counts.emplace_back();
    for (const auto& [begin, end] : cuts) {
      require(begin == next && end > begin, NOPAL_ERROR_ARGUMENT, "the boxes do not cut axis ", a,
              " into parts that follow each other: one has the points from ", begin, " to ", end,
              ", expected one from ", next, " on, with points");
      next = end;
      axis.push_back(end - begin);
      if (begin == own[a].begin)
        position = position * static_cast<int>(cuts.size()) + static_cast<int>(axis.size()) - 1;
    }
    require(next == extents[a], NOPAL_ERROR_ARGUMENT, "the boxes end at point ", next, " of axis ",
            a, ", which has ", extents[a]);
    product *= static_cast<std::int64_t>(cuts.size());
  }
  require(product == ranks, NOPAL_ERROR_ARGUMENT, "the boxes are no products of cuts along the ",
          "axes: ", product, " combinations for ", ranks, " ranks");
  // How many ranks have each combination.
  std::vector<double> own_place(static_cast<std::size_t>(ranks), 0.0);
  own_place[static_cast<std::size_t>(position)] = 1;
  const auto taken = Tensor<double>::from_host({ranks}, own_place);
  comm.sum(taken);
  for (const double times : taken.to_vector())
    require(times == 1, NOPAL_ERROR_ARGUMENT, "two ranks have the same box");
  return Grid(extents, rules, comm.split(0, position), counts);
}

template <class T>
class ModelHandle : public nopal_model_s {
 public:
  ModelHandle(const Communicator& comm, const std::string& path)
      : comm_(comm.duplicate()), model_(Model<T>::load(path, comm_)) {
    const nlohmann::json configuration = model_.op().configuration();
    require(configuration.contains("in_channels") && configuration.contains("out_channels"),
            NOPAL_ERROR_MODEL, path, ": ", model_.op().name(), " is no operator from fields to ",
            "fields on a grid");
    in = configuration.at("in_channels");
    out = configuration.at("out_channels");
    if (model_.op().name() == "rollout")
      out = configuration.at("steps").template get<std::int64_t>() *
            configuration.at("variables").template get<std::int64_t>();
    metadata = model_.provenance();
    metadata["operator"] = model_.op().name();
    metadata["configuration"] = configuration.dump();
  }

  void set_box(int d, const std::int64_t* extents, const std::int64_t* begin,
               const std::int64_t* end, int layout) override {
    Shape shape;
    Box own;
    own.dimension = d;
    std::vector<AxisRule> rules = model_.op().grid_rules();
    together(comm_, [&] {
      require(d >= 1 && d <= 3 && extents && begin && end, NOPAL_ERROR_ARGUMENT,
              "expected 1 to 3 axes with extents, begin and end, got ", d, " axes",
              extents && begin && end ? "" : " and a null pointer");
      require(layout == NOPAL_ROW_MAJOR || layout == NOPAL_COLUMN_MAJOR, NOPAL_ERROR_ARGUMENT,
              "expected the layout NOPAL_ROW_MAJOR or NOPAL_COLUMN_MAJOR, got ", layout);
      for (int a = 0; a < d; ++a)
        require(begin[a] >= 0 && begin[a] < end[a] && end[a] <= extents[a], NOPAL_ERROR_ARGUMENT,
                "axis ", a, " of ", extents[a], " points: expected a part with points, got ",
                begin[a], " to ", end[a]);
      for (int a = 0; a < d; ++a) {
        shape.push_back(extents[a]);
        own.ranges[static_cast<std::size_t>(a)] = {begin[a], end[a]};
      }
      const Shape whole = Box::whole(shape).field(1, in);
      model_.op().check_inputs(std::span(&whole, 1));
      require(comm_.size() == 1 || !rules.empty(), NOPAL_ERROR_MODEL, model_.op().name(),
              " works on whole fields only, not on boxes of ", comm_.size(), " ranks");
    });
    if (rules.empty()) rules.assign(static_cast<std::size_t>(d), AxisRule());
    grid_ = grid_of(comm_, own, shape, rules);
    layout_ = layout;
    x_ = Tensor<T>(own.field(1, in));
    y_ = Tensor<T>(own.field(1, out));
  }

  void infer(const void* x, std::size_t x_count, void* y, std::size_t y_count) override {
    together(comm_, [&] {
      require(x_.defined(), NOPAL_ERROR_STATE, "call nopal_model_set_box() first");
      require(x && y, NOPAL_ERROR_ARGUMENT, "expected arrays, got a null pointer");
      require(x_count == static_cast<std::size_t>(x_.size()) &&
                  y_count == static_cast<std::size_t>(y_.size()),
              NOPAL_ERROR_ARGUMENT, "expected x with ", x_.size(), " numbers and y with ",
              y_.size(), " (", in, " and ", out, " channels on ", x_.size() / in, " points), got ",
              x_count, " and ", y_count);
    });
    detail::from_layout(static_cast<const T*>(x), x_, layout_ == NOPAL_COLUMN_MAJOR);
    if (comm_.size() == 1)
      model_.predict(x_, y_);
    else
      y_.copy_from(model_.predict(x_, grid_));
    detail::to_layout(y_, static_cast<T*>(y), layout_ == NOPAL_COLUMN_MAJOR);
  }

 private:
  Communicator comm_;
  Model<T> model_;
  Grid grid_;
  int layout_ = NOPAL_ROW_MAJOR;
  Tensor<T> x_, y_;  // on this rank's box
};

template <class Action>
nopal_status with_model(nopal_model model, const Action& action) noexcept {
  return guarded(NOPAL_ERROR_OTHER, [&] {
    require(model != nullptr, NOPAL_ERROR_ARGUMENT, "expected a model, got NULL");
    const std::unique_lock<std::mutex> lock(model->mutex, std::try_to_lock);
    require(lock.owns_lock(), NOPAL_ERROR_BUSY, "another thread is using this model; load one for ",
            "each thread");
    action();
  });
}

}  // namespace

extern "C" {

const char* nopal_error_text(void) {
  return last_error.c_str();
}

const char* nopal_version(void) {
  return nopal::version();
}

const char* nopal_commit(void) {
  return nopal::commit();
}

const char* nopal_configuration(void) {
  static const std::string text = nopal::build_configuration();
  return text.c_str();
}

nopal_status nopal_initialise(void) {
  return guarded(NOPAL_ERROR_OTHER, [] {
    int initialised = 0, finalised = 0;
    MPI_Initialized(&initialised);
    MPI_Finalized(&finalised);
    require(initialised && !finalised, NOPAL_ERROR_STATE,
            "nopal_initialise() comes after MPI_Init() and before MPI_Finalize()");
    const std::lock_guard<std::mutex> lock(runtime_mutex);
    if (runtime_users == 0) {
      int count = 0;
      char** arguments = nullptr;
      runtime.emplace(count, arguments);
    }
    ++runtime_users;
  });
}

nopal_status nopal_finalise(void) {
  return guarded(NOPAL_ERROR_OTHER, [] {
    const std::lock_guard<std::mutex> lock(runtime_mutex);
    require(runtime_users > 0, NOPAL_ERROR_STATE,
            "nopal_finalise() was called more often than nopal_initialise()");
    if (--runtime_users == 0) runtime.reset();
  });
}

nopal_status nopal_model_load(MPI_Comm comm, const char* path, int precision, nopal_model* model) {
  return guarded(NOPAL_ERROR_MODEL, [&] {
    require(model != nullptr, NOPAL_ERROR_ARGUMENT, "expected the address of a model, got NULL");
    *model = nullptr;
    require(running(), NOPAL_ERROR_STATE, "call nopal_initialise() first");
    require(usable(comm), NOPAL_ERROR_ARGUMENT,
            "expected a communicator, got MPI_COMM_NULL or one that was freed");
    const Communicator ranks(comm);
    together(ranks, [&] {
      require(path != nullptr, NOPAL_ERROR_ARGUMENT, "expected the path of a model, got NULL");
      require(precision == NOPAL_FLOAT || precision == NOPAL_DOUBLE, NOPAL_ERROR_ARGUMENT,
              "expected the precision NOPAL_FLOAT or NOPAL_DOUBLE, got ", precision);
    });
    if (precision == NOPAL_FLOAT)
      *model = std::make_unique<ModelHandle<float>>(ranks, path).release();
    else
      *model = std::make_unique<ModelHandle<double>>(ranks, path).release();
  });
}

nopal_status nopal_model_load_f(MPI_Fint comm, const char* path, int precision,
                                nopal_model* model) {
  return nopal_model_load(MPI_Comm_f2c(comm), path, precision, model);
}

nopal_status nopal_model_destroy(nopal_model* model) {
  return guarded(NOPAL_ERROR_OTHER, [&] {
    require(model != nullptr, NOPAL_ERROR_ARGUMENT, "expected the address of a model, got NULL");
    delete *model;  // NOLINT(cppcoreguidelines-owning-memory): a handle of C
    *model = nullptr;
  });
}

nopal_status nopal_model_channels(nopal_model model, int64_t* in, int64_t* out) {
  return with_model(model, [&] {
    require(in && out, NOPAL_ERROR_ARGUMENT, "expected addresses of numbers, got NULL");
    *in = model->in;
    *out = model->out;
  });
}

nopal_status nopal_model_metadata(nopal_model model, const char* key, const char** value) {
  return with_model(model, [&] {
    require(key && value, NOPAL_ERROR_ARGUMENT,
            "expected a key and the address of a text, got NULL");
    const auto entry = model->metadata.find(key);
    *value = entry == model->metadata.end() ? nullptr : entry->second.c_str();
  });
}

nopal_status nopal_model_set_box(nopal_model model, int dimension, const int64_t* extents,
                                 const int64_t* begin, const int64_t* end, int layout) {
  return with_model(model, [&] { model->set_box(dimension, extents, begin, end, layout); });
}

nopal_status nopal_model_infer(nopal_model model, const void* x, size_t x_count, void* y,
                               size_t y_count) {
  return with_model(model, [&] { model->infer(x, x_count, y, y_count); });
}

}  // extern "C"
