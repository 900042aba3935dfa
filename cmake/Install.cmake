# What `cmake --install` puts where. The prefix is a folder of Python packages: torch and pyarrow are
# neighbours of dtbench/, which holds programs and plug-ins in bin/, and above them what they look
# for. pip does this (pyproject.toml), and tests/install does.
set(_share share)
if(SKBUILD)
  set(_share ${SKBUILD_DATA_DIR}/share)
endif()

# ARGN: where the installed TARGET looks for libraries.
function(dtbench_install target)
  if(NOT TARGET ${target})
    return()
  endif()
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "${ARGN}")
  install(TARGETS ${target} RUNTIME DESTINATION dtbench/bin LIBRARY DESTINATION dtbench/bin)
endfunction()

set(_torch "$ORIGIN/../../torch/lib")
set(_places "../../torch\n")
if(DTBENCH_TORCH_ELSEWHERE)  # as in a virtual environment that sees the system's packages
  list(APPEND _torch ${DTBENCH_TORCH_ELSEWHERE}/lib)
  string(APPEND _places "${DTBENCH_TORCH_ELSEWHERE}\n")
endif()
dtbench_install(dtbench)
dtbench_install(dtbench_hub_plugin)
dtbench_install(dtbench_parquet "$ORIGIN/../../pyarrow")
dtbench_install(dtbench_parquet_writer "$ORIGIN/../../pyarrow")
dtbench_install(dtbench-engine ${_torch})
dtbench_install(dtbench_cuda ${_torch})

if(DTBENCH_ENGINE)  # base/built_on.h
  file(STRINGS ${DTBENCH_TORCH_DIR}/version.py _version REGEX "^__version__")
  string(REGEX REPLACE "^[^'\"]*['\"]([^'\"]+)['\"].*" "\\1" _version "${_version}")
  file(WRITE ${PROJECT_BINARY_DIR}/built-on-torch "${_version}\n${_places}")
  install(FILES ${PROJECT_BINARY_DIR}/built-on-torch DESTINATION dtbench/bin)
endif()

install(DIRECTORY python/dtbench DESTINATION . FILES_MATCHING PATTERN "*.py")
install(DIRECTORY configs DESTINATION dtbench)
install(DIRECTORY docs/results/h100/base-50-steps DESTINATION dtbench/docs/results/h100)
install(DIRECTORY docs/ DESTINATION ${_share}/doc/dtbench
  FILES_MATCHING PATTERN "*.md" PATTERN results EXCLUDE)

# FILE below share/, which `dtbench ARGN` prints.
function(dtbench_printed share file)
  set(_output ${PROJECT_BINARY_DIR}/share/${file})
  get_filename_component(_output_folder ${_output} DIRECTORY)
  get_filename_component(_file_folder ${file} DIRECTORY)
  file(MAKE_DIRECTORY ${_output_folder})
  add_custom_command(OUTPUT ${_output}
    COMMAND ${CMAKE_COMMAND} -E env DTBENCH_CONFIGS=${PROJECT_SOURCE_DIR}/configs
            $<TARGET_FILE:dtbench> ${ARGN} > ${_output}
    DEPENDS dtbench VERBATIM)
  set_property(GLOBAL APPEND PROPERTY DTBENCH_PRINTED ${_output})
  install(FILES ${_output} DESTINATION ${share}/${_file_folder})
endfunction()

dtbench_printed(${_share} bash-completion/completions/dtbench completion bash)
dtbench_printed(${_share} zsh/site-functions/_dtbench completion zsh)
dtbench_printed(${_share} fish/vendor_completions.d/dtbench.fish completion fish)
dtbench_printed(${_share} man/man1/dtbench.1 man)
get_property(_printed GLOBAL PROPERTY DTBENCH_PRINTED)
add_custom_target(dtbench_share ALL DEPENDS ${_printed})
