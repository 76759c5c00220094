#include "elf/dwarf.h"

#include <elf.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "elf/dwarf_directories.h"
#include "elf/image.h"
#include "elf/line_tables.h"

namespace lre_audit::elf {
namespace {

constexpr size_t kMaxDirectories = 64;

// LLVM gets the contents of the sections it needs and nothing of the headers around them, which its
// object reader would trust.
DwarfSections DebugSections(const Bytes& bytes, bool& is_64, bool& is_little_endian) {
  DwarfSections sections;
  Object object;
  Image image(bytes, object);
  if (!ReadHeader(image) || object.type == ET_REL) return sections;
  is_64 = object.is_64;
  is_little_endian = object.is_little_endian;
  const uint64_t size = is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
  const uint64_t count = std::min(image.section_count, kMaxSections);
  const auto table = bytes.Read(image.section_offset, count * size);
  if (!table.ok() || image.section_name_index >= count) return sections;
  auto contents = [&](uint64_t index) -> absl::StatusOr<std::string_view> {
    const std::string_view header = table->substr(index * size, size);
    return bytes.Read(image.Word(header, 16, 24), image.Word(header, 20, 32));
  };
  const auto names = contents(image.section_name_index);
  if (!names.ok()) return sections;
  for (uint64_t i = 1; i < count; ++i) {
    const std::string_view header = table->substr(i * size, size);
    const uint32_t name_at = image.U32(header, 0);
    if (name_at >= names->size()) continue;
    std::string_view name = names->substr(name_at, 32);
    name = name.substr(0, name.find('\0'));
    if (name != ".debug_info" && name != ".debug_abbrev" && name != ".debug_line" &&
        name != ".debug_line_str" && name != ".debug_str" && name != ".debug_str_offsets") {
      continue;
    }
    const bool is_compressed = image.Word(header, 8, 8) & SHF_COMPRESSED;
    if (is_compressed || image.U32(header, 4) == SHT_NOBITS) continue;
    const auto data = contents(i);
    if (!data.ok()) continue;
    sections.emplace_back(name.substr(1), *data);
  }
  return sections;
}

}  // namespace

std::vector<std::string> DebugDirectories(const Bytes& bytes) {
  if (bytes.whole().empty()) return {};
  bool is_64 = true, is_little_endian = true;
  const DwarfSections sections = DebugSections(bytes, is_64, is_little_endian);
  std::vector<std::string> directories;
  std::unordered_set<std::string> seen;
  auto add = [&](std::string_view directory) {
    if (directory.starts_with('/') && seen.emplace(directory).second) {
      directories.emplace_back(directory);
    }
    return directories.size() < kMaxDirectories;
  };
  for (const std::string& directory : CompilationDirectories(sections, is_64, is_little_endian)) {
    if (!add(directory)) return directories;
  }
  auto section = [&](std::string_view name) {
    const auto found = std::find_if(sections.begin(), sections.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    return found == sections.end() ? std::string_view() : found->second;
  };
  ForEachLineDirectory(
      {section("debug_line"), section("debug_line_str"), section("debug_str"), is_little_endian},
      add);
  return directories;
}

}  // namespace lre_audit::elf
