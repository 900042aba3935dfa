// What a program prints holds names and texts from files of others, which must not steer the
// terminal.
#pragma once

#include <ostream>
#include <streambuf>
#include <string>

namespace dtbench {

// While it lives, what is written to `stream` passes through printable() (base/text.h), a line at a
// time. JSON stays the same value: there only characters within texts change, into JSON's escapes.
class PrintableOutput : public std::streambuf {
 public:
  explicit PrintableOutput(std::ostream& stream);
  ~PrintableOutput() override;
  PrintableOutput(const PrintableOutput&) = delete;
  PrintableOutput& operator=(const PrintableOutput&) = delete;

 protected:
  int_type overflow(int_type character) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int sync() override;

 private:
  bool pass_on(std::size_t size);

  std::ostream& stream_;
  std::streambuf* target_;
  std::string waiting_;  // of the line that is not at its end
};

}  // namespace dtbench
