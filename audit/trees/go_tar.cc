#include "audit/trees/go_tar.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/trees/tar_header.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// POSIX.1-2017 pax, "ustar Interchange Format".
struct Field {
  size_t offset, size;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12},
    kMtime{136, 12}, kChecksum{148, 8}, kType{156, 1}, kLink{157, 100}, kMagic{257, 8},
    kUser{265, 32}, kGroup{297, 32}, kDevMajor{329, 8}, kDevMinor{337, 8}, kPrefix{345, 155};

// Go's writer refuses longer extended headers since 1.20; names of real files never come near.
constexpr size_t kMaxExtended = 1 << 20;

// Go decodes UTF-8 and asks whether runes are ASCII: for bytes that comes to the same.
bool IsAscii(std::string_view s) {
  return std::all_of(s.begin(), s.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != '\0'; });
}

std::string ToAscii(std::string_view s) {
  std::string ascii;
  for (char c : s) {
    if (static_cast<unsigned char>(c) < 0x80 && c != '\0') ascii += c;
  }
  return ascii;
}

// A field of n bytes holds n - 1 octal digits and a NUL.
bool FitsInOctal(Field field, int64_t value) {
  return value >= 0 && (field.size >= 22 || value < int64_t{1} << (3 * (field.size - 1)));
}

// Where to cut a name that is too long for the name field, into prefix and name.
std::optional<size_t> SplitAt(std::string_view name) {
  if (name.size() <= kName.size || !IsAscii(name)) return std::nullopt;
  size_t length = name.size();
  if (length > kPrefix.size + 1) {
    length = kPrefix.size + 1;
  } else if (name.back() == '/') {
    --length;
  }
  const size_t slash = name.substr(0, length).rfind('/');
  if (slash == std::string_view::npos || slash == 0 || slash > kPrefix.size) return std::nullopt;
  const size_t rest = name.size() - slash - 1;
  if (rest == 0 || rest > kName.size) return std::nullopt;
  return slash;
}

// One 512-byte header block.
class Block {
 public:
  Block() { std::memset(bytes_, 0, sizeof(bytes_)); }

  void Text(Field field, std::string_view text) {
    char* to = bytes_ + field.offset;
    std::memcpy(to, text.data(), std::min(text.size(), field.size));
    // A cut name must not look like a directory's: readers that know no PAX would take it for one.
    if (text.size() > field.size && to[field.size - 1] == '/') {
      size_t end = field.size;
      while (end > 0 && to[end - 1] == '/') --end;
      to[end] = '\0';
    }
  }
  void Octal(Field field, int64_t value) {
    if (!FitsInOctal(field, value)) value = 0;  // an extended header says it
    char* to = bytes_ + field.offset;
    for (size_t i = field.size - 1; i-- > 0; value >>= 3)
      to[i] = static_cast<char>('0' + (value & 7));
  }
  void Type(char type) { bytes_[kType.offset] = type; }
  // Last of all: magic and checksum.
  void AppendTo(std::string* out) {
    std::memcpy(bytes_ + kMagic.offset, "ustar\00000", kMagic.size);
    std::memset(bytes_ + kChecksum.offset, ' ', kChecksum.size);
    int64_t sum = 0;
    for (char c : bytes_) sum += static_cast<unsigned char>(c);
    Octal({kChecksum.offset, kChecksum.size - 1}, sum);
    bytes_[kChecksum.offset + kChecksum.size - 2] = '\0';
    out->append(bytes_, sizeof(bytes_));
  }

 private:
  char bytes_[kTarBlock];
};

// "<length> <key>=<value>\n", where the length counts its own digits.
std::string PaxRecord(std::string_view key, std::string_view value) {
  const size_t rest = key.size() + value.size() + 3;
  size_t length = rest + absl::StrCat(rest).size();
  std::string record = absl::StrCat(length, " ", ToAbsl(key), "=", ToAbsl(value), "\n");
  // The digits may have become one more with it.
  if (record.size() == length) return record;
  return absl::StrCat(record.size(), " ", ToAbsl(key), "=", ToAbsl(value), "\n");
}

