// nix2container's descriptions on a small store of the test's own. That archives are made as it
// makes them, go_oracle_test.cc and tests/cli/nix2container_test.sh show.
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/trees/tree.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kA[] = "/nix/store/00000000000000000000000000000000-a";
constexpr char kB[] = "/nix/store/11111111111111111111111111111111-b";

class Nix2containerTest : public ::testing::Test {
 protected:
  Nix2containerTest() {
    Shell(absl::StrCat("mkdir -p ", Store(kA), "/bin ", Store(kB), "/share && cd ", Store(kA),
                       " && printf tool > bin/tool && chmod 755 bin/tool && ln -s /etc link && cd ",
                       Store(kB), " && printf hello > share/text && printf x > file"));
  }

  std::string Store(const std::string& path) const { return scratch_ / "root" + path; }

  // An image whose only layer has the given members.
  void Describe(const std::string& layer) {
    PutFile(
        scratch_ / "image.json",
        absl::StrCat(R"({"version": 1, "image-config": {}, "arch": "amd64", "layers": [{)",
                     R"("digest": "sha256:)", std::string(64, '0'), R"(", "diff_ids": "sha256:)",
                     std::string(64, '0'), R"(", )", layer, "}]}"));
  }
  void DescribePaths(const std::vector<std::string>& paths) {
    std::string list;
    for (const std::string& path : paths) absl::StrAppend(&list, list.empty() ? "" : ",", path);
    Describe(absl::StrCat(R"("paths": [)", list, "]"));
  }
  static std::string Path(const std::string& path, const std::string& options = {}) {
    return absl::StrCat(R"({"path": ")", path, "\"",
                        options.empty() ? "" : absl::StrCat(R"(, "options": {)", options, "}"),
                        "}");
  }

  void Stream(bool verify, EntrySink& sink) {
    OpenOptions options;
    options.store = "store:" + scratch_ / "root";
    options.limits = limits_;
    absl::StatusOr<std::unique_ptr<Tree>> tree =
        OpenImage("nix:" + scratch_ / "image.json", options);
    ASSERT_TRUE(tree.ok()) << tree.status();
    problems_ = (*tree)->problems();
    if ((*tree)->parts().empty()) return;
    (*tree)->Stream(0, verify, sink, problems_);
  }
  // Names, with what could not be read marked.
  std::vector<std::string> Names(bool verify = false) {
    RecordingSink sink;
    Stream(verify, sink);
    std::vector<std::string> names;
    for (const RecordingSink::File& file : sink.files()) {
      names.push_back(file.entry.path + (file.complete ? "" : " (incomplete)"));
    }
    return names;
  }
  bool Has(Problem::Kind kind, std::string_view part) const {
    return HasProblem(problems_, kind, part);
  }

  const TemporaryDirectory scratch_;
  TreeLimits limits_;
  std::vector<Problem> problems_;
};

TEST_F(Nix2containerTest, EntriesOfAnArchiveThatIsNotThere) {
  DescribePaths({Path(kB), Path(kA)});
  const std::string a = kA, b = kB;
  EXPECT_THAT(Names(), ElementsAre("/", "/nix", "/nix/store", a, a + "/bin", a + "/bin/tool",
                                   a + "/link", b, b + "/file", b + "/share", b + "/share/text"));
  EXPECT_THAT(problems_, IsEmpty()) << lre_audit::Describe(problems_);
  // The digest of the description is not the archive's.
  Names(true);
  ASSERT_EQ(problems_.size(), 1u);
  EXPECT_TRUE(Has(Problem::Kind::kDigestMismatch, "described"));
}

