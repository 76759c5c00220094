#include "audit/trees/nix2container_layer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "audit/nix/nar.h"
#include "audit/trees/directory_walk.h"
#include "audit/trees/go_regexp.h"
#include "audit/trees/go_tar.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// Each open level of a walk holds a file descriptor.
constexpr size_t kMaxDepth = 400;
// What a description may ask for: a real one has some dozens of patterns, and each of them is held
// against the files of one store path.
constexpr size_t kMaxPatterns = 10'000;        // of a layer
constexpr size_t kMaxPathPatterns = 1'000;     // of a path: they are held at the same time
constexpr uint64_t kMaxMatches = 100'000'000;  // of a layer, pattern by file, as GoRegexp::Cost()
constexpr size_t kMaxReplacement = 4096;       // PATH_MAX
constexpr size_t kMaxName = 64 << 10;          // no runtime unpacks names beyond 4096

// fmt.Sscanf(text, "%o", ...): leading blanks, a sign, octal digits; what follows does not count.
absl::StatusOr<int64_t> ParseGoOctal(std::string_view text) {
  size_t at = std::min(text.find_first_not_of(" \t\r"), text.size());
  const bool negative = text.substr(at).starts_with('-');
  if (negative || text.substr(at).starts_with('+')) ++at;
  const size_t digits = at;
  int64_t value = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '7'; ++at) {
    if (value >> 59 != 0) return absl::InvalidArgumentError("out of range");
    value = value << 3 | (text[at] - '0');
  }
  if (at == digits) return absl::InvalidArgumentError("no octal number");
  return negative ? -value : value;
}

// The mode bits of a Go os.FileMode that nix2container compares.
constexpr uint32_t kComparedMode = S_IFMT | 07777;

std::string_view TypeName(uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "a directory";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFREG:
      return "a file";
    default:
      return "a special file";
  }
}

std::string Octal(uint32_t mode) { return absl::StrFormat("%04o", mode & 07777); }

class Planner {
 public:
  Planner(const NixLayer& layer, const StoreFiles& store, const TreeLimits& limits, ProblemLog& log)
      : layer_(layer), store_(store), limits_(limits), log_(log) {}

  NixLayerPlan Run() {
    plan_.complete = layer_.complete;
    for (const NixPath& path : *layer_.paths) {
      if (stopped_) break;
      AddPath(path);
    }
    Order();
    return std::move(plan_);
  }

 private:
  struct Permission {
    const NixPermission* said;
    GoRegexp pattern;
  };
  struct Level {
    std::shared_ptr<FileHandle> directory;
    std::string path;  // below the store directory
    uint32_t index;    // in plan_.directories
    std::vector<std::string> names;
    size_t next = 0;
  };

  void Problem(lre_audit::Problem::Kind kind, std::string message) {
    plan_.complete = false;
    log_.Add(kind, 0, std::move(message));
  }
  void Unreadable(std::string_view path, absl::string_view message) {
    Problem(Problem::Kind::kUnreadable, absl::StrCat(Escaped(path), ": ", message));
  }
  void Malformed(std::string message) { Problem(Problem::Kind::kMalformed, std::move(message)); }
  void BadPattern(absl::string_view what, const NixPath& path, const absl::Status& status) {
    Problem(absl::IsResourceExhausted(status) ? Problem::Kind::kLimit : Problem::Kind::kMalformed,
            absl::StrCat(what, " of ", Escaped(path.path), ": ", status.message()));
  }
  void Limit(absl::string_view message) {
    Problem(Problem::Kind::kLimit, absl::StrCat(message, "; the rest of the layer is not read"));
    stopped_ = true;
  }

  std::string Full(std::string_view relative) const {
    return absl::StrCat(store_.store_directory(), "/", ToAbsl(relative));
  }

  void AddPath(const NixPath& path) {
    const absl::StatusOr<std::string> relative = store_.Relative(path.path);
    if (!relative.ok()) return Unreadable(path.path, relative.status().message());
    if (!Compile(path)) return;
    path_ = &path;
    Walk(*relative);
  }

  // False where the names of its files cannot be known.
  bool Compile(const NixPath& path) {
    rewrite_.reset();
    permissions_.clear();
    const size_t count = path.permissions ? path.permissions->size() : 0;
    patterns_ += count + (path.rewrite.empty() ? 0 : 1);
    if (patterns_ > kMaxPatterns || count > kMaxPathPatterns) {
      Limit(absl::StrCat("more patterns than the ", kMaxPatterns, " of a layer, ", kMaxPathPatterns,
                         " of a path"));
      return false;
    }
    for (size_t i = 0; i < count; ++i) {
      const NixPermission& said = (*path.permissions)[i];
      absl::StatusOr<GoRegexp> pattern = GoRegexp::Compile(said.pattern);
      if (pattern.ok()) {
        permissions_.push_back({&said, *std::move(pattern)});
      } else {
        BadPattern("permissions", path, pattern.status());
      }
    }
    if (path.rewrite.empty()) return true;
    if (path.replacement.size() > kMaxReplacement) {
      Malformed(absl::StrCat("rewrite of ", Escaped(path.path), ": a replacement of ",
                             path.replacement.size(), " bytes, more than ", kMaxReplacement));
      return false;
    }
    absl::StatusOr<GoRewrite> rewrite = GoRewrite::Compile(path.rewrite, path.replacement);
    if (!rewrite.ok()) {
      BadPattern("rewrite", path, rewrite.status());
      return false;
    }
    rewrite_ = *std::move(rewrite);
    return true;
  }

