# LibTorch from a torch wheel. find_package(Torch) is not used: on a CUDA wheel its config fails
# where there is no CUDA toolkit, though nothing built here without CUDA needs one.
find_package(OpenMP REQUIRED COMPONENTS CXX)

if(NOT EXISTS "${DTBENCH_TORCH_DIR}/include/ATen/ATen.h")
  message(FATAL_ERROR "DTBENCH_TORCH_DIR must be the folder of an installed torch package "
    "(with include/ and lib/), got '${DTBENCH_TORCH_DIR}'. Run ./dtbench, which finds or installs "
    "one, or pass -DDTBENCH_TORCH_DIR=$(python3 -c 'import torch; print(torch.__path__[0])').")
endif()

add_library(torch_cpu_sdk INTERFACE)
target_include_directories(torch_cpu_sdk SYSTEM INTERFACE
  ${DTBENCH_TORCH_DIR}/include ${DTBENCH_TORCH_DIR}/include/torch/csrc/api/include)
target_link_libraries(torch_cpu_sdk INTERFACE
  ${DTBENCH_TORCH_DIR}/lib/libtorch_cpu.so ${DTBENCH_TORCH_DIR}/lib/libc10.so)
# at::parallel_for is a plain loop in objects compiled without OpenMP. As flags rather than as CMake's
# target: the run path finds the wheel's own libgomp, so that there is one thread pool.
target_compile_options(torch_cpu_sdk INTERFACE ${OpenMP_CXX_FLAGS})
# libtorch_cpu.so names libraries that only its own run path finds.
target_link_options(torch_cpu_sdk INTERFACE ${OpenMP_CXX_FLAGS} -Wl,--allow-shlib-undefined)
