#include "audit/trees/tar_split.h"

#include <fcntl.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "audit/trees/directory_walk.h"
#include "audit/trees/json.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// A line holds a header, or the padding at the archive's end: 20 blocks of GNU tar, in base64, or
// what a PAX header has, which TarReader bounds with 16 MiB.
constexpr size_t kMaxLine = 32 << 20;
constexpr int kFile = 1, kSegment = 2;

}  // namespace

std::string TarSplitSource::At() const {
  return absl::StrCat("line ", line_number_, " of the tar-split");
}

absl::StatusOr<bool> TarSplitSource::ReadLine() {
  line_.clear();
  ++line_number_;
  while (true) {
    const size_t end = input_.find('\n');
    const std::string_view part = input_.substr(0, end);
    if (part.size() > kMaxLine - line_.size()) {
      return absl::InvalidArgumentError(absl::StrCat(At(), " has more than ", kMaxLine, " bytes"));
    }
    line_.append(part);
    if (end != std::string_view::npos) {
      input_.remove_prefix(end + 1);
      if (!line_.empty()) return true;
      continue;
    }
    LRE_ASSIGN_OR_RETURN(input_, description_.Next());
    if (input_.empty()) return !line_.empty();
  }
}

absl::StatusOr<std::shared_ptr<FileHandle>> TarSplitSource::DirectoryOf(std::string_view path) {
  if (directory_ == nullptr || directory_path_ != path) {
    LRE_ASSIGN_OR_RETURN(directory_, OpenDirectoryInRoot(files_->fd(), path));
    directory_path_ = path;
  }
  return directory_;
}

absl::Status TarSplitSource::BeginFile(const std::string& name, uint64_t size) {
  const size_t slash = name.rfind('/');
  const std::string_view directory_path =
      std::string_view(name).substr(0, slash == std::string::npos ? 0 : slash);
  const std::string base = name.substr(slash == std::string::npos ? 0 : slash + 1);
  if (base.empty() || base == "." || base == ".." || name.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat(At(), ": \"", Escaped(name), "\" is no name of a file"));
  }
  const auto lost = [&](const absl::Status& why) {
    const bool is_other = absl::IsNotFound(why) || absl::IsInvalidArgument(why);
    return absl::Status(
        is_other ? absl::StatusCode::kFailedPrecondition : why.code(),
        absl::StrCat("\"", Escaped(name), "\" of the layer's archive: ", why.message()));
  };
  absl::StatusOr<std::shared_ptr<FileHandle>> directory = DirectoryOf(directory_path);
  if (!directory.ok()) return lost(directory.status());
  uint64_t actual = 0;
  absl::StatusOr<std::shared_ptr<FileHandle>> file =
      OpenRegularFile((*directory)->fd(), base, &actual, O_NOFOLLOW);
  if (!file.ok()) return lost(file.status());
  if (actual != size) {
    return lost(
        absl::InvalidArgumentError(absl::StrCat("has ", actual, " bytes, expected ", size)));
  }
  file_ = std::make_unique<FileSource>(*std::move(file), 0, size);
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> TarSplitSource::Next() {
  while (true) {
    if (file_ != nullptr) {
      LRE_ASSIGN_OR_RETURN(const std::string_view piece, file_->Next());
      if (!piece.empty()) return piece;
      file_ = nullptr;
    }
    LRE_ASSIGN_OR_RETURN(const bool more, ReadLine());
    if (!more) return std::string_view();
    std::vector<Problem> problems;
    ProblemLog log("tar-split", problems);
    absl::StatusOr<Json> json = ParseJson(line_, JsonSchema::kStorage, log);
    if (!json.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(At(), ": ", json.status().message()));
    }
    const Json& type = Member(*json, "type");
    const JsonObject entry(*json, "", log);
    if (type == kSegment) {
      if (!absl::Base64Unescape(entry.String("payload"), &payload_)) {
        return absl::InvalidArgumentError(absl::StrCat(At(), ": \"payload\" is no base64"));
      }
      if (!payload_.empty()) return std::string_view(payload_);
    } else if (type == kFile) {
      // Left out where it is zero: a directory, a link, an empty file.
      if (Member(*json, "size").is_null() || Member(*json, "size") == 0) continue;
      const std::optional<uint64_t> size = entry.Size("size");
      std::string name = entry.String("name");
      // Bytes that are no UTF-8 stand here instead.
      if (const std::string raw = entry.String("name_raw");
          !raw.empty() && !absl::Base64Unescape(raw, &name)) {
        return absl::InvalidArgumentError(absl::StrCat(At(), ": \"name_raw\" is no base64"));
      }
      if (!size) return absl::InvalidArgumentError(absl::StrCat(At(), ": \"size\" is no size"));
      LRE_RETURN_IF_ERROR(BeginFile(name, *size));
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat(At(), ": \"type\" is ", DescribeJson(type), ", expected 1 or 2"));
    }
  }
}

}  // namespace lre_audit
