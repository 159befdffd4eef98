// SPDX-FileCopyrightText: 2026 nopal developers
// SPDX-License-Identifier: BSD-3-Clause

#include <nopal/solvers/problems/linear_systems.hpp>

#include <nopal/core/random.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numbers>

namespace nopal {
namespace {

constexpr double pi = std::numbers::pi;
using Index = std::array<PetscInt, 3>;

// A sum of random waves on the unit cube, between about -1 and 1.
class Waves {
 public:
  explicit Waves(std::uint64_t seed, double time) {
    const Random random(seed, 77);
    double total = 0;
    for (std::uint64_t w = 0; w < count; ++w) {
      for (std::uint64_t a = 0; a < 3; ++a)
        waves_[w].k[a] = (2 * random.uniform(8 * w + a) - 1) * pi * static_cast<double>(1 + w);
      waves_[w].phase = 2 * pi * random.uniform(8 * w + 3) +
                        time * (2 * random.uniform(8 * w + 4) - 1) * static_cast<double>(1 + w);
      waves_[w].amplitude = 1 / std::sqrt(static_cast<double>(1 + w));
      total += waves_[w].amplitude;
    }
    for (Wave& wave : waves_)
      wave.amplitude *= 1.6 / total;  // all in phase nowhere
  }

  double operator()(const std::array<double, 3>& x) const {
    double sum = 0;
    for (const Wave& wave : waves_)
      sum += wave.amplitude *
             std::cos(wave.k[0] * x[0] + wave.k[1] * x[1] + wave.k[2] * x[2] + wave.phase);
    return std::clamp(sum, -1.0, 1.0);
  }

 private:
  static constexpr std::uint64_t count = 12;
  struct Wave {
    std::array<double, 3> k;
    double phase, amplitude;
  };
  std::array<Wave, count> waves_{};
};

OwnedDM make_grid(const LinearSystemOptions& o, MPI_Comm comm) {
  const auto n = static_cast<PetscInt>(o.points);
  OwnedDM dm;
  if (o.dimension == 3)
    NOPAL_PETSC(DMDACreate3d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE,
                             DMDA_STENCIL_STAR, n, n, n, PETSC_DECIDE, PETSC_DECIDE, PETSC_DECIDE,
                             1, 1, nullptr, nullptr, nullptr, dm.receive()));
  else
    NOPAL_PETSC(DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE,
                             o.name == "helmholtz" ? DMDA_STENCIL_BOX : DMDA_STENCIL_STAR, n, n,
                             PETSC_DECIDE, PETSC_DECIDE, 1, 1, nullptr, nullptr, dm.receive()));
  NOPAL_PETSC(DMSetUp(dm));
  NOPAL_PETSC(DMSetMatType(dm, MATAIJ));
  return dm;
}

template <class Action>
void each_point(DM dm, const Action& action) {
  Index first{}, count{1, 1, 1};
  NOPAL_PETSC(DMDAGetCorners(dm, &first[0], &first[1], &first[2], &count[0], &count[1], &count[2]));
  for (PetscInt k = first[2]; k < first[2] + count[2]; ++k)
    for (PetscInt j = first[1]; j < first[1] + count[1]; ++j)
      for (PetscInt i = first[0]; i < first[0] + count[0]; ++i)
        action(Index{i, j, k});
}

void add(Mat matrix, const Index& row, const Index& column, PetscScalar value) {
  MatStencil r{}, c{};
  r.i = row[0], r.j = row[1], r.k = row[2];
  c.i = column[0], c.j = column[1], c.k = column[2];
  NOPAL_PETSC(MatSetValuesStencil(matrix, 1, &r, 1, &c, &value, ADD_VALUES));
}

std::size_t cell_of(const LinearSystemOptions& o, const Index& p) {
  return (static_cast<std::size_t>(p[2]) * static_cast<std::size_t>(o.points) +
          static_cast<std::size_t>(p[1])) *
             static_cast<std::size_t>(o.points) +
         static_cast<std::size_t>(p[0]);
}

