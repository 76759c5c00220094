#include "audit/trees/tar_header.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

struct Field {
  size_t offset, size;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12},
    kMtime{136, 12}, kChecksum{148, 8}, kType{156, 1}, kLink{157, 100}, kMagic{257, 8},
    kPrefix{345, 155}, kStarPrefix{345, 131}, kStarTrailer{508, 4}, kGnuRealSize{483, 12};
constexpr size_t kGnuSparse = 386, kGnuSparseCount = 4, kGnuIsExtended = 482;
constexpr size_t kExtensionCount = 21, kExtensionIsExtended = 504;
constexpr size_t kSparseEntry = 24;  // two numbers of 12 characters

std::string_view Bytes(const char* block, Field field) {
  return {block + field.offset, field.size};
}

std::string_view CString(std::string_view field) {
  return field.substr(0, std::min(field.find('\0'), field.size()));
}

// Octal digits with spaces and NULs around them (none at all means 0), or, with the top bit set, a
// base-256 two's complement number.
absl::StatusOr<int64_t> ParseNumber(std::string_view field) {
  const auto first = static_cast<unsigned char>(field[0]);
  if (first & 0x80) {
    const bool negative = (first & 0x40) != 0;
    uint64_t value = negative ? ~uint64_t{0} : 0;
    for (size_t i = 0; i < field.size(); ++i) {
      auto byte = static_cast<unsigned char>(field[i]);
      if (i == 0) byte = negative ? (byte | 0x80) : (byte & 0x7f);
      // The bits that leave at the top have to be copies of the sign.
      const uint64_t top = value >> 55;
      if (top != (negative ? 0x1ff : 0)) return absl::DataLossError("base-256 number too large");
      value = (value << 8) | byte;
    }
    return static_cast<int64_t>(value);
  }
  constexpr std::string_view kPadding(" \0", 2);
  const size_t begin = field.find_first_not_of(kPadding);
  if (begin == std::string_view::npos) return 0;
  const size_t end = std::min(field.find_first_of(kPadding, begin), field.size());
  int64_t value = 0;  // at most 12 octal digits: 36 bits
  for (const char c : field.substr(begin, end - begin)) {
    if (c < '0' || c > '7') {
      return absl::DataLossError(absl::StrCat("\"", Escaped(field), "\" is no octal number"));
    }
    value = value * 8 + (c - '0');
  }
  return value;
}

absl::StatusOr<uint64_t> ParseUnsigned(std::string_view field, std::string_view what) {
  absl::StatusOr<int64_t> value = ParseNumber(field);
  if (!value.ok()) {
    return absl::DataLossError(absl::StrCat(ToAbsl(what), ": ", value.status().message()));
  }
  if (*value < 0) {
    return absl::DataLossError(absl::StrCat(ToAbsl(what), " is negative: ", *value));
  }
  return static_cast<uint64_t>(*value);
}

absl::Status ParseRuns(const char* entries, size_t count, std::vector<SparseRun>* runs) {
  for (size_t i = 0; i < count; ++i) {
    const char* entry = entries + i * kSparseEntry;
    if (entry[0] == '\0' || entry[12] == '\0') break;  // unused
    SparseRun run;
    LRE_ASSIGN_OR_RETURN(run.offset, ParseUnsigned({entry, 12}, "sparse offset"));
    LRE_ASSIGN_OR_RETURN(run.length, ParseUnsigned({entry + 12, 12}, "sparse length"));
    runs->push_back(run);
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> ParseDecimal(std::string_view text) {
  if (text.empty()) return absl::DataLossError("empty number");
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      return absl::DataLossError(
          absl::StrCat("\"", Escaped(text.substr(0, 40)), "\" is no decimal number"));
    }
    const uint64_t digit = static_cast<uint64_t>(c - '0');
    if (value > (std::numeric_limits<int64_t>::max() - digit) / 10) {
      return absl::DataLossError(
          absl::StrCat("number ", Escaped(text.substr(0, 40)), " is too large"));
    }
    value = value * 10 + digit;
  }
  return value;
}

// "[-]seconds[.fraction]", rounded towards the past.
absl::StatusOr<int64_t> ParseTime(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const size_t dot = std::min(text.find('.'), text.size());
  LRE_ASSIGN_OR_RETURN(const uint64_t seconds, ParseDecimal(text.substr(0, dot)));
  const std::string_view fraction = dot < text.size() ? text.substr(dot + 1) : std::string_view();
  if (fraction.find_first_not_of("0123456789") != std::string_view::npos) {
    return absl::DataLossError(absl::StrCat("\"", Escaped(text.substr(0, 40)), "\" is no time"));
  }
  const auto value = static_cast<int64_t>(seconds);
  if (!negative) return value;
  return fraction.find_first_not_of('0') == std::string_view::npos ? -value : -value - 1;
}

