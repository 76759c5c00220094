// Where the section headers tell another story than the segments. The loader never reads sections;
// readelf, patchelf and most auditors do, so a forged .dynamic shows them another object.
#include <elf.h>
#include <limits.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/text.h"
#include "elf/image.h"

namespace lre_audit::elf {
namespace {

struct Section {
  std::string name;
  uint32_t type = 0, link = 0;
  uint64_t offset = 0, size = 0;
  uint64_t header = 0;  // file offset of its header
};

uint64_t HeaderSize(const Image& image) {
  return image.object.is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
}

std::optional<Section> SectionAt(Image& image, uint64_t index) {
  const uint64_t at = image.section_offset + index * HeaderSize(image);
  auto header = image.Read(at, HeaderSize(image), absl::StrCat("section header ", index));
  if (!header) return std::nullopt;
  Section section;
  section.header = at;
  section.type = image.U32(*header, 4);
  section.offset = image.Word(*header, 16, 24);
  section.size = image.Word(*header, 20, 32);
  section.link = image.U32(*header, image.object.is_64 ? 40 : 24);
  return section;
}

// The sections of interest, by name, and .dynamic's string table.
struct Sections {
  std::optional<Section> interp, dynamic, dynstr, dynamic_strings;
};

bool HasContents(const Section& section) {
  return section.type != SHT_NOBITS && section.type != SHT_NULL;
}

Sections FindSections(Image& image) {
  Sections found;
  uint64_t count = image.section_count, names_index = image.section_name_index;
  if (image.section_offset == 0) return found;  // stripped
  if (count == 0 || names_index == SHN_XINDEX) {
    // The real numbers are in section 0.
    auto header = image.Read(image.section_offset, HeaderSize(image), "section header 0");
    if (!header) return found;
    if (count == 0) count = image.Word(*header, 20, 32);
    if (names_index == SHN_XINDEX) names_index = image.U32(*header, image.object.is_64 ? 40 : 24);
  }
  if (count > kMaxSections) {
    image.Limit(image.section_offset, absl::StrCat("ELF header: ", count,
                                                   " sections, of which the "
                                                   "first ",
                                                   kMaxSections, " are read"));
    count = kMaxSections;
  }
  auto table = image.Read(image.section_offset, count * HeaderSize(image), "section header table");
  if (!table || names_index == SHN_UNDEF || names_index >= count) return found;
  auto names = SectionAt(image, names_index);
  if (!names || !HasContents(*names)) return found;
  const uint64_t name_size = std::string_view(".dynamic").size() + 1;
  for (uint64_t i = 1; i < count; ++i) {
    const std::string_view header = table->substr(i * HeaderSize(image));
    const uint64_t name_at = image.U32(header, 0);
    if (name_at >= names->size || names->offset > image.bytes.size()) continue;
    const std::string_view rest = image.bytes.From(names->offset + name_at).substr(0, name_size);
    const std::string_view name = rest.substr(0, rest.find('\0'));
    std::optional<Section>* slot = name == ".interp"    ? &found.interp
                                   : name == ".dynamic" ? &found.dynamic
                                   : name == ".dynstr"  ? &found.dynstr
                                                        : nullptr;
    if (slot == nullptr || slot->has_value()) continue;
    auto section = SectionAt(image, i);
    if (section && HasContents(*section)) *slot = std::move(section);
  }
  if (found.dynamic && found.dynamic->link < count) {
    auto strings = SectionAt(image, found.dynamic->link);
    if (strings && HasContents(*strings)) found.dynamic_strings = std::move(strings);
  }
  return found;
}

std::string Value(const std::optional<Text>& text) { return text ? text->value : std::string(); }

std::string Joined(const std::vector<Text>& texts) {
  return absl::StrJoin(texts, ", ",
                       [](std::string* out, const Text& text) { out->append(text.value); });
}

void Compare(Image& image, std::string_view what, std::string segments, std::string sections,
             uint64_t header) {
  if (segments == sections) return;
  image.object.view_differences.push_back(
      {std::string(what), std::move(segments), std::move(sections), header});
}

// Reads .dynamic and the string table it links to as a section reader would.
void CompareDynamic(Image& image, const Section& dynamic, const Section& strings) {
  const uint64_t entry_size = image.object.is_64 ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
  auto contents = image.bytes.Read(dynamic.offset, dynamic.size);
  if (!contents.ok()) {
    // A reader of sections fails here, which hides the object from it.
    if (absl::IsOutOfRange(contents.status())) {
      Compare(image, "PT_DYNAMIC", "readable",
              absl::StrCat(".dynamic: ", contents.status().message()), dynamic.header);
    } else {
      image.Limit(dynamic.offset, absl::StrCat("section .dynamic: ", contents.status().message()));
    }
    return;
  }
  // A scratch object takes the defects: what sections get wrong matters only where it differs.
  Object scratch;
  scratch.is_64 = image.object.is_64;
  scratch.is_little_endian = image.object.is_little_endian;
  Image section_image(image.bytes, scratch);
  const StringTable table{".dynstr", strings.offset, strings.size, std::nullopt};
  const uint64_t count = std::min<uint64_t>(contents->size() / entry_size, kMaxDynamicEntries);
  for (uint64_t i = 0; i < count; ++i) {
    const std::string_view entry = contents->substr(i * entry_size, entry_size);
    const uint64_t tag = image.Word(entry, 0, 0), value = image.Word(entry, 4, 8);
    if (tag == DT_NULL) break;
    if (tag == DT_NEEDED) {
      if (auto text = section_image.String(table, value, "")) scratch.needed.push_back(*text);
    } else if (tag == DT_SONAME) {
      scratch.soname = section_image.String(table, value, "");
    } else if (tag == DT_RPATH) {
      scratch.rpath = section_image.String(table, value, "");
    } else if (tag == DT_RUNPATH) {
      scratch.runpath = section_image.String(table, value, "");
    }
  }
  const Object& object = image.object;
  Compare(image, "DT_NEEDED", Joined(object.needed), Joined(scratch.needed), dynamic.header);
  Compare(image, "DT_SONAME", Value(object.soname), Value(scratch.soname), dynamic.header);
  Compare(image, "DT_RPATH", Value(object.rpath), Value(scratch.rpath), dynamic.header);
  Compare(image, "DT_RUNPATH", Value(object.runpath), Value(scratch.runpath), dynamic.header);
}

}  // namespace

void CompareWithSections(Image& image, const DynamicInfo& dynamic) {
  const Sections sections = FindSections(image);
  if (sections.interp && (image.object.interpreter || !image.segments.empty())) {
    auto text = image.bytes.Read(sections.interp->offset,
                                 std::min<uint64_t>(sections.interp->size, PATH_MAX));
    if (text.ok()) {
      Compare(image, "PT_INTERP", Value(image.object.interpreter),
              std::string(text->substr(0, text->find('\0'))), sections.interp->header);
    }
  }
  if (!dynamic.strings) return;
  if (sections.dynamic && sections.dynamic_strings) {
    CompareDynamic(image, *sections.dynamic, *sections.dynamic_strings);
  }
  if (sections.dynstr && sections.dynstr->offset != dynamic.strings->offset) {
    auto ours = image.bytes.Read(dynamic.strings->offset, dynamic.strings->size);
    auto theirs = image.bytes.Read(sections.dynstr->offset, sections.dynstr->size);
    if (ours.ok() && theirs.ok() && *ours == *theirs) return;
    Compare(image, "DT_STRTAB", absl::StrCat("offset ", Hex(dynamic.strings->offset)),
            absl::StrCat(".dynstr at offset ", Hex(sections.dynstr->offset)),
            sections.dynstr->header);
  }
}

}  // namespace lre_audit::elf
