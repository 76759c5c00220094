#include "audit/trees/overlay_layer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr std::string_view kWhiteoutPrefix = ".wh.", kOpaqueName = ".wh..wh..opq";
// The true owner and mode of a file that an unprivileged engine may not give them: "uid:gid:mode".
constexpr std::string_view kOverride = "user.containers.override_stat";

bool IsOverlayAttribute(std::string_view name) {
  return name.starts_with("trusted.overlay.") || name.starts_with("user.overlay.") ||
         name.starts_with("user.fuseoverlayfs.");
}

bool IsEngineAttribute(std::string_view name) {
  return IsOverlayAttribute(name) || name == kOverride;
}

bool HasAttribute(const Entry& entry, std::string_view suffix, std::string_view value) {
  return std::any_of(entry.xattrs.begin(), entry.xattrs.end(), [&](const auto& attribute) {
    return IsEngineAttribute(attribute.first) && attribute.first.ends_with(suffix) &&
           (value.empty() || attribute.second == value);
  });
}

void ApplyOverride(Entry& entry) {
  for (const auto& [name, value] : entry.xattrs) {
    if (name != kOverride) continue;
    const std::vector<std::string> fields = absl::StrSplit(value, ':');
    uint64_t uid = 0, gid = 0;
    uint32_t mode = 0;
    if (fields.size() < 3 || !absl::SimpleAtoi(fields[0], &uid) ||
        !absl::SimpleAtoi(fields[1], &gid)) {
      continue;
    }
    const std::string& octal = fields[2];
    if (std::from_chars(octal.data(), octal.data() + octal.size(), mode, 8).ec != std::errc()) {
      continue;
    }
    entry.uid = uid;
    entry.gid = gid;
    entry.mode = mode & 07777;
  }
}

// The first `limit` of them in order, and the number of all.
std::pair<std::vector<std::string>, size_t> Shortened(std::vector<std::string> all, size_t limit) {
  const size_t count = all.size();
  std::sort(all.begin(), all.end());
  all.resize(std::min(limit, count));
  return {std::move(all), count};
}

}  // namespace

bool HidesLowerFiles(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return IsOverlayAttribute(name) &&
         (last == "opaque" || last == "redirect" || last == "metacopy" || last == "whiteout");
}

void OverlayLayerSink::Deliver(Entry& entry) {
  entry.index = next_index_++;
  sink_.BeginEntry(entry);
  passed_on_ = true;
}

