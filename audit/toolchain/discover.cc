// What a repository holds that lre-audit can audit, found by names and contents.
#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "audit/toolchain/json5.h"
#include "audit/toolchain/read_config.h"
#include "audit/toolchain/read_toolchain.h"
#include "audit/toolchain/worker_config.h"
#include "base/paths.h"
#include "base/read_file.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxDirectories = 100'000;
constexpr int kMaxDepth = 100;
constexpr uint64_t kMaxFile = uint64_t{16} << 20;
constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";

// What others made and will make anew, and what version control keeps.
constexpr std::array<std::string_view, 9> kPassedOver = {
    ".git", ".hg", ".jj", ".svn", "node_modules", ".direnv", ".venv", "__pycache__", ".devenv"};
// Files that a tool puts into the directory of its outputs.
constexpr std::array<const char*, 3> kOutputMarks = {"CACHEDIR.TAG", "CMakeCache.txt",
                                                     "DO_NOT_BUILD_HERE"};
// What a generated toolchain is divided into; they belong together.
constexpr std::array<std::string_view, 3> kToolchainParts = {"cc", "config", "java"};

bool IsDirectory(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(fs::symlink_status(path, ignored));
}

bool Exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

class Discoverer {
 public:
  explicit Discoverer(const std::string& directory) : root_(directory) {
    std::error_code ignored;
    real_root_ = fs::canonical(root_, ignored).string();
  }

  Discovery Run() {
    Visit(root_, 0, false);
    // Generated last, read first: what a flake's shell hook writes is what builds use.
    std::stable_partition(
        found_.bazelrcs.begin(), found_.bazelrcs.end(),
        [](const std::string& path) { return fs::path(path).filename() == "lre.bazelrc"; });
    return std::move(found_);
  }

