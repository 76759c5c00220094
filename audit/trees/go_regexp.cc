#include "audit/trees/go_regexp.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"
#include "re2/re2.h"

namespace lre_audit {
namespace {

constexpr std::string_view kReplacementRune = "\xef\xbf\xbd";  // U+FFFD

re2::StringPiece ToPiece(std::string_view s) { return {s.data(), s.size()}; }

// Length of the UTF-8 sequence that `text` begins with; 0 if those bytes are none.
size_t RuneLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](size_t i, unsigned low, unsigned high) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1, 0x80, 0xbf) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool second = follows(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
    return second && follows(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool second = follows(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
    return second && follows(2, 0x80, 0xbf) && follows(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

// Go sees U+FFFD in every byte that is no UTF-8, RE2 sees nothing that could match: so the pattern
// gets a text that says it, and positions are led back.
class Text {
 public:
  explicit Text(std::string_view bytes) : bytes_(bytes), text_(bytes) {
    if (std::all_of(bytes.begin(), bytes.end(),
                    [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
      return;
    }
    for (size_t at = 0; at < bytes.size();) {
      const size_t length = RuneLength(bytes.substr(at));
      if (length > 0) {
        spelt_.append(bytes.substr(at, length));
      } else {
        spelt_.append(kReplacementRune);
      }
      while (origins_.size() < spelt_.size()) origins_.push_back(at);
      at += std::max<size_t>(length, 1);
    }
    origins_.push_back(bytes.size());
    text_ = spelt_;
  }
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

  std::string_view text() const { return text_; }
  // The bytes that the text from `begin` to `end` stands for; both lie between characters.
  std::string_view Bytes(size_t begin, size_t end) const {
    if (origins_.empty()) return bytes_.substr(begin, end - begin);
    return bytes_.substr(origins_[begin], origins_[end] - origins_[begin]);
  }

 private:
  std::string_view bytes_, text_;
  std::string spelt_;
  std::vector<size_t> origins_;  // of each byte of spelt_, and of its end; empty where equal
};

// A group's name or number at the start of a template, behind the dollar.
struct GroupName {
  std::string name;
  int number = -1;    // -1 where it is a name
  size_t length = 0;  // of the template
};

std::optional<GroupName> ParseGroupName(std::string_view text) {
  static const RE2* const kName = new RE2(R"([\pL\p{Nd}_]+)");  // unicode.IsLetter, IsDigit
  const bool brace = text.starts_with('{');
  re2::StringPiece rest = ToPiece(text.substr(brace ? 1 : 0));
  const char* const begin = rest.data();
  if (!RE2::Consume(&rest, *kName)) return std::nullopt;
  GroupName group;
  group.name.assign(begin, rest.data());
  group.length = group.name.size();
  if (brace) {
    if (!rest.starts_with("}")) return std::nullopt;
    group.length += 2;
  }
  const bool digits = std::all_of(group.name.begin(), group.name.end(),
                                  [](char c) { return c >= '0' && c <= '9'; });
  const bool leading_zero = group.name[0] == '0' && group.name.size() > 1;
  if (!digits || leading_zero) return group;
  // Above any number of groups that a pattern can have.
  group.number = group.name.size() > 8 ? INT32_MAX : std::stoi(group.name);
  return group;
}

}  // namespace

GoRegexp::GoRegexp(std::unique_ptr<RE2> pattern) : pattern_(std::move(pattern)) {}
GoRegexp::~GoRegexp() = default;
GoRegexp::GoRegexp(GoRegexp&&) noexcept = default;
GoRegexp& GoRegexp::operator=(GoRegexp&&) noexcept = default;

absl::StatusOr<GoRegexp> GoRegexp::Compile(std::string_view pattern) {
  RE2::Options options;
  options.set_max_mem(kMaxMemory);
  options.set_log_errors(false);
  auto compiled = std::make_unique<RE2>(ToPiece(pattern), options);
  if (!compiled->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", Escaped(pattern.substr(0, 200)),
                     "\" is no regular expression: ", Escaped(compiled->error())));
  }
  if (compiled->NumberOfCapturingGroups() > kMaxGroups) {
    return absl::ResourceExhaustedError(absl::StrCat("\"", Escaped(pattern.substr(0, 200)),
                                                     "\" has ", compiled->NumberOfCapturingGroups(),
                                                     " groups, more than ", kMaxGroups));
  }
  return GoRegexp(std::move(compiled));
}

size_t GoRegexp::Cost(size_t bytes) const {
  const auto size = static_cast<size_t>(pattern_->ProgramSize());
  const auto groups = static_cast<size_t>(pattern_->NumberOfCapturingGroups());
  return 1 + size * (1 + groups) * bytes / 50'000;
}

bool GoRegexp::Matches(std::string_view bytes) const {
  const Text text(bytes);
  return RE2::PartialMatch(ToPiece(text.text()), *pattern_);
}

absl::StatusOr<GoRewrite> GoRewrite::Compile(std::string_view pattern,
                                             std::string_view replacement) {
  LRE_ASSIGN_OR_RETURN(GoRegexp compiled, GoRegexp::Compile(pattern));
  const std::map<std::string, int>& named = compiled.pattern_->NamedCapturingGroups();
  const int groups = compiled.pattern_->NumberOfCapturingGroups();
  std::vector<Piece> pieces(1);
  while (true) {
    const size_t dollar = replacement.find('$');
    pieces.back().text += replacement.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    replacement.remove_prefix(dollar + 1);
    if (replacement.starts_with('$')) {
      pieces.back().text += '$';
      replacement.remove_prefix(1);
      continue;
    }
    const std::optional<GroupName> group = ParseGroupName(replacement);
    if (!group) {
      pieces.back().text += '$';
      continue;
    }
    replacement.remove_prefix(group->length);
    // What names no group stands for nothing.
    const auto found = named.find(group->name);
    if (group->number >= 0 && group->number <= groups) {
      pieces.back().group = group->number;
    } else if (group->number < 0 && found != named.end()) {
      pieces.back().group = found->second;
    } else {
      continue;
    }
    pieces.emplace_back();
  }
  return GoRewrite(std::move(compiled), std::move(pieces));
}

std::optional<std::string> GoRewrite::Apply(std::string_view bytes, size_t limit) const {
  const Text subject(bytes);
  const std::string_view text = subject.text();
  const RE2& pattern = *pattern_.pattern_;
  std::vector<re2::StringPiece> groups(1 + pattern.NumberOfCapturingGroups());
  const auto offset = [&](const char* at) { return static_cast<size_t>(at - text.data()); };
  std::string result;
  size_t copied = 0, search = 0;
  while (search <= text.size() && result.size() <= limit &&
         pattern.Match(ToPiece(text), search, text.size(), RE2::UNANCHORED, groups.data(),
                       static_cast<int>(groups.size()))) {
    const size_t begin = offset(groups[0].data());
    const size_t end = begin + groups[0].size();
    result += subject.Bytes(copied, begin);
    // Not for an empty match right behind another one.
    if (end > copied || begin == 0) {
      for (const Piece& piece : pieces_) {
        result += piece.text;
        if (!piece.group || groups[*piece.group].data() == nullptr) continue;
        const size_t from = offset(groups[*piece.group].data());
        result += subject.Bytes(from, from + groups[*piece.group].size());
        if (result.size() > limit) return std::nullopt;
      }
    }
    copied = end;
    const size_t width = search < text.size() ? RuneLength(text.substr(search)) : 0;
    if (search + width > end) {
      search += width;
    } else {
      search = std::max(search + 1, end);
    }
  }
  result += subject.Bytes(copied, text.size());
  if (result.size() > limit) return std::nullopt;
  return result;
}

}  // namespace lre_audit
