// PT_INTERP as the kernel reads it (fs/binfmt_elf.c) and PT_DYNAMIC as the loader does (glibc
// elf/get-dynamic-info.h): at its address, and the last tag of a kind wins.
#include <elf.h>
#include <limits.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "elf/image.h"

namespace lre_audit::elf {

void ReadInterpreter(Image& image) {
  for (size_t i = 0; i < image.segments.size(); ++i) {
    const Segment& segment = image.segments[i];
    if (segment.type != PT_INTERP) continue;
    // `objcopy --only-keep-debug` leaves the header without its contents.
    if (segment.file_size == 0) return;
    const std::string where = absl::StrCat("program header ", i, ": PT_INTERP");
    if (segment.file_size > PATH_MAX) {
      image.Malformed(segment.offset, absl::StrCat(where, " p_filesz ", Hex(segment.file_size),
                                                   ", the kernel takes at most ", PATH_MAX));
      return;
    }
    auto path = image.Read(segment.offset, segment.file_size, where);
    if (!path) return;
    const size_t end = path->find('\0');
    if (path->back() != '\0') {
      image.Malformed(segment.offset, absl::StrCat(where,
                                                   " does not end with NUL, as the kernel "
                                                   "requires, in p_filesz ",
                                                   Hex(segment.file_size)));
    }
    image.object.interpreter = Text{std::string(path->substr(0, end)), segment.offset};
    return;  // the kernel takes the first
  }
}

namespace {

// Tags with one meaning each, of which the last one wins.
struct Tags {
  std::optional<uint64_t> strtab, strsz, soname, rpath, runpath, audit, depaudit;
  std::vector<uint64_t> needed, filter, auxiliary;
};

struct DynamicExtent {
  uint64_t offset = 0, size = 0;
  std::optional<uint64_t> address;  // entries are looked up by address where they are mapped
};

// Where the loader reads PT_DYNAMIC: at p_vaddr, whatever p_offset says.
std::optional<DynamicExtent> FindDynamic(Image& image, size_t index) {
  const Segment& segment = image.segments[index];
  const std::string where = absl::StrCat("program header ", index, ": PT_DYNAMIC");
  const auto mapped = image.FileOffset(segment.address);
  const bool in_file = segment.offset <= image.bytes.size() &&
                       segment.file_size <= image.bytes.size() - segment.offset;
  if (!in_file) {
    image.Malformed(segment.offset,
                    absl::StrCat(where, " p_offset ", Hex(segment.offset), " with p_filesz ",
                                 Hex(segment.file_size), " leaves the file of ",
                                 Hex(image.bytes.size()), " bytes"));
  }
  if (mapped) {
    if (in_file && *mapped != segment.offset) {
      image.object.view_differences.push_back(
          {"PT_DYNAMIC",
           absl::StrCat("offset ", Hex(*mapped), ", where p_vaddr ", Hex(segment.address),
                        " is loaded from"),
           absl::StrCat("offset ", Hex(segment.offset), ", p_offset"), segment.offset});
    }
    return DynamicExtent{*mapped, segment.memory_size, segment.address};
  }
  if (!in_file) return std::nullopt;
  image.Malformed(segment.offset,
                  absl::StrCat(where, " p_vaddr ", Hex(segment.address),
                               " is in no PT_LOAD; read at p_offset ", Hex(segment.offset)));
  return DynamicExtent{segment.offset, segment.file_size, std::nullopt};
}

// DT_AUDIT and DT_DEPAUDIT hold names separated by colons.
std::vector<Text> Split(const Text& list) {
  std::vector<Text> parts;
  size_t start = 0;
  while (start < list.value.size()) {
    const size_t end = std::min(list.value.find(':', start), list.value.size());
    if (end > start) {
      parts.push_back({list.value.substr(start, end - start), list.offset + start});
    }
    start = end + 1;
  }
  return parts;
}

Tags ReadTags(Image& image, const DynamicExtent& extent, DynamicInfo& info) {
  Tags tags;
  const uint64_t entry_size = image.object.is_64 ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
  const uint64_t count = extent.size / entry_size;
  for (uint64_t i = 0;; ++i) {
    if (i == count) {
      image.Malformed(extent.offset,
                      absl::StrCat("PT_DYNAMIC: no DT_NULL within ", count, " entries"));
      break;
    }
    if (i == kMaxDynamicEntries) {
      image.Limit(extent.offset,
                  absl::StrCat("PT_DYNAMIC: ", count, " entries, of which the first ",
                               kMaxDynamicEntries, " are read"));
      break;
    }
    const std::string where = absl::StrCat("PT_DYNAMIC entry ", i);
    const uint64_t skip = i * entry_size;
    auto entry = extent.address ? image.ReadMapped(*extent.address + skip, entry_size, where)
                                : image.Read(extent.offset + skip, entry_size, where);
    if (!entry) break;
    const uint64_t tag = image.Word(*entry, 0, 0), value = image.Word(*entry, 4, 8);
    if (tag == DT_NULL) break;
    switch (tag) {
      case DT_NEEDED:
        tags.needed.push_back(value);
        break;
      case DT_FILTER:
        tags.filter.push_back(value);
        break;
      case DT_AUXILIARY:
        tags.auxiliary.push_back(value);
        break;
      case DT_STRTAB:
        tags.strtab = value;
        break;
      case DT_STRSZ:
        tags.strsz = value;
        break;
      case DT_SONAME:
        tags.soname = value;
        break;
      case DT_RPATH:
        tags.rpath = value;
        break;
      case DT_RUNPATH:
        tags.runpath = value;
        break;
      case DT_AUDIT:
        tags.audit = value;
        break;
      case DT_DEPAUDIT:
        tags.depaudit = value;
        break;
      case DT_FLAGS:
        image.object.flags = value;
        break;
      case DT_FLAGS_1:
        image.object.flags_1 = value;
        break;
      case DT_VERSYM:
        image.object.has_symbol_versions = true;
        break;
      case DT_VERNEED:
        info.verneed = value;
        break;
      case DT_VERNEEDNUM:
        info.verneed_count = value;
        break;
      case DT_VERDEF:
        info.verdef = value;
        break;
      case DT_VERDEFNUM:
        info.verdef_count = value;
        break;
      default:
        break;
    }
  }
  return tags;
}

std::optional<StringTable> DynamicStrings(Image& image, const Tags& tags) {
  if (!tags.strtab) return std::nullopt;
  const auto offset = image.FileOffset(*tags.strtab);
  if (!offset) {
    image.Malformed(
        0, absl::StrCat("PT_DYNAMIC: DT_STRTAB ", Hex(*tags.strtab),
                        " is in no PT_LOAD of the file of ", Hex(image.bytes.size()), " bytes"));
    return std::nullopt;
  }
  const uint64_t size = tags.strsz.value_or(0);
  if (size == 0 || !image.FileOffset(*tags.strtab + size - 1)) {
    image.Malformed(*offset,
                    absl::StrCat("PT_DYNAMIC: DT_STRTAB ", Hex(*tags.strtab), " with DT_STRSZ ",
                                 Hex(size), " does not end in a PT_LOAD of the file of ",
                                 Hex(image.bytes.size()), " bytes"));
  }
  return StringTable{"DT_STRTAB", *offset, size, *tags.strtab};
}

}  // namespace

DynamicInfo ReadDynamic(Image& image) {
  DynamicInfo info;
  // Where there are several, glibc's loader keeps the last.
  size_t index = image.segments.size();
  for (size_t i = 0; i < image.segments.size(); ++i) {
    if (image.segments[i].type == PT_DYNAMIC) index = i;
  }
  if (index == image.segments.size()) return info;
  Object& object = image.object;
  object.has_dynamic = true;
  if (image.segments[index].file_size == 0) return info;  // debug information only
  const auto extent = FindDynamic(image, index);
  if (!extent) return info;
  const Tags tags = ReadTags(image, *extent, info);
  info.strings = DynamicStrings(image, tags);
  const bool names_strings = !tags.needed.empty() || tags.soname || tags.rpath || tags.runpath;
  if (!info.strings) {
    if (names_strings && !tags.strtab) {
      image.Malformed(extent->offset, "PT_DYNAMIC: names strings but has no DT_STRTAB");
    }
    return info;
  }
  auto one = [&](const std::optional<uint64_t>& at, std::string_view what) -> std::optional<Text> {
    if (!at) return std::nullopt;
    return image.String(*info.strings, *at, what);
  };
  auto all = [&](const std::vector<uint64_t>& entries, std::string_view what) {
    std::vector<Text> texts;
    texts.reserve(entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
      auto text = image.String(*info.strings, entries[i], what);
      if (text) texts.push_back(*std::move(text));
    }
    return texts;
  };
  object.soname = one(tags.soname, "DT_SONAME");
  object.rpath = one(tags.rpath, "DT_RPATH");
  object.runpath = one(tags.runpath, "DT_RUNPATH");
  object.needed = all(tags.needed, "DT_NEEDED");
  object.filter = all(tags.filter, "DT_FILTER");
  object.auxiliary = all(tags.auxiliary, "DT_AUXILIARY");
  if (auto list = one(tags.audit, "DT_AUDIT")) object.audit = Split(*list);
  if (auto list = one(tags.depaudit, "DT_DEPAUDIT")) object.depaudit = Split(*list);
  return info;
}

}  // namespace lre_audit::elf
