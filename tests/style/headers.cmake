# Every public header compiles alone: one generated source a header, included twice to try its
# guard; those of the C interface in C, too. The objects are built by the test, not by "all".

set(header_roots ${PROJECT_SOURCE_DIR}/include)
set(header_libraries nopal::core)
if(NOPAL_BUILD_PETSC)
  list(APPEND header_roots ${PROJECT_SOURCE_DIR}/solvers/include)
  list(APPEND header_libraries nopal::petsc)
endif()

set(header_sources)
foreach(root IN LISTS header_roots)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${root} ${root}/*.hpp ${root}/*.h)
  foreach(header IN LISTS headers)
    string(MAKE_C_IDENTIFIER ${header} name)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/headers/${name}.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "#include <${header}>\n#include <${header}>\n")
    list(APPEND header_sources ${source})
    if(header MATCHES "\\.h$")
      string(REPLACE ".cpp" ".c" source ${source})
      file(CONFIGURE OUTPUT ${source} CONTENT "#include <${header}>\n#include <${header}>\n")
      list(APPEND header_c_sources ${source})
    endif()
  endforeach()
endforeach()

add_library(nopal_headers OBJECT EXCLUDE_FROM_ALL ${header_sources})
target_link_libraries(nopal_headers PRIVATE ${header_libraries} nopal_options)
# Only the compiler's front end is of interest.
target_compile_options(nopal_headers PRIVATE -O0 -Werror)

add_library(nopal_c_headers OBJECT EXCLUDE_FROM_ALL ${header_c_sources})
target_link_libraries(nopal_c_headers PRIVATE nopal::c)
if(NOPAL_BUILD_PETSC)
  target_include_directories(nopal_c_headers PRIVATE ${PROJECT_SOURCE_DIR}/solvers/include)
  target_link_libraries(nopal_c_headers PRIVATE PkgConfig::PETSC)
endif()
set_target_properties(nopal_c_headers PROPERTIES C_STANDARD 99 C_EXTENSIONS OFF)
target_compile_options(nopal_c_headers PRIVATE -Wall -Wextra -Wpedantic -Wstrict-prototypes -Werror)

add_test(NAME headers COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target nopal_headers
                              nopal_c_headers -j 2)
set_tests_properties(headers PROPERTIES LABELS "style" PROCESSORS 2 TIMEOUT 600)
