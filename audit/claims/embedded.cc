#include "audit/claims/embedded.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "elf/archive.h"
#include "elf/macho.h"
#include "elf/object.h"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;

// Directories of the Filesystem Hierarchy Standard, of macOS, and of builders.
constexpr std::string_view kRoots[] = {
    "/usr/",   "/bin/",    "/sbin/",    "/lib/",          "/lib32/", "/lib64/", "/libx32/",
    "/opt/",   "/etc/",    "/var/",     "/run/",          "/tmp/",   "/srv/",   "/mnt/",
    "/home/",  "/root/",   "/build/",   "/private/",      "/sw/",    "/snap/",  "/builds/",
    "/Users/", "/System/", "/Library/", "/Applications/",
};

// Options that are followed by a path at once.
constexpr std::string_view kOptions[] = {"-I",       "-L",       "-B",           "-F",
                                         "-R",       "-rpath,",  "-rpath-link,", "-dynamic-linker,",
                                         "-isystem", "-isysroot"};

// Bytes that can be part of a path in a string. Blanks, quotes and list separators end it, and "=":
// in
// "/a=/usr/b" a path begins after it, however "/a" is judged.
constexpr std::array<bool, 256> PathBytes() {
  std::array<bool, 256> table{};
  for (int c = 0x21; c < 0x7F; ++c) table[c] = true;
  for (char c : "\"'`,:;=<>|()\\"sv) table[static_cast<unsigned char>(c)] = false;
  return table;
}
constexpr std::array<bool, 256> kPathBytes = PathBytes();

bool IsPathByte(char c) { return kPathBytes[static_cast<unsigned char>(c)]; }

bool IsPrintable(char c) { return c >= 0x20 && c < 0x7F; }

// x86-64 code builds short strings from 8-byte immediates; the next instruction's REX.W prefix is
// an "H" to the eye, and its opcode a MOV: "/usr/lib" "H" 89.
bool IsMoveInstruction(std::string_view path, char next) {
  return !path.empty() && path.back() == 'H' &&
         (next == '\x89' || next == '\x8b' || (next >= '\xb8' && next <= '\xbf'));
}

// Whether a path can begin after `before`, the bytes that precede it (empty: the file begins).
bool CanBeginAfter(std::string_view before) {
  if (before.empty() || !IsPrintable(before.back())) return true;
  const char last = before.back();
  if (last == ':' || last == '=' || last == ';') return true;
  // Most slashes follow a letter of a path; spare them the list below.
  if (last != ',' && !(last >= 'A' && last <= 'Z') && last != 'm' && last != 't') return false;
  for (std::string_view option : kOptions) {
    if (!absl::EndsWith(ToAbsl(before), ToAbsl(option))) continue;
    before.remove_suffix(option.size());
    return before.empty() || !IsPrintable(before.back()) || before.back() == ' ' ||
           before.back() == ',' || before.back() == '-' || before.back() == '"';
  }
  return false;
}

}  // namespace

bool HoldsEmbeddedPaths(std::string_view head) {
  return elf::HasElfMagic(head) || elf::HasArchiveMagic(head) || elf::HasMachOMagic(head) ||
         head.starts_with("\0asm"sv);
}

EmbeddedPathScanner::EmbeddedPathScanner(std::string_view store_directory)
    : store_prefix_(absl::StrCat(ToAbsl(store_directory), "/")) {}

// Looks at the slash at `position` of `piece`: is it the beginning of a path?
void EmbeddedPathScanner::Begin(std::string_view piece, size_t position) {
  bool begins = false;
  if (position >= kBefore) {
    begins = CanBeginAfter(piece.substr(position - kBefore, kBefore));
  } else {
    begins = CanBeginAfter(absl::StrCat(before_, ToAbsl(piece.substr(0, position))));
  }
  if (!begins) return;
  collecting_ = true;
  cut_ = false;
  path_.clear();
  path_offset_ = offset_ + position;
}

void EmbeddedPathScanner::Update(std::string_view piece) {
  size_t position = 0;
  while (position < piece.size()) {
    if (collecting_) {
      size_t end = position;
      while (end < piece.size() && IsPathByte(piece[end])) ++end;
      const size_t room = kMaxPathSize - path_.size();
      cut_ |= end - position > room;
      path_.append(piece.substr(position, std::min(end - position, room)));
      position = end;
      if (end == piece.size()) break;
      if (IsMoveInstruction(path_, piece[end])) path_.pop_back();
      Keep();
      continue;
    }
    const void* slash = std::memchr(piece.data() + position, '/', piece.size() - position);
    if (slash == nullptr) break;
    position = static_cast<const char*>(slash) - piece.data();
    Begin(piece, position);
    if (!collecting_) ++position;
  }
  offset_ += piece.size();
  if (piece.size() >= kBefore) {
    before_.assign(piece.substr(piece.size() - kBefore));
  } else {
    before_.append(piece);
    if (before_.size() > kBefore) before_.erase(0, before_.size() - kBefore);
  }
}

void EmbeddedPathScanner::Keep() {
  collecting_ = false;
  const bool wanted = std::any_of(std::begin(kRoots), std::end(kRoots), [&](std::string_view root) {
    return path_.size() > root.size() && absl::StartsWith(path_, ToAbsl(root));
  });
  if (!wanted || absl::StartsWith(path_, store_prefix_)) return;
  ++total_;
  for (Claim& claim : claims_) {
    if (claim.text() == path_) {
      claim.set_count(claim.count() + 1);
      return;
    }
  }
  if (claims_.size() == kMaxClaims) {
    ++left_out_;
    return;
  }
  Claim& claim = claims_.emplace_back();
  claim.set_kind(Claim::EMBEDDED);
  claim.set_text(path_);
  claim.set_offset(path_offset_);
  claim.set_count(1);
  if (cut_) claim.set_context(absl::StrCat("longer than ", kMaxPathSize, " bytes, cut"));
}

std::vector<Claim> EmbeddedPathScanner::Finish() {
  if (collecting_) Keep();
  if (left_out_ > 0) {
    claims_.back().set_context(absl::StrCat("and ", left_out_, " more embedded paths"));
  }
  left_out_ = 0;
  return std::exchange(claims_, {});
}

}  // namespace lre_audit
