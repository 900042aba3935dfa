# The CUDA plug-in, where it is asked for and nvcc is there. The engine does not link it: it is
# loaded when a cell asks for a CUDA device.
if(DTBENCH_CUDA STREQUAL "OFF")
  return()
endif()
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(DTBENCH_CUDA STREQUAL "AUTO")
    message(STATUS "No CUDA compiler: building without the CUDA plug-in")
    return()
  endif()
  message(FATAL_ERROR "DTBENCH_CUDA=ON needs nvcc on PATH (or CUDACXX); use OFF or AUTO without it")
endif()
# Before the language, which would choose its own.
set(CMAKE_CUDA_ARCHITECTURES ${DTBENCH_CUDA_ARCHITECTURES})
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
enable_language(CUDA)
# torch's headers want C++20 from 2.15 on; CMake 3.25 does not know nvcc's flag for it.
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
set(CMAKE_CUDA_STANDARD 20)
find_package(CUDAToolkit REQUIRED)

# torch's wheel for CUDA comes with a wheel of NCCL.
find_path(DTBENCH_NCCL_INCLUDE_DIR nccl.h HINTS ${DTBENCH_TORCH_DIR}/../nvidia/nccl/include)
if(DTBENCH_NCCL_INCLUDE_DIR)
  set(_collectives nccl_backend.cpp)
else()
  message(STATUS "Without nccl.h: a cell cannot use several GPUs")
  set(_collectives no_nccl_backend.cpp)
endif()

add_library(dtbench_cuda MODULE
  ${CMAKE_CURRENT_LIST_DIR}/${_collectives}
  ${CMAKE_CURRENT_LIST_DIR}/plugin.cpp ${CMAKE_CURRENT_LIST_DIR}/adamw.cu
  ${CMAKE_CURRENT_LIST_DIR}/adamw_8bit.cu ${CMAKE_CURRENT_LIST_DIR}/attention_softmax.cu
  ${CMAKE_CURRENT_LIST_DIR}/cross_entropy.cu ${CMAKE_CURRENT_LIST_DIR}/dropout.cu
  ${CMAKE_CURRENT_LIST_DIR}/finite.cu ${CMAKE_CURRENT_LIST_DIR}/step_decision.cu)
get_target_property(_cuda_sources dtbench_cuda SOURCES)
list(FILTER _cuda_sources INCLUDE REGEX "\\.cu$")
foreach(_source ${_cuda_sources})
  dtbench_cuda_source(${_source})  # contraction: cmake/CompileFlags.cmake
endforeach()
# The plug-in says what it was built with, and the engine takes one of its own revision only.
list(JOIN DTBENCH_CUDA_FLAGS " " _cuda_flags)
list(JOIN DTBENCH_CONTRACTED_CUDA_FILES " " _contracted)
list(JOIN DTBENCH_CUDA_ARCHITECTURES " " _architectures)
string(TOUPPER "${CMAKE_BUILD_TYPE}" _build_type)
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/plugin.cpp PROPERTIES
  OBJECT_DEPENDS ${DTBENCH_REVISION_DIR}/revision.inc
  INCLUDE_DIRECTORIES ${DTBENCH_REVISION_DIR}
  COMPILE_DEFINITIONS
    "DTBENCH_NVCC=\"${CMAKE_CUDA_COMPILER_ID} ${CMAKE_CUDA_COMPILER_VERSION}\";DTBENCH_CUDA_FLAGS=\"${CMAKE_CUDA_FLAGS_${_build_type}} ${_cuda_flags} for ${_architectures}, contracted: ${_contracted}\"")
add_dependencies(dtbench_cuda dtbench_revision)
target_include_directories(dtbench_cuda PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_include_directories(dtbench_cuda SYSTEM PRIVATE
  ${DTBENCH_TORCH_DIR}/include ${DTBENCH_TORCH_DIR}/include/torch/csrc/api/include)
if(DTBENCH_NCCL_INCLUDE_DIR)
  set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/nccl_backend.cpp PROPERTIES
    COMPILE_OPTIONS "-isystem;${DTBENCH_NCCL_INCLUDE_DIR}")
endif()
target_compile_options(dtbench_cuda PRIVATE
  "$<$<COMPILE_LANGUAGE:CUDA>:${DTBENCH_CUDA_FLAGS}>")
target_link_libraries(dtbench_cuda PRIVATE dtbench_flags CUDA::cudart
  ${DTBENCH_TORCH_DIR}/lib/libtorch_cuda.so ${DTBENCH_TORCH_DIR}/lib/libc10_cuda.so
  ${DTBENCH_TORCH_DIR}/lib/libtorch_cpu.so ${DTBENCH_TORCH_DIR}/lib/libc10.so)
# For C++ alone: as a system folder of nvcc's, /usr/include hides the compiler's own headers.
target_include_directories(dtbench_cuda SYSTEM PRIVATE $<$<COMPILE_LANGUAGE:CXX>:$<TARGET_PROPERTY:nlohmann_json::nlohmann_json,INTERFACE_INCLUDE_DIRECTORIES>>)
target_link_options(dtbench_cuda PRIVATE -Wl,--allow-shlib-undefined
  # torch_cuda registers its operators when it is loaded; nothing here calls it by name.
  -Wl,--no-as-needed)
