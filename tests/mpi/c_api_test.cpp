// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// The C interface against the C++ one: boxes in any order of ranks, both layouts, all errors.

#include "c_api_tools.hpp"

#include <nopal/core/allocator.hpp>
#include <nopal/operators/model.hpp>

#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <thread>

namespace {

using namespace nopal;
using nlohmann::json;

using test::expect_refused;
using test::world;

// A model file.
class CApi : public test::CTest {
 protected:
  void SetUp() override {
    CTest::SetUp();
    const json options{{"n_modes", {4, 4}},
                       {"in_channels", 2},
                       {"out_channels", 3},
                       {"hidden_channels", 4},
                       {"n_layers", 2}};
    const auto numbers = [](std::initializer_list<float> values) {
      return Tensor<float>::from_host({static_cast<std::int64_t>(values.size())},
                                      std::vector<float>(values));
    };
    Model<float> model(make_operator<float>("fno", options, 3),
                       Normaliser<float>(numbers({1, 2}), numbers({3, 4})),
                       Normaliser<float>(numbers({5, 6, 7}), numbers({8, 9, 10})));
    model.provenance()["data.x"] = "two fields";
    model.save(path, world());
  }

  std::string path = folder / "model.safetensors";
};

template <class T>
void compare(const std::string& path, nopal_layout layout) {
  const Shape extents{7, 6};
  const auto whole = test::random_field<T>({1, 7, 6, 2}, 1);
  const Tensor<T> expected =
      test::part(Model<T>::load(path).predict(whole), test::backward_box(extents));
  const Box box = test::backward_box(extents);
  nopal_model model = nullptr;
  ASSERT_EQ(nopal_model_load(MPI_COMM_WORLD, path.c_str(),
                             sizeof(T) == 4 ? NOPAL_FLOAT : NOPAL_DOUBLE, &model),
            NOPAL_SUCCESS)
      << nopal_error_text();
  const std::int64_t n[] = {7, 6}, begin[] = {box[0].begin, box[1].begin},
                     end[] = {box[0].end, box[1].end};
  ASSERT_EQ(nopal_model_set_box(model, 2, n, begin, end, layout), NOPAL_SUCCESS)
      << nopal_error_text();
  const std::int64_t n1 = box[0].size(), n2 = box[1].size();
  const auto place = [&](std::int64_t i, std::int64_t j, std::int64_t c, std::int64_t channels) {
    return static_cast<std::size_t>(layout == NOPAL_ROW_MAJOR ? c + channels * (j + n2 * i)
                                                              : i + n1 * (j + n2 * c));
  };
  const auto own = test::part(whole, box).to_vector();
  std::vector<T> x(own.size()), y(static_cast<std::size_t>(expected.size()));
  for (std::int64_t i = 0; i < n1; ++i)
    for (std::int64_t j = 0; j < n2; ++j)
      for (std::int64_t c = 0; c < 2; ++c)
        x[place(i, j, c, 2)] = own[static_cast<std::size_t>(c + 2 * (j + n2 * i))];
  std::uint64_t allocations = 0;
  for (int step = 0; step < 4; ++step) {
    if (step == 2) allocations = memory_statistics().system_allocations;
    std::fill(y.begin(), y.end(), T(0));
    ASSERT_EQ(nopal_model_infer(model, x.data(), x.size(), y.data(), y.size()), NOPAL_SUCCESS)
        << nopal_error_text();
  }
  EXPECT_EQ(memory_statistics().system_allocations, allocations);
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;
  const auto reference = expected.to_vector();
  for (std::int64_t i = 0; i < n1; ++i)
    for (std::int64_t j = 0; j < n2; ++j)
      for (std::int64_t c = 0; c < 3; ++c) {
        const T value = reference[static_cast<std::size_t>(c + 3 * (j + n2 * i))];
        EXPECT_NEAR(y[place(i, j, c, 3)], value, tolerance * (1 + std::abs(value)));
      }
  EXPECT_EQ(nopal_model_destroy(&model), NOPAL_SUCCESS);
  EXPECT_EQ(model, nullptr);
}

TEST_F(CApi, IsTheModelOnTheCallersBoxes) {
  for (const nopal_layout layout : {NOPAL_ROW_MAJOR, NOPAL_COLUMN_MAJOR}) {
    compare<float>(path, layout);
    compare<double>(path, layout);
  }
}

TEST_F(CApi, DescribesTheModel) {
  nopal_model model = nullptr;
  ASSERT_EQ(nopal_model_load_f(MPI_Comm_c2f(MPI_COMM_WORLD), path.c_str(), NOPAL_FLOAT, &model),
            NOPAL_SUCCESS);
  std::int64_t in = 0, out = 0;
  EXPECT_EQ(nopal_model_channels(model, &in, &out), NOPAL_SUCCESS);
  EXPECT_EQ(in, 2);
  EXPECT_EQ(out, 3);
  const char* text = nullptr;
  EXPECT_EQ(nopal_model_metadata(model, "operator", &text), NOPAL_SUCCESS);
  EXPECT_STREQ(text, "fno");
  EXPECT_EQ(nopal_model_metadata(model, "data.x", &text), NOPAL_SUCCESS);
  EXPECT_STREQ(text, "two fields");
  EXPECT_EQ(nopal_model_metadata(model, "nothing", &text), NOPAL_SUCCESS);
  EXPECT_EQ(text, nullptr);
  nopal_model_destroy(&model);
  EXPECT_EQ(std::string(nopal_version()), std::to_string(NOPAL_VERSION_MAJOR) + "." +
                                              std::to_string(NOPAL_VERSION_MINOR) + "." +
                                              std::to_string(NOPAL_VERSION_PATCH));
  EXPECT_STRNE(nopal_commit(), "");
  EXPECT_STRNE(nopal_configuration(), "");
}

TEST_F(CApi, BadInputIsAnErrorCode) {
  const std::int64_t n[] = {8, 8}, zero[] = {0, 0};
  float number = 0;
  expect_refused(nopal_model_infer(nullptr, &number, 1, &number, 1), NOPAL_ERROR_ARGUMENT,
                 {"NULL"});
  expect_refused(nopal_model_load(MPI_COMM_WORLD, path.c_str(), NOPAL_FLOAT, nullptr),
                 NOPAL_ERROR_ARGUMENT, {"NULL"});
  nopal_model model = nullptr;
  expect_refused(nopal_model_load(MPI_COMM_NULL, path.c_str(), NOPAL_FLOAT, &model),
                 NOPAL_ERROR_ARGUMENT, {"MPI_COMM_NULL"});
  MPI_Comm freed = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &freed);
  const MPI_Fint handle = MPI_Comm_c2f(freed);
  MPI_Comm_free(&freed);
  expect_refused(nopal_model_load_f(handle, path.c_str(), NOPAL_FLOAT, &model),
                 NOPAL_ERROR_ARGUMENT, {"freed"});
  // A copy of the handle, which MPI_Comm_free() does not set to none.
  MPI_Comm copy = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &freed);
  copy = freed;
  MPI_Comm_free(&freed);
  expect_refused(nopal_model_load(copy, path.c_str(), NOPAL_FLOAT, &model), NOPAL_ERROR_ARGUMENT,
                 {"freed"});
  if (world().size() > 1) {
    MPI_Comm half = MPI_COMM_NULL, two_groups = MPI_COMM_NULL;
    const int group = world().rank() % 2;
    MPI_Comm_split(MPI_COMM_WORLD, group, 0, &half);
    MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, 1 - group, 1, &two_groups);
    expect_refused(nopal_model_load(two_groups, path.c_str(), NOPAL_FLOAT, &model),
                   NOPAL_ERROR_ARGUMENT, {"intercommunicator"});
    MPI_Comm_free(&two_groups);
    MPI_Comm_free(&half);
    const int rank = world().rank();
    expect_refused(nopal_model_load(MPI_COMM_WORLD, path.c_str(),
                                    rank == 0 ? NOPAL_FLOAT : NOPAL_DOUBLE, &model),
                   NOPAL_ERROR_ARGUMENT, {"precisions differ"});
    expect_refused(nopal_model_create(MPI_COMM_WORLD, "fno", "{\"n_modes\": [4]}", NOPAL_FLOAT,
                                      static_cast<std::uint64_t>(rank), &model),
                   NOPAL_ERROR_ARGUMENT, {"seeds differ"});
    expect_refused(nopal_model_create(MPI_COMM_WORLD, "fno",
                                      rank == 0 ? "{\"n_modes\": [4]}" : "{\"n_modes\": [6]}",
                                      NOPAL_FLOAT, 0, &model),
                   NOPAL_ERROR_ARGUMENT, {"configurations"});
  }
  expect_refused(nopal_model_load(MPI_COMM_WORLD, nullptr, NOPAL_FLOAT, &model),
                 NOPAL_ERROR_ARGUMENT, {"path"});
  expect_refused(nopal_model_load(MPI_COMM_WORLD, path.c_str(), 7, &model), NOPAL_ERROR_ARGUMENT,
                 {"NOPAL_DOUBLE", "7"});
  expect_refused(nopal_model_load(MPI_COMM_WORLD, "/nowhere/m", NOPAL_FLOAT, &model),
                 NOPAL_ERROR_MODEL, {"/nowhere/m"});
  EXPECT_EQ(model, nullptr);
  const std::string other = folder / "other.safetensors";
  if (world().rank() == 0) test::write_file(other, "no model at all");
  world().barrier();
  expect_refused(nopal_model_load(MPI_COMM_WORLD, other.c_str(), NOPAL_FLOAT, &model),
                 NOPAL_ERROR_MODEL, {"other.safetensors"});

  ASSERT_EQ(nopal_model_load(MPI_COMM_WORLD, path.c_str(), NOPAL_FLOAT, &model), NOPAL_SUCCESS);
  expect_refused(nopal_model_infer(model, &number, 1, &number, 1), NOPAL_ERROR_STATE,
                 {"nopal_model_set_box"});
  const Box box = test::backward_box({8, 8});
  const std::int64_t begin[] = {box[0].begin, box[1].begin}, end[] = {box[0].end, box[1].end};
  expect_refused(nopal_model_set_box(model, 4, n, begin, end, NOPAL_ROW_MAJOR),
                 NOPAL_ERROR_ARGUMENT, {"1 to 3 axes", "4"});
  expect_refused(nopal_model_set_box(model, 2, n, nullptr, end, NOPAL_ROW_MAJOR),
                 NOPAL_ERROR_ARGUMENT, {"null"});
  expect_refused(nopal_model_set_box(model, 2, n, begin, zero, NOPAL_ROW_MAJOR),
                 NOPAL_ERROR_ARGUMENT, {"0 <= begin < end <= 8"});
  // Boxes that are all the same, or leave points out.
  const std::int64_t most[] = {8, 7};
  expect_refused(nopal_model_set_box(model, 2, n, zero, most, NOPAL_ROW_MAJOR),
                 NOPAL_ERROR_ARGUMENT, {"boxes"});
  if (world().size() > 1)
    expect_refused(nopal_model_set_box(model, 2, n, zero, n, NOPAL_ROW_MAJOR), NOPAL_ERROR_ARGUMENT,
                   {"the same box", "each point belongs to one rank"});
  // One dimension instead of two: the model says so.
  expect_refused(nopal_model_set_box(model, 1, n, begin, end, NOPAL_ROW_MAJOR),
                 NOPAL_ERROR_ARGUMENT, {"2 n_modes", "2 axes"});
  ASSERT_EQ(nopal_model_set_box(model, 2, n, begin, end, NOPAL_ROW_MAJOR), NOPAL_SUCCESS)
      << nopal_error_text();
  std::vector<float> x(static_cast<std::size_t>(2 * box.size())),
      y(static_cast<std::size_t>(3 * box.size()));
  expect_refused(nopal_model_infer(model, x.data(), x.size() - 1, y.data(), y.size()),
                 NOPAL_ERROR_ARGUMENT, {"2 and 3 channels", std::to_string(x.size()).c_str()});
  expect_refused(nopal_model_infer(model, x.data(), x.size(), nullptr, y.size()),
                 NOPAL_ERROR_ARGUMENT, {"null"});
  // The wrong number on one rank only is an error on all.
  if (world().size() > 1) {
    const std::size_t wrong = world().rank() == 1 ? 1 : x.size();
    expect_refused(nopal_model_infer(model, x.data(), wrong, y.data(), y.size()),
                   NOPAL_ERROR_ARGUMENT, {world().rank() == 1 ? "got 1" : "another rank"});
    expect_refused(
        nopal_model_set_box(model, world().rank() == 1 ? 1 : 2, n, begin, end, NOPAL_ROW_MAJOR),
        NOPAL_ERROR_ARGUMENT, {});
    nopal_model second = nullptr;
    expect_refused(nopal_model_load(MPI_COMM_WORLD, world().rank() == 1 ? nullptr : path.c_str(),
                                    NOPAL_FLOAT, &second),
                   NOPAL_ERROR_ARGUMENT, {});
  }
  // A box for which there is no memory, on the first rank: the one before stays, on all.
  const std::int64_t far = std::int64_t(1) << 22, ranks = world().size(), rank = world().rank();
  const std::int64_t vast[] = {far, far}, from[] = {rank == 0 ? 0 : far - ranks + rank, 0},
                     to[] = {far - ranks + rank + 1, far}, beyond[] = {far << 10, far << 10};
  expect_refused(nopal_model_set_box(model, 2, vast, from, to, NOPAL_ROW_MAJOR), NOPAL_ERROR_OTHER,
                 {rank == 0 ? "out of memory" : "another rank"});
  expect_refused(nopal_model_set_box(model, 2, beyond, from, to, NOPAL_ROW_MAJOR),
                 NOPAL_ERROR_ARGUMENT, {"9e15"});
  EXPECT_EQ(nopal_model_infer(model, x.data(), x.size(), y.data(), y.size()), NOPAL_SUCCESS);
  EXPECT_STREQ(nopal_error_text(), "");
  nopal_model_destroy(&model);
  EXPECT_EQ(nopal_model_destroy(&model), NOPAL_SUCCESS);
}