TEST_F(Nix2containerTest, MetadataAsInTheArchive) {
  DescribePaths({Path(kA, R"("perms": [{"regex": "tool", "mode": "0640", "uid": 7, "gid": 8}])")});
  RecordingSink sink;
  Stream(false, sink);
  const RecordingSink::File* tool = sink.Find(std::string(kA) + "/bin/tool");
  ASSERT_NE(tool, nullptr);
  EXPECT_EQ(tool->entry.mode, 0640u);
  EXPECT_EQ(tool->entry.uid, 7u);
  EXPECT_EQ(tool->entry.gid, 8u);
  EXPECT_EQ(tool->entry.mtime, 1);
  EXPECT_EQ(tool->contents, "tool");
  const RecordingSink::File* link = sink.Find(std::string(kA) + "/link");
  ASSERT_NE(link, nullptr);
  EXPECT_EQ(link->entry.target, "/etc");
  EXPECT_EQ(link->entry.mode, 0777u);
  EXPECT_EQ(sink.Find("/nix")->entry.mode, 0755u);
}

TEST_F(Nix2containerTest, RewritesMoveAndDrop) {
  const std::string a = kA;
  DescribePaths({Path(kA, R"("rewrite": {"regex": "^.*-a", "repl": ""})"),
                 Path(kB, R"("rewrite": {"regex": "^.*-b(/share)?", "repl": "usr"})")});
  EXPECT_THAT(Names(),
              ElementsAre("/", "/bin", "/bin/tool", "/link", "/usr", "/usr/file", "/usr/text"));
}

TEST_F(Nix2containerTest, TheLaterOfTwoSourcesCounts) {
  Shell("printf share > " + Store(kB) + "/other");
  Shell("printf HELLO > " + Store(kA) + "/other");
  const std::string flat = R"("rewrite": {"regex": "^.*-[ab]", "repl": "/x"})";
  DescribePaths({Path(std::string(kA) + "/other", flat), Path(std::string(kB) + "/other", flat)});
  RecordingSink sink;
  Stream(false, sink);
  EXPECT_EQ(sink.Find("/x/other")->contents, "share");
  EXPECT_THAT(problems_, IsEmpty());
  // nix2container looks at modes, sizes and permissions.
  Shell("printf longer > " + Store(kA) + "/other");
  Names(true);
  EXPECT_TRUE(Has(Problem::Kind::kMalformed, "one has 6 bytes, the other 5"));
  Shell("printf HELLO > " + Store(kA) + "/other && chmod 755 " + Store(kA) + "/other");
  Names(true);
  EXPECT_TRUE(Has(Problem::Kind::kMalformed, "one has the mode 0755, the other 0644"));
  EXPECT_FALSE(Has(Problem::Kind::kDigestMismatch, ""));
  Shell("chmod 644 " + Store(kA) + "/other");
  DescribePaths({Path(std::string(kA) + "/other", flat + R"(, "perms": [{"regex": "."}])"),
                 Path(std::string(kB) + "/other", flat + R"(, "perms": [{"regex": "x"}])")});
  Names(true);
  EXPECT_TRUE(Has(Problem::Kind::kMalformed, "other permissions"));
}

TEST_F(Nix2containerTest, WhatIsMissingDoesNotHideTheRest) {
  DescribePaths({Path(std::string(kA) + "c"), Path(std::string(kA) + "/bin/none"), Path(kB)});
  EXPECT_THAT(Names(true), testing::Contains(std::string(kB) + "/share/text"));
  EXPECT_EQ(problems_.size(), 2u) << lre_audit::Describe(problems_);
  EXPECT_TRUE(Has(Problem::Kind::kUnreadable, "nix-store --realise"));
}

