// Takes what a reader of archives or images gives and keeps nothing of it.
#ifndef LRE_AUDIT_TESTS_FUZZ_NO_SINK_H_
#define LRE_AUDIT_TESTS_FUZZ_NO_SINK_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "audit/trees/tree.h"

namespace lre_audit::fuzz {

class NoSink : public EntrySink {
 public:
  void BeginEntry(const Entry& /*entry*/) override {}
  void Data(std::string_view /*piece*/) override {}
  void EndEntry(bool /*complete*/) override {}
};

// Opens an image, if it is one, and reads its first layers.
inline void ReadImages(const std::string& reference, const OpenOptions& options) {
  const absl::StatusOr<Trees> trees = OpenImages(reference, options);
  if (!trees.ok()) return;
  for (const auto& tree : *trees) {
    for (size_t part = 0; part < std::min<size_t>(tree->parts().size(), 4); ++part) {
      NoSink sink;
      std::vector<Problem> problems;
      tree->Stream(part, /*verify=*/true, sink, problems);
    }
  }
}

}  // namespace lre_audit::fuzz

#endif  // LRE_AUDIT_TESTS_FUZZ_NO_SINK_H_
