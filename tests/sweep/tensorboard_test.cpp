#include "sweep/tensorboard.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace dtbench {
namespace {

std::string hex(const std::string& bytes) {
  return hexadecimal({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
}

// By tensorboard 2.21 and its crc32c: struct.pack("<Q", 0), masked checksums of it and of b"".
TEST(TfRecord, OfNothing) {
  EXPECT_EQ(hex(tf_record("")),
            "0000000000000000"
            "29039807"
            "d8ea82a2");
}

// tensorboard.compat.proto.event_pb2.Event(wall_time=1.5, step=300, summary=Summary(value=[
// Summary.Value(tag="loss", simple_value=2.0)])).SerializeToString().hex()
TEST(ScalarEvent, IsTheSerializedMessage) {
  EXPECT_EQ(hex(scalar_event(1.5, 300, "loss", 2.0F)),
            "09000000000000f83f10ac022a0d0a0b0a046c6f73731500000040");
}

}  // namespace
}  // namespace dtbench
