// Where the Hub is, where its files are kept and how long to try, read from the environment as the
// Python client (huggingface_hub) reads it.
#pragma once

#include <filesystem>
#include <string>

#include "hub/backoff.h"
#include "hub/secret.h"

namespace dtbench {

struct HubSettings {
  std::string endpoint = "https://huggingface.co";  // no slash at the end
  std::filesystem::path cache;                      // blobs, refs and snapshots of every repository
  Secret token;                                     // empty: anonymous
  std::string token_source;                         // the variable or file it is from, for errors
  bool offline = false;
  double connect_timeout_s = 10;
  int stall_timeout_s = 10;  // a transfer that brings nothing for so long is cut
  RetryPolicy retry;
};

// | Setting  | Variables, the first that is set and not empty                                    |
// | endpoint | HF_ENDPOINT                                                                       |
// | cache    | HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, else `hub` in HF_HOME                        |
// | token    | HF_TOKEN, HUGGING_FACE_HUB_TOKEN, else the file HF_TOKEN_PATH, else `token` in    |
// |          | HF_HOME; none with HF_HUB_DISABLE_IMPLICIT_TOKEN                                  |
// | offline  | HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE: 1, ON, YES or TRUE in any case              |
// | stall    | HF_HUB_DOWNLOAD_TIMEOUT, whole seconds                                            |
// HF_HOME is `huggingface` in XDG_CACHE_HOME, else in ~/.cache, where it is not set. Paths may hold
// ~ and $VARIABLES. Throws Error (usage) for an endpoint or a token that cannot be one.
HubSettings hub_settings_from_environment();

}  // namespace dtbench
