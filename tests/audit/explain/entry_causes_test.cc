// What a disk cache has under keys that both builds have: all of it, a part, rubbish, or another
// action's.
#include "audit/explain/entry_causes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "audit/cache/proto/remote_execution.pb.h"
#include "tests/audit/explain/explain_samples.h"

namespace lre_audit::explain {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace reapi = ::build::bazel::remote::execution::v2;

TEST(Entries, EntriesThatACacheLacks) {
  Build build = SampleBuild();
  SetKeys(build);
  ExplainRequest request;
  request.caches = {WriteCache("entries", {}, {build[0]})};
  const Report report = ExplainLogged(build, build, request);
  ASSERT_THAT(Errors(report), ElementsAre("LRE701"));
  EXPECT_EQ(report.findings(0).key_cause().label(), "//lib:lib");
  EXPECT_EQ(report.findings(0).key_cause().proof(), KeyCause::PROVEN);
  request.caches = {WriteCache("entries", {}, build)};
  EXPECT_THAT(Errors(ExplainLogged(build, build, request)), IsEmpty());
}

// The compile's result names a file, a directory of one file, and what it printed.
struct CachedResult {
  explicit CachedResult(const std::string& name) : build(SampleBuild()) {
    SetKeys(build);
    reapi::Tree tree;
    *tree.mutable_root()->add_files()->mutable_digest() = Digest("in the directory");
    const std::string directory = tree.SerializeAsString();
    result.add_output_files()->set_path("bazel-out/k8/bin/lib/lib.o");
    *result.mutable_output_files(0)->mutable_digest() = Digest("object");
    *result.mutable_stderr_digest() = Digest("warning");
    *result.mutable_stdout_digest() = Digest("");  // which no cache need have
    *result.add_output_directories()->mutable_tree_digest() = Digest(directory);
    blobs = {"object", "warning", directory, "in the directory"};
    cache = WriteCache(name, blobs, build);
    Write("ac", Compile(build).digest().hash(), result.SerializeAsString());
  }
  ~CachedResult() { std::filesystem::remove_all(cache); }

  static reapi::Digest Digest(const std::string& blob) {
    reapi::Digest digest;
    digest.set_hash(cache::SampleDigest(blob).hash());
    digest.set_size_bytes(static_cast<int64_t>(blob.size()));
    return digest;
  }
  std::string PathOf(const std::string& kind, const std::string& hash) const {
    return cache + "/" + kind + "/" + hash.substr(0, 2) + "/" + hash;
  }
  void Write(const std::string& kind, const std::string& hash, const std::string& content) const {
    std::ofstream(PathOf(kind, hash), std::ios::binary) << content;
  }
  Report Explained() const {
    ExplainRequest request;
    request.caches = {cache};
    return ExplainLogged(build, build, request);
  }

  Build build;
  reapi::ActionResult result;
  std::vector<std::string> blobs;
  std::string cache;
};

TEST(Entries, ResultsWhoseBlobsACacheLacks) {
  const CachedResult cached("blobs");
  EXPECT_THAT(Errors(cached.Explained()), IsEmpty());
  for (const std::string& blob : cached.blobs) {
    const std::string hash = cache::SampleDigest(blob).hash();
    std::filesystem::remove(cached.PathOf("cas", hash));
    const Report report = cached.Explained();
    ASSERT_THAT(Errors(report), ElementsAre("LRE701")) << blob;
    EXPECT_THAT(report.findings(0).message(), HasSubstr("not all of its blobs"));
    EXPECT_THAT(report.findings(0).notes(0), HasSubstr(hash));
    EXPECT_EQ(report.findings(0).key_cause().proof(), KeyCause::PROVEN);
    EXPECT_EQ(report.findings(0).key_cause().label(), "//lib:lib");
    cached.Write("cas", hash, blob);
  }
}

// What Bazel refuses is not there.
TEST(Entries, BlobsThatACacheHasInPartAreMissing) {
  const CachedResult cached("parts");
  const std::string hash = cache::SampleDigest("object").hash();
  for (const std::string content : {"", "obj", "objects"}) {
    cached.Write("cas", hash, content);
    EXPECT_THAT(Errors(cached.Explained()), ElementsAre("LRE701")) << content;
  }
  std::filesystem::remove(cached.PathOf("cas", hash));
  std::filesystem::create_directory(cached.PathOf("cas", hash));
  EXPECT_THAT(Errors(cached.Explained()), ElementsAre("LRE701"));
}

// An empty message is an ActionResult, and another action's result is one, too.
TEST(Entries, ResultsOfAnotherActionAreTold) {
  const CachedResult cached("foreign");
  reapi::ActionResult other;
  other.add_output_files()->set_path("bazel-out/k8/bin/other");
  for (const std::string& result : {std::string(), other.SerializeAsString()}) {
    cached.Write("ac", cached.build[1].digest().hash(), result);
    const Report report = cached.Explained();
    ASSERT_THAT(Errors(report), ElementsAre("LRE701"));
    EXPECT_THAT(report.findings(0).message(), HasSubstr("names none of the action's outputs"));
    EXPECT_EQ(report.findings(0).key_cause().label(), "//lib:lib");
  }
}

// Rubbish is no entry: neither does it verify a key, nor is the entry said to be absent.
TEST(Entries, DamagedEntriesOfACacheAreNone) {
  CachedResult cached("rubbish");
  const std::string hash = Compile(cached.build).digest().hash();
  for (SpawnExec& spawn : cached.build) spawn.clear_digest();
  EXPECT_EQ(cached.Explained().explanation().verified(), 2);
  cached.Write("ac", hash, "rubbish");
  const Report report = cached.Explained();
  EXPECT_EQ(report.explanation().verified(), 1);
  ASSERT_THAT(Errors(report), ElementsAre("LRE901"));
  EXPECT_EQ(report.findings(0).path(), cached.cache);
  EXPECT_THAT(report.findings(0).message(), HasSubstr("no ActionResult"));
}

}  // namespace
}  // namespace lre_audit::explain
