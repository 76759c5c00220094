#include "audit/trees/directory_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/nix/nar.h"
#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Problem::Kind;

TEST(Rootfs, PartsAndOrder) {
  TemporaryDirectory scratch;
  Shell("cd " + scratch.path() +
        " && mkdir -p r/nix/store/{h-p/bin,.links} r/etc && echo x > r/nix/store/h-p/bin/x && "
        "ln r/nix/store/h-p/bin/x r/nix/store/h-p/bin/y && ln -s /etc/passwd r/nix/store/h-link && "
        "echo 'a.b' > r/etc/a.b && mkdir r/etc/a && echo in > r/etc/a/in && mkfifo r/etc/fifo && "
        "ln -s / r/etc/root && : > r/nix/store/tmp-1");
  const auto tree = OpenImage("rootfs:" + scratch / "r", {});
  ASSERT_TRUE(tree.ok()) << tree.status().ToString();
  std::vector<std::string> names;
  std::vector<Problem> problems;
  std::vector<RecordingSink> sinks((*tree)->parts().size());
  for (size_t i = 0; i < sinks.size(); ++i) {
    names.push_back((*tree)->parts()[i].name);
    (*tree)->Stream(i, true, sinks[i], problems);
  }
  EXPECT_THAT(problems, IsEmpty()) << Describe(problems);
  EXPECT_THAT(names, ElementsAre("files", "/nix/store/.links", "/nix/store/h-link",
                                 "/nix/store/h-p", "/nix/store/tmp-1"));
  EXPECT_THAT(sinks[0].Paths(), ElementsAre("/", "/etc", "/etc/a", "/etc/a/in", "/etc/a.b",
                                            "/etc/fifo", "/etc/root", "/nix", "/nix/store"));
  EXPECT_EQ(sinks[0].Find("/etc/fifo")->entry.type, Entry::Type::kFifo);
  EXPECT_EQ(sinks[2].files()[0].entry.target, "/etc/passwd");
  EXPECT_THAT(sinks[3].Paths(), ElementsAre("/nix/store/h-p", "/nix/store/h-p/bin",
                                            "/nix/store/h-p/bin/x", "/nix/store/h-p/bin/y"));
  EXPECT_EQ(sinks[3].files()[3].entry.type, Entry::Type::kRegular);
  EXPECT_EQ(sinks[3].files()[3].contents, "x\n");
}

TEST(Rootfs, NoSymlinkIsFollowed) {
  TemporaryDirectory scratch;
  Shell("cd " + scratch.path() +
        " && mkdir -p outside/store r && echo secret > outside/store/s && "
        "ln -s ../outside r/nix");
  const auto tree = OpenImage("rootfs:" + scratch / "r", {});
  ASSERT_TRUE(tree.ok());
  ASSERT_EQ((*tree)->parts().size(), 1u);
  RecordingSink sink;
  std::vector<Problem> problems;
  (*tree)->Stream(0, true, sink, problems);
  EXPECT_THAT(sink.Paths(), ElementsAre("/", "/nix"));
}

TEST(Rootfs, KernelFileSystemsArePassedOver) {
  // "/proc" as an entry of the root directory: the mount point is seen, its contents are not.
  const auto tree = OpenStore("/", "", {"/proc"});
  ASSERT_TRUE(tree.ok()) << tree.status().ToString();
  RecordingSink sink;
  std::vector<Problem> problems;
  (*tree)->Stream(0, true, sink, problems);
  EXPECT_THAT(sink.Paths(), ElementsAre("/proc"));
  EXPECT_EQ(OpenImage("rootfs:/nonexistent", {}).status().code(), absl::StatusCode::kNotFound);
}