// path.Join(dir, "PaxHeaders.0", file), dir and file being those of path.Split(name).
std::string ExtendedName(std::string_view name) {
  const size_t file = name.rfind('/') + 1;  // 0 where there is no slash
  std::string extended = ToAscii(GoCleanPath(
      absl::StrCat(ToAbsl(name.substr(0, file)), "PaxHeaders.0/", ToAbsl(name.substr(file)))));
  if (extended.size() > kName.size) extended.resize(kName.size);
  while (extended.ends_with('/')) extended.pop_back();
  return extended;
}

void AppendExtended(std::string_view name, const std::string& records, std::string* out) {
  Block block;
  block.Type('x');
  block.Text(kName, ExtendedName(name));
  block.Octal(kMode, 0);
  block.Octal(kUid, 0);
  block.Octal(kGid, 0);
  block.Octal(kSize, static_cast<int64_t>(records.size()));
  block.Octal(kMtime, 0);
  block.AppendTo(out);
  out->append(records);
  out->append(GoTarPadding(records.size()), '\0');
}

}  // namespace

std::string GoCleanPath(std::string_view path) {
  if (path.empty()) return ".";
  const bool rooted = path.front() == '/';
  std::vector<std::string_view> kept;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view component = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (component.empty() || component == ".") continue;
    if (component == ".." && !kept.empty() && kept.back() != "..") {
      kept.pop_back();
    } else if (component != ".." || !rooted) {
      kept.push_back(component);
    }
  }
  std::string clean = rooted ? "/" : "";
  for (size_t i = 0; i < kept.size(); ++i) {
    absl::StrAppend(&clean, i > 0 ? "/" : "", ToAbsl(kept[i]));
  }
  return clean.empty() ? "." : clean;
}

size_t GoTarPadding(uint64_t size) { return (kTarBlock - size % kTarBlock) % kTarBlock; }

absl::Status AppendGoTarHeader(const GoTarHeader& header, std::string* out) {
  const std::optional<size_t> split = SplitAt(header.name);
  std::map<std::string_view, std::string> pax;
  bool ustar = true;
  const auto check_text = [&](std::string_view text, Field field, std::string_view key) {
    if (IsAscii(text) && text.size() <= field.size) return;
    // Kept even where the name can be split: should another field need PAX, it goes along.
    pax.emplace(key, text);
    if (key != "path" || !split) ustar = false;
  };
  const auto check_number = [&](int64_t value, Field field, std::string_view key) {
    if (FitsInOctal(field, value)) return;
    pax.emplace(key, absl::StrCat(value));
    ustar = false;
  };
  check_text(header.name, kName, "path");
  check_text(header.target, kLink, "linkpath");
  check_text(header.user, kUser, "uname");
  check_text(header.group, kGroup, "gname");
  check_number(header.uid, kUid, "uid");
  check_number(header.gid, kGid, "gid");
  check_number(header.size, kSize, "size");
  if (!FitsInOctal(kMode, header.mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat("mode ", header.mode, " does not fit into a tar header"));
  }
  for (const std::string_view text : {header.name, header.target, header.user, header.group}) {
    if (text.find('\0') != std::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", Escaped(text), "\" holds a NUL, which no tar header can"));
    }
  }
  if (header.type == '0' && header.name.ends_with('/')) {
    return absl::InvalidArgumentError("a regular file whose name ends with a slash");
  }

  if (!ustar) {
    std::string records;
    for (const auto& [key, value] : pax) records += PaxRecord(key, value);
    if (records.size() > kMaxExtended) {
      return absl::InvalidArgumentError(
          absl::StrCat("an extended header of ", records.size(), " bytes"));
    }
    AppendExtended(header.name, records, out);
  }
  const auto text = [&](std::string_view field) {
    return ustar ? std::string(field) : ToAscii(field);
  };
  Block block;
  block.Type(header.type);
  if (ustar && split) {
    block.Text(kPrefix, header.name.substr(0, *split));
    block.Text(kName, header.name.substr(*split + 1));
  } else {
    block.Text(kName, text(header.name));
  }
  block.Text(kLink, text(header.target));
  block.Octal(kMode, header.mode);
  block.Octal(kUid, header.uid);
  block.Octal(kGid, header.gid);
  block.Octal(kSize, header.size);
  block.Octal(kMtime, header.mtime);
  block.Text(kUser, text(header.user));
  block.Text(kGroup, text(header.group));
  block.Octal(kDevMajor, 0);
  block.Octal(kDevMinor, 0);
  block.AppendTo(out);
  return absl::OkStatus();
}

}  // namespace lre_audit