  void Walk(const std::string& relative) {
    const size_t slash = relative.rfind('/');
    const std::string parent = slash == std::string::npos ? "" : relative.substr(0, slash);
    const std::string name = slash == std::string::npos ? relative : relative.substr(slash + 1);
    absl::StatusOr<std::shared_ptr<FileHandle>> directory = store_.OpenDirectory(parent);
    if (!directory.ok()) {
      if (absl::IsNotFound(directory.status())) return Missing(relative);
      return Unreadable(Full(relative), directory.status().message());
    }
    std::vector<Level> levels;
    Visit(**directory, AddDirectory(parent), relative, name, levels);
    while (!levels.empty() && !stopped_) {
      Level& level = levels.back();
      if (level.next == level.names.size()) {
        levels.pop_back();
        continue;
      }
      // Visit may add a level and so move this one.
      const std::string child = level.names[level.next++];
      const std::shared_ptr<FileHandle> at = level.directory;
      Visit(*at, level.index, absl::StrCat(level.path, "/", child), child, levels);
    }
  }

  void Missing(const std::string& relative) {
    const std::string store_path = Full(relative.substr(0, relative.find('/')));
    Unreadable(Full(relative), absl::StrCat("not in the local store; nix-store --realise ",
                                            Escaped(store_path), " builds or fetches it"));
  }

  uint32_t AddDirectory(std::string relative) {
    plan_.directories.push_back(std::move(relative));
    return static_cast<uint32_t>(plan_.directories.size() - 1);
  }

