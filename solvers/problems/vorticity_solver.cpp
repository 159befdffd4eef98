// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/core/profile.hpp>
#include <nopal/solvers/petsc.hpp>
#include <nopal/solvers/problems/vorticity_solver.hpp>

#include "problems/etdrk4.hpp"

#include <algorithm>
#include <cmath>
#include <complex>

#include <fftw3-mpi.h>

namespace nopal {
namespace {

using Complex = std::complex<double>;

struct FftwFree {
  void operator()(void* memory) const { fftw_free(memory); }
};
template <class T>
using FftwArray = std::unique_ptr<T[], FftwFree>;

struct PlanDeleter {
  void operator()(fftw_plan_s* plan) const { fftw_destroy_plan(plan); }
};
using Plan = std::unique_ptr<fftw_plan_s, PlanDeleter>;

void check(const VorticitySolverOptions& o) {
  NOPAL_CHECK(o.n >= 8 && o.n % 2 == 0, "vorticity solver: expected an even number of points, at ",
              "least 8, got ", o.n);
  NOPAL_CHECK(o.length > 0 && o.viscosity >= 0 && o.drag >= 0 && o.step >= 0 && o.cfl > 0 &&
                  o.largest_step > 0 && std::isfinite(o.length + o.viscosity + o.drag + o.step),
              "vorticity solver: expected positive length, cfl and largest_step, and viscosity, ",
              "drag and step of at least 0, got ", o.length, ", ", o.cfl, ", ", o.largest_step,
              ", ", o.viscosity, ", ", o.drag, " and ", o.step);
  const std::vector<std::string> schemes{"etdrk4", "cnab2"};
  NOPAL_CHECK(std::find(schemes.begin(), schemes.end(), o.scheme) != schemes.end(),
              "vorticity solver: unknown scheme '", o.scheme, "'", suggestion(o.scheme, schemes));
}

}  // namespace

// Fields have rows of n + 2 numbers, of which n count. Spectra are transposed: for each of this
// rank's frequencies ky = 0, ..., n / 2 all kx.
struct VorticitySolver::State {
  using Spectrum = std::vector<Complex>;

  VorticitySolverOptions options;
  Communicator comm;
  std::ptrdiff_t n, rows = 0, first_row = 0, columns = 0, first_column = 0, size = 0;
  FftwArray<double> field;
  FftwArray<fftw_complex> buffer;
  Plan forward, backward;
  std::vector<double> kx, ky, inverse;  // of a mode of the spectrum, 1 / |k|^2; 0 where dropped
  std::vector<double> rate;             // -nu |k|^2 - mu
  Spectrum w, force, slope_before, work;
  std::vector<double> u, v;
  Spectrum stage[3], slopes[4];
  detail::Etdrk4 factors;
  double h = 0, time = 0;
  double h_before = 0;  // of the step that left slope_before, 0: none
  double speed = 0;     // largest |u| + |v| of the last slope()

