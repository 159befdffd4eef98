// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/nn/neighbours.hpp>

#include <nanoflann.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace nopal {
namespace {

// Points as nanoflann wants them.
struct Cloud {
  std::vector<double> x;
  std::size_t d;

  std::size_t kdtree_get_point_count() const { return x.size() / d; }
  double kdtree_get_pt(std::size_t i, std::size_t axis) const { return x[i * d + axis]; }
  template <class Box>
  bool kdtree_get_bbox(Box&) const {
    return false;
  }
};

using Tree = nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<double, Cloud>, Cloud,
                                                 -1, std::size_t>;

template <class T>
Cloud cloud_of(const Tensor<T>& points, const char* what) {
  NOPAL_CHECK(points.rank() == 2 && points.extent(1) >= 1 && points.extent(1) <= 3, what,
              ": expected points (P, d), d = 1, 2, 3, got ", points.shape());
  const std::vector<T> x = points.to_vector();
  return {{x.begin(), x.end()}, static_cast<std::size_t>(points.extent(1))};
}

std::vector<std::int64_t> search(const Cloud& cloud, std::int64_t count) {
  const std::size_t n = cloud.kdtree_get_point_count(), k = static_cast<std::size_t>(count);
  NOPAL_CHECK(count >= 1 && k < n, count, " neighbours of each point need more points than the ", n,
              " that there are");
  const Tree tree(static_cast<int>(cloud.d), cloud, {});
  std::vector<std::int64_t> all;
  all.reserve(n * k);
  std::vector<std::size_t> found(k + 1);
  std::vector<double> squares(k + 1);
  for (std::size_t i = 0; i < n; ++i) {
    tree.knnSearch(cloud.x.data() + i * cloud.d, k + 1, found.data(), squares.data());
    // The point itself is not always the first, where others are the same.
    const auto self = std::find(found.begin(), found.end() - 1, i);
    found.erase(self);
    all.insert(all.end(), found.begin(), found.end());
    found.resize(k + 1);
  }
  return all;
}

using Matrix = std::array<std::array<double, 3>, 3>;

// Factor of a symmetric matrix, L L^T; false where a pivot is small beside its diagonal entry.
bool factorise(Matrix& a, std::size_t d) {
  for (std::size_t j = 0; j < d; ++j) {
    double pivot = a[j][j];
    for (std::size_t k = 0; k < j; ++k)
      pivot -= a[j][k] * a[j][k];
    if (!(pivot > 1e-10 * a[j][j])) return false;
    a[j][j] = std::sqrt(pivot);
    for (std::size_t i = j + 1; i < d; ++i) {
      for (std::size_t k = 0; k < j; ++k)
        a[i][j] -= a[i][k] * a[j][k];
      a[i][j] /= a[j][j];
    }
  }
  return true;
}

void solve(const Matrix& l, std::size_t d, double* x) {
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t k = 0; k < i; ++k)
      x[i] -= l[i][k] * x[k];
    x[i] /= l[i][i];
  }
  for (std::size_t i = d; i-- > 0;) {
    for (std::size_t k = i + 1; k < d; ++k)
      x[i] -= l[k][i] * x[k];
    x[i] /= l[i][i];
  }
}

std::string coordinates(const Cloud& cloud, std::size_t i) {
  std::string text = "(";
  for (std::size_t a = 0; a < cloud.d; ++a)
    text += (a ? ", " : "") + detail::concatenate(cloud.x[i * cloud.d + a]);
  return text + ")";
}

}  // namespace

template <class T>
std::vector<std::int64_t> nearest_neighbours(const Tensor<T>& points, std::int64_t count) {
  return search(cloud_of(points, "nearest_neighbours"), count);
}

