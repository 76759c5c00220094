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
    const File& packed = found->second;
    const bool is_link = file.type == Entry::Type::kSymlink;
    if (packed.type == Entry::Type::kHardlink) continue;  // to a lower layer's file
    if (packed.type != file.type) {
      all.push_back(path + " has another type");
    } else if (file.type == Entry::Type::kWhiteout) {
      continue;
    } else if (is_link && packed.target != file.target) {
      all.push_back(absl::StrCat(path, " leads to \"", file.target, "\", in the archive to \"",
                                 packed.target, "\""));
    } else if (file.type == Entry::Type::kRegular && packed.size != file.size) {
      all.push_back(absl::StrCat(path, " has ", file.size, " bytes, in the archive ", packed.size));
    } else if (!is_link && packed.mode != file.mode) {
      all.push_back(
          absl::StrFormat("%s has mode %04o, in the archive %04o", path, file.mode, packed.mode));
    }
  }
  for (const auto& [path, file] : archive.files_) {
    if (!unpacked.files_.contains(path)) all.push_back(path + " is only in the archive");
  }
  const size_t count = all.size();
  std::sort(all.begin(), all.end());
  all.resize(std::min(limit, count));
  return {std::move(all), count};
}

}  // namespace lre_audit
