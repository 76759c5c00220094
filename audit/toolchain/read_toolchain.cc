#include "audit/toolchain/read_toolchain.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "audit/claims/path_flags.h"
#include "audit/toolchain/setting_list.h"
#include "audit/toolchain/toolchain_files.h"
#include "base/paths.h"
#include "base/read_file.h"
#include "base/text.h"

namespace lre_audit {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxFileSize = 16 << 20;
constexpr uint64_t kMaxFiles = 10'000;     // read
constexpr uint64_t kMaxEntries = 500'000;  // looked at
constexpr int kMaxDepth = 64;              // of directories

enum class Format { kNone, kStarlark, kIncludeDirectories, kModuleMap, kScript, kCMake };

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Format FormatOf(std::string_view path) {
  const std::string_view name = BaseName(path);
  for (std::string_view known : {"BUILD", "BUCK", "TARGETS", "WORKSPACE", "MODULE"}) {
    for (std::string_view end : {"", ".bazel", ".v2"}) {
      if (name.size() == known.size() + end.size() && name.starts_with(known) &&
          name.ends_with(end)) {
        return Format::kStarlark;
      }
    }
  }
  for (std::string_view end : {".bzl", ".BUILD", ".BUILD.bazel"}) {
    if (name.ends_with(end)) return Format::kStarlark;
  }
  if (name.starts_with("builtin_include_directory_paths")) return Format::kIncludeDirectories;
  if (name.ends_with(".modulemap")) return Format::kModuleMap;
  if (name.ends_with(".cmake") || name == "CMakeToolchain") return Format::kCMake;
  if (name.ends_with(".sh") || name.ends_with(".bash")) return Format::kScript;
  return Format::kNone;
}

// Whether a file says what only a generated toolchain says: a repository's other BUILD files name
// paths too, in commands for example.
bool NamesToolchain(const std::string& path, std::string_view text) {
  const Format format = FormatOf(path);
  std::vector<std::string_view> marks;
  if (format == Format::kStarlark && !BaseName(path).starts_with("WORKSPACE") &&
      !BaseName(path).starts_with("MODULE")) {
    marks = {"tool_path", "cxx_builtin_include_directories", "java_home", "local_repository",
             "cxx_toolchain"};
  } else if (format == Format::kCMake) {
    marks = {"CMAKE_C_COMPILER", "CMAKE_CXX_COMPILER"};
  } else if (format == Format::kIncludeDirectories) {
    marks = {""};
  }
  if (std::none_of(marks.begin(), marks.end(),
                   [&](std::string_view mark) { return text.find(mark) != text.npos; })) {
    return false;
  }
  const ConfigFacts facts = ReadToolchainFile(path, text, /*executable=*/false);
  return std::any_of(facts.claims().begin(), facts.claims().end(), [](const Claim& claim) {
    return claim.kind() != Claim::FLAG && IsAbsolutePath(claim.text());
  });
}

// Directories that hold no part of a toolchain: version control, other tools' outputs, and Bazel's
// convenience links.
bool IsPassedOver(std::string_view name) {
  return name == ".git" || name == "node_modules" || name.starts_with("bazel-");
}

bool BeginsWithShebang(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  char head[2] = {};
  return file.read(head, 2) && head[0] == '#' && head[1] == '!';
}

class Reader {
 public:
  explicit Reader(std::string directory) : directory_(std::move(directory)) {
    while (directory_.size() > 1 && directory_.back() == '/') directory_.pop_back();
    facts_.directory = directory_;
  }