TEST_F(CApi, CountsItsInitialisations) {
  EXPECT_EQ(nopal_initialise(), NOPAL_SUCCESS);
  EXPECT_EQ(nopal_finalise(), NOPAL_SUCCESS);
  EXPECT_EQ(nopal_finalise(), NOPAL_SUCCESS);
  expect_refused(nopal_finalise(), NOPAL_ERROR_STATE, {"more often"});
  nopal_model model = nullptr;
  expect_refused(nopal_model_load(MPI_COMM_WORLD, path.c_str(), NOPAL_FLOAT, &model),
                 NOPAL_ERROR_STATE, {"nopal_initialise"});
  ASSERT_EQ(nopal_initialise(), NOPAL_SUCCESS);
}

// A model on a box, on each rank for itself: its calls do not communicate.
nopal_model alone(const std::string& path, std::int64_t points) {
  nopal_model model = nullptr;
  EXPECT_EQ(nopal_model_load(MPI_COMM_SELF, path.c_str(), NOPAL_FLOAT, &model), NOPAL_SUCCESS);
  const std::int64_t n[] = {points, points}, zero[] = {0, 0};
  EXPECT_EQ(nopal_model_set_box(model, 2, n, zero, n, NOPAL_ROW_MAJOR), NOPAL_SUCCESS);
  return model;
}

