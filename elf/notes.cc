// Notes that the loader, or a program that loads libraries itself, acts upon. Only PT_NOTE counts:
// a section that no segment holds is never mapped.
#include <elf.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "elf/image.h"
#include "nlohmann/json.hpp"

namespace lre_audit::elf {
namespace {

// Owner "NixOS", written by `patchelf --build-resolution-cache` (NixOS/patchelf#647).
constexpr uint32_t kNixosLdCache = 0x63a86cb6;
// Owner "FDO", "UAPI.12 dlopen() Metadata for ELF Files"
// (uapi-group.org/specifications/specs/elf_dlopen_metadata).
constexpr uint32_t kFdoDlopen = 0x407c0c0a;

struct Note {
  std::string_view owner;  // without its NUL
  uint32_t type = 0;
  std::string_view descriptor;
  uint64_t offset = 0;  // of the descriptor
};

// Pairs of NUL-terminated strings, a NEEDED name and its colon-separated list of "=<file>" and
// "?<directory>"; an empty name ends the sequence.
void ReadLdCache(Image& image, const Note& note) {
  std::string_view rest = note.descriptor;
  auto next = [&]() -> std::optional<std::string_view> {
    const size_t end = rest.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return text;
  };
  while (!rest.empty()) {
    auto name = next();
    if (name && name->empty()) return;
    const uint64_t list_at = note.offset + (note.descriptor.size() - rest.size());
    auto list = name ? next() : std::nullopt;
    if (!name || !list) {
      image.Malformed(note.offset,
                      absl::StrCat("note NixOS/0x63a86cb6: a string has no end within ",
                                   Hex(note.descriptor.size()), " bytes"));
      return;
    }
    for (size_t start = 0; start <= list->size();) {
      const size_t end = std::min(list->find(':', start), list->size());
      const std::string_view element = list->substr(start, end - start);
      if (element.starts_with('=') || element.starts_with('?')) {
        const auto kind =
            element[0] == '=' ? LdCacheEntry::Kind::kFile : LdCacheEntry::Kind::kDirectory;
        image.object.ld_cache.push_back(
            {kind, std::string(*name), {std::string(element.substr(1)), list_at + start + 1}});
      } else if (!element.empty()) {
        image.Malformed(list_at + start,
                        absl::StrCat("note NixOS/0x63a86cb6: element \"", Escaped(element),
                                     "\" of ", Escaped(*name), " starts with neither = nor ?"));
      }
      start = end + 1;
    }
  }
}

void ReadDlopen(Image& image, const Note& note) {
  std::string_view json = note.descriptor;
  while (json.ends_with('\0')) json.remove_suffix(1);
  const auto needs = nlohmann::json::parse(json.begin(), json.end(), nullptr, false);
  if (!needs.is_array()) {
    image.Malformed(note.offset, absl::StrCat("note FDO/0x407c0c0a: expected a JSON array in ",
                                              Hex(note.descriptor.size()), " bytes"));
    return;
  }
  for (size_t i = 0; i < needs.size(); ++i) {
    const auto& entry = needs[i];
    auto malformed = [&](std::string_view what) {
      image.Malformed(note.offset,
                      absl::StrCat("note FDO/0x407c0c0a: entry ", i, ": ", ToAbsl(what)));
    };
    if (!entry.is_object() || !entry.contains("soname") || !entry["soname"].is_array() ||
        entry["soname"].empty()) {
      malformed("expected an object with an array \"soname\" of at least one name");
      continue;
    }
    DlopenNeed need;
    need.offset = note.offset;
    for (const auto& soname : entry["soname"]) {
      if (soname.is_string()) {
        need.sonames.push_back(soname.get<std::string>());
      } else {
        malformed("a soname is no string");
      }
    }
    if (entry.contains("feature") && entry["feature"].is_string()) {
      need.feature = entry["feature"].get<std::string>();
    }
    if (entry.contains("priority")) {
      if (entry["priority"] == "required") {
        need.priority = DlopenNeed::Priority::kRequired;
      } else if (entry["priority"] == "suggested") {
        need.priority = DlopenNeed::Priority::kSuggested;
      } else if (entry["priority"] != "recommended") {
        malformed("priority is none of required, recommended, suggested");
      }
    }
    image.object.dlopen_needs.push_back(std::move(need));
  }
}

void ReadNote(Image& image, const Note& note) {
  if (note.owner == "GNU" && note.type == NT_GNU_BUILD_ID) {
    image.object.build_id = absl::BytesToHexString(ToAbsl(note.descriptor.substr(0, 64)));
  } else if (note.owner == "NixOS" && note.type == kNixosLdCache) {
    ReadLdCache(image, note);
  } else if (note.owner == "FDO" && note.type == kFdoDlopen) {
    ReadDlopen(image, note);
  }
}

// Returns false once the object's limit of notes is reached.
bool ReadSegment(Image& image, size_t index, uint64_t& notes) {
  const Segment& segment = image.segments[index];
  const std::string where = absl::StrCat("program header ", index, ": PT_NOTE");
  if (segment.file_size > kMaxNoteBytes) {
    image.Limit(segment.offset, absl::StrCat(where, " p_filesz ", Hex(segment.file_size),
                                             ", read up to ", Hex(kMaxNoteBytes)));
  }
  auto contents = image.Read(segment.offset, std::min(segment.file_size, kMaxNoteBytes), where);
  if (!contents) return true;
  const uint64_t align = segment.align == 8 ? 8 : 4;
  auto padded = [&](uint64_t size) { return (size + align - 1) / align * align; };
  uint64_t at = 0;
  while (contents->size() - at >= sizeof(Elf64_Nhdr)) {
    if (++notes > kMaxNotes) {
      image.Limit(segment.offset + at, absl::StrCat("PT_NOTE: more than ", kMaxNotes, " notes"));
      return false;
    }
    const uint64_t owner_size = image.U32(*contents, at), size = image.U32(*contents, at + 4);
    const uint64_t descriptor = padded(at + sizeof(Elf64_Nhdr) + owner_size);
    if (descriptor > contents->size() || size > contents->size() - descriptor) {
      image.Malformed(segment.offset + at,
                      absl::StrCat(where, " note at ", Hex(at), ": n_namesz ", Hex(owner_size),
                                   " and n_descsz ", Hex(size), " leave the segment of ",
                                   Hex(contents->size()), " bytes"));
      return true;
    }
    std::string_view owner = contents->substr(at + sizeof(Elf64_Nhdr), owner_size);
    owner = owner.substr(0, owner.find('\0'));
    ReadNote(image, {owner, image.U32(*contents, at + 8), contents->substr(descriptor, size),
                     segment.offset + descriptor});
    at = padded(descriptor + size);
    if (at > contents->size()) break;
  }
  return true;
}

}  // namespace

void ReadNotes(Image& image) {
  uint64_t notes = 0;
  for (size_t i = 0; i < image.segments.size(); ++i) {
    const bool is_note = image.segments[i].type == PT_NOTE && image.segments[i].file_size != 0;
    if (is_note && !ReadSegment(image, i, notes)) return;
  }
}

}  // namespace lre_audit::elf
