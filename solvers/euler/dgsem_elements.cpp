// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Shock indicator and right-hand side of the elements of a DGSEM.

#include <nopal/core/profile.hpp>

#include "euler/dgsem_state.hpp"

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cmath>

namespace nopal::euler {
// Hennemann et al. 2021, (40) to (44).
double DgsemSolver::State::alpha_of(const PetscScalar* e) const {
  if (options.largest_blending == 0) return 0;
  std::array<double, 121> values, half;  // at most 11^2 nodes
  for (std::size_t k = 0; k < nodes; ++k) {
    const Primitive w = at(e, k);
    values[k] = w.rho * w.p;
  }
  for (std::size_t b = 0; b < n; ++b)
    for (std::size_t k = 0; k < n; ++k) {
      double sum = 0;
      for (std::size_t a = 0; a < n; ++a)
        sum += basis.modes[k * n + a] * values[b * n + a];
      half[b * n + k] = sum;
    }
  // Energies of modes whose larger degree is at most N, N - 1, N - 2.
  double all = 0, less = 0, least = 0;
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t l = 0; l < n; ++l) {
      double mode = 0;
      for (std::size_t b = 0; b < n; ++b)
        mode += basis.modes[l * n + b] * half[b * n + k];
      const double energy = mode * mode;
      all += energy;
      if (std::max(k, l) + 1 < n) less += energy;
      if (std::max(k, l) + 2 < n) least += energy;
    }
  const double share =
      std::max(all > 0 ? (all - less) / all : 0, less > 0 ? (less - least) / less : 0);
  const double threshold = 0.5 * std::pow(10, -1.8 * std::pow(static_cast<double>(n), 0.25));
  const double sharpness = std::log((1 - 1e-4) / 1e-4);
  const double alpha = 1 / (1 + std::exp(-sharpness / threshold * (share - threshold)));
  return alpha < 1e-3 ? 0 : std::min(alpha > 1 - 1e-3 ? 1 : alpha, options.largest_blending);
}

std::vector<double> DgsemSolver::State::blendings(const PetscScalar* q) const {
  std::vector<double> own(static_cast<std::size_t>(width() * (count[1] + 2)), 0), result;
  const auto place = [&](std::int64_t i, std::int64_t j) {
    return static_cast<std::size_t>((j + 1) * width() + i + 1);
  };
  for (std::int64_t j = -1; j <= count[1]; ++j)
    for (std::int64_t i = -1; i <= count[0]; ++i) {
      const bool corner = (i < 0 || i == count[0]) && (j < 0 || j == count[1]);
      if (!corner && has(first[0] + i, first[1] + j)) own[place(i, j)] = alpha_of(element(q, i, j));
    }
  for (std::int64_t j = 0; j < count[1]; ++j)
    for (std::int64_t i = 0; i < count[0]; ++i)
      result.push_back(
          std::max({own[place(i, j)], 0.5 * own[place(i - 1, j)], 0.5 * own[place(i + 1, j)],
                    0.5 * own[place(i, j - 1)], 0.5 * own[place(i, j + 1)]}));
  return result;
}

