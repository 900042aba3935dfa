// A text that must not be shown: it cannot be streamed, and only the code that sends it asks for
// it.
#pragma once

#include <ostream>
#include <string>

namespace dtbench {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  bool empty() const { return text_.empty(); }
  const std::string& reveal() const { return text_; }

 private:
  std::string text_;
};

std::ostream& operator<<(std::ostream&, const Secret&) = delete;

}  // namespace dtbench
