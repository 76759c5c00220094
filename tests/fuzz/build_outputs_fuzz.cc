// What builds leave in a cache: two blobs beside each other, archives among them, .d files and
// parameter files.
#include "audit/explain/blob_causes.h"
#include "audit/explain/content_difference.h"
#include "audit/explain/dep_file.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  const std::vector<std::string_view> blobs = SplitDocuments(input, 2);
  const std::string_view a = blobs.front(), b = blobs.back();
  for (const auto& [local, remote] : {std::pair(a, b), std::pair(b, a)}) {
    const explain::ContentDifference difference = explain::CompareBlobs(local, remote);
    const bool same = difference.kind == explain::ContentDifference::Kind::kNone;
    if (same != (local == remote)) Wrong("blobs that differ are the same, or the reverse");
    if (same != difference.text.empty()) Wrong("a difference is not told");
  }
  for (const std::string& path : explain::ReadDepFile(a)) {
    if (path.empty() || path.size() > a.size()) Wrong("a prerequisite comes from nowhere");
  }
  if (explain::ReadParamFile(a).size() > a.size()) Wrong("an argument comes from nowhere");
}

}  // namespace lre_audit::fuzz
