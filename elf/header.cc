// The ELF header and the program headers: gABI chapters 4 and 5.
#include <elf.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "elf/image.h"

namespace lre_audit::elf {

bool HasElfMagic(std::string_view head) { return head.substr(0, SELFMAG) == "\177ELF"; }

bool ReadHeader(Image& image) {
  Object& object = image.object;
  auto ident = image.Read(0, EI_NIDENT, "ELF identification");
  if (!ident) return false;
  if (!HasElfMagic(*ident)) {
    image.Malformed(0, absl::StrCat("ELF identification: expected magic \\x7fELF, found ",
                                    Escaped(ident->substr(0, SELFMAG))));
    return false;
  }
  const auto file_class = static_cast<unsigned char>((*ident)[EI_CLASS]);
  const auto encoding = static_cast<unsigned char>((*ident)[EI_DATA]);
  if (file_class != ELFCLASS32 && file_class != ELFCLASS64) {
    image.Malformed(EI_CLASS, absl::StrCat("ELF identification: class ", int{file_class},
                                           ", expected 1 (32-bit) or 2 (64-bit)"));
    return false;
  }
  object.is_64 = file_class == ELFCLASS64;
  if (encoding != ELFDATA2LSB && encoding != ELFDATA2MSB) {
    image.Malformed(EI_DATA, absl::StrCat("ELF identification: data encoding ", int{encoding},
                                          ", expected 1 (little-endian) or 2 (big-endian)"));
    return false;
  }
  object.is_little_endian = encoding == ELFDATA2LSB;
  object.osabi = (*ident)[EI_OSABI];
  auto header = image.Read(0, object.is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr), "ELF header");
  if (!header) return false;
  object.type = image.U16(*header, 16);
  object.machine = image.U16(*header, 18);
  image.section_offset = image.Word(*header, 32, 40);
  image.section_count = image.U16(*header, object.is_64 ? 60 : 48);
  image.section_name_index = image.U16(*header, object.is_64 ? 62 : 50);
  return true;
}

namespace {

// e_phnum, or with PN_XNUM sh_info of section 0.
uint64_t ProgramHeaderCount(Image& image, std::string_view header) {
  const bool is_64 = image.object.is_64;
  const uint64_t count = image.U16(header, is_64 ? 56 : 44);
  if (count != PN_XNUM) return count;
  auto section = image.Read(image.section_offset, is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr),
                            "section header 0 (e_phnum is PN_XNUM)");
  return section ? image.U32(*section, is_64 ? 44 : 28) : 0;
}

}  // namespace

void ReadProgramHeaders(Image& image) {
  const bool is_64 = image.object.is_64;
  const uint64_t entry_size = is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
  auto header = image.Read(0, is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr), "ELF header");
  if (!header) return;
  const uint64_t table = image.Word(*header, 28, 32);
  const uint64_t declared_size = image.U16(*header, is_64 ? 54 : 42);
  uint64_t count = ProgramHeaderCount(image, *header);
  if (count == 0) return;
  if (declared_size != entry_size) {
    image.Malformed(is_64 ? 54 : 42, absl::StrCat("ELF header: e_phentsize ", declared_size,
                                                  ", expected ", entry_size));
    return;
  }
  if (count > kMaxProgramHeaders) {
    image.Limit(is_64 ? 56 : 44,
                absl::StrCat("ELF header: e_phnum ", count, ", of which the first ",
                             kMaxProgramHeaders, " are read"));
    count = kMaxProgramHeaders;
  }
  image.segments.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    if (table > image.bytes.size()) {
      image.Malformed(is_64 ? 32 : 28,
                      absl::StrCat("ELF header: e_phoff ", Hex(table), " leaves the file of ",
                                   Hex(image.bytes.size()), " bytes"));
      return;
    }
    const uint64_t at = table + i * entry_size;
    auto entry = image.Read(at, entry_size, absl::StrCat("program header ", i));
    if (!entry) return;
    Segment segment;
    segment.type = image.U32(*entry, 0);
    segment.offset = image.Word(*entry, 4, 8);
    segment.address = image.Word(*entry, 8, 16);
    segment.file_size = image.Word(*entry, 16, 32);
    segment.memory_size = image.Word(*entry, 20, 40);
    segment.align = image.Word(*entry, 28, 48);
    if (segment.type == PT_LOAD && segment.file_size != 0 &&
        (segment.offset > image.bytes.size() ||
         segment.file_size > image.bytes.size() - segment.offset)) {
      image.Malformed(
          at, absl::StrCat("program header ", i, ": PT_LOAD p_offset ", Hex(segment.offset),
                           " with p_filesz ", Hex(segment.file_size), " leaves the file of ",
                           Hex(image.bytes.size()), " bytes"));
    }
    image.segments.push_back(segment);
  }
}

}  // namespace lre_audit::elf
