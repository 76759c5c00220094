#include "audit/trees/overlay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/audit/trees/support.h"

namespace lre_audit {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using How = Overlay::Alteration::How;
using Type = Entry::Type;

class Layers {
 public:
  Layers() : overlay("/nix/store") {}
  Layers& Layer() {
    overlay.BeginLayer();
    index_ = 0;
    return *this;
  }
  Layers& Add(const std::string& path, Type type, const std::string& target = {}, uint64_t size = 0,
              uint32_t mode = 0755) {
    Entry entry;
    entry.path = path;
    entry.type = type;
    entry.target = target;
    entry.size = size;
    entry.mode = mode;
    entry.index = index_++;
    overlay.Add(entry);
    return *this;
  }
  Layers& Dir(const std::string& path, uint32_t mode = 0755) {
    return Add(path, Type::kDirectory, "", 0, mode);
  }
  Layers& File(const std::string& path, uint64_t size = 1) {
    return Add(path, Type::kRegular, "", size);
  }
  std::vector<std::string> Paths() const {
    std::vector<std::string> paths;
    overlay.ForEach([&](const Overlay::File& file) { paths.push_back(file.path); });
    EXPECT_EQ(paths.size(), overlay.size());
    return paths;
  }
  Overlay overlay;

 private:
  uint64_t index_ = 0;
};

TEST(Overlay, WhiteoutsAreAboutLowerLayersOnly) {
  Layers layers;
  layers.Layer().Dir("/a").File("/a/old").File("/a/x").File("/b");
  layers.Layer().Add("/a/x", Type::kWhiteout).File("/a/x").Add("/b", Type::kWhiteout);
  EXPECT_THAT(layers.Paths(), ElementsAre("/a", "/a/old", "/a/x"));
}

TEST(Overlay, OpaqueCountsWhereverItStands) {
  for (const bool first : {true, false}) {
    Layers layers;
    layers.Layer().Dir("/a").File("/a/old").Dir("/a/d").File("/a/d/old");
    layers.Layer();
    if (first) layers.Add("/a", Type::kOpaque);
    layers.Dir("/a").File("/a/new").Dir("/a/d").File("/a/d/new");
    if (!first) layers.Add("/a", Type::kOpaque);
    EXPECT_THAT(layers.Paths(), ElementsAre("/a", "/a/d", "/a/d/new", "/a/new"));
  }
}

TEST(Overlay, ParentSymlinksResolveInsideTheRoot) {
  Layers layers;
  layers.Layer().Dir("/usr").Dir("/usr/lib").Add("/lib", Type::kSymlink, "usr/lib");
  layers.Add("/up", Type::kSymlink, "../../../usr").Add("/abs", Type::kSymlink, "/usr/lib");
  layers.Layer().File("/lib/x").File("/up/y").File("/abs/z");
  EXPECT_THAT(layers.Paths(), ElementsAre("/abs", "/lib", "/up", "/usr", "/usr/lib", "/usr/lib/x",
                                          "/usr/lib/z", "/usr/y"));
}

TEST(Overlay, SymlinkLoopsAndFilesInTheWayAreRefused) {
  Layers layers;
  layers.Layer().Add("/a", Type::kSymlink, "b").Add("/b", Type::kSymlink, "a").File("/f");
  layers.Layer().File("/a/x").File("/f/x").Add("/h", Type::kHardlink, "/none");
  EXPECT_THAT(layers.Paths(), ElementsAre("/a", "/b", "/f"));
  EXPECT_EQ(layers.overlay.refusals().size(), 3u);
}

TEST(Overlay, HardLinksKeepWhatTheyWereMadeOf) {
  Layers layers;
  layers.Layer().File("/a");
  layers.Layer().Add("/b", Type::kHardlink, "/a");
  layers.Layer().File("/a", 2);
  layers.overlay.ForEach([](const Overlay::File& file) {
    EXPECT_EQ(file.type, Type::kRegular);
    if (file.path == "/b") {
      EXPECT_EQ(file.entry, (EntryRef{1, 0}));
      EXPECT_EQ(file.content, (EntryRef{0, 0}));
    } else {
      EXPECT_EQ(file.content, (EntryRef{2, 0}));
    }
  });
}

TEST(Overlay, AlterationsOfStorePaths) {
  Layers layers;
  layers.Layer().Dir("/nix").Dir("/nix/store").Dir("/nix/store/p").File("/nix/store/p/same");
  layers.File("/nix/store/p/other").File("/nix/store/p/gone").Dir("/nix/store/p/d");
  layers.Dir("/nix/store/q").File("/nix/store/q/f");
  layers.Layer().Dir("/nix").Dir("/nix/store").Dir("/nix/store/p").Dir("/nix/store/p/d", 0700);
  layers.File("/nix/store/p/same").File("/nix/store/p/other", 9).File("/nix/store/p/added");
  layers.Add("/nix/store/p/gone", Type::kWhiteout).Add("/nix/store/q", Type::kWhiteout);
  layers.Dir("/nix/store/new").File("/nix/store/new/f").File("/etc/x");
  std::map<std::string, std::pair<How, bool>> found;
  for (const auto& alteration : layers.overlay.alterations()) {
    EXPECT_TRUE(
        found.emplace(alteration.path, std::pair(alteration.how, alteration.maybe_identical))
            .second);
    EXPECT_EQ(alteration.upper.layer, 1u);
  }
  EXPECT_EQ(found, (std::map<std::string, std::pair<How, bool>>{
                       {"/nix/store/p/d", {How::kMetadata, false}},
                       {"/nix/store/p/same", {How::kReplaced, true}},
                       {"/nix/store/p/other", {How::kReplaced, false}},
                       {"/nix/store/p/added", {How::kAdded, false}},
                       {"/nix/store/p/gone", {How::kRemoved, false}},
                       {"/nix/store/q", {How::kRemoved, false}}}));
}

TEST(Overlay, OpaqueStoreRemovesEachStorePath) {
  Layers layers;
  layers.Layer().Dir("/nix/store/p").File("/nix/store/p/f").Dir("/nix/store/q");
  layers.Layer().Dir("/nix/store/new").Add("/nix", Type::kOpaque);
  std::vector<std::string> removed;
  for (const auto& alteration : layers.overlay.alterations()) removed.push_back(alteration.path);
  EXPECT_THAT(removed, testing::UnorderedElementsAre("/nix/store/p", "/nix/store/q"));
  EXPECT_THAT(layers.Paths(), ElementsAre("/nix", "/nix/store", "/nix/store/new"));
}

TEST(Overlay, WhatReplacesTheStoreHidesEachStorePath) {
  struct Case {
    std::string path;
    Type type;
    std::string target;
  };
  for (const Case& test : std::vector<Case>{{"/nix/store", Type::kSymlink, "/opt/store"},
                                            {"/nix/store", Type::kRegular, ""},
                                            {"/nix", Type::kRegular, ""},
                                            {"/nix", Type::kSymlink, "opt"},
                                            {"/nix", Type::kHardlink, "/etc/f"}}) {
    for (const bool described : {true, false}) {  // directories with and without entries
      Layers layers;
      layers.Layer().File("/etc/f");
      if (described) layers.Dir("/nix").Dir("/nix/store").Dir("/nix/store/p");
      layers.File("/nix/store/p/f").File("/nix/store/q");
      layers.Layer().File("/nix/store/r");
      layers.Layer().File("/opt/x").Add(test.path, test.type, test.target);
      std::vector<std::string> removed;
      for (const auto& alteration : layers.overlay.alterations()) {
        EXPECT_EQ(alteration.how, How::kRemoved);
        EXPECT_EQ(alteration.upper, (EntryRef{2, 1}));
        removed.push_back(alteration.path);
      }
      EXPECT_THAT(removed,
                  testing::UnorderedElementsAre("/nix/store/p", "/nix/store/q", "/nix/store/r"))
          << test.path << " " << test.target;
    }
  }
  // Other directories do not matter, nor does a store that only this layer has.
  Layers layers;
  layers.Layer().File("/nix/var/x").File("/a/nix/store/p");
  layers.Layer().File("/nix/store/p/f").File("/nix/var").File("/a/nix").File("/nix");
  EXPECT_THAT(layers.overlay.alterations(), IsEmpty());
}

TEST(Overlay, AStorePathWithoutAnEntryIsReplaced) {
  Layers layers;
  layers.Layer().File("/nix/store/p/f");
  layers.Layer().Dir("/nix/store/p");
  EXPECT_THAT(layers.overlay.alterations(), IsEmpty());
  Layers replaced;
  replaced.Layer().File("/nix/store/p/f");
  replaced.Layer().Add("/nix/store/p", Type::kSymlink, "/usr");
  ASSERT_EQ(replaced.overlay.alterations().size(), 1u);
  EXPECT_EQ(replaced.overlay.alterations()[0].how, How::kReplaced);
  EXPECT_EQ(replaced.overlay.alterations()[0].path, "/nix/store/p");
  EXPECT_EQ(replaced.overlay.alterations()[0].lower.layer, 0u);
  EXPECT_EQ(replaced.overlay.alterations()[0].upper, (EntryRef{1, 0}));
}

TEST(Overlay, AHardLinkAltersInItsOwnLayer) {
  Layers layers;
  layers.Layer().File("/usr/bin/env", 7);
  layers.Layer().File("/nix/store/p/a").File("/nix/store/p/b", 7).File("/nix/store/p/c", 3);
  layers.Layer().Add("/nix/store/p/a", Type::kHardlink, "/usr/bin/env");
  layers.Add("/nix/store/p/b", Type::kHardlink, "/usr/bin/env");
  layers.File("/x", 3).Add("/nix/store/p/c", Type::kHardlink, "/x");
  const auto& found = layers.overlay.alterations();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].upper, (EntryRef{2, 0}));
  EXPECT_FALSE(found[0].maybe_identical);
  EXPECT_EQ(found[1].upper, (EntryRef{2, 1}));
  EXPECT_TRUE(found[1].maybe_identical);
  EXPECT_EQ(found[1].upper_content, (EntryRef{0, 0}));
  EXPECT_EQ(found[2].upper, (EntryRef{2, 2}));  // its target, in the same layer
  EXPECT_EQ(found[2].upper_content, (EntryRef{2, 2}));

  // The same file under a name that it had before: nothing is altered.
  Layers same;
  same.Layer().File("/nix/store/p/a").Add("/nix/store/p/b", Type::kHardlink, "/nix/store/p/a");
  same.Layer().Add("/nix/store/p/b", Type::kHardlink, "/nix/store/p/a");
  EXPECT_THAT(same.overlay.alterations(), IsEmpty());
}