TEST_F(Nix2containerTest, NothingOutsideTheStore) {
  PutFile(scratch_ / "secret", "s");
  for (const std::string& path :
       {scratch_ / "secret", Store(kA), std::string("/nix/store"), std::string("/nix/store/"),
        std::string("/"), std::string(), std::string("nix/store/x"), std::string(kA) + "/",
        std::string(kA) + "/../../../../secret", std::string(kA) + "//bin",
        std::string(kA) + "/./bin", std::string("/nix/storex/") + kA}) {
    DescribePaths({Path(path)});
    EXPECT_THAT(Names(true), IsEmpty()) << path;
    EXPECT_FALSE(Has(Problem::Kind::kDigestMismatch, "")) << path;
    EXPECT_TRUE(Has(Problem::Kind::kUnreadable, "")) << path;
    Describe(absl::StrCat(R"("layer-path": ")", path.empty() ? "x" : path, "\""));
    EXPECT_THAT(Names(true), IsEmpty()) << path;
    EXPECT_TRUE(Has(Problem::Kind::kUnreadable, "")) << path;
  }
}

TEST_F(Nix2containerTest, SymlinksAreNotFollowed) {
  Shell("cd " + Store(kA) + " && ln -s . here && ln -s .. up && ln -s bin/tool tool");
  for (const char* path : {"/here/bin", "/up/bin/tool", "/here/bin/tool"}) {
    DescribePaths({Path(kA + std::string(path))});
    EXPECT_THAT(Names(true), IsEmpty()) << path;
    EXPECT_TRUE(Has(Problem::Kind::kUnreadable, "symbolic link")) << path;
    Describe(absl::StrCat(R"("layer-path": ")", kA, path, "\""));
    EXPECT_THAT(Names(true), IsEmpty()) << path;
    EXPECT_TRUE(Has(Problem::Kind::kUnreadable, "symbolic link")) << path;
  }
  // As the path itself it is what goes into the archive.
  DescribePaths({Path(kA + std::string("/tool"))});
  EXPECT_THAT(Names(), ElementsAre("/", "/nix", "/nix/store", kA, kA + std::string("/tool")));
  Describe(absl::StrCat(R"("layer-path": ")", kA, R"(/tool")"));
  EXPECT_THAT(Names(true), IsEmpty());
  EXPECT_TRUE(Has(Problem::Kind::kUnreadable, "symbolic link"));
}

TEST_F(Nix2containerTest, SpecialFiles) {
  Shell("mkfifo " + Store(kA) + "/fifo");
  DescribePaths({Path(kA)});
  EXPECT_THAT(Names(true), testing::Contains(std::string(kA) + "/link"));
  EXPECT_TRUE(Has(Problem::Kind::kMalformed, "neither file, directory nor symbolic link"));
  Describe(absl::StrCat(R"("layer-path": ")", kA, R"(/fifo")"));
  EXPECT_THAT(Names(true), IsEmpty());
  EXPECT_TRUE(Has(Problem::Kind::kUnreadable, "not a regular file"));
}

// Does something when an entry begins, or when its first contents come.
class MeddlingSink : public RecordingSink {
 public:
  MeddlingSink(std::string path, std::function<void()> meddle)
      : path_(std::move(path)), meddle_(std::move(meddle)) {}
  void BeginEntry(const Entry& entry) override {
    if (entry.path == path_) meddle_();
    RecordingSink::BeginEntry(entry);
  }

 private:
  const std::string path_;
  const std::function<void()> meddle_;
};

TEST_F(Nix2containerTest, FilesThatChangeWhileTheyAreRead) {
  const std::string large = std::string(kA) + "/large";
  PutFile(Store(large), std::string(3 << 20, 'l'));
  DescribePaths({Path(kA), Path(kB)});
  // Half of it goes away when its beginning has been read.
  MeddlingSink cut(large, [&] { ASSERT_EQ(truncate(Store(large).c_str(), 2 << 20), 0); });
  Stream(true, cut);
  EXPECT_FALSE(cut.Find(large)->complete);
  EXPECT_EQ(cut.Find(large)->bytes, 2u << 20);
  EXPECT_TRUE(cut.Find(std::string(kB) + "/share/text")->complete);
  EXPECT_TRUE(Has(Problem::Kind::kUnreadable, "ended 1048576 bytes early"));
  EXPECT_FALSE(Has(Problem::Kind::kDigestMismatch, ""));

  // Another file is no longer there, or has another size, when its turn comes.
  MeddlingSink remove(large, [&] { Shell("rm " + Store(kB) + "/file"); });
  Stream(true, remove);
  EXPECT_EQ(remove.Find(std::string(kB) + "/file"), nullptr);
  EXPECT_TRUE(remove.Find(std::string(kB) + "/share/text")->complete);
  EXPECT_TRUE(Has(Problem::Kind::kUnreadable, "-b/file"));
  EXPECT_FALSE(Has(Problem::Kind::kDigestMismatch, ""));
  MeddlingSink grow(large, [&] { Shell("printf more >> " + Store(kB) + "/share/text"); });
  Stream(true, grow);
  EXPECT_TRUE(Has(Problem::Kind::kUnreadable, "has 9 bytes, and had 5 just before"));
}

