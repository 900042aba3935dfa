// Which source revision an extension was built of (src/config/extension.cpp asks).
extern "C" __attribute__((visibility("default"))) const char* dtbench_extension_revision() {
  return
#include "revision.inc"
      ;
}