// The cells of "pressure" that are not in obstacles, nor shut off by them: the largest part that
// hangs together. Others would make the matrix singular.
std::vector<char> fluid_cells(const LinearSystemOptions& o) {
  const auto n = static_cast<PetscInt>(o.points), depth = o.dimension == 3 ? n : 1;
  const std::vector<Obstacle> obstacles = pressure_obstacles(o);
  std::vector<char> part(cell_of(o, {n - 1, n - 1, depth - 1}) + 1, 0);  // 0: fluid, not seen yet
  constexpr char obstacle = 1, seen = 2, largest = 3;
  const auto each_cell = [&](const auto& action) {
    for (PetscInt k = 0; k < depth; ++k)
      for (PetscInt j = 0; j < n; ++j)
        for (PetscInt i = 0; i < n; ++i)
          action(Index{i, j, k});
  };
  each_cell([&](const Index& p) {
    std::array<double, 3> x{};
    for (std::size_t a = 0; a < 3; ++a)
      x[a] = (double(p[a]) + 0.5) / double(n);
    for (const Obstacle& one : obstacles)
      if (one.contains(x, o.dimension)) part[cell_of(o, p)] = obstacle;
  });
  std::vector<Index> best;
  each_cell([&](const Index& start) {
    if (part[cell_of(o, start)] != 0) return;
    std::vector<Index> cells{start};
    part[cell_of(o, start)] = seen;
    for (std::size_t c = 0; c < cells.size(); ++c)
      for (std::size_t a = 0; a < static_cast<std::size_t>(o.dimension); ++a)
        for (const int side : {-1, 1}) {
          Index q = cells[c];
          q[a] += side;
          if (q[a] < 0 || q[a] >= n || part[cell_of(o, q)] != 0) continue;
          part[cell_of(o, q)] = seen;
          cells.push_back(q);
        }
    if (cells.size() > best.size()) best.swap(cells);
  });
  for (const Index& p : best)
    part[cell_of(o, p)] = largest;
  for (char& one : part)
    one = one == largest;
  return part;
}

// k at a cell; 0 in an obstacle.
std::function<double(const Index&)> coefficient(const LinearSystemOptions& o) {
  const auto n = static_cast<double>(o.points);
  if (o.name == "lognormal")
    return [=, waves = Waves(o.seed, o.time), half = std::log(o.contrast) / 2](const Index& p) {
      return std::exp(half * waves({double(p[0]) / n, double(p[1]) / n, double(p[2]) / n}));
    };
  if (o.name == "jumps")
    return [=](const Index& p) {
      std::int64_t sum = 0;
      for (int a = 0; a < o.dimension; ++a)
        sum += p[static_cast<std::size_t>(a)] * o.tiles / o.points;
      return sum % 2 ? o.contrast : 1.0;
    };
  if (o.name == "neumann")
    return [=](const Index& p) {  // boxes of a sixth, set off from each other
      std::array<double, 3> x{};
      for (std::size_t a = 0; a < 3; ++a)
        x[a] = (double(p[a]) + 0.5) / n;
      for (const auto& box : {std::array<double, 2>{0.2, 0.3}, std::array<double, 2>{0.6, 0.15},
                              std::array<double, 2>{0.5, 0.65}}) {
        bool inside = x[0] > box[0] && x[0] < box[0] + 0.16 && x[1] > box[1] && x[1] < box[1] + 0.2;
        if (o.dimension == 3) inside = inside && x[2] > 0.3 && x[2] < 0.7;
        if (inside) return 0.0;
      }
      return 1.0;
    };
  if (o.name == "pressure") {
    const std::vector<char> fluid = fluid_cells(o);
    return [=](const Index& p) { return fluid[cell_of(o, p)] ? 1.0 : 0.0; };
  }
  return [](const Index&) { return 1.0; };
}

// Whether u = 0 beyond a side; otherwise nothing flows through it.
bool is_open(const LinearSystemOptions& o, int axis, int side) {
  if (o.name == "neumann") return false;
  if (o.name != "pressure" || o.walls == "open") return true;
  return o.walls == "open_top" && axis + 1 == o.dimension && side > 0;
}

bool is_singular(const LinearSystemOptions& o) {
  return o.name == "neumann" || (o.name == "pressure" && o.walls == "closed");
}