namespace {

// x + y over ln x - ln y, halved, by its series in f^2 = ((x - y) / (x + y))^2 up to 0.05, where it
// is exact to rounding. Ismail, Roe, J. Comput. Phys. 228, 2009.
constexpr double series_end = 0.05;

// Written out and inlined, so that the loops that call it vectorise.
[[gnu::always_inline]] inline double mean_by_series(double sum, double u) {
  double s = 1.0 / 19 + u * (1.0 / 21);
  s = 1.0 / 17 + u * s;
  s = 1.0 / 15 + u * s;
  s = 1.0 / 13 + u * s;
  s = 1.0 / 11 + u * s;
  s = 1.0 / 9 + u * s;
  s = 1.0 / 7 + u * s;
  s = 1.0 / 5 + u * s;
  s = 1.0 / 3 + u * s;
  return 0.5 * sum / (1 + u * s);
}

double logarithmic_mean(double x, double y) {
  const double f = (x - y) / (x + y), u = f * f;
  return u < series_end ? mean_by_series(x + y, u) : (x - y) / std::log(x / y);
}

// The entropy-conserving flux through the area-weighted normal (nx, ny), Ranocha 2018, with the
// logarithmic mean of rho and the mean `theta` of p / rho.
[[gnu::always_inline]] inline std::array<double, 4> conserving_flux(
    const std::array<const double*, 4>& l, const std::array<const double*, 4>& r, std::int64_t i,
    double nx, double ny, double k, double rho, double theta) {
  const double ul = l[1][i], ur = r[1][i], vl = l[2][i], vr = r[2][i], pl = l[3][i], pr = r[3][i];
  const double u = 0.5 * (ul + ur), v = 0.5 * (vl + vr), p = 0.5 * (pl + pr);
  const double nl = ul * nx + vl * ny, nr = ur * nx + vr * ny;
  const double mass = 0.5 * rho * (nl + nr);
  return {mass, mass * u + p * nx, mass * v + p * ny,
          mass * (0.5 * (ul * ur + vl * vr) + k * theta) + 0.5 * (pl * nr + pr * nl)};
}

// `count` of those fluxes.
void conserving_fluxes(const std::array<const double*, 4>& l, const std::array<const double*, 4>& r,
                       const double* nx, const double* ny, std::int64_t count, double gamma,
                       Row& flux, double* wide) {
  const double k = 1 / (gamma - 1);
  double *f0 = flux[0], *f1 = flux[1], *f2 = flux[2], *f3 = flux[3];
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) {
    const double rl = l[0][i], rr = r[0][i], pl = l[3][i], pr = r[3][i];
    const double a = rl * pr, b = rr * pl;
    const double f = (rl - rr) / (rl + rr), g = (a - b) / (a + b);
    const double rho = mean_by_series(rl + rr, f * f),
                 theta = pl * pr / mean_by_series(a + b, g * g);
    const auto sum = conserving_flux(l, r, i, nx[i], ny[i], k, rho, theta);
    f0[i] = sum[0];
    f1[i] = sum[1];
    f2[i] = sum[2];
    f3[i] = sum[3];
    wide[i] = f * f > g * g ? f * f : g * g;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    if (wide[i] < series_end) continue;
    const double rl = l[0][i], rr = r[0][i], pl = l[3][i], pr = r[3][i];
    const auto sum = conserving_flux(l, r, i, nx[i], ny[i], k, logarithmic_mean(rl, rr),
                                     pl * pr / logarithmic_mean(rl * pr, rr * pl));
    for (std::size_t c = 0; c < 4; ++c)
      flux[c][i] = sum[c];
  }
}

}  // namespace

// Sums for a row of elements, with all numbers of a node side by side: number `node` of element i
// is at node W + i + 1, W = count[0] + 2, with the elements beyond both ends.
struct DgsemSolver::State::RowSums {
  const State& s;
  const PetscScalar* q;
  double t;
  std::int64_t m, width;
  Row w, next, smooth, rough, surface, flux;
  std::vector<double> nx, ny, wide;

  RowSums(const State& state, const PetscScalar* values, double time)
      : s(state),
        q(values),
        t(time),
        m(s.count[0]),
        width(m + 2),
        w(lanes()),
        next(lanes()),
        smooth(lanes()),
        rough(lanes()),
        surface(lanes()),
        flux(width),
        nx(static_cast<std::size_t>(width)),
        ny(nx),
        wide(nx) {}

  std::int64_t lanes() const { return static_cast<std::int64_t>(s.nodes) * width; }
  std::array<const double*, 4> at(const Row& row, std::size_t node, std::int64_t first) const {
    const std::int64_t from = static_cast<std::int64_t>(node) * width + first;
    return {row[0] + from, row[1] + from, row[2] + from, row[3] + from};
  }
  double* sum(Row& row, std::size_t c, std::size_t node) const {
    return row[c] + static_cast<std::int64_t>(node) * width + 1;
  }
  std::size_t element(std::int64_t i, std::int64_t j) const {
    return static_cast<std::size_t>(j * m + i);
  }

