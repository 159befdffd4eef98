// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Multigrid as a preconditioner of conjugate gradients, without PETSc: iterations, set-up, and what
// one apply() takes of the machine's copy bandwidth.

#include <nopal/core/random.hpp>
#include <nopal/core/runtime.hpp>
#include <nopal/multigrid/stencil_multigrid.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

namespace {

using Clock = std::chrono::steady_clock;
double seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

// Finite volumes with harmonic means, u = 0 on the boundary.
nopal::StencilField<double> diffusion(const nopal::Shape& n,
                                      const std::function<double(const double*)>& k,
                                      const std::vector<double>& eps) {
  const int d = n.rank();
  nopal::StencilField<double> field;
  field.grid = nopal::Grid(n);
  field.offsets.push_back({});
  for (int a = 0; a < d; ++a)
    for (const int o : {-1, 1}) {
      nopal::StencilOffset offset{};
      offset[a] = o;
      field.offsets.push_back(offset);
    }
  const std::int64_t points = n.size(), rows = std::int64_t(field.offsets.size());
  field.values = nopal::Tensor<double>::zeros({rows, points});
  double* v = field.values.data();
  const auto coefficient = [&](std::array<std::int64_t, 3> i) {
    double x[3];
    for (int a = 0; a < d; ++a)
      x[a] = double(i[a] + 1) / double(n[a] + 1);
    return k(x);
  };
  for (std::int64_t p = 0; p < points; ++p) {
    std::array<std::int64_t, 3> i{};
    for (std::int64_t a = d - 1, q = p; a >= 0; --a) {
      i[a] = q % n[a];
      q /= n[a];
    }
    const double here = coefficient(i);
    for (int a = 0; a < d; ++a)
      for (int side = 0; side < 2; ++side) {
        auto j = i;
        j[a] += 2 * side - 1;
        const bool inside = j[a] >= 0 && j[a] < n[a];
        const double there = inside ? coefficient(j) : here;
        const double c = 2 * here * there / (here + there) * eps[a];
        v[p] += c;
        if (inside) v[(1 + 2 * a + side) * points + p] = -c;
      }
  }
  return field;
}

void multiply(const nopal::StencilField<double>& a, const double* x, double* y) {
  const auto& n = a.grid.extents();
  const int d = n.rank();
  const std::int64_t points = n.size();
  std::int64_t strides[3];
  for (std::int64_t k = d - 1, s = 1; k >= 0; --k) {
    strides[k] = s;
    s *= n[k];
  }
  const double* v = a.values.data();
  for (std::int64_t p = 0; p < points; ++p)
    y[p] = v[p] * x[p];
  for (std::size_t k = 1; k < a.offsets.size(); ++k) {
    std::int64_t shift = 0;
    for (int b = 0; b < d; ++b)
      shift += a.offsets[k][b] * strides[b];
    const std::int64_t lo = std::max<std::int64_t>(0, -shift),
                       hi = std::min(points, points - shift);
    for (std::int64_t p = lo; p < hi; ++p)
      y[p] += v[std::int64_t(k) * points + p] * x[p + shift];
  }
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double s = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    s += a[i] * b[i];
  return s;
}

template <class Apply>
int cg(const nopal::StencilField<double>& a, const std::vector<double>& b, const Apply& apply,
       int limit = 500) {
  const std::size_t n = b.size();
  std::vector<double> x(n), r = b, z(n), p(n), q(n);
  const double goal = 1e-8 * std::sqrt(dot(b, b));
  double rz = 0;
  for (int it = 0; it < limit; ++it) {
    if (std::sqrt(dot(r, r)) <= goal) return it;
    apply(r.data(), z.data());
    const double next = dot(r, z);
    for (std::size_t i = 0; i < n; ++i)
      p[i] = z[i] + (it ? next / rz : 0) * p[i];
    rz = next;
    multiply(a, p.data(), q.data());
    const double alpha = rz / dot(p, q);
    for (std::size_t i = 0; i < n; ++i)
      x[i] += alpha * p[i], r[i] -= alpha * q[i];
  }
  return limit;
}

}  // namespace

