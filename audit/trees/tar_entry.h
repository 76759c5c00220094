// What an archive's headers say of one entry.
// Sources: POSIX pax, GNU tar's manual ("Standard", "GNU sparse formats"); OCI image-spec layer.md
// for whiteouts.
#ifndef LRE_AUDIT_AUDIT_TREES_TAR_ENTRY_H_
#define LRE_AUDIT_AUDIT_TREES_TAR_ENTRY_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "audit/trees/tar_header.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// Fills `entry` from a header whose name and link are those of its extensions, too. DataLoss says
// what is wrong; what could be read until then stands.
absl::Status ReadTarEntry(const TarHeader& header, const PaxRecords& pax, Entry* entry);

// In a layer, makes an entry with a whiteout's name one: its path is then what it removes.
absl::Status ReadWhiteoutName(Entry* entry);

// For messages: the start of a name that may be very long.
std::string QuotedName(std::string_view name);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_TAR_ENTRY_H_
