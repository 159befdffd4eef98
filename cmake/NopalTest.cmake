# nopal_add_test(<name> [RANKS 1 2 3 4] [LABELS ...] [LIBRARIES ...] SOURCES file...)
#
# One GoogleTest executable, registered once for each rank count. Open MPI's settings for running
# as root and for more ranks than cores are harmless elsewhere. The target tests-<label> builds the
# tests of a label.
set(NOPAL_TEST_THREADS 1 CACHE STRING "OpenMP threads a rank in the tests")
set(NOPAL_MPI_ENVIRONMENT "OMPI_ALLOW_RUN_AS_ROOT=1" "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"
    "OMPI_MCA_rmaps_base_oversubscribe=1" "OMPI_MCA_btl_vader_single_copy_mechanism=none"
    "OMPI_MCA_hwloc_base_binding_policy=none" "OPENBLAS_NUM_THREADS=1"
    "OMP_NUM_THREADS=${NOPAL_TEST_THREADS}")

function(nopal_add_test name)
  cmake_parse_arguments(ARG "" "" "RANKS;LABELS;LIBRARIES;SOURCES" ${ARGN})
  if(NOT ARG_RANKS)
    set(ARG_RANKS 1)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
  target_compile_definitions(${name} PRIVATE NOPAL_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
  target_link_libraries(${name} PRIVATE nopal::core nopal_options nopal_test_main ${ARG_LIBRARIES})
  foreach(label IN LISTS ARG_LABELS)
    if(NOT TARGET tests-${label})
      add_custom_target(tests-${label})
    endif()
    add_dependencies(tests-${label} ${name})
  endforeach()
  foreach(ranks IN LISTS ARG_RANKS)
    if(ranks EQUAL 1)
      add_test(NAME ${name} COMMAND ${name})
      set(test ${name})
    else()
      set(test ${name}_np${ranks})
      add_test(NAME ${test} COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks}
                                    $<TARGET_FILE:${name}>)
    endif()
    math(EXPR processors "${ranks} * ${NOPAL_TEST_THREADS}")
    set_tests_properties(
      ${test} PROPERTIES ENVIRONMENT "${NOPAL_MPI_ENVIRONMENT}" PROCESSORS ${processors}
                         LABELS "${ARG_LABELS}" TIMEOUT 600)
  endforeach()
endfunction()

add_library(nopal_test_main STATIC ${PROJECT_SOURCE_DIR}/tests/test_main.cpp)
target_link_libraries(nopal_test_main PUBLIC nopal::core nopal_options GTest::gtest)
