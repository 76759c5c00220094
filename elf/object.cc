#include "elf/object.h"

#include <elf.h>

#include "absl/strings/str_cat.h"
#include "elf/image.h"

namespace lre_audit::elf {

bool Object::IsPie() const { return type == ET_DYN && (flags_1 & DF_1_PIE) != 0; }

bool Object::NoDefaultLibraries() const { return (flags_1 & DF_1_NODEFLIB) != 0; }

Object ReadObject(const Bytes& bytes) {
  Object object;
  Image image(bytes, object);
  const bool has_header = ReadHeader(image);
  if (has_header) ReadProgramHeaders(image);
  ReadRefusal(image);
  if (!has_header) return object;
  ReadInterpreter(image);
  const DynamicInfo dynamic = ReadDynamic(image);
  ReadVersions(image, dynamic);
  ReadNotes(image);
  CompareWithSections(image, dynamic);
  ReadLoaderDefaults(image);
  return object;
}

std::string MachineName(uint16_t machine) {
  switch (machine) {
    case EM_386:
      return "80386";
    case EM_ARM:
      return "ARM";
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "AArch64";
    case EM_RISCV:
      return "RISC-V";
    case EM_PPC:
      return "PowerPC";
    case EM_PPC64:
      return "PowerPC64";
    case EM_S390:
      return "S/390";
    case EM_MIPS:
      return "MIPS";
    case EM_SPARCV9:
      return "SPARC V9";
    case EM_LOONGARCH:
      return "LoongArch";
    case EM_BPF:
      return "BPF";
    case EM_NONE:
      return "no machine";
    default:
      return absl::StrCat("machine ", machine);
  }
}

}  // namespace lre_audit::elf
