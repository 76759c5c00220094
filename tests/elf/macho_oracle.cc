#include "tests/elf/macho_oracle.h"

#include <cstring>
#include <memory>
#include <utility>

#include "llvm/ADT/SmallString.h"
#include "llvm/BinaryFormat/MachO.h"
#include "llvm/Object/MachO.h"
#include "llvm/Object/MachOUniversal.h"
#include "llvm/ObjectYAML/yaml2obj.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/YAMLTraits.h"
#include "llvm/Support/raw_ostream.h"

namespace lre_audit::elf {
namespace {

const char* Name(uint32_t command) {
  switch (command) {
#define HANDLE_LOAD_COMMAND(name, value, type) \
  case value:                                  \
    return #name;
#include "llvm/BinaryFormat/MachO.def"
  }
  return "unknown";
}

void AddPaths(const llvm::object::MachOObjectFile& object, std::vector<LlvmPath>& paths) {
  for (const auto& command : object.load_commands()) {
    uint32_t start = 0;
    switch (command.C.cmd) {
      case llvm::MachO::LC_LOAD_DYLIB:
      case llvm::MachO::LC_ID_DYLIB:
      case llvm::MachO::LC_LOAD_WEAK_DYLIB:
      case llvm::MachO::LC_REEXPORT_DYLIB:
      case llvm::MachO::LC_LAZY_LOAD_DYLIB:
      case llvm::MachO::LC_LOAD_UPWARD_DYLIB:
        start = object.getDylibIDLoadCommand(command).dylib.name;
        break;
      case llvm::MachO::LC_LOAD_DYLINKER:
      case llvm::MachO::LC_ID_DYLINKER:
      case llvm::MachO::LC_DYLD_ENVIRONMENT:
        start = object.getDylinkerCommand(command).name;
        break;
      case llvm::MachO::LC_RPATH:
        start = object.getRpathCommand(command).path;
        break;
      default:
        continue;
    }
    paths.push_back({Name(command.C.cmd), std::string(command.Ptr + start)});
  }
}

}  // namespace

std::string MachOFromYaml(const std::string& yaml) {
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::yaml::Input input(yaml);
  const bool ok = llvm::yaml::convertYAML(
      input, out, [](const llvm::Twine& message) { llvm::errs() << message << '\n'; });
  return ok ? std::string(bytes.begin(), bytes.end()) : std::string();
}

std::vector<LlvmPath> LlvmPaths(const std::string& bytes, std::string& error) {
  std::vector<LlvmPath> paths;
  auto fail = [&](llvm::Error e) { error = llvm::toString(std::move(e)); };
  const llvm::MemoryBufferRef buffer(bytes, "");
  auto binary = llvm::object::createBinary(buffer);
  if (!binary) {
    fail(binary.takeError());
  } else if (const auto* object = llvm::dyn_cast<llvm::object::MachOObjectFile>(binary->get())) {
    AddPaths(*object, paths);
  } else if (const auto* universal =
                 llvm::dyn_cast<llvm::object::MachOUniversalBinary>(binary->get())) {
    for (const auto& slice : universal->objects()) {
      auto part = slice.getAsObjectFile();
      if (part) {
        AddPaths(**part, paths);
      } else {
        fail(part.takeError());
      }
    }
  } else {
    error = "no Mach-O file";
  }
  return paths;
}

}  // namespace lre_audit::elf
