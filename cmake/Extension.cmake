# An extension (src/config/extension.h) of one source FILE: NAME.so for dtbench, and with the engine
# NAME-engine.so for dtbench-engine, compiled with DTBENCH_EXTENSION_ENGINE. Both land beside the
# programs. They link nothing: what they call is in the program that loads them, so that there is
# one of each registry.
function(dtbench_extension name file)
  dtbench_extension_half(${name} ${file})
  add_dependencies(${name} dtbench)  # which takes none of another revision
  if(DTBENCH_ENGINE)
    dtbench_extension_half(${name}-engine ${file})
    target_compile_definitions(${name}-engine PRIVATE DTBENCH_EXTENSION_ENGINE)
    target_include_directories(${name}-engine SYSTEM PRIVATE
      ${DTBENCH_TORCH_DIR}/include ${DTBENCH_TORCH_DIR}/include/torch/csrc/api/include)
    target_compile_options(${name}-engine PRIVATE ${OpenMP_CXX_FLAGS})
    add_dependencies(${name}-engine dtbench-engine)
    add_dependencies(${name} ${name}-engine)
  endif()
endfunction()

function(dtbench_extension_half target file)
  set(_revision ${PROJECT_SOURCE_DIR}/cmake/extension_revision.cpp)
  add_library(${target} MODULE ${file} ${_revision})
  set_target_properties(${target} PROPERTIES PREFIX "" SUFFIX ".so")
  set_source_files_properties(${_revision} PROPERTIES
    OBJECT_DEPENDS ${DTBENCH_REVISION_DIR}/revision.inc)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src ${DTBENCH_REVISION_DIR})
  target_include_directories(${target} SYSTEM PRIVATE
    $<TARGET_PROPERTY:nlohmann_json::nlohmann_json,INTERFACE_INCLUDE_DIRECTORIES>)
  target_link_libraries(${target} PRIVATE dtbench_flags)
  add_dependencies(${target} dtbench_revision)
endfunction()
