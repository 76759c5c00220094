#include "audit/compare/elf_changes.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "elf/object.h"

namespace lre_audit {
namespace {

using Texts = google::protobuf::RepeatedPtrField<ElfFacts::Text>;

std::string Joined(const Texts& texts) {
  std::string joined;
  for (const ElfFacts::Text& text : texts) {
    absl::StrAppend(&joined, joined.empty() ? "" : ", ", text.value());
  }
  return joined;
}

std::string MachineOf(const ElfFacts& facts) {
  return absl::StrCat(elf::MachineName(facts.machine()), facts.is_64() ? ", 64-bit" : ", 32-bit");
}

}  // namespace

void AppendElfChanges(const ElfFacts& a, const ElfFacts& b, FileDifference* difference) {
  const auto compare = [&](const char* what, const std::string& in_a, const std::string& in_b) {
    if (in_a == in_b) return;
    Change* change = difference->add_changes();
    change->set_what(what);
    change->set_a(in_a);
    change->set_b(in_b);
  };
  compare("machine", MachineOf(a), MachineOf(b));
  compare("interpreter", a.interpreter().value(), b.interpreter().value());
  compare("SONAME", a.soname().value(), b.soname().value());
  compare("RPATH", a.rpath().value(), b.rpath().value());
  compare("RUNPATH", a.runpath().value(), b.runpath().value());
  compare("NEEDED", Joined(a.needed()), Joined(b.needed()));
  compare("AUDIT", Joined(a.audit()), Joined(b.audit()));
  compare("DEPAUDIT", Joined(a.depaudit()), Joined(b.depaudit()));
  compare("FILTER", Joined(a.filter()), Joined(b.filter()));
  compare("AUXILIARY", Joined(a.auxiliary()), Joined(b.auxiliary()));
  compare("build ID", a.build_id(), b.build_id());
}

}  // namespace lre_audit
