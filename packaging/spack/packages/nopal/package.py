# SPDX-FileCopyrightText: 2026 nopal developers
# SPDX-License-Identifier: BSD-3-Clause

from spack.package import *


class Nopal(CMakePackage):
    """Neural operators and linear solvers: learned solution operators of partial differential
    equations on Kokkos and MPI, trained and evaluated beside PETSc's meshes and solvers and loaded
    by PETSc programs as a preconditioner. Interfaces for C++, C and Fortran; no Python."""

    homepage = "https://github.com/nopal/nopal"
    git = "https://github.com/nopal/nopal.git"

    license("BSD-3-Clause")

    version("main", branch="main")

    variant("petsc", default=True, description="PETSc problems, plug-in and the nopal command")
    variant("fortran", default=True, description="Fortran module")
    variant("shared", default=True, description="Shared libraries")
    variant("openmp", default=False, description="Kokkos with OpenMP")
    variant("cuda", default=False, description="Kokkos with CUDA")
    variant(
        "cuda_arch",
        default="none",
        values=("none", "70", "75", "80", "86", "89", "90"),
        multi=False,
        description="CUDA architecture, for +cuda",
    )

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("fortran", type="build", when="+fortran")
    depends_on("cmake@3.25:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")

    depends_on("mpi")
    depends_on("kokkos@3.4:")
    depends_on("kokkos+openmp", when="+openmp")
    for arch in ("70", "75", "80", "86", "89", "90"):
        depends_on(f"kokkos+cuda+wrapper cuda_arch={arch}", when=f"+cuda cuda_arch={arch}")
    depends_on("fftw@3.3:+mpi precision=float,double")
    depends_on("openblas")
    depends_on("eigen@3.4:", type="build")
    depends_on("nanoflann@1.4:", type="build")
    depends_on("nlohmann-json@3.10:")
    depends_on("hdf5@1.10:+mpi")
    depends_on("libpng")
    depends_on("libzip")
    depends_on("zlib-api")
    depends_on("petsc@3.18:+mpi+hypre", when="+petsc")
    depends_on("googletest@1.12:", type="test")

    conflicts("cuda_arch=none", when="+cuda", msg="+cuda needs a cuda_arch")
    conflicts("%gcc@:10", msg="C++20 as nopal uses it needs GCC 11 or later")

    generator("ninja")

    def cmake_args(self):
        args = [
            self.define_from_variant("BUILD_SHARED_LIBS", "shared"),
            self.define_from_variant("NOPAL_BUILD_PETSC", "petsc"),
            self.define_from_variant("NOPAL_BUILD_FORTRAN", "fortran"),
            self.define("NOPAL_BUILD_TESTS", self.run_tests),
            self.define("NOPAL_BUILD_EXAMPLES", False),
            # Spack says for which processor.
            self.define("NOPAL_ENABLE_NATIVE", False),
        ]
        if self.spec.satisfies("+cuda"):
            args.append(self.define("CMAKE_CXX_COMPILER", self.spec["kokkos"].kokkos_cxx))
        return args

    def check(self):
        with working_dir(self.build_directory):
            ctest("-L", "unit", "--output-on-failure")

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_install(self):
        self.test_version()

    def test_version(self):
        """the command says its version"""
        if self.spec.satisfies("~petsc"):
            raise SkipTest("the nopal command is built with +petsc only")
        print(Executable(self.prefix.bin.nopal)("-version", output=str.split, error=str.split))
