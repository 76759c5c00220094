// The local side: what of a closure is on disk, and whether programs run. The oracle is the kernel
// with the real loader: the programs are real, and are started.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "audit/link/view.h"
#include "audit/nix/path_store.h"
#include "tests/audit/link/facts_builder.h"
#include "tests/audit/nix/nix_fixture.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Kind = ToolchainView::Kind;
using Place = Target::Place;
using nix::RunShell;

nix::Closure ClosureOfPaths(const std::vector<std::string>& paths) {
  nix::Closure closure;
  closure.source = "closure.json";
  for (const std::string& path : paths) closure.paths[path].path = path;
  return closure;
}

// A store of its own directory, so that what is in it can be started where it lies: a C library, a
// library and programs that need both. $G, $Z and $M are its paths.
class RealProgramsTest : public ::testing::Test {
 protected:
  RealProgramsTest() {
    Run(R"(mkdir -p $G/lib $Z/lib $M/bin $M/lib; cd $M/lib
      echo 'int z(void) { return 0; }' > z.c; echo 'Z_2 { z; };' > z.map; echo 'Z_1 { z; };' > old.map
      echo 'int z(void); int outer(void) { return z(); }' > outer.c
      echo 'int z(void); int main(void) { return z(); }' > make.c
      echo 'int outer(void); int main(void) { return outer(); }' > through.c
      cc -shared -fPIC -Wl,-soname,libzed.so.1 -Wl,--version-script,z.map z.c -o $Z/lib/libzed.so.1
      cc -shared -fPIC -Wl,-soname,libzed.so.1 -Wl,--version-script,old.map z.c -o libzed.so.1
      cc -c -fPIC make.c -o make.o && chmod +x make.o
      cc make.o $Z/lib/libzed.so.1 -o plain
      loader=$(patchelf --print-interpreter plain); libc=$(cc -print-file-name=libc.so.6)
      cp -L $loader $G/lib/loader.so; cp -L $libc $G/lib/
      cc make.o $Z/lib/libzed.so.1 -Wl,--dynamic-linker=$G/lib/loader.so -Wl,-rpath,$Z/lib:$G/lib \
        -o $M/bin/make
      cc -shared -fPIC -Wl,-soname,libouter.so outer.c $Z/lib/libzed.so.1 -o libouter.so
      cc through.c libouter.so -Wl,--dynamic-linker=$G/lib/loader.so -Wl,-rpath,$M/lib:$G/lib \
        -Wl,--enable-new-dtags -Wl,--allow-shlib-undefined -o $M/bin/through)");
  }

  std::string Expand(const std::string& text) {
    return RunShell(Variables() + "printf %s \"" + text + "\"");
  }
  void Run(const std::string& command) { RunShell(Variables() + "set -e\n" + command); }
  bool Starts(const std::string& path) {
    return RunShell("cd " + (directory_ / ".") + " && if timeout 20 env -i " + path +
                    " < /dev/null > /dev/null 2>&1; then echo yes; else echo no; fi") == "yes\n";
  }
  std::unique_ptr<View> Open() {
    nix::Closure closure = ClosureOfPaths({Expand("$G"), Expand("$M"), Expand("$Z")});
    closure.store_directory = directory_ / "store";
    return ViewOfClosure(std::move(closure), "", Kind::kLocal);
  }

 private:
  std::string Variables() const {
    std::string text;
    for (const auto& [name, path] : {std::pair('G', kGlibc), {'M', kMake}, {'Z', kZlib}}) {
      text +=
          std::string(1, name) + "=" + directory_ / ("store" + path.substr(kStore.size())) + "\n";
    }
    return text;
  }
  TemporaryDirectory directory_;
};

struct ProgramCase {
  std::string name;
  std::string made_by;  // run in $M/bin
  std::string problem;
};

