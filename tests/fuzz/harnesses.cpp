#include <array>

#include "fuzz/harness.h"

namespace dtbench {

std::span<const Harness> harnesses() {
  static constexpr std::array kHarnesses = {
      Harness{"encoder", fuzz_encoder},
      Harness{"events", fuzz_events},
      Harness{"headers", fuzz_headers},
      Harness{"health", fuzz_health},
      Harness{"jsonl", fuzz_jsonl},
      Harness{"ledger", fuzz_ledger},
      Harness{"listing", fuzz_listing},
      Harness{"result", fuzz_result},
      Harness{"safetensors", fuzz_safetensors},
      Harness{"settings", fuzz_settings},
      Harness{"spec", fuzz_spec},
      Harness{"steps", fuzz_steps},
      Harness{"store", fuzz_store},
      Harness{"tokenizer", fuzz_tokenizer},
      Harness{"toml", fuzz_toml},
      Harness{"vocabulary", fuzz_vocabulary},
  };
  return kHarnesses;
}

}  // namespace dtbench
