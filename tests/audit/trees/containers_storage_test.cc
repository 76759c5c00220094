// Layers as container engines unpack them: the overlay file system's signs, the archive put
// together again, and what a hostile storage may ask for.
#include "audit/trees/containers_storage.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "audit/trees/overlay_layer.h"
#include "audit/trees/tar_split.h"
#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ParseStorageReference, AsContainersImageHasIt) {
  const auto fields = [](const std::string& text) {
    const auto reference = ParseStorageReference(text);
    return reference.ok()
               ? std::vector<std::string>({reference->driver, reference->root, reference->name})
               : std::vector<std::string>({std::string(reference.status().message())});
  };
  EXPECT_THAT(fields("worker:t"), ElementsAre("", "", "worker:t"));
  EXPECT_THAT(fields("[/r]worker:t"), ElementsAre("", "/r", "worker:t"));
  EXPECT_THAT(fields("[overlay@/r+/run:overlay.mountopt=nodev]quay.io/a/b@sha256:00"),
              ElementsAre("overlay", "/r", "quay.io/a/b@sha256:00"));
  EXPECT_THAT(fields("[vfs@]@abc"), ElementsAre("vfs", "", "@abc"));
  EXPECT_THAT(fields("[vfs@/r"), ElementsAre(HasSubstr("without \"]\"")));
}

struct Listed {
  std::vector<std::string> lines;
  std::vector<Problem> problems;
};

// The entries of every part, but for directories: "0 regular /a (mode) contents".
Listed List(const std::string& reference) {
  Listed listed;
  const auto tree = OpenImage(reference, {});
  EXPECT_TRUE(tree.ok()) << tree.status().ToString();
  if (!tree.ok()) return listed;
  listed.problems = (*tree)->problems();
  for (size_t part = 0; part < (*tree)->parts().size(); ++part) {
    RecordingSink sink;
    (*tree)->Stream(part, true, sink, listed.problems);
    uint64_t index = 0;
    for (const RecordingSink::File& file : sink.files()) {
      EXPECT_EQ(file.entry.index, index++);
      if (file.entry.type == Entry::Type::kDirectory) continue;
      const bool has_mode = file.entry.type == Entry::Type::kRegular;
      listed.lines.push_back(std::to_string(part) + " " +
                             std::to_string(static_cast<int>(file.entry.type)) + " " +
                             file.entry.path + " " + file.entry.target + " " +
                             (has_mode ? std::to_string(file.entry.mode) : "") + " " +
                             std::to_string(file.entry.uid) + " " + file.contents);
    }
  }
  std::sort(listed.lines.begin(), listed.lines.end());
  return listed;
}

TEST(ContainersStorage, WhiteoutsAreThoseOfTheArchive) {
  TemporaryDirectory scratch;
  Shell("cd " + scratch.path() + R"( && umoci init --layout oci && umoci new --image oci:t
    mkdir -p l/c/f u/c && echo a > l/a && echo b > l/b && echo d > l/c/d && echo g > l/c/f/g
    ln -s a l/link && printf '' > l/empty && chmod 4755 l/a
    echo e > u/c/e && touch u/.wh.b u/c/.wh..wh..opq
    tar --owner=0 --group=0 -cf 1.tar -C l . && tar --owner=0 --group=0 -cf 2.tar -C u .
    umoci raw add-layer --image oci:t 1.tar && umoci raw add-layer --image oci:t 2.tar
    stored() { if [ $(id -u) = 0 ]; then unshare -m "$@"; else unshare -Urm "$@"; fi; }
    stored skopeo copy -q oci:oci:t "containers-storage:[overlay@$PWD/s+$PWD/run]x:t")");
  const Listed oci = List("oci:" + scratch / "oci:t");
  const Listed stored = List("containers-storage:[" + scratch / "s" + "]x:t");
  EXPECT_THAT(stored.problems, IsEmpty()) << Describe(stored.problems);
  EXPECT_EQ(stored.lines, oci.lines);
  EXPECT_EQ(stored.lines.size(), 9u);
}

