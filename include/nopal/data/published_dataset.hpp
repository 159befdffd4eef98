// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/dataset.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// How the arrays of a file of another program become inputs and outputs.
struct PublishedOptions {
  std::string x_array, y_array;  ///< names of the arrays; empty: as the layout of the file has them
  std::int64_t input_frames = 0;   ///< of time series, in x; 0: as the layout has it, else 1
  std::int64_t output_frames = 0;  ///< those after them, in y; 0: all
  std::int64_t time_stride = 1;    ///< every so many frames
  std::int64_t space_stride = 1;   ///< every so many points of each axis, from the first on
  std::int64_t dimension = 0;   ///< axes of space of arrays that are named; 0: as many as possible
  bool channels_first = false;  ///< of arrays that are named: channels are the second axis
};

/// Data as they are published, without conversion: samples (X1, ..., Xd, C) out of the arrays of an
/// ArrayFile, whichever of these layouts it has.
///
// clang-format off
/// | layout        | recognised by                                       | x                        | y            |
/// | ------------- | --------------------------------------------------- | ------------------------ | ------------ |
/// | PDEBench      | `nu` (N, X, Y) and `tensor` (N, 1, X, Y)            | nu                       | tensor       |
/// |               | `tensor` (N, T, X, ...)                             | first frames             | those after  |
/// |               | `density`, `pressure`, `Vx`, ... (N, T, X, ...)     | first frames             | those after  |
/// |               | `velocity` (N, T, X, Y, 2), `particles`, `force`    | first frames, force      | those after  |
/// |               | groups `0000`, ... with `data` (T, X, ..., C)       | first frames             | those after  |
/// | The Well      | `t0_fields`, `t1_fields`, `t2_fields` (B, T, X, ...) | first frames, fields constant in time | those after |
/// | FNO           | `coeff` and `sol` (N, X, Y)                         | coeff                    | sol          |
/// |               | `a` (N, X, ...) and `u` of that shape, or with time as last axis | a; or the first frames of u | u; those after |
/// | pairs         | `x` and `y`, with or without channels               | x                        | y            |
/// | any           | two arrays that are named in the options            | the one                  | the other    |
// clang-format on
///
/// Frames of F variables are channels f V + v; constant ones come last in x, as FrameWindows wants
/// it. Sources: PDEBench (Takamoto et al., NeurIPS 2022), The Well (Ohana et al., NeurIPS 2024),
/// FNO (Li et al., ICLR 2021), the descriptions of their files.
template <class T>
class PublishedDataset : public Dataset<T> {
 public:
  /// Error: a layout that is none of these (the message lists the arrays), arrays that do not fit
  /// each other, frames that there are not.
  explicit PublishedDataset(const std::string& path, const PublishedOptions& options = {});

  /// Inputs in one file, outputs in another; arrays that are not named are the only ones there.
  PublishedDataset(const std::string& x_path, const std::string& y_path,
                   const PublishedOptions& options = {});
  ~PublishedDataset() override;

  const std::string& layout() const noexcept;  ///< "PDEBench", "The Well", ...

  std::int64_t size() const override;
  Shape x_shape() const override;
  Shape y_shape() const override;
  std::string description() const override;

  /// Error that names the sample for numbers that are not finite.
  void read(std::span<const std::int64_t> indices, const Tensor<T>& x,
            const Tensor<T>& y) const override;

  /// What the file says of itself under the names of nopal's own data sets: x_channels, y_channels,
  /// axes, domain, frame_variables, problem, ... (docs/formats.md).
  std::map<std::string, std::string> attributes() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace nopal