TEST_F(RealProgramsTest, WhatTheKernelAndTheLoaderRefuse) {
  const ProgramCase kCases[] = {
      {"make", "true", ""},
      {"link", "ln -s make link", ""},
      {"elsewhere", "ln -s $M/lib/../bin/link elsewhere", ""},
      {"script", "printf '#!%s -x\\n' $M/bin/make > script; chmod 555 script", ""},
      {"by-env", "printf '#!/usr/bin/env %s\\n' $M/bin/make > by-env; chmod 555 by-env", ""},
      {"five", R"(before=make; for i in one two three four five
        do printf '#!%s\n' $M/bin/$before > $i; chmod 555 $i; before=$i; done)",
       ""},

      {"data", "cp make data; chmod 444 data", "it is not executable"},
      {"directory", "mkdir directory", "it is a directory"},
      {"fifo", "mkfifo -m 755 fifo", "it is no regular file"},
      {"object", "cp ../lib/make.o object", "it is an ELF object, but no program"},
      {"short", "head -c 30 make > short; chmod 555 short", "it is a damaged ELF object"},
      {"no-loader", "cp make no-loader; patchelf --set-interpreter $G/lib/gone.so no-loader",
       "it has the interpreter $G/lib/gone.so, which is missing"},
      {"text-loader",
       "cp make text-loader; patchelf --set-interpreter $M/lib/text text-loader; "
       "echo > ../lib/text; chmod 755 ../lib/text",
       "it has the interpreter $M/lib/text, which is no ELF object"},
      {"data-loader",
       "cp make data-loader; patchelf --set-interpreter $M/lib/loader data-loader; "
       "cp $G/lib/loader.so ../lib/loader; chmod 444 ../lib/loader",
       "it has the interpreter $M/lib/loader, which is not executable"},
      {"no-library", "cp make no-library; patchelf --set-rpath $G/lib no-library",
       "it needs the library libzed.so.1, which is found nowhere in the store"},
      // A RUNPATH is its object's own: libouter.so has none.
      {"indirect",
       "cp through indirect; patchelf --set-rpath $M/outer:$G/lib indirect; mkdir ../outer; "
       "mv ../lib/libouter.so ../outer",
       "it needs the library libzed.so.1 of $M/outer/libouter.so, which is found nowhere in the "
       "store"},
      {"old-library", "cp make old-library; patchelf --set-rpath $M/lib:$G/lib old-library",
       "it needs Z_2 of libzed.so.1, which $M/lib/libzed.so.1 does not have"},
      {"no-interpreter", "printf '#!%s\\n' $M/bin/gone > no-interpreter; chmod 555 no-interpreter",
       "it has the interpreter $M/bin/gone, which is missing"},
      {"relative-interpreter",
       "printf '#!bin/make\\n' > relative-interpreter; chmod 555 relative-interpreter",
       "it has the interpreter bin/make, which is relative to the directory that it is started in"},
      {"directory-interpreter",
       "printf '#!%s\\n' $M/bin > directory-interpreter; chmod 555 directory-interpreter",
       "it has the interpreter $M/bin, which is a directory"},
      {"broken-interpreter",
       "printf '#!%s\\n' $M/bin/no-library > broken-interpreter; chmod 555 broken-interpreter",
       "it has the interpreter $M/bin/no-library, which needs the library libzed.so.1, which is "
       "found nowhere in the store"},
      {"linked-interpreter",
       "ln -s gone to-gone; printf '#!%s\\n' $M/bin/to-gone > linked-interpreter; "
       "chmod 555 linked-interpreter",
       "it has the interpreter $M/bin/to-gone, which leads to $M/bin/gone, where nothing is"},
      {"env-of-nothing",
       "printf '#!/usr/bin/env %s\\n' $M/bin/gone > env-of-nothing; chmod 555 env-of-nothing",
       "it has the interpreter $M/bin/gone, which is missing"},
  };
  for (const ProgramCase& test : kCases) Run("cd $M/bin\n" + test.made_by);
  const std::unique_ptr<View> view = Open();
  for (const ProgramCase& test : kCases) {
    const std::string path = Expand("$M/bin/") + test.name;
    const ViewTarget found = view->Lookup(path, /*program=*/true);
    EXPECT_TRUE(found.looked_up && found.file_known && found.target.exists) << test.name;
    EXPECT_EQ(found.problem, Expand(test.problem)) << test.name;
    EXPECT_EQ(Starts(path), test.problem.empty()) << test.name;
    EXPECT_EQ(view->Lookup(path, /*program=*/false).problem, "") << test.name;
  }
}

// One more script than the kernel follows.
TEST_F(RealProgramsTest, ScriptsThatScriptsInterpret) {
  Run(R"(cd $M/bin; before=make; for i in 1 2 3 4 5 6
    do printf '#!%s\n' $M/bin/$before > $i; chmod 555 $i; before=$i; done
    printf '#!%s\n' $M/bin/circle > circle; chmod 555 circle)");
  const std::unique_ptr<View> view = Open();
  for (const char* name : {"6", "circle"}) {
    const std::string path = Expand("$M/bin/") + name;
    EXPECT_THAT(view->Lookup(path, true).problem, ::testing::HasSubstr("too deep for a kernel"));
    EXPECT_FALSE(Starts(path));
  }
}