// A file that shrinks between two pieces.
TEST(Rootfs, FilesThatChangeWhileTheyAreRead) {
  TemporaryDirectory scratch;
  const std::string path = scratch / "big";
  for (const bool grow : {false, true}) {
    Shell("head -c 1000000 /dev/zero > " + path);
    class Changing : public RecordingSink {
     public:
      Changing(std::string file, bool grow) : path_(std::move(file)), grow_(grow) {}
      void Data(std::string_view piece) override {
        if (files().back().bytes == 0) {
          Shell(grow_ ? "echo more >> " + path_ : "truncate -s 300000 " + path_);
        }
        RecordingSink::Data(piece);
      }

     private:
      std::string path_;
      bool grow_;
    } sink(path, grow);
    const auto tree = OpenImage("rootfs:" + scratch.path(), {});
    std::vector<Problem> problems;
    (*tree)->Stream(0, true, sink, problems);
    EXPECT_TRUE(HasProblem(problems, Kind::kUnreadable, grow ? "grew" : "ended after 300000"))
        << Describe(problems);
    EXPECT_FALSE(sink.Find("/big")->complete);
  }
}

TEST(Store, OnlyItsOwnPaths) {
  TemporaryDirectory scratch;
  Shell("mkdir -p " + scratch / "nix/store/h-a && echo x > " + scratch / "nix/store/h-a/f");
  for (const std::string& bad :
       {std::string("/etc/passwd"), std::string("/nix/store/"), std::string("/nix/store/."),
        std::string("/nix/store/.."), std::string("/nix/store/h-a/f"), std::string(),
        std::string("/nix/store/h-a\0", 15)}) {
    EXPECT_EQ(OpenStore(scratch.path(), "/nix/store", {bad}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << bad;
  }
  const auto tree =
      OpenStore(scratch.path(), "/nix/store", {"/nix/store/h-a", "/nix/store/h-missing"});
  ASSERT_TRUE(tree.ok()) << tree.status().ToString();
  EXPECT_TRUE((*tree)->is_nar_ordered());
  RecordingSink present, missing;
  std::vector<Problem> problems;
  (*tree)->Stream(0, true, present, problems);
  EXPECT_THAT(present.Paths(), ElementsAre("/nix/store/h-a", "/nix/store/h-a/f"));
  EXPECT_THAT(problems, IsEmpty());
  (*tree)->Stream(1, true, missing, problems);
  EXPECT_THAT(missing.Paths(), IsEmpty());
  EXPECT_THAT(problems, IsEmpty()) << Describe(problems);
}

TEST(Store, EntriesThatAreNoStorePaths) {
  TemporaryDirectory scratch;
  Shell("mkdir -p " + scratch / "nix/store/.links" + " && cd " + scratch / "nix/store" +
        " && : > .links/x && : > tmp-1 && ln -s /nowhere dangling && ln -s loop loop && "
        ": > 'a b.lock'");
  const std::vector<std::string> names = {".links", "tmp-1", "dangling", "loop", "a b.lock"};
  std::vector<std::string> paths;
  for (const std::string& name : names) paths.push_back("/nix/store/" + name);
  const auto tree = OpenStore(scratch.path(), "/nix/store", paths);
  ASSERT_TRUE(tree.ok()) << tree.status().ToString();
  std::vector<Problem> problems;
  for (size_t part = 0; part < paths.size(); ++part) {
    RecordingSink sink;
    (*tree)->Stream(part, true, sink, problems);
    ASSERT_FALSE(sink.files().empty()) << paths[part];
    EXPECT_EQ(sink.files()[0].entry.path, paths[part]);
    EXPECT_EQ(sink.files().size(), part == 0 ? 2u : 1u);
  }
  EXPECT_THAT(problems, IsEmpty()) << Describe(problems);
}

// Whatever is wrong but that it is not there stays a problem.
TEST(Store, OtherErrorsOfTheTop) {
  TemporaryDirectory scratch;
  const std::string too_long(300, 'x');
  Shell("mkdir -p " + scratch / "nix/store");
  const auto tree = OpenStore(scratch.path(), "/nix/store", {"/nix/store/" + too_long});
  ASSERT_TRUE(tree.ok()) << tree.status().ToString();
  RecordingSink sink;
  std::vector<Problem> problems;
  (*tree)->Stream(0, true, sink, problems);
  EXPECT_TRUE(HasProblem(problems, Kind::kUnreadable, "File name too long"));
}

}  // namespace
}  // namespace lre_audit
