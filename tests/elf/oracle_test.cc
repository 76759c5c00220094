// The real loader as oracle: for every dynamic executable of this machine, `<interpreter> --list`
// finds what we find.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "elf/host_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace lre_audit::elf {
namespace {

namespace fs = std::filesystem;

std::string Quoted(const std::string& word) {
  std::string quoted = "'";
  for (char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string Output(const std::string& command) {
  std::string output;
  FILE* pipe = popen(("env -u LD_LIBRARY_PATH -u LD_PRELOAD " + command).c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  while (size_t count = fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, count);
  pclose(pipe);
  return output;
}

// "\tlibc.so.6 => /lib/libc.so.6 (0x...)" lines; "not found" is "". Lines without an arrow are the
// vdso and the loader.
std::map<std::string, std::string> Listed(const std::string& interpreter, const std::string& file) {
  std::map<std::string, std::string> listed;
  // As ldd(1) does: unlike --list this goes on after a library that is not found. Musl has --list.
  const bool is_musl = interpreter.find("ld-musl") != std::string::npos;
  std::istringstream lines(
      Output((is_musl ? Quoted(interpreter) + " --list "
                      : "LD_TRACE_LOADED_OBJECTS=1 " + Quoted(interpreter) + " ") +
             Quoted(file) + " 2>/dev/null"));
  for (std::string line; std::getline(lines, line);) {
    const size_t arrow = line.find(" => ");
    if (arrow == std::string::npos) continue;
    const size_t start = line.find_first_not_of(" \t");
    std::string path = line.substr(arrow + 4);
    path = path.substr(0, path.rfind(" ("));
    listed[line.substr(start, arrow - start)] = path == "not found" ? "" : path;
  }
  return listed;
}

std::map<std::string, std::string> Ours(const Process& process) {
  std::map<std::string, std::string> found;
  for (const Library& library : process.libraries) {
    if (library.path == process.interpreter || library.name.find('/') != std::string::npos)
      continue;
    found.emplace(library.name, library.path);
  }
  return found;
}

std::vector<std::string> Executables() {
  std::vector<std::string> directories = {"/usr/bin"};
  if (const char* roots = getenv("LRE_AUDIT_WORLD_ROOTS")) {
    std::ifstream lines(roots);
    for (std::string line; std::getline(lines, line);) directories.push_back(line + "/bin");
  }
  std::vector<std::string> files;
  for (const std::string& directory : directories) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
      if (!entry.is_symlink(error) && entry.is_regular_file(error)) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(OracleTest, EveryExecutableOfThisMachineResolvesAsItsLoaderSays) {
  const HostView view("");
  SearchOptions options;
  options.processor = HostProcessor();
  options.working_directory = fs::current_path();
  Searcher searcher(view, options);
  int compared = 0;
  for (const std::string& path : Executables()) {
    const auto file = view.Open(path);
    if (!file || file->object == nullptr || !file->object->interpreter) continue;
    if (file->object->needed.empty()) continue;  // static-pie
    const auto process = searcher.Load(path);
    ASSERT_TRUE(process.ok()) << process.status();
    EXPECT_EQ(Ours(*process), Listed(process->interpreter, path)) << path;
    EXPECT_THAT(process->missing_versions, testing::IsEmpty()) << path;
    EXPECT_THAT(file->object->view_differences, testing::IsEmpty()) << path;
    EXPECT_THAT(file->object->defects, testing::IsEmpty()) << path;
    ++compared;
  }
  EXPECT_GT(compared, 50);
}

// A directory of really compiled objects.
class CompiledTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(directory_ / "lib.c") << "int f(void) { return 1; }\n";
    std::ofstream(directory_ / "main.c") << "int main(void) { return 0; }\n";
  }

  void Run(const std::string& command) {
    ASSERT_EQ(system(("cd " + Quoted(directory_) + " && " + command).c_str()), 0) << command;
  }
  // A library at `path` (with its soname) that needs `needs`, and a program.
  void Library(const std::string& path, const std::string& flags = "") {
    fs::create_directories((directory_ / path).parent_path());
    Run("gcc -shared -fPIC -o " + path + " lib.c -Wl,--no-as-needed -Wl,-soname," +
        fs::path(path).filename().string() + " " + flags);
  }
  void Program(const std::string& flags) {
    Run("gcc -o main main.c -Wl,--no-as-needed -Wl,--allow-shlib-undefined " + flags);
  }
  void ExpectAsTheLoader() {
    const HostView view("");
    SearchOptions options;
    options.processor = HostProcessor();
    options.working_directory = fs::current_path();
    const auto process = Load(view, directory_ / "main", options);
    ASSERT_TRUE(process.ok());
    const auto listed = Listed(process->interpreter, directory_ / "main");
    EXPECT_THAT(listed, testing::SizeIs(testing::Gt(1)));
    EXPECT_EQ(Ours(*process), listed);
  }

  const TemporaryDirectory temporary_;
  const fs::path directory_ = temporary_.path();
};

TEST_F(CompiledTest, RpathChainThroughTheLibrary) {
  Library("deep/libb.so");
  Library("lib/liba.so", "-Ldeep -lb -Wl,--disable-new-dtags");
  Program(
      "-Llib -la -Wl,--disable-new-dtags '-Wl,-rpath,$ORIGIN/lib:$ORIGIN/deep' "
      "-Wl,-rpath-link,deep");
  ExpectAsTheLoader();
}

TEST_F(CompiledTest, RunpathIsNotInherited) {
  Library("deep/libb.so");
  Library("lib/liba.so", "-Ldeep -lb");
  Program(
      "-Llib -la -Wl,--enable-new-dtags '-Wl,-rpath,$ORIGIN/lib:$ORIGIN/deep' "
      "-Wl,-rpath-link,deep");
  ExpectAsTheLoader();
}

TEST_F(CompiledTest, LibraryRunpathHidesTheProgramsRpath) {
  Library("deep/libb.so");
  Library("lib/liba.so", "-Ldeep -lb -Wl,--enable-new-dtags -Wl,-rpath,/nowhere");
  Program(
      "-Llib -la -Wl,--disable-new-dtags '-Wl,-rpath,$ORIGIN/lib:$ORIGIN/deep' "
      "-Wl,-rpath-link,deep");
  ExpectAsTheLoader();
}

TEST_F(CompiledTest, HardwareAndTokenDirectories) {
  Library("lib/liba.so");
  Library("lib/glibc-hwcaps/x86-64-v2/liba.so");
  Library("lib/tls/x86_64/liba.so");
  Program("-Llib -la '-Wl,-rpath,$ORIGINAL:$PLATFORM/x:${ORIGIN}/lib'");
  ExpectAsTheLoader();
}

TEST_F(CompiledTest, LibTokenAndSymlinkedLibraryDirectory) {
  Library("real/sub/libb.so");
  Library("real/lib/liba.so", "-Lreal/sub -lb '-Wl,-rpath,$ORIGIN/../sub'");
  fs::create_directories(directory_ / "found");
  fs::create_directory_symlink("../real/lib", directory_ / "found/lib");
  Library("found/sub/libb.so");
  Program("-Lreal/lib -la '-Wl,-rpath,$ORIGIN/$LIB:$ORIGIN/found/lib' -Wl,-rpath-link,real/sub");
  ExpectAsTheLoader();
}

TEST_F(CompiledTest, SymlinkedProgramHasTheOriginOfItsTarget) {
  Library("real/liba.so");
  Run("gcc -o real/main main.c -Wl,--no-as-needed -Lreal -la '-Wl,-rpath,$ORIGIN'");
  fs::create_symlink("real/main", directory_ / "main");
  EXPECT_EQ(system(Quoted(directory_ / "main").c_str()), 0);  // the kernel's own answer
  const HostView view("");
  const auto process = Load(view, directory_ / "main", {});
  ASSERT_TRUE(process.ok());
  EXPECT_EQ(process->libraries.at(0).path, directory_ / "real/liba.so");
}

// DT_FILTER and DT_AUXILIARY: what they name is loaded, and its own libraries with it.
TEST_F(CompiledTest, FilteesAreLoaded) {
  Library("deep/libdeep.so");
  Library("lib/libfiltee.so", "-Ldeep -ldeep '-Wl,-rpath,$ORIGIN/../deep'");
  Library("lib/libauxiliary.so");
  Library("lib/liba.so",
          "-Wl,-F,libfiltee.so -Wl,-f,libauxiliary.so '-Wl,-rpath,$ORIGIN' -Wl,--enable-new-dtags");
  Program("-Llib -la '-Wl,-rpath,$ORIGIN/lib'");
  ExpectAsTheLoader();
  const auto process = Load(HostView(""), directory_ / "main", {});
  std::map<std::string, std::string_view> tags;
  for (const auto& library : process->libraries) tags[library.name] = library.tag;
  EXPECT_EQ(tags["libfiltee.so"], "DT_FILTER");
  EXPECT_EQ(tags["libauxiliary.so"], "DT_AUXILIARY");
  EXPECT_EQ(tags["libdeep.so"], "DT_NEEDED");
}

// The loader does without an auxiliary library, never without a filtee.
TEST_F(CompiledTest, OnlyAMissingFilteeIsAnError) {
  for (const char* flag : {"-f", "-F"}) {
    Library("lib/liba.so", std::string("-Wl,") + flag + ",libgone.so");
    Program("-Llib -la '-Wl,-rpath,$ORIGIN/lib'");
    const bool starts =
        system(
            ("env -u LD_LIBRARY_PATH " + Quoted(directory_ / "main") + " 2>/dev/null").c_str()) ==
        0;
    EXPECT_EQ(starts, flag == std::string("-f"));
    const auto process = Load(HostView(""), directory_ / "main", {});
    bool all_found = true;
    for (const auto& library : process->libraries) all_found &= !library.path.empty();
    EXPECT_EQ(all_found, starts) << flag;
  }
}

// A directory can be opened but not read: the loader does not look further.
TEST_F(CompiledTest, DirectoryOfTheLibrarysNameEndsTheSearch) {
  Library("lib/liba.so");
  fs::create_directories(directory_ / "first/liba.so");
  Program("-Llib -la '-Wl,-rpath,$ORIGIN/lib:$ORIGIN/first'");
  ExpectAsTheLoader();
  Program("-Llib -la '-Wl,-rpath,$ORIGIN/first:$ORIGIN/lib'");
  EXPECT_THAT(Output(Quoted(directory_ / "main") + " 2>&1"),
              testing::HasSubstr("first/liba.so: cannot read file data"));
  const auto process = Load(HostView(""), directory_ / "main", {});
  ASSERT_TRUE(process.ok());
  EXPECT_EQ(process->libraries.at(0).found_by, FoundBy::kNotFound);
  EXPECT_THAT(process->libraries.at(0).problem, testing::HasSubstr("is a directory: "));
}

// Where the loader tried to find `library`, by LD_DEBUG=libs; without the subdirectories for
// hardware, which it tries just before the directory itself.
std::vector<std::string> TriedDirectories(const std::string& program, const std::string& library) {
  std::istringstream lines(Output("LD_DEBUG=libs " + Quoted(program) + " 2>&1"));
  std::vector<std::string> tried;
  for (std::string line; std::getline(lines, line);) {
    const size_t file = line.find("trying file=");
    if (file == std::string::npos || !line.ends_with("/" + library)) continue;
    const std::string path = line.substr(file + 12);
    tried.push_back(path.substr(0, path.rfind('/')));
  }
  std::vector<std::string> directories;
  for (auto directory = tried.rbegin(); directory != tried.rend(); ++directory) {
    if (!directories.empty() && directory->starts_with(directories.back() + "/")) continue;
    directories.push_back(*directory);
  }
  std::reverse(directories.begin(), directories.end());
  return directories;
}

TEST_F(CompiledTest, SearchesWhereTheLoaderSaysThatItDoes) {
  for (const char* tags : {" -Wl,--disable-new-dtags", " -Wl,--enable-new-dtags"}) {
    Library("libgone.so");
    const std::string own = directory_ / "own", deep = directory_ / "deep";
    Library("lib/liba.so", "-L. -lgone -Wl,-rpath," + own + tags);
    Program("-Llib -la '-Wl,-rpath,$ORIGIN/lib:$ORIGIN/deep'" + std::string(tags));
    fs::remove(directory_ / "libgone.so");
    // The loader forgets directories that are not there, once it has asked.
    for (const std::string& directory : {own, deep}) fs::create_directories(directory);

    SearchOptions options;
    options.list_searched = true;
    const auto process = Load(HostView(""), directory_ / "main", options);
    ASSERT_TRUE(process.ok());
    std::vector<std::string> searched;
    for (const auto& library : process->libraries) {
      EXPECT_EQ(library.found_by == FoundBy::kNotFound, library.name == "libgone.so");
      for (const auto& place : library.searched) {
        if (place.by != FoundBy::kCache) searched.push_back(place.path);
      }
    }
    EXPECT_THAT(searched, testing::SizeIs(testing::Gt(2)));
    EXPECT_EQ(searched, TriedDirectories(directory_ / "main", "libgone.so"));
  }
}

// Neither the library nor the program needs any C library to be resolved.
TEST_F(CompiledTest, MuslResolvesAsItsLoaderSays) {
  const std::string bare = " -nostdlib -Wl,--no-as-needed -Wl,--allow-shlib-undefined ";
  fs::create_directories(directory_ / "deep");
  fs::create_directories(directory_ / "lib");
  Run("gcc -shared -fPIC -o deep/libb.so lib.c" + bare);
  Run("gcc -shared -fPIC -o lib/liba.so lib.c" + bare + "-Ldeep -lb");
  Run("gcc -o main main.c" + bare +
      "-Llib -la -e main -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1 -Wl,--enable-new-dtags "
      "'-Wl,-rpath,:$ORIGIN/lib:${ORIGIN}/deep'");
  const auto process = Load(HostView(""), directory_ / "main", {});
  ASSERT_TRUE(process.ok());
  const auto listed = Listed(process->interpreter, directory_ / "main");
  EXPECT_EQ(listed.at("libb.so"), directory_ / "deep/libb.so");  // RUNPATH is inherited
  for (const auto& [name, path] : Ours(*process)) EXPECT_EQ(path, listed.at(name));
}

TEST_F(CompiledTest, LoaderDefaultsAreWhatTheLoaderSaysOfItself) {
  const HostView view("");
  const auto program = view.Open("/proc/self/exe").value_or(*view.Open("/usr/bin/env"));
  ASSERT_TRUE(program.object && program.object->interpreter);
  const auto loader = view.Open(program.object->interpreter->value);
  ASSERT_TRUE(loader && loader->object && loader->object->loader_defaults);
  const LoaderDefaults& defaults = *loader->object->loader_defaults;
  std::istringstream lines(Output(Quoted(loader->real_path) + " --list-diagnostics"));
  std::vector<std::string> directories, ours;
  std::map<std::string, std::string> values;
  for (std::string line; std::getline(lines, line);) {
    const size_t equals = line.find("=\"");
    if (equals == std::string::npos) continue;
    std::string value = line.substr(equals + 2);
    value.pop_back();
    if (line.starts_with("path.system_dirs[")) {
      while (value.size() > 1 && value.back() == '/') value.pop_back();
      directories.push_back(value);
    }
    values[line.substr(0, equals)] = value;
  }
  for (const Text& text : defaults.system_directories) ours.push_back(text.value);
  EXPECT_EQ(ours, directories);
  EXPECT_EQ(defaults.version, values["version.version"]);
  EXPECT_EQ(defaults.lib, values["dl_dst_lib"]);
  EXPECT_EQ(defaults.cache->value, values["path.sysconfdir"] + "/ld.so.cache");
}

}  // namespace
}  // namespace lre_audit::elf
