// What the loader would find for the objects of a tree, and whose doing that is.
#include "audit/link/link_objects.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/audit/link/facts_builder.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Place = Target::Place;

const std::string kMusl = kStore + "/4m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-musl-1.2.5";
const std::string kProgram = kMake + "/bin/make";
const std::string kLibz = kZlib + "/lib/libz.so.1";

class Objects {
 public:
  Objects() {
    files.Elf(kLoader, GlibcLoader());
    files.Elf(kGlibc + "/lib/libc.so.6", Library("libc.so.6"));
    references = {{kMake, kGlibc}, {kMake, kZlib}, {kZlib, kGlibc}};
  }
  void Link(const std::string& machine = "") {
    facts_ = files.Build();
    index_ = std::make_unique<TreeIndex>(facts_, kStore);
    linked = LinkedFiles(facts_);
    LinkObjects(
        *index_,
        [&](std::string_view from, std::string_view to) {
          return references.contains({std::string(from), std::string(to)});
        },
        machine, linked);
  }
  const LinkedObject& At(const std::string& path) const {
    for (const LinkedFile& file : linked) {
      if (file.facts->path() == path && file.object) return *file.object;
    }
    ADD_FAILURE() << path;
    static const auto& none = *new LinkedObject;
    return none;
  }
  const LinkedLibrary& Needed(const std::string& path, const std::string& name) const {
    for (const LinkedLibrary& library : At(path).libraries) {
      if (library.name == name) return library;
    }
    ADD_FAILURE() << path << " does not need " << name;
    static const auto& none = *new LinkedLibrary;
    return none;
  }

  FactsBuilder files;
  std::set<std::pair<std::string, std::string>> references;
  std::vector<LinkedFile> linked;

 private:
  std::vector<FileFacts> facts_;
  std::unique_ptr<TreeIndex> index_;
};

TEST(LinkObjects, AProgramAsItShouldBe) {
  Objects objects;
  objects.files.Elf(kProgram, Program({"libz.so.1", "libc.so.6"}, kZlib + "/lib"));
  objects.files.Elf(kLibz, Library("libz.so.1", {"libc.so.6"}, kGlibc + "/lib"));
  objects.files.File(kMake + "/share/x");
  objects.Link();
  const LinkedObject& program = objects.At(kProgram);
  EXPECT_TRUE(program.is_executable);
  EXPECT_EQ(program.machine, "x86-64");
  EXPECT_EQ(program.foreign_to, "");
  ASSERT_TRUE(program.interpreter.has_value());
  EXPECT_EQ(program.interpreter->kind, Claim::INTERPRETER);
  EXPECT_EQ(program.interpreter->target.store_path, kGlibc);
  EXPECT_TRUE(program.interpreter->target.exists);
  EXPECT_GT(program.interpreter->offset, 0u);
  ASSERT_EQ(program.search_path.size(), 1u);
  EXPECT_EQ(program.search_path[0].kind, Claim::RUNPATH);
  EXPECT_TRUE(program.search_path[0].target.is_directory);
  const LinkedLibrary& zlib = objects.Needed(kProgram, "libz.so.1");
  EXPECT_TRUE(zlib.found);
  EXPECT_EQ(zlib.found_by, "RUNPATH");
  EXPECT_EQ(zlib.target.path, kLibz);
  EXPECT_EQ(zlib.element, kZlib + "/lib");
  EXPECT_FALSE(zlib.undeclared);
  EXPECT_GT(zlib.offset, 0u);
  EXPECT_EQ(objects.Needed(kProgram, "libc.so.6").found_by, "DEFAULT");
  EXPECT_FALSE(objects.At(kLibz).is_executable);
  EXPECT_TRUE(objects.Needed(kLibz, "libc.so.6").found);
  EXPECT_THAT(program.c_libraries, IsEmpty());
  EXPECT_THAT(objects.At(kLoader).loader_defaults, ::testing::Not(IsEmpty()));
  for (const LinkedFile& file : objects.linked) {
    EXPECT_EQ(file.object != nullptr, file.facts->has_elf()) << file.facts->path();
  }
}

