// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/core/error.hpp>
#include <nopal/data/gaussian_sum.hpp>

#include <cmath>
#include <numbers>

namespace nopal {

GaussianSum::GaussianSum(const GaussianSumOptions& options, std::uint64_t seed, std::uint64_t index)
    : options_(options) {
  NOPAL_CHECK(
      options.high > options.low && options.terms >= 0 && options.steepness > 0,
      "sum of Gaussians: expected low < high, terms of at least 0 and a steepness above 0, ",
      "got ", options.low, ", ", options.high, ", ", options.terms, ", ", options.steepness);
  const Random random(seed, index);
  std::uint64_t drawn = 0;
  const auto uniform = [&](double low, double high) {
    return low + (high - low) * random.uniform(drawn++);
  };
  const double length = options.high - options.low;
  for (std::int64_t j = 0; j < options.terms; ++j) {
    Term term{};
    term.weight = uniform(-1, 1);
    term.rate = uniform(0, options.steepness / length);
    term.centre = uniform(options.low, options.high);
    terms_.push_back(term);
  }
  for (double& a : a_)
    a = uniform(-1, 1);
}

double GaussianSum::value(double x) const {
  double sum = a_[0] + x * (a_[1] + x * a_[2]);
  for (const Term& t : terms_)
    sum += t.weight * std::exp(-t.rate * (x - t.centre) * (x - t.centre));
  return options_.scale * sum;
}

double GaussianSum::derivative(double x) const {
  double sum = a_[1] + 2 * x * a_[2];
  for (const Term& t : terms_) {
    const double z = x - t.centre;
    sum -= 2 * t.weight * t.rate * z * std::exp(-t.rate * z * z);
  }
  return options_.scale * sum;
}

double GaussianSum::second_derivative(double x) const {
  double sum = 2 * a_[2];
  for (const Term& t : terms_) {
    const double z = x - t.centre;
    sum += 2 * t.weight * t.rate * (2 * t.rate * z * z - 1) * std::exp(-t.rate * z * z);
  }
  return options_.scale * sum;
}

// The integral of exp(-r z^2) is sqrt(pi / r) erf(sqrt(r) z) / 2.
double GaussianSum::antiderivative(double x) const {
  double sum = x * (a_[0] + x * (a_[1] / 2 + x * a_[2] / 3));
  for (const Term& t : terms_)
    sum += t.weight * std::sqrt(std::numbers::pi / t.rate) / 2 *
           std::erf(std::sqrt(t.rate) * (x - t.centre));
  return options_.scale * sum;
}

double GaussianSum::integral(double x) const {
  return antiderivative(x) - antiderivative(options_.low);
}

}  // namespace nopal
