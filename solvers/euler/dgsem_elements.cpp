// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

// Geometry, boundaries, shock indicator and right-hand side of the elements of a DGSEM.

#include <nopal/core/error.hpp>
#include <nopal/core/profile.hpp>

#include "euler/dgsem_state.hpp"

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cmath>

namespace nopal::euler {
namespace {

// (x - y) / (ln x - ln y), near x = y by its series (Ismail, Roe, J. Comput. Phys. 228, 2009).
double logarithmic_mean(double x, double y) {
  const double ratio = x / y, f = (ratio - 1) / (ratio + 1), u = f * f;
  const double series =
      u < 1e-4 ? 1 + u * (1.0 / 3 + u * (0.2 + u / 7)) : std::log(ratio) / (2 * f);
  return 0.5 * (x + y) / series;
}

// The entropy-conserving flux through the area-weighted normal (nx, ny), Ranocha 2018.
Conserved conserving_flux(const Primitive& a, const Primitive& b, double nx, double ny,
                          double gamma) {
  const double rho = logarithmic_mean(a.rho, b.rho);
  const double theta = a.p * b.p / logarithmic_mean(a.rho * b.p, b.rho * a.p);  // mean of p / rho
  const double u = 0.5 * (a.u + b.u), v = 0.5 * (a.v + b.v), p = 0.5 * (a.p + b.p);
  const double na = a.u * nx + a.v * ny, nb = b.u * nx + b.v * ny;
  const double mass = rho * 0.5 * (na + nb);
  return {
      mass, mass * u + p * nx, mass * v + p * ny,
      mass * (0.5 * (a.u * b.u + a.v * b.v) + theta / (gamma - 1)) + 0.5 * (a.p * nb + b.p * na)};
}

// One flux of riemann_fluxes().
Conserved riemann_flux(bool contact, const Primitive& a, const Primitive& b, double nx, double ny,
                       double gamma, Row& flux) {
  const std::array<const double*, 4> left{&a.rho, &a.u, &a.v, &a.p},
      right{&b.rho, &b.u, &b.v, &b.p};
  if (contact)
    riemann_fluxes<true>(left, right, &nx, &ny, 1, gamma, flux);
  else
    riemann_fluxes<false>(left, right, &nx, &ny, 1, gamma, flux);
  return {flux[0][0], flux[1][0], flux[2][0], flux[3][0]};
}

}  // namespace

void DgsemSolver::State::make_geometry() {
  const auto d = [&](std::size_t a, std::size_t l) { return basis.derivative[a * n + l]; };
  comm.together([&] {
    for (std::int64_t j = 0; j < count[1]; ++j)
      for (std::int64_t i = 0; i < count[0]; ++i) {
        const std::size_t base = places.size();
        for (std::size_t b = 0; b < n; ++b)
          for (std::size_t a = 0; a < n; ++a)
            places.push_back(
                mapping((double(first[0] + i) + 0.5 * (basis.nodes[a] + 1)) / double(nx),
                        (double(first[1] + j) + 0.5 * (basis.nodes[b] + 1)) / double(ny)));
        for (std::size_t b = 0; b < n; ++b)
          for (std::size_t a = 0; a < n; ++a) {
            Point xi{}, eta{};  // derivatives of the place
            for (std::size_t l = 0; l < n; ++l)
              for (std::size_t c = 0; c < 2; ++c) {
                xi[c] += d(a, l) * places[base + b * n + l][c];
                eta[c] += d(b, l) * places[base + l * n + a][c];
              }
            const double jacobian = xi[0] * eta[1] - xi[1] * eta[0];
            NOPAL_CHECK(jacobian > 0, "DGSEM: element (", first[0] + i, ", ", first[1] + j,
                        ") is inverted or empty: its Jacobian is ", jacobian, " at (",
                        places[base + b * n + a][0], ", ", places[base + b * n + a][1], ")");
            jacobians.push_back(jacobian);
            along.push_back({eta[1], -eta[0]});
            across.push_back({-xi[1], xi[0]});
          }
        // Cuts between nodes, so that finite volumes keep a uniform flow: the normal changes over a
        // node's cell as the metric terms do.
        for (std::size_t line = 0; line < n; ++line) {
          Point x = along[base + line * n], y = across[base + line];
          for (std::size_t a = 0; a + 1 < n; ++a) {
            for (std::size_t l = 0; l < n; ++l)
              for (std::size_t c = 0; c < 2; ++c) {
                x[c] += basis.weights[a] * d(a, l) * along[base + line * n + l][c];
                y[c] += basis.weights[a] * d(a, l) * across[base + l * n + line][c];
              }
            cuts_along.push_back(x);
            cuts_across.push_back(y);
          }
        }
      }
  });
}

void DgsemSolver::State::check_boundaries() const {
  for (std::size_t e = 0; e < elements(); ++e) {
    const std::int64_t i = first[0] + static_cast<std::int64_t>(e) % count[0],
                       j = first[1] + static_cast<std::int64_t>(e) / count[0];
    for (int side = 0; side < 4; ++side) {
      const std::int64_t di = side == 0   ? -1
                              : side == 1 ? 1
                                          : 0,
                         dj = side == 2   ? -1
                              : side == 3 ? 1
                                          : 0;
      if (has(i + di, j + dj)) continue;
      const char* const names[] = {"west", "east", "south", "north"};
      NOPAL_CHECK(rule(side), "DGSEM: the ", names[side], " side of the grid has no boundary rule");
      for (std::size_t k = 0; k < n; ++k) {
        const Point& at = places[e * nodes + node_of(side, k)];
        const Boundary b = rule(side)(at, 0);
        check_boundary(b, at, outwards(e, side, k), options.gamma, "DGSEM", names[side]);
      }
    }
  }
}

// Hennemann et al. 2021, (40) to (44).
double DgsemSolver::State::alpha_of(const PetscScalar* e) const {
  if (options.largest_blending == 0) return 0;
  std::vector<double> values(nodes), half(nodes);
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

void DgsemSolver::State::residual_of(std::int64_t i, std::int64_t j, const PetscScalar* q,
                                     double alpha, double t, PetscScalar* out, Row& flux) const {
  const auto e = static_cast<std::size_t>(j * count[0] + i);
  const double gamma = options.gamma;
  const bool contact = options.flux == "hllc";
  const std::size_t base = e * nodes;
  std::vector<Primitive> w(nodes);
  std::vector<Conserved> sum(nodes, Conserved{});  // of J dU/dt
  for (std::size_t k = 0; k < nodes; ++k)
    w[k] = at(element(q, i, j), k);
  const auto add = [&](std::size_t node, double factor, const Conserved& f) {
    for (std::size_t c = 0; c < 4; ++c)
      sum[node][c] += factor * f[c];
  };
  for (int direction = 0; direction < 2; ++direction) {
    const std::vector<Point>&metric = direction == 0 ? along : across,
          &cuts = direction == 0 ? cuts_along : cuts_across;
    for (std::size_t line = 0; line < n; ++line) {
      const auto node = [&](std::size_t a) { return direction == 0 ? line * n + a : a * n + line; };
      if (alpha < 1)
        for (std::size_t a = 0; a < n; ++a)
          for (std::size_t l = a + 1; l < n; ++l) {
            const Point &ma = metric[base + node(a)], &ml = metric[base + node(l)];
            const Conserved f = conserving_flux(w[node(a)], w[node(l)], 0.5 * (ma[0] + ml[0]),
                                                0.5 * (ma[1] + ml[1]), gamma);
            add(node(a), -2 * (1 - alpha) * basis.derivative[a * n + l], f);
            add(node(l), -2 * (1 - alpha) * basis.derivative[l * n + a], f);
          }
      if (alpha > 0)
        for (std::size_t a = 0; a + 1 < n; ++a) {
          const Point& cut = cuts[(e * n + line) * (n - 1) + a];
          const Conserved f =
              riemann_flux(contact, w[node(a)], w[node(a + 1)], cut[0], cut[1], gamma, flux);
          add(node(a), -alpha / basis.weights[a], f);
          add(node(a + 1), alpha / basis.weights[a + 1], f);
        }
    }
  }
  for (int side = 0; side < 4; ++side) {
    const std::int64_t di = side == 0   ? -1
                            : side == 1 ? 1
                                        : 0,
                       dj = side == 2   ? -1
                            : side == 3 ? 1
                                        : 0;
    const bool inside = has(first[0] + i + di, first[1] + j + dj), low = side % 2 == 0;
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t node = node_of(side, k);
      const Point& normal = normal_of(e, side, k);
      const Primitive other =
          inside ? at(element(q, i + di, j + dj), node_of(side ^ 1, k))
                 : beyond(rule(side)(places[base + node], t), w[node], outwards(e, side, k), gamma);
      const Primitive &left = low ? other : w[node], &right = low ? w[node] : other;
      const Conserved f =
          options.flux == "conserving"
              ? conserving_flux(left, right, normal[0], normal[1], gamma)
              : riemann_flux(contact, left, right, normal[0], normal[1], gamma, flux);
      add(node, (low ? 1 : -1) / basis.weights[0], f);
    }
  }
  for (std::size_t k = 0; k < nodes; ++k)
    for (std::size_t c = 0; c < 4; ++c)
      out[(base + k) * 4 + c] = sum[k][c] / jacobians[base + k];
}

void DgsemSolver::State::residual(double t, Vec from, Vec to) const {
  const ScopedRegion region("euler_dgsem");
  NOPAL_PETSC(DMGlobalToLocal(dm, from, INSERT_VALUES, local));
  const PetscScalar* q = nullptr;
  PetscScalar* out = nullptr;
  NOPAL_PETSC(VecGetArrayRead(local, &q));
  NOPAL_PETSC(VecGetArrayWrite(to, &out));
  const std::vector<double> alphas = blendings(q);
  const double* const alpha = alphas.data();
  Kokkos::parallel_for(
      "nopal::euler_dgsem",
      Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace, Kokkos::IndexType<std::int64_t>>(
          0, count[0] > 0 ? count[1] : 0),
      [=, this](std::int64_t j) {
        Row flux(1);
        for (std::int64_t i = 0; i < count[0]; ++i)
          residual_of(i, j, q, alpha[j * count[0] + i], t, out, flux);
      });
  NOPAL_PETSC(VecRestoreArrayWrite(to, &out));
  NOPAL_PETSC(VecRestoreArrayRead(local, &q));
}

}  // namespace nopal::euler