  absl::StatusOr<ToolchainFacts> Read() {
    std::error_code error;
    root_ = fs::canonical(directory_, error);
    if (error) return absl::NotFoundError(absl::StrCat(directory_, ": ", error.message()));
    if (!fs::is_directory(root_, error)) {
      return absl::InvalidArgumentError(absl::StrCat(directory_, ": is not a directory"));
    }
    Directory(root_, directory_, 0);
    std::sort(facts_.files.begin(), facts_.files.end(),
              [](const ConfigFacts& a, const ConfigFacts& b) { return a.path() < b.path(); });
    if (facts_.files.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          directory_,
          ": holds no toolchain: no BUILD, .bzl, BUCK, .cmake or .modulemap file, script or "
          "builtin_include_directory_paths that names a tool, a directory or a platform"));
    }
    return std::move(facts_);
  }

 private:
  void Defect(std::string path, std::string message) {
    ConfigFacts& file = facts_.files.emplace_back();
    file.set_path(Escaped(path) == path ? std::move(path) : Escaped(path));
    file.add_defects()->set_message(std::move(message));
  }

  // `real` is the directory, `shown` its name in the report.
  void Directory(const fs::path& real, const std::string& shown, int depth) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator i(real, error), end; !error && i != end; i.increment(error)) {
      names.push_back(i->path().filename().string());
      if (++entries_ > kMaxEntries) break;
    }
    if (error) Defect(shown, absl::StrCat("cannot be read: ", error.message()));
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      if (full_ || IsPassedOver(name)) continue;
      Entry(real / name, absl::StrCat(shown, shown == "/" ? "" : "/", name), depth);
    }
    if (entries_ > kMaxEntries && !full_) {
      full_ = true;
      Defect(shown, absl::StrCat("more than ", kMaxEntries, " files; the rest is not audited"));
    }
  }

  void Entry(const fs::path& real, const std::string& shown, int depth) {
    std::error_code error;
    fs::file_status status = fs::symlink_status(real, error);
    if (fs::is_symlink(status)) {
      const std::optional<fs::path> target = Inside(real, shown);
      if (!target.has_value()) return;
      status = fs::status(*target, error);
      // A directory of this one is read under its own name, and so is a file unless only the
      // link's name tells what it is.
      if (fs::is_directory(status) || FormatOf(target->string()) != Format::kNone) return;
    }
    if (error) return Defect(shown, absl::StrCat("cannot be read: ", error.message()));
    if (fs::is_directory(status)) {
      if (depth < kMaxDepth) return Directory(real, shown, depth + 1);
      return Defect(shown, absl::StrCat("directories nest deeper than ", kMaxDepth));
    }
    if (fs::is_regular_file(status)) return File(real, shown, status.permissions());
    if (FormatOf(shown) != Format::kNone) Defect(shown, "is no regular file");
  }

  // Where a symlink leads, as long as that is inside the toolchain's directory.
  std::optional<fs::path> Inside(const fs::path& link, const std::string& shown) {
    std::error_code error;
    fs::path target = fs::canonical(link, error);
    std::error_code ignored;
    const bool matters = FormatOf(shown) != Format::kNone || fs::is_directory(target, ignored);
    if (error) {
      if (matters) Defect(shown, absl::StrCat("cannot be read: ", error.message()));
      return std::nullopt;
    }
    if (IsWithin(target.string(), root_ == "/" ? "" : root_.string())) return target;
    if (matters) {
      Defect(shown, absl::StrCat("is a symlink to ", Escaped(target.string()),
                                 ", outside of the toolchain's directory: not read"));
    }
    return std::nullopt;
  }

  void File(const fs::path& real, const std::string& shown, fs::perms permissions) {
    const bool executable = (permissions & fs::perms::owner_exec) != fs::perms::none;
    const bool known = FormatOf(shown) != Format::kNone;
    if (!known && !(executable && BeginsWithShebang(real))) return;
    if (facts_.files_read >= kMaxFiles) {
      full_ = true;
      return Defect(facts_.directory,
                    absl::StrCat("more than ", kMaxFiles, " files; the rest is not audited"));
    }
    const absl::StatusOr<std::string> text = ReadFile(real.string(), kMaxFileSize);
    if (!text.ok()) {
      return Defect(shown, absl::StrCat("cannot be read: ", text.status().message()));
    }
    ++facts_.files_read;
    facts_.bytes += text->size();
    ConfigFacts file = ReadToolchainFile(shown, *text, executable);
    DropToolsBeside(real.parent_path(), &file);
    const bool says = file.claims_size() + file.settings_size() + file.defects_size() > 0;
    if (says) facts_.files.push_back(std::move(file));
  }

  // "cc_wrapper.sh" in tool_paths is the script beside the BUILD file, not a name for PATH.
  static void DropToolsBeside(const fs::path& directory, ConfigFacts* file) {
    auto* claims = file->mutable_claims();
    const auto is_beside = [&](const Claim& claim) {
      std::error_code error;
      return claim.kind() == Claim::TOOL && !claim.text().empty() && claim.text()[0] != '/' &&
             claim.text().find('\0') == std::string::npos &&
             fs::is_regular_file(directory / claim.text(), error);
    };
    claims->erase(std::remove_if(claims->begin(), claims->end(), is_beside), claims->end());
  }

  std::string directory_;
  fs::path root_;
  ToolchainFacts facts_;
  uint64_t entries_ = 0;
  bool full_ = false;
};

}  // namespace

absl::StatusOr<ToolchainFacts> ReadToolchain(const std::string& directory) {
  return Reader(directory).Read();
}

ConfigFacts ReadToolchainFile(const std::string& path, std::string_view text, bool executable) {
  ConfigFacts facts;
  facts.set_path(Escaped(path) == path ? path : Escaped(path));
  SettingList list(text, &facts);
  Format format = FormatOf(path);
  if (format == Format::kNone && executable && text.starts_with("#!")) format = Format::kScript;
  switch (format) {
    case Format::kNone:
      break;
    case Format::kStarlark:
      AddStarlarkClaims(path, &list);
      break;
    case Format::kIncludeDirectories:
      AddIncludeDirectoryListClaims(&list);
      break;
    case Format::kModuleMap:
      AddModuleMapClaims(&list);
      break;
    case Format::kScript:
      AddToolchainScriptClaims(path, &list);
      break;
    case Format::kCMake:
      AddCMakeToolchainClaims(&list);
      break;
  }
  return facts;
}

bool LooksLikeToolchain(const std::string& directory) {
  std::error_code error;
  for (fs::directory_iterator i(directory, error), end; !error && i != end; i.increment(error)) {
    const std::string path = i->path().string();
    std::error_code ignored;
    if (FormatOf(path) == Format::kNone || !i->is_regular_file(ignored)) continue;
    const absl::StatusOr<std::string> text = ReadFile(path, kMaxFileSize);
    if (text.ok() && NamesToolchain(path, *text)) return true;
  }
  return false;
}

}  // namespace lre_audit
