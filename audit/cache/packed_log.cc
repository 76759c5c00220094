#include "audit/cache/packed_log.h"

#include <memory>

#include "absl/strings/str_cat.h"

namespace lre_audit::cache {

absl::StatusOr<LogKind> PackedLog::Sniff() {
  LRE_ASSIGN_OR_RETURN(const std::string_view head, peeked_.Peek(kSniffLogBytes));
  const LogKind kind = SniffLog(head);
  is_json_ = kind == LogKind::kJson || (kind == LogKind::kBuildEvents && head.starts_with('{'));
  return kind;
}

uint64_t PackedLog::ReadEntries(
    absl::FunctionRef<bool(const EntryReader& entry)> on_entry,
    absl::FunctionRef<void(const EntryReader& entry, std::string message)> on_damage) {
  std::unique_ptr<EntryReader> entries;
  if (is_json_) {
    entries = std::make_unique<JsonObjectReader>(peeked_, entry_bytes_);
  } else {
    entries = std::make_unique<DelimitedReader>(peeked_, entry_bytes_);
  }
  while (true) {
    const absl::StatusOr<bool> more = entries->Next();
    if (!more.ok()) {
      on_damage(*entries, absl::StrCat(more.status().message(), "; what stands before is kept"));
      break;
    }
    if (*more) {
      if (!on_entry(*entries)) break;
      continue;
    }
    // Only at the end is the inflater this thread's again.
    if (const auto trailing = inflater_.trailing_offset()) {
      on_damage(*entries,
                absl::StrCat("the file goes on behind what is packed, at its byte ", *trailing));
    }
    break;
  }
  return entries->position();
}

}  // namespace lre_audit::cache
