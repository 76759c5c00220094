// Store paths of a tree against those of a closure.
#include "audit/link/link_closure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/audit/link/facts_builder.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A tree, a closure, and what comes of the two.
class World {
 public:
  FactsBuilder files;
  nix::Closure closure;
  std::map<std::string, nix::NarHasher::Result> nars;

  void Record(const std::string& path, std::vector<std::string> references,
              bool has_references = true) {
    nix::PathInfo& info = closure.paths[path];
    info.path = path;
    info.has_references = has_references;
    std::sort(references.begin(), references.end());
    info.references = std::move(references);
  }
  const ClosureLinker& Link(bool with_closure = true,
                            Subject::ClosureKind kind = Subject::ClosureKind::kDerived) {
    tree_.files = files.Build();
    tree_.layer_names = {"layer 1", "layer 2"};
    tree_.nars = nars;
    index_ = std::make_unique<TreeIndex>(tree_.files, kStore);
    linker_ = std::make_unique<ClosureLinker>(tree_, *index_, with_closure ? &closure : nullptr);
    subject = {};
    subject.closure_kind = kind;
    subject.files = LinkedFiles(tree_.files);
    linker_->Link(subject);
    return *linker_;
  }
  const LinkedStorePath& Path(const std::string& path) const {
    for (const LinkedStorePath& store_path : subject.store_paths) {
      if (store_path.path == path) return store_path;
    }
    ADD_FAILURE() << path;
    static const auto& none = *new LinkedStorePath;
    return none;
  }
  std::vector<std::string> Invalid() const {
    std::vector<std::string> lines;
    for (const InvalidStoreEntry& entry : subject.invalid_entries) {
      lines.push_back(entry.path.substr(kStore.size() + 1) + ": " + entry.reason);
    }
    return lines;
  }
  // "<file> <store path>" of every reference that leads nowhere.
  std::vector<std::string> Dangling() const {
    std::vector<std::string> lines;
    for (const LinkedFile& file : subject.files) {
      for (int i : file.dangling) {
        lines.push_back(file.facts->path() + " " + file.facts->references(i).base_name());
      }
    }
    return lines;
  }
  // The same of hidden references that lead outside the closure.
  std::vector<std::string> Hidden() const {
    std::vector<std::string> lines;
    for (const LinkedFile& file : subject.files) {
      for (const LinkedFile::Hidden& hidden : file.hidden) {
        lines.push_back(file.facts->path() + " " +
                        file.facts->hidden_references(hidden.index).base_name() +
                        (hidden.in_tree ? " (in the tree)" : ""));
      }
    }
    return lines;
  }

  Subject subject;

 private:
  MergedTree tree_;
  std::unique_ptr<TreeIndex> index_;
  std::unique_ptr<ClosureLinker> linker_;
};

TEST(ClosureLinker, InTreeAndInClosure) {
  World world;
  world.files.Directory(kGlibc).set_layer(1);
  world.files.File(kGlibc + "/lib/libc.so.6");
  world.files.File(kMake + "/bin/make");  // no entry of its own
  world.Record(kGlibc, {kGlibc});
  world.Record(kGone, {});
  world.closure.paths[kGlibc].nar_hash = "sha256:recorded";
  world.nars[kGlibc].hash = "sha256:real";
  world.Link();
  ASSERT_EQ(world.subject.store_paths.size(), 3u);
  EXPECT_TRUE(std::is_sorted(world.subject.store_paths.begin(), world.subject.store_paths.end(),
                             [](const auto& a, const auto& b) { return a.path < b.path; }));
  const LinkedStorePath& glibc = world.Path(kGlibc);
  EXPECT_TRUE(glibc.in_tree);
  EXPECT_TRUE(glibc.in_closure);
  EXPECT_EQ(glibc.layer, "layer 2");
  EXPECT_EQ(glibc.nar_hash, "sha256:real");
  EXPECT_EQ(glibc.recorded_hash, "sha256:recorded");
  EXPECT_TRUE(world.Path(kMake).in_tree);
  EXPECT_FALSE(world.Path(kMake).in_closure);
  EXPECT_EQ(world.Path(kMake).nar_hash, "");
  EXPECT_FALSE(world.Path(kGone).in_tree);
  EXPECT_TRUE(world.Path(kGone).in_closure);
  // Derived: what is there is the closure.
  world.Link(/*with_closure=*/false);
  ASSERT_EQ(world.subject.store_paths.size(), 2u);
  EXPECT_TRUE(world.Path(kMake).in_closure);
  EXPECT_EQ(world.Path(kGlibc).recorded_hash, "");
}