// "offset,length,offset,length,...", GNU sparse format 0.1.
absl::Status ParseSparseMap(std::string_view text, std::vector<SparseRun>* runs) {
  runs->clear();
  std::vector<uint64_t> numbers;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    LRE_ASSIGN_OR_RETURN(const uint64_t number, ParseDecimal(text.substr(0, comma)));
    numbers.push_back(number);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  if (numbers.size() % 2 != 0) {
    return absl::DataLossError(
        absl::StrCat("sparse map has ", numbers.size(), " numbers, expected pairs"));
  }
  for (size_t i = 0; i < numbers.size(); i += 2) runs->push_back({numbers[i], numbers[i + 1]});
  return absl::OkStatus();
}

template <typename T>
absl::Status Assign(absl::StatusOr<T> value, std::optional<T>* to) {
  if (!value.ok()) return std::move(value).status();
  *to = *std::move(value);
  return absl::OkStatus();
}

absl::Status AssignText(std::string_view value, std::optional<std::string>* to) {
  if (value.find('\0') != std::string_view::npos) return absl::DataLossError("holds a NUL");
  *to = std::string(value);
  return absl::OkStatus();
}

absl::Status ApplyRecord(std::string_view key, std::string_view value, PaxRecords* records) {
  constexpr std::string_view kXattr = "SCHILY.xattr.";
  if (key.starts_with(kXattr)) {
    const std::string_view name = key.substr(kXattr.size());
    for (auto& [known, known_value] : records->xattrs) {
      if (known == name) {
        known_value = std::string(value);
        return absl::OkStatus();
      }
    }
    // The search above is linear, so their number has to stay small; Linux holds all names of a
    // file's attributes in 64 KiB.
    if (records->xattrs.size() >= 4096) return absl::DataLossError("more than 4096 attributes");
    records->xattrs.emplace_back(name, value);
    return absl::OkStatus();
  }
  // POSIX: an empty value withdraws the record, the header's field counts again.
  if (key == "path") {
    if (value.empty()) return records->path.reset(), absl::OkStatus();
    return AssignText(value, &records->path);
  }
  if (key == "linkpath") {
    if (value.empty()) return records->link_path.reset(), absl::OkStatus();
    return AssignText(value, &records->link_path);
  }
  if (key == "size") {
    if (value.empty()) return records->size.reset(), absl::OkStatus();
    return Assign(ParseDecimal(value), &records->size);
  }
  if (key == "uid") {
    if (value.empty()) return records->uid.reset(), absl::OkStatus();
    return Assign(ParseDecimal(value), &records->uid);
  }
  if (key == "gid") {
    if (value.empty()) return records->gid.reset(), absl::OkStatus();
    return Assign(ParseDecimal(value), &records->gid);
  }
  if (key == "mtime") {
    if (value.empty()) return records->mtime.reset(), absl::OkStatus();
    return Assign(ParseTime(value), &records->mtime);
  }
  if (key == "GNU.sparse.major") return Assign(ParseDecimal(value), &records->sparse_major);
  if (key == "GNU.sparse.size" || key == "GNU.sparse.realsize") {
    return Assign(ParseDecimal(value), &records->sparse_size);
  }
  if (key == "GNU.sparse.numblocks") return Assign(ParseDecimal(value), &records->sparse_blocks);
  if (key == "GNU.sparse.name") return AssignText(value, &records->sparse_name);
  if (key == "GNU.sparse.map") {
    records->has_runs = true;
    return ParseSparseMap(value, &records->runs);
  }
  if (key == "GNU.sparse.offset") {
    records->has_runs = true;
    records->runs.emplace_back();
    LRE_ASSIGN_OR_RETURN(records->runs.back().offset, ParseDecimal(value));
    return absl::OkStatus();
  }
  if (key == "GNU.sparse.numbytes") {
    if (records->runs.empty()) return absl::DataLossError("has no GNU.sparse.offset before it");
    LRE_ASSIGN_OR_RETURN(records->runs.back().length, ParseDecimal(value));
    return absl::OkStatus();
  }
  return absl::OkStatus();  // atime, comment, uname, ...: nothing here looks at them
}

}  // namespace

absl::StatusOr<std::string> NormalisedPath(std::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("the name is empty");
  if (name.size() > kMaxTarPath) {
    return absl::InvalidArgumentError(
        absl::StrCat("the name has ", name.size(), " bytes, more than ", kMaxTarPath));
  }
  if (name.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("the name holds a NUL");
  }
  std::string path;
  path.reserve(name.size() + 1);
  while (!name.empty()) {
    const size_t slash = std::min(name.find('/'), name.size());
    const std::string_view component = name.substr(0, slash);
    name.remove_prefix(std::min(slash + 1, name.size()));
    if (component.empty() || component == ".") continue;
    if (component == "..") return absl::InvalidArgumentError("the name holds a \"..\"");
    path += '/';
    path += component;
  }
  if (path.empty()) path = "/";
  return path;
}

bool IsZeroBlock(const char* block) {
  return block[0] == '\0' && std::memcmp(block, block + 1, kTarBlock - 1) == 0;
}

