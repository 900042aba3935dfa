#include "base/printable_output.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace dtbench {
namespace {

TEST(PrintableOutput, WhatSteersATerminalIsWrittenOut) {
  std::ostringstream screen;
  {
    const PrintableOutput guarded(screen);
    screen << "label \x1b[31mRED" << '\n' << "\xc2\x9b" << "31m " << "\xe2\x80\xae" << "txt\n";
    EXPECT_EQ(screen.str(), "label \\x1b[31mRED\n\\u009b31m \\u202etxt\n");
    screen << "é\tlast";
  }
  EXPECT_EQ(screen.str(), "label \\x1b[31mRED\n\\u009b31m \\u202etxt\né\tlast");
  screen << "\x1b";  // nobody guards it now
  EXPECT_EQ(screen.str().back(), '\x1b');
}

// A character that arrives in pieces is one character.
TEST(PrintableOutput, CharactersInPieces) {
  std::ostringstream screen;
  const PrintableOutput guarded(screen);
  for (const char byte : std::string("é😀\n"))
    screen.put(byte);
  EXPECT_EQ(screen.str(), "é😀\n");
}

TEST(PrintableOutput, JsonStaysTheSameValue) {
  const nlohmann::json value = {{"na\x7fme", "\x1b[2J \u009b \u202e \U000E0001 é"}};
  std::ostringstream screen;
  {
    const PrintableOutput guarded(screen);
    screen << value.dump(1) << '\n';
  }
  EXPECT_EQ(nlohmann::json::parse(screen.str()), value);
  EXPECT_EQ(screen.str().find("\xe2\x80\xae"), std::string::npos);
}

TEST(PrintableOutput, AFullTargetIsAnError) {
  std::ostream nowhere(nullptr);
  nowhere.clear();
  struct Full : std::streambuf {
  } full;
  nowhere.rdbuf(&full);
  const PrintableOutput guarded(nowhere);
  nowhere << "text" << std::flush;
  EXPECT_FALSE(nowhere);
}

}  // namespace
}  // namespace dtbench
