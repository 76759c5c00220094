// Whether the loaders take the object as a library: glibc's elf/dl-load.c (open_verify, then
// _dl_map_object_from_fd) and musl's ldso/dynlink.c (map_library), as far as headers decide it.
#include <elf.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "elf/image.h"

namespace lre_audit::elf {
namespace {

constexpr uint64_t kPage = 4096;  // the smallest of any Linux: what it forbids, all forbid

// The first check of open_verify that the identification and e_version fail; these come before
// e_machine is looked at. The OS ABI is compared where the loader is known. musl reads none of it.
std::string RefusedIdentification(const Image& image, std::string_view header) {
  const Object& object = image.object;
  const auto at = [&](size_t i) { return static_cast<unsigned char>(header[i]); };
  if (at(EI_DATA) != ELFDATA2LSB && at(EI_DATA) != ELFDATA2MSB) return "ELF data encoding invalid";
  if (at(EI_VERSION) != EV_CURRENT) return "ELF file version ident does not match current one";
  // With ELFOSABI_GNU each version of glibc has its own highest ABI version, and MIPS has others.
  if (at(EI_ABIVERSION) != 0 && object.osabi == ELFOSABI_SYSV && object.machine != EM_MIPS) {
    return "ELF file ABI version invalid";
  }
  if (std::any_of(header.begin() + EI_PAD, header.begin() + EI_NIDENT,
                  [](char byte) { return byte != 0; })) {
    return "nonzero padding in e_ident";
  }
  if (image.U32(header, 20) != EV_CURRENT) return "ELF file version does not match current one";
  return {};
}

void ReadSegmentsRefusal(const Image& image, Refusal& refusal) {
  const auto both = [&](std::string why) {
    if (refusal.glibc.empty()) refusal.glibc = why;
    if (refusal.musl.empty()) refusal.musl = std::move(why);
  };
  bool has_load = false, has_dynamic = false, is_dynamic_empty = false;
  for (const Segment& segment : image.segments) {
    if (segment.type == PT_DYNAMIC) {
      has_dynamic = true;
      is_dynamic_empty |= segment.file_size == 0;
    }
    if (segment.type != PT_LOAD) continue;
    has_load = true;
    if ((segment.address - segment.offset) % kPage != 0 && refusal.glibc.empty()) {
      refusal.glibc = "ELF load command address/offset not page-aligned";
    }
  }
  if (!has_load) both("object file has no loadable segments");
  if (image.object.type == ET_EXEC && refusal.glibc.empty()) {
    refusal.glibc = "cannot dynamically load executable";
  }
  if (!has_dynamic) both("object file has no dynamic section");
  // Separate debug information.
  if (is_dynamic_empty && refusal.glibc.empty()) {
    refusal.glibc = "object file has no dynamic section";
  }
  // Both map what is not there, and die of SIGBUS. The rest of the last page reads as zeros.
  const uint64_t size = image.bytes.size();
  const uint64_t mapped = (size + kPage - 1) / kPage * kPage;
  for (const Segment& segment : image.segments) {
    if (segment.type != PT_LOAD || segment.file_size == 0) continue;
    if (segment.offset <= mapped && segment.file_size <= mapped - segment.offset) continue;
    both(absl::StrCat("PT_LOAD at ", Hex(segment.offset), " with ", Hex(segment.file_size),
                      " bytes leaves the file of ", Hex(size), " bytes"));
    return;
  }
}

}  // namespace

void ReadRefusal(Image& image) {
  Object& object = image.object;
  Refusal& refusal = object.refusal;
  const uint64_t size = image.bytes.size();
  // A 32-bit header is shorter, but nothing that can be loaded fits between the two sizes.
  if (size < sizeof(Elf64_Ehdr)) {
    refusal = {"file too short", "file too short", /*before_class=*/true, /*before_machine=*/true};
    return;
  }
  const auto read = image.bytes.Read(0, sizeof(Elf64_Ehdr));
  if (!read.ok()) return;
  const std::string_view header = *read;
  refusal.glibc = RefusedIdentification(image, header);
  if (!refusal.glibc.empty()) {
    refusal.before_machine = true;
    // No word of such a file can be read.
    const auto encoding = static_cast<unsigned char>(header[EI_DATA]);
    if (encoding != ELFDATA2LSB && encoding != ELFDATA2MSB) {
      refusal.musl = refusal.glibc;
      return;
    }
  }
  const auto both = [&](std::string why) {
    if (refusal.glibc.empty()) refusal.glibc = why;
    refusal.musl = std::move(why);
  };
  if (object.type != ET_DYN && object.type != ET_EXEC) {
    return both("only ET_DYN and ET_EXEC can be loaded");
  }
  const uint64_t entry_size = object.is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
  // musl steps by any size, but finds no PT_DYNAMIC by a wrong one.
  if (image.U16(header, object.is_64 ? 54 : 42) != entry_size) {
    return both("ELF file's phentsize not the expected size");
  }
  const uint64_t table = image.Word(header, 28, 32);
  const uint64_t count = image.U16(header, object.is_64 ? 56 : 44);
  if (table > size || count * entry_size > size - table) {
    return both("cannot read file data: the program headers leave the file");
  }
  // What is held of a very large object, or is within our limits, need not be all.
  if (image.segments.size() == count) ReadSegmentsRefusal(image, refusal);
}

}  // namespace lre_audit::elf
