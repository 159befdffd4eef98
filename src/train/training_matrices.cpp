// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "train/training_matrices.hpp"

#include <cmath>
#include <numbers>

namespace nopal::detail {
namespace {

// Numbers of a stream one after the other.
class Draw {
 public:
  explicit Draw(const Random& random) : random_(random) {}
  double uniform(double low, double high) { return low + (high - low) * random_.uniform(next_++); }
  std::int64_t integer(std::int64_t low, std::int64_t high) {  // both included
    return std::min(high, low + static_cast<std::int64_t>(uniform(0, double(high - low + 1))));
  }

 private:
  Random random_;
  std::uint64_t next_ = 0;
};

using Index = std::array<std::int64_t, 3>;

Index index_of(const Shape& n, std::int64_t point) {
  Index index{};
  for (int a = n.rank() - 1; a >= 0; --a) {
    index[static_cast<std::size_t>(a)] = point % n[a];
    point /= n[a];
  }
  return index;
}

// log k at each point, from 0 to `size`.
std::vector<double> lognormal(const Shape& n, double size, Draw& draw) {
  struct Wave {
    std::array<double, 3> k;
    double phase, amplitude;
  };
  std::vector<Wave> waves(8);
  for (std::size_t w = 0; w < waves.size(); ++w) {
    for (double& k : waves[w].k)
      k = draw.uniform(-1, 1) * static_cast<double>(1 + w) * std::numbers::pi;
    waves[w].phase = draw.uniform(0, 2 * std::numbers::pi);
    waves[w].amplitude = 1 / std::sqrt(1.0 + static_cast<double>(w));
  }
  std::vector<double> values;
  for (std::int64_t i = 0; i < n.size(); ++i) {
    const Index at = index_of(n, i);
    double sum = 0;
    for (const Wave& wave : waves) {
      double angle = wave.phase;
      for (int a = 0; a < n.rank(); ++a)
        angle += wave.k[static_cast<std::size_t>(a)] *
                 static_cast<double>(at[static_cast<std::size_t>(a)]) / static_cast<double>(n[a]);
      sum += wave.amplitude * std::cos(angle);
    }
    values.push_back(sum);
  }
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double low = *least, width = std::max(1e-9, *most - *least);
  for (double& value : values)
    value = size * (value - low) / width;
  return values;
}

std::vector<double> jumps(const Shape& n, double size, Draw& draw) {
  const std::int64_t width = draw.integer(2, std::max<std::int64_t>(2, n[0] / 3));
  Index shift{};
  for (std::int64_t& s : shift)
    s = draw.integer(0, width - 1);
  std::vector<double> values;
  for (std::int64_t i = 0; i < n.size(); ++i) {
    const Index at = index_of(n, i);
    std::int64_t sum = 0;
    for (std::size_t a = 0; a < static_cast<std::size_t>(n.rank()); ++a)
      sum += (at[a] + shift[a]) / width;
    values.push_back(sum % 2 ? size : 0);
  }
  return values;
}

// Finite volumes with harmonic means; `weights` of the axes.
StencilField<double> finite_volumes(const Shape& n, const std::vector<double>& k,
                                    const std::array<double, 3>& weights, bool dirichlet) {
  const int d = n.rank();
  StencilField<double> field{Grid(n), {{}}, {}, {}};
  for (int a = 0; a < d; ++a)
    for (const int step : {-1, 1}) {
      StencilOffset offset{};
      offset[static_cast<std::size_t>(a)] = step;
      field.offsets.push_back(offset);
    }
  const std::int64_t points = n.size();
  field.values = Tensor<double>::zeros({1 + 2 * d, points});
  field.row_sums = Tensor<double>::zeros({points});
  double* const values = field.values.data();
  for (std::int64_t i = 0; i < points; ++i) {
    const Index at = index_of(n, i);
    std::int64_t stride = points;
    for (int a = 0; a < d; ++a) {
      stride /= n[a];
      const std::int64_t place = at[static_cast<std::size_t>(a)];
      for (int side = 0; side < 2; ++side) {
        const bool inside = side ? place + 1 < n[a] : place > 0;
        if (!inside && !dirichlet) continue;
        const double here = k[static_cast<std::size_t>(i)];
        const double there =
            inside ? k[static_cast<std::size_t>(i + (side ? stride : -stride))] : here;
        const double coupling =
            weights[static_cast<std::size_t>(a)] * 2 * here * there / (here + there);
        values[i] += coupling;
        if (inside)
          values[(1 + 2 * a + side) * points + i] = -coupling;
        else
          field.row_sums.data()[i] += coupling;
      }
    }
  }
  return field;
}

}  // namespace

const std::vector<std::string>& coefficient_kinds() {
  static const std::vector<std::string> kinds{"poisson", "lognormal", "jumps", "cells",
                                              "anisotropic"};
  return kinds;
}

StencilField<double> training_matrix(const std::string& kind, int dimension, std::int64_t points,
                                     double contrast, const Random& random) {
  Draw draw(random);
  Shape n;
  for (int a = 0; a < dimension; ++a)
    n.push_back(draw.integer(points - points / 4, points));
  const bool dirichlet = draw.uniform(0, 1) < 0.75;
  const double size = draw.uniform(0.3, 1) * std::log(contrast);
  std::array<double, 3> weights{1, 1, 1};
  std::vector<double> log_k(static_cast<std::size_t>(n.size()));
  if (kind == "lognormal") {
    log_k = lognormal(n, size, draw);
  } else if (kind == "jumps") {
    log_k = jumps(n, size, draw);
  } else if (kind == "cells") {
    for (double& value : log_k)
      value = draw.uniform(0, size);
  } else if (kind == "anisotropic") {
    weights[static_cast<std::size_t>(draw.integer(0, dimension - 1))] = draw.uniform(0.3, 1);
  } else {
    NOPAL_CHECK(kind == "poisson", "unknown kind of coefficient '", kind, "'; did you mean '",
                nearest(kind, coefficient_kinds()), "'?");
  }
  for (double& value : log_k)
    value = std::exp(value);
  return finite_volumes(n, log_k, weights, dirichlet);
}

}  // namespace nopal::detail
