// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <nopal/solvers/problems/fisher.hpp>

#include <algorithm>
#include <cmath>

namespace nopal {
namespace {

using detail::check_positive;
using detail::text;

FisherOptions checked(const FisherOptions& o) {
  NOPAL_CHECK(
      o.points >= 3 && o.times >= 1 && o.solve_refine >= 1,
      "options -fisher_points, -fisher_times, -fisher_solve_refine: expected at least 3, 1 ",
      "and 1, got ", o.points, ", ", o.times, " and ", o.solve_refine);
  check_positive("fisher_diffusion", o.diffusion);
  check_positive("fisher_time", o.time);
  check_positive("fisher_length", o.length);
  return o;
}

}  // namespace

FisherOptions FisherOptions::read(const Communicator& comm, const std::string& prefix) {
  FisherOptions o;
  read_options(comm, prefix + "fisher_", "Fisher's equation", [&](PetscOptionReader& reader) {
    reader.integer("points", "points in space", o.points);
    reader.integer("times", "frames in time", o.times);
    reader.integer("solve_refine", "times more points and steps", o.solve_refine);
    reader.real("diffusion", "D", o.diffusion);
    reader.real("time", "end", o.time);
    reader.real("length", "correlation length of the initial state", o.length);
  });
  return o;
}

Fisher::Fisher(const FisherOptions& options, const Communicator& comm)
    : Problem(comm),
      options_(checked(options)),
      process_((options.points - 1) * options.solve_refine, 0, 1, options.length) {}

std::map<std::string, std::string> Fisher::metadata() const {
  return {{"equation", "u_t = D u_xx + c1 u + c2 u^2 + c3 u^3 + c4 u^4, u_x = 0 at x = 0, 1"},
          {"x", "u(x, 0), c1, ..., c4"},
          {"y", "u(x, t), t = " + text(options_.time / static_cast<double>(options_.times)) +
                    ", ..., " + text(options_.time)},
          {"diffusion", text(options_.diffusion)},
          {"length", text(options_.length)},
          {"solve_refine", std::to_string(options_.solve_refine)}};
}

FisherForm Fisher::form_of(std::uint64_t seed, std::uint64_t index) {
  const double u = sample_random(seed, index).uniform(0);
  return u < 0.25 ? FisherForm::quadratic : u < 0.5 ? FisherForm::cubic : FisherForm::exponential;
}

std::array<double, 4> Fisher::coefficients(FisherForm form, double a, double b) {
  switch (form) {
    case FisherForm::quadratic:
      return {a, -a, 0, 0};
    case FisherForm::cubic:
      return {a, 0, -a, 0};
    default: {
      // exp(-b (1 - u)) ~ e^-b (1 + b u + b^2 u^2 / 2), times a u (1 - u).
      const double e = a * std::exp(-b);
      return {e, e * (b - 1), e * b * (b / 2 - 1), -e * b * b / 2};
    }
  }
}

Reaction Fisher::reaction(const std::array<double, 4>& c) {
  return [c](double u, double& value, double& slope) {
    value = u * (c[0] + u * (c[1] + u * (c[2] + u * c[3])));
    slope = c[0] + u * (2 * c[1] + u * (3 * c[2] + u * 4 * c[3]));
  };
}

template <class T>
FunctionData<T> Fisher::as_functions(const Dataset<T>& samples) const {
  const FisherOptions& o = options_;
  std::vector<std::int64_t> initial;
  for (std::int64_t i = 0; i < o.points; ++i)
    initial.push_back(5 * i * o.times);
  const double first = o.time / static_cast<double>(o.times);
  return as_function_data(
      samples,
      product_points<T>({equally_spaced(0, 1, o.points), equally_spaced(first, o.time, o.times)}),
      {{1, 2, 3, 4}, initial});
}

template FunctionData<float> Fisher::as_functions(const Dataset<float>&) const;
template FunctionData<double> Fisher::as_functions(const Dataset<double>&) const;

void Fisher::make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                         const Tensor<double>& y) {
  const FisherOptions& o = options_;
  const Random random = sample_random(seed, index);
  const auto pick = [&](std::uint64_t i) {
    return std::min(9.0, std::floor(10 * random.uniform(i)));
  };
  const double a = 0.1 * (1 + pick(1)), b = 0.5 + pick(2) / 6;
  const auto c = coefficients(form_of(seed, index), a, b);
  const auto stride = static_cast<std::size_t>(o.solve_refine);
  const auto m = static_cast<std::size_t>(o.points), n = (m - 1) * stride + 1;
  std::vector<double> u(n);
  process_.sample(seed, index, u);
  for (double& value : u)
    value = 1 / (1 + std::exp(-2 * value));
  const ReactionDiffusion equation{o.diffusion, 1, reaction(c), true};
  detail::for_sample(seed, index, [&] {
    const std::vector<double> zero(n);
    const std::vector<double> rows = equation.solve(u, zero, o.time, o.times, 4 * o.solve_refine);
    std::vector<double> input, output;
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t t = 1; t <= static_cast<std::size_t>(o.times); ++t) {
        input.push_back(u[i * stride]);
        input.insert(input.end(), c.begin(), c.end());
        output.push_back(rows[t * n + i * stride]);
      }
    }
    x.copy_from_host(input.data());
    y.copy_from_host(output.data());
  });
}

}  // namespace nopal