// This machine has a loader, a C library and a shell of its own, so these do start. The closure has
// them not, nor has the next machine for sure.
TEST_F(RealProgramsTest, WhatThisMachineHasElsewhere) {
  Run(R"(cd $M/bin; cp ../lib/plain plain; patchelf --set-rpath $Z/lib plain
    cp make host-library; patchelf --set-rpath $Z/lib host-library
    printf '#!/bin/sh\ntrue' > host-script; chmod 555 host-script)");
  const std::string loader = Expand("$(patchelf --print-interpreter $M/bin/plain)");
  const ProgramCase kCases[] = {
      {"plain", "", "it has the interpreter " + loader + ", which is outside the store"},
      {"host-library", "", "it needs the library libc.so.6, which is found nowhere in the store"},
      {"host-script", "", ""},  // which rules on scripts judge
  };
  const std::unique_ptr<View> view = Open();
  for (const ProgramCase& test : kCases) {
    const std::string path = Expand("$M/bin/") + test.name;
    EXPECT_TRUE(Starts(path)) << test.name;
    EXPECT_EQ(view->Lookup(path, true).problem, Expand(test.problem)) << test.name;
  }
}

TEST_F(RealProgramsTest, WhatAPathLeadsTo) {
  Run(R"(cd $M/bin; ln -s ../lib lib; ln -s $Z/lib/gone dangling; ln -s dangling twice
    ln -s loop loop; ln -s /usr outside; ln -s ../../.. up; ln -s $Z/lib library)");
  const std::unique_ptr<View> view = Open();
  const struct {
    const char *path, *leads_to;
    bool exists, is_directory, is_executable;
    const char* problem;
  } kCases[] = {
      {"$M/bin/make", "$M/bin/make", true, false, true, ""},
      {"$M/bin/./..//bin/make", "$M/bin/make", true, false, true, ""},
      {"$M/bin/lib/z.c", "$M/lib/z.c", true, false, false, ""},
      {"$M/bin/lib/", "$M/lib", true, true, false, ""},
      {"$M", "$M", true, true, false, ""},
      // Symlinks come before "..", as the kernel has it.
      {"$M/bin/library/../lib/libzed.so.1", "$Z/lib/libzed.so.1", true, false, true, ""},
      {"$M/bin/gone", "$M/bin/gone", false, false, false, ""},
      {"$M/bin/gone/", "$M/bin/gone", false, false, false, ""},
      {"$M/gone/x", "$M/gone/x", false, false, false, ""},
      {"$M/bin/make/x", "$M/bin/make/x", false, false, false, ""},
      {"$M/bin/dangling", "$Z/lib/gone", false, false, false,
       "it leads to $Z/lib/gone, where nothing is"},
      {"$M/bin/twice", "$Z/lib/gone", false, false, false,
       "it leads to $Z/lib/gone, where nothing is"},
      {"$M/bin/loop", "$M/bin/loop", false, false, false, ""},
      {"$M/bin/outside", "/usr", false, false, false, "it leads out of the store, to /usr"},
  };
  for (const auto& test : kCases) {
    const ViewTarget found = view->Lookup(Expand(test.path), /*program=*/false);
    EXPECT_TRUE(found.looked_up && found.file_known) << test.path;
    EXPECT_EQ(found.target.path, Expand(test.leads_to)) << test.path;
    EXPECT_EQ(found.target.exists, test.exists) << test.path;
    EXPECT_EQ(found.target.is_directory, test.is_directory) << test.path;
    EXPECT_EQ(found.target.is_executable, test.is_executable) << test.path;
    EXPECT_EQ(found.problem, Expand(test.problem)) << test.path;
    EXPECT_EQ(found.target.store_path, Expand("$M")) << test.path;
    EXPECT_TRUE(found.target.store_path_exists) << test.path;
  }
  const ViewTarget loader = view->Lookup(Expand("$G/lib/loader.so"), /*program=*/true);
  EXPECT_EQ(loader.libc, "2.42");
  EXPECT_EQ(loader.machine, view->Lookup(Expand("$M/bin/make"), true).machine);
  EXPECT_NE(loader.machine, "");
  EXPECT_EQ(view->Lookup(Expand("$M/bin/lib/z.c"), true).machine, "");
}

// A root that holds a store: no symlink leads out of it.
class RootTest : public ::testing::Test {
 protected:
  std::unique_ptr<View> Open(nix::Closure closure, Kind kind = Kind::kLocal) {
    return ViewOfClosure(std::move(closure), root_.path() + "/", kind);
  }
  void Run(const std::string& command) { RunShell("set -e; cd " + root_.path() + "\n" + command); }
  TemporaryDirectory root_;
};