void OverlayLayerSink::BeginEntry(const Entry& entry) {
  passed_on_ = false;
  opaque_.clear();
  Entry own = entry;
  if (own.uid == owner_) own.uid = 0;
  if (own.gid == group_) own.gid = 0;
  ApplyOverride(own);
  const size_t slash = own.path.rfind('/');
  const std::string_view name = std::string_view(own.path).substr(slash + 1);
  bool is_whiteout = false;
  if (own.type == Entry::Type::kCharacterDevice) {
    struct stat status;
    is_whiteout =
        fstatat(directory_.fd(), own.path.c_str() + 1, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISCHR(status.st_mode) && status.st_rdev == 0;
  } else if (own.type == Entry::Type::kRegular && name == kOpaqueName) {
    own.type = Entry::Type::kOpaque;
    own.path.resize(std::max<size_t>(slash, 1));
  } else if (own.type == Entry::Type::kRegular && name.starts_with(kWhiteoutPrefix)) {
    own.path =
        absl::StrCat(own.path.substr(0, slash + 1), ToAbsl(name.substr(kWhiteoutPrefix.size())));
    is_whiteout = true;
  } else if (own.type == Entry::Type::kRegular && own.size == 0) {
    is_whiteout = HasAttribute(own, ".whiteout", "");
  } else if (own.type == Entry::Type::kDirectory && HasAttribute(own, ".opaque", "y")) {
    opaque_ = own.path;
  }
  if (is_whiteout) own.type = Entry::Type::kWhiteout;
  if (own.type == Entry::Type::kWhiteout || own.type == Entry::Type::kOpaque) own.size = 0;
  std::erase_if(own.xattrs,
                [](const auto& attribute) { return IsEngineAttribute(attribute.first); });
  Deliver(own);
  if (own.type == Entry::Type::kWhiteout || own.type == Entry::Type::kOpaque) {
    sink_.EndEntry(true);
    passed_on_ = false;
  }
}

void OverlayLayerSink::Data(std::string_view piece) {
  if (passed_on_) sink_.Data(piece);
}

void OverlayLayerSink::EndEntry(bool complete) {
  if (passed_on_) sink_.EndEntry(complete);
  passed_on_ = false;
  if (opaque_.empty()) return;
  Entry opaque;
  opaque.path = std::move(opaque_);
  opaque.type = Entry::Type::kOpaque;
  opaque_.clear();
  Deliver(opaque);
  sink_.EndEntry(true);
  passed_on_ = false;
}

void LayerListing::BeginEntry(const Entry& entry) {
  if (next_ != nullptr) next_->BeginEntry(entry);
  // An opaque directory has an entry of its own, and the root one that archives may leave out.
  if (entry.type == Entry::Type::kOpaque) opaque_.insert(entry.path);
  if (entry.type == Entry::Type::kOpaque || entry.path == "/") return;
  File file{entry.type, entry.mode, entry.size, entry.target};
  if (entry.type == Entry::Type::kHardlink) {
    // Unpacked, it is what it links to.
    if (const auto linked = files_.find(entry.target); linked != files_.end()) {
      file = linked->second;
    }
  } else if (entry.type != Entry::Type::kSymlink) {
    file.target.clear();
  }
  files_[entry.path] = std::move(file);
}

std::string LayerListing::Difference(const std::string& path, const File& packed,
                                     const File& unpacked) {
  const bool is_link = unpacked.type == Entry::Type::kSymlink;
  if (packed.type == Entry::Type::kHardlink) return {};  // to a lower layer's file
  if (packed.type != unpacked.type) return path + " has another type";
  if (unpacked.type == Entry::Type::kWhiteout) return {};
  if (is_link && packed.target != unpacked.target) {
    return absl::StrCat(path, " leads to \"", unpacked.target, "\", in the archive to \"",
                        packed.target, "\"");
  }
  if (unpacked.type == Entry::Type::kRegular && packed.size != unpacked.size) {
    return absl::StrCat(path, " has ", unpacked.size, " bytes, in the archive ", packed.size);
  }
  if (!is_link && packed.mode != unpacked.mode) {
    return absl::StrFormat("%s has mode %04o, in the archive %04o", path, unpacked.mode,
                           packed.mode);
  }
  return {};
}

bool LayerListing::Removes(std::string_view path) const {
  const auto at = [&](std::string_view name) { return files_.find(ToAbsl(name)); };
  if (at(path) != files_.end()) return true;
  for (size_t slash = path.rfind('/'); slash != std::string_view::npos && slash > 0;
       slash = path.substr(0, slash).rfind('/')) {
    const std::string_view parent = path.substr(0, slash);
    if (opaque_.contains(ToAbsl(parent))) return true;
    const auto found = at(parent);
    if (found != files_.end() && found->second.type != Entry::Type::kDirectory) return true;
  }
  return opaque_.contains("/");
}

std::pair<std::vector<std::string>, size_t> LayerListing::Differences(const LayerListing& archive,
                                                                      const LayerListing& unpacked,
                                                                      size_t limit) {
  std::vector<std::string> all;
  for (const auto& [path, file] : unpacked.files_) {
    const auto found = archive.files_.find(path);
    if (found == archive.files_.end()) {
      // Parents that the archive leaves out are made as they are needed.
      if (file.type != Entry::Type::kDirectory) all.push_back(path + " is not in the archive");
      continue;
    }
    std::string difference = Difference(path, found->second, file);
    if (!difference.empty()) all.push_back(std::move(difference));
  }
  for (const auto& [path, file] : archive.files_) {
    if (!unpacked.files_.contains(path)) all.push_back(path + " is only in the archive");
  }
  return Shortened(std::move(all), limit);
}

std::pair<std::vector<std::string>, size_t> LayerListing::StackedDifferences(
    const LayerListing& archive, const LayerListing& directory, const LayerListing& changes,
    size_t limit) {
  std::vector<std::string> all;
  for (const auto& [path, file] : changes.files_) {
    if (file.type == Entry::Type::kWhiteout) {
      if (!archive.Removes(path)) all.push_back(path + " is missing, which a lower layer has");
    } else if (file.type != Entry::Type::kDirectory && !archive.files_.contains(path)) {
      all.push_back(path + " is not in the archive");
    }
  }
  for (const auto& [path, packed] : archive.files_) {
    const auto found = directory.files_.find(path);
    if (packed.type == Entry::Type::kWhiteout) {
      if (found != directory.files_.end()) all.push_back(path + " is removed in the archive");
    } else if (found == directory.files_.end()) {
      all.push_back(path + " is only in the archive");
    } else if (std::string difference = Difference(path, packed, found->second);
               !difference.empty()) {
      all.push_back(std::move(difference));
    }
  }
  return Shortened(std::move(all), limit);
}

}  // namespace lre_audit
