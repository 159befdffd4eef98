// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/problems/advection.hpp>
#include <nopal/solvers/problems/burgers.hpp>
#include <nopal/solvers/problems/darcy.hpp>
#include <nopal/solvers/problems/darcy_domains.hpp>
#include <nopal/solvers/problems/darcy_notch.hpp>
#include <nopal/solvers/problems/diffusion_reaction.hpp>
#include <nopal/solvers/problems/eikonal.hpp>
#include <nopal/solvers/problems/ellipse_conduction.hpp>
#include <nopal/solvers/problems/exact_flow.hpp>
#include <nopal/solvers/problems/fisher.hpp>
#include <nopal/solvers/problems/forced_ode.hpp>
#include <nopal/solvers/problems/heated_plate.hpp>
#include <nopal/solvers/problems/helmholtz.hpp>
#include <nopal/solvers/problems/navier_stokes.hpp>
#include <nopal/solvers/problems/nozzle.hpp>
#include <nopal/solvers/problems/problem.hpp>
#include <nopal/solvers/problems/semi_ellipse.hpp>
#include <nopal/solvers/problems/wave.hpp>

#include <algorithm>
#include <utility>

namespace nopal {
namespace {

template <class P>
std::unique_ptr<Problem> make(const Communicator& comm, const std::string& prefix) {
  return std::make_unique<P>(P::Options::read(comm, prefix), comm);
}

template <ForcedOdeKind kind>
std::unique_ptr<Problem> make_ode(const Communicator& comm, const std::string& prefix) {
  return std::make_unique<ForcedOde>(ForcedOdeOptions::read(kind, comm, prefix), comm);
}

constexpr std::uint64_t stream_tag = std::uint64_t(0x7073) << 48;

// A new problem is one line here; it needs nested Options with a static read().
std::vector<ProblemType>& registry() {
  static std::vector<ProblemType> types = {
      {"advection", "u_t + u_x = 0 on a circle, waves that jump", make<Advection>},
      {"antiderivative", "s' = u, s(0) = 0, with a random function u",
       make_ode<ForcedOdeKind::antiderivative>},
      {"burgers", "u_t + u u_x = nu u_xx on a circle", make<Burgers>},
      {"darcy", "-div(a grad u) = f on the unit square, u = 0 on its boundary", make<Darcy>},
      {"darcy_domains", "-div(k grad u) = 1 in a square, disc or triangle, finite elements",
       make<DarcyDomains>},
      {"darcy_notch", "-Lap u = 10 in a triangle with a notch, random boundary values",
       make<DarcyNotch>},
      {"diffusion_reaction", "s_t = D s_xx + k s^2 + u(x) on an interval, driven by a random u",
       make<DiffusionReaction>},
      {"ellipse_conduction", "Lap T = 0 around an ellipse, with exact gradients",
       make<EllipseConduction>},
      {"exact_flow", "wedges, Riemann problems and nozzles with a shock, exact solutions",
       make<ExactFlow>},
      {"fisher", "u_t = D u_xx + f(u) on an interval, three forms of f", make<Fisher>},
      {"eikonal", "|grad s| = 1, the distance to a circle", make<Eikonal>},
      {"heated_plate", "heat conduction in a plate with cooled holes, in space", make<HeatedPlate>},
      {"helmholtz", "-Lap u - (omega/c)^2 u = 0 on the unit square, driven on one side",
       make<Helmholtz>},
      {"navier_stokes", "vorticity of a fluid on a torus, by recipes of the literature",
       make<NavierStokes>},
      {"nonlinear_ode", "s' = -s^2 + u, s(0) = 0, with a random function u",
       make_ode<ForcedOdeKind::nonlinear_ode>},
      {"nozzle", "flow of an ideal gas through a plane converging-diverging nozzle", make<Nozzle>},
      {"pendulum", "s1' = s2, s2' = -k sin(s1) + u, at rest at first, with a random function u",
       make_ode<ForcedOdeKind::pendulum>},
      {"semi_ellipse", "hypersonic flow of an ideal gas past the front half of an ellipse",
       make<SemiEllipse>},
      {"wave", "u_tt = div(c^2 grad u) + f on the unit square, frames in time", make<Wave>},
  };
  return types;
}

}  // namespace

void Problem::sample(std::uint64_t seed, std::uint64_t index, const Tensor<double>& x,
                     const Tensor<double>& y) {
  NOPAL_CHECK(x.shape() == x_shape(), "problem ", name(), ": expected x of shape ", x_shape(),
              ", got ", x.shape());
  NOPAL_CHECK(y.shape() == y_shape(), "problem ", name(), ": expected y of shape ", y_shape(),
              ", got ", y.shape());
  make_sample(seed, index, x, y);
}

Random sample_random(std::uint64_t seed, std::uint64_t index) {
  NOPAL_CHECK(index >> 48 == 0, "sample index ", index, " is not below 2^48");
  return Random(seed, stream_tag | index);
}

std::vector<ProblemType> problem_types() {
  auto types = registry();
  std::sort(types.begin(), types.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return types;
}

void register_problem(ProblemType type) {
  for (const auto& known : registry())
    NOPAL_CHECK(known.name != type.name, "a problem named '", type.name, "' is registered already");
  registry().push_back(std::move(type));
}

std::unique_ptr<Problem> make_problem(const std::string& name, const Communicator& comm,
                                      const std::string& prefix) {
  std::vector<std::string> names;
  for (const auto& type : problem_types()) {
    if (type.name == name) return type.make(comm, prefix);
    names.push_back(type.name);
  }
  NOPAL_CHECK(false, "unknown problem '", name, "'", suggestion(name, names));
}

}  // namespace nopal
