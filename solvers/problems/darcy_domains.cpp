// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include "problem_tools.hpp"

#include <nopal/solvers/problems/darcy_domains.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nopal {
namespace {

using detail::check_positive;
using detail::text;

const std::vector<std::string> names{"square", "disc", "triangle", "cross", "mixed"};
constexpr std::int64_t field_refine = 2;  // the coefficient's grid is finer than that of fields

DarcyDomainsOptions checked(const DarcyDomainsOptions& o) {
  NOPAL_CHECK(o.resolution >= 4, "option -darcy_domains_resolution: expected at least 4, got ",
              o.resolution);
  NOPAL_CHECK(o.h > 1e-4 && o.h <= 0.2, "option -darcy_domains_h: expected 0.0001 to 0.2, got ",
              o.h);
  check_positive("darcy_domains_deviation", o.deviation);
  check_positive("darcy_domains_tau", o.tau);
  return o;
}

RandomFieldOptions field_options(const DarcyDomainsOptions& o) {
  RandomFieldOptions field;
  field.boundary = FieldBoundary::neumann;
  field.alpha = 2;
  field.tau = o.tau;
  // Variance s^2 / (4 pi tau^2) in the plane.
  field.sigma = o.deviation * o.tau * std::sqrt(4 * std::numbers::pi);
  return field;
}

std::int64_t field_points(const DarcyDomainsOptions& o) {
  return field_refine * (o.resolution - 1) + 1;
}

PlanarDomain make_domain(DarcyDomain which) {
  switch (which) {
    case DarcyDomain::disc:
      return unit_disc();
    case DarcyDomain::triangle:
      return unit_triangle();
    case DarcyDomain::cross:
      return square_with_cross();
    default:
      return unit_square();
  }
}

}  // namespace

DarcyDomainsOptions DarcyDomainsOptions::read(const Communicator& comm, const std::string& prefix) {
  DarcyDomainsOptions o;
  int which = static_cast<int>(o.domain);
  read_options(comm, prefix + "darcy_domains_", "Darcy flow on several domains",
               [&](PetscOptionReader& reader) {
                 reader.choice("domain", "the domain", names, which);
                 reader.integer("resolution", "points an axis of the fields", o.resolution);
                 reader.real("h", "length of the mesh's edges", o.h);
                 reader.real("deviation", "of the logarithm of the coefficient", o.deviation);
                 reader.real("tau", "its inverse correlation length", o.tau);
               });
  o.domain = static_cast<DarcyDomain>(which);
  return o;
}

DarcyDomains::DarcyDomains(const DarcyDomainsOptions& options, const Communicator& comm)
    : Problem(comm),
      options_(checked(options)),
      field_(Shape{field_points(options), field_points(options)}, field_options(options)) {}

std::map<std::string, std::string> DarcyDomains::metadata() const {
  std::map<std::string, std::string> data{{"equation", "-div(k grad u) = 1, u = 0 on the boundary"},
                                          {"x", "log k, mask"},
                                          {"y", "u"},
                                          {"domain", detail::name_of(options_.domain, names)},
                                          {"h", text(options_.h)},
                                          {"deviation", text(options_.deviation)}};
  detail::describe_field(field_options(options_), data);
  return data;
}

DarcyDomain DarcyDomains::domain_of(std::uint64_t seed, std::uint64_t index) const {
  if (options_.domain != DarcyDomain::mixed) return options_.domain;
  const double u = sample_random(seed, index).uniform(0);
  return static_cast<DarcyDomain>(std::min(2, static_cast<int>(3 * u)));
}

DarcyDomains::Domain& DarcyDomains::domain(DarcyDomain which) {
  Domain& d = domains_[static_cast<int>(which)];
  if (!d.fem) {
    d.domain = make_domain(which);
    d.mesh = make_mesh(d.domain, options_.h);
    d.interpolation = std::make_unique<TriangleInterpolation>(d.mesh);
    d.fem = std::make_unique<DiffusionFem>(d.mesh, communicator(), "darcy_domains_");
  }
  return d;
}

void DarcyDomains::make_sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                               const Tensor<double>& y) {
  const std::int64_t fine = field_points(options_), n = options_.resolution;
  std::vector<double> g(static_cast<std::size_t>(fine * fine));
  field_.sample(seed, index, g);
  Domain& d = domain(domain_of(seed, index));
  const auto log_k = [&](double px, double py) {
    const double s = px * static_cast<double>(fine - 1), t = py * static_cast<double>(fine - 1);
    const auto i = std::clamp<std::int64_t>(static_cast<std::int64_t>(s), 0, fine - 2),
               j = std::clamp<std::int64_t>(static_cast<std::int64_t>(t), 0, fine - 2);
    const double fx = s - static_cast<double>(i), fy = t - static_cast<double>(j);
    const auto at = [&](std::int64_t a, std::int64_t b) {
      return g[static_cast<std::size_t>(a * fine + b)];
    };
    return (1 - fx) * ((1 - fy) * at(i, j) + fy * at(i, j + 1)) +
           fx * ((1 - fy) * at(i + 1, j) + fy * at(i + 1, j + 1));
  };
  std::vector<double> u;
  detail::for_sample(seed, index, [&] {
    u = d.fem->solve([&](std::span<const double> p) { return std::exp(log_k(p[0], p[1])); },
                     [](std::span<const double>) { return 1.0; },
                     [](std::span<const double>, bool on_boundary) {
                       return on_boundary ? std::optional<double>(0) : std::nullopt;
                     });
  });
  std::vector<double> input, output;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const double px = static_cast<double>(i) / static_cast<double>(n - 1),
                   py = static_cast<double>(j) / static_cast<double>(n - 1);
      const bool inside = d.domain.contains(px, py);
      input.push_back(log_k(px, py));
      input.push_back(inside);
      double value = 0;
      if (inside) {
        const auto place = d.interpolation->find(px, py);
        for (std::size_t k = 0; k < 3; ++k)
          value += place.weights[k] * u[static_cast<std::size_t>(place.corners[k])];
      }
      output.push_back(value);
    }
  x.copy_from_host(input.data());
  y.copy_from_host(output.data());
}

template <class T>
FunctionData<T> DarcyDomains::as_functions(const Dataset<T>& samples) const {
  const std::int64_t n = options_.resolution;
  const std::vector<double> axis = equally_spaced(0, 1, n);
  FunctionData<T> data = as_function_data(samples, product_points<T>({axis, axis}));
  const std::vector<T> x = data.functions[0].to_vector();
  std::vector<T> mask;
  for (std::size_t i = 1; i < x.size(); i += 2)
    mask.push_back(x[i]);
  data.mask = Tensor<T>::from_host({data.size(), n * n}, mask);
  return data;
}

template FunctionData<float> DarcyDomains::as_functions(const Dataset<float>&) const;
template FunctionData<double> DarcyDomains::as_functions(const Dataset<double>&) const;

}  // namespace nopal
