#include "elf/macho.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "elf/archive.h"
#include "elf/image.h"

namespace lre_audit::elf {
namespace {

// Own code rather than LLVM's MachOObjectFile, which stops at the first malformed command and is
// not hardened: the checks that have to come before it already are this walk.

// Magics as the file has them when read in big-endian order.
constexpr uint32_t kMagic32 = 0xfeedface, kMagic64 = 0xfeedfacf;
constexpr uint32_t kSwapped32 = 0xcefaedfe, kSwapped64 = 0xcffaedfe;
constexpr uint32_t kFat32 = 0xcafebabe, kFat64 = 0xcafebabf;
// A Java class file has its version where a universal file counts its architectures, and no
// compiler ever wrote one below 45. No universal file has had more than ten.
constexpr uint32_t kMaxArchitectures = 39;
// LLVM writes bitcode as an architecture of its own: bare, and in its wrapper.
constexpr std::string_view kBitcode = "BC\xc0\xde", kBitcodeWrapper = "\xde\xc0\x17\x0b";

constexpr uint64_t kMaxPaths = 65536;

enum class Layout { kString, kSegment32, kSegment64, kSymbols };

struct CommandKind {
  uint32_t number;
  const char* name;
  Layout layout;
  uint32_t size;  // of the fixed part
};

constexpr CommandKind kCommands[] = {
    {0x01, "LC_SEGMENT", Layout::kSegment32, 56},
    {0x02, "LC_SYMTAB", Layout::kSymbols, 24},
    {0x0c, "LC_LOAD_DYLIB", Layout::kString, 24},
    {0x0d, "LC_ID_DYLIB", Layout::kString, 24},
    {0x0e, "LC_LOAD_DYLINKER", Layout::kString, 12},
    {0x0f, "LC_ID_DYLINKER", Layout::kString, 12},
    {0x80000018, "LC_LOAD_WEAK_DYLIB", Layout::kString, 24},
    {0x19, "LC_SEGMENT_64", Layout::kSegment64, 72},
    {0x8000001c, "LC_RPATH", Layout::kString, 12},
    {0x8000001f, "LC_REEXPORT_DYLIB", Layout::kString, 24},
    {0x20, "LC_LAZY_LOAD_DYLIB", Layout::kString, 24},
    {0x80000023, "LC_LOAD_UPWARD_DYLIB", Layout::kString, 24},
    {0x27, "LC_DYLD_ENVIRONMENT", Layout::kString, 12},
};

uint64_t Unsigned(std::string_view bytes, size_t at, size_t width, bool is_little_endian) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) {
    const size_t from = is_little_endian ? at + width - 1 - i : at + i;
    value = value << 8 | static_cast<unsigned char>(bytes[from]);
  }
  return value;
}

uint32_t Magic(std::string_view bytes) {
  return bytes.size() < 4 ? 0 : Unsigned(bytes, 0, 4, /*is_little_endian=*/false);
}

bool IsThin(uint32_t magic) {
  return magic == kMagic32 || magic == kMagic64 || magic == kSwapped32 || magic == kSwapped64;
}

// One object: the whole file, or an architecture of a universal one. Offsets in it count from its
// own first byte.
struct Slice {
  uint64_t base = 0;  // of its first byte in the file
  std::string_view bytes;
  std::string prefix;  // of messages: "architecture 1: "
  bool is_64 = false;
  bool is_little_endian = false;

  uint32_t U32(uint64_t at) const { return Unsigned(bytes, at, 4, is_little_endian); }
  uint64_t U64(uint64_t at) const { return Unsigned(bytes, at, 8, is_little_endian); }
};

struct Command {
  uint64_t index = 0, at = 0, size = 0;
};

class Reader {
 public:
  Reader(std::string_view whole, MachO& out) : whole_(whole), out_(out) {}

  void Read() {
    const uint32_t magic = Magic(whole_);
    if (IsThin(magic)) return ReadObject(0, whole_, "");
    ReadUniversal(magic == kFat64);
  }

