// Absolute paths embedded in binaries as strings: "/usr/share/locale", "PATH=/bin", "-L/usr/lib".
#ifndef LRE_AUDIT_AUDIT_CLAIMS_EMBEDDED_H_
#define LRE_AUDIT_AUDIT_CLAIMS_EMBEDDED_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/facts.pb.h"

namespace lre_audit {

// Whether a file that begins with `head` is of the formats whose strings count: ELF, Mach-O, ar
// archives and WebAssembly. Others (images, compressed files, text) hold no paths that a program
// would use.
bool HoldsEmbeddedPaths(std::string_view head);

// Finds, in one binary, paths below the well-known roots of a system outside the store (/usr/,
// /lib64/, /home/, ...), where they begin a string, follow `:`, `=`, `;` or an option like -L or
// -Wl,-rpath. Feed it the file in pieces of any size; the result does not depend on the split.
class EmbeddedPathScanner {
 public:
  static constexpr size_t kMaxClaims = 8;       // distinct paths kept, first by offset
  static constexpr size_t kMaxPathSize = 4096;  // PATH_MAX; a longer path is cut

  // Paths below `store_directory` are none of the findings, wherever the store is.
  explicit EmbeddedPathScanner(std::string_view store_directory = "/nix/store");

  void Update(std::string_view piece);

  // The paths found, each with its count, ordered by offset. Where there were more distinct ones
  // than are kept, the last claim's context says how many occurrences were left out. Ends the file.
  std::vector<Claim> Finish();

  // Occurrences of all paths so far, kept or not.
  uint64_t total() const { return total_; }

 private:
  // Bytes before a path that decide whether it begins there: the longest is "dynamic-linker,".
  static constexpr size_t kBefore = 24;

  void Begin(std::string_view piece, size_t position);
  void Keep();

  std::string store_prefix_;
  uint64_t offset_ = 0;      // of the next piece
  std::string before_;       // the last bytes of earlier pieces, at most kBefore
  bool collecting_ = false;  // inside a path
  bool cut_ = false;         // the path is longer than kMaxPathSize
  std::string path_;
  uint64_t path_offset_ = 0;
  std::vector<Claim> claims_;
  uint64_t total_ = 0;
  uint64_t left_out_ = 0;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_CLAIMS_EMBEDDED_H_
