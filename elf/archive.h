// Static archives: .a and .rlib files as ar(5), GNU binutils and LLVM write them.
#ifndef LRE_AUDIT_ELF_ARCHIVE_H_
#define LRE_AUDIT_ELF_ARCHIVE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "elf/object.h"

namespace lre_audit::elf {

struct ArchiveMember {
  std::string name;
  uint64_t offset = 0;   // of the member's contents in the archive
  uint64_t size = 0;     // of the contents, also where a thin archive keeps them elsewhere
  uint16_t machine = 0;  // EM_* where the member is an ELF object, else 0
};

struct ArchiveFacts {
  bool is_thin = false;  // "!<thin>": members are names of files beside the archive
  std::vector<ArchiveMember> members;
  std::vector<Defect> defects;
};

bool HasArchiveMagic(std::string_view head);

// Reads the headers of all members; symbol and name tables are no members. Never fails: what cannot
// be read is a defect. An empty `whole` (the archive was too large to keep) gives one kLimit.
ArchiveFacts ReadArchive(std::string_view whole);

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_ELF_ARCHIVE_H_
