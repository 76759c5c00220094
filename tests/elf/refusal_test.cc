// What the loaders refuse, each beside its innocent neighbour: a real library, damaged, lies before
// a whole one of its name, and the real loader is asked.
#include <elf.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "elf/host_view.h"
#include "elf/search.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace lre_audit::elf {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

Elf64_Ehdr& Header(std::string& bytes) { return *reinterpret_cast<Elf64_Ehdr*>(bytes.data()); }
Elf64_Phdr* Segments(std::string& bytes) {
  return reinterpret_cast<Elf64_Phdr*>(bytes.data() + Header(bytes).e_phoff);
}
void EachOf(std::string& bytes, uint32_t type, const std::function<void(Elf64_Phdr&)>& change) {
  for (int i = 0; i < Header(bytes).e_phnum; ++i) {
    if (Segments(bytes)[i].p_type == type) change(Segments(bytes)[i]);
  }
}
// Where the last PT_LOAD's bytes end.
uint64_t LoadedEnd(std::string& bytes) {
  uint64_t end = 0;
  EachOf(bytes, PT_LOAD, [&](Elf64_Phdr& load) { end = load.p_offset + load.p_filesz; });
  return end;
}

// musl itself does not look at the machine: it takes what cannot run, and we do not ask it.
enum class Is { kTaken, kPassedOver, kRefused, kNotAsked };

struct Row {
  const char* name;
  std::function<void(std::string&)> damage;
  Is glibc, musl;
  const char* why = "";  // of either that refuses
};

Row Cut(const char* name, size_t size) {
  return {name, [size](std::string& b) { b.resize(size); }, Is::kRefused, Is::kRefused,
          "file too short"};
}
Row Ident(const char* name, int at, char value, Is glibc, const char* why = "") {
  return {name, [at, value](std::string& b) { b[at] = value; }, glibc, Is::kTaken, why};
}

