#include "audit/explain/content_difference.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "audit/explain/archive_members.h"
#include "audit/explain/secrets.h"
#include "base/text.h"
#include "re2/re2.h"
#include "reports/numbers.h"

namespace lre_audit::explain {
namespace {

using Kind = ContentDifference::Kind;

constexpr int kMostDepth = 3;        // of archives in archives
constexpr size_t kReach = 160;       // bytes to each side of a difference that are looked at
constexpr size_t kExcerpt = 60;      // bytes of it that are shown
constexpr size_t kMaskReach = 4096;  // bytes to each side in which a shown value's name may be

bool IsPrintable(char c) { return c >= ' ' && c <= '~'; }

bool IsText(std::string_view bytes) {
  return bytes.substr(0, 8192).find('\0') == std::string_view::npos;
}

// The printable run around a place, and where the place is in it.
struct Context {
  std::string_view text;
  size_t at = 0;
};

Context ContextAt(std::string_view bytes, size_t at) {
  at = std::min(at, bytes.size());
  size_t begin = at, end = at;
  while (begin > 0 && at - begin < kReach && IsPrintable(bytes[begin - 1])) --begin;
  while (end < bytes.size() && end - at < kReach && IsPrintable(bytes[end])) ++end;
  return {bytes.substr(begin, end - begin), at - begin};
}

// Of bytes, whatever they are.
const RE2* NewPattern(const char* text) {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  return new RE2(text, options);
}

// The match of `pattern` that holds the place.
std::string_view MatchAt(const Context& context, const RE2& pattern) {
  const re2::StringPiece text(context.text.data(), context.text.size());
  re2::StringPiece match;
  for (size_t next = 0; pattern.Match(text, next, text.size(), RE2::UNANCHORED, &match, 1);) {
    const size_t from = static_cast<size_t>(match.data() - text.data());
    next = from + match.size();
    if (from <= context.at && context.at < next) return context.text.substr(from, match.size());
    if (match.empty() || from > context.at) break;  // no pattern matches nothing
  }
  return {};
}

std::string_view TimestampAt(const Context& context) {
  // ISO dates and times of day, __DATE__ and ctime(3), seconds since 1970 (2001 to 2286).
  static const RE2* const kTime = NewPattern(
      "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?([.][0-9]+)?)?"
      "|((Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
      "[ 0-9][0-9]( [0-9]{2}:[0-9]{2}:[0-9]{2})?( [A-Z]{3,4})?( [0-9]{4})?"
      "|[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?"
      "|\\b[1-9][0-9]{9}([.][0-9]+)?\\b");
  return MatchAt(context, *kTime);
}

// An absolute path of two components at least that holds the place.
std::string_view PathAt(const Context& context) {
  static const RE2* const kPath = NewPattern("(/[-A-Za-z0-9_.+@=~]+){2,}/?");
  const std::string_view path = MatchAt(context, *kPath);
  if (path.empty()) return {};
  // The rest of a relative path, or of a URL, is none.
  const size_t begin = static_cast<size_t>(path.data() - context.text.data());
  if (begin > 0) {
    const char before = context.text[begin - 1];
    if (std::string_view("=:,;\"'( \t<[|").find(before) == std::string_view::npos &&
        !(begin >= 2 && context.text[begin - 2] == '-')) {
      return {};
    }
  }
  return path;
}

// Past a build ID, which says that the rest differs and not where: the note's header with the
// length of its hash, "GNU" and the hash.
size_t PastBuildId(std::string_view bytes, size_t at) {
  constexpr std::string_view kName("\3\0\0\0GNU\0", 8);  // type, name
  constexpr size_t kMostHash = 32;
  const size_t from = at > kMostHash + kName.size() ? at - kMostHash - kName.size() : 0;
  const size_t found = bytes.substr(0, at).rfind(kName);
  if (found == bytes.npos || found < from || found < 4) return at;
  const size_t length = static_cast<uint8_t>(bytes[found - 4]);
  const size_t end = found + kName.size() + length;
  return length <= kMostHash && at < end && end <= bytes.size() ? end : at;
}

size_t FirstDifference(std::string_view a, std::string_view b, size_t from) {
  const size_t shorter = std::min(a.size(), b.size());
  if (from >= shorter) return shorter;
  return static_cast<size_t>(std::mismatch(a.begin() + static_cast<ptrdiff_t>(from),
                                           a.begin() + static_cast<ptrdiff_t>(shorter),
                                           b.begin() + static_cast<ptrdiff_t>(from))
                                 .first -
                             a.begin());
}

bool HaveSameLines(std::string_view a, std::string_view b) {
  if (a.size() != b.size() || !IsText(a) || !IsText(b)) return false;
  std::vector<absl::string_view> in_a = absl::StrSplit(ToAbsl(a), '\n'),
                                 in_b = absl::StrSplit(ToAbsl(b), '\n');
  std::sort(in_a.begin(), in_a.end());
  std::sort(in_b.begin(), in_b.end());
  return in_a == in_b;
}

// `part` of `bytes`, masked by what is around it.
std::string Shown(std::string_view bytes, std::string_view part) {
  const size_t at = static_cast<size_t>(part.data() - bytes.data());
  const size_t from = at - std::min(at, kMaskReach);
  return MaskedExcerpt(bytes.substr(from, at - from + part.size() + kMaskReach), at - from,
                       part.size());
}

// What is shown of one side: a few printable characters, or the byte.
std::string Excerpt(std::string_view bytes, size_t at) {
  if (at >= bytes.size()) return "the end";
  const Context context = ContextAt(bytes, at);
  if (context.text.size() < 4) {
    return absl::StrFormat("byte 0x%02x", static_cast<uint8_t>(bytes[at]));
  }
  const size_t from = context.at > kExcerpt / 3 ? context.at - kExcerpt / 3 : 0;
  return absl::StrCat("\"", Shown(bytes, context.text.substr(from, kExcerpt)), "\"");
}

ContentDifference CompareAt(std::string_view a, std::string_view b, size_t at) {
  ContentDifference difference;
  const Context here = ContextAt(a, at), there = ContextAt(b, at);
  const auto found = [&](Kind kind, const char* what, std::string_view local,
                         std::string_view remote) {
    if (local.empty() || remote.empty() || local == remote) return false;
    difference.kind = kind;
    // A part of a secret is masked as the whole is.
    difference.local = Shown(a, local);
    difference.remote = Shown(b, remote);
    difference.text = absl::StrCat(what, " at offset ", Grouped(at), ": ", difference.local,
                                   " here, ", difference.remote, " there");
    return true;
  };
  if (found(Kind::kTimestamp, "a timestamp", TimestampAt(here), TimestampAt(there)) ||
      found(Kind::kBuildPath, "an absolute path", PathAt(here), PathAt(there))) {
    return difference;
  }
  difference.kind = Kind::kOther;
  difference.text = absl::StrCat("the first differing byte is at offset ", Grouped(at), ": ",
                                 Excerpt(a, at), " here, ", Excerpt(b, at), " there");
  if (a.size() != b.size()) {
    absl::StrAppend(&difference.text, "; of ", Grouped(a.size()), " and ", Grouped(b.size()),
                    " bytes");
  }
  return difference;
}

ContentDifference Compare(std::string_view a, std::string_view b, int depth);

ContentDifference CompareArchives(const std::vector<ArchiveMember>& a,
                                  const std::vector<ArchiveMember>& b, int depth) {
  ContentDifference difference;
  const auto names = [](const std::vector<ArchiveMember>& members) {
    std::vector<std::string_view> all;
    all.reserve(members.size());
    for (const ArchiveMember& member : members) all.push_back(member.name);
    return all;
  };
  std::vector<std::string_view> in_a = names(a), in_b = names(b);
  const bool same_order = in_a == in_b;
  std::sort(in_a.begin(), in_a.end());
  std::sort(in_b.begin(), in_b.end());
  if (in_a != in_b) {
    std::vector<std::string_view> only;
    std::set_symmetric_difference(in_a.begin(), in_a.end(), in_b.begin(), in_b.end(),
                                  std::back_inserter(only));
    const bool is_local = std::binary_search(in_a.begin(), in_a.end(), only.front());
    difference.kind = Kind::kOther;
    difference.text = absl::StrCat("the archive's member ", Escaped(only.front()), " is in ",
                                   is_local ? "local" : "remote", " alone");
    return difference;
  }
  // Members of one name are compared in their order.
  std::map<std::string_view, std::vector<const ArchiveMember*>> of_b;
  for (const ArchiveMember& member : b) of_b[member.name].push_back(&member);
  std::map<std::string_view, size_t> used;
  const ArchiveMember* first = nullptr;
  std::vector<std::string> fields;
  size_t of_metadata = 0;
  std::optional<ContentDifference> contents;
  for (const ArchiveMember& member : a) {
    const ArchiveMember& other = *of_b[member.name][used[member.name]++];
    if (member.metadata != other.metadata) {
      ++of_metadata;
      for (size_t i = 0; first == nullptr && i < member.metadata.size(); ++i) {
        if (member.metadata[i].second == other.metadata[i].second) continue;
        fields.push_back(absl::StrCat(member.metadata[i].first, " ", member.metadata[i].second,
                                      " here, ", other.metadata[i].second, " there"));
      }
      if (first == nullptr) first = &member;
    }
    // An index of symbols follows what it is of.
    const bool is_index =
        member.name == "/" || member.name == "/SYM64" || member.name.starts_with("__.SYMDEF");
    if (!contents && !is_index && member.contents != other.contents) {
      contents = Compare(member.contents, other.contents, depth + 1);
      contents->text =
          absl::StrCat("in the archive's member ", Escaped(member.name), ": ", contents->text);
    }
  }
  if (contents) return *std::move(contents);
  if (first != nullptr) {
    difference.kind = Kind::kMetadata;
    difference.text = absl::StrCat("the archive's member ", Escaped(first->name), " has ",
                                   absl::StrJoin(fields, "; "));
    if (of_metadata > 1) {
      absl::StrAppend(&difference.text, "; and ", Counted(of_metadata - 1, "member"), " more");
    }
  } else if (!same_order) {
    difference.kind = Kind::kOrder;
    difference.text = "the archive's members are the same in another order";
  }
  return difference;
}

ContentDifference Compare(std::string_view a, std::string_view b, int depth) {
  ContentDifference difference;
  if (a == b) return difference;
  if (depth < kMostDepth) {
    const auto in_a = ReadArchive(a), in_b = ReadArchive(b);
    if (in_a && in_b && in_a->format == in_b->format) {
      difference = CompareArchives(in_a->members, in_b->members, depth);
      if (difference.kind != Kind::kNone) return difference;
    }
  }
  // RFC 1952: the seconds behind magic, method and flags.
  constexpr std::string_view kGzip = "\x1f\x8b\x08";
  constexpr size_t kTime = 4, kTimeEnd = 8;
  if (a.starts_with(kGzip) && b.starts_with(kGzip) && a.size() == b.size() && a.size() > kTimeEnd &&
      a.substr(0, kTime) == b.substr(0, kTime) && a.substr(kTimeEnd) == b.substr(kTimeEnd)) {
    difference.kind = Kind::kTimestamp;
    difference.text = "the time in gzip's header, which gzip -n leaves out";
    return difference;
  }
  if (HaveSameLines(a, b)) {
    difference.kind = Kind::kOrder;
    difference.text = "the lines are the same in another order";
    return difference;
  }
  const size_t at = FirstDifference(a, b, 0);
  const size_t past = std::min(PastBuildId(a, at), PastBuildId(b, at));
  if (past != at) {
    const size_t next = FirstDifference(a, b, past);
    if (next < std::max(a.size(), b.size())) return CompareAt(a, b, next);
  }
  return CompareAt(a, b, at);
}

}  // namespace

ContentDifference CompareBlobs(std::string_view local, std::string_view remote) {
  return Compare(local, remote, 0);
}

}  // namespace lre_audit::explain
