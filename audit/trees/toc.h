// Tables of contents that layers carry for runtimes which fetch files one by one: eStargz and
// zstd:chunked share one form in JSON. Such a runtime believes the table instead of the archive.
// Sources: containerd/stargz-snapshotter docs/estargz.md; containers/storage
// docs/containers-storage zstd-chunked.md and pkg/chunked.
#ifndef LRE_AUDIT_AUDIT_TREES_TOC_H_
#define LRE_AUDIT_AUDIT_TREES_TOC_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

namespace lre_audit {

struct TocChunk {
  uint64_t offset = 0, size = 0;  // in the file's contents
  std::string digest;             // as written, "sha256:<hex>"; may be empty
  bool zeros = false;             // is not stored: all its bytes are zero
};

struct TocEntry {
  std::string type;  // "reg", "dir", "symlink", "hardlink", "char", "block", "fifo"
  std::string link;  // as written
  uint64_t size = 0, mode = 0, uid = 0, gid = 0;
  std::string digest;            // of the contents, as written; may be empty
  std::vector<TocChunk> chunks;  // of a regular file that is not empty, as the table orders them
  std::map<std::string, std::string> xattrs;  // values in base64, as written
  bool seen = false;                          // in the archive; for the reader's use
};

struct Toc {
  absl::flat_hash_map<std::string, TocEntry> entries;  // by absolute path: "/bin/sh"
  std::vector<std::string> duplicates;  // paths that the table has twice; the last one counts
};

// InvalidArgument says at which byte the text stops being such a table.
absl::StatusOr<Toc> ParseToc(std::string_view json);

// "/bin/sh" of "./bin/sh" or "bin//sh/", "/" of "./"; nullopt where ".." is in it.
std::optional<std::string> TocPath(std::string_view name);

// What ends a blob that has a table.
struct TocFooter {
  enum class Kind { kStargz, kStargzExternal, kZstdChunked };
  Kind kind = Kind::kStargz;
  uint64_t offset = 0;  // of the table in the blob, packed; in no case of kStargzExternal
  uint64_t size = 0;    // of kZstdChunked, packed
  uint64_t bytes = 0;   // of the footer itself
};
inline constexpr uint64_t kLongestTocFooter = 72;
// `tail`: the last kLongestTocFooter bytes of a blob, fewer where it is shorter.
std::optional<TocFooter> ParseTocFooter(std::string_view tail);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_TOC_H_
