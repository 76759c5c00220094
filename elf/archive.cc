#include "elf/archive.h"

#include <elf.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit::elf {
namespace {

// Own code rather than LLVM's reader: the bounds checks that have to come before an unhardened
// reader already are a reader.
constexpr std::string_view kMagic = "!<arch>\n", kThinMagic = "!<thin>\n";
constexpr uint64_t kHeaderSize = 60;
constexpr uint64_t kMaxMembers = 1 << 20;

// A field of the header: text, padded with spaces.
std::string_view Field(std::string_view header, size_t at, size_t width) {
  std::string_view field = header.substr(at, width);
  while (field.ends_with(' ')) field.remove_suffix(1);
  return field;
}

std::optional<uint64_t> Decimal(std::string_view text) {
  uint64_t value = 0;
  if (!absl::SimpleAtoi(ToAbsl(text), &value)) return std::nullopt;
  return value;
}

uint16_t MachineOf(std::string_view contents) {
  if (!HasElfMagic(contents) || contents.size() < sizeof(Elf32_Ehdr)) return 0;
  const auto low = static_cast<unsigned char>(contents[18]);
  const auto high = static_cast<unsigned char>(contents[19]);
  return contents[EI_DATA] == ELFDATA2MSB ? low << 8 | high : high << 8 | low;
}

class Reader {
 public:
  Reader(std::string_view whole, ArchiveFacts& facts) : whole_(whole), facts_(facts) {}

  void Read() {
    uint64_t at = kMagic.size();
    while (at < whole_.size()) {
      if (facts_.members.size() == kMaxMembers) {
        Add(Defect::Kind::kLimit, at, absl::StrCat("archive: more than ", kMaxMembers, " members"));
        return;
      }
      auto next = ReadMember(at);
      if (!next) return;
      at = *next;
    }
  }

 private:
  void Add(Defect::Kind kind, uint64_t offset, std::string message) {
    facts_.defects.push_back({kind, offset, std::move(message)});
  }

  // Returns where the next header starts, nullopt where that cannot be told.
  std::optional<uint64_t> ReadMember(uint64_t at) {
    const std::string where = absl::StrCat("archive member ", index_++, " at ", Hex(at));
    if (whole_.size() - at < kHeaderSize) {
      Add(Defect::Kind::kMalformed, at,
          absl::StrCat(where, ": header of ", kHeaderSize, " bytes leaves the file of ",
                       Hex(whole_.size()), " bytes"));
      return std::nullopt;
    }
    const std::string_view header = whole_.substr(at, kHeaderSize);
    const auto size = Decimal(Field(header, 48, 10));
    if (header.substr(58) != "`\n" || !size) {
      Add(Defect::Kind::kMalformed, at,
          absl::StrCat(where, ": expected a decimal size and the end mark `\\n, found ",
                       Escaped(header.substr(48))));
      return std::nullopt;
    }
    const std::string_view name = Field(header, 0, 16);
    const bool is_table = name == "/" || name == "//" || name == "/SYM64/";
    const bool is_elsewhere = facts_.is_thin && !is_table;
    const uint64_t contents_at = at + kHeaderSize;
    if (!is_elsewhere && *size > whole_.size() - contents_at) {
      Add(Defect::Kind::kMalformed, at,
          absl::StrCat(where, ": size ", Hex(*size), " leaves the file of ", Hex(whole_.size()),
                       " bytes"));
      return std::nullopt;
    }
    const std::string_view contents =
        is_elsewhere ? std::string_view() : whole_.substr(contents_at, *size);
    if (name == "//") {
      long_names_ = contents;
    } else if (!is_table && !name.starts_with("__.SYMDEF")) {
      AddMember(where, name, contents_at, *size, contents);
    }
    const uint64_t end = contents_at + contents.size();
    return end + end % 2;  // members start at even offsets
  }

  void AddMember(const std::string& where, std::string_view name, uint64_t at, uint64_t size,
                 std::string_view contents) {
    ArchiveMember member{"", at, size, 0};
    if (name.starts_with("#1/")) {
      // BSD: the name comes first in the contents.
      const auto length = Decimal(name.substr(3));
      if (!length || *length > contents.size()) {
        Add(Defect::Kind::kMalformed, at,
            absl::StrCat(where, ": name ", Escaped(name), " leaves the contents of ", Hex(size),
                         " bytes"));
        return;
      }
      const std::string_view text = contents.substr(0, *length);
      member.name = std::string(text.substr(0, text.find('\0')));
      if (member.name.starts_with("__.SYMDEF")) return;
      contents.remove_prefix(*length);
      member.offset += *length;
      member.size -= *length;
    } else if (name.size() > 1 && name[0] == '/') {
      // GNU: an offset into the table of long names, each ending in "/\n".
      const auto offset = Decimal(name.substr(1));
      if (!offset || *offset >= long_names_.size()) {
        Add(Defect::Kind::kMalformed, at,
            absl::StrCat(where, ": name ", Escaped(name), " leaves the table of ",
                         Hex(long_names_.size()), " bytes"));
        return;
      }
      std::string_view text = long_names_.substr(*offset);
      text = text.substr(0, std::min(text.find('\n'), size_t{4096}));
      if (text.ends_with('/')) text.remove_suffix(1);
      member.name = std::string(text);
    } else {
      member.name = std::string(name.substr(0, name.find('/')));
    }
    member.machine = MachineOf(contents);
    facts_.members.push_back(std::move(member));
  }

  std::string_view whole_;
  ArchiveFacts& facts_;
  std::string_view long_names_;
  uint64_t index_ = 0;
};

}  // namespace

bool HasArchiveMagic(std::string_view head) {
  return head.starts_with(kMagic) || head.starts_with(kThinMagic);
}

ArchiveFacts ReadArchive(std::string_view whole) {
  ArchiveFacts facts;
  if (whole.empty()) {
    facts.defects.push_back({Defect::Kind::kLimit, 0, "archive: too large to be kept in memory"});
  } else if (!HasArchiveMagic(whole)) {
    facts.defects.push_back({Defect::Kind::kMalformed, 0,
                             absl::StrCat("archive: expected magic !<arch> or !<thin>, found ",
                                          Escaped(whole.substr(0, kMagic.size())))});
  } else {
    facts.is_thin = whole.starts_with(kThinMagic);
    Reader(whole, facts).Read();
  }
  return facts;
}

}  // namespace lre_audit::elf