TEST_F(Nix2containerTest, Limits) {
  DescribePaths({Path(kA), Path(kB)});
  limits_.layer_entries = 5;
  Names(true);
  EXPECT_TRUE(Has(Problem::Kind::kLimit, "more than 5 files"));
  EXPECT_FALSE(Has(Problem::Kind::kDigestMismatch, ""));
  limits_ = {};
  limits_.layer_metadata_bytes = 100;
  Names(true);
  EXPECT_TRUE(Has(Problem::Kind::kLimit, "more than 100"));
  limits_ = {};
  limits_.decode.bytes = 5;
  Names(true);
  EXPECT_TRUE(Has(Problem::Kind::kLimit, "contents of"));
  limits_ = {};
  limits_.layers = 0;
  Names(true);
  EXPECT_TRUE(Has(Problem::Kind::kLimit, "1 layers, more than 0"));
  limits_ = {};
  limits_.json_bytes = 10;
  OpenOptions options;
  options.limits = limits_;
  EXPECT_EQ(OpenImage("nix:" + scratch_ / "image.json", options).status().code(),
            absl::StatusCode::kResourceExhausted);
  limits_ = {};

  // Patterns of one path, and of all.
  std::string permissions;
  for (int i = 0; i < 1001; ++i)
    absl::StrAppend(&permissions, i > 0 ? "," : "", R"({"regex": "a"})");
  DescribePaths({Path(kA, absl::StrCat(R"("perms": [)", permissions, "]"))});
  Names(true);
  EXPECT_TRUE(Has(Problem::Kind::kLimit, "more patterns"));
  permissions.resize(permissions.rfind(','));
  std::vector<std::string> paths(11, Path(kA, absl::StrCat(R"("perms": [)", permissions, "]")));
  DescribePaths(paths);
  Names(true);
  EXPECT_TRUE(Has(Problem::Kind::kLimit, "more patterns"));
}

// What is cheap to write and costly to do.
TEST_F(Nix2containerTest, LimitsOfWork) {
  const std::string nested = std::string(200, '(') + "a" + std::string(200, ')');
  DescribePaths({Path(kA, R"("rewrite": {"regex": ")" + nested + R"(", "repl": ""})"), Path(kB)});
  EXPECT_THAT(Names(true), testing::Contains(std::string(kB) + "/file"));
  EXPECT_TRUE(Has(Problem::Kind::kLimit, "200 groups, more than 100"));
  EXPECT_FALSE(Has(Problem::Kind::kDigestMismatch, ""));

  DescribePaths(std::vector<std::string>(51, Path(kA)));
  Names(true);
  EXPECT_TRUE(Has(Problem::Kind::kLimit, "1 paths that the image has named 50 times before"));
  EXPECT_FALSE(Has(Problem::Kind::kDigestMismatch, ""));
  DescribePaths(std::vector<std::string>(50, Path(kA)));
  Names();
  EXPECT_THAT(problems_, IsEmpty()) << lre_audit::Describe(problems_);
}

