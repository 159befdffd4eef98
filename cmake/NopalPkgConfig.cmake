# nopal.pc (and nopal_petsc.pc): compile and link flags for programs that are not built by CMake.
#
# Kokkos and MPI are part of the public interface. Debian has no .pc file for Kokkos, so the flags
# of both are written out, taken from the targets that the library itself was built with.

# Libraries and options behind a target, following its link interface.
function(nopal_collect_flags target seen libraries options)
  if(target IN_LIST ${seen})
    return()
  endif()
  list(APPEND ${seen} ${target})
  get_target_property(type ${target} TYPE)
  if(NOT type STREQUAL "INTERFACE_LIBRARY")
    list(APPEND ${libraries} "$<TARGET_FILE:${target}>")
  endif()
  foreach(property IN ITEMS INTERFACE_COMPILE_OPTIONS INTERFACE_LINK_OPTIONS)
    get_target_property(values ${target} ${property})
    foreach(value IN LISTS values)
      # -fopenmp and the like, with or without a condition on the language around them
      if(value MATCHES "(-f[a-z]+)>?$")
        list(APPEND ${options} ${CMAKE_MATCH_1})
      endif()
    endforeach()
  endforeach()
  get_target_property(dependencies ${target} INTERFACE_LINK_LIBRARIES)
  foreach(dependency IN LISTS dependencies)
    if(TARGET ${dependency})
      nopal_collect_flags(${dependency} ${seen} ${libraries} ${options})
    elseif(dependency MATCHES "^(/|-l)")
      list(APPEND ${libraries} ${dependency})
    endif()
  endforeach()
  foreach(list IN ITEMS ${seen} ${libraries} ${options})
    set(${list} "${${list}}" PARENT_SCOPE)
  endforeach()
endfunction()

set(nopal_pc_seen)
set(nopal_pc_libraries)
set(nopal_pc_options)
nopal_collect_flags(Kokkos::kokkos nopal_pc_seen nopal_pc_libraries nopal_pc_options)
list(APPEND nopal_pc_libraries ${MPI_CXX_LIBRARIES})
list(REMOVE_DUPLICATES nopal_pc_libraries)
list(REMOVE_DUPLICATES nopal_pc_options)

set(nopal_pc_cflags ${nopal_pc_options})
set(nopal_pc_includes ${NOPAL_KOKKOS_INCLUDE_DIR} ${MPI_CXX_INCLUDE_DIRS})
list(REMOVE_DUPLICATES nopal_pc_includes)
foreach(directory IN LISTS nopal_pc_includes)
  list(APPEND nopal_pc_cflags "-isystem ${directory}")
endforeach()
list(JOIN nopal_pc_cflags " " NOPAL_PC_CFLAGS)
list(JOIN nopal_pc_libraries " " NOPAL_PC_LIBS)
list(JOIN nopal_pc_options " " NOPAL_PC_OPTIONS)
set(NOPAL_PC_PRIVATE "openblas fftw3 fftw3f libpng ${HDF5_MODULE_NAME}")
file(RELATIVE_PATH NOPAL_PC_PREFIX "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" NOPAL_PC_PREFIX "${NOPAL_PC_PREFIX}")

# Of the C library: MPI alone.
set(NOPAL_PC_C_CFLAGS)
foreach(directory IN LISTS MPI_C_INCLUDE_DIRS)
  string(APPEND NOPAL_PC_C_CFLAGS " -I${directory}")
endforeach()
list(JOIN MPI_C_LIBRARIES " " NOPAL_PC_C_LIBS)

set(nopal_pc_files nopal nopal_c)
if(TARGET nopal_petsc)
  list(APPEND nopal_pc_files nopal_petsc)
endif()
foreach(name IN LISTS nopal_pc_files)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/cmake/${name}.pc.in
                 @ONLY)
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/cmake/${name}.pc
       INPUT ${PROJECT_BINARY_DIR}/cmake/${name}.pc.in)
  install(FILES ${PROJECT_BINARY_DIR}/cmake/${name}.pc
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
