#include "base/printable_output.h"

#include <string_view>

#include "base/text.h"

namespace dtbench {

PrintableOutput::PrintableOutput(std::ostream& stream)
    : stream_(stream), target_(stream.rdbuf(this)) {}

PrintableOutput::~PrintableOutput() {
  pass_on(waiting_.size());
  stream_.rdbuf(target_);
}

PrintableOutput::int_type PrintableOutput::overflow(int_type character) {
  if (traits_type::eq_int_type(character, traits_type::eof()))
    return traits_type::not_eof(character);
  const char one = traits_type::to_char_type(character);
  return xsputn(&one, 1) == 1 ? character : traits_type::eof();
}

std::streamsize PrintableOutput::xsputn(const char* text, std::streamsize size) {
  waiting_.append(text, static_cast<std::size_t>(size));
  const std::size_t end = waiting_.rfind('\n');
  return end == std::string::npos || pass_on(end + 1) ? size : 0;
}

int PrintableOutput::sync() {
  return pass_on(waiting_.size()) && target_->pubsync() == 0 ? 0 : -1;
}

// The first `size` bytes of what waits.
bool PrintableOutput::pass_on(std::size_t size) {
  const std::string text = printable(std::string_view(waiting_).substr(0, size));
  waiting_.erase(0, size);
  const auto length = static_cast<std::streamsize>(text.size());
  return target_->sputn(text.data(), length) == length;
}

}  // namespace dtbench