template <class T>
RowStencils least_squares_gradients(const Tensor<T>& points, std::int64_t neighbours) {
  const Cloud cloud = cloud_of(points, "least_squares_gradients");
  const std::vector<std::int64_t> found = search(cloud, neighbours);
  const std::size_t d = cloud.d, n = cloud.kdtree_get_point_count(),
                    k = static_cast<std::size_t>(neighbours);
  RowStencils s;
  s.rows = static_cast<std::int64_t>(n);
  s.components = static_cast<std::int64_t>(d);
  s.points.reserve(n * (k + 1));
  s.weights.reserve(n * (k + 1) * d);
  std::vector<double> weights(k * d);
  for (std::size_t i = 0; i < n; ++i) {
    // In units of the distance of the farthest, so that squares neither vanish nor overflow.
    double scale = 0;
    for (std::size_t j = 0; j < k; ++j)
      for (std::size_t a = 0; a < d; ++a) {
        weights[j * d + a] =
            cloud.x[static_cast<std::size_t>(found[i * k + j]) * d + a] - cloud.x[i * d + a];
        scale = std::max(scale, std::abs(weights[j * d + a]));
      }
    Matrix normal{};
    for (double& w : weights)
      w /= scale > 0 ? scale : 1;
    for (std::size_t j = 0; j < k; ++j)
      for (std::size_t a = 0; a < d; ++a)
        for (std::size_t b = 0; b < d; ++b)
          normal[a][b] += weights[j * d + a] * weights[j * d + b];
    NOPAL_CHECK(scale > 0 && factorise(normal, d), "gradients by least squares: the ", neighbours,
                " nearest neighbours of point ", i, " at ", coordinates(cloud, i),
                " do not span the space: they lie on a line or plane, or are the same; take more "
                "neighbours or leave such points out");
    std::array<double, 3> sum{};
    s.points.push_back(static_cast<std::int64_t>(i));
    const std::size_t own = s.weights.size();
    s.weights.resize(own + d);
    for (std::size_t j = 0; j < k; ++j) {
      std::array<double, 3> w{};
      std::copy_n(weights.begin() + static_cast<std::ptrdiff_t>(j * d), d, w.begin());
      solve(normal, d, w.data());
      s.points.push_back(found[i * k + j]);
      for (std::size_t a = 0; a < d; ++a) {
        s.weights.push_back(w[a] / scale);
        sum[a] += w[a] / scale;
      }
    }
    for (std::size_t a = 0; a < d; ++a)
      s.weights[own + a] = -sum[a];
    s.first.push_back(static_cast<std::int64_t>(s.points.size()));
  }
  return s;
}

template <class T>
RowStencils consecutive_differences(const Tensor<T>& points) {
  const Cloud cloud = cloud_of(points, "consecutive_differences");
  const std::size_t n = cloud.kdtree_get_point_count();
  RowStencils s;
  s.rows = static_cast<std::int64_t>(n);
  for (std::size_t i = 0; i + 1 < n; ++i) {
    double square = 0;
    for (std::size_t a = 0; a < cloud.d; ++a)
      square += std::pow(cloud.x[(i + 1) * cloud.d + a] - cloud.x[i * cloud.d + a], 2);
    const double distance = std::sqrt(square) < 1e-8 ? 1 : std::sqrt(square);
    s.points.push_back(static_cast<std::int64_t>(i));
    s.points.push_back(static_cast<std::int64_t>(i) + 1);
    s.weights.push_back(-1 / distance);
    s.weights.push_back(1 / distance);
    s.first.push_back(static_cast<std::int64_t>(s.points.size()));
  }
  return s;
}

#define NOPAL_INSTANTIATE(T)                                                                \
  template std::vector<std::int64_t> nearest_neighbours<T>(const Tensor<T>&, std::int64_t); \
  template RowStencils least_squares_gradients<T>(const Tensor<T>&, std::int64_t);          \
  template RowStencils consecutive_differences<T>(const Tensor<T>&);
NOPAL_INSTANTIATE(float)
NOPAL_INSTANTIATE(double)
#undef NOPAL_INSTANTIATE

}  // namespace nopal