  void riemann(const std::array<const double*, 4>& left, const std::array<const double*, 4>& right,
               std::int64_t count) {
    if (s.options.flux == "conserving")
      conserving_fluxes(left, right, nx.data(), ny.data(), count, s.options.gamma, flux,
                        wide.data());
    else
      finite_volume_fluxes(left, right, count);
  }
  void finite_volume_fluxes(const std::array<const double*, 4>& left,
                            const std::array<const double*, 4>& right, std::int64_t count) {
    if (s.options.flux == "hllc")
      riemann_fluxes<true>(left, right, nx.data(), ny.data(), count, s.options.gamma, flux);
    else
      riemann_fluxes<false>(left, right, nx.data(), ny.data(), count, s.options.gamma, flux);
  }
  // to(c, node, i) += factor flux(c, i), i < m.
  void add(Row& to, std::size_t node, double factor, std::int64_t first = 0) {
    for (std::size_t c = 0; c < 4; ++c) {
      double* const target = sum(to, c, node);
      const double* const f = flux[c] + first;
      for (std::int64_t i = 0; i < m; ++i)
        target[i] += factor * f[i];
    }
  }

  void load(std::int64_t j, Row& row) const {
    for (std::int64_t i = -1; i <= m; ++i) {
      if (!s.has(s.first[0] + i, s.first[1] + j)) continue;
      const PetscScalar* e = s.element(q, i, j);
      for (std::size_t node = 0; node < s.nodes; ++node)
        put(row, node, i, s.at(e, node));
    }
  }
  // Only the nodes of a side.
  void load_side(std::int64_t j, int side, Row& row) const {
    for (std::int64_t i = 0; i < m; ++i) {
      const PetscScalar* e = s.element(q, i, j);
      for (std::size_t k = 0; k < s.n; ++k)
        put(row, s.node_of(side, k), i, s.at(e, s.node_of(side, k)));
    }
  }
  void put(Row& row, std::size_t node, std::int64_t i, const Primitive& state) const {
    const std::int64_t to = static_cast<std::int64_t>(node) * width + i + 1;
    row[0][to] = state.rho;
    row[1][to] = state.u;
    row[2][to] = state.v;
    row[3][to] = state.p;
  }
  Primitive get(const Row& row, std::size_t node, std::int64_t i) const {
    const std::int64_t from = static_cast<std::int64_t>(node) * width + i + 1;
    return {row[0][from], row[1][from], row[2][from], row[3][from]};
  }
  // The states beyond a side of element (i, j), in the lanes of element `to_i` of `to`.
  void put_boundary(std::int64_t i, std::int64_t j, int side, Row& to, std::int64_t to_i) const {
    const std::size_t e = element(i, j);
    for (std::size_t k = 0; k < s.n; ++k) {
      const std::size_t node = s.node_of(side, k);
      const Boundary b = s.rule(side)(s.places[e * s.nodes + node], t);
      put(to, s.node_of(side ^ 1, k), to_i,
          beyond(b, get(w, node, i), s.outwards(e, side, k), s.options.gamma));
    }
  }

  void normals(const std::vector<Point>& metric, std::int64_t j, std::size_t node) {
    for (std::int64_t i = 0; i < m; ++i) {
      const Point& p = metric[element(i, j) * s.nodes + node];
      nx[static_cast<std::size_t>(i)] = p[0];
      ny[static_cast<std::size_t>(i)] = p[1];
    }
  }