// The loader can open a directory, cannot read it, and looks no further.
TEST(LinkObjects, ADirectoryOfTheLibrarysName) {
  Objects objects;
  objects.files.Elf(kProgram, Program({"libz.so.1"}, kGlibc + "/lib:" + kZlib + "/lib"));
  objects.files.Elf(kLibz, Library("libz.so.1"));
  objects.files.Directory(kGlibc + "/lib/libz.so.1");
  objects.Link();
  const LinkedLibrary& library = objects.Needed(kProgram, "libz.so.1");
  EXPECT_FALSE(library.found);
  EXPECT_EQ(library.problem, "is a directory: " + kGlibc + "/lib/libz.so.1");
}

// As a directory: another package's whole library is not reached.
TEST(LinkObjects, AFileThatTheLoaderRefuses) {
  const std::string first = kGlibc + "/lib/libz.so.1";
  for (const bool half_read : {false, true}) {
    Objects objects;
    objects.files.Elf(kProgram, Program({"libz.so.1"}, kGlibc + "/lib:" + kZlib + "/lib"));
    objects.files.Elf(kLibz, Library("libz.so.1"));
    elf::ElfSpec refused = Library("libz.so.1");
    refused.type = ET_EXEC;
    objects.files.Elf(first, refused).set_half_read(half_read);
    objects.Link();
    const LinkedLibrary& library = objects.Needed(kProgram, "libz.so.1");
    // Of what came in part nothing is said.
    EXPECT_EQ(library.found, half_read);
    EXPECT_EQ(library.refused, half_read ? "" : first);
    EXPECT_EQ(library.problem,
              half_read ? "" : "refused: cannot dynamically load executable: " + first);
  }
}

TEST(LinkObjects, NotFoundAndWhereItIs) {
  Objects objects;
  objects.files.Elf(kProgram, Program({"libz.so.1", "libnowhere.so", "/opt/x/libz.so.1"}));
  objects.files.Elf(kLibz, Library("libz.so.1"));
  objects.Link();
  const LinkedLibrary& zlib = objects.Needed(kProgram, "libz.so.1");
  EXPECT_FALSE(zlib.found);
  EXPECT_EQ(zlib.found_by, "NOT_FOUND");
  EXPECT_EQ(zlib.elsewhere, kLibz);
  EXPECT_EQ(objects.Needed(kProgram, "libnowhere.so").elsewhere, "");
  const LinkedLibrary& absolute = objects.Needed(kProgram, "/opt/x/libz.so.1");
  EXPECT_FALSE(absolute.found);
  EXPECT_EQ(absolute.target.path, "/opt/x/libz.so.1");
  EXPECT_EQ(absolute.target.place, Place::kOutside);
}

// A library without a search path of its own may leave its needs to whoever loads it.
TEST(LinkObjects, ALibraryCompletedByItsProcess) {
  Objects objects;
  const std::string plugin = kMake + "/lib/plugin.so";
  objects.files.Elf(plugin, Library("plugin.so", {"libz.so.1"}));
  objects.files.Elf(kProgram,
                    Program({"libz.so.1", "plugin.so"}, kZlib + "/lib:" + kMake + "/lib"));
  objects.files.Elf(kLibz, Library("libz.so.1"));
  objects.Link();
  const LinkedLibrary& library = objects.Needed(plugin, "libz.so.1");
  EXPECT_FALSE(library.found);
  EXPECT_TRUE(library.found_in_process);

  // Loaded by one more program that does not bring the library along: named.
  const std::string other = kMake + "/bin/other";
  objects.files.Elf(other, Program({"plugin.so"}, kMake + "/lib"));
  objects.Link();
  const LinkedLibrary& failing = objects.Needed(plugin, "libz.so.1");
  EXPECT_FALSE(failing.found_in_process);
  EXPECT_THAT(failing.problem, HasSubstr(other));
}

