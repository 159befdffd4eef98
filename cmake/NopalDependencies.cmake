# Everything comes packaged by the distribution; nothing is downloaded.

find_package(MPI REQUIRED COMPONENTS C CXX)
find_package(PkgConfig REQUIRED)

find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(nanoflann 1.4 REQUIRED)
pkg_check_modules(FFTW3 REQUIRED IMPORTED_TARGET fftw3)
pkg_check_modules(FFTW3F REQUIRED IMPORTED_TARGET fftw3f)
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng)
# For data of other programs: arrays of NumPy are zip archives, those of MATLAB compressed.
pkg_check_modules(ZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
# HDF5 built for MPI; Debian names the pkg-config file by the MPI it was built with.
pkg_search_module(HDF5 REQUIRED IMPORTED_TARGET hdf5-openmpi hdf5-mpi hdf5)
if(NOPAL_BUILD_PETSC)
  find_library(NOPAL_FFTW3_MPI fftw3_mpi REQUIRED)  # has no pkg-config file
  mark_as_advanced(NOPAL_FFTW3_MPI)
  pkg_search_module(PETSC REQUIRED IMPORTED_TARGET PETSc petsc)
endif()

include(NopalKokkos)
