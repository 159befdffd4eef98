# Install rules and package files: find_package(nopal COMPONENTS core petsc), pkg-config nopal.
#
# Each target below exists only if its folder was configured (NOPAL_BUILD_PETSC).
include(CMakePackageConfigHelpers)

set(NOPAL_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/nopal)

# Two parts: what programs need to run, and what compiling against the library needs.
set(NOPAL_RUNTIME COMPONENT runtime)
set(NOPAL_LIBRARY LIBRARY COMPONENT runtime NAMELINK_COMPONENT dev ARCHIVE COMPONENT dev)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/nopal DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT dev FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/CHANGELOG.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR} ${NOPAL_RUNTIME})
# The guide and the examples it names, in the same places to each other as here.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs ${PROJECT_SOURCE_DIR}/examples
        DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev PATTERN api EXCLUDE)
install(FILES ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev)
file(GLOB nopal_models CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/models/*.safetensors)
install(FILES ${nopal_models} DESTINATION ${CMAKE_INSTALL_DATADIR}/nopal/models ${NOPAL_RUNTIME})

install(TARGETS nopal_core nopal_c EXPORT nopal-core ${NOPAL_LIBRARY})
if(TARGET nopal_fortran)
  install(TARGETS nopal_fortran EXPORT nopal-core ${NOPAL_LIBRARY})
  install(FILES ${PROJECT_SOURCE_DIR}/src/c_api/nopal.f90
                ${PROJECT_SOURCE_DIR}/src/c_api/nopal_c_interface.f90
                ${PROJECT_BINARY_DIR}/src/c_api/modules/nopal.mod
                ${PROJECT_BINARY_DIR}/src/c_api/modules/nopal_c_interface.mod
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/nopal/fortran COMPONENT dev)
endif()
install(EXPORT nopal-core NAMESPACE nopal:: DESTINATION ${NOPAL_CMAKE_DIR} COMPONENT dev)
if(TARGET nopal_petsc)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/solvers/include/nopal
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev
          FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")
  install(TARGETS nopal_petsc EXPORT nopal-petsc ${NOPAL_LIBRARY})
  install(TARGETS nopal_petsc_plugin LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ${NOPAL_RUNTIME})
  install(EXPORT nopal-petsc NAMESPACE nopal:: DESTINATION ${NOPAL_CMAKE_DIR} COMPONENT dev)
endif()
if(TARGET nopal)
  install(TARGETS nopal RUNTIME ${NOPAL_RUNTIME})
endif()

# What was built, for nopalConfig.cmake and nopal.pc.
set(NOPAL_HAS_PETSC OFF)
if(TARGET nopal_petsc)
  set(NOPAL_HAS_PETSC ON)
endif()
set(NOPAL_COMPILER "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")

configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/nopalConfig.cmake.in ${PROJECT_BINARY_DIR}/cmake/nopalConfig.cmake
  INSTALL_DESTINATION ${NOPAL_CMAKE_DIR}
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/nopalConfigVersion.cmake
                                 COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cmake/nopalConfig.cmake
              ${PROJECT_BINARY_DIR}/cmake/nopalConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/NopalKokkos.cmake DESTINATION ${NOPAL_CMAKE_DIR} COMPONENT dev)

include(NopalPkgConfig)
include(NopalPackage)
