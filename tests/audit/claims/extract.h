// What the tests of claims share: a file in, its claims out, as lines to compare.
#ifndef LRE_AUDIT_TESTS_AUDIT_CLAIMS_EXTRACT_H_
#define LRE_AUDIT_TESTS_AUDIT_CLAIMS_EXTRACT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/claims/claims.h"

namespace lre_audit {

// The facts of a file of the tree, classified and read as the scan does it.
inline FileFacts Extract(std::string_view path, std::string_view text, bool executable = true) {
  FileFacts facts;
  facts.set_size(text.size());
  const ClaimSource source =
      Classify(path, text.substr(0, kHeadSize), text.size(), executable, "/nix/store");
  ExtractClaims(source, path, text.substr(0, MaxTextSize(source)), "/nix/store", &facts);
  return facts;
}

// "WRAPPER /usr/bin/gcc exec", one per claim but shebangs.
inline std::vector<std::string> Claims(const FileFacts& facts) {
  std::vector<std::string> lines;
  for (const Claim& claim : facts.claims()) {
    if (claim.kind() == Claim::SHEBANG) continue;
    lines.push_back(
        absl::StrCat(Claim::Kind_Name(claim.kind()), " ", claim.text(), " ", claim.context()));
  }
  return lines;
}

// The claims' paths, in order.
inline std::vector<std::string> Paths(const FileFacts& facts) {
  std::vector<std::string> paths;
  for (const Claim& claim : facts.claims()) {
    if (claim.kind() != Claim::SHEBANG) paths.push_back(claim.text());
  }
  return paths;
}

}  // namespace lre_audit

#endif  // LRE_AUDIT_TESTS_AUDIT_CLAIMS_EXTRACT_H_