TEST_F(Nix2containerTest, DeepDirectories) {
  Shell("cd " + Store(kA) + " && for i in $(seq 450); do mkdir d && cd d; done");
  DescribePaths({Path(kA)});
  Names(true);
  EXPECT_TRUE(Has(Problem::Kind::kLimit, "400 deep"));
}

TEST_F(Nix2containerTest, KeysInAnyCase) {
  const std::string zeros(64, '0');
  PutFile(scratch_ / "image.json",
          absl::StrCat(R"({"Image-Config": {"env": ["A=b"]}, "LAYERS": [{"Digest": "sha256:)",
                       zeros, R"(", "DIFF_IDS": "sha256:)", zeros, R"(", "Paths": [{"PATH": ")", kA,
                       R"("}]}]})"));
  EXPECT_THAT(Names(), testing::Contains(std::string(kA) + "/link"));
  EXPECT_TRUE(Has(Problem::Kind::kMalformed, "take no heed of case"));
}

TEST_F(Nix2containerTest, MediaTypes) {
  const auto problems = [&](const std::string& media_type) {
    PutFile(scratch_ / "layers.json",
            absl::StrCat(R"([{"digest": "sha256:)", std::string(64, '0'),
                         R"(", "diff_ids": "sha256:)", std::string(64, '1'),
                         R"(", "paths": [], "mediatype": ")", media_type, R"("}])"));
    return (*OpenImage("nix:" + scratch_ / "layers.json", {}))->problems();
  };
  EXPECT_THAT(problems("application/vnd.oci.image.layer.v1.tar"), IsEmpty());
  const std::vector<Problem> found = problems("application/json");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, Problem::Kind::kMalformed);
  EXPECT_THAT(found[0].message, HasSubstr("mediatype is \"application/json\""));
  // It is this description that says what is in the image.
  EXPECT_TRUE(found[0].hides_files);
}

TEST_F(Nix2containerTest, ConfigurationAndHistory) {
  const std::string layer =
      absl::StrCat(R"({"digest": "sha256:)", std::string(64, '0'), R"(", "diff_ids": "sha256:)",
                   std::string(64, '1'), R"(", "paths": [], "History": {"created_by": "me"}})");
  PutFile(scratch_ / "image.json",
          absl::StrCat(R"({"version": 1, "arch": "arm64", "image-config": {"Env": ["PATH=/bin"],
                         "Entrypoint": ["/e"], "Cmd": ["c"], "User": "u", "WorkingDir": "/w",
                         "Labels": {"env": "a label of this name is no field"}},
                         "layers": [)",
                       layer, "]}"));
  const auto tree = OpenImage("nix:" + scratch_ / "image.json", {});
  ASSERT_TRUE(tree.ok()) << tree.status();
  EXPECT_THAT((*tree)->problems(), IsEmpty());
  const ImageConfig& config = (*tree)->config();
  EXPECT_TRUE(config.present);
  EXPECT_EQ(config.os, "linux");
  EXPECT_EQ(config.architecture, "arm64");
  EXPECT_THAT(config.env, ElementsAre("PATH=/bin"));
  EXPECT_THAT(config.entrypoint, ElementsAre("/e"));
  EXPECT_THAT(config.cmd, ElementsAre("c"));
  EXPECT_EQ(config.user, "u");
  EXPECT_EQ(config.working_dir, "/w");
  EXPECT_THAT(config.history, ElementsAre("me"));
  EXPECT_EQ((*tree)->parts()[0].diff_id, "sha256:" + std::string(64, '1'));

  PutFile(scratch_ / "layers.json", absl::StrCat("[", layer, "]"));
  const auto layers = OpenImage(scratch_ / "layers.json", {});
  ASSERT_TRUE(layers.ok()) << layers.status();
  EXPECT_FALSE((*layers)->config().present);
  EXPECT_EQ((*layers)->parts().size(), 1u);
}

