// DT_VERNEED and DT_VERDEF, followed as glibc's elf/dl-version.c does: from the addresses in
// PT_DYNAMIC, entry by entry, never through sections.
#include <elf.h>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "elf/image.h"

namespace lre_audit::elf {
namespace {

// Elf32_ and Elf64_ forms are the same.
constexpr uint64_t kVerneedSize = sizeof(Elf64_Verneed), kVernauxSize = sizeof(Elf64_Vernaux);
constexpr uint64_t kVerdefSize = sizeof(Elf64_Verdef), kVerdauxSize = sizeof(Elf64_Verdaux);

void ReadNeeds(Image& image, const StringTable& strings, uint64_t at, uint64_t count) {
  uint64_t budget = kMaxVersions;
  for (uint64_t i = 0; i < count; ++i) {
    auto need = image.ReadMapped(at, kVerneedSize, absl::StrCat("DT_VERNEED entry ", i));
    if (!need) return;
    auto library = image.String(strings, image.U32(*need, 4), "DT_VERNEED vn_file");
    const uint64_t versions = image.U16(*need, 2);
    uint64_t aux_at = at + image.U32(*need, 8);
    for (uint64_t j = 0; j < versions; ++j) {
      if (budget-- == 0) {
        image.Limit(0, absl::StrCat("DT_VERNEED: more than ", kMaxVersions, " versions"));
        return;
      }
      auto aux = image.ReadMapped(aux_at, kVernauxSize,
                                  absl::StrCat("DT_VERNEED entry ", i, " version ", j));
      if (!aux) return;
      auto version = image.String(strings, image.U32(*aux, 8), "DT_VERNEED vna_name");
      if (library && version) {
        const bool weak = image.U16(*aux, 4) & VER_FLG_WEAK;
        image.object.version_needs.push_back({library->value, version->value, weak});
      }
      const uint64_t next = image.U32(*aux, 12);
      if (next == 0) break;
      aux_at += next;
    }
    const uint64_t next = image.U32(*need, 12);
    if (next == 0) return;
    at += next;
  }
}

void ReadDefinitions(Image& image, const StringTable& strings, uint64_t at, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    if (i == kMaxVersions) {
      image.Limit(0, absl::StrCat("DT_VERDEF: more than ", kMaxVersions, " versions"));
      return;
    }
    auto definition = image.ReadMapped(at, kVerdefSize, absl::StrCat("DT_VERDEF entry ", i));
    if (!definition) return;
    // The first name is the version's own, the others are its parents.
    auto aux = image.ReadMapped(at + image.U32(*definition, 12), kVerdauxSize,
                                absl::StrCat("DT_VERDEF entry ", i, " name"));
    if (aux) {
      auto name = image.String(strings, image.U32(*aux, 0), "DT_VERDEF vda_name");
      if (name) image.object.version_definitions.push_back(name->value);
    }
    const uint64_t next = image.U32(*definition, 16);
    if (next == 0) return;
    at += next;
  }
}

}  // namespace

void ReadVersions(Image& image, const DynamicInfo& dynamic) {
  if (!dynamic.strings) return;
  if (dynamic.verneed) {
    ReadNeeds(image, *dynamic.strings, *dynamic.verneed, dynamic.verneed_count);
  }
  if (dynamic.verdef) {
    ReadDefinitions(image, *dynamic.strings, *dynamic.verdef, dynamic.verdef_count);
  }
}

}  // namespace lre_audit::elf
