// What an image's configuration leads to.
#include "audit/link/link_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/audit/link/facts_builder.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Place = Target::Place;

std::vector<FileFacts> Tree() {
  FactsBuilder tree;
  tree.File(kMake + "/bin/make", 0555);
  tree.File(kMake + "/bin/data", 0444);
  tree.Directory(kMake + "/bin/directory");
  tree.Symlink("/bin/sh", kMake + "/bin/make");
  tree.File("/usr/local/bin/local", 0555);
  tree.File("/srv/run", 0555);
  return tree.Build();
}

LinkedImage Linked(const ImageConfig& config) {
  static const auto& files = *new std::vector<FileFacts>(Tree());
  static const auto& index = *new TreeIndex(files, kStore);
  return LinkImage(config, index);
}

LinkedImage Env(std::vector<std::string> env) {
  ImageConfig config;
  config.env = std::move(env);
  return Linked(config);
}

std::vector<std::string> Elements(const LinkedImage& image) {
  std::vector<std::string> elements;
  for (const LinkedClaim& claim : image.environment) {
    EXPECT_EQ(claim.kind, Claim::ENVIRONMENT);
    elements.push_back(claim.context + " " + claim.text);
  }
  return elements;
}

TEST(LinkImage, ElementsOfSearchPaths) {
  const LinkedImage image = Env({"PATH=" + kMake + "/bin:/usr/bin::bin:" + kGone + "/bin"});
  ASSERT_THAT(Elements(image), ElementsAre("PATH " + kMake + "/bin", "PATH /usr/bin", "PATH ",
                                           "PATH bin", "PATH " + kGone + "/bin"));
  EXPECT_EQ(image.environment[0].target.place, Place::kStore);
  EXPECT_TRUE(image.environment[0].target.exists);
  EXPECT_EQ(image.environment[1].target.place, Place::kOutside);
  EXPECT_EQ(image.environment[2].target.place, Place::kRelative);
  EXPECT_EQ(image.environment[3].target.place, Place::kRelative);
  EXPECT_FALSE(image.environment[4].target.store_path_exists);
  EXPECT_EQ(image.environment[0].excerpt, "PATH=" + kMake + "/bin:/usr/bin::bin:" + kGone + "/bin");
}

TEST(LinkImage, OtherVariables) {
  EXPECT_THAT(Elements(Env({"SSL_CERT_FILE=/etc/ssl/x", "LANG=C.UTF-8", "A=1:/usr:2", "NOTHING",
                            "MANPATH=/usr/man", "PERL5LIB=lib", "JAVA_HOME=" + kGone,
                            "EMPTY_PATH=", "=x", ""})),
              ElementsAre("SSL_CERT_FILE /etc/ssl/x", "MANPATH /usr/man", "PERL5LIB lib",
                          "JAVA_HOME " + kGone));
  // Of a value that is no search path, only the absolute parts are paths.
  EXPECT_THAT(Elements(Env({"OPTIONS=/a:b:/c"})), ElementsAre("OPTIONS /a", "OPTIONS /c"));
  EXPECT_THAT(Elements(Env({"NIX_PATH=https://example.org/x", "FETCH_PATH=file:///x"})), IsEmpty());
  EXPECT_THAT(Elements(Env({"NIX_PATH=nixpkgs=/etc/channels:/x:nixos"})),
              ElementsAre("NIX_PATH /etc/channels", "NIX_PATH /x"));
  EXPECT_THAT(Elements(Env({"NIX_LDFLAGS=-L/usr/lib -lx -rpath " + kGone})),
              ElementsAre("NIX_LDFLAGS /usr/lib", "NIX_LDFLAGS " + kGone));
}

// An empty element is the current directory for some, and the default for others.
TEST(LinkImage, EmptyElements) {
  EXPECT_THAT(Elements(Env({"PATH=/a:", "PYTHONPATH=:/a", "CPATH=/a::/b"})),
              ElementsAre("PATH /a", "PATH ", "PYTHONPATH ", "PYTHONPATH /a", "CPATH /a", "CPATH ",
                          "CPATH /b"));
  EXPECT_THAT(Elements(Env({"MANPATH=/a:", "XDG_DATA_DIRS=:/a"})),
              ElementsAre("MANPATH /a", "XDG_DATA_DIRS /a"));
}

TEST(LinkImage, PrivateVariables) {
  EXPECT_THAT(Elements(Env({"HOME=/root", "TMPDIR=/tmp", "TMP=/tmp", "TEMP=/tmp", "PWD=/x",
                            "XDG_RUNTIME_DIR=/run/user/0"})),
              IsEmpty());
  EXPECT_THAT(Elements(Env({"GOHOME=/root", "TMPDIR2=/tmp"})),
              ElementsAre("GOHOME /root", "TMPDIR2 /tmp"));
}

