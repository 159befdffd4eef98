// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#pragma once

// Loops along rows of cells or faces, with a variable an array, so that they vectorise: no
// branches, selections only.

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace nopal::euler {

/// rho, u, v, p (or four fluxes) of a row of cells or faces.
struct Row {
  std::array<std::vector<double>, 4> values;

  explicit Row(std::int64_t size = 0) {
    for (auto& v : values)
      v.resize(static_cast<std::size_t>(size));
  }
  double* operator[](std::size_t k) { return values[k].data(); }
  const double* operator[](std::size_t k) const { return values[k].data(); }
};

// Slopes from the differences to both sides.
struct NoSlope {
  static double apply(double, double) { return 0; }
};
struct Unlimited {
  static double apply(double a, double b) { return 0.5 * (a + b); }
};
struct Minmod {
  static double apply(double a, double b) {
    const double smaller = std::abs(a) < std::abs(b) ? a : b;
    return a * b > 0 ? smaller : 0;
  }
};
struct VanLeer {
  static double apply(double a, double b) {
    const double product = a * b, sum = a + b;
    return product > 0 ? 2 * product / (product > 0 ? sum : 1) : 0;
  }
};
struct Central {
  static double apply(double a, double b) {
    const double smaller = 2 * (std::abs(a) < std::abs(b) ? a : b), mean = 0.5 * (a + b);
    const double limited = std::abs(smaller) < std::abs(mean) ? smaller : mean;
    return a * b > 0 ? limited : 0;
  }
};

/// Primitive variables of `count` cells of a row of conserved ones, 4 numbers a cell.
template <class Scalar>
void load_row(const Scalar* q, std::int64_t count, double gamma, Row& w) {
  double *rho = w[0], *u = w[1], *v = w[2], *p = w[3];
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) {
    const double r = q[4 * i], mx = q[4 * i + 1], my = q[4 * i + 2], e = q[4 * i + 3];
    const double inverse = 1 / r;
    rho[i] = r;
    u[i] = mx * inverse;
    v[i] = my * inverse;
    p[i] = (gamma - 1) * (e - 0.5 * inverse * (mx * mx + my * my));
  }
}

/// What a cell between `before` and `after` has at its faces: `low` towards `before`, `high`.
/// Pointers to cell 0 of `count`; all four may be shifted views of one row.
template <class Limiter>
void reconstruct(const std::array<const double*, 4>& before, const std::array<const double*, 4>& at,
                 const std::array<const double*, 4>& after, std::int64_t count, Row& low,
                 Row& high) {
  for (std::size_t k = 0; k < 4; ++k) {
    const double *a = before[k], *b = at[k], *c = after[k];
    double *l = low[k], *h = high[k];
#pragma GCC ivdep
    for (std::int64_t i = 0; i < count; ++i) {
      const double half = 0.5 * Limiter::apply(b[i] - a[i], c[i] - b[i]);
      l[i] = b[i] - half;
      h[i] = b[i] + half;
    }
  }
  // Where density or pressure at a face is not positive: the mean.
  double *lr = low[0], *hr = high[0], *lp = low[3], *hp = high[3], *lu = low[1], *hu = high[1],
         *lv = low[2], *hv = high[2];
  const double *r = at[0], *u = at[1], *v = at[2], *p = at[3];
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) {
    const bool good = (lr[i] > 0) & (hr[i] > 0) & (lp[i] > 0) & (hp[i] > 0);
    lr[i] = good ? lr[i] : r[i];
    hr[i] = good ? hr[i] : r[i];
    lu[i] = good ? lu[i] : u[i];
    hu[i] = good ? hu[i] : u[i];
    lv[i] = good ? lv[i] : v[i];
    hv[i] = good ? hv[i] : v[i];
    lp[i] = good ? lp[i] : p[i];
    hp[i] = good ? hp[i] : p[i];
  }
}

