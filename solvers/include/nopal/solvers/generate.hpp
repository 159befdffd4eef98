// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/data/dataset.hpp>
#include <nopal/solvers/problems/problem.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace nopal {

/// Which samples of a problem to make.
struct GenerateOptions {
  std::int64_t samples = 1;      ///< how many
  std::uint64_t seed = 0;        ///< experiment
  std::int64_t first = 0;        ///< index of the first one, so that sets can continue each other
  double progress_seconds = 10;  ///< least time between progress lines; 0: none
  /// Folder that keeps each sample in a file of its own as soon as it is made, so that a run that
  /// ends early loses none: samples found there are read instead of made, on any number of ranks.
  /// Empty: none. For samples that take long.
  std::string keep = {};
};

/// What it took.
struct GenerateSummary {
  double seconds = 0;
  double samples_per_second = 0;  ///< of all ranks together
};

/// Takes samples [first, first + B) of the set, counted from 0, as x (B, ...) and y (B, ...).
template <class T>
using SampleSink = std::function<void(std::int64_t first, const Tensor<T>& x, const Tensor<T>& y)>;

/// Makes the samples `options.first`, ..., `options.first + options.samples - 1` of experiment
/// `options.seed` and hands them to `sink` in blocks, rounded to T.
///
/// If the problem is on one rank, each rank of `comm` makes and hands over its own slab; if it is
/// on `comm`, all ranks make each sample together and rank 0 hands it over. The samples are the
/// same either way and on any number of ranks (see Problem). Rank 0 logs progress. Collective on
/// `comm`; a failure on one rank is an Error on all, soon after it happens. Error, too, if a kept
/// sample is of a problem with other options, naming the first that differs.
template <class T>
GenerateSummary generate(Problem& problem, const GenerateOptions& options,
                         const SampleSink<T>& sink, const Communicator& comm = {});

/// The same, into the HDF5 data set `path`, with the problem's metadata(), `seed`, `first_index`,
/// `nopal_version` and `nopal_commit` as attributes. If anything fails, an older file at `path` is
/// left as it was; else kept samples that it now holds are removed.
template <class T>
GenerateSummary generate(Problem& problem, const GenerateOptions& options, const std::string& path,
                         const Communicator& comm = {});

/// The same, into memory: every rank gets all samples.
template <class T>
std::shared_ptr<const InMemoryDataset<T>> generate_in_memory(Problem& problem,
                                                             const GenerateOptions& options,
                                                             const Communicator& comm = {});

}  // namespace nopal