int main(int argc, char** argv) {
  nopal::Runtime runtime(argc, argv);
  const int d = argc > 1 ? std::atoi(argv[1]) : 2;
  const std::int64_t n = argc > 2 ? std::atoll(argv[2]) : 1023;
  const char* kind = argc > 3 ? argv[3] : "poisson";
  const double contrast = argc > 4 ? std::atof(argv[4]) : 1e4;
  nopal::Shape shape;
  for (int a = 0; a < d; ++a)
    shape.push_back(n);
  std::vector<double> eps(std::size_t(d), 1.0);
  std::function<double(const double*)> k = [](const double*) { return 1.0; };
  if (!std::strcmp(kind, "jumps"))
    k = [&](const double* x) {
      int s = 0;
      for (int a = 0; a < d; ++a)
        s += int(x[a] * 16);
      return s % 2 ? contrast : 1.0;
    };
  if (!std::strcmp(kind, "smooth"))
    k = [&](const double* x) {
      double f = 0;
      for (int m = 1; m <= 6; ++m) {
        double t = 1;
        for (int a = 0; a < d; ++a)
          t *= std::cos(3.14159 * ((m * (a + 2)) % 7 + 1) * x[a] + m + a);
        f += t / std::sqrt(double(m));
      }
      return std::exp(f / 4 * std::log(contrast));
    };
  if (!std::strcmp(kind, "aniso")) eps.back() = 1 / contrast;
  const auto a = diffusion(shape, k, eps);
  nopal::StencilField<float> f{a.grid, a.offsets, nopal::cast<float>(a.values), {}};
  f.row_sums = nopal::Tensor<float>(nopal::Shape{shape.size()});
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    double s = 0;
    for (std::size_t q = 0; q < a.offsets.size(); ++q)
      s += a.values.data()[std::int64_t(q) * shape.size() + i];
    f.row_sums.data()[i] = float(std::abs(s) < 1e-13 * a.values.data()[i] ? 0.0 : s);
  }
  std::vector<double> b(std::size_t(shape.size()));
  for (std::size_t i = 0; i < b.size(); ++i)
    b[i] = std::sin(double(i * 2654435761u % 100003));
  nopal::MultigridOptions options;
  if (const char* t = std::getenv("TRANSFER")) options.transfer = t;
  for (const char* name : {"jacobi", "chebyshev"}) {
    const auto network = !std::strcmp(name, "jacobi")
                             ? nopal::SmootherNetwork<float>::damped_jacobi(d)
                             : nopal::SmootherNetwork<float>::chebyshev(d);
    if (std::getenv("SETUPS"))
      for (int q = 0; q < std::atoi(std::getenv("SETUPS")); ++q) {
        auto t0 = Clock::now();
        nopal::StencilMultigrid<float> first(f, network, options);
        std::printf("set-up %.1f ms\n", 1e3 * seconds(t0));
      }
    auto t = Clock::now();
    nopal::StencilMultigrid<float> mg(f, network, options);
    const double setup = seconds(t);
    if (std::getenv("DOUBLE")) {
      nopal::StencilMultigrid<double> md(a,
                                         !std::strcmp(name, "jacobi")
                                             ? nopal::SmootherNetwork<double>::damped_jacobi(d)
                                             : nopal::SmootherNetwork<double>::chebyshev(d),
                                         options);
      std::printf("double: %d its\n",
                  cg(a, b, [&](const double* r, double* y) { md.apply(r, y); }));
    }
    std::vector<double> z(b.size());
    mg.apply(b.data(), z.data());
    t = Clock::now();
    const int repeats = std::getenv("REPEATS") ? std::atoi(std::getenv("REPEATS")) : 10;
    for (int i = 0; i < repeats; ++i)
      mg.apply(b.data(), z.data());
    const double one = seconds(t) / repeats;
    const int its = cg(a, b, [&](const double* r, double* y) { mg.apply(r, y); });
    std::printf(
        "%-10s %dd %ld %s: %d its, set-up %.1f ms, apply %.2f ms, %.1f GB/s of counted, %.0f MB",
        name, d, long(n), kind, its, 1e3 * setup, 1e3 * one, mg.cost().bytes / one * 1e-9,
        double(mg.memory()) * 1e-6);
    std::printf(" rho");
    for (const auto& l : mg.levels())
      std::printf(" %.2f%s", l.spectral_radius, l.smoother_scale < 1 ? "!" : "");
    std::printf("\n");
  }
}