bool kokkos_keeps_to_its_thread() {
  bool elsewhere = false;
#ifdef KOKKOS_ENABLE_OPENMP
  if constexpr (std::is_same_v<ExecutionSpace, Kokkos::OpenMP>)
    std::thread([&] { elsewhere = Kokkos::OpenMP::in_parallel(); }).join();
#endif
  return elsewhere;
}

TEST_F(CApi, OneCallAtATime) {
  nopal_model model = alone(path, 64), other_model = alone(path, 8);
  std::vector<float> x(2 * 64 * 64), y(3 * 64 * 64);
  std::int64_t in = 0, out = 0;
  if (kokkos_keeps_to_its_thread()) {
    std::thread([&] {
      expect_refused(nopal_model_infer(model, x.data(), x.size(), y.data(), y.size()),
                     NOPAL_ERROR_STATE, {"OpenMP", "thread that initialised"});
      expect_refused(nopal_model_destroy(&model), NOPAL_ERROR_STATE, {"OpenMP"});
      expect_refused(nopal_finalise(), NOPAL_ERROR_STATE, {"destroy them"});
    }).join();
    EXPECT_EQ(nopal_model_infer(model, x.data(), x.size(), y.data(), y.size()), NOPAL_SUCCESS);
  } else {
    std::atomic<bool> done = false;
    std::atomic<int> others = 0;
    std::thread busy([&] {
      while (!done) {
        const auto status = nopal_model_infer(model, x.data(), x.size(), y.data(), y.size());
        if (status != NOPAL_SUCCESS && status != NOPAL_ERROR_BUSY) ++others;
      }
    });
    nopal_status status = NOPAL_SUCCESS;
    const auto begin = std::chrono::steady_clock::now();
    while (status == NOPAL_SUCCESS &&
           std::chrono::steady_clock::now() - begin < std::chrono::seconds(20))
      status = nopal_model_channels(other_model, &in, &out);
    expect_refused(status, NOPAL_ERROR_BUSY, {"another thread"});
    done = true;
    busy.join();
    EXPECT_EQ(others, 0);
  }
  nopal_model_destroy(&model);
  nopal_model_destroy(&other_model);
}