 private:
  void Add(Defect::Kind kind, uint64_t offset, std::string message) {
    if (out_.defects.size() < kMaxDefects) {
      out_.defects.push_back({kind, offset, std::move(message)});
    }
  }
  void Malformed(uint64_t offset, std::string message) {
    Add(Defect::Kind::kMalformed, offset, std::move(message));
  }
  // "architecture 1: load command 4 (LC_RPATH) at 0x1c8"
  static std::string Name(const Slice& slice, const Command& command, const char* kind) {
    return absl::StrCat(slice.prefix, "load command ", command.index, " (", kind, ") at ",
                        Hex(command.at));
  }

  void ReadUniversal(bool is_64) {
    constexpr uint64_t kHeaderSize = 8;
    const uint64_t entry_size = is_64 ? 32 : 20;
    if (whole_.size() < kHeaderSize) {
      return Malformed(0, absl::StrCat("universal header of ", kHeaderSize,
                                       " bytes leaves the file of ", Hex(whole_.size()), " bytes"));
    }
    const uint64_t count = Unsigned(whole_, 4, 4, false);
    if (count > kMaxArchitectures) {
      Add(Defect::Kind::kLimit, 4,
          absl::StrCat("universal header: nfat_arch ", count, ", read up to ", kMaxArchitectures));
    }
    for (uint64_t i = 0; i < std::min<uint64_t>(count, kMaxArchitectures); ++i) {
      const uint64_t at = kHeaderSize + i * entry_size;
      const std::string prefix = absl::StrCat("architecture ", i, ": ");
      if (whole_.size() < at + entry_size) {
        return Malformed(at,
                         absl::StrCat(prefix, "entry of ", entry_size, " bytes leaves the file of ",
                                      Hex(whole_.size()), " bytes"));
      }
      const uint64_t offset = Unsigned(whole_, at + 8, is_64 ? 8 : 4, false);
      const uint64_t size = Unsigned(whole_, at + (is_64 ? 16 : 12), is_64 ? 8 : 4, false);
      std::string_view bytes = whole_.substr(std::min<uint64_t>(offset, whole_.size()));
      if (size > bytes.size()) {
        Malformed(at, absl::StrCat(prefix, "offset ", Hex(offset), " with size ", Hex(size),
                                   " leaves the file of ", Hex(whole_.size()), " bytes"));
      }
      bytes = bytes.substr(0, size);
      if (!bytes.empty()) ReadArchitecture(offset, bytes, prefix);
    }
  }

  void ReadArchitecture(uint64_t base, std::string_view bytes, const std::string& prefix) {
    if (IsThin(Magic(bytes))) return ReadObject(base, bytes, prefix);
    if (bytes.starts_with(kBitcode) || bytes.starts_with(kBitcodeWrapper)) return;
    if (!HasArchiveMagic(bytes)) {
      return Malformed(base, absl::StrCat(prefix, "expected a Mach-O object, an archive or bitcode",
                                          ", found ", Escaped(bytes.substr(0, 8))));
    }
    for (const Defect& defect : ReadArchive(bytes).defects) {
      Add(defect.kind, base + defect.offset, prefix + defect.message);
    }
  }

  void ReadObject(uint64_t base, std::string_view bytes, const std::string& prefix) {
    const uint32_t magic = Magic(bytes);
    const Slice slice{base, bytes, prefix, magic == kMagic64 || magic == kSwapped64,
                      magic == kSwapped32 || magic == kSwapped64};
    const uint64_t header_size = slice.is_64 ? 32 : 28;
    if (bytes.size() < header_size) {
      return Malformed(base,
                       absl::StrCat(prefix, "Mach-O header of ", header_size,
                                    " bytes leaves the object of ", Hex(bytes.size()), " bytes"));
    }
    const uint64_t count = slice.U32(16), size = slice.U32(20);
    if (size > bytes.size() - header_size) {
      Malformed(base + 20, absl::StrCat(prefix, "sizeofcmds ", Hex(size), " leaves the object of ",
                                        Hex(bytes.size()), " bytes"));
    }
    const uint64_t end = header_size + std::min(size, bytes.size() - header_size);
    Command command{0, header_size, 0};
    for (; command.index < count; ++command.index, command.at += command.size) {
      const uint64_t rest = end - command.at;
      command.size = rest < 8 ? 0 : slice.U32(command.at + 4);
      if (command.size < 8 || command.size > rest) {
        return Malformed(base + command.at,
                         absl::StrCat(prefix, "load command ", command.index, " of ", count, " at ",
                                      Hex(command.at), ": cmdsize ", Hex(command.size),
                                      ", expected at least 8 and no more than the ", Hex(rest),
                                      " bytes that are left"));
      }
      if (!ReadCommand(slice, command)) return;
    }
  }

