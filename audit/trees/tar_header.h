// One 512-byte header block of a tar archive, and the extended headers that PAX puts before it.
// Sources: POSIX.1-2017 pax "ustar Interchange Format" and "pax Extended Header"; GNU tar manual
// "Basic Tar Format" and "Storing Sparse Files"; libarchive tar(5).
#ifndef LRE_AUDIT_AUDIT_TREES_TAR_HEADER_H_
#define LRE_AUDIT_AUDIT_TREES_TAR_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lre_audit {

inline constexpr size_t kTarBlock = 512;
inline constexpr size_t kMaxTarPath = 4096;  // PATH_MAX: no runtime could unpack more

// "/a/b" of "a//b/", "./a/b", "/a/b". InvalidArgument for an empty name, a NUL, a "..", or more
// than kMaxTarPath bytes, which no runtime could unpack.
absl::StatusOr<std::string> NormalisedPath(std::string_view name);

// A stored run of a sparse file: its bytes belong at `offset` of the contents.
struct SparseRun {
  uint64_t offset = 0, length = 0;
};

struct TarHeader {
  enum class Format { kV7, kUstar, kStar, kGnu };
  Format format = Format::kV7;
  char type = '0';
  std::string name;  // prefix and name joined, as written
  std::string link;
  uint64_t size = 0;  // of the data that follow
  // Fields that cannot change where the next header stands: a bad one spoils this entry only.
  uint32_t mode = 0;
  uint64_t uid = 0, gid = 0;
  int64_t mtime = 0;
  std::string bad_field;  // the first of them that is no number, empty if all are
  // Old GNU sparse files (type 'S').
  uint64_t real_size = 0;
  std::vector<SparseRun> runs;
  bool more_runs = false;  // extension blocks follow
};

bool IsZeroBlock(const char* block);
bool ChecksumMatches(const char* block);

// `block` is 512 bytes with a matching checksum. DataLoss where the size, or the sparse map of an
// old GNU header, cannot be read: what follows cannot be told apart then.
absl::StatusOr<TarHeader> ParseTarHeader(const char* block);

// Appends the runs of an old GNU sparse extension block; sets `more` if another one follows.
absl::Status ParseSparseExtension(const char* block, std::vector<SparseRun>* runs, bool* more);

// What the records of one PAX extended header say; absent where no record does.
struct PaxRecords {
  std::optional<std::string> path, link_path;
  std::optional<uint64_t> size, uid, gid;
  std::optional<int64_t> mtime;
  std::vector<std::pair<std::string, std::string>> xattrs;
  // GNU sparse formats 0.0, 0.1 (map in these records) and 1.0 (map before the data).
  std::optional<uint64_t> sparse_major, sparse_size, sparse_blocks;
  std::optional<std::string> sparse_name;
  std::vector<SparseRun> runs;
  bool has_runs = false;

  bool is_sparse() const { return sparse_major || sparse_size || has_runs; }
};

// Merges the records of `data` into `records`: "<length> <key>=<value>\n" each. DataLoss names the
// offset inside `data` of the record that is malformed.
absl::Status ParsePaxRecords(std::string_view data, PaxRecords* records);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_TAR_HEADER_H_