TEST(Overlay, DuplicatesInOneLayer) {
  Layers layers;
  layers.Layer().Dir("/d").File("/f").Dir("/d").File("/f", 2);
  ASSERT_EQ(layers.overlay.duplicates().size(), 1u);
  EXPECT_EQ(layers.overlay.duplicates()[0].path, "/f");
  EXPECT_EQ(layers.overlay.duplicates()[0].second, (EntryRef{0, 3}));
}

TEST(Overlay, MillionsOfFiles) {
  Layers layers;
  for (int layer = 0; layer < 2; ++layer) {
    layers.Layer();
    for (int i = 0; i < 200'000; ++i) {
      layers.File("/d" + std::to_string(i % 1000) + "/f" + std::to_string(i));
    }
  }
  EXPECT_EQ(layers.overlay.size(), 201'000u);
  layers.Layer().Add("/", Type::kOpaque);
  EXPECT_EQ(layers.overlay.size(), 0u);
}

// The merged view against what umoci unpacks: layers of every kind of change, made by umoci.
TEST(Overlay, AgreesWithUmoci) {
  TemporaryDirectory scratch;
  const std::string image = scratch / "image";
  Shell("cd " + scratch.path() + R"( && umoci init --layout image && umoci new --image image:t
    mkdir -p l1/{usr/lib,a/b/c,dir,keep,opq/sub} && ln -s usr/lib l1/lib
    for f in a/1 a/b/2 a/b/c/3 dir/x keep/k opq/old opq/sub/old file tree; do echo $f > l1/$f; done
    ln l1/keep/k l1/keep/hard && ln -s /keep/k l1/abs
    tar -C l1 -cf 1.tar . && umoci raw add-layer --image image:t 1.tar
    mkdir -p l2/{lib2,a,opq,tree} && echo new > l2/opq/new && echo t > l2/tree/t && : > l2/a/.wh.b
    : > l2/opq/.wh..wh..opq && : > l2/.wh.file && echo dir > l2/dir
    tar -C l2 -cf 2.tar opq tree a .wh.file dir && umoci raw add-layer --image image:t 2.tar
    mkdir -p l3/lib l3/keep && echo so > l3/lib/so && echo K > l3/keep/k && : > l3/.wh.abs
    tar -C l3 -cf 3.tar lib/so keep/k .wh.abs && umoci raw add-layer --image image:t 3.tar
    umoci unpack --rootless --image image:t bundle >/dev/null)");
  const std::string listed =
      Shell("cd " + scratch / "bundle/rootfs" +
            " && find . -mindepth 1 -printf '/%P %y %l\\n' | sort && find . -type f -printf '/%P ' "
            "-exec cat {} \\; | sort");

  const auto tree = OpenImage("oci:" + image + ":t", {});
  ASSERT_TRUE(tree.ok()) << tree.status().ToString();
  EXPECT_THAT((*tree)->problems(), IsEmpty()) << Describe((*tree)->problems());
  Overlay overlay("/nix/store");
  std::vector<RecordingSink> sinks((*tree)->parts().size());
  for (size_t part = 0; part < sinks.size(); ++part) {
    std::vector<Problem> problems;
    (*tree)->Stream(part, true, sinks[part], problems);
    EXPECT_THAT(problems, IsEmpty()) << Describe(problems);
    overlay.BeginLayer();
    for (const auto& file : sinks[part].files()) overlay.Add(file.entry);
  }
  ASSERT_EQ(sinks.size(), 3u);
  std::vector<std::string> lines, contents;
  overlay.ForEach([&](const Overlay::File& file) {
    const auto& source = sinks[file.content.present() ? file.content.layer : 0];
    const char type = file.type == Type::kDirectory ? 'd' : file.type == Type::kSymlink ? 'l' : 'f';
    lines.push_back(file.path + " " + type + " " +
                    (type == 'l' ? source.files()[file.content.index].entry.target : ""));
    if (type == 'f')
      contents.push_back(file.path + " " + source.files()[file.content.index].contents);
  });
  std::string ours;
  PutFile(scratch / "lines", [&] {
    for (const std::string& line : lines) ours += line + "\n";
    return ours;
  }());
  std::string bodies;
  for (const std::string& body : contents) bodies += body;
  PutFile(scratch / "bodies", bodies);
  EXPECT_EQ(Shell("sort " + scratch / "lines" + "; sort " + scratch / "bodies"), listed);
  EXPECT_THAT(overlay.refusals(), IsEmpty());
}

}  // namespace
}  // namespace lre_audit