  // Differences of fluxes between the nodes of each line: the high-order ones, and those of
  // first-order finite volumes.
  void volume(std::int64_t j, bool high_order) {
    Row& to = high_order ? smooth : rough;
    for (std::size_t c = 0; c < 4; ++c)
      std::fill_n(to[c], lanes(), 0.0);
    const std::size_t n = s.n;
    for (int direction = 0; direction < 2; ++direction) {
      const std::vector<Point>&metric = direction == 0 ? s.along : s.across,
            &cuts = direction == 0 ? s.cuts_along : s.cuts_across;
      for (std::size_t line = 0; line < n; ++line) {
        const auto node = [&](std::size_t a) {
          return direction == 0 ? line * n + a : a * n + line;
        };
        for (std::size_t a = 0; a + 1 < n && !high_order; ++a) {
          for (std::int64_t i = 0; i < m; ++i) {
            const Point& cut = cuts[(element(i, j) * n + line) * (n - 1) + a];
            nx[static_cast<std::size_t>(i)] = cut[0];
            ny[static_cast<std::size_t>(i)] = cut[1];
          }
          finite_volume_fluxes(at(w, node(a), 1), at(w, node(a + 1), 1), m);
          add(to, node(a), -1 / s.basis.weights[a]);
          add(to, node(a + 1), 1 / s.basis.weights[a + 1]);
        }
        for (std::size_t a = 0; a < n && high_order; ++a)
          for (std::size_t l = a + 1; l < n; ++l) {
            for (std::int64_t i = 0; i < m; ++i) {
              const Point* const of = metric.data() + element(i, j) * s.nodes;
              nx[static_cast<std::size_t>(i)] = 0.5 * (of[node(a)][0] + of[node(l)][0]);
              ny[static_cast<std::size_t>(i)] = 0.5 * (of[node(a)][1] + of[node(l)][1]);
            }
            conserving_fluxes(at(w, node(a), 1), at(w, node(l), 1), nx.data(), ny.data(), m,
                              s.options.gamma, flux, wide.data());
            add(to, node(a), -2 * s.basis.derivative[a * n + l]);
            add(to, node(l), -2 * s.basis.derivative[l * n + a]);
          }
      }
    }
  }

  void surfaces(std::int64_t j) {
    for (std::size_t c = 0; c < 4; ++c)
      std::fill_n(surface[c], lanes(), 0.0);
    const double weight = 1 / s.basis.weights[0];
    if (!s.has(s.first[0] - 1, s.first[1] + j)) put_boundary(0, j, 0, w, -1);
    if (!s.has(s.first[0] + m, s.first[1] + j)) put_boundary(m - 1, j, 1, w, m);
    for (std::size_t k = 0; k < s.n; ++k) {
      const std::size_t west = s.node_of(0, k), east = s.node_of(1, k);
      normals(s.along, j, west);
      const Point& last = s.along[element(m - 1, j) * s.nodes + east];
      nx[static_cast<std::size_t>(m)] = last[0];
      ny[static_cast<std::size_t>(m)] = last[1];
      riemann(at(w, east, 0), at(w, west, 1), m + 1);
      add(surface, west, weight);
      add(surface, east, -weight, 1);
    }
    for (const int side : {2, 3}) {
      const std::int64_t other = side == 2 ? j - 1 : j + 1;
      if (s.has(s.first[0], s.first[1] + other))
        load_side(other, side ^ 1, next);
      else
        for (std::int64_t i = 0; i < m; ++i)
          put_boundary(i, j, side, next, i);
      for (std::size_t k = 0; k < s.n; ++k) {
        const std::size_t node = s.node_of(side, k), beyond = s.node_of(side ^ 1, k);
        normals(s.across, j, node);
        if (side == 2)
          riemann(at(next, beyond, 1), at(w, node, 1), m);
        else
          riemann(at(w, node, 1), at(next, beyond, 1), m);
        add(surface, node, side == 2 ? weight : -weight);
      }
    }
  }

  // dU/dt of node `node` of element i with the share `alpha` of finite volumes.
  Conserved rate(std::int64_t i, std::int64_t j, std::size_t node, double alpha) {
    Conserved result;
    for (std::size_t c = 0; c < 4; ++c) {
      double value = sum(surface, c, node)[i];
      if (alpha < 1) value += (1 - alpha) * sum(smooth, c, node)[i];
      if (alpha > 0) value += alpha * sum(rough, c, node)[i];
      result[c] = value / s.jacobians[element(i, j) * s.nodes + node];
    }
    return result;
  }
};

namespace {

Conserved moved(const Conserved& u, double h, const Conserved& rate) {
  return {u[0] + h * rate[0], u[1] + h * rate[1], u[2] + h * rate[2], u[3] + h * rate[3]};
}

}  // namespace

