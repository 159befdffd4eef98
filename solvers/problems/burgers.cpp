// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "etdrk4.hpp"
#include "problem_tools.hpp"

#include <nopal/solvers/problems/burgers.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using detail::check_positive;
using detail::text;
using Complex = Kokkos::complex<double>;
using std::numbers::pi;

BurgersOptions checked(const BurgersOptions& o) {
  NOPAL_CHECK(o.resolution >= 4, "option -burgers_resolution: expected at least 4, got ",
              o.resolution);
  NOPAL_CHECK(o.solve_refine >= 1, "option -burgers_solve_refine: expected at least 1, got ",
              o.solve_refine);
  NOPAL_CHECK(o.frames >= 0, "option -burgers_frames: expected at least 0, got ", o.frames);
  check_positive("burgers_viscosity", o.viscosity);
  check_positive("burgers_time", o.time);
  check_positive("burgers_cfl", o.cfl);
  detail::check_field("burgers_", o.field);
  return o;
}

// ETDRK4 for v' = l_k v + N(v), v the Fourier coefficients.
class Integrator {
 public:
  Integrator(std::int64_t n, double viscosity, double h)
      : n_(n), fft_(Shape{n}), modes_(static_cast<std::size_t>(n / 2 + 1)), real_(std::size_t(n)) {
    for (std::size_t k = 0; k < modes_; ++k) {
      const double wave = 2 * pi * static_cast<double>(k);
      factors_.add(-viscosity * wave * wave, h);
    }
  }

  std::vector<Complex> transform(std::span<const double> u) const {
    std::vector<Complex> v(modes_);
    fft_.forward(u, v);
    return v;
  }

  std::vector<double> values(std::vector<Complex> v) const {
    std::vector<double> u(static_cast<std::size_t>(n_));
    fft_.backward(v, u);
    for (double& x : u)
      x /= static_cast<double>(n_);
    return u;
  }

  void step(std::vector<Complex>& v) {
    std::vector<Complex>&a = stage_[0], &b = stage_[1], &c = stage_[2];
    const detail::Etdrk4& f = factors_;
    const auto blend = [&](std::vector<Complex>& to, const auto& value) {
      to.resize(modes_);
      for (std::size_t k = 0; k < modes_; ++k)
        to[k] = value(k);
    };
    nonlinear(v, nv_);
    blend(a, [&](std::size_t k) { return f.e2[k] * v[k] + f.q[k] * nv_[k]; });
    nonlinear(a, na_);
    blend(b, [&](std::size_t k) { return f.e2[k] * v[k] + f.q[k] * na_[k]; });
    nonlinear(b, nb_);
    blend(c, [&](std::size_t k) { return f.e2[k] * a[k] + f.q[k] * (2.0 * nb_[k] - nv_[k]); });
    nonlinear(c, nc_);
    for (std::size_t k = 0; k < modes_; ++k)
      v[k] =
          f.e[k] * v[k] + f.f1[k] * nv_[k] + 2.0 * f.f2[k] * (na_[k] + nb_[k]) + f.f3[k] * nc_[k];
  }

 private:
  // -(u^2 / 2)_x, without the frequencies that products of two fold back.
  void nonlinear(const std::vector<Complex>& v, std::vector<Complex>& result) {
    const auto kept = static_cast<std::size_t>(n_ / 3);
    work_ = v;
    std::fill(work_.begin() + static_cast<std::ptrdiff_t>(std::min(kept + 1, modes_)), work_.end(),
              Complex(0));
    fft_.backward(work_, real_);
    const auto n = static_cast<double>(n_);
    for (double& u : real_)
      u *= u / (n * n);
    result.resize(modes_);
    fft_.forward(real_, result);
    for (std::size_t k = 0; k < modes_; ++k)
      result[k] = k <= kept ? Complex(0, -pi * static_cast<double>(k)) * result[k] : Complex(0);
  }

  std::int64_t n_;
  RealFft<double> fft_;
  std::size_t modes_;
  detail::Etdrk4 factors_;
  std::vector<double> real_;
  std::vector<Complex> stage_[3], nv_, na_, nb_, nc_, work_;
};

}  // namespace

RandomFieldOptions BurgersOptions::default_field() {
  RandomFieldOptions field;
  field.boundary = FieldBoundary::periodic;
  field.alpha = 2;
  field.tau = 5;
  field.sigma = 25;
  field.zero_mean = true;
  return field;
}