bool ChecksumMatches(const char* block) {
  const absl::StatusOr<int64_t> recorded = ParseNumber(Bytes(block, kChecksum));
  if (!recorded.ok()) return false;
  // Old writers summed signed characters.
  int64_t sum_unsigned = 0, sum_signed = 0;
  for (size_t i = 0; i < kTarBlock; ++i) {
    const bool own = i >= kChecksum.offset && i < kChecksum.offset + kChecksum.size;
    const char c = own ? ' ' : block[i];
    sum_unsigned += static_cast<unsigned char>(c);
    sum_signed += static_cast<signed char>(c);
  }
  return *recorded == sum_unsigned || *recorded == sum_signed;
}

absl::StatusOr<TarHeader> ParseTarHeader(const char* block) {
  TarHeader header;
  const std::string_view magic = Bytes(block, kMagic);
  if (magic == std::string_view("ustar  \0", 8)) {
    header.format = TarHeader::Format::kGnu;
  } else if (magic.starts_with(std::string_view("ustar\0", 6))) {
    header.format = Bytes(block, kStarTrailer) == std::string_view("tar\0", 4)
                        ? TarHeader::Format::kStar
                        : TarHeader::Format::kUstar;
  }
  header.type = block[kType.offset];
  header.name = CString(Bytes(block, kName));
  header.link = CString(Bytes(block, kLink));
  if (header.format == TarHeader::Format::kUstar || header.format == TarHeader::Format::kStar) {
    const std::string_view prefix =
        CString(Bytes(block, header.format == TarHeader::Format::kStar ? kStarPrefix : kPrefix));
    if (!prefix.empty()) header.name = absl::StrCat(ToAbsl(prefix), "/", header.name);
  }
  LRE_ASSIGN_OR_RETURN(header.size, ParseUnsigned(Bytes(block, kSize), "size"));

  const absl::StatusOr<uint64_t> mode = ParseUnsigned(Bytes(block, kMode), "mode");
  const absl::StatusOr<uint64_t> uid = ParseUnsigned(Bytes(block, kUid), "uid");
  const absl::StatusOr<uint64_t> gid = ParseUnsigned(Bytes(block, kGid), "gid");
  const absl::StatusOr<int64_t> mtime = ParseNumber(Bytes(block, kMtime));
  if (mode.ok()) header.mode = static_cast<uint32_t>(*mode & 07777);
  header.uid = uid.value_or(0);
  header.gid = gid.value_or(0);
  header.mtime = mtime.value_or(0);
  for (const absl::Status& status : {mode.status(), uid.status(), gid.status(), mtime.status()}) {
    if (!status.ok() && header.bad_field.empty()) header.bad_field = std::string(status.message());
  }

  if (header.type == 'S') {
    if (header.format != TarHeader::Format::kGnu) {
      return absl::DataLossError("sparse file (type 'S') in a header that is not GNU's");
    }
    LRE_ASSIGN_OR_RETURN(header.real_size, ParseUnsigned(Bytes(block, kGnuRealSize), "real size"));
    LRE_RETURN_IF_ERROR(ParseRuns(block + kGnuSparse, kGnuSparseCount, &header.runs));
    header.more_runs = block[kGnuIsExtended] != 0;
  }
  return header;
}

absl::Status ParseSparseExtension(const char* block, std::vector<SparseRun>* runs, bool* more) {
  *more = block[kExtensionIsExtended] != 0;
  return ParseRuns(block, kExtensionCount, runs);
}

absl::Status ParsePaxRecords(std::string_view data, PaxRecords* records) {
  size_t offset = 0;
  auto bad = [&offset](std::string_view what) {
    return absl::DataLossError(
        absl::StrCat("PAX record at ", offset, " of the extended header: ", ToAbsl(what)));
  };
  while (offset < data.size()) {
    const std::string_view rest = data.substr(offset);
    const size_t space = rest.find(' ');
    if (space > 19) return bad("no length");  // npos included
    const absl::StatusOr<uint64_t> length = ParseDecimal(rest.substr(0, space));
    if (!length.ok()) return bad(ToStd(length.status().message()));
    if (*length <= space + 1 || *length > rest.size()) {
      return bad(
          std::string(absl::StrCat("length ", *length, ", ", rest.size(), " bytes are left")));
    }
    std::string_view record = rest.substr(space + 1, *length - space - 1);
    if (!record.ends_with('\n')) return bad("does not end with a newline");
    record.remove_suffix(1);
    const size_t equals = record.find('=');
    if (equals == std::string_view::npos || equals == 0) return bad("no key");
    const std::string_view key = record.substr(0, equals);
    const absl::Status applied = ApplyRecord(key, record.substr(equals + 1), records);
    if (!applied.ok()) {
      return bad(absl::StrCat("\"", Escaped(key.substr(0, 80)), "\": ", applied.message()));
    }
    offset += *length;
  }
  return absl::OkStatus();
}

}  // namespace lre_audit
