#include "base/text.h"

#include <gtest/gtest.h>

namespace lre_audit {
namespace {

TEST(Escaped, KeepsPrintableTextAndValidUtf8) {
  EXPECT_EQ(Escaped("/nix/store/a-b c"), "/nix/store/a-b c");
  EXPECT_EQ(Escaped("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
}

TEST(Escaped, WritesControlBytesSoThatATerminalIsSafe) {
  EXPECT_EQ(Escaped("a\x1b[31mb\r\n\t\\"), "a\\x1b[31mb\\x0d\\n\\t\\\\");
  EXPECT_EQ(Escaped("\xC2\x9B"
                    "31m"),
            "\\xc2\\x9b31m");  // C1 control
  EXPECT_EQ(Escaped("a\xE2\x80\xAE"
                    "b"),
            "a\\xe2\\x80\\xaeb");  // right-to-left override
}

TEST(Escaped, WritesInvalidUtf8ByteByByte) {
  EXPECT_EQ(Escaped("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(Escaped("\xC0\xAF"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(Escaped("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // surrogate
}

TEST(EscapedSentence, LeavesWhatIsEscaped) {
  EXPECT_EQ(EscapedSentence(Escaped("a\\b\n")), Escaped("a\\b\n"));
  EXPECT_EQ(EscapedSentence("a\x1b\xff"), "a\\x1b\\xff");
}

TEST(Hex, IsLowerCaseWithPrefix) { EXPECT_EQ(Hex(0x318), "0x318"); }

}  // namespace
}  // namespace lre_audit
