// For loops that are compiled once for each instruction set; the right one is chosen at start-up.
// Sources with such loops include no header of ATen and are compiled with -fno-math-errno and
// -fno-trapping-math: without errno for square roots and flags for exceptions, which nobody reads,
// they can be vectorized, and no value changes.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define DTBENCH_CPU_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DTBENCH_CPU_CLONES
#endif