TEST(ClosureLinker, WhoRefersToWhatIsMissing) {
  World world;
  world.files.Directory(kMake);
  world.files.Directory(kZlib);
  world.Record(kZlib, {kGone, kZlib});
  world.Record(kMake, {kGone, kZlib});
  world.Record(kGone, {kGone});
  world.Link();
  EXPECT_THAT(world.Path(kGone).referrers, ElementsAre(kMake, kZlib));
  EXPECT_THAT(world.Path(kZlib).referrers, IsEmpty());
}

TEST(ClosureLinker, DanglingByHash) {
  World world;
  world.files.Directory(kGlibc);
  FileFacts& file = world.files.File(kMake + "/bin/make");
  FactsBuilder::Refer(file, kGlibc);
  FactsBuilder::Refer(file, kGone);
  FactsBuilder::Refer(file, kMake);
  // The name is as long as its characters go: the hash decides.
  file.add_references()->set_base_name(kGlibc.substr(kStore.size() + 1) + ".some.text");
  FactsBuilder::Refer(world.files.File("/etc/outside"), kGone);
  world.Link(false);
  const std::vector<std::string> expected = {kMake + "/bin/make " + kGone.substr(11)};
  EXPECT_EQ(world.Dangling(), expected);
  // In the closure, and still not in the tree.
  world.Record(kGone, {});
  world.Link();
  EXPECT_EQ(world.Dangling(), expected);
  world.files.Directory(kGone);
  world.Link();
  EXPECT_THAT(world.Dangling(), IsEmpty());
}

TEST(ClosureLinker, HiddenReferencesThatLeadOutside) {
  World world;
  world.files.Directory(kGlibc);
  world.files.Directory(kZlib);
  FileFacts& file = world.files.File(kMake + "/share/make.jar");
  FactsBuilder::Hide(file, kGlibc);
  FactsBuilder::Hide(file, kZlib + ".some.text");  // the hash decides
  FactsBuilder::Hide(file, kGone);
  FactsBuilder::Hide(file, kMake);
  FactsBuilder::Hide(world.files.File("/etc/outside.gz"), kGone);
  FactsBuilder::Hide(world.files.File(kStore + "/4m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-make.drv"),
                     kGone);
  const std::string leak = kMake + "/share/make.jar " + kGone.substr(11);
  // Derived: what the tree holds is the closure, and the package need not refer to it.
  world.Link(false);
  EXPECT_THAT(world.Hidden(), ElementsAre(leak));
  // In the closure is enough: that the tree lacks it is LRE302.
  world.Record(kGone, {});
  world.Record(kGlibc, {});
  world.Record(kMake, {});
  world.Link(true, Subject::ClosureKind::kDefault);
  EXPECT_THAT(world.Hidden(), IsEmpty());
  // What only the tree holds is outside of a closure that the user named.
  world.Link(true, Subject::ClosureKind::kNamed);
  EXPECT_THAT(world.Hidden(), ElementsAre(kMake + "/share/make.jar " + kZlib.substr(11) +
                                          ".some.text (in the tree)"));
}

TEST(ClosureLinker, UndeclaredReferences) {
  World world;
  world.files.Directory(kGlibc);
  world.files.Directory(kZlib);
  FileFacts& file = world.files.File(kMake + "/bin/make");
  FactsBuilder::Refer(file, kGlibc);
  FactsBuilder::Refer(file, kZlib);
  FactsBuilder::Refer(file, kMake);
  FactsBuilder::Refer(file, kGone);  // nobody knows it: dangling, not undeclared
  world.Record(kMake, {kGlibc});
  const ClosureLinker& linker = world.Link();
  EXPECT_THAT(world.Path(kMake).undeclared, ElementsAre(kZlib));
  EXPECT_THAT(world.Path(kMake).undeclared_by, ElementsAre(kMake + "/bin/make"));
  EXPECT_TRUE(linker.References(kMake, kGlibc));
  EXPECT_FALSE(linker.References(kMake, kZlib));
  EXPECT_FALSE(linker.References(kGone, kZlib));
  // A source that records no references: what the scan finds is what there is.
  world.Record(kMake, {}, /*has_references=*/false);
  const ClosureLinker& scanned = world.Link();
  EXPECT_THAT(world.Path(kMake).undeclared, IsEmpty());
  EXPECT_TRUE(scanned.References(kMake, kZlib));
  EXPECT_FALSE(scanned.References(kMake, kGone));
}

