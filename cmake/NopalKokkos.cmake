# Defines nopal::kokkos: Kokkos with its headers as system headers (they warn under -Wextra with
# C++20). Also installed, for nopalConfig.cmake.

if(NOT TARGET Kokkos::kokkos)
  # Kokkos sets this itself, with a warning of several lines in each project that links nopal.
  if(NOT DEFINED CMAKE_CXX_EXTENSIONS)
    set(CMAKE_CXX_EXTENSIONS OFF)
  endif()
  find_package(Kokkos REQUIRED)
endif()

# Debian's package puts the headers into include/trilinos but exports the folder lib/include, so the
# headers are looked for; an installation of Kokkos itself has them where it says.
find_path(
  NOPAL_KOKKOS_INCLUDE_DIR Kokkos_Core.hpp
  HINTS "${Kokkos_DIR}/../../../include" "${Kokkos_DIR}/../../include" ${Kokkos_ROOT}/include
  PATH_SUFFIXES kokkos trilinos REQUIRED)

get_target_property(nopal_kokkos_includes Kokkos::kokkos INTERFACE_INCLUDE_DIRECTORIES)
foreach(directory IN LISTS nopal_kokkos_includes)
  if(NOT directory MATCHES "^\\$<" AND NOT EXISTS "${directory}")
    set_target_properties(Kokkos::kokkos PROPERTIES INTERFACE_INCLUDE_DIRECTORIES
                                                    "${NOPAL_KOKKOS_INCLUDE_DIR}")
  endif()
endforeach()

if(NOT TARGET nopal::kokkos)
  add_library(nopal::kokkos INTERFACE IMPORTED GLOBAL)
  set_target_properties(
    nopal::kokkos PROPERTIES INTERFACE_LINK_LIBRARIES Kokkos::kokkos
                             INTERFACE_INCLUDE_DIRECTORIES "${NOPAL_KOKKOS_INCLUDE_DIR}")
endif()