const Row kRows[] = {
    {"Whole", [](std::string&) {}, Is::kTaken, Is::kTaken},
    Cut("MagicAlone", 4),
    Cut("Identification", 20),
    Cut("HeaderLessAByte", 63),
    {"HeaderAlone", [](std::string& b) { b.resize(64); }, Is::kRefused, Is::kRefused,
     "cannot read file data"},
    {"SectionHeadersLessAByte", [](std::string& b) { b.pop_back(); }, Is::kTaken, Is::kTaken},
    {"CutBehindSegments", [](std::string& b) { b.resize(LoadedEnd(b)); }, Is::kTaken, Is::kTaken},
    {"CutInLastPage", [](std::string& b) { b.resize(LoadedEnd(b) - 1); }, Is::kTaken, Is::kTaken},
    {"CutBeforeLastPages", [](std::string& b) { b.resize(LoadedEnd(b) - 3 * 4096); }, Is::kRefused,
     Is::kRefused, "leaves the file of"},
    {"CutBehindProgramHeaders", [](std::string& b) { b.resize(2000); }, Is::kRefused, Is::kRefused,
     "leaves the file of"},
    Ident("Version0", EI_VERSION, 0, Is::kRefused, "file version ident"),
    Ident("OsAbiGnu", EI_OSABI, ELFOSABI_GNU, Is::kTaken),
    Ident("OsAbiFreeBsd", EI_OSABI, ELFOSABI_FREEBSD, Is::kRefused, "wrong OS ABI"),
    Ident("AbiVersion5", EI_ABIVERSION, 5, Is::kRefused, "ABI version invalid"),
    Ident("Padding", 12, 1, Is::kRefused, "nonzero padding"),
    Ident("LastPadding", 15, 1, Is::kRefused, "nonzero padding"),
    {"ObjectVersion2", [](std::string& b) { Header(b).e_version = 2; }, Is::kRefused, Is::kTaken,
     "file version does not match"},
    {"OtherMachine", [](std::string& b) { Header(b).e_machine = EM_S390; }, Is::kPassedOver,
     Is::kNotAsked},
    {"OtherMachineAndVersion",
     [](std::string& b) {
       Header(b).e_machine = EM_S390;
       Header(b).e_version = 2;
     },
     Is::kRefused, Is::kNotAsked, "file version does not match"},
    {"OtherMachineAndType",
     [](std::string& b) {
       Header(b).e_machine = EM_S390;
       Header(b).e_type = ET_REL;
     },
     Is::kPassedOver, Is::kNotAsked},
    {"TypeRel", [](std::string& b) { Header(b).e_type = ET_REL; }, Is::kRefused, Is::kRefused,
     "only ET_DYN and ET_EXEC"},
    {"TypeExec", [](std::string& b) { Header(b).e_type = ET_EXEC; }, Is::kRefused, Is::kTaken,
     "cannot dynamically load executable"},
    {"EntrySize", [](std::string& b) { Header(b).e_phentsize = 10; }, Is::kRefused, Is::kRefused,
     "phentsize"},
    {"NoProgramHeaders", [](std::string& b) { Header(b).e_phnum = 0; }, Is::kRefused, Is::kRefused,
     "no loadable segments"},
    {"ProgramHeadersFarAway", [](std::string& b) { Header(b).e_phoff = b.size() - 56; },
     Is::kRefused, Is::kRefused, "cannot read file data"},
    {"NothingToLoad",
     [](std::string& b) { EachOf(b, PT_LOAD, [](Elf64_Phdr& p) { p.p_type = PT_NULL; }); },
     Is::kRefused, Is::kRefused, "no loadable segments"},
    {"NoDynamic",
     [](std::string& b) { EachOf(b, PT_DYNAMIC, [](Elf64_Phdr& p) { p.p_type = PT_NULL; }); },
     Is::kRefused, Is::kRefused, "no dynamic section"},
    {"EmptyDynamic",
     [](std::string& b) { EachOf(b, PT_DYNAMIC, [](Elf64_Phdr& p) { p.p_filesz = 0; }); },
     Is::kRefused, Is::kTaken, "no dynamic section"},
    {"NoStackNote",
     [](std::string& b) { EachOf(b, PT_GNU_STACK, [](Elf64_Phdr& p) { p.p_type = PT_NULL; }); },
     Is::kTaken, Is::kTaken},
    {"OffsetNotCongruent",
     [](std::string& b) {
       EachOf(b, PT_LOAD, [](Elf64_Phdr& p) {
         if ((p.p_flags & PF_W) != 0) ++p.p_offset;
       });
     },
     Is::kRefused, Is::kTaken, "not page-aligned"},
};

class RefusalTest : public testing::Test {
 protected:
  void SetUp() override {
    // Relocations and data over several pages: what is missing of them is missed at once.
    std::ofstream(directory_ / "lib.c")
        << "int x; int* far[4000] = {[0] = &x, [1000] = &x, [2000] = &x, [3999] = &x};\n"
           "int f(void) { return far[3999] == &x; }\n";
    std::ofstream(directory_ / "main.c") << "int main(void) { return 0; }\n";
    std::ofstream(directory_ / "start.c") << "void _start(void) { for (;;); }\n";
    fs::create_directory(directory_ / "1");
    fs::create_directory(directory_ / "2");
    const std::string flags = " -Wl,--no-as-needed 2/lib.so '-Wl,-rpath,$ORIGIN/1:$ORIGIN/2'";
    Run("gcc -shared -fPIC -nostdlib -o 2/lib.so lib.c -Wl,-soname,lib.so");
    fs::copy_file(directory_ / "2/lib.so", directory_ / "lib.so");
    Run("gcc -o glibc main.c" + flags);
    for (const auto& entry : fs::directory_iterator("/lib")) {
      if (entry.path().filename().string().starts_with("ld-musl-")) musl_ = entry.path();
    }
    ASSERT_FALSE(musl_.empty());
    Run("gcc -nostdlib -o musl start.c" + flags + " -Wl,--dynamic-linker=" + musl_);
  }

