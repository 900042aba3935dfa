# Flags of every target. Numerics are the product: no fast-math, and no contraction of a*b+c into
# a fused multiply-add, so that an expression means the same on every compiler and target.
add_library(dtbench_flags INTERFACE)
target_compile_options(dtbench_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                            -Werror -ffp-contract=off -fno-fast-math>)

# The flags stand in every record (audit.json).
string(TOUPPER "${CMAKE_BUILD_TYPE}" _build_type)
set(DTBENCH_COMPILE_FLAGS
  "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${_build_type}} -std=c++20 -ffp-contract=off -fno-fast-math")
string(STRIP "${DTBENCH_COMPILE_FLAGS}" DTBENCH_COMPILE_FLAGS)
