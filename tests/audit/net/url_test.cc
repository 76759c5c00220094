#include "audit/net/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace lre_audit::net {
namespace {

using ::testing::HasSubstr;

TEST(Url, Parts) {
  const absl::StatusOr<Url> url = ParseUrl("https://Example.ORG/a/b?x=1#there");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->Origin(), "https://example.org:443");
  EXPECT_EQ(url->path, "/a/b");
  EXPECT_EQ(url->text.find('#'), std::string::npos);
  EXPECT_EQ(ParseUrl("http://[::1]:5000/")->Origin(), "http://[::1]:5000");
}

// A presigned URL's query grants access to whoever reads the log.
TEST(Url, IsPrintedWithoutItsQuery) {
  EXPECT_EQ(ParseUrl("https://h:8443/blob?X-Amz-Signature=secret")->Printable(),
            "https://h:8443/blob");
  const absl::Status refused = ParseUrl("ftp://h/blob?secret").status();
  EXPECT_EQ(ToStd(refused.message()).find("secret"), std::string::npos) << refused;
}

TEST(Url, RefusesOthers) {
  for (const char* text : {"file:///etc/passwd", "ftp://h/", "gopher://h/", "h/a", "", "https://",
                           "https://a b/", "http://h:99999/"}) {
    EXPECT_FALSE(ParseUrl(text).ok()) << text;
  }
  EXPECT_THAT(ToStd(ParseUrl("https://user:word@h/").status().message()),
              HasSubstr("user or a password"));
  EXPECT_FALSE(ParseUrl(std::string("https://h/\0a", 12)).ok());
  EXPECT_FALSE(ParseUrl("https://h/" + std::string(1 << 20, 'a')).ok());
  // Checked as "127.1", connected to as 127.0.0.1. An encoded name is only the name.
  EXPECT_THAT(ToStd(ParseUrl("http://127%2e1/").status().message()), HasSubstr("two ways"));
  EXPECT_EQ(ParseUrl("https://%68ost/")->Origin(), "https://host:443");
}

TEST(Url, ResolvesAgainstABase) {
  const Url base = *ParseUrl("https://h:5000/v2/a/blobs/x?y");
  EXPECT_EQ(ResolveUrl(base, "/token")->text, "https://h:5000/token");
  EXPECT_EQ(ResolveUrl(base, "http://other/z")->Origin(), "http://other:80");
  EXPECT_EQ(ResolveUrl(base, "//other/z")->Origin(), "https://other:443");
  EXPECT_FALSE(ResolveUrl(base, "file:///etc/passwd").ok());
  EXPECT_FALSE(ResolveUrl(base, "https://user:word@h:5000/").ok());
}

TEST(Url, KnowsLoopback) {
  for (const char* host :
       {"localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]", "a.localhost"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const char* host : {"example.org", "10.0.0.1", "128.0.0.1", "127.0.0.1.example.org", "[::2]",
                           "localhost.example.org", "", "2130706433"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

TEST(Url, EncodesForAQuery) { EXPECT_EQ(PercentEncoded("a:b/c&d=\xff~"), "a%3Ab%2Fc%26d%3D%FF~"); }

}  // namespace
}  // namespace lre_audit::net