  // The file `name` of an open directory, which is `relative` below the store directory.
  void Visit(const FileHandle& directory, uint32_t index, const std::string& relative,
             const std::string& name, std::vector<Level>& levels) {
    struct stat status;
    if (fstatat(directory.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (levels.empty() && errno == ENOENT) return Missing(relative);
      return Unreadable(Full(relative), strerror(errno));
    }
    if (++visited_ > limits_.layer_entries) {
      return Limit(absl::StrCat("more than ", limits_.layer_entries, " files"));
    }
    Add(directory, index, relative, name, status);
    if (!S_ISDIR(status.st_mode) || stopped_) return;
    if (levels.size() >= kMaxDepth) {
      return Limit(absl::StrCat(Escaped(Full(relative)), ": directories nest more than ", kMaxDepth,
                                " deep"));
    }
    const int fd =
        openat(directory.fd(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return Unreadable(Full(relative), strerror(errno));
    Level level{std::make_shared<FileHandle>(fd), relative, AddDirectory(relative), {}, 0};
    absl::StatusOr<std::vector<std::string>> names = ReadNames(fd);
    if (!names.ok()) return Unreadable(Full(relative), names.status().message());
    level.names = *std::move(names);
    levels.push_back(std::move(level));
  }

  // Puts a file of the store into the archive, unless its name there is empty.
  void Add(const FileHandle& directory, uint32_t index, const std::string& relative,
           const std::string& name, const struct stat& status) {
    const std::string source = Full(relative);
    NixTarEntry entry;
    entry.name = source;
    if (rewrite_) {
      if (!CountMatches(rewrite_->Cost(source.size()) + path_->replacement.size())) return;
      const std::optional<std::string> renamed = rewrite_->Apply(source, kMaxName);
      if (!renamed) {
        return Malformed(absl::StrCat(Escaped(source), ": its rewrite makes a name of more than ",
                                      kMaxName, " bytes of it"));
      }
      if (renamed->empty()) return;
      entry.name = GoCleanPath(*renamed);
    }
    const size_t slash = entry.name.rfind('/');
    if (std::string_view(entry.name).substr(slash + 1) != name) entry.source = name;
    entry.directory = index;
    entry.file_mode = status.st_mode & kComparedMode;
    entry.mode = status.st_mode & 07777;
    entry.origin = path_;
    switch (status.st_mode & S_IFMT) {
      case S_IFDIR:
        break;
      case S_IFREG:
        entry.type = Entry::Type::kRegular;
        entry.size = static_cast<uint64_t>(status.st_size);
        break;
      case S_IFLNK: {
        entry.type = Entry::Type::kSymlink;
        entry.mode = 0777;
        absl::StatusOr<std::string> target = ReadLink(directory.fd(), name);
        if (!target.ok()) return Unreadable(source, target.status().message());
        entry.target = *std::move(target);
        break;
      }
      default:
        return Malformed(absl::StrCat(Escaped(source),
                                      ": neither file, directory nor symbolic link; a store path "
                                      "holds nothing else"));
    }
    if (!ApplyPermissions(source, entry)) return;
    metadata_bytes_ += entry.name.size() + entry.target.size();
    bytes_ += entry.size;
    if (metadata_bytes_ > limits_.layer_metadata_bytes) {
      return Limit(absl::StrCat("names and targets of ", metadata_bytes_, " bytes, more than ",
                                limits_.layer_metadata_bytes));
    }
    if (bytes_ > limits_.decode.bytes) {
      return Limit(
          absl::StrCat("contents of ", bytes_, " bytes, more than ", limits_.decode.bytes));
    }
    plan_.entries.push_back(std::move(entry));
  }

  bool CountMatches(size_t count) {
    matches_ += count;
    if (matches_ <= kMaxMatches) return true;
    Limit(absl::StrCat("its patterns would have to be held against files more than ", kMaxMatches,
                       " times"));
    return false;
  }

  // The last one that matches counts, and what it does not say stays as an earlier one had it:
  // except the owner's numbers, which are 0 then.
  bool ApplyPermissions(const std::string& source, NixTarEntry& entry) {
    if (permissions_.empty()) return true;
    for (const Permission& permission : permissions_) {
      if (!CountMatches(permission.pattern.Cost(source.size()))) return false;
      if (!permission.pattern.Matches(source)) continue;
      const NixPermission& said = *permission.said;
      entry.uid = said.uid;
      entry.gid = said.gid;
      if (!said.user.empty()) entry.user = &said.user;
      if (!said.group.empty()) entry.group = &said.group;
      if (said.mode.empty()) continue;
      const absl::StatusOr<int64_t> mode = ParseGoOctal(said.mode);
      if (mode.ok()) {
        entry.mode = *mode;
      } else {
        Malformed(absl::StrCat("permissions of ", Escaped(path_->path), ": the mode \"",
                               Escaped(said.mode), "\" is ", mode.status().message()));
      }
    }
    return true;
  }

  // Depth first, names bytewise; of two sources of one name the later counts; directories that no
  // source describes are put before what they hold.
  void Order() {
    std::stable_sort(
        plan_.entries.begin(), plan_.entries.end(),
        [](const NixTarEntry& a, const NixTarEntry& b) { return nix::NarLess(a.name, b.name); });
    std::vector<NixTarEntry> ordered;
    ordered.reserve(plan_.entries.size() + 16);
    for (NixTarEntry& entry : plan_.entries) {
      if (!ordered.empty() && ordered.back().name == entry.name) {
        CheckSame(ordered.back(), entry);
        ordered.back() = std::move(entry);
        continue;
      }
      AddImplied(entry.name, ordered);
      ordered.push_back(std::move(entry));
    }
    plan_.entries = std::move(ordered);
  }

  static void AddImplied(const std::string& name, std::vector<NixTarEntry>& ordered) {
    const std::string previous = ordered.empty() ? "" : ordered.back().name;
    for (size_t slash = name.find('/'); slash != std::string::npos;
         slash = name.find('/', slash + 1)) {
      // The root's name is its slash.
      const std::string_view parent = std::string_view(name).substr(0, std::max<size_t>(slash, 1));
      if (parent == name) return;
      const bool known = previous == parent || (previous.starts_with(parent) &&
                                                (parent == "/" || previous[parent.size()] == '/'));
      if (known) continue;
      ordered.emplace_back().name = parent;
    }
  }

  // nix2container gives up on two sources that differ in what it looks at.
  void CheckSame(const NixTarEntry& first, const NixTarEntry& second) {
    const auto differ = [&](absl::string_view what) {
      Malformed(absl::StrCat(Escaped(second.name), " stands for two files, below ",
                             Escaped(first.origin->path), " and ", Escaped(second.origin->path),
                             ", of which ", what, "; nix2container would refuse this layer"));
    };
    if (first.file_mode != second.file_mode) {
      const std::string_view a = TypeName(first.file_mode), b = TypeName(second.file_mode);
      return differ(a != b ? absl::StrCat("one is ", ToAbsl(a), ", the other ", ToAbsl(b))
                           : absl::StrCat("one has the mode ", Octal(first.file_mode),
                                          ", the other ", Octal(second.file_mode)));
    }
    if (first.type == Entry::Type::kRegular && first.size != second.size) {
      return differ(absl::StrCat("one has ", first.size, " bytes, the other ", second.size));
    }
    if (!first.origin->has_options) return;
    if (!second.origin->has_options || first.origin->permissions != second.origin->permissions) {
      differ("one gets other permissions than the other");
    }
  }

  const NixLayer& layer_;
  const StoreFiles& store_;
  const TreeLimits& limits_;
  ProblemLog& log_;

  NixLayerPlan plan_;
  const NixPath* path_ = nullptr;  // the one being walked
  std::optional<GoRewrite> rewrite_;
  std::vector<Permission> permissions_;
  size_t patterns_ = 0;
  uint64_t visited_ = 0, matches_ = 0, metadata_bytes_ = 0, bytes_ = 0;
  bool stopped_ = false;
};

}  // namespace

NixLayerPlan PlanNixLayer(const NixLayer& layer, const StoreFiles& store, const TreeLimits& limits,
                          ProblemLog& log) {
  return Planner(layer, store, limits, log).Run();
}

}  // namespace lre_audit
