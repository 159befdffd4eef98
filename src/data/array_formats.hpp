// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/array_file.hpp>

#include <memory>
#include <string>

namespace nopal::detail {

/// Each opens a file whose first bytes are of its format.
std::unique_ptr<ArrayFile> open_hdf5_arrays(const std::string& path);
std::unique_ptr<ArrayFile> open_matlab_arrays(const std::string& path);  ///< MATLAB 5 to 7
std::unique_ptr<ArrayFile> open_npy_array(const std::string& path);
std::unique_ptr<ArrayFile> open_npz_arrays(const std::string& path);

/// Rows of an array that is in memory as a whole: entries [first, first + count) of the first axis
/// in row-major order, from row-major or column-major entries.
std::vector<double> rows_of(const std::vector<double>& whole,
                            const std::vector<std::int64_t>& shape, bool column_major,
                            std::int64_t first, std::int64_t count);

/// Error unless [first, first + count) are entries of the first axis.
void check_rows(const ArrayFile& file, const FileArray& array, std::int64_t first,
                std::int64_t count);

/// Numbers of the type "float32", ... as double; bytes in the order of this machine or the other.
/// Error if the type is unknown.
std::vector<double> to_doubles(const char* bytes, std::size_t count, const std::string& type,
                               bool swapped, const std::string& where);
std::size_t bytes_of(const std::string& type, const std::string& where);

}  // namespace nopal::detail
