// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

#include <nopal/comm/communicator.hpp>
#include <nopal/core/random.hpp>
#include <nopal/core/tensor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nopal {

/// A family of PDE problems that makes pairs of input and solution fields: data to learn from and
/// the reference to judge by.
///
/// A sample is named by (seed, index) and is the same on every number of ranks, in every order.
/// On a communicator of one rank (the default) ranks make different samples in parallel; on a
/// larger one its ranks solve each sample together, and all of them get it.
class Problem {
 public:
  virtual ~Problem() = default;

  /// The name in the registry.
  virtual std::string name() const = 0;

  virtual Shape x_shape() const = 0;  ///< input (X1, ..., Xd, Cin)
  virtual Shape y_shape() const = 0;  ///< output (X1, ..., Xd, Cout)

  /// What a reader of the data needs: equation, coordinates, units, every parameter, as text.
  virtual std::map<std::string, std::string> metadata() const = 0;

  /// Makes sample `index` of experiment `seed`. x and y have x_shape() and y_shape(). Collective on
  /// communicator(); Error (on all its ranks) if a solver does not converge.
  void sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
              const Tensor<double>& y);

  const Communicator& communicator() const noexcept { return comm_; }

 protected:
  explicit Problem(const Communicator& comm) : comm_(comm) {}

  /// sample() after its checks.
  virtual void make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                           const Tensor<double>& y) = 0;

 private:
  Communicator comm_;
};

/// Random numbers for the parameters of sample `index` < 2^48 of experiment `seed`, apart from
/// those of its random fields (RandomField), of weights and of batch orders.
Random sample_random(std::uint64_t seed, std::uint64_t index);

/// An entry of the registry of problems.
struct ProblemType {
  std::string name;
  std::string summary;  ///< one line, for listings
  /// Makes the problem with the options `-<prefix><name>_...` of PETSc's database.
  std::function<std::unique_ptr<Problem>(const Communicator& comm, const std::string& prefix)> make;
};

/// All problems known, by name.
std::vector<ProblemType> problem_types();

/// Adds a problem of a program's own. Error if the name is taken. Not thread-safe.
void register_problem(ProblemType type);

/// The problem `name` with its options from PETSc's database, all read here, those of its solvers
/// included. Collective. Error if there is none of that name (naming the nearest), or if an option
/// has a value that is not allowed.
std::unique_ptr<Problem> make_problem(const std::string& name, const Communicator& comm = {},
                                      const std::string& prefix = "");

}  // namespace nopal
