// What the readers of all closure formats share: the checks that every path, hash and reference
// goes through on its way into a Closure, and the readers themselves.
#ifndef LRE_AUDIT_AUDIT_NIX_CLOSURE_BUILDER_H_
#define LRE_AUDIT_AUDIT_NIX_CLOSURE_BUILDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/nix/closure.h"
#include "audit/nix/stream_reader.h"

namespace lre_audit::nix {

class ClosureBuilder {
 public:
  // `source` is what the user named.
  explicit ClosureBuilder(std::string_view source) { closure_.source = source; }

  void set_format(std::string_view format) { closure_.format = format; }
  const std::string& format() const { return closure_.format; }

  void set_records_signatures() { closure_.records_signatures = true; }
  void set_holds_more() { closure_.holds_more = true; }

  // Every path must lie in this directory. Without the call, the first path added decides.
  void set_store_directory(std::string_view directory) { closure_.store_directory = directory; }

  // One path as a source describes it, unchecked. `where` begins messages: "line 7".
  struct Entry {
    std::string where;
    std::string path;
    std::string hash;  // any of Nix's spellings, without algorithm sha256; empty for not recorded
    std::optional<uint64_t> nar_size;
    bool has_references = false;
    std::vector<std::string> references;  // full paths
    // They are sorted, none is there twice, and CheckPath passes them all.
    bool references_checked = false;
    std::string deriver, ca;
    std::vector<std::string> signatures;
    bool ultimate = false;
  };
  // Checks the entry and adds it. What is wrong with it becomes a problem: a bad path drops the
  // entry, a bad hash or reference only the hash, or the references.
  void Add(Entry entry);

  // Whether `path` is a store path of the closure's directory; the error says what is wrong.
  absl::Status CheckPath(std::string_view path);

  // "<where>: <what>". The first kMaxProblems are kept, the others counted.
  void Problem(std::string_view where, std::string_view what);

  size_t size() const { return closure_.paths.size(); }
  const Closure& closure() const { return closure_; }
  Closure Finish() &&;
  // The rule for damaged closures, whatever their format: of which nothing could be read is refused
  // (InvalidArgument, with the first problem); of which a part could is incomplete.
  absl::StatusOr<Closure> FinishUsable() &&;

  static constexpr size_t kMaxProblems = 100;

 private:
  Closure closure_;
  uint64_t dropped_problems_ = 0;
};

// The readers. `text` is the whole file. An error says that the file as a whole is of no use; what
// is wrong with a part of it becomes a problem.

// All forms of `nix path-info --json`, and the graph of exportReferencesGraph with structuredAttrs;
// and `nix derivation show`, whose derivations, sources and outputs are paths of which nothing more
// is known.
absl::Status ReadPathInfoJson(std::string_view text, ClosureBuilder& closure);

// `nix-store --dump-db`, closureInfo's `registration`, and the plain file of exportReferencesGraph.
// True when `text` begins like one of them.
bool LooksLikeRegistration(std::string_view text);
absl::Status ReadRegistration(std::string_view text, ClosureBuilder& closure);

// `nix-store --export`, any number of them behind each other.
bool LooksLikeExport(
    std::string_view head);  // at least kExportHead bytes, fewer if there are no more
inline constexpr size_t kExportHead = 32;
struct ExportedNar {
  std::string path;
  uint64_t offset = 0, size = 0;  // in the stream
};
// `nars`, if not null, receives where each NAR stands.
absl::Status ReadExport(StreamReader& reader, ClosureBuilder& closure,
                        std::vector<ExportedNar>* nars);

// The description of one path in a binary cache.
bool LooksLikeNarInfo(std::string_view text);
absl::Status ReadNarInfo(std::string_view text, ClosureBuilder& closure);

// One path in a line: `nix-store -qR`, closureInfo's `store-paths`.
absl::Status ReadPathList(std::string_view text, ClosureBuilder& closure);

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_CLOSURE_BUILDER_H_