BurgersOptions BurgersOptions::read(const Communicator& comm, const std::string& prefix) {
  BurgersOptions o;
  read_options(comm, prefix + "burgers_", "Burgers' equation", [&](PetscOptionReader& reader) {
    reader.integer("resolution", "points of the circle", o.resolution);
    reader.integer("solve_refine", "solve on so many times more points", o.solve_refine);
    reader.real("viscosity", "nu", o.viscosity);
    reader.real("time", "time of the output", o.time);
    reader.integer("frames", "times of the output, with u over space and time, 0: the end",
                   o.frames);
    reader.real("cfl", "step in time times the largest speed over the width of a cell", o.cfl);
    detail::read_field(reader, o.field);
  });
  return o;
}

Burgers::Burgers(const BurgersOptions& options, const Communicator& comm)
    : Problem(comm),
      options_(checked(options)),
      field_(Shape{options.resolution * options.solve_refine}, options.field) {}

Shape Burgers::x_shape() const {
  if (options_.frames > 0) return {options_.resolution, options_.frames + 1, 1};
  return {options_.resolution, 1};
}

std::map<std::string, std::string> Burgers::metadata() const {
  const std::string end = text(options_.time);
  std::map<std::string, std::string> data{
      {"equation", "u_t + u u_x = nu u_xx, periodic on [0, 1)"},
      {"x", "u(x, 0)"},
      {"y", options_.frames > 0 ? "u(x, t), t from 0 to " + end : "u(x, " + end + ")"},
      {"frames", std::to_string(options_.frames)},
      {"viscosity", text(options_.viscosity)},
      {"cfl", text(options_.cfl)},
      {"solve_refine", std::to_string(options_.solve_refine)}};
  detail::describe_field(options_.field, data);
  return data;
}

std::vector<double> Burgers::solve(std::span<const double> u, double time,
                                   std::int64_t steps) const {
  return std::move(solve(u, time, steps, 1).back());
}

std::vector<std::vector<double>> Burgers::solve(std::span<const double> u, double time,
                                                std::int64_t steps, std::int64_t frames) const {
  NOPAL_CHECK(u.size() >= 4 && steps >= 1 && frames >= 1 && steps % frames == 0,
              "burgers: expected at least 4 points, and a multiple of the number of frames, at ",
              "least 1, of steps, got ", u.size(), " points, ", steps, " steps and ", frames,
              " frames");
  Integrator integrator(static_cast<std::int64_t>(u.size()), options_.viscosity,
                        time / static_cast<double>(steps));
  std::vector<Complex> v = integrator.transform(u);
  std::vector<std::vector<double>> results;
  for (std::int64_t i = 1; i <= steps; ++i) {
    integrator.step(v);
    if (i % (steps / frames) != 0) continue;
    const std::vector<double>& u_i = results.emplace_back(integrator.values(v));
    NOPAL_CHECK(std::all_of(u_i.begin(), u_i.end(), [](double x) { return std::isfinite(x); }),
                "burgers: the solution is not finite after ", i, " of ", steps, " steps to time ",
                time, "; take a smaller -burgers_cfl");
  }
  return results;
}

void Burgers::make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                          const Tensor<double>& y) {
  const std::int64_t n = options_.resolution * options_.solve_refine;
  std::vector<double> u(static_cast<std::size_t>(n));
  field_.sample(seed, index, u);
  double speed = 1e-12;
  for (const double value : u)
    speed = std::max(speed, std::abs(value));
  const double h = options_.cfl / (static_cast<double>(n) * speed);
  const auto frames = std::max<std::int64_t>(1, options_.frames);
  // At least 20 steps where hardly anything moves.
  const auto needed = static_cast<std::int64_t>(std::max(20.0, std::ceil(options_.time / h)));
  const std::int64_t steps = (needed + frames - 1) / frames * frames;
  detail::for_sample(seed, index, [&] {
    const auto later = solve(u, options_.time, steps, frames);
    std::vector<double> before, after;
    for (std::size_t i = 0; i < u.size(); i += static_cast<std::size_t>(options_.solve_refine)) {
      if (options_.frames > 0) {
        before.push_back(u[i]);
        after.push_back(u[i]);
      }
      for (const std::vector<double>& frame : later) {
        before.push_back(u[i]);
        after.push_back(frame[i]);
      }
    }
    x.copy_from_host(before.data());
    y.copy_from_host(after.data());
  });
}

}  // namespace nopal
