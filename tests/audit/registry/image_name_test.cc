#include "audit/registry/image_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace lre_audit::registry {
namespace {

using ::testing::HasSubstr;

struct Named {
  const char *text, *domain, *repository, *tag;
};

TEST(ImageName, IsReadAsDockerDoes) {
  for (const Named& named : {
           Named{"debian", "docker.io", "library/debian", "latest"},
           Named{"debian:12", "docker.io", "library/debian", "12"},
           Named{"docker.io/debian", "docker.io", "library/debian", "latest"},
           Named{"index.docker.io/me/x:t", "docker.io", "me/x", "t"},
           Named{"me/x", "docker.io", "me/x", "latest"},
           Named{"localhost/x", "localhost", "x", "latest"},
           Named{"localhost:5000/x:t", "localhost:5000", "x", "t"},
           Named{"Host/x", "Host", "x", "latest"},
           Named{"ghcr.io/a/b/c:v1.2-3_4", "ghcr.io", "a/b/c", "v1.2-3_4"},
           Named{"[::1]:5000/x", "[::1]:5000", "x", "latest"},
           Named{"a--b/c__d.e_f", "docker.io", "a--b/c__d.e_f", "latest"},
           Named{"h.example/lre-cc:01493m0mn6dzbv434535bliabj7s06", "h.example", "lre-cc",
                 "01493m0mn6dzbv434535bliabj7s06"},
       }) {
    const absl::StatusOr<ImageName> name = ParseImageName(named.text);
    ASSERT_TRUE(name.ok()) << named.text << ": " << name.status();
    EXPECT_EQ(name->domain, named.domain) << named.text;
    EXPECT_EQ(name->repository, named.repository) << named.text;
    EXPECT_EQ(name->tag, named.tag) << named.text;
  }
  EXPECT_EQ(ParseImageName("debian")->Host(), "registry-1.docker.io");
  EXPECT_EQ(ParseImageName("h:1/x")->Host(), "h:1");
}

TEST(ImageName, ADigestNeedsNoTag) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(ParseImageName("h:5/x@" + digest)->tag, "");
  EXPECT_EQ(ParseImageName("h:5/x:t@" + digest)->tag, "t");
  EXPECT_EQ(ParseImageName("h:5/x:t@" + digest)->digest->ToString(), digest);
}

TEST(ImageName, ShowsNoPassword) {
  const absl::Status status = ParseImageName("me:secret@h.example:5000/x:t").status();
  EXPECT_THAT(ToStd(status.message()), HasSubstr("skopeo login"));
  EXPECT_THAT(ToStd(status.message()), testing::Not(HasSubstr("secret")));
}

TEST(ImageName, RefusesWhatIsNone) {
  for (const char* text : {"",
                           "/x",
                           "x/",
                           "h.example/",
                           "h.example//x",
                           "h.example/x y",
                           "x:",
                           "x:-t",
                           "x:a/b:c",
                           "h.example/_x",
                           "h.example/x_",
                           "h.example/a..b",
                           "h.example/a___b",
                           "h.example/../x",
                           "-h.example/x",
                           "h..example/x",
                           "h.example:/x",
                           "h.example:5a/x",
                           "h.example:555555/x",
                           "x@",
                           "x@sha256:ab",
                           "x@md5:00",
                           "user@h.example/x",
                           "h.example/x?y",
                           "h.example/x#y",
                           "h\n.example/x",
                           "[zz]/x"}) {
    EXPECT_EQ(ParseImageName(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(ParseImageName("x:" + std::string(129, 'a')).ok());
  EXPECT_FALSE(ParseImageName("h.example/" + std::string(300, 'a')).ok());
  EXPECT_THAT(ToStd(ParseImageName("h.example/Me/x").status().message()), HasSubstr("lower case"));
}

}  // namespace
}  // namespace lre_audit::registry