  State(const VorticitySolverOptions& o, const Communicator& c) : options(o), comm(c), n(o.n) {
    fftw_mpi_init();
    const std::ptrdiff_t complex_size = fftw_mpi_local_size_2d_transposed(
        n, n / 2 + 1, petsc_communicator(comm), &rows, &first_row, &columns, &first_column);
    const auto allocated = static_cast<std::size_t>(std::max<std::ptrdiff_t>(complex_size, 1));
    field.reset(fftw_alloc_real(2 * allocated));
    buffer.reset(fftw_alloc_complex(allocated));
    // No measuring: samples must not depend on what else the machine does.
    forward.reset(fftw_mpi_plan_dft_r2c_2d(n, n, field.get(), buffer.get(),
                                           petsc_communicator(comm),
                                           FFTW_ESTIMATE | FFTW_MPI_TRANSPOSED_OUT));
    backward.reset(fftw_mpi_plan_dft_c2r_2d(n, n, buffer.get(), field.get(),
                                            petsc_communicator(comm),
                                            FFTW_ESTIMATE | FFTW_MPI_TRANSPOSED_IN));
    comm.together([&] {
      NOPAL_CHECK(forward && backward, "vorticity solver: FFTW has no transform of ", n, " x ", n,
                  " points on ", comm.size(), " ranks");
    });
    size = columns * n;
    const double unit = 2 * std::numbers::pi / o.length;
    for (std::ptrdiff_t j = 0; j < columns; ++j)
      for (std::ptrdiff_t i = 0; i < n; ++i) {
        const std::ptrdiff_t a = i <= n / 2 ? i : i - n, b = first_column + j;
        const bool kept = 3 * std::abs(a) < n && 3 * b < n && (a != 0 || b != 0);
        kx.push_back(unit * static_cast<double>(a));
        ky.push_back(unit * static_cast<double>(b));
        const double k2 = kx.back() * kx.back() + ky.back() * ky.back();
        inverse.push_back(kept ? 1 / k2 : 0);
        rate.push_back(-o.viscosity * k2 - o.drag);
      }
    w.resize(count());
    u.resize(static_cast<std::size_t>(rows * n));
    v.resize(u.size());
  }

  std::size_t count() const { return static_cast<std::size_t>(size); }

  // Twice for modes that stand for their mirror images, too.
  double weight(std::size_t k) const {
    const auto column = first_column + static_cast<std::ptrdiff_t>(k) / n;
    return column == 0 || 2 * column == n ? 1 : 2;
  }

  // From rows of n numbers, times `factor`, without the modes that are dropped.
  template <class Value>
  void analyse(const Value& value, double factor, Spectrum& to) {
    for (std::ptrdiff_t i = 0; i < rows; ++i)
      for (std::ptrdiff_t j = 0; j < n; ++j)
        field[static_cast<std::size_t>(i * (n + 2) + j)] =
            value(static_cast<std::size_t>(i * n + j));
    fftw_execute(forward.get());
    to.resize(count());
    const double scale = factor / (static_cast<double>(n) * static_cast<double>(n));
    for (std::size_t k = 0; k < count(); ++k)
      to[k] = inverse[k] > 0 ? scale * Complex(buffer[k][0], buffer[k][1]) : Complex(0);
  }
  template <class Value>
  void synthesise(const Value& value, std::vector<double>& to) const {
    for (std::size_t k = 0; k < count(); ++k) {
      const Complex c = value(k);
      buffer[k][0] = c.real();
      buffer[k][1] = c.imag();
    }
    fftw_execute(backward.get());
    for (std::ptrdiff_t i = 0; i < rows; ++i)
      std::copy_n(field.get() + i * (n + 2), n, to.begin() + i * n);
  }

  // N(w) = f - advection.
  void slope(const Spectrum& of, Spectrum& to) {
    const auto times_i = [](double a, const Complex& c) {
      return Complex(-a * c.imag(), a * c.real());
    };
    synthesise([&](std::size_t k) { return times_i(ky[k] * inverse[k], of[k]); }, u);
    synthesise([&](std::size_t k) { return times_i(-kx[k] * inverse[k], of[k]); }, v);
    speed = 0;
    for (std::size_t p = 0; p < u.size(); ++p)
      speed = std::max(speed, std::abs(u[p]) + std::abs(v[p]));
    analyse([&](std::size_t p) { return u[p] * v[p]; }, 1, to);
    analyse([&](std::size_t p) { return v[p] * v[p] - u[p] * u[p]; }, 1, work);
    for (std::size_t k = 0; k < count(); ++k) {
      to[k] = (kx[k] * kx[k] - ky[k] * ky[k]) * to[k] + kx[k] * ky[k] * work[k];
      if (!force.empty()) to[k] += force[k];
    }
  }

