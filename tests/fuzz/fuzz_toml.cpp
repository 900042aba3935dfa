#include "config/toml_file.h"
#include "fuzz/harness.h"

namespace dtbench {

void fuzz_toml(std::string_view bytes) {
  const Json value = read_toml_file(scratch_file("toml", "any.toml", bytes));
  require(value.is_object(), "a file is a table");
  require(parse_json_or_none(canonical_json(value), {.depth = 1000}).has_value(),
          "a table has canonical text");
}

}  // namespace dtbench