TEST(LinkObjects, ALibraryThatNobodyLoadsStandsAlone) {
  Objects objects;
  const std::string plugin = kMake + "/lib/plugin.so";
  objects.files.Elf(plugin, Library("plugin.so", {"libz.so.1"}));
  objects.files.Elf(kProgram, Program({"libz.so.1"}, kZlib + "/lib"));
  objects.files.Elf(kLibz, Library("libz.so.1"));
  objects.Link();
  EXPECT_FALSE(objects.Needed(plugin, "libz.so.1").found);
  EXPECT_FALSE(objects.Needed(plugin, "libz.so.1").found_in_process);
}

TEST(LinkObjects, UndeclaredByItsOwnSearchPath) {
  Objects objects;
  objects.references.erase({kMake, kZlib});
  objects.files.Elf(kProgram,
                    Program({"libz.so.1", "libc.so.6"}, kZlib + "/lib:" + kMake + "/lib"));
  objects.files.Elf(kLibz, Library("libz.so.1"));
  objects.Link();
  EXPECT_TRUE(objects.Needed(kProgram, "libz.so.1").undeclared);
  // Nobody but the loader is responsible for what its defaults hold.
  objects.references.clear();
  objects.Link();
  EXPECT_FALSE(objects.Needed(kProgram, "libc.so.6").undeclared);
  // Named by its full path, and in the package's own directory.
  const std::string own = kMake + "/lib/libown.so";
  const std::string absolute = kMake + "/bin/absolute";
  objects.files.Elf(own, Library("libown.so"));
  objects.files.Elf(absolute, Program({kLibz, own}));
  objects.Link();
  EXPECT_TRUE(objects.Needed(absolute, kLibz).undeclared);
  EXPECT_FALSE(objects.Needed(absolute, own).undeclared);
}

// DT_RPATH, unlike DT_RUNPATH, is inherited: the library works by grace of the program.
TEST(LinkObjects, UndeclaredByAnInheritedRpath) {
  Objects objects;
  const std::string library = kGone + "/lib/libx.so";
  objects.files.Elf(library, Library("libx.so", {"libz.so.1"}));
  objects.files.Elf(kLibz, Library("libz.so.1"));
  elf::ElfSpec program = Program({"libx.so"});
  program.rpath = kGone + "/lib:" + kZlib + "/lib";
  objects.files.Elf(kProgram, program);
  objects.references.insert({kMake, kGone});
  objects.Link();
  const LinkedLibrary& needed = objects.Needed(library, "libz.so.1");
  EXPECT_TRUE(needed.found);
  EXPECT_TRUE(needed.undeclared);
  EXPECT_EQ(needed.found_by, "the RPATH of " + kProgram);
  EXPECT_EQ(needed.target.path, kLibz);
  EXPECT_EQ(needed.element, kZlib + "/lib");
  // Declared: an ordinary library that its process completes.
  objects.references.insert({kGone, kZlib});
  objects.Link();
  EXPECT_FALSE(objects.Needed(library, "libz.so.1").undeclared);
  EXPECT_TRUE(objects.Needed(library, "libz.so.1").found_in_process);
}