TEST(ClosureLinker, DerivationsAreNotScanned) {
  const std::string derivation = kGone + ".drv";
  World world;
  world.files.Directory(kZlib);
  FileFacts& file = world.files.File(derivation);
  FactsBuilder::Refer(file, kZlib);
  FactsBuilder::Refer(file, kMake);  // an output, still to be built
  world.Record(derivation, {});
  world.Link();
  EXPECT_THAT(world.Dangling(), IsEmpty());
  EXPECT_THAT(world.Path(derivation).undeclared, IsEmpty());
}

TEST(ClosureLinker, EntriesThatAreNoStorePaths) {
  const std::string name = kMake.substr(kStore.size() + 1);
  World world;
  world.files.Directory(kMake);
  world.files.File(kMake + ".lock").set_layer(1);
  world.files.Directory(kStore + "/" + name + ".check");
  world.files.Directory(kStore + "/" + name + ".drv.chroot");
  world.files.File(kStore + "/" + name + ".drv.chroot/root/x");
  world.files.Directory(kStore + "/tmp-1234-5");
  world.files.File(kStore + "/tmp-1234-5/a");
  world.files.File(kStore + "/tmp-1234-5/b");
  world.files.Directory(kStore + "/.links");
  world.files.File("/nix/var/x.lock");
  world.Link(false);
  ASSERT_EQ(world.subject.invalid_entries.size(), 4u);  // each once, however much it holds
  EXPECT_THAT(world.Invalid(),
              ElementsAre(name + ".check: Nix leaves such an entry behind while it builds",
                          name + ".drv.chroot: Nix leaves such an entry behind while it builds",
                          name + ".lock: Nix leaves such an entry behind while it builds",
                          ::testing::StartsWith("tmp-1234-5: ")));
  EXPECT_EQ(world.subject.invalid_entries[2].layer, "layer 2");
  ASSERT_EQ(world.subject.store_paths.size(), 1u);
  // .links with something in it.
  world.files.File(kStore + "/.links/0m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai");
  world.Link(false);
  EXPECT_THAT(world.Invalid(), ::testing::Contains(::testing::StartsWith(".links: ")));
}

// "<hash>-Cargo.lock" is a store path like any other; only Nix's own lock files are empty.
TEST(ClosureLinker, PackagesMayBeNamedLikeALock) {
  const std::string cargo = kStore + "/4m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-Cargo.lock";
  const std::string empty = kStore + "/5m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-empty.lock";
  const std::string check = kStore + "/6m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-spell.check";
  const std::string directory = kStore + "/7m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-locks.lock";
  World world;
  world.files.File(cargo).set_size(1000);
  world.files.File(empty);
  world.files.Directory(check);
  world.files.File(directory + "/empty");
  world.Link(false);
  EXPECT_EQ(world.subject.store_paths.size(), 2u);
  EXPECT_TRUE(world.Path(directory).in_tree);
  EXPECT_TRUE(world.Path(cargo).in_tree);
  world.Record(empty, {});
  world.Record(check, {});
  world.Link();
  EXPECT_THAT(world.Invalid(), IsEmpty());
  EXPECT_TRUE(world.Path(empty).in_tree);
}

// Two names with one hash, which only a hostile tree has: what is in the tree counts, always.
TEST(ClosureLinker, OneHashOfTwoNames) {
  World world;
  world.files.Directory(kGlibc);
  for (int i = 0; i < 20; ++i) world.Record(kGlibc + "-" + std::to_string(i), {});
  FactsBuilder::Refer(world.files.File(kMake + "/x"), kGlibc);
  world.Record(kMake, {kGlibc});
  for (int again = 0; again < 5; ++again) {
    world.Link();
    EXPECT_THAT(world.Dangling(), IsEmpty());
    EXPECT_THAT(world.Path(kMake).undeclared, IsEmpty());
  }
}

}  // namespace
}  // namespace lre_audit
