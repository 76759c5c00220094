#include "audit/explain/archive_members.h"

#include <charconv>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "audit/trees/tar_header.h"
#include "base/text.h"

namespace lre_audit::explain {
namespace {

using Members = std::vector<ArchiveMember>;

// More members than this are none that a build makes.
constexpr size_t kMostMembers = 1'000'000;

std::string Trimmed(std::string_view field) {
  return std::string(absl::StripAsciiWhitespace(ToAbsl(field)));
}

std::optional<Members> ReadAr(std::string_view bytes) {
  constexpr std::string_view kMagic = "!<arch>\n";
  constexpr size_t kHeader = 60;
  if (!bytes.starts_with(kMagic)) return std::nullopt;
  Members members;
  std::string_view long_names;
  for (size_t at = kMagic.size(); at < bytes.size();) {
    if (bytes.size() - at < kHeader || members.size() == kMostMembers) return std::nullopt;
    const std::string_view header = bytes.substr(at, kHeader);
    uint64_t size = 0;
    if (header.substr(58) != "`\n" || !absl::SimpleAtoi(ToAbsl(header.substr(48, 10)), &size) ||
        size > bytes.size() - at - kHeader) {
      return std::nullopt;
    }
    ArchiveMember member;
    member.contents = bytes.substr(at + kHeader, size);
    member.name = Trimmed(header.substr(0, 16));
    if (member.name == "//") long_names = member.contents;
    uint64_t offset = 0;
    if (member.name.size() > 1 && member.name[0] == '/' &&
        absl::SimpleAtoi(member.name.substr(1), &offset) && offset < long_names.size()) {
      const std::string_view rest = long_names.substr(offset);
      member.name = rest.substr(0, rest.find_first_of("/\n"));
    } else if (member.name.size() > 1 && member.name.ends_with('/') && member.name != "//") {
      member.name.pop_back();
    }
    member.metadata = {{"mtime", Trimmed(header.substr(16, 12))},
                       {"uid", Trimmed(header.substr(28, 6))},
                       {"gid", Trimmed(header.substr(34, 6))},
                       {"mode", Trimmed(header.substr(40, 8))}};
    members.push_back(std::move(member));
    at += kHeader + size + size % 2;
  }
  return members;
}

std::optional<Members> ReadTar(std::string_view bytes) {
  if (bytes.size() < 2 * kTarBlock || bytes.substr(257, 5) != "ustar") return std::nullopt;
  Members members;
  for (size_t at = 0; bytes.size() - at >= kTarBlock;) {
    const char* const block = bytes.data() + at;
    if (IsZeroBlock(block)) return members;
    if (!ChecksumMatches(block) || members.size() == kMostMembers) return std::nullopt;
    const absl::StatusOr<TarHeader> header = ParseTarHeader(block);
    if (!header.ok() || header->size > bytes.size() - at - kTarBlock) return std::nullopt;
    ArchiveMember member;
    member.name = header->name;
    if (header->type != '0' && header->type != '\0')
      absl::StrAppend(&member.name, " (", std::string(1, header->type), ")");
    member.metadata = {{"mtime", absl::StrCat(header->mtime)},
                       {"uid", absl::StrCat(header->uid)},
                       {"gid", absl::StrCat(header->gid)},
                       {"mode", absl::StrFormat("%o", header->mode)}};
    member.contents = bytes.substr(at + kTarBlock, header->size);
    members.push_back(std::move(member));
    const uint64_t padded = (header->size + kTarBlock - 1) / kTarBlock * kTarBlock;
    if (padded > bytes.size() - at - kTarBlock) return std::nullopt;
    at += kTarBlock + padded;
  }
  return members;
}

uint32_t Little(std::string_view bytes, size_t at, size_t width) {
  uint32_t value = 0;
  for (size_t i = 0; i < width; ++i) {
    value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  }
  return value;
}

// By the central directory, which says all but the contents.
std::optional<Members> ReadZip(std::string_view bytes) {
  constexpr std::string_view kEnd = "PK\5\6", kEntry = "PK\1\2", kLocal = "PK\3\4";
  constexpr size_t kEndBytes = 22, kEntryBytes = 46, kLocalBytes = 30;
  if (!bytes.starts_with("PK")) return std::nullopt;
  const size_t end = bytes.rfind(kEnd);
  if (end == bytes.npos || bytes.size() - end < kEndBytes) return std::nullopt;
  Members members;
  size_t at = Little(bytes, end + 16, 4);
  const uint32_t count = Little(bytes, end + 10, 2);
  uint64_t total = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (at > end || end - at < kEntryBytes || bytes.substr(at, 4) != kEntry) return std::nullopt;
    const uint32_t time = Little(bytes, at + 12, 2), date = Little(bytes, at + 14, 2);
    const uint32_t size = Little(bytes, at + 20, 4), name = Little(bytes, at + 28, 2),
                   extra = Little(bytes, at + 30, 2), comment = Little(bytes, at + 32, 2),
                   attributes = Little(bytes, at + 38, 4), local = Little(bytes, at + 42, 4);
    if (end - at - kEntryBytes < size_t{name} + extra + comment) return std::nullopt;
    if (local > end || end - local < kLocalBytes || bytes.substr(local, 4) != kLocal) {
      return std::nullopt;
    }
    const size_t data =
        local + kLocalBytes + Little(bytes, local + 26, 2) + Little(bytes, local + 28, 2);
    if (data > end || end - data < size) return std::nullopt;
    // Members that overlap would make more bytes of the archive than it has.
    if ((total += size) > bytes.size()) return std::nullopt;
    ArchiveMember member;
    member.name = bytes.substr(at + kEntryBytes, name);
    member.metadata = {{"mtime", absl::StrFormat("%04d-%02d-%02d %02d:%02d:%02d",
                                                 1980 + (date >> 9), (date >> 5) & 15, date & 31,
                                                 time >> 11, (time >> 5) & 63, 2 * (time & 31))},
                       {"mode", absl::StrFormat("%o", attributes >> 16)}};
    member.contents = bytes.substr(data, size);
    members.push_back(std::move(member));
    at += kEntryBytes + name + extra + comment;
  }
  return members;
}

}  // namespace

std::optional<Archive> ReadArchive(std::string_view bytes) {
  using Format = Archive::Format;
  if (std::optional<Members> members = ReadAr(bytes)) {
    return Archive{Format::kAr, *std::move(members)};
  }
  if (std::optional<Members> members = ReadTar(bytes)) {
    return Archive{Format::kTar, *std::move(members)};
  }
  if (std::optional<Members> members = ReadZip(bytes)) {
    return Archive{Format::kZip, *std::move(members)};
  }
  return std::nullopt;
}

}  // namespace lre_audit::explain