 private:
  // `in_toolchain`: a toolchain that was found above holds this directory.
  void Visit(const fs::path& directory, int depth, bool in_toolchain) {
    if (full_) return;
    if (depth > kMaxDepth || ++directories_ > kMaxDirectories) {
      full_ = true;
      Problem(directory, absl::StrCat("more than ", kMaxDirectories, " directories, or more than ",
                                      kMaxDepth, " in one another; the rest was not looked at"));
      return;
    }
    if (Exists(directory / "oci-layout")) {
      AddLayout(directory);
      return;
    }
    if (!in_toolchain && IsToolchain(directory)) {
      found_.toolchains.push_back(Shown(directory));
      in_toolchain = true;
    }
    std::vector<fs::path> entries;
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
      entries.push_back(entry->path());
    }
    if (error) Problem(directory, error.message());
    std::sort(entries.begin(), entries.end());
    for (const fs::path& entry : entries) {
      if (IsDirectory(entry)) {
        if (!IsPassedOver(entry)) Visit(entry, depth + 1, in_toolchain);
      } else if (IsOwnFile(entry)) {
        VisitFile(entry, in_toolchain);
      }
    }
  }

  static bool IsPassedOver(const fs::path& directory) {
    const std::string name = directory.filename().string();
    return name.starts_with("bazel-") ||
           std::find(kPassedOver.begin(), kPassedOver.end(), name) != kPassedOver.end() ||
           std::any_of(kOutputMarks.begin(), kOutputMarks.end(),
                       [&](const char* mark) { return Exists(directory / mark); });
  }

  // A regular file, or a symlink to one in the repository or in the store: LRE's shell hook links
  // lre.bazelrc there.
  bool IsOwnFile(const fs::path& path) const {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (!fs::is_symlink(status)) return fs::is_regular_file(status);
    const std::string target = fs::canonical(path, error).string();
    return !error && fs::is_regular_file(target, error) &&
           (IsBelow(target, real_root_) || IsBelow(target, nix::kDefaultStoreDirectory));
  }

  // A generated toolchain is known by the directory of one of its parts; it is the directory that
  // holds them all. So is a directory of platforms, which ask for images as a toolchain's do.
  bool IsToolchain(const fs::path& directory) {
    if (LooksLikeToolchain(directory.string()) || NamesPlatform(directory)) return true;
    if (!IsDirectory(directory / "config")) return false;
    return std::any_of(kToolchainParts.begin(), kToolchainParts.end(), [&](std::string_view part) {
      return IsDirectory(directory / part) && LooksLikeToolchain((directory / part).string());
    });
  }

  // A platform with a container-image stands here, and nothing below: else a repository with a
  // platform in its topmost BUILD file would be a toolchain as a whole.
  bool NamesPlatform(const fs::path& directory) {
    std::error_code error;
    bool names = false;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
      if (IsDirectory(entry->path())) return false;
      const std::string name = entry->path().filename().string();
      if ((name != "BUILD" && name != "BUILD.bazel") || !IsOwnFile(entry->path())) continue;
      const std::string text = Text(entry->path());
      if (text.find(kContainerImage) == text.npos) continue;
      const ConfigFacts facts = ReadToolchainFile(entry->path().string(), text, false);
      names |= std::any_of(
          facts.settings().begin(), facts.settings().end(),
          [](const Setting& setting) { return setting.kind() == Setting::CONTAINER_IMAGE; });
    }
    return names;
  }

  void VisitFile(const fs::path& path, bool in_toolchain) {
    const std::string name = path.filename().string();
    const std::string extension = path.extension().string();
    if (name == "lre.bazelrc" || name == ".bazelrc") {
      found_.bazelrcs.push_back(Shown(path));
    } else if (name == "MODULE.bazel") {
      found_.modules.push_back(Shown(path));
    } else if ((name == "WORKSPACE" || name == "WORKSPACE.bazel") && !in_toolchain) {
      // Most are empty, and only mark a workspace's root.
      if (SaysSomething(path, ReadModuleBazel)) found_.modules.push_back(Shown(path));
    } else if (name == "flake.lock") {
      found_.flake_locks.push_back(Shown(path));
    } else if (extension == ".json5" || extension == ".json") {
      VisitJson(path, extension == ".json5");
    } else if (extension == ".yaml" || extension == ".yml") {
      if (IsManifest(path)) found_.manifests.push_back(Shown(path));
    }
  }

  // The text of a file that may be of interest; a problem if it cannot be read.
  std::string Text(const fs::path& path) {
    absl::StatusOr<std::string> text = ReadFile(path.string(), kMaxFile);
    if (text.ok()) return *std::move(text);
    // A file of this size was written by a program, and for another.
    if (!absl::IsResourceExhausted(text.status())) Problem(path, ToStd(text.status().message()));
    return "";
  }

  template <typename Read>
  bool SaysSomething(const fs::path& path, const Read& read) {
    const ConfigFacts facts = read(path.string(), Text(path));
    return facts.settings_size() > 0 || facts.defects_size() > 0;
  }

  // A JSON5 file that names platform properties is a configuration even if it is broken; a JSON
  // file only if it can be read as one.
  void VisitJson(const fs::path& path, bool is_json5) {
    const std::string text = Text(path);
    if (!MentionsPlatformProperties(text)) return;
    if (is_json5 || ReadWorkerConfig(path.string(), text, {}).settings_size() > 0) {
      found_.workers.push_back(Shown(path));
    }
  }

  bool IsManifest(const fs::path& path) {
    const std::string text = Text(path);
    const bool may_be = text.find("image") != text.npos ||
                        text.find(kPlatformVariable) != text.npos ||
                        MentionsPlatformProperties(text);
    if (!may_be) return false;
    const ConfigFacts facts = ReadManifest(path.string(), text);
    return facts.defects().empty() &&
           std::any_of(facts.settings().begin(), facts.settings().end(), [](const Setting& one) {
             return one.kind() == Setting::DEPLOYED_IMAGE ||
                    one.kind() == Setting::ADVERTISED_IMAGE;
           });
  }

  // One image for each name in the layout's index.
  void AddLayout(const fs::path& directory) {
    const std::string reference = absl::StrCat("oci:", Shown(directory));
    const Json5Document index = ParseJson5(Text(directory / "index.json"));
    const Json5Value* manifests = index.root.Member("manifests");
    std::set<std::string> tags;
    if (manifests != nullptr) {
      for (const Json5Value& manifest : manifests->items) {
        const Json5Value* annotations = manifest.Member("annotations");
        const Json5Value* tag = annotations == nullptr ? nullptr : annotations->Member(kRefName);
        if (tag != nullptr && tag->IsString()) tags.insert(tag->text);
      }
    }
    if (tags.empty()) found_.images.push_back(reference);
    for (const std::string& tag : tags) {
      found_.images.push_back(absl::StrCat(reference, ":", tag));
    }
  }

  // As the user can open it, from where he stands.
  std::string Shown(const fs::path& path) const {
    const fs::path normal = path.lexically_normal();
    const std::string text = normal.string();
    return text.size() > 1 && text.ends_with('/') ? text.substr(0, text.size() - 1) : text;
  }

  void Problem(const fs::path& path, std::string_view message) {
    found_.problems.push_back(
        absl::StrCat("cannot read ", Escaped(Shown(path)), ": ", ToAbsl(message)));
  }

  const fs::path root_;
  std::string real_root_;
  Discovery found_;
  size_t directories_ = 0;
  bool full_ = false;
};

}  // namespace

Discovery Discover(const std::string& directory) {
  return Discoverer(directory.empty() ? "." : directory).Run();
}

}  // namespace lre_audit
