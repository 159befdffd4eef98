# Every public header compiles alone: one generated source a header, included twice to try its
# guard. The objects are built by the test, not by "all".

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
  endforeach()
endforeach()

add_library(nopal_headers OBJECT EXCLUDE_FROM_ALL ${header_sources})
target_link_libraries(nopal_headers PRIVATE ${header_libraries} nopal_options)
# Only the compiler's front end is of interest.
target_compile_options(nopal_headers PRIVATE -O0 -Werror)

add_test(NAME headers COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target nopal_headers
                              -j 2)
set_tests_properties(headers PROPERTIES LABELS "style" PROCESSORS 2 TIMEOUT 600)