  // Returns false once the limit of paths is reached.
  bool ReadCommand(const Slice& slice, const Command& command) {
    const uint64_t at = command.at;
    const auto* kind =
        std::find_if(std::begin(kCommands), std::end(kCommands),
                     [&](const CommandKind& k) { return k.number == slice.U32(at); });
    if (kind == std::end(kCommands)) return true;
    if (command.size < kind->size) {
      Malformed(slice.base + at,
                absl::StrCat(Name(slice, command, kind->name), ": cmdsize ", Hex(command.size),
                             ", expected at least ", Hex(kind->size)));
      return true;
    }
    auto must_hold = [&](const char* what, uint64_t offset, uint64_t size) {
      if (offset <= slice.bytes.size() && size <= slice.bytes.size() - offset) return;
      Malformed(slice.base + at,
                absl::StrCat(Name(slice, command, kind->name), ": ", what, " at ", Hex(offset),
                             " with size ", Hex(size), " leave the object of ",
                             Hex(slice.bytes.size()), " bytes"));
    };
    switch (kind->layout) {
      case Layout::kSegment32:
        must_hold("contents", slice.U32(at + 32), slice.U32(at + 36));
        return true;
      case Layout::kSegment64:
        must_hold("contents", slice.U64(at + 40), slice.U64(at + 48));
        return true;
      case Layout::kSymbols:
        must_hold("symbols", slice.U32(at + 8),
                  uint64_t{slice.U32(at + 12)} * (slice.is_64 ? 16 : 12));
        must_hold("strings", slice.U32(at + 16), slice.U32(at + 20));
        return true;
      case Layout::kString:
        return AddPath(slice, command, *kind);
    }
    return true;
  }

  bool AddPath(const Slice& slice, const Command& command, const CommandKind& kind) {
    const uint64_t start = slice.U32(command.at + 8);
    const uint64_t offset = slice.base + command.at;
    if (start < kind.size || start >= command.size) {
      Malformed(offset, absl::StrCat(Name(slice, command, kind.name), ": string at ", Hex(start),
                                     ", expected ", Hex(kind.size), " to ", Hex(command.size - 1)));
      return true;
    }
    std::string_view text = slice.bytes.substr(command.at + start, command.size - start);
    const size_t length = text.find('\0');
    if (length == std::string_view::npos) {
      Malformed(offset,
                absl::StrCat(Name(slice, command, kind.name), ": string at ", Hex(start),
                             " has no end within the command of ", Hex(command.size), " bytes"));
    }
    text = text.substr(0, length);
    if (out_.paths.size() == kMaxPaths || text.size() > kMaxStringBudget - string_bytes_) {
      Add(Defect::Kind::kLimit, offset,
          absl::StrCat(Name(slice, command, kind.name), ": more than ", kMaxPaths, " paths or ",
                       Hex(kMaxStringBudget), " bytes of them"));
      return false;
    }
    string_bytes_ += text.size();
    out_.paths.push_back({std::string(text), offset + start, kind.name});
    return true;
  }

  std::string_view whole_;
  MachO& out_;
  uint64_t string_bytes_ = 0;
};

}  // namespace

bool HasMachOMagic(std::string_view head) {
  const uint32_t magic = Magic(head);
  if (IsThin(magic) || magic == kFat64) return true;
  if (magic != kFat32 || head.size() < 8) return false;
  const uint64_t count = Unsigned(head, 4, 4, /*is_little_endian=*/false);
  return count > 0 && count <= kMaxArchitectures;
}

MachO ReadMachO(std::string_view whole) {
  MachO out;
  if (whole.empty()) {
    out.defects.push_back({Defect::Kind::kLimit, 0, "Mach-O: too large to be kept in memory"});
  } else if (!HasMachOMagic(whole)) {
    out.defects.push_back(
        {Defect::Kind::kMalformed, 0,
         absl::StrCat("Mach-O: expected one of its magics, found ", Escaped(whole.substr(0, 8)))});
  } else {
    Reader(whole, out).Read();
  }
  return out;
}

}  // namespace lre_audit::elf