TEST(LinkObjects, AVoidedRpathIsNotJudged) {
  Objects objects;
  elf::ElfSpec program = Program({"libc.so.6"}, kMake + "/lib");
  program.rpath = "/usr/lib";
  objects.files.Elf(kProgram, program);
  elf::ElfSpec alone = Program({"libc.so.6"});
  alone.rpath = "/usr/lib::$ORIGIN/../lib:/usr/lib:$ORIGIN/../../../../etc";
  objects.files.Elf(kMake + "/bin/alone", alone);
  objects.Link();
  ASSERT_EQ(objects.At(kProgram).search_path.size(), 1u);
  EXPECT_EQ(objects.At(kProgram).search_path[0].text, kMake + "/lib");
  std::vector<std::string> elements;
  for (const LinkedClaim& claim : objects.At(kMake + "/bin/alone").search_path) {
    EXPECT_EQ(claim.kind, Claim::RPATH);
    elements.push_back(claim.text);
  }
  // Each once.
  EXPECT_THAT(elements, ElementsAre("/usr/lib", "", "$ORIGIN/../lib", "$ORIGIN/../../../../etc"));
  const std::vector<LinkedClaim>& path = objects.At(kMake + "/bin/alone").search_path;
  EXPECT_EQ(path[1].target.place, Place::kRelative);
  EXPECT_EQ(path[2].target.path, kMake + "/lib");
  EXPECT_TRUE(path[3].target.escapes);
}

TEST(LinkObjects, TwoCLibraries) {
  Objects objects;
  const std::string other = kGone + "/lib/libc.so.6";
  objects.files.Elf(other, Library("libc.so.6"));
  objects.files.Elf(kProgram, Program({"libc.so.6"}, kGone + "/lib"));
  const std::string good = kMake + "/bin/good";
  objects.files.Elf(good, Program({"libc.so.6"}, kGlibc + "/lib"));
  objects.Link();
  EXPECT_THAT(objects.At(kProgram).c_libraries, ElementsAre(kLoader, other));
  EXPECT_THAT(objects.At(good).c_libraries, IsEmpty());
}

TEST(LinkObjects, AMuslLibraryInAGlibcProcess) {
  Objects objects;
  const std::string musl = kMusl + "/lib/libc.musl-x86_64.so.1";
  objects.files.Elf(musl, Library("libc.musl-x86_64.so.1"));
  objects.files.Elf(kLibz, Library("libz.so.1", {"libc.musl-x86_64.so.1"}, kMusl + "/lib"));
  objects.files.Elf(kProgram, Program({"libz.so.1", "libc.so.6"}, kZlib + "/lib"));
  objects.Link();
  EXPECT_THAT(objects.At(kProgram).c_libraries, ElementsAre(::testing::StartsWith(kGlibc), musl));
  EXPECT_THAT(objects.At(kLibz).c_libraries, IsEmpty());  // no process of its own
}

TEST(LinkObjects, ForeignPrograms) {
  Objects objects;
  for (const char* name : {"/a", "/b"}) objects.files.Elf(kMake + name, Program({}));
  elf::ElfSpec arm = Program({});
  arm.machine = EM_AARCH64;
  objects.files.Elf(kMake + "/arm", arm);
  elf::ElfSpec i386 = Program({});
  i386.machine = EM_386;
  i386.is_64 = false;
  objects.files.Elf(kMake + "/i386", i386);
  elf::ElfSpec library = Library("x");
  library.machine = EM_AARCH64;
  objects.files.Elf(kMake + "/library", library);
  objects.Link();  // the platform is that of most programs
  EXPECT_EQ(objects.At(kMake + "/a").foreign_to, "");
  EXPECT_EQ(objects.At(kMake + "/arm").foreign_to, "x86-64");
  EXPECT_EQ(objects.At(kMake + "/i386").foreign_to, "");  // runs
  EXPECT_EQ(objects.At(kMake + "/library").foreign_to, "");
  objects.Link("AArch64");  // the image says
  EXPECT_EQ(objects.At(kMake + "/a").foreign_to, "AArch64");
  EXPECT_EQ(objects.At(kMake + "/arm").foreign_to, "");
}

