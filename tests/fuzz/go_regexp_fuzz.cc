// Go's regular expressions and replacements. The input holds a pattern, a replacement and a text,
// each behind a line "%%".
#include <string>

#include "audit/trees/go_regexp.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  // What one file may cost: a layer's limit, over the files that a layer has at least. And no more
  // text than a name has bytes.
  constexpr size_t kMostCost = 10'000, kMostText = 4096, kLimit = 64 << 10;
  const auto documents = SplitDocuments(input, 3);
  if (documents.size() < 3) return;
  const std::string_view pattern = documents[0], text = documents[2].substr(0, kMostText);
  const absl::StatusOr<GoRegexp> regexp = GoRegexp::Compile(pattern);
  const absl::StatusOr<GoRewrite> rewrite = GoRewrite::Compile(pattern, documents[1]);
  const absl::StatusOr<GoRewrite> same = GoRewrite::Compile(pattern, "${0}");
  if (regexp.ok() != rewrite.ok() || regexp.ok() != same.ok()) Wrong("a pattern now and then");
  if (!regexp.ok() || regexp->Cost(text.size()) > kMostCost) return;
  const bool matches = regexp->Matches(text);
  const std::optional<std::string> renamed = rewrite->Apply(text, kLimit);
  if (!matches && renamed != std::string(text)) Wrong("what does not match was replaced");
  if (renamed && renamed->size() > kLimit) Wrong("more than may be");
  // What has matched, put where it was.
  if (same->Apply(text, kLimit) != std::string(text)) Wrong("a match is not what was there");
}

}  // namespace lre_audit::fuzz
