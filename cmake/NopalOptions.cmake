# Compiler settings shared by all targets of the project.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_VISIBILITY_PRESET default)
# Executables in the build tree find the shared libraries; installed ones find them beside them.
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)

find_program(NOPAL_CCACHE ccache)
if(NOPAL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${NOPAL_CCACHE})
endif()

add_library(nopal_options INTERFACE)
target_compile_features(nopal_options INTERFACE cxx_std_20)
target_compile_options(nopal_options INTERFACE -Wall -Wextra)
if(NOPAL_ENABLE_WERROR)
  target_compile_options(nopal_options INTERFACE -Werror)
endif()
if(NOPAL_ENABLE_NATIVE)
  target_compile_options(nopal_options INTERFACE -march=native)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC prefers 256-bit vectors on processors with AVX-512; the kernels here want the full width.
    target_compile_options(nopal_options INTERFACE -mprefer-vector-width=512)
  endif()
endif()
# errno and signalling NaNs are not used; letting go of them allows vectorised maths. Results keep
# IEEE semantics otherwise (no -ffast-math: NaN checks must work).
target_compile_options(nopal_options INTERFACE -fno-math-errno -fno-trapping-math)
if(NOPAL_ENABLE_SANITIZERS)
  target_compile_options(nopal_options INTERFACE -fsanitize=address,undefined
                                                 -fno-sanitize-recover=undefined -g)
  target_link_options(nopal_options INTERFACE -fsanitize=address,undefined)
endif()

# The commit, for provenance in model and result files.
find_package(Git QUIET)
set(NOPAL_COMMIT unknown)
if(GIT_FOUND)
  execute_process(
    COMMAND ${GIT_EXECUTABLE} rev-parse --short=12 HEAD
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    OUTPUT_VARIABLE NOPAL_GIT_COMMIT
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE NOPAL_GIT_RESULT)
  if(NOPAL_GIT_RESULT EQUAL 0)
    set(NOPAL_COMMIT ${NOPAL_GIT_COMMIT})
  endif()
endif()