TEST(LinkObjects, DlopenNotes) {
  Objects objects;
  const auto note = [](const std::string& json) {
    return elf::ElfSpec::Note{"FDO", 0x407c0c0a, json + std::string(1, '\0')};
  };
  elf::ElfSpec program = Program({"libz.so.1"}, kZlib + "/lib:$ORIGIN/../lib");
  program.notes = {note(
      R"([{"soname":["libz.so.1"],"feature":"loaded","priority":"required"},
          {"soname":["libold.so","libown.so"],"feature":"own"},
          {"soname":["libc.so.6"],"feature":"default"},
          {"soname":["libgone.so"],"feature":"gone","priority":"required"},
          {"soname":["libscript.so"],"feature":"no object"},
          {"soname":["librelocatable.so"],"feature":"refused"},
          {"soname":["libarm.so"],"feature":"foreign"}])")};
  objects.files.Elf(kProgram, program);
  objects.files.Elf(kMake + "/lib/libown.so", Library("libown.so"));
  objects.files.Elf(kLibz, Library("libz.so.1"));
  // What is there, and no loader takes.
  objects.files.File(kMake + "/lib/libscript.so", 0555);
  elf::ElfSpec relocatable = Library("librelocatable.so");
  relocatable.type = ET_REL;
  objects.files.Elf(kMake + "/lib/librelocatable.so", relocatable);
  elf::ElfSpec arm = Library("libarm.so");
  arm.machine = EM_AARCH64;
  objects.files.Elf(kMake + "/lib/libarm.so", arm);
  objects.Link();
  std::vector<std::string> dlopens;
  for (const LinkedDlopen& need : objects.At(kProgram).dlopens) {
    dlopens.push_back(need.feature + (need.found ? " found" : " missing") +
                      (need.required ? " required" : ""));
  }
  EXPECT_THAT(dlopens, ElementsAre("loaded found required", "own found", "default found",
                                   "gone missing required", "no object missing", "refused missing",
                                   "foreign missing"));
}

TEST(LinkObjects, LdCacheNotesThatContradict) {
  Objects objects;
  const std::string other = kGone + "/lib/libz.so.1";
  objects.files.Elf(kLibz, Library("libz.so.1"));
  objects.files.Elf(other, Library("libz.so.1"));
  elf::ElfSpec program = Program({"libz.so.1"}, kZlib + "/lib");
  program.notes = {{"NixOS", 0x63a86cb6, elf::LdCacheDescriptor({{"libz.so.1", "=" + other}})}};
  objects.files.Elf(kProgram, program);
  const std::string agreeing = kMake + "/bin/agreeing";
  program.notes = {{"NixOS", 0x63a86cb6, elf::LdCacheDescriptor({{"libz.so.1", "=" + kLibz}})}};
  objects.files.Elf(agreeing, program);
  objects.Link();
  const LinkedObject& linked = objects.At(kProgram);
  ASSERT_EQ(linked.ld_cache.size(), 1u);
  EXPECT_EQ(linked.ld_cache[0].target.path, other);
  EXPECT_EQ(linked.ld_cache[0].context, "libz.so.1");
  EXPECT_EQ(objects.Needed(kProgram, "libz.so.1").target.path, other);
  EXPECT_TRUE(objects.Needed(kProgram, "libz.so.1").undeclared);
  EXPECT_THAT(linked.ld_cache_contradictions,
              ElementsAre("libz.so.1: the note finds " + other + ", RUNPATH " + kLibz));
  EXPECT_THAT(objects.At(agreeing).ld_cache_contradictions, IsEmpty());
}

TEST(LinkObjects, SymbolVersions) {
  Objects objects;
  elf::ElfSpec library = Library("libz.so.1");
  library.version_definitions = {"libz.so.1", "ZLIB_1"};
  objects.files.Elf(kLibz, library);
  elf::ElfSpec program = Program({"libz.so.1"}, kZlib + "/lib");
  program.version_needs = {{"libz.so.1", "ZLIB_1"}, {"libz.so.1", "ZLIB_2"}};
  objects.files.Elf(kProgram, program);
  objects.Link();
  ASSERT_EQ(objects.At(kProgram).missing_versions.size(), 1u);
  const LinkedObject::MissingVersion& missing = objects.At(kProgram).missing_versions[0];
  EXPECT_EQ(missing.library, "libz.so.1");
  EXPECT_EQ(missing.library_path, kLibz);
  EXPECT_EQ(missing.version, "ZLIB_2");
}

