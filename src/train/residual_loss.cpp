// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/train/losses.hpp>
#include <nopal/train/residual_loss.hpp>

#include "train/function_batches.hpp"

namespace nopal {

template <class T>
StepLoss<T> residual_loss(const DeepONet<T>& op, ResidualProblem<T> problem, std::int64_t batch,
                          std::uint64_t seed, const Communicator& comm) {
  NOPAL_CHECK(!problem.functions.empty() && problem.functions[0].rank() == 2 &&
                  problem.functions[0].extent(0) >= 1,
              "residual_loss: expected functions (N, m)");
  NOPAL_CHECK(batch >= 0, "option -batch: expected at least 0, got ", batch);
  const std::int64_t n = problem.functions[0].extent(0);
  detail::FunctionBatches batches(n, batch, seed);
  return [&op, problem = std::move(problem), batches, comm](std::int64_t step) mutable {
    const std::vector<std::int64_t> all = batches.of_step(step);
    const Slab mine = slab(static_cast<std::int64_t>(all.size()), comm.rank(), comm.size());
    const std::vector<std::int64_t> samples(all.begin() + mine.first,
                                            all.begin() + mine.first + mine.count);
    std::vector<Variable<T>> functions;
    for (const Tensor<T>& function : problem.functions)
      functions.emplace_back(select_rows(function, samples));
    const Tensor<T> points = problem.points(step);
    const Variable<T> residual =
        problem.residual(samples, points, op.derivatives(functions, points, problem.layout));
    const double entries =
        static_cast<double>(all.size()) * static_cast<double>(residual.shape().with(0, 1).size());
    return squared_error(residual, Tensor<T>::zeros(residual.shape()), static_cast<T>(1 / entries));
  };
}

template StepLoss<float> residual_loss<float>(const DeepONet<float>&, ResidualProblem<float>,
                                              std::int64_t, std::uint64_t, const Communicator&);
template StepLoss<double> residual_loss<double>(const DeepONet<double>&, ResidualProblem<double>,
                                                std::int64_t, std::uint64_t, const Communicator&);

}  // namespace nopal