/// Fluxes through `count` faces with area-weighted normals (ax, ay), from the states at both sides:
/// HLLC (with the contact) or HLLE. Some 140 flops a face.
template <bool Contact>
void riemann_fluxes(const std::array<const double*, 4>& left,
                    const std::array<const double*, 4>& right, const double* ax, const double* ay,
                    std::int64_t count, double gamma, Row& flux) {
  const double *rl = left[0], *ul = left[1], *vl = left[2], *pl = left[3];
  const double *rr = right[0], *ur = right[1], *vr = right[2], *pr = right[3];
  double *f0 = flux[0], *f1 = flux[1], *f2 = flux[2], *f3 = flux[3];
  const double k = 1 / (gamma - 1);
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) {
    const double area = std::sqrt(ax[i] * ax[i] + ay[i] * ay[i]);
    const double inverse = area > 0 ? 1 / area : 0;  // a face may be a point
    const double nx = ax[i] * inverse, ny = ay[i] * inverse;
    const double rho_l = rl[i], p_l = pl[i], rho_r = rr[i], p_r = pr[i];
    const double un_l = ul[i] * nx + vl[i] * ny, ut_l = vl[i] * nx - ul[i] * ny;
    const double un_r = ur[i] * nx + vr[i] * ny, ut_r = vr[i] * nx - ur[i] * ny;
    const double e_l = k * p_l + 0.5 * rho_l * (un_l * un_l + ut_l * ut_l);
    const double e_r = k * p_r + 0.5 * rho_r * (un_r * un_r + ut_r * ut_r);
    // Wave speeds from Roe's mean (Einfeldt).
    const double root_l = std::sqrt(rho_l), root_r = std::sqrt(rho_r);
    const double share = root_l / (root_l + root_r), other = 1 - share;
    const double un = share * un_l + other * un_r, ut = share * ut_l + other * ut_r;
    // Divisions cost most here: few of them.
    const double v_l = 1 / rho_l, v_r = 1 / rho_r;
    const double h = share * (e_l + p_l) * v_l + other * (e_r + p_r) * v_r;
    const double c2 = (gamma - 1) * (h - 0.5 * (un * un + ut * ut));
    const double c = std::sqrt(c2 > 0 ? c2 : 0);
    const double c_l = std::sqrt(gamma * p_l * v_l), c_r = std::sqrt(gamma * p_r * v_r);
    const double s_l = un_l - c_l < un - c ? un_l - c_l : un - c;
    const double s_r = un_r + c_r > un + c ? un_r + c_r : un + c;
    double mass, normal, tangential, energy;
    if constexpr (Contact) {
      const double m_l = rho_l * (s_l - un_l), m_r = rho_r * (s_r - un_r);
      const double s_m = (p_r - p_l + m_l * un_l - m_r * un_r) / (m_l - m_r);
      // The side that the contact goes away from, picked by products: GCC does not vectorise many
      // selections by one condition.
      const double is_left = s_m >= 0 ? 1 : 0, is_right = 1 - is_left;
      const auto pick = [&](double l, double r) { return is_left * l + is_right * r; };
      const double rho = pick(rho_l, rho_r), v = pick(un_l, un_r), t = pick(ut_l, ut_r),
                   p = pick(p_l, p_r), e = pick(e_l, e_r), m = pick(m_l, m_r), s = pick(s_l, s_r);
      // That side's wave speed, 0 if the wave goes away from the face, too.
      const double speed = pick(s_l < 0 ? s_l : 0, s_r > 0 ? s_r : 0);
      const double q = 1 / (s - s_m);
      const double star = m * q;  // density between that side's wave and the contact
      const double star_e = star * e * pick(v_l, v_r) + (s_m - v) * (star * s_m + p * q);
      mass = rho * v + speed * (star - rho);
      normal = rho * v * v + p + speed * (star * s_m - rho * v);
      tangential = rho * v * t + speed * (star - rho) * t;
      energy = (e + p) * v + speed * (star_e - e);
    } else {
      const double a = s_r > 0 ? s_r : 0, b = s_l < 0 ? s_l : 0, d = 1 / (a - b), ab = a * b;
      const double m_l = rho_l * un_l, m_r = rho_r * un_r;
      mass = d * (a * m_l - b * m_r + ab * (rho_r - rho_l));
      normal = d * (a * (m_l * un_l + p_l) - b * (m_r * un_r + p_r) + ab * (m_r - m_l));
      tangential = d * (a * m_l * ut_l - b * m_r * ut_r + ab * (rho_r * ut_r - rho_l * ut_l));
      energy = d * (a * (e_l + p_l) * un_l - b * (e_r + p_r) * un_r + ab * (e_r - e_l));
    }
    f0[i] = area * mass;
    f1[i] = ax[i] * normal - ay[i] * tangential;
    f2[i] = ay[i] * normal + ax[i] * tangential;
    f3[i] = area * energy;
  }
}

}  // namespace nopal::euler
