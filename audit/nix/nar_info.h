// A narinfo: what a binary cache says of one store path, and where its contents are.
// Source: Nix src/libstore/nar-info.cc; doc/manual "Binary Cache".
#ifndef LRE_AUDIT_AUDIT_NIX_NAR_INFO_H_
#define LRE_AUDIT_AUDIT_NIX_NAR_INFO_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/nix/closure_builder.h"

namespace lre_audit::nix {

inline constexpr uint64_t kMaxNarInfo = 4 << 20;  // bytes; 1 KB is common

struct NarInfo {
  ClosureBuilder::Entry entry;  // of the path; `references` and `deriver` in full
  std::string url;              // relative to the cache; written by whoever wrote the narinfo
  std::string compression;      // "xz"; "bzip2" where the file does not say
  std::string file_hash;        // "sha256:<hex>" of the compressed NAR; empty if not said
  std::optional<uint64_t> file_size;
};

// InvalidArgument, without the file's name: "line 3: ...". Keys that are not known are passed over,
// as Nix does.
absl::StatusOr<NarInfo> ParseNarInfo(std::string_view text);

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_NAR_INFO_H_