  void prepare(double step) {
    if (step == h && !factors.e.empty()) return;
    h = step;
    if (options.scheme != "etdrk4") return;
    factors.clear();
    for (std::size_t k = 0; k < count(); ++k)
      factors.add(rate[k], h);
  }

  // slopes[0] is N(w) already.
  void step_etdrk4() {
    const detail::Etdrk4& f = factors;
    Spectrum &a = stage[0], &b = stage[1], &c = stage[2];
    for (Spectrum& s : stage)
      s.resize(count());
    for (std::size_t k = 0; k < count(); ++k)
      a[k] = f.e2[k] * w[k] + f.q[k] * slopes[0][k];
    slope(a, slopes[1]);
    for (std::size_t k = 0; k < count(); ++k)
      b[k] = f.e2[k] * w[k] + f.q[k] * slopes[1][k];
    slope(b, slopes[2]);
    for (std::size_t k = 0; k < count(); ++k)
      c[k] = f.e2[k] * a[k] + f.q[k] * (2.0 * slopes[2][k] - slopes[0][k]);
    slope(c, slopes[3]);
    for (std::size_t k = 0; k < count(); ++k)
      w[k] = f.e[k] * w[k] + f.f1[k] * slopes[0][k] +
             2.0 * f.f2[k] * (slopes[1][k] + slopes[2][k]) + f.f3[k] * slopes[3][k];
  }

  // Adams-Bashforth with steps of different lengths; the first step, which has none before it, by
  // the trapezoidal rule.
  void step_cnab2() {
    const Spectrum now = slopes[0];
    Spectrum& next = stage[0];
    next.resize(count());
    const auto implicit = [&](std::size_t k, const Complex& explicit_part) {
      return ((1 + 0.5 * h * rate[k]) * w[k] + h * explicit_part) / (1 - 0.5 * h * rate[k]);
    };
    if (h_before == 0) {
      for (std::size_t k = 0; k < count(); ++k)
        next[k] = implicit(k, now[k]);
      slope(next, slopes[1]);
      for (std::size_t k = 0; k < count(); ++k)
        next[k] = implicit(k, 0.5 * (now[k] + slopes[1][k]));
    } else {
      const double half = 0.5 * h / h_before;
      for (std::size_t k = 0; k < count(); ++k)
        next[k] = implicit(k, (1 + half) * now[k] - half * slope_before[k]);
    }
    w.swap(next);
    slope_before = now;
    h_before = h;
  }

  bool finite() const {
    double bad = 0;
    for (const Complex& c : w)
      if (!std::isfinite(c.real()) || !std::isfinite(c.imag())) bad = 1;
    return comm.max(bad) == 0;
  }

