// Internal to elf/: the bounds-checked walker that the readers of an Object share. It knows the
// file's class and byte order, its program headers, and how an address becomes a file offset.
#ifndef LRE_AUDIT_ELF_IMAGE_H_
#define LRE_AUDIT_ELF_IMAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "elf/bytes.h"
#include "elf/object.h"

namespace lre_audit::elf {

// Bounds on what one object may make us do, each far above anything real. The first three are
// those of file(1).
inline constexpr uint64_t kMaxProgramHeaders = 2048;
inline constexpr uint64_t kMaxSections = 32768;
inline constexpr uint64_t kMaxNotes = 256;
inline constexpr uint64_t kMaxDynamicEntries = 65536;
inline constexpr uint64_t kMaxVersions = 65536;
inline constexpr uint64_t kMaxNoteBytes = 1 << 20;
inline constexpr uint64_t kMaxStringBytes = 1 << 20;    // of one string
inline constexpr uint64_t kMaxStringBudget = 16 << 20;  // of all strings of one object
inline constexpr uint64_t kMaxDefects = 64;

struct Segment {
  uint32_t type = 0;
  uint64_t offset = 0, address = 0, file_size = 0, memory_size = 0, align = 0;
};

// A table of strings in the file: DT_STRTAB with DT_STRSZ, or a section.
struct StringTable {
  std::string name;  // for messages
  uint64_t offset = 0, size = 0;
  std::optional<uint64_t> address;  // where the loader has it: each string is looked up by address
};

class Image {
 public:
  Image(const Bytes& file, Object& result) : bytes(file), object(result) {}

  const Bytes& bytes;
  Object& object;  // receives what is read, and the defects
  std::vector<Segment> segments;
  uint64_t section_offset = 0, section_count = 0, section_name_index = 0;  // e_shoff, ...

  // Fields of a structure that Read() returned: `at` is inside it.
  uint64_t Unsigned(std::string_view structure, size_t at, size_t width) const;
  uint16_t U16(std::string_view s, size_t at) const { return Unsigned(s, at, 2); }
  uint32_t U32(std::string_view s, size_t at) const { return Unsigned(s, at, 4); }
  uint64_t U64(std::string_view s, size_t at) const { return Unsigned(s, at, 8); }
  // An Elf32_Word or Elf64_Xword, at its place in either class.
  uint64_t Word(std::string_view s, size_t at_32, size_t at_64) const {
    return object.is_64 ? U64(s, at_64) : U32(s, at_32);
  }

  // The bytes, or nullopt and a defect that starts with `structure`.
  std::optional<std::string_view> Read(uint64_t offset, uint64_t length,
                                       std::string_view structure);
  void Malformed(uint64_t offset, std::string message);
  void Limit(uint64_t offset, std::string message);

  // Where the loader finds `address` in the file: pages of PT_LOAD, a later one over an earlier.
  std::optional<uint64_t> FileOffset(uint64_t address) const;
  // As Read, but at an address.
  std::optional<std::string_view> ReadMapped(uint64_t address, uint64_t length,
                                             std::string_view structure);

  // The NUL-terminated string at `index` of `table`. A string that leaves the table is a defect but
  // is read on, as the loader does, which never looks at DT_STRSZ.
  std::optional<Text> String(const StringTable& table, uint64_t index, std::string_view what);

 private:
  void Add(Defect::Kind kind, uint64_t offset, std::string message);
  uint64_t string_budget_ = kMaxStringBudget;
};

// What PT_DYNAMIC says beyond what goes into the Object.
struct DynamicInfo {
  std::optional<StringTable> strings;
  std::optional<uint64_t> verneed, verdef;  // addresses
  uint64_t verneed_count = 0, verdef_count = 0;
};

// The readers, in the order in which ReadObject calls them.
bool ReadHeader(Image& image);                                       // header.cc
void ReadProgramHeaders(Image& image);                               // header.cc
void ReadRefusal(Image& image);                                      // refusal.cc
void ReadInterpreter(Image& image);                                  // dynamic.cc
DynamicInfo ReadDynamic(Image& image);                               // dynamic.cc
void ReadVersions(Image& image, const DynamicInfo& dynamic);         // versions.cc
void ReadNotes(Image& image);                                        // notes.cc
void CompareWithSections(Image& image, const DynamicInfo& dynamic);  // sections_view.cc
void ReadLoaderDefaults(Image& image);                               // loader_defaults.cc

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_ELF_IMAGE_H_