void assemble_diffusion(const LinearSystemOptions& o, const LinearSystem& system) {
  const auto k = coefficient(o);
  each_point(system.dm, [&](const Index& p) {
    const double here = k(p);
    if (here == 0) return add(system.matrix, p, p, 1);
    double diagonal = 0;
    for (int a = 0; a < o.dimension; ++a)
      for (const int side : {-1, 1}) {
        Index q = p;
        q[static_cast<std::size_t>(a)] += side;
        const bool inside = q[static_cast<std::size_t>(a)] >= 0 &&
                            q[static_cast<std::size_t>(a)] < static_cast<PetscInt>(o.points);
        const double there = inside ? k(q) : is_open(o, a, side) ? here : 0;
        if (there == 0) continue;
        const double weight = o.name == "anisotropic" && a == 0 ? o.anisotropy : 1;
        const double coupling = weight * 2 * here * there / (here + there);
        diagonal += coupling;
        if (inside) add(system.matrix, p, q, -coupling);
      }
    add(system.matrix, p, p, diagonal + (o.name == "heat" ? 1 / o.heat_number : 0));
  });
}

// The stiffness and mass matrices of a bilinear element, corners (0,0), (1,0), (0,1), (1,1).
void assemble_helmholtz(const LinearSystemOptions& o, const LinearSystem& system) {
  const Waves waves(o.seed, 0);
  const auto cells = static_cast<double>(o.points - 1);
  const double omega = 2 * pi * o.wavelengths;
  constexpr double stiff[4][4] = {
      {4, -1, -1, -2}, {-1, 4, -2, -1}, {-1, -2, 4, -1}, {-2, -1, -1, 4}};
  constexpr double mass[4][4] = {{4, 2, 2, 1}, {2, 4, 1, 2}, {2, 1, 4, 2}, {1, 2, 2, 4}};
  each_point(system.dm, [&](const Index& p) {
    // The elements around a point that are in the domain.
    for (int corner = 0; corner < 4; ++corner) {
      const Index first{p[0] - corner % 2, p[1] - corner / 2, 0};
      if (first[0] < 0 || first[1] < 0 || first[0] + 1 >= o.points || first[1] + 1 >= o.points)
        continue;
      const double c =
          1 + 0.05 * waves({(double(first[0]) + 0.5) / cells, (double(first[1]) + 0.5) / cells, 0});
      const double k2 = std::pow(omega / c / cells, 2);
      for (int other = 0; other < 4; ++other)
        add(system.matrix, p, {first[0] + other % 2, first[1] + other / 2, 0},
            stiff[corner][other] / 6 - k2 * mass[corner][other] / 36);
    }
  });
}

// The constants, of cells that are not in an obstacle.
void attach_null_space(const LinearSystemOptions& o, const LinearSystem& system) {
  OwnedVec constant;
  NOPAL_PETSC(DMCreateGlobalVector(system.dm, constant.receive()));
  PetscInt i = 0;
  PetscScalar* values = nullptr;
  const auto k = coefficient(o);
  NOPAL_PETSC(VecGetArrayWrite(constant, &values));
  each_point(system.dm, [&](const Index& p) { values[i++] = k(p) > 0 ? 1 : 0; });
  NOPAL_PETSC(VecRestoreArrayWrite(constant, &values));
  NOPAL_PETSC(VecNormalize(constant, nullptr));
  MatNullSpace space = nullptr;
  Vec vec = constant;
  MPI_Comm comm = PetscObjectComm(reinterpret_cast<PetscObject>(system.dm.get()));
  NOPAL_PETSC(MatNullSpaceCreate(comm, PETSC_FALSE, 1, &vec, &space));
  NOPAL_PETSC(MatSetNullSpace(system.matrix, space));
  NOPAL_PETSC(MatNullSpaceDestroy(&space));
}