TEST_F(CApi, IsNotCalledByWhatItCalls) {
  nopal_model model = alone(path, 8);
  struct Call {
    nopal_model model;
    int lines = 0;
  } call{model};
  nopal_set_log(
      [](const char*, void* context) {
        auto& call = *static_cast<Call*>(context);
        std::int64_t in = 0, out = 0;
        ++call.lines;
        expect_refused(nopal_model_channels(call.model, &in, &out), NOPAL_ERROR_BUSY,
                       {"caller of this function"});
        expect_refused(nopal_finalise(), NOPAL_ERROR_BUSY, {"one call at a time"});
        expect_refused(nopal_set_log(nullptr, nullptr), NOPAL_ERROR_BUSY, {"one call at a time"});
      },
      &call);
  // MgNO's weights belong to the spacing that it was trained with: on another grid it warns.
  const json options{{"channels", 2}, {"n_layers", 1}};
  Model<float> mgno(make_operator<float>("mgno", options, 1));
  mgno.set_training_grid({16, 16});
  const std::string trained_path = folder / "trained.safetensors";
  mgno.save(trained_path, world());
  nopal_model trained = alone(trained_path, 8);
  std::vector<float> x(8 * 8), y(8 * 8);
  EXPECT_EQ(nopal_model_infer(trained, x.data(), x.size(), y.data(), y.size()), NOPAL_SUCCESS)
      << nopal_error_text();
  EXPECT_EQ(call.lines, world().rank() == 0 ? 1 : 0);
  nopal_set_log(nullptr, nullptr);
  nopal_model_destroy(&trained);
  EXPECT_EQ(nopal_model_destroy(&model), NOPAL_SUCCESS);
}

}  // namespace