TEST(LinkImage, LoaderVariables) {
  const LinkedImage image =
      Env({"LD_LIBRARY_PATH=/usr/lib", "LD_PRELOAD=libx.so", "LD_AUDIT=", "LD_ORIGIN_PATH=/x",
           "DYLD_INSERT_LIBRARIES=/y", "GCONV_PATH=/z", "LD=/bin/ld", "LDX_PATH=/w"});
  std::vector<std::string> variables;
  for (const auto& [name, value] : image.loader_variables) variables.push_back(name + "=" + value);
  EXPECT_THAT(variables,
              ElementsAre("LD_LIBRARY_PATH=/usr/lib", "LD_PRELOAD=libx.so", "LD_ORIGIN_PATH=/x",
                          "DYLD_INSERT_LIBRARIES=/y", "GCONV_PATH=/z"));
  EXPECT_THAT(Elements(image), ElementsAre("LD /bin/ld", "LDX_PATH /w"));
}

struct Start {
  std::vector<std::string> env, entrypoint, cmd;
  std::string working_dir;
  std::string path;  // of the program found; "" if none is
};

TEST(LinkImage, TheProgramAsExecvpFindsIt) {
  const std::string make = kMake + "/bin/make";
  const Start kStarts[] = {
      {{}, {make}, {}, "", make},
      {{}, {"/bin/sh"}, {}, "", make},
      {{}, {}, {"/bin/sh", "-c", "x"}, "", make},
      {{"PATH=/nowhere:" + kMake + "/bin"}, {"make"}, {}, "", make},
      {{"PATH=/nowhere"}, {"make"}, {}, "", ""},
      {{"PATH=" + kMake + "/bin"}, {"data"}, {}, "", ""},  // not executable
      {{"PATH=" + kMake + "/bin"}, {"directory"}, {}, "", ""},
      // Where no PATH is set, runtimes set one.
      {{}, {"sh"}, {}, "", make},
      {{}, {"local"}, {}, "", "/usr/local/bin/local"},
      {{"PATH="}, {"sh"}, {}, "", ""},
      // The working directory.
      {{}, {"./run"}, {}, "/srv", "/srv/run"},
      {{}, {"srv/run"}, {}, "", "/srv/run"},
      {{"PATH=:/bin"}, {"run"}, {}, "/srv", "/srv/run"},
      {{"PATH=srv"}, {"run"}, {}, "/", "/srv/run"},
      {{"PATH=/bin"}, {"./sh"}, {}, "/srv", ""},
      {{"PATH=/bin"}, {""}, {}, "", ""},
  };
  for (const Start& start : kStarts) {
    ImageConfig config;
    config.env = start.env;
    config.entrypoint = start.entrypoint;
    config.cmd = start.cmd;
    config.working_dir = start.working_dir;
    const LinkedImage image = Linked(config);
    ASSERT_THAT(image.entrypoint, ::testing::SizeIs(1));
    const LinkedClaim& claim = image.entrypoint[0];
    const std::string& word = start.entrypoint.empty() ? start.cmd[0] : start.entrypoint[0];
    EXPECT_EQ(claim.kind, Claim::ENTRYPOINT);
    EXPECT_EQ(claim.text, word);
    EXPECT_EQ(claim.context, start.entrypoint.empty() ? "Cmd" : "Entrypoint");
    EXPECT_EQ(claim.target.exists, !start.path.empty()) << word;
    if (!start.path.empty()) {
      EXPECT_EQ(claim.target.path, start.path);
    }
  }
}

TEST(LinkImage, OtherWordsThatNameTheStore) {
  ImageConfig config;
  config.entrypoint = {kMake + "/bin/make", "-f", kGone + "/makefile", "/etc/makefile"};
  config.cmd = {"all", kMake + "/bin/data"};
  config.architecture = "amd64";
  config.os = "linux";
  const LinkedImage image = Linked(config);
  ASSERT_EQ(image.entrypoint.size(), 3u);
  EXPECT_EQ(image.entrypoint[1].text, kGone + "/makefile");
  EXPECT_FALSE(image.entrypoint[1].target.exists);
  EXPECT_EQ(image.entrypoint[2].text, kMake + "/bin/data");
  EXPECT_EQ(image.entrypoint[2].context, "Cmd");
  EXPECT_EQ(image.architecture, "amd64");
  EXPECT_EQ(image.os, "linux");
  EXPECT_THAT(Linked({}).entrypoint, IsEmpty());
}

}  // namespace
}  // namespace lre_audit
