// Takes what a reader of archives gives and keeps nothing of it.
#ifndef LRE_AUDIT_TESTS_FUZZ_NO_SINK_H_
#define LRE_AUDIT_TESTS_FUZZ_NO_SINK_H_

#include <string_view>

#include "audit/trees/tree.h"

namespace lre_audit::fuzz {

class NoSink : public EntrySink {
 public:
  void BeginEntry(const Entry& /*entry*/) override {}
  void Data(std::string_view /*piece*/) override {}
  void EndEntry(bool /*complete*/) override {}
};

}  // namespace lre_audit::fuzz

#endif  // LRE_AUDIT_TESTS_FUZZ_NO_SINK_H_
