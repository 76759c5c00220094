#include "elf/line_tables.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace lre_audit::elf {
namespace {

constexpr size_t kMaxTables = 4096;  // directories repeat: more tables say nothing new

// DWARF 5, section 7.5.6: the forms that a directory may have.
enum Form : uint64_t {
  kData2 = 0x05,
  kData4 = 0x06,
  kData8 = 0x07,
  kString = 0x08,
  kBlock = 0x09,
  kData1 = 0x0b,
  kStrp = 0x0e,
  kUdata = 0x0f,
  kData16 = 0x1e,
  kLineStrp = 0x1f
};
constexpr uint64_t kLnctPath = 1;

// Reads from the front of `bytes`; once something is missing everything is zero and ok is false.
struct Cursor {
  std::string_view bytes;
  bool is_little_endian = true;
  bool ok = true;

  std::string_view Take(uint64_t size) {
    if (!ok || size > bytes.size()) {
      ok = false;
      return {};
    }
    const std::string_view taken = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return taken;
  }
  uint64_t Number(size_t width) {
    const std::string_view raw = Take(width);
    uint64_t value = 0;
    for (size_t i = 0; i < raw.size(); ++i) {
      const size_t place = is_little_endian ? raw.size() - 1 - i : i;
      value = value << 8 | static_cast<unsigned char>(raw[place]);
    }
    return value;
  }
  uint64_t Uleb() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint64_t byte = Number(1);
      value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok = false;
    return 0;
  }
  std::string_view String() {
    const size_t end = bytes.find('\0');
    if (end == std::string_view::npos) {
      ok = false;
      return {};
    }
    const std::string_view text = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    return text;
  }
};

class Table {
 public:
  Table(const LineSections& sections, Cursor cursor, size_t offset_size)
      : sections_(sections), cursor_(cursor), offset_size_(offset_size) {}

  // False once `each` has had enough.
  bool Read(const std::function<bool(std::string_view)>& each) {
    const uint64_t version = cursor_.Number(2);
    if (version < 2 || version > 5) return true;
    if (version == 5) cursor_.Take(2);  // address_size, segment_selector_size
    cursor_.Number(offset_size_);       // header_length
    // minimum_instruction_length, maximum_operations (since 4), default_is_stmt, line_base,
    // line_range
    cursor_.Take(version >= 4 ? 5 : 4);
    const uint64_t opcode_base = cursor_.Number(1);
    cursor_.Take(opcode_base == 0 ? 0 : opcode_base - 1);
    return version == 5 ? ReadFormatted(each) : ReadStrings(each);
  }

 private:
  bool ReadStrings(const std::function<bool(std::string_view)>& each) {
    while (true) {
      const std::string_view directory = cursor_.String();
      if (!cursor_.ok || directory.empty()) return true;
      if (!each(directory)) return false;
    }
  }

  bool ReadFormatted(const std::function<bool(std::string_view)>& each) {
    std::vector<std::pair<uint64_t, uint64_t>> format(cursor_.Number(1));
    for (auto& [type, form] : format) {
      type = cursor_.Uleb();
      form = cursor_.Uleb();
    }
    const uint64_t count = cursor_.Uleb();
    // Every entry takes at least a byte, so the bytes at hand bound the loop, whatever `count`
    // says.
    for (uint64_t i = 0; i < count && cursor_.ok && !cursor_.bytes.empty(); ++i) {
      if (format.empty()) return true;
      for (const auto& [type, form] : format) {
        const std::string_view text = Value(form);
        if (cursor_.ok && type == kLnctPath && !each(text)) return false;
      }
    }
    return true;
  }

  std::string_view StringAt(std::string_view strings) {
    const uint64_t offset = cursor_.Number(offset_size_);
    if (offset >= strings.size()) return {};
    const std::string_view text = strings.substr(offset);
    return text.substr(0, text.find('\0'));
  }

  // Of a form that is no string: empty.
  std::string_view Value(uint64_t form) {
    switch (form) {
      case kString:
        return cursor_.String();
      case kLineStrp:
        return StringAt(sections_.line_strings);
      case kStrp:
        return StringAt(sections_.strings);
      case kUdata:
        cursor_.Uleb();
        return {};
      case kData1:
        cursor_.Take(1);
        return {};
      case kData2:
        cursor_.Take(2);
        return {};
      case kData4:
        cursor_.Take(4);
        return {};
      case kData8:
        cursor_.Take(8);
        return {};
      case kData16:
        cursor_.Take(16);
        return {};
      case kBlock:
        cursor_.Take(cursor_.Uleb());
        return {};
      default:
        cursor_.ok = false;
        return {};
    }
  }

  const LineSections& sections_;
  Cursor cursor_;
  size_t offset_size_;
};

}  // namespace

void ForEachLineDirectory(const LineSections& sections,
                          const std::function<bool(std::string_view)>& each) {
  Cursor section{sections.line, sections.is_little_endian};
  for (size_t i = 0; i < kMaxTables && !section.bytes.empty(); ++i) {
    size_t offset_size = 4;
    uint64_t length = section.Number(4);
    if (length == 0xffffffff) {
      offset_size = 8;
      length = section.Number(8);
    }
    const Cursor table{section.Take(length), sections.is_little_endian};
    if (!section.ok || !Table(sections, table, offset_size).Read(each)) return;
  }
}

}  // namespace lre_audit::elf
