// Content addresses, signatures, narinfos, and Nix's configuration, against what Nix writes. What
// the command line shows of them is in tests/cli/signatures_test.sh and binary_cache_test.sh.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "audit/nix/cache_files.h"
#include "audit/nix/content_address.h"
#include "audit/nix/nar_info.h"
#include "audit/nix/nix_conf.h"
#include "audit/nix/path_store.h"
#include "audit/nix/signature.h"
#include "tests/audit/nix/nix_fixture.h"

namespace lre_audit::nix {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Derivations and texts refer to each other, and Nix names them by what they hold.
TEST(ContentAddress, EveryPathOfARealStoreIsNamedRight) {
  const NixStore store(NixStore::Layout::kOwnDirectory);
  store.Fill();
  WriteFileOrFail(store.root() + "/file", "contents");
  for (const char* options : {"", "--recursive"}) {
    for (const char* algorithm : {"md5", "sha1", "sha256", "sha512"}) {
      store.Run(absl::StrCat("cp ", store.root(), "/file ", store.root(), "/f-", algorithm,
                             " && nix-store --add-fixed ", options, " ", algorithm, " ",
                             store.root(), "/f-", algorithm));
    }
  }
  const auto closure = ReadClosure("store:" + store.root());
  ASSERT_TRUE(closure.ok()) << closure.status();
  int checked = 0, texts = 0;
  for (const auto& [path, info] : closure->paths) {
    if (info.ca.empty()) continue;
    const absl::Status status = CheckContentAddress(info, closure->store_directory);
    EXPECT_TRUE(status.ok()) << path << " " << info.ca << ": " << status;
    ++checked;
    texts += info.ca.starts_with("text:") && !info.references.empty();
    PathInfo other = info;
    other.ca.back() = other.ca.back() == '0' ? '1' : '0';
    EXPECT_EQ(CheckContentAddress(other, closure->store_directory).code(),
              absl::StatusCode::kInvalidArgument)
        << path;
    other = info;
    other.references.push_back(closure->store_directory + "/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz-x");
    EXPECT_EQ(CheckContentAddress(other, closure->store_directory).code(),
              absl::StatusCode::kInvalidArgument)
        << path;
  }
  EXPECT_GE(checked, 10);
  EXPECT_GE(texts, 1);
}

TEST(ContentAddress, WhatIsNone) {
  for (const char* ca : {"", "fixed:", "fixed:r:sha3:00", "text:sha1:0123", "nar:sha256:00",
                         "fixed:out:r:sha256:00"}) {
    const auto path = ContentAddressedPath(ca, "x", {}, false, "/nix/store");
    EXPECT_EQ(path.status().code(), absl::StatusCode::kInvalidArgument) << ca;
  }
  // The same flat file by git's hash: no Nix here writes it, so only that it is another path.
  const std::string sha1 = absl::BytesToHexString(std::string(20, 'a'));
  EXPECT_NE(*ContentAddressedPath("fixed:git:sha1:" + sha1, "x", {}, false, "/nix/store"),
            *ContentAddressedPath("fixed:sha1:" + sha1, "x", {}, false, "/nix/store"));
}

class SignatureTest : public ::testing::Test {
 protected:
  SignatureTest() : store_(NixStore::Layout::kChroot), root_(store_.Fill()) {
    store_.Run(
        "nix --extra-experimental-features nix-command key generate-secret --key-name k-1 > " +
        store_.root() +
        "/secret && nix --extra-experimental-features nix-command key "
        "convert-secret-to-public < " +
        store_.root() + "/secret > " + store_.root() +
        "/public && nix --extra-experimental-features nix-command store sign --derivation "
        "--key-file " +
        store_.root() + "/secret -r " + root_);
    info_ = ReadClosure("store:" + store_.root())->paths.at(root_);
    EXPECT_TRUE(AddTrustedKey("@" + store_.root() + "/public", &keys_).ok());
    keys_.required = true;
  }
  std::vector<std::string> Faults() const { return RecordFaults(info_, "/nix/store", keys_); }
  NixStore store_;
  std::string root_;
  PathInfo info_;
  TrustedKeys keys_;
};

TEST_F(SignatureTest, OfNixVerifies) {
  ASSERT_THAT(info_.signatures, ::testing::SizeIs(1));
  info_.ca.clear();  // what names its contents needs none
  EXPECT_THAT(Faults(), IsEmpty());
}

TEST_F(SignatureTest, OfAnotherRecord) {
  ASSERT_THAT(info_.signatures, ::testing::SizeIs(1));
  info_.ca.clear();
  const PathInfo original = info_;
  const auto expect_bad = [&](const char* what) {
    EXPECT_THAT(Faults(), ElementsAre(HasSubstr("the signature by k-1 is not"))) << what;
    info_ = original;
  };
  info_.nar_hash.back() = info_.nar_hash.back() == '0' ? '1' : '0';
  expect_bad("hash");
  ++*info_.nar_size;
  expect_bad("size");
  info_.references.clear();
  expect_bad("references");
  info_.signatures[0].back() = 'A';
  expect_bad("not base64");
  info_.signatures[0] = "k-1:";
  expect_bad("empty");
  info_.signatures = {"k-2:" + original.signatures[0].substr(4), "nonsense"};
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("no signature by k-1, only by k-2, nonsense")));
  keys_.required = false;
  EXPECT_THAT(Faults(), IsEmpty());
}

