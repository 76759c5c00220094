// Writes small ELF objects into memory, well-formed or not, so that tests can state an object in
// one line: any class, byte order and machine, with what the dynamic loader reads of it.
#ifndef LRE_AUDIT_TESTS_ELF_ELF_BUILDER_H_
#define LRE_AUDIT_TESTS_ELF_ELF_BUILDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lre_audit::elf {

struct ElfSpec {
  struct Need {  // a DT_VERNEED entry
    std::string library, version;
    bool weak = false;
  };
  struct Note {
    std::string owner;
    uint32_t type = 0;
    std::string descriptor;
  };
  bool is_64 = true;
  bool is_little_endian = true;
  uint16_t type = 3;      // ET_DYN
  uint16_t machine = 62;  // EM_X86_64
  uint8_t osabi = 0;
  std::optional<std::string> interpreter, soname, rpath, runpath;
  std::vector<std::string> needed;
  std::vector<std::pair<uint64_t, std::string>> more_strings;  // further tags that name a string
  std::vector<std::pair<uint64_t, uint64_t>> more_tags;        // further tags with a number
  std::vector<Need> version_needs;
  std::vector<std::string> version_definitions;
  std::vector<Note> notes;
  std::string rodata;     // further bytes of the loaded segment
  bool sections = false;  // .interp, .dynamic and .dynstr with a section header table
};

// The parts of a built object that tests damage: file offsets, 0 where there is none.
struct ElfLayout {
  std::string bytes;
  uint64_t program_headers = 0, dynamic_header = 0;  // PT_DYNAMIC's program header
  uint64_t dynamic = 0, strings = 0, strings_size = 0;
  uint64_t section_headers = 0, dynamic_section = 0;  // the section header of .dynamic
};

ElfLayout BuildElf(const ElfSpec& spec);

// The descriptor of the note NixOS/0x63a86cb6 for (needed, "=/path:?/directory") pairs.
std::string LdCacheDescriptor(const std::vector<std::pair<std::string, std::string>>& entries);

// `value` at `offset` of `bytes`, `width` bytes in the given order.
void PutNumber(std::string& bytes, uint64_t offset, uint64_t value, int width, bool little_endian);

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_TESTS_ELF_ELF_BUILDER_H_