TEST_F(RootTest, StaysBelowTheRoot) {
  Run("mkdir -p ." + kMake + "/bin; cd ." + kMake + "/bin; echo > make; chmod 555 make; ln -s " +
      kMake + "/bin/make absolute; ln -s /bin/sh shell; ln -s ../../../../../../../../bin/sh up");
  const std::unique_ptr<View> view = Open(ClosureOfPaths({kMake}));
  EXPECT_EQ(view->Lookup(kMake + "/bin/absolute", true).target.path, kMake + "/bin/make");
  EXPECT_EQ(view->Lookup(kMake + "/bin/absolute", true).problem, "");
  for (const char* name : {"shell", "up"}) {
    const ViewTarget found = view->Lookup(kMake + "/bin/" + name, true);
    EXPECT_FALSE(found.target.exists) << name;
    EXPECT_EQ(found.target.place, Place::kOutside) << name;
    EXPECT_EQ(found.problem, "it leads out of the store, to /bin/sh") << name;
  }
}

// What a closure's file names can be on another machine's disk.
TEST_F(RootTest, FilesThatCannotBeSeen) {
  Run("mkdir -p ." + kMake + "/bin ." + kGone);
  const std::unique_ptr<View> view = Open(ClosureOfPaths({kMake, kZlib}));
  EXPECT_TRUE(view->description().has_files);
  const ViewTarget missing = view->Lookup(kMake + "/bin/make", true);
  EXPECT_TRUE(missing.file_known && missing.target.store_path_exists);
  EXPECT_FALSE(missing.target.exists);
  const ViewTarget unseen = view->Lookup(kZlib + "/lib/libzed.so.1", true);
  EXPECT_TRUE(unseen.looked_up && unseen.target.store_path_exists);
  EXPECT_FALSE(unseen.file_known);
  EXPECT_EQ(unseen.problem, "");
  // On disk, but not in the closure.
  const ViewTarget other = view->Lookup(kGone, false);
  EXPECT_TRUE(other.looked_up);
  EXPECT_FALSE(other.target.store_path_exists || other.target.exists);
  EXPECT_EQ(other.target.store_path, kGone);

  EXPECT_FALSE(Open(ClosureOfPaths({kZlib}))->description().has_files);
}

TEST_F(RootTest, Description) {
  const std::unique_ptr<View> view = Open(ClosureOfPaths({kMake}), Kind::kDefaultLocal);
  EXPECT_EQ(view->description().kind, Kind::kDefaultLocal);
  EXPECT_EQ(view->description().reference, "closure.json");
  // Nix's own word for this machine.
  EXPECT_EQ(view->description().system,
            RunShell("nix-instantiate --eval -E builtins.currentSystem | tr -d '\"\\n'"));
}

TEST_F(RootTest, CLibrariesOfTheClosure) {
  const std::string dev = kStore + "/4m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-glibc-2.42-67-dev";
  const std::string old = kStore + "/5m1k9c8g5n2xq7rwvyzb3dfhjlp4s6ai-glibc-2.38";
  nix::Closure closure = ClosureOfPaths({kGlibc, kMake, kZlib, dev, old});
  closure.paths[kMake].references = {kZlib, kMake, kGone};
  closure.paths[kZlib].references = {dev, kMake};
  const std::unique_ptr<View> view = Open(std::move(closure));
  using CLibrary = LinkedToolchain::CLibrary;
  EXPECT_THAT(view->CLibraries({kMake}), ElementsAre(Field(&CLibrary::store_path, dev)));
  EXPECT_THAT(view->CLibraries({kGlibc, kGone}), ElementsAre(Field(&CLibrary::version, "2.42")));
  EXPECT_THAT(view->CLibraries({}), IsEmpty());
}

// A store's database is its word: what is missing from its disk is missing.
TEST(ViewOfStore, RealStore) {
  const nix::NixStore store(nix::NixStore::Layout::kChroot);
  const std::string root_path = store.Fill();
  const absl::StatusOr<nix::StoreDatabase> database = nix::StoreDatabase::Open(store.root());
  ASSERT_TRUE(database.ok()) << database.status().ToString();
  const absl::StatusOr<nix::Closure> closure = database->All();
  ASSERT_TRUE(closure.ok()) << closure.status().ToString();
  std::filesystem::remove_all(store.OnDisk(root_path));
  const std::unique_ptr<View> view = ViewOfClosure(*closure, store.root(), Kind::kLocal);
  EXPECT_THAT(view->description().reference, StartsWith("store:"));
  EXPECT_TRUE(view->description().has_files);
  int present = 0;
  for (const std::string& path : store.ValidPaths()) {
    const ViewTarget found = view->Lookup(path, false);
    EXPECT_TRUE(found.file_known && found.target.store_path_exists) << path;
    EXPECT_EQ(found.target.exists, path != root_path) << path;
    present += found.target.exists;
  }
  EXPECT_GT(present, 0);
}

}  // namespace
}  // namespace lre_audit
