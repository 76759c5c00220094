// elf::Object as a record of facts, and back: facts are kept and judged, objects are searched.
#ifndef LRE_AUDIT_AUDIT_SCAN_ELF_FACTS_H_
#define LRE_AUDIT_AUDIT_SCAN_ELF_FACTS_H_

#include "elf/object.h"
#include "rules/facts.pb.h"

namespace lre_audit {

// Everything but the object's defects, which are facts of the file.
void ToFacts(const elf::Object& object, ElfFacts* facts);
elf::Object FromFacts(const ElfFacts& facts);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_SCAN_ELF_FACTS_H_
