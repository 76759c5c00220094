// Where extractors put claims: one per kind and text, with line, offset and excerpt.
#ifndef LRE_AUDIT_AUDIT_CLAIMS_CLAIM_LIST_H_
#define LRE_AUDIT_AUDIT_CLAIMS_CLAIM_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "rules/facts.pb.h"

namespace lre_audit {

class ClaimList {
 public:
  static constexpr size_t kMaxClaims = 1000;  // distinct ones of a file

  // `text` is the file, `facts` receives the claims; both outlive the list.
  ClaimList(std::string_view text, FileFacts* facts);

  // The file claims `path`, written at `offset` of the text.
  void Add(Claim::Kind kind, std::string_view path, uint64_t offset, std::string_view context);

  // As Add, where `path` can be a path that a build uses (IsClaimablePath); else nothing.
  void AddPath(Claim::Kind kind, std::string_view path, uint64_t offset, std::string_view context);

  void AddDefect(Defect::Kind kind, uint64_t offset, std::string_view message);

  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
  FileFacts* facts_;
  std::vector<uint64_t> lines_;                   // offsets where they begin
  absl::flat_hash_map<std::string, int> by_key_;  // kind and text to index in facts
  bool full_ = false;
};

// `s` where it is valid UTF-8 (which protobuf requires), else with the invalid bytes as \xNN.
std::string Utf8(std::string_view s);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_CLAIMS_CLAIM_LIST_H_