  // The step to take now: equal ones to the end, kept as long as the flow allows them and does not
  // allow ones twice as long, since its factors cost some steps.
  double choose_step(double rest) const {
    if (options.step > 0) return std::min(options.step, rest);
    const double fastest = comm.max(speed);
    double target = std::min(options.largest_step, rest);
    if (fastest > 0)
      target = std::min(target, options.cfl * options.length / static_cast<double>(n) / fastest);
    if (h > 0 && h <= target && 2 * h > target && h <= rest) return h;
    return rest / std::ceil(rest / target * (1 - 1e-12));
  }
};

VorticitySolver::VorticitySolver(const VorticitySolverOptions& options, const Communicator& comm) {
  check(options);
  state_ = std::make_unique<State>(options, comm);
}

VorticitySolver::~VorticitySolver() = default;
VorticitySolver::VorticitySolver(VorticitySolver&&) noexcept = default;
VorticitySolver& VorticitySolver::operator=(VorticitySolver&&) noexcept = default;

Range VorticitySolver::rows() const {
  return {state_->first_row, state_->first_row + state_->rows};
}

namespace {

void check_field(std::span<const double> values, std::size_t expected, const char* what,
                 const Communicator& comm) {
  comm.together([&] {
    NOPAL_CHECK(values.size() == expected, "vorticity solver: expected a ", what, " at ", expected,
                " points, got ", values.size(), " numbers");
    for (const double value : values)
      NOPAL_CHECK(std::isfinite(value), "vorticity solver: the ", what, " has the value ", value);
  });
}

}  // namespace

void VorticitySolver::set_vorticity(std::span<const double> w, double time) {
  State& s = *state_;
  check_field(w, s.u.size(), "vorticity", s.comm);
  s.analyse([&](std::size_t p) { return w[p]; }, 1, s.w);
  s.time = time;
  s.h_before = 0;
}

void VorticitySolver::set_force(std::span<const double> f) {
  State& s = *state_;
  check_field(f, s.u.size(), "force", s.comm);
  s.analyse([&](std::size_t p) { return f[p]; }, 1, s.force);
}

std::vector<double> VorticitySolver::vorticity() const {
  std::vector<double> values(state_->u.size());
  state_->synthesise([&](std::size_t k) { return state_->w[k]; }, values);
  return values;
}

std::vector<double> VorticitySolver::whole_vorticity() const {
  const State& s = *state_;
  const std::vector<double> own = vorticity();
  // Each rank's rows, 0 elsewhere; the sum is all of them.
  const auto whole = Tensor<double>::zeros({s.n, s.n});
  std::copy(own.begin(), own.end(), whole.data() + s.first_row * s.n);
  s.comm.sum(whole);
  return whole.to_vector();
}

double VorticitySolver::time() const {
  return state_->time;
}

VorticitySolver::Progress VorticitySolver::advance(double time) {
  const ScopedRegion region("vorticity_solver");
  State& s = *state_;
  NOPAL_CHECK(time >= s.time && std::isfinite(time), "vorticity solver: cannot go from time ",
              s.time, " to ", time);
  Progress progress;
  while (s.time < time) {
    s.slope(s.w, s.slopes[0]);
    const double step = s.choose_step(time - s.time);
    const State::Spectrum before = s.w;
    s.prepare(step);
    if (s.options.scheme == "etdrk4")
      s.step_etdrk4();
    else
      s.step_cnab2();
    if (!s.finite()) {
      s.w = before;
      NOPAL_CHECK(false, "vorticity solver: the flow is not finite after the step of ", step,
                  " from time ", s.time, "; take a smaller step or cfl, or more points");
    }
    s.time = time - s.time <= step * (1 + 1e-9) ? time : s.time + step;
    ++progress.steps;
    progress.shortest_step = progress.steps == 1 ? step : std::min(progress.shortest_step, step);
    progress.longest_step = std::max(progress.longest_step, step);
  }
  return progress;
}

double VorticitySolver::energy() const {
  const State& s = *state_;
  double sum = 0;
  for (std::size_t k = 0; k < s.count(); ++k)
    sum += 0.5 * s.weight(k) * s.inverse[k] * std::norm(s.w[k]);
  return s.comm.sum(sum);
}

double VorticitySolver::enstrophy() const {
  const State& s = *state_;
  double sum = 0;
  for (std::size_t k = 0; k < s.count(); ++k)
    sum += 0.5 * s.weight(k) * std::norm(s.w[k]);
  return s.comm.sum(sum);
}

std::vector<double> VorticitySolver::energy_spectrum() const {
  const State& s = *state_;
  const auto sums = Tensor<double>::zeros({s.n / 3 + 1});
  const double unit = s.options.length / (2 * std::numbers::pi);
  for (std::size_t k = 0; k < s.count(); ++k) {
    const auto shell = static_cast<std::int64_t>(std::lround(unit * std::hypot(s.kx[k], s.ky[k])));
    if (shell < sums.size())
      sums.data()[shell] += 0.5 * s.weight(k) * s.inverse[k] * std::norm(s.w[k]);
  }
  s.comm.sum(sums);
  return sums.to_vector();
}

}  // namespace nopal
