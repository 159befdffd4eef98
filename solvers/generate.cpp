// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/runtime.hpp>
#include <nopal/io/safetensors.hpp>
#include <nopal/solvers/generate.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

namespace nopal {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Ranks meet after every block, so that a failure stops all of them soon; blocks are small enough
// for that and large enough for the file.
constexpr std::int64_t block_samples = 8;

class Progress {
 public:
  Progress(const Problem& problem, const GenerateOptions& options, const Communicator& comm)
      : name_(problem.name()),
        total_(options.samples),
        interval_(comm.rank() == 0 ? options.progress_seconds : 0),
        ranks_(comm.size()) {}

  // `share` is the part of rank 0's samples that is done, which stands for all ranks.
  void report(double share) {
    const double elapsed = seconds_since(start_);
    if (interval_ <= 0 || elapsed - last_ < interval_ || share <= 0) return;
    last_ = elapsed;
    char line[256];
    std::snprintf(line, sizeof line,
                  "generate %s: %3.0f %% of %lld samples, %.1f samples/s on %d rank%s, %.0f s left",
                  name_.c_str(), 100 * share, static_cast<long long>(total_),
                  share * static_cast<double>(total_) / elapsed, ranks_, ranks_ == 1 ? "" : "s",
                  elapsed * (1 - share) / share);
    log(line);
  }

  double elapsed() const { return seconds_since(start_); }

 private:
  std::string name_;
  std::int64_t total_;
  double interval_;
  int ranks_;
  double last_ = 0;
  Clock::time_point start_ = Clock::now();
};

void check(const GenerateOptions& options) {
  NOPAL_CHECK(options.samples > 0, "expected at least one sample to generate, got ",
              options.samples);
  NOPAL_CHECK(options.first >= 0, "expected the index of the first sample to be 0 or more, got ",
              options.first);
}

// Numbers that are finite in a solver need not be so in the type of the file.
template <class T>
void check_finite(const Problem& problem, std::uint64_t seed, std::uint64_t index,
                  const Tensor<double>& x, const Tensor<double>& y) {
  const auto check = [&](const char* field, const Tensor<double>& values) {
    const bool finite = all_finite(values);
    NOPAL_CHECK(finite && all_finite(cast<T>(values)), "problem ", problem.name(), ": the ", field,
                " of sample ", index, " of seed ", seed, " has a value that is ",
                finite ? "beyond the range of single precision; choose double, or other units"
                       : "not finite");
  };
  check("input x", x);
  check("solution y", y);
}

Shape with_batch(std::int64_t batch, const Shape& sample) {
  Shape shape{batch};
  for (const auto n : sample)
    shape.push_back(n);
  return shape;
}

// Samples in files of their own.
class KeptSamples {
 public:
  KeptSamples(const Problem& problem, const GenerateOptions& options)
      : folder_(options.keep), seed_(options.seed), metadata_(problem.metadata()) {
    metadata_["problem"] = problem.name();
    metadata_["seed"] = std::to_string(seed_);
  }

  void make_folder() const {
    if (folder_.empty()) return;
    std::error_code code;
    std::filesystem::create_directories(folder_, code);
    NOPAL_CHECK(!code, "cannot make the folder ", folder_, " for samples: ", code.message());
  }

  bool has(std::uint64_t index) const {
    return !folder_.empty() && std::filesystem::exists(path(index));
  }

  void read(std::uint64_t index, const Tensor<double>& x, const Tensor<double>& y) const {
    const SafetensorsFile file = read_safetensors(path(index));
    for (const auto& [key, value] : metadata_) {
      const auto found = file.metadata.find(key);
      NOPAL_CHECK(found != file.metadata.end() && found->second == value, "the kept sample ",
                  path(index), " is of another problem: ", key, " is '",
                  found == file.metadata.end() ? "missing" : found->second, "', expected '", value,
                  "'; remove the folder or choose the same options");
    }
    const auto take = [&](const char* name, const Tensor<double>& to) {
      const auto found = file.tensors.find(name);
      NOPAL_CHECK(found != file.tensors.end() && found->second.shape == to.shape(),
                  "the kept sample ", path(index), " has no '", name, "' of shape ", to.shape(),
                  "; remove it");
      to.copy_from(found->second.to_tensor<double>());
    };
    take("x", x);
    take("y", y);
  }

  void write(std::uint64_t index, const Tensor<double>& x, const Tensor<double>& y) const {
    if (folder_.empty()) return;
    SafetensorsFile file;
    file.metadata = metadata_;
    file.tensors["x"] = FileTensor::from_tensor(x);
    file.tensors["y"] = FileTensor::from_tensor(y);
    write_safetensors(path(index), file);
  }

  // Those of the samples [first, first + count), and the folder if nothing else is in it.
  void remove(std::int64_t first, std::int64_t count) const {
    if (folder_.empty()) return;
    std::error_code ignored;
    for (std::int64_t i = first; i < first + count; ++i)
      std::filesystem::remove(path(static_cast<std::uint64_t>(i)), ignored);
    std::filesystem::remove(folder_, ignored);
  }

 private:
  std::string path(std::uint64_t index) const {
    return detail::concatenate(folder_, "/", seed_, "-", index, ".safetensors");
  }

