# Debian packages by CPack: nopal (command, libraries, plug-in, models) and libnopal-dev. See
# scripts/package, which builds them without -march=native.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME nopal)
set(CPACK_PACKAGE_VENDOR "nopal developers")
set(CPACK_PACKAGE_CONTACT "nopal developers <${PROJECT_HOMEPAGE_URL}>")
set(CPACK_PACKAGE_HOMEPAGE_URL ${PROJECT_HOMEPAGE_URL})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL runtime dev)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
# The shared libraries that the binaries name, by the packages that have them.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS
    ${PROJECT_BINARY_DIR}/src ${PROJECT_BINARY_DIR}/src/c_api ${PROJECT_BINARY_DIR}/solvers)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS OFF)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME nopal)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION math)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS openmpi-bin)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION
    "Learned solution operators of partial differential equations: made, trained
 and evaluated by the command nopal, loaded by PETSc programs as a
 preconditioner, linked from C++, C and Fortran.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libnopal-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_SHLIBDEPS OFF)
string(CONCAT CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
       "nopal (= ${PROJECT_VERSION}-1), libtrilinos-kokkos-dev, libopenmpi-dev, nlohmann-json3-dev, "
       "libfftw3-dev, libopenblas-dev, libhdf5-openmpi-dev, libpng-dev, libzip-dev, zlib1g-dev, petsc-dev, pkg-config")
set(CPACK_COMPONENT_DEV_DESCRIPTION
    "What programs in C++, C and Fortran need to be compiled against nopal: headers,
 Fortran modules, CMake and pkg-config files.")

include(CPack)