// vfs copies all below into each layer's directory; what a layer did is found by comparing.
TEST(ContainersStorage, VfsLayersAreToldApart) {
  TemporaryDirectory scratch;
  Shell("cd " + scratch.path() + R"( && umoci init --layout oci && umoci new --image oci:t
    mkdir -p l/c/f l/same u/c u/same/new top && echo a > l/a && echo b > l/b && echo d > l/c/d
    echo g > l/c/f/g && ln -s a l/link && echo x > l/same/x && echo k > l/same/kept
    echo e > u/c/e && touch u/.wh.b u/c/.wh..wh..opq && echo y > u/same/x && echo k > u/same/kept
    echo n > u/same/new/n && ln -s b u/link && mkdir u/a && echo i > u/a/inside
    echo z > top/z && chmod 600 top/z
    find l u top -exec touch -h -d @1 {} +
    for i in l u top; do
      tar --owner=0 --group=0 -cf $i.tar -C $i . && umoci raw add-layer --image oci:t $i.tar
    done
    stored() { if [ $(id -u) = 0 ]; then unshare -m "$@"; else unshare -Urm "$@"; fi; }
    stored skopeo copy -q oci:oci:t "containers-storage:[vfs@$PWD/s+$PWD/run]x:t")");
  const std::string reference = "containers-storage:[" + scratch / "s" + "]x:t";
  const Listed stored = List(reference);
  EXPECT_THAT(stored.problems, IsEmpty()) << Describe(stored.problems);
  const auto line = [](int part, Entry::Type type, const std::string& rest) {
    return std::to_string(part) + " " + std::to_string(static_cast<int>(type)) + " " + rest;
  };
  using Type = Entry::Type;
  EXPECT_THAT(
      stored.lines,
      testing::UnorderedElementsAre(
          line(0, Type::kRegular, "/a  420 0 a\n"), line(0, Type::kRegular, "/b  420 0 b\n"),
          line(0, Type::kRegular, "/c/d  420 0 d\n"), line(0, Type::kRegular, "/c/f/g  420 0 g\n"),
          line(0, Type::kSymlink, "/link a  0 "), line(0, Type::kRegular, "/same/x  420 0 x\n"),
          line(0, Type::kRegular, "/same/kept  420 0 k\n"), line(1, Type::kWhiteout, "/b   0 "),
          line(1, Type::kWhiteout, "/c/d   0 "), line(1, Type::kWhiteout, "/c/f   0 "),
          line(1, Type::kRegular, "/c/e  420 0 e\n"), line(1, Type::kSymlink, "/link b  0 "),
          line(1, Type::kRegular, "/a/inside  420 0 i\n"),
          // Of the same size and time as the one below.
          line(1, Type::kRegular, "/same/x  420 0 y\n"),
          line(1, Type::kRegular, "/same/new/n  420 0 n\n"),
          line(2, Type::kRegular, "/z  384 0 z\n")));

  // What was done to a copy is no layer's doing, and is told.
  Shell("cd " + scratch / "s/vfs/dir" + R"( && top=$(dirname $(ls */z)) && cd $top
    printf 'K\n' > same/kept && touch -d @1 same/kept && rm same/x && echo m > more && echo b > b)");
  const Listed altered = List(reference);
  ASSERT_EQ(altered.problems.size(), 1u) << Describe(altered.problems);
  EXPECT_EQ(altered.problems[0].kind, Problem::Kind::kViewsDisagree);
  EXPECT_THAT(altered.problems[0].message,
              HasSubstr("in 4 places: /b is not in the archive; /more is not in the archive; "
                        "/same/kept is not in the archive; /same/x is missing, which a lower"));
  EXPECT_THAT(altered.lines,
              testing::IsSupersetOf({line(2, Type::kRegular, "/same/kept  420 0 K\n"),
                                     line(2, Type::kWhiteout, "/same/x   0 ")}));
}