  int Status(const std::string& command) {
    return system(("cd '" + directory_.string() + "' && exec " + command).c_str());
  }
  void Run(const std::string& command) { ASSERT_EQ(Status(command), 0) << command; }

  void Expect(bool is_musl, Is is, const std::string& why) {
    if (is == Is::kNotAsked) return;
    SCOPED_TRACE(is_musl ? "musl" : "glibc");
    const HostView view("");
    const fs::path program = directory_ / (is_musl ? "musl" : "glibc");
    const auto process = Load(view, program, {});
    ASSERT_TRUE(process.ok()) << process.status();
    ASSERT_FALSE(process->libraries.empty());
    const Library& library = process->libraries[0];
    const std::string first = directory_ / "1/lib.so", second = directory_ / "2/lib.so";
    EXPECT_EQ(library.path, is == Is::kTaken ? first : is == Is::kPassedOver ? second : "");
    EXPECT_EQ(library.refused, is == Is::kRefused ? first : "");
    if (is == Is::kRefused) {
      EXPECT_THAT(library.problem, HasSubstr("refused: "));
      EXPECT_THAT(library.problem, HasSubstr(why));
      EXPECT_THAT(library.problem, HasSubstr(first));
    }
    const int status =
        Status(is_musl ? musl_ + " --list ./musl > log 2>&1" : std::string("./glibc > log 2>&1"));
    EXPECT_EQ(status == 0, is != Is::kRefused) << status << ": " << Contents(directory_ / "log");
  }

  const TemporaryDirectory temporary_;
  const fs::path directory_ = temporary_.path();
  std::string musl_;
};

TEST_F(RefusalTest, AsTheRealLoaders) {
  const std::string whole = Contents(directory_ / "lib.so");
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    std::string bytes = whole;
    row.damage(bytes);
    std::ofstream(directory_ / "1/lib.so", std::ios::binary | std::ios::trunc) << bytes;
    Expect(/*is_musl=*/false, row.glibc, row.why);
    Expect(/*is_musl=*/true, row.musl, row.glibc == Is::kRefused ? "" : row.why);
  }
}

TEST_F(RefusalTest, ProgramsAreNoLibraries) {
  for (const auto& [flags, why] : std::vector<std::pair<std::string, std::string>>{
           {"-pie -fPIE", "cannot dynamically load position-independent executable"},
           {"-no-pie", "cannot dynamically load executable"}}) {
    Run("gcc -o 1/lib.so main.c " + flags);
    Expect(/*is_musl=*/false, Is::kRefused, why);
  }
}

TEST_F(RefusalTest, DebugInformationIsNoLibrary) {
  Run("objcopy --only-keep-debug lib.so 1/lib.so");
  Expect(/*is_musl=*/false, Is::kRefused, "no dynamic section");
  Run("strip -o 1/lib.so lib.so");
  Expect(/*is_musl=*/false, Is::kTaken, "");
  Expect(/*is_musl=*/true, Is::kTaken, "");
}

// The kernel has loaded the program, and the loader does not know it by its inode.
TEST_F(RefusalTest, ProgramThatItsOwnLibraryNeeds) {
  Run("patchelf --set-rpath '$ORIGIN/..' --output 1/lib.so lib.so");
  Expect(/*is_musl=*/false, Is::kTaken, "");
  Run("patchelf --add-needed glibc 1/lib.so");
  const HostView view("");
  const auto process = Load(view, directory_ / "glibc", {});
  ASSERT_TRUE(process.ok());
  std::vector<std::string> problems;
  for (const Library& library : process->libraries) {
    if (!library.problem.empty()) problems.push_back(library.name + ": " + library.problem);
  }
  EXPECT_THAT(problems, ElementsAre("glibc: refused: cannot dynamically load position-independent "
                                    "executable: " +
                                    directory_.string() + "/1/../glibc"));
  EXPECT_NE(Status("./glibc > log 2>&1"), 0);
  EXPECT_THAT(Contents(directory_ / "log"), HasSubstr("position-independent executable"));
}

}  // namespace
}  // namespace lre_audit::elf