TEST_F(Nix2containerTest, VerifiedWithoutBeingRead) {
  const auto describe = [&](const std::string& digest, const std::string& diff_id) {
    PutFile(scratch_ / "image.json",
            absl::StrCat(R"([{"digest": ")", digest, R"(", "diff_ids": ")", diff_id,
                         R"(", "paths": [)", Path(kA), ",", Path(kB), "]}]"));
  };
  const auto verify = [&](const std::string& diff_id) {
    OpenOptions options;
    options.store = "store:" + scratch_ / "root";
    const auto tree = OpenImage("nix:" + scratch_ / "image.json", options);
    problems_.clear();
    return tree.ok() && (*tree)->Verify(0, diff_id, problems_);
  };
  DescribePaths({Path(kA), Path(kB)});
  Names(true);
  ASSERT_TRUE(Has(Problem::Kind::kDigestMismatch, ""));
  const std::string digest = problems_[0].actual, other = "sha256:" + std::string(64, '1');
  describe(digest, digest);
  EXPECT_TRUE(verify(digest));
  EXPECT_THAT(problems_, IsEmpty());
  describe(digest, other);
  EXPECT_TRUE(verify(digest));
  EXPECT_TRUE(Has(Problem::Kind::kDiffIdMismatch, ""));
  describe("", digest);  // a damaged description is not vouched for
  EXPECT_FALSE(verify(digest));
  describe(other, digest);
  EXPECT_FALSE(verify(digest));
  EXPECT_THAT(problems_, IsEmpty());
  describe("", "");
  EXPECT_FALSE(verify(""));
  // Two algorithms: the archive has both digests.
  const std::string sha512 = "sha512:" + std::string(128, '2');
  describe(digest, sha512);
  EXPECT_TRUE(verify(sha512));
  ASSERT_TRUE(Has(Problem::Kind::kDiffIdMismatch, "sha512:"));
  describe(digest, problems_[0].actual);
  EXPECT_THAT(Names(true), testing::Contains(kB));
  EXPECT_THAT(problems_, IsEmpty()) << lre_audit::Describe(problems_);
  // What has changed, or is gone, is for Stream to tell.
  describe(digest, digest);
  Shell("printf HELLO > " + Store(kB) + "/share/text");
  EXPECT_FALSE(verify(digest));
  Shell("rm " + Store(kB) + "/share/text");
  EXPECT_FALSE(verify(digest));
  EXPECT_THAT(problems_, IsEmpty());
}

class ThreadedSink : public RecordingSink {
 public:
  explicit ThreadedSink(int threads) : threads_(threads) {}
  SpareThreads* threads() override { return &threads_; }

 private:
  SpareThreads threads_;
};

TEST_F(Nix2containerTest, HashedBesideTheReading) {
  PutFile(Store(std::string(kA) + "/large"), std::string(5 << 20, 'l'));
  DescribePaths({Path(kA), Path(kB)});
  Names(true);
  ASSERT_EQ(problems_.size(), 1u);
  const std::string digest = problems_[0].actual;
  for (const int threads : {0, 1, 4}) {
    ThreadedSink sink(threads);
    Stream(true, sink);
    ASSERT_EQ(problems_.size(), 1u);
    EXPECT_EQ(problems_[0].actual, digest) << threads;
    EXPECT_EQ(sink.Find(std::string(kA) + "/large")->bytes, 5u << 20);
  }
}

TEST_F(Nix2containerTest, WithoutAStore) {
  DescribePaths({Path(kA)});
  OpenOptions options;
  options.store = "store:" + scratch_ / "none";
  const auto tree = OpenImage("nix:" + scratch_ / "image.json", options);
  ASSERT_TRUE(tree.ok()) << tree.status();
  RecordingSink sink;
  std::vector<Problem> problems;
  (*tree)->Stream(0, true, sink, problems);
  EXPECT_TRUE(HasProblem(problems, Problem::Kind::kUnreadable, "none"));
}

}  // namespace
}  // namespace lre_audit
