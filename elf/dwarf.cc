#include "elf/dwarf.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "elf/image.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/DebugInfo/DWARF/DWARFContext.h"
#include "llvm/DebugInfo/DWARF/DWARFDebugLine.h"
#include "llvm/DebugInfo/DWARF/DWARFFormValue.h"
#include "llvm/DebugInfo/DWARF/DWARFUnit.h"
#include "llvm/Support/MemoryBuffer.h"

namespace lre_audit::elf {
namespace {

constexpr size_t kMaxDirectories = 64;
constexpr size_t kMaxUnits = 4096;  // directories repeat: more units say nothing new

using Sections = llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>>;

// LLVM gets the contents of the sections it needs and nothing of the headers around them, which its
// object reader would trust.
Sections DebugSections(const Bytes& bytes, bool& is_64, bool& is_little_endian) {
  Sections sections;
  Object object;
  Image image(bytes, object);
  if (!ReadHeader(image) || object.type == llvm::ELF::ET_REL) return sections;
  is_64 = object.is_64;
  is_little_endian = object.is_little_endian;
  const uint64_t size = is_64 ? sizeof(llvm::ELF::Elf64_Shdr) : sizeof(llvm::ELF::Elf32_Shdr);
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
    const bool is_compressed = image.Word(header, 8, 8) & llvm::ELF::SHF_COMPRESSED;
    if (is_compressed || image.U32(header, 4) == llvm::ELF::SHT_NOBITS) continue;
    const auto data = contents(i);
    if (!data.ok()) continue;
    sections[llvm::StringRef(name.data() + 1, name.size() - 1)] = llvm::MemoryBuffer::getMemBuffer(
        llvm::StringRef(data->data(), data->size()), "", /*RequiresNullTerminator=*/false);
  }
  return sections;
}

}  // namespace

std::vector<std::string> DebugDirectories(const Bytes& bytes) {
  std::vector<std::string> directories;
  if (bytes.whole().empty()) return directories;
  bool is_64 = true, is_little_endian = true;
  const Sections sections = DebugSections(bytes, is_64, is_little_endian);
  if (sections.count("debug_info") == 0 || sections.count("debug_abbrev") == 0) return directories;
  // What is malformed is left out: a damaged line table is no fault of the object's paths.
  auto ignore = [](llvm::Error error) { llvm::consumeError(std::move(error)); };
  const auto context =
      llvm::DWARFContext::create(sections, is_64 ? 8 : 4, is_little_endian, ignore, ignore);
  std::unordered_set<std::string> seen;
  auto add = [&](llvm::StringRef directory) {
    if (directories.size() < kMaxDirectories && directory.startswith("/") &&
        seen.insert(directory.str()).second) {
      directories.push_back(directory.str());
    }
  };
  const llvm::DWARFObject& file = context->getDWARFObj();
  const llvm::DWARFDataExtractor lines(file, file.getLineSection(), is_little_endian,
                                       is_64 ? 8 : 4);
  size_t units = 0;
  for (const auto& unit : context->compile_units()) {
    if (++units > kMaxUnits || directories.size() == kMaxDirectories) break;
    const llvm::DWARFDie die = unit->getUnitDIE(/*ExtractUnitDIEOnly=*/true);
    if (!die) continue;
    add(llvm::dwarf::toString(die.find(llvm::dwarf::DW_AT_comp_dir), ""));
    const auto line_table = llvm::dwarf::toSectionOffset(die.find(llvm::dwarf::DW_AT_stmt_list));
    if (!line_table || *line_table >= lines.size()) continue;
    llvm::DWARFDebugLine::Prologue prologue;
    uint64_t offset = *line_table;
    if (auto error = prologue.parse(lines, &offset, ignore, *context, unit.get())) {
      llvm::consumeError(std::move(error));
      continue;
    }
    for (const llvm::DWARFFormValue& directory : prologue.IncludeDirectories) {
      add(llvm::dwarf::toString(directory, ""));
    }
  }
  return directories;
}

}  // namespace lre_audit::elf