void check(const LinearSystemOptions& o) {
  const auto& names = linear_system_names();
  NOPAL_CHECK(std::find(names.begin(), names.end(), o.name) != names.end(),
              "unknown linear system '", o.name, "'; did you mean '", nearest(o.name, names), "'?");
  NOPAL_CHECK(o.dimension == 2 || (o.dimension == 3 && o.name != "helmholtz"), "the system ",
              o.name, " has no ", o.dimension, "-dimensional form");
  NOPAL_CHECK(o.points >= 8, "a linear system needs at least 8 points an axis, got ", o.points);
  NOPAL_CHECK(o.contrast >= 1 && o.anisotropy > 0 && o.wavelengths >= 0 && o.tiles >= 1 &&
                  o.heat_number > 0,
              "expected a contrast of at least 1, an anisotropy and a heat number above 0, at "
              "least 1 tile");
  NOPAL_CHECK(o.obstacles >= 0, "the number of obstacles must not be negative, got ", o.obstacles);
  NOPAL_CHECK(o.walls == "open_top" || o.walls == "closed" || o.walls == "open",
              "walls must be open_top, closed or open, got '", o.walls, "'");
}

}  // namespace

bool Obstacle::contains(const std::array<double, 3>& x, int dimension) const {
  double distance = 0;
  for (std::size_t a = 0; a < static_cast<std::size_t>(dimension); ++a) {
    const double d = std::abs(x[a] - centre[a]);
    distance = box ? std::max(distance, d) : std::hypot(distance, d);
  }
  return distance < radius;
}

std::vector<Obstacle> pressure_obstacles(const LinearSystemOptions& o) {
  const Random random(o.seed, 1234);
  std::vector<Obstacle> result;
  for (std::int64_t i = 0; i < o.obstacles; ++i) {
    const auto at = static_cast<std::uint64_t>(8 * i);
    Obstacle one{{}, 0.06 + 0.08 * random.uniform(at), i % 2 == 1};
    for (std::uint64_t a = 0; a < 3; ++a) {
      // A triangular wave in time: reflected where the obstacle touches a wall.
      const double room = 1 - 2 * one.radius,
                   way = random.uniform(at + 1 + a) * room +
                         o.time * (2 * random.uniform(at + 4 + a) - 1),
                   phase = std::abs(std::remainder(way, 2 * room));
      one.centre[a] = one.radius + phase;
    }
    result.push_back(one);
  }
  return result;
}

void set_heat_step(const LinearSystemOptions& o, DM dm, Vec previous, Vec b) {
  const auto n = static_cast<double>(o.points);
  PetscInt local = 0;
  PetscScalar* values = nullptr;
  NOPAL_PETSC(VecGetArrayWrite(b, &values));
  each_point(dm, [&](const Index& p) {
    double distance = 0;
    const double centre[3] = {0.5 + 0.3 * std::cos(2 * pi * o.time),
                              0.5 + 0.3 * std::sin(2 * pi * o.time), 0.5};
    for (std::size_t a = 0; a < static_cast<std::size_t>(o.dimension); ++a)
      distance += std::pow((double(p[a]) + 0.5) / n - centre[a], 2);
    values[local++] = std::exp(-distance / 0.02) * 1e3 / (n * n);
  });
  NOPAL_PETSC(VecRestoreArrayWrite(b, &values));
  if (previous) NOPAL_PETSC(VecAXPY(b, 1 / o.heat_number, previous));
}

const std::vector<std::string>& linear_system_names() {
  static const std::vector<std::string> names{"poisson", "lognormal", "jumps", "anisotropic",
                                              "neumann", "pressure",  "heat",  "helmholtz"};
  return names;
}

LinearSystem make_linear_system(const LinearSystemOptions& options, const Communicator& comm) {
  comm.together([&] { check(options); });
  LinearSystem system;
  system.dm = make_grid(options, petsc_communicator(comm));
  NOPAL_PETSC(DMCreateMatrix(system.dm, system.matrix.receive()));
  if (options.name == "helmholtz")
    assemble_helmholtz(options, system);
  else
    assemble_diffusion(options, system);
  NOPAL_PETSC(MatAssemblyBegin(system.matrix, MAT_FINAL_ASSEMBLY));
  NOPAL_PETSC(MatAssemblyEnd(system.matrix, MAT_FINAL_ASSEMBLY));
  NOPAL_PETSC(MatSetOption(system.matrix, MAT_SYMMETRIC, PETSC_TRUE));
  if (is_singular(options)) attach_null_space(options, system);
  if (options.name == "helmholtz")
    system.symmetric_positive = false;
  else
    NOPAL_PETSC(
        MatSetOption(system.matrix, MAT_SPD, is_singular(options) ? PETSC_FALSE : PETSC_TRUE));
  return system;
}

}  // namespace nopal
