// An image as a place where builds run: the answers are those of its files' facts.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "audit/link/link.h"
#include "audit/link/view.h"
#include "tests/audit/link/facts_builder.h"

namespace lre_audit {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using Place = Target::Place;

// A tree and its view, after link.
class Image {
 public:
  FactsBuilder files;
  ImageConfig config;
  const View& view() {
    if (view_ != nullptr) return *view_;
    tree_.files = files.Build();
    LinkInput input;
    input.reference = "oci:worker:t";
    input.tree = &tree_;
    input.config = &config;
    subject_ = Link(input);
    view_ = ViewOfImage(tree_, subject_);
    return *view_;
  }
  ViewTarget Lookup(const std::string& path, bool program = true) {
    return view().Lookup(path, program);
  }
  // A script as the scan sees it.
  void Script(const std::string& path, const std::vector<std::string>& interpreters,
              uint32_t mode = 0555) {
    FileFacts& file = files.File(path, mode);
    for (const std::string& interpreter : interpreters) {
      Claim& claim = *file.add_claims();
      claim.set_kind(Claim::SHEBANG);
      claim.set_text(interpreter);
    }
  }

 private:
  MergedTree tree_;
  Subject subject_;
  std::unique_ptr<View> view_;
};

void AddPrograms(Image& image) {
  image.files.Elf(kLoader, GlibcLoader());
  image.files.Elf(kGlibc + "/lib/libc.so.6", Library("libc.so.6"));
  image.files.Elf(kZlib + "/lib/libz.so.1", Library("libz.so.1", {"libc.so.6"}));
  image.files.Elf(kMake + "/bin/make", Program({"libz.so.1", "libc.so.6"}, kZlib + "/lib"));
}

struct ProgramCase {
  std::string name, problem;
};

TEST(ViewOfImage, Programs) {
  Image image;
  AddPrograms(image);
  const std::string bin = kMake + "/bin/";
  image.files.Symlink(bin + "cc", "make");
  image.files.Symlink(bin + "gone", kGone + "/bin/cc");
  image.files.Symlink(bin + "loop", "loop");
  image.files.Symlink(bin + "out", "/usr/bin/cc");
  image.files.Symlink(bin + "nowhere", "/usr/bin/c++");
  image.files.File("/usr/bin/cc", 0555);
  image.files.Directory(bin + "directory");
  image.files.Elf(bin + "data", Program({})).set_mode(0444);
  image.files.Elf(bin + "no-library", Program({"libgone.so", "libalso.so"}));
  image.files.Elf(kZlib + "/lib/libouter.so", Library("libouter.so", {"libgone.so"}));
  image.files.Elf(bin + "indirect", Program({"libouter.so"}, kZlib + "/lib"));
  elf::ElfSpec spec = Program({});
  spec.interpreter = "/lib64/ld-linux-x86-64.so.2";
  image.files.Elf(bin + "no-loader", spec);
  image.Script(bin + "script", {bin + "cc", bin + "make"});
  image.Script(bin + "bad-script", {bin + "script", kGone + "/bin/sh"});
  image.Script(bin + "worse-script", {bin + "bad-script"});
  image.files.File(bin + "text", 0555);

  const ProgramCase kCases[] = {
      {"make", ""},
      {"cc", ""},
      {"script", ""},
      {"text", ""},
      {"loop", ""},
      {"missing", ""},
      {"gone", "it leads to " + kGone + "/bin/cc, where nothing is"},
      {"nowhere", "it leads out of the store, to /usr/bin/c++"},
      {"out", "it leads out of the store, to /usr/bin/cc"},
      {"directory", "it is a directory"},
      {"data", "it is not executable"},
      {"no-library", "it needs the library libgone.so, which is found nowhere"},
      {"indirect",
       "it needs the library libgone.so of " + kZlib + "/lib/libouter.so, which is found nowhere"},
      {"no-loader", "it has the interpreter /lib64/ld-linux-x86-64.so.2, which is missing"},
      {"bad-script", "it has the interpreter " + kGone + "/bin/sh, which is missing"},
      {"worse-script", "it has the interpreter " + bin + "bad-script, which has the interpreter " +
                           kGone + "/bin/sh, which is missing"},
  };
  for (const ProgramCase& test : kCases) {
    EXPECT_EQ(image.Lookup(bin + test.name).problem, test.problem) << test.name;
  }
  EXPECT_EQ(image.Lookup(bin + "cc").target.path, bin + "make");
  EXPECT_EQ(image.Lookup(bin + "cc").machine, "x86-64");
  for (const char* name : {"gone", "loop", "missing", "nowhere"}) {
    EXPECT_FALSE(image.Lookup(bin + name).target.exists) << name;
  }
  // Nothing has to run of what names no program.
  EXPECT_EQ(image.Lookup(bin + "no-library", /*program=*/false).problem, "");
}

TEST(ViewOfImage, StorePathsAndDirectories) {
  Image image;
  AddPrograms(image);
  image.files.Symlink(kMake + "/include", kGlibc + "/include");
  image.files.File(kGlibc + "/include/stdio.h");
  const ViewTarget include = image.Lookup(kMake + "/include", false);
  EXPECT_TRUE(include.target.exists && include.target.is_directory && include.file_known);
  EXPECT_EQ(include.target.path, kGlibc + "/include");
  EXPECT_EQ(include.libc, "2.42");  // of where it leads
  EXPECT_EQ(include.target.store_path, kMake);

  const ViewTarget gone = image.Lookup(kGone + "/include", false);
  EXPECT_TRUE(gone.looked_up);
  EXPECT_FALSE(gone.target.store_path_exists || gone.target.exists);
  EXPECT_EQ(gone.target.store_path, kGone);
  EXPECT_EQ(gone.target.place, Place::kStore);

  const ViewTarget missing = image.Lookup(kMake + "/lib//../share/", false);
  EXPECT_TRUE(missing.target.store_path_exists);
  EXPECT_FALSE(missing.target.exists);
  EXPECT_EQ(missing.target.path, kMake + "/share");
}

TEST(ViewOfImage, MachineOfAnObject) {
  Image image;
  elf::ElfSpec spec;
  spec.type = ET_EXEC;
  spec.machine = EM_AARCH64;
  image.files.Elf(kMake + "/bin/make", spec);
  EXPECT_EQ(image.Lookup(kMake + "/bin/make").machine, "AArch64");
  EXPECT_EQ(image.Lookup(kMake + "/bin/make").problem, "");
}

TEST(ViewOfImage, Description) {
  const struct {
    const char *os, *architecture, *system;
  } kCases[] = {{"linux", "amd64", "x86_64-linux"},
                {"linux", "arm64", "aarch64-linux"},
                {"linux", "riscv64", "riscv64-linux"},
                {"linux", "386", "i686-linux"},
                {"darwin", "arm64", "aarch64-darwin"},
                {"linux", "arm", ""},
                {"windows", "amd64", ""},
                {"", "", ""}};
  for (const auto& test : kCases) {
    Image image;
    image.config.present = true;
    image.config.os = test.os;
    image.config.architecture = test.architecture;
    const ToolchainView& description = image.view().description();
    EXPECT_EQ(description.system, test.system);
    EXPECT_EQ(description.kind, ToolchainView::Kind::kImage);
    EXPECT_EQ(description.reference, "oci:worker:t");
    EXPECT_TRUE(description.has_files);
  }
  Image root_file_system;
  EXPECT_EQ(root_file_system.view().description().system, "");
}

// References are those that the scan found in contents.
TEST(ViewOfImage, CLibraries) {
  Image image;
  AddPrograms(image);
  FactsBuilder::Refer(image.files.File(kMake + "/lib/data"), kZlib);
  FactsBuilder::Refer(image.files.File(kMake + "/lib/more"), kGone);
  FactsBuilder::Refer(image.files.File(kZlib + "/lib/data"), kGlibc);
  using CLibrary = LinkedToolchain::CLibrary;
  EXPECT_THAT(image.view().CLibraries({kMake}), ElementsAre(Field(&CLibrary::store_path, kGlibc)));
  EXPECT_THAT(image.view().CLibraries({kGone}), IsEmpty());
}

}  // namespace
}  // namespace lre_audit