  std::string folder_;
  std::uint64_t seed_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace

template <class T>
GenerateSummary generate(Problem& problem, const GenerateOptions& options,
                         const SampleSink<T>& sink, const Communicator& comm) {
  check(options);
  const bool together = problem.communicator().size() > 1;
  NOPAL_CHECK(!together || problem.communicator().size() == comm.size(), "a problem on ",
              problem.communicator().size(), " ranks cannot generate on ", comm.size());
  const Slab mine =
      together ? Slab{0, options.samples} : slab(options.samples, comm.rank(), comm.size());
  const std::int64_t most =
      together ? options.samples : slab(options.samples, 0, comm.size()).count;

  const Shape x_shape = problem.x_shape(), y_shape = problem.y_shape();
  const std::int64_t largest = std::min(block_samples, most);
  const Tensor<double> x(with_batch(largest, x_shape)), y(with_batch(largest, y_shape));
  const KeptSamples kept(problem, options);
  comm.together([&] {
    if (comm.rank() == 0) kept.make_folder();
  });
  const auto make = [&](std::uint64_t index, const Tensor<double>& xs, const Tensor<double>& ys) {
    const bool speaks = !together || comm.rank() == 0;
    bool known = speaks && kept.has(index);
    if (together) known = comm.max(known ? 1.0 : 0.0) > 0;
    if (!known) problem.sample(options.seed, index, xs, ys);
    const auto file = [&] {
      if (!speaks) return;
      if (known) kept.read(index, xs, ys);
      check_finite<T>(problem, options.seed, index, xs, ys);
      if (!known) kept.write(index, xs, ys);
    };
    if (together)
      comm.together(file);
    else
      file();
  };
  Progress progress(problem, options, comm);
  for (std::int64_t done = 0; done < most; done += block_samples) {
    const std::int64_t count = std::clamp<std::int64_t>(mine.count - done, 0, block_samples);
    comm.together([&] {
      if (count == 0) return;
      for (std::int64_t b = 0; b < count; ++b) {
        const auto index = static_cast<std::uint64_t>(options.first + mine.first + done + b);
        const auto xb = x.slice(b, 1).reshape(x_shape), yb = y.slice(b, 1).reshape(y_shape);
        make(index, xb, yb);
        progress.report(static_cast<double>(done + b + 1) / static_cast<double>(most));
      }
      if (together && comm.rank() > 0) return;
      sink(mine.first + done, cast<T>(x.slice(0, count)), cast<T>(y.slice(0, count)));
    });
  }
  const double seconds = comm.max(progress.elapsed());
  return {seconds, static_cast<double>(options.samples) / std::max(seconds, 1e-9)};
}

template <class T>
GenerateSummary generate(Problem& problem, const GenerateOptions& options, const std::string& path,
                         const Communicator& comm) {
  check(options);  // before the file is made
  Hdf5Writer<T> writer(path, options.samples, problem.x_shape(), problem.y_shape(), comm);
  for (const auto& [name, value] : problem.metadata())
    writer.attribute(name, value);
  writer.attribute("seed", std::to_string(options.seed));
  writer.attribute("first_index", std::to_string(options.first));
  writer.attribute("nopal_version", version());
  writer.attribute("nopal_commit", commit());
  const SampleSink<T> sink = [&](std::int64_t first, const Tensor<T>& x, const Tensor<T>& y) {
    writer.write(first, x, y);
  };
  const GenerateSummary summary = generate(problem, options, sink, comm);
  writer.close();
  if (comm.rank() == 0) KeptSamples(problem, options).remove(options.first, options.samples);
  return summary;
}

template <class T>
std::shared_ptr<const InMemoryDataset<T>> generate_in_memory(Problem& problem,
                                                             const GenerateOptions& options,
                                                             const Communicator& comm) {
  check(options);
  const auto x = Tensor<T>::zeros(with_batch(options.samples, problem.x_shape()));
  const auto y = Tensor<T>::zeros(with_batch(options.samples, problem.y_shape()));
  const SampleSink<T> sink = [&](std::int64_t first, const Tensor<T>& xs, const Tensor<T>& ys) {
    x.slice(first, xs.extent(0)).copy_from(xs);
    y.slice(first, ys.extent(0)).copy_from(ys);
  };
  generate(problem, options, sink, comm);
  // Each rank made a part and left the rest 0; the sum is all of them.
  comm.sum(x);
  comm.sum(y);
  return std::make_shared<InMemoryDataset<T>>(x, y, problem.name());
}

template std::shared_ptr<const InMemoryDataset<float>> generate_in_memory<float>(
    Problem&, const GenerateOptions&, const Communicator&);
template std::shared_ptr<const InMemoryDataset<double>> generate_in_memory<double>(
    Problem&, const GenerateOptions&, const Communicator&);
template GenerateSummary generate<float>(Problem&, const GenerateOptions&, const SampleSink<float>&,
                                         const Communicator&);
template GenerateSummary generate<double>(Problem&, const GenerateOptions&,
                                          const SampleSink<double>&, const Communicator&);
template GenerateSummary generate<float>(Problem&, const GenerateOptions&, const std::string&,
                                         const Communicator&);
template GenerateSummary generate<double>(Problem&, const GenerateOptions&, const std::string&,
                                          const Communicator&);

}  // namespace nopal
