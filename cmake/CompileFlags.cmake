# Flags of every target. Numerics are the product: no fast-math, and no contraction of a*b+c into
# a fused multiply-add, so that an expression means the same on every compiler and target.
add_library(dtbench_flags INTERFACE)
target_compile_options(dtbench_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                            -Werror -ffp-contract=off -fno-fast-math>)

# In a group of sources, gcc takes each for a header, in which a type of an unnamed namespace would be
# a fault.
if(CMAKE_UNITY_BUILD)
  target_compile_options(dtbench_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()

# What a fault of a reader would meet before it does harm (SECURITY.md): guarded stack frames, checked
# calls of libc, and relocations that are read-only before the first byte is read. Released only:
# sanitizers check more, and without optimization there is nothing to check libc's calls by.
option(DTBENCH_HARDENED "Harden release builds; OFF shows what it costs (bench/hardening_cost.py)" ON)
set(DTBENCH_HARDENING_FLAGS "")
if(DTBENCH_HARDENED AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(DTBENCH_HARDENING_FLAGS -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  target_compile_options(dtbench_flags INTERFACE
    "$<$<COMPILE_LANGUAGE:CXX>:${DTBENCH_HARDENING_FLAGS}>")
  target_link_options(dtbench_flags INTERFACE LINKER:-z,relro,-z,now)
endif()

# nvcc contracts unless told otherwise. These files are contracted, and no other:
#   attention_softmax.cu, cross_entropy.cu: reductions in fp32 whose order differs from the CPU's
#     anyway. They are held to a bound, not to bits; recorded numbers were made with contraction.
# The updates (adamw.cu, adamw_8bit.cu) and what decides about them (step_decision.cu) are held to
# the CPU's bits (ADR 0009). dropout.cu only multiplies and finite.cu only looks at bits: there is
# nothing to contract in them.
set(DTBENCH_CONTRACTED_CUDA_FILES attention_softmax.cu cross_entropy.cu)
set(DTBENCH_CUDA_FLAGS --Werror=all-warnings -Xcompiler=-Wall --expt-relaxed-constexpr)

# Flags of a .cu FILE, which is not contracted unless it is listed above.
function(dtbench_cuda_source file)
  get_filename_component(_name ${file} NAME)
  if(_name IN_LIST DTBENCH_CONTRACTED_CUDA_FILES)
    set(_contraction -fmad=true)
  else()
    set(_contraction -fmad=false)
  endif()
  set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS ${_contraction})
endfunction()

# The flags of what computes, the engine, stand in every record (audit.json).
string(TOUPPER "${CMAKE_BUILD_TYPE}" _build_type)
set(DTBENCH_COMPILE_FLAGS
  "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${_build_type}} -std=c++20 -ffp-contract=off -fno-fast-math")
list(JOIN DTBENCH_HARDENING_FLAGS " " _hardening)
string(STRIP "${DTBENCH_COMPILE_FLAGS} ${_hardening}" DTBENCH_COMPILE_FLAGS)
