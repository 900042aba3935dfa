#include "base/json.h"

// The JSON library's code, once: every other file finds it here (base/json.h).
template class nlohmann::basic_json<>;
