// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <nopal/solvers/problems/diffusion_reaction.hpp>

#include <cmath>

namespace nopal {
namespace {

using detail::check_positive;
using detail::text;

DiffusionReactionOptions checked(const DiffusionReactionOptions& o) {
  const std::string prefix = "diffusion_reaction_";
  NOPAL_CHECK(o.sensors >= 3 && o.times >= 1 && o.solve_refine >= 1, "options -", prefix,
              "sensors, -", prefix, "times, -", prefix,
              "solve_refine: expected at least 3, 1 and 1, got ", o.sensors, ", ", o.times, " and ",
              o.solve_refine);
  check_positive(prefix + "diffusion", o.diffusion);
  check_positive(prefix + "time", o.time);
  check_positive(prefix + "length", o.length);
  NOPAL_CHECK(std::isfinite(o.reaction), "option -", prefix, "reaction: expected a finite number, ",
              "got ", o.reaction);
  return o;
}

}  // namespace

DiffusionReactionOptions DiffusionReactionOptions::read(const Communicator& comm,
                                                        const std::string& prefix) {
  DiffusionReactionOptions o;
  read_options(comm, prefix + "diffusion_reaction_", "Diffusion-reaction system",
               [&](PetscOptionReader& reader) {
                 reader.integer("sensors", "points of the source and the output", o.sensors);
                 reader.integer("times", "intervals of the output in time", o.times);
                 reader.integer("solve_refine", "times more points and steps", o.solve_refine);
                 reader.real("diffusion", "D", o.diffusion);
                 reader.real("reaction", "k", o.reaction);
                 reader.real("time", "end", o.time);
                 reader.real("length", "correlation length of the source", o.length);
               });
  return o;
}

DiffusionReaction::DiffusionReaction(const DiffusionReactionOptions& options,
                                     const Communicator& comm)
    : Problem(comm),
      options_(checked(options)),
      process_((options.sensors - 1) * options.solve_refine, 0, 1, options.length) {}

std::map<std::string, std::string> DiffusionReaction::metadata() const {
  return {{"equation", "s_t = D s_xx + k s^2 + u(x), s = 0 at t = 0 and at x = 0, 1"},
          {"x", "u(x)"},
          {"y", "s(x, t), t = 0, ..., " + text(options_.time)},
          {"diffusion", text(options_.diffusion)},
          {"reaction", text(options_.reaction)},
          {"length", text(options_.length)},
          {"solve_refine", std::to_string(options_.solve_refine)}};
}

template <class T>
FunctionData<T> DiffusionReaction::as_functions(const Dataset<T>& samples) const {
  const DiffusionReactionOptions& o = options_;
  std::vector<std::int64_t> source;
  for (std::int64_t i = 0; i < o.sensors; ++i)
    source.push_back(i * (o.times + 1));
  return as_function_data(
      samples,
      product_points<T>({equally_spaced(0, 1, o.sensors), equally_spaced(0, o.time, o.times + 1)}),
      {source});
}

template FunctionData<float> DiffusionReaction::as_functions(const Dataset<float>&) const;
template FunctionData<double> DiffusionReaction::as_functions(const Dataset<double>&) const;

void DiffusionReaction::make_sample(std::uint64_t seed, std::uint64_t index,
                                    const Tensor<double>& x, const Tensor<double>& y) {
  const DiffusionReactionOptions& o = options_;
  const auto stride = static_cast<std::size_t>(o.solve_refine);
  const auto m = static_cast<std::size_t>(o.sensors), n = (m - 1) * stride + 1;
  std::vector<double> u(n);
  process_.sample(seed, index, u);
  const double k = o.reaction;
  const ReactionDiffusion equation{o.diffusion, 1,
                                   [k](double s, double& value, double& slope) {
                                     value = k * s * s;
                                     slope = 2 * k * s;
                                   },
                                   false};
  detail::for_sample(seed, index, [&] {
    const std::vector<double> zero(n);
    const std::vector<double> rows = equation.solve(zero, u, o.time, o.times, o.solve_refine);
    std::vector<double> input, output;
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t t = 0; t <= static_cast<std::size_t>(o.times); ++t) {
        input.push_back(u[i * stride]);
        output.push_back(rows[t * n + i * stride]);
      }
    }
    x.copy_from_host(input.data());
    y.copy_from_host(output.data());
  });
}

}  // namespace nopal