// What ended early may have held all that seems to be missing.
TEST(LinkObjects, HalfReadFilesLackNothing) {
  Objects objects;
  elf::ElfSpec library = Library("libz.so.1");
  library.version_definitions = {"libz.so.1"};
  objects.files.Elf(kLibz, library).set_half_read(true);
  // Of another one not even the header came.
  objects.files.File(kZlib + "/lib/libbz2.so.1", 0555).set_half_read(true);
  elf::ElfSpec program = Program({"libz.so.1", "libbz2.so.1", "libnowhere.so"}, kZlib + "/lib");
  program.version_needs = {{"libz.so.1", "ZLIB_2"}};
  objects.files.Elf(kProgram, program);
  objects.Link();
  EXPECT_THAT(objects.At(kProgram).missing_versions, IsEmpty());
  EXPECT_TRUE(objects.Needed(kProgram, "libbz2.so.1").half_read);
  EXPECT_FALSE(objects.Needed(kProgram, "libnowhere.so").half_read);

  Objects loaders;
  loaders.files.File(kGlibc + "/lib/ld-other.so", 0555).set_half_read(true);
  elf::ElfSpec other = Program({});
  other.interpreter = kGlibc + "/lib/ld-other.so";
  loaders.files.Elf(kProgram, other);
  loaders.Link();
  EXPECT_TRUE(loaders.At(kProgram).interpreter_is_object);
}

TEST(LinkObjects, AuditModulesAndDebugDirectories) {
  Objects objects;
  elf::ElfSpec program = Program({});
  program.more_strings = {
      {DT_AUDIT, "/opt/audit.so"}, {DT_FILTER, "libbare.so"}, {DT_AUXILIARY, kGone + "/x.so"}};
  FileFacts& facts = objects.files.Elf(kProgram, program);
  Claim& claim = *facts.add_claims();
  claim.set_kind(Claim::DEBUG_DIRECTORY);
  claim.set_text("/build/make-4.3");
  objects.Link();
  const LinkedObject& linked = objects.At(kProgram);
  std::vector<std::string> modules;
  for (const LinkedClaim& module : linked.audit_modules) {
    modules.push_back(module.context + " " + module.text);
  }
  EXPECT_THAT(modules, ElementsAre("DT_AUDIT /opt/audit.so", "DT_AUXILIARY " + kGone + "/x.so"));
  ASSERT_EQ(linked.debug_directories.size(), 1u);
  EXPECT_EQ(linked.debug_directories[0].target.place, Place::kBuildDirectory);
}

// Relocatable and core files name no libraries; a loop of needs ends.
TEST(LinkObjects, WhatIsNotLoadedAndWhatLoops) {
  Objects objects;
  elf::ElfSpec relocatable = Library("x", {"libnowhere.so"});
  relocatable.type = ET_REL;
  objects.files.Elf(kMake + "/lib/x.o", relocatable);
  objects.files.Elf(kMake + "/lib/a.so", Library("a.so", {"b.so"}, "$ORIGIN"));
  objects.files.Elf(kMake + "/lib/b.so", Library("b.so", {"a.so"}, "$ORIGIN"));
  objects.files.Elf(kProgram, Program({"a.so"}, kMake + "/lib"));
  objects.Link();
  EXPECT_THAT(objects.At(kMake + "/lib/x.o").libraries, IsEmpty());
  EXPECT_TRUE(objects.Needed(kMake + "/lib/b.so", "a.so").found);
  EXPECT_TRUE(objects.Needed(kMake + "/lib/a.so", "b.so").found);
}

}  // namespace
}  // namespace lre_audit