TEST(OverlayLayerSink, SignsOfEveryKind) {
  TemporaryDirectory scratch;
  const FileHandle directory(open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY));
  RecordingSink sink;
  OverlayLayerSink overlay(directory, 1000, 100, sink);
  const auto add = [&](const std::string& path, Entry::Type type,
                       std::vector<std::pair<std::string, std::string>> xattrs, uint64_t uid,
                       const std::string& contents) {
    Entry entry;
    entry.path = path;
    entry.type = type;
    entry.uid = uid;
    entry.gid = 100;
    entry.mode = 0644;
    entry.size = contents.size();
    entry.xattrs = std::move(xattrs);
    overlay.BeginEntry(entry);
    if (!contents.empty()) overlay.Data(contents);
    overlay.EndEntry(true);
  };
  using Type = Entry::Type;
  add("/", Type::kDirectory, {}, 1000, "");
  add("/a", Type::kDirectory, {{"trusted.overlay.opaque", "y"}}, 1000, "");
  add("/a/.wh.gone", Type::kRegular, {}, 1000, "");
  add("/b", Type::kDirectory, {{"user.overlay.opaque", "x"}, {"user.mine", "1"}}, 1000, "");
  add("/b/.wh..wh..opq", Type::kRegular, {}, 1000, "");
  add("/b/x", Type::kRegular, {{"user.overlay.whiteout", "y"}}, 1000, "");
  add("/b/y", Type::kRegular, {}, 2000, "contents");
  add("/b/z", Type::kRegular, {{"user.containers.override_stat", "5:6:4755"}}, 1000, "");
  // A device of this name is none of overlayfs's.
  add("/b/device", Type::kCharacterDevice, {}, 0, "");

  std::vector<std::string> seen;
  for (const RecordingSink::File& file : sink.files()) {
    EXPECT_EQ(file.entry.index, seen.size());
    EXPECT_TRUE(file.complete) << file.entry.path;
    seen.push_back(std::to_string(static_cast<int>(file.entry.type)) + " " + file.entry.path + " " +
                   std::to_string(file.entry.uid) + ":" + std::to_string(file.entry.gid));
  }
  const auto type = [](Type t) { return std::to_string(static_cast<int>(t)); };
  EXPECT_THAT(
      seen, ElementsAre(type(Type::kDirectory) + " / 0:0", type(Type::kDirectory) + " /a 0:0",
                        type(Type::kOpaque) + " /a 0:0", type(Type::kWhiteout) + " /a/gone 0:0",
                        type(Type::kDirectory) + " /b 0:0", type(Type::kOpaque) + " /b 0:0",
                        type(Type::kWhiteout) + " /b/x 0:0", type(Type::kRegular) + " /b/y 2000:0",
                        type(Type::kRegular) + " /b/z 5:6",
                        type(Type::kCharacterDevice) + " /b/device 0:0"));
  EXPECT_EQ(sink.Find("/b/y")->contents, "contents");
  EXPECT_EQ(sink.Find("/b/z")->entry.mode, 04755u);
}

class TarSplitTest : public testing::Test {
 protected:
  TarSplitTest() {
    Shell("cd " + scratch_.path() +
          " && mkdir -p d/in && printf hello > d/in/a && printf no > out"
          " && ln -s ../../out d/in/link && ln -s .. d/up");
  }
  // What the description gives, or its error.
  std::string Assembled(const std::string& description) {
    StringSource lines(description);
    TarSplitSource source(lines, *OpenDirectory(scratch_ / "d"));
    const absl::StatusOr<std::string> all = ReadAll(source, 1 << 20);
    return all.ok() ? *all : all.status().ToString();
  }
  TemporaryDirectory scratch_;
};

TEST_F(TarSplitTest, PutsTheArchiveTogether) {
  EXPECT_EQ(Assembled(R"({"type":2,"payload":"PA==","position":0}
{"type":1,"name":"in/a","size":5,"payload":"AAAAAAAAAAA=","position":1}

{"type":1,"name":"in/","payload":null,"position":2}
{"type":2,"payload":"","position":3}
{"type":1,"name_raw":"aW4vYQ==","size":5,"position":4}
{"type":2,"payload":"Pg==","position":5})"),
            "<hellohello>");
  EXPECT_EQ(Assembled(""), "");
}

TEST_F(TarSplitTest, WhatItMayNotAskFor) {
  const auto file = [&](const std::string& name, int size) {
    return Assembled("{\"type\":1,\"name\":\"" + name + "\",\"size\":" + std::to_string(size) +
                     "}\n");
  };
  EXPECT_THAT(file("in/a", 4),
              HasSubstr("FAILED_PRECONDITION: \"in/a\" of the layer's archive: has 5 bytes"));
  EXPECT_THAT(file("in/b", 4), HasSubstr("No such file"));
  EXPECT_THAT(file("in/link", 2), HasSubstr("not a regular file"));
  // In the root of the layer, ".." is the root.
  for (const char* name : {"../out", "in/../../out", "up/out", "/out"}) {
    EXPECT_THAT(file(name, 2), HasSubstr("No such file")) << name;
  }
  for (const char* name : {"", "in/", "..", "in/.."}) {
    EXPECT_THAT(file(name, 2), HasSubstr("INVALID_ARGUMENT: line 1 of the tar-split")) << name;
  }
  EXPECT_THAT(file("in/a", -1), HasSubstr("\"size\" is no size"));
  for (const char* line :
       {"{", "[]", "{\"type\":3}", "{\"type\":\"1\"}", "{\"type\":2,\"payload\":\"*\"}",
        "{\"type\":1,\"name_raw\":\"*\",\"size\":1}"}) {
    EXPECT_THAT(Assembled(line), HasSubstr("INVALID_ARGUMENT: line 1 of the tar-split")) << line;
  }
  EXPECT_THAT(Assembled("{\"type\":2,\"payload\":\"" + std::string(40 << 20, 'A') + "\"}"),
              HasSubstr("has more than"));
}

}  // namespace
}  // namespace lre_audit
