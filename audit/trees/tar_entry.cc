#include "audit/trees/tar_entry.h"

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

absl::Status ReadType(const TarHeader& header, Entry* entry) {
  const std::string& link = header.link;
  switch (header.type) {
    case '\0':
    case '0':
    case '7':  // contiguous
      entry->type = Entry::Type::kRegular;
      if (header.name.ends_with('/')) {  // how v7 wrote directories
        if (header.size > 0) {
          return absl::DataLossError(absl::StrCat("a directory by its name, a file of ",
                                                  header.size, " bytes by its type"));
        }
        entry->type = Entry::Type::kDirectory;
      }
      break;
    case 'S':
      entry->type = Entry::Type::kRegular;
      break;
    case '1': {
      entry->type = Entry::Type::kHardlink;
      absl::StatusOr<std::string> target = NormalisedPath(link);
      if (!target.ok()) {
        return absl::DataLossError(
            absl::StrCat("hard link to ", QuotedName(link), ": ", target.status().message()));
      }
      entry->target = *std::move(target);
      break;
    }
    case '2':
      entry->type = Entry::Type::kSymlink;
      if (link.empty()) return absl::DataLossError("symbolic link without a target");
      if (link.size() > kMaxTarPath || link.find('\0') != std::string::npos) {
        return absl::DataLossError(absl::StrCat("symbolic link with a target of ", link.size(),
                                                " bytes, expected at most ", kMaxTarPath,
                                                " and no NUL"));
      }
      entry->target = link;
      break;
    case '3':
      entry->type = Entry::Type::kCharacterDevice;
      break;
    case '4':
      entry->type = Entry::Type::kBlockDevice;
      break;
    case '5':
    case 'D':  // GNU incremental: a directory with a list of its contents as data
      entry->type = Entry::Type::kDirectory;
      break;
    case '6':
      entry->type = Entry::Type::kFifo;
      break;
    default:
      return absl::DataLossError(
          absl::StrCat("type \"", Escaped(std::string_view(&header.type, 1)), "\" is not known"));
  }
  if (entry->path == "/" && entry->type != Entry::Type::kDirectory) {
    return absl::DataLossError("names the root, but is no directory");
  }
  return absl::OkStatus();
}

}  // namespace

std::string QuotedName(std::string_view name) {
  return absl::StrCat("\"", Escaped(name.substr(0, 300)), name.size() > 300 ? "..." : "", "\"");
}

absl::Status ReadTarEntry(const TarHeader& header, const PaxRecords& pax, Entry* entry) {
  if (!header.bad_field.empty()) return absl::DataLossError(header.bad_field);
  LRE_ASSIGN_OR_RETURN(entry->path, NormalisedPath(header.name));
  entry->mode = header.mode;
  entry->uid = pax.uid.value_or(header.uid);
  entry->gid = pax.gid.value_or(header.gid);
  entry->mtime = pax.mtime.value_or(header.mtime);
  entry->xattrs = pax.xattrs;
  LRE_RETURN_IF_ERROR(ReadType(header, entry));
  if (pax.is_sparse()) {
    if (entry->type != Entry::Type::kRegular) {
      return absl::DataLossError("a sparse map, but no regular file");
    }
    if (!pax.sparse_size) return absl::DataLossError("a sparse map without a size");
    if (pax.sparse_major.value_or(0) > 1) {
      return absl::DataLossError(
          absl::StrCat("GNU sparse format ", *pax.sparse_major, " is not known, expected 0 or 1"));
    }
    if (pax.sparse_blocks && pax.sparse_major.value_or(0) == 0 &&
        *pax.sparse_blocks != pax.runs.size()) {
      return absl::DataLossError(
          absl::StrCat("sparse map of ", pax.runs.size(), " runs, expected ", *pax.sparse_blocks));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadWhiteoutName(Entry* entry) {
  const size_t slash = entry->path.rfind('/');
  const std::string parent = entry->path.substr(0, slash);
  const std::string_view name = std::string_view(entry->path).substr(slash + 1);
  if (parent.find(absl::StrCat("/", ToAbsl(kWhiteout))) != std::string::npos) {
    return absl::DataLossError("lies in a directory with a whiteout's name");
  }
  if (!name.starts_with(kWhiteout)) return absl::OkStatus();
  if (name == kOpaque) {
    entry->type = Entry::Type::kOpaque;
    entry->path = parent.empty() ? "/" : parent;
    entry->target.clear();
    return absl::OkStatus();
  }
  const std::string_view hidden = name.substr(kWhiteout.size());
  // ".wh..wh.plnk" and its like are AUFS's own; ".wh.." and ".wh..." would climb the tree.
  if (hidden.empty() || hidden == "." || hidden == ".." || hidden.starts_with(kWhiteout)) {
    return absl::DataLossError("is no valid whiteout, expected \".wh.<name>\"");
  }
  std::string removed = absl::StrCat(parent, "/", ToAbsl(hidden));
  entry->type = Entry::Type::kWhiteout;
  entry->path = std::move(removed);
  entry->target.clear();
  return absl::OkStatus();
}

}  // namespace lre_audit
