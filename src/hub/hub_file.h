// A file as the Hub lists it.
#pragma once

#include <cstdint>
#include <string>

namespace dtbench {

struct HubFile {
  std::string path;       // in its repository
  std::int64_t size = 0;  // bytes, of a large file's content rather than of its pointer
  std::string hash;       // the content's (content_hash.h)
};

}  // namespace dtbench
