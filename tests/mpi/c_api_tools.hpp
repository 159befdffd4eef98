// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include "grid_test_tools.hpp"
#include "test_tools.hpp"

#include <gtest/gtest.h>
#include <nopal/nopal.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace nopal::test {

inline const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}

/// nopal_initialise(), and a folder for files.
class CTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(nopal_initialise(), NOPAL_SUCCESS) << nopal_error_text(); }
  void TearDown() override { EXPECT_EQ(nopal_finalise(), NOPAL_SUCCESS) << nopal_error_text(); }

  ScratchFolder folder{world()};
};

/// The box of this rank of a periodic grid if ranks are numbered backwards.
inline Box backward_box(const Shape& extents) {
  const std::vector<AxisRule> periodic(static_cast<std::size_t>(extents.rank()),
                                       BoundaryRule::periodic);
  const Grid grid(extents, periodic, world());
  return grid.boxes().box(world().size() - 1 - world().rank());
}

/// nopal_model_set_box() for a box.
inline nopal_status set_box(nopal_model model, const Shape& extents, const Box& box, int layout) {
  std::int64_t n[3] = {}, begin[3] = {}, end[3] = {};
  for (int a = 0; a < extents.rank(); ++a) {
    n[a] = extents[a];
    begin[a] = box[a].begin;
    end[a] = box[a].end;
  }
  return nopal_model_set_box(model, extents.rank(), n, begin, end, layout);
}

/// Field values (1, n1, n2, C), or numbers (P, C), with the first axes fastest.
template <class T>
std::vector<T> column_major(const Tensor<T>& field) {
  const std::int64_t channels = field.extent(-1), points = field.size() / channels;
  const std::int64_t n2 = field.rank() > 2 ? field.extent(-2) : 1, n1 = points / n2;
  const std::vector<T> rows = field.to_vector();
  std::vector<T> columns(rows.size());
  for (std::int64_t i = 0; i < n1; ++i)
    for (std::int64_t j = 0; j < n2; ++j)
      for (std::int64_t c = 0; c < channels; ++c)
        columns[static_cast<std::size_t>(i + n1 * (j + n2 * c))] =
            rows[static_cast<std::size_t>(c + channels * (j + n2 * i))];
  return columns;
}

/// A status, and a text with all the words.
inline void expect_refused(nopal_status status, nopal_status expected,
                           std::initializer_list<const char*> words) {
  EXPECT_EQ(status, expected) << nopal_error_text();
  for (const char* word : words)
    EXPECT_NE(std::string(nopal_error_text()).find(word), std::string::npos)
        << "no '" << word << "' in: " << nopal_error_text();
}

}  // namespace nopal::test