// The least share of finite volumes, `alpha` or more, with which a step of Euler's method leaves at
// each node a tenth of the density and pressure that finite volumes alone would leave.
// Rueda-Ramirez, Gassner, WCCM-ECCOMAS 2020.
double DgsemSolver::State::positive_share(RowSums& row, std::int64_t i, std::int64_t j,
                                          double alpha, double h) const {
  constexpr double share = 0.1;
  double result = alpha;
  for (std::size_t k = 0; k < nodes; ++k) {
    const PetscScalar* e = element(row.q, i, j) + 4 * k;
    const Conserved u{e[0], e[1], e[2], e[3]};
    const Primitive safe = primitive(moved(u, h, row.rate(i, j, k, 1)), options.gamma);
    if (!(safe.rho > 0 && safe.p > 0)) return 1;  // the step is too long: it will be retried
    const auto good = [&](double a) {
      const Primitive w = primitive(moved(u, h, row.rate(i, j, k, a)), options.gamma);
      return w.rho >= share * safe.rho && w.p >= share * safe.p;
    };
    if (good(result)) continue;
    double bad = result, enough = 1;  // density and rho p are concave in the state
    for (int step = 0; step < 20; ++step)
      (good(0.5 * (bad + enough)) ? enough : bad) = 0.5 * (bad + enough);
    result = enough;
  }
  return result;
}

void DgsemSolver::State::residual_of_rows(const PetscScalar* q, double* alphas, double t,
                                          PetscScalar* out, std::int64_t begin,
                                          std::int64_t end) const {
  RowSums row(*this, q, t);
  const std::int64_t m = count[0];
  for (std::int64_t j = begin; j < end; ++j) {
    double* const alpha = alphas + j * m;
    const auto [least, largest] = std::minmax_element(alpha, alpha + m);
    row.load(j, row.w);
    row.surfaces(j);
    if (*least < 1) row.volume(j, true);
    bool has_rough = *largest > 0;
    if (has_rough) row.volume(j, false);
    for (std::int64_t i = 0; i < m; ++i) {
      const auto write = [&] {
        bool positive = true;
        for (std::size_t k = 0; k < nodes; ++k) {
          const Conserved rate = row.rate(i, j, k, alpha[i]);
          const PetscScalar* e = element(q, i, j) + 4 * k;
          const Primitive w =
              primitive(moved({e[0], e[1], e[2], e[3]}, substep, rate), options.gamma);
          positive = positive && w.rho > 0.1 * e[0] && w.p > 0.1 * row.get(row.w, k, i).p;
          std::copy(rate.begin(), rate.end(), out + (row.element(i, j) * nodes + k) * 4);
        }
        return positive;
      };
      if (write() || substep == 0 || options.largest_blending == 0 || alpha[i] == 1) continue;
      if (!has_rough) row.volume(j, false);
      has_rough = true;
      alpha[i] = positive_share(row, i, j, alpha[i], substep);
      write();
    }
  }
}

void DgsemSolver::State::residual(double t, Vec from, Vec to) const {
  const ScopedRegion region("euler_dgsem");
  NOPAL_PETSC(DMGlobalToLocal(dm, from, INSERT_VALUES, local));
  const PetscScalar* q = nullptr;
  PetscScalar* out = nullptr;
  NOPAL_PETSC(VecGetArrayRead(local, &q));
  NOPAL_PETSC(VecGetArrayWrite(to, &out));
  std::vector<double> alphas = blendings(q);
  double* const alpha = alphas.data();
  const std::int64_t rows = count[0] > 0 ? count[1] : 0;
  const std::int64_t pieces =
      std::min<std::int64_t>(std::max(1, Kokkos::DefaultHostExecutionSpace().concurrency()),
                             std::max<std::int64_t>(rows, 1));
  if (rows > 0)
    Kokkos::parallel_for(
        "nopal::euler_dgsem",
        Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace, Kokkos::IndexType<std::int64_t>>(
            0, pieces),
        [=, this](std::int64_t piece) {
          residual_of_rows(q, alpha, t, out, rows * piece / pieces, rows * (piece + 1) / pieces);
        });
  NOPAL_PETSC(VecRestoreArrayWrite(to, &out));
  NOPAL_PETSC(VecRestoreArrayRead(local, &q));
}

}  // namespace nopal::euler
