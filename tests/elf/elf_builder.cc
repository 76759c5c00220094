#include "tests/elf/elf_builder.h"

#include <elf.h>

#include <string_view>

namespace lre_audit::elf {
namespace {

// Appends numbers of the spec's class and byte order.
class Writer {
 public:
  explicit Writer(const ElfSpec& spec) : spec_(spec) {}

  std::string bytes;

  void Number(uint64_t value, int width) {
    bytes.resize(bytes.size() + width);
    PutNumber(bytes, bytes.size() - width, value, width, spec_.is_little_endian);
  }
  void Half(uint64_t value) { Number(value, 2); }
  void Word(uint64_t value) { Number(value, 4); }
  void Address(uint64_t value) { Number(value, spec_.is_64 ? 8 : 4); }
  void Align(size_t to) { bytes.resize((bytes.size() + to - 1) / to * to); }
  uint64_t at() const { return bytes.size(); }

 private:
  const ElfSpec& spec_;
};

// A string table under construction.
class Strings {
 public:
  uint64_t Add(const std::string& text) {
    const uint64_t at = bytes.size();
    bytes += text;
    bytes.push_back('\0');
    return at;
  }
  std::string bytes = std::string(1, '\0');
};

void WriteHeader(Writer& out, const ElfSpec& spec, uint64_t phnum, uint64_t shoff, uint64_t shnum) {
  const bool is_64 = spec.is_64;
  out.bytes = "\177ELF";
  out.Number(is_64 ? ELFCLASS64 : ELFCLASS32, 1);
  out.Number(spec.is_little_endian ? ELFDATA2LSB : ELFDATA2MSB, 1);
  out.Number(EV_CURRENT, 1);
  out.Number(spec.osabi, 1);
  out.bytes.resize(EI_NIDENT);
  out.Half(spec.type);
  out.Half(spec.machine);
  out.Word(EV_CURRENT);
  out.Address(0);
  out.Address(is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
  out.Address(shoff);
  out.Word(0);
  out.Half(is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
  out.Half(is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
  out.Half(phnum);
  out.Half(is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
  out.Half(shnum);
  out.Half(shnum == 0 ? 0 : shnum - 1);
}

struct Part {
  uint32_t type = 0;
  uint64_t offset = 0, size = 0, align = 1;
};

void WriteProgramHeader(Writer& out, const ElfSpec& spec, const Part& part) {
  out.Word(part.type);
  if (spec.is_64) out.Word(PF_R);
  out.Address(part.offset);
  out.Address(part.offset);  // addresses equal offsets
  out.Address(part.offset);
  out.Address(part.size);
  out.Address(part.size);
  if (!spec.is_64) out.Word(PF_R);
  out.Address(part.align);
}

void WriteSection(Writer& out, uint64_t name, uint64_t type, const Part& part, uint64_t link) {
  out.Word(name);
  out.Word(type);
  out.Address(SHF_ALLOC);
  out.Address(part.offset);
  out.Address(part.offset);
  out.Address(part.size);
  out.Word(link);
  out.Word(0);
  out.Address(1);
  out.Address(0);
}

Part WriteNotes(Writer& out, const ElfSpec& spec) {
  out.Align(8);
  const uint64_t start = out.at();
  for (const ElfSpec::Note& note : spec.notes) {
    out.Word(note.owner.size() + 1);
    out.Word(note.descriptor.size());
    out.Word(note.type);
    out.bytes += note.owner;
    out.bytes.push_back('\0');
    out.Align(4);
    out.bytes += note.descriptor;
    out.Align(4);
  }
  return {PT_NOTE, start, out.at() - start, 4};
}

uint64_t WriteVersionNeeds(Writer& out, const ElfSpec& spec, Strings& strings) {
  out.Align(8);
  const uint64_t start = out.at();
  for (size_t i = 0; i < spec.version_needs.size(); ++i) {
    const ElfSpec::Need& need = spec.version_needs[i];
    const bool is_last = i + 1 == spec.version_needs.size();
    out.Half(1);
    out.Half(1);
    out.Word(strings.Add(need.library));
    out.Word(sizeof(Elf64_Verneed));
    out.Word(is_last ? 0 : sizeof(Elf64_Verneed) + sizeof(Elf64_Vernaux));
    out.Word(0);
    out.Half(need.weak ? VER_FLG_WEAK : 0);
    out.Half(2 + i);
    out.Word(strings.Add(need.version));
    out.Word(0);
  }
  return start;
}

uint64_t WriteVersionDefinitions(Writer& out, const ElfSpec& spec, Strings& strings) {
  out.Align(8);
  const uint64_t start = out.at();
  for (size_t i = 0; i < spec.version_definitions.size(); ++i) {
    const bool is_last = i + 1 == spec.version_definitions.size();
    out.Half(1);
    out.Half(i == 0 ? VER_FLG_BASE : 0);
    out.Half(1 + i);
    out.Half(1);
    out.Word(0);
    out.Word(sizeof(Elf64_Verdef));
    out.Word(is_last ? 0 : sizeof(Elf64_Verdef) + sizeof(Elf64_Verdaux));
    out.Word(strings.Add(spec.version_definitions[i]));
    out.Word(0);
  }
  return start;
}

}  // namespace

void PutNumber(std::string& bytes, uint64_t offset, uint64_t value, int width, bool little_endian) {
  for (int i = 0; i < width; ++i) {
    const int shift = 8 * (little_endian ? i : width - 1 - i);
    bytes.at(offset + i) = static_cast<char>(value >> shift);
  }
}

ElfLayout BuildElf(const ElfSpec& spec) {
  ElfLayout layout;
  const uint64_t header_size = spec.is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
  const uint64_t phdr_size = spec.is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
  const uint64_t phnum = 2 + (spec.interpreter ? 1 : 0) + (spec.notes.empty() ? 0 : 1);
  layout.program_headers = header_size;
  Writer out(spec);
  out.bytes.resize(header_size + phnum * phdr_size);

  Part interp{PT_INTERP, out.at(), 0, 1};
  if (spec.interpreter) {
    out.bytes += *spec.interpreter;
    out.bytes.push_back('\0');
    interp.size = out.at() - interp.offset;
  }
  const Part notes = WriteNotes(out, spec);
  out.bytes += spec.rodata;
  Strings strings;
  const uint64_t verneed = WriteVersionNeeds(out, spec, strings);
  const uint64_t verdef = WriteVersionDefinitions(out, spec, strings);

  std::vector<std::pair<uint64_t, uint64_t>> tags;
  for (const std::string& name : spec.needed) tags.push_back({DT_NEEDED, strings.Add(name)});
  if (spec.soname) tags.push_back({DT_SONAME, strings.Add(*spec.soname)});
  if (spec.rpath) tags.push_back({DT_RPATH, strings.Add(*spec.rpath)});
  if (spec.runpath) tags.push_back({DT_RUNPATH, strings.Add(*spec.runpath)});
  for (const auto& [tag, text] : spec.more_strings) tags.push_back({tag, strings.Add(text)});
  tags.insert(tags.end(), spec.more_tags.begin(), spec.more_tags.end());
  if (!spec.version_needs.empty()) {
    tags.push_back({DT_VERNEED, verneed});
    tags.push_back({DT_VERNEEDNUM, spec.version_needs.size()});
  }
  if (!spec.version_definitions.empty()) {
    tags.push_back({DT_VERDEF, verdef});
    tags.push_back({DT_VERDEFNUM, spec.version_definitions.size()});
  }
  // Nobody here reads the versions of single symbols.
  if (!spec.version_needs.empty() || !spec.version_definitions.empty()) {
    tags.push_back({DT_VERSYM, 0});
  }
  layout.strings = out.at();
  layout.strings_size = strings.bytes.size();
  out.bytes += strings.bytes;
  tags.push_back({DT_STRTAB, layout.strings});
  tags.push_back({DT_STRSZ, layout.strings_size});
  tags.push_back({DT_NULL, 0});
  out.Align(8);
  layout.dynamic = out.at();
  for (const auto& [tag, value] : tags) {
    out.Address(tag);
    out.Address(value);
  }
  const Part dynamic{PT_DYNAMIC, layout.dynamic, out.at() - layout.dynamic, 8};
  const uint64_t loaded = out.at();

  uint64_t shnum = 0;
  if (spec.sections) {
    const std::string names("\0.interp\0.dynamic\0.dynstr\0.shstrtab\0", 36);
    const Part name_table{0, out.at(), names.size(), 1};
    out.bytes += names;
    out.Align(8);
    layout.section_headers = out.at();
    WriteSection(out, 0, SHT_NULL, {}, 0);
    WriteSection(out, 1, spec.interpreter ? SHT_PROGBITS : SHT_NOBITS, interp, 0);
    layout.dynamic_section = out.at();
    WriteSection(out, 9, SHT_DYNAMIC, dynamic, 3);
    WriteSection(out, 18, SHT_STRTAB, {0, layout.strings, layout.strings_size, 1}, 0);
    WriteSection(out, 26, SHT_STRTAB, name_table, 0);
    shnum = 5;
  }

  Writer head(spec);
  WriteHeader(head, spec, phnum, layout.section_headers, shnum);
  if (spec.interpreter) WriteProgramHeader(head, spec, interp);
  WriteProgramHeader(head, spec, {PT_LOAD, 0, loaded, 4096});
  if (!spec.notes.empty()) WriteProgramHeader(head, spec, notes);
  layout.dynamic_header = head.at();
  WriteProgramHeader(head, spec, dynamic);
  out.bytes.replace(0, head.bytes.size(), head.bytes);
  layout.bytes = std::move(out.bytes);
  return layout;
}

std::string LdCacheDescriptor(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string descriptor;
  for (const auto& [name, list] : entries) {
    descriptor += name;
    descriptor.push_back('\0');
    descriptor += list;
    descriptor.push_back('\0');
  }
  descriptor.push_back('\0');
  return descriptor;
}

}  // namespace lre_audit::elf
