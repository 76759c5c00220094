#include "elf/dwarf_directories.h"

#include <memory>
#include <unordered_set>
#include <utility>

#include "llvm/ADT/StringMap.h"
#include "llvm/DebugInfo/DWARF/DWARFContext.h"
#include "llvm/DebugInfo/DWARF/DWARFFormValue.h"
#include "llvm/DebugInfo/DWARF/DWARFUnit.h"
#include "llvm/Support/MemoryBuffer.h"

namespace lre_audit::elf {
namespace {

constexpr size_t kMaxDirectories = 64;
constexpr size_t kMaxUnits = 4096;  // directories repeat: more units say nothing new

}  // namespace

std::vector<std::string> CompilationDirectories(const DwarfSections& sections, bool is_64,
                                                bool is_little_endian) {
  std::vector<std::string> directories;
  std::unordered_set<std::string> seen;
  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> buffers;
  for (const auto& [name, contents] : sections) {
    buffers[llvm::StringRef(name.data(), name.size())] = llvm::MemoryBuffer::getMemBuffer(
        llvm::StringRef(contents.data(), contents.size()), "", /*RequiresNullTerminator=*/false);
  }
  if (buffers.count("debug_info") == 0 || buffers.count("debug_abbrev") == 0) return directories;
  // What is malformed is left out: a damaged line table is no fault of the object's paths.
  auto ignore = [](llvm::Error error) { llvm::consumeError(std::move(error)); };
  const auto context =
      llvm::DWARFContext::create(buffers, is_64 ? 8 : 4, is_little_endian, ignore, ignore);
  size_t units = 0;
  for (const auto& unit : context->compile_units()) {
    if (++units > kMaxUnits) break;
    const llvm::DWARFDie die = unit->getUnitDIE(/*ExtractUnitDIEOnly=*/true);
    if (!die) continue;
    std::string directory = llvm::dwarf::toString(die.find(llvm::dwarf::DW_AT_comp_dir), "");
    if (seen.insert(directory).second) directories.push_back(std::move(directory));
    if (directories.size() == kMaxDirectories) break;
  }
  return directories;
}

}  // namespace lre_audit::elf