TEST_F(SignatureTest, WhoNeedsNone) {
  info_.signatures.clear();
  EXPECT_THAT(Faults(), IsEmpty());  // a text
  info_.ca.clear();
  EXPECT_THAT(Faults(), ElementsAre("no signature by k-1"));
  info_.ultimate = true;
  EXPECT_THAT(Faults(), IsEmpty());
}

TEST(NarInfo, BadLines) {
  const std::string good =
      "StorePath: /nix/store/8nri6bp3l4wf5fkrxwj4r1dxbh5ng1gn-a\nURL: nar/x.nar\n"
      "NarHash: sha256:0z9lgl1nl80qqs9qf0gygc56zaxykafac58m9rs7dpr53hrnmncy\nNarSize: 120\n";
  const auto info = ParseNarInfo(good + "References:\nFuture: key\nSig: a:b\nSig: c:d\n");
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->compression, "bzip2");
  EXPECT_TRUE(info->entry.has_references);
  EXPECT_THAT(info->entry.signatures, ElementsAre("a:b", "c:d"));
  const auto message = [&](const std::string& from, const std::string& to) {
    return std::string(ParseNarInfo(absl::StrReplaceAll(good, {{from, to}})).status().message());
  };
  EXPECT_THAT(message("NarSize: 120\n", ""), HasSubstr("it has no NarSize"));
  EXPECT_THAT(message("StorePath", "Path"), HasSubstr("it has no StorePath"));
  EXPECT_THAT(message("URL: nar/x.nar", "URL: "), HasSubstr("line 2: URL is empty"));
  EXPECT_THAT(message("120", "-1"), HasSubstr("line 4: NarSize \"-1\" is no size"));
  EXPECT_THAT(message("120", "99999999999999999999"), HasSubstr("is no size"));
  EXPECT_THAT(message("sha256:0z", "sha256:zz"), HasSubstr("line 3: NarHash"));
  EXPECT_THAT(message("URL: nar/x.nar", "nothing"), HasSubstr("KEY: VALUE should be"));
  EXPECT_THAT(message("NarSize: 120", "NarSize: 120\nNarSize: 121"), HasSubstr("a second NarSize"));
}

TEST(CachePath, StaysInTheCache) {
  for (const char* url : {"nar/x.nar.xz", "x", "nar/a..b", "nar/x:y", "./x"}) {
    EXPECT_TRUE(CheckCachePath(url).ok()) << url;
  }
  for (const std::string& url :
       {std::string("/etc/passwd"), std::string("../x"), std::string("nar/../../x"),
        std::string("nar/.."), std::string("file:///etc/passwd"), std::string("http://h/x"),
        std::string("//h/x"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(CheckCachePath(url).ok()) << url;
  }
}

TEST(NixConf, ListsAddUpAcrossFiles) {
  const TemporaryDirectory directory;
  RunShell("mkdir -p " + directory / "user/nix" + " " + directory / "system");
  WriteFileOrFail(directory / "system/nix.conf",
                  "# ours\ntrusted-public-keys = a b # not c\nother = x\ninclude more.conf\n"
                  "!include missing.conf\ninclude nix.conf\n");
  WriteFileOrFail(directory / "system/more.conf", "extra-trusted-public-keys = d\n");
  WriteFileOrFail(directory / "user/nix/nix.conf", "extra-trusted-public-keys = e\n");
  setenv("NIX_CONF_DIR", (directory / "system").c_str(), 1);
  setenv("XDG_CONFIG_HOME", (directory / "user").c_str(), 1);
  setenv("XDG_CONFIG_DIRS", (directory / "nowhere").c_str(), 1);
  setenv("NIX_CONFIG", "extra-trusted-public-keys = f\n", 1);
  const auto words = [] { return ConfiguredWords({"trusted-public-keys"}, "default"); };
  EXPECT_THAT(words(),
              ElementsAre("a", "b", "d", "e", "f"));  // the file that includes itself is read once
  WriteFileOrFail(directory / "system/nix.conf", "other = x\n");
  EXPECT_THAT(words(), ElementsAre("default", "e", "f"));
}

}  // namespace
}  // namespace lre_audit::nix
