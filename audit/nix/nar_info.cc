#include "audit/nix/nar_info.h"

#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "audit/nix/hash.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

constexpr std::string_view kFirstKey = "StorePath:";

class Reader {
 public:
  absl::StatusOr<NarInfo> Read(std::string_view text) {
    while (!text.empty()) {
      const size_t end = text.find('\n');
      ++line_;
      LRE_RETURN_IF_ERROR(ReadLine(text.substr(0, end)));
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    for (const std::string_view key : {"StorePath", "URL", "NarHash", "NarSize"}) {
      if (!seen_.contains(std::string(key)))
        return Invalid(absl::StrCat("it has no ", ToAbsl(key)));
    }
    // References are relative to the store directory, which only the path says.
    const std::string directory = info_.entry.path.substr(0, info_.entry.path.rfind('/') + 1);
    for (std::string& reference : info_.entry.references) reference.insert(0, directory);
    if (!info_.entry.deriver.empty()) info_.entry.deriver.insert(0, directory);
    return std::move(info_);
  }

 private:
  static absl::Status Invalid(std::string_view what) {
    return absl::InvalidArgumentError(ToAbsl(what));
  }
  absl::Status At(std::string_view what) const {
    return Invalid(absl::StrCat("line ", line_, ": ", ToAbsl(what)));
  }

  absl::StatusOr<uint64_t> Size(std::string_view key, std::string_view value) const {
    uint64_t size;
    if (value.find_first_not_of("0123456789") == std::string_view::npos &&
        absl::SimpleAtoi(ToAbsl(value), &size) && size > 0) {
      return size;
    }
    return At(absl::StrCat(ToAbsl(key), " \"", Escaped(value.substr(0, 100)), "\" is no size"));
  }

  absl::Status ReadLine(std::string_view line) {
    if (line.empty()) return absl::OkStatus();
    const size_t colon = line.find(": ");
    // "References:" of a path without any may end in the colon.
    const bool has_value = colon != std::string_view::npos;
    if (!has_value && !line.ends_with(':')) {
      return At(absl::StrCat("\"", Escaped(line.substr(0, 100)), "\" where KEY: VALUE should be"));
    }
    const std::string_view key = line.substr(0, has_value ? colon : line.size() - 1);
    const std::string_view value = has_value ? line.substr(colon + 2) : std::string_view();
    if (!seen_.insert(std::string(key)).second && key != "Sig") {
      return At(absl::StrCat("a second ", Escaped(key.substr(0, 100))));
    }
    ClosureBuilder::Entry& entry = info_.entry;
    if (key == "StorePath") {
      entry.path = value;
    } else if (key == "URL") {
      if (value.empty()) return At("URL is empty");
      info_.url = value;
    } else if (key == "Compression") {
      info_.compression = value;
    } else if (key == "FileHash") {
      absl::StatusOr<std::string> hash = NormaliseHash(value);
      if (!hash.ok()) return At(absl::StrCat("FileHash: ", hash.status().message()));
      info_.file_hash = *std::move(hash);
    } else if (key == "FileSize") {
      LRE_ASSIGN_OR_RETURN(info_.file_size, Size(key, value));
    } else if (key == "NarHash") {
      absl::StatusOr<std::string> hash = NormaliseHash(value);
      if (!hash.ok()) return At(absl::StrCat("NarHash: ", hash.status().message()));
      entry.hash = *std::move(hash);
    } else if (key == "NarSize") {
      LRE_ASSIGN_OR_RETURN(entry.nar_size, Size(key, value));
    } else if (key == "References") {
      entry.references = absl::StrSplit(ToAbsl(value), ' ', absl::SkipEmpty());
    } else if (key == "Deriver") {
      if (value != "unknown-deriver") entry.deriver = value;
    } else if (key == "Sig") {
      entry.signatures.emplace_back(value);
    } else if (key == "CA") {
      entry.ca = value;
    }
    return absl::OkStatus();
  }

  NarInfo info_ = [] {
    NarInfo info;
    info.compression = "bzip2";
    info.entry.has_references = true;  // a path without any need not say so
    return info;
  }();
  std::set<std::string> seen_;
  uint64_t line_ = 0;
};

}  // namespace

absl::StatusOr<NarInfo> ParseNarInfo(std::string_view text) { return Reader().Read(text); }

bool LooksLikeNarInfo(std::string_view text) { return text.starts_with(kFirstKey); }

absl::Status ReadNarInfo(std::string_view text, ClosureBuilder& closure) {
  absl::StatusOr<NarInfo> info = ParseNarInfo(text);
  if (!info.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("is a narinfo, but ", info.status().message()));
  }
  closure.set_format("narinfo");
  closure.set_records_signatures();
  info->entry.where = "narinfo";
  closure.Add(std::move(info->entry));
  return absl::OkStatus();
}

}  // namespace lre_audit::nix
