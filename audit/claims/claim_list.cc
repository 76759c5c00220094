#include "audit/claims/claim_list.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "audit/claims/path_flags.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr size_t kExcerptSize = 160;
constexpr size_t kExcerptBefore = 60;  // of a long line, kept before the path
constexpr size_t kMaxTextSize = 4096;  // PATH_MAX; a longer "path" is cut

// The line that holds `offset`; of a long one, the part around it.
std::string Excerpt(std::string_view line, size_t offset) {
  size_t begin = 0;
  size_t end = line.size();
  if (line.size() > kExcerptSize) {
    begin = offset > kExcerptBefore ? offset - kExcerptBefore : 0;
    end = std::min(line.size(), begin + kExcerptSize);
    // Not within a UTF-8 sequence.
    const auto continues = [&](size_t i) { return (line[i] & 0xC0) == 0x80; };
    while (begin > 0 && continues(begin)) --begin;
    while (end < line.size() && end > begin && continues(end)) --end;
  }
  const std::string_view part =
      ToStd(absl::StripAsciiWhitespace(ToAbsl(line.substr(begin, end - begin))));
  return absl::StrCat(begin > 0 ? "..." : "", ToAbsl(part), end < line.size() ? "..." : "");
}

}  // namespace

std::string Utf8(std::string_view s) {
  const bool ascii = std::none_of(s.begin(), s.end(), [](char c) { return (c & 0x80) != 0; });
  if (ascii) return std::string(s);
  // Escaped() leaves valid UTF-8 beyond ASCII as it is, so only a string that it changes may be
  // bad.
  std::string escaped = Escaped(s);
  return escaped == s ? std::string(s) : escaped;
}

ClaimList::ClaimList(std::string_view text, FileFacts* facts) : text_(text), facts_(facts) {}

void ClaimList::Add(Claim::Kind kind, std::string_view path, uint64_t offset,
                    std::string_view context) {
  if (full_) return;
  const std::string text = Utf8(path.substr(0, kMaxTextSize));
  const auto [found, is_new] =
      by_key_.try_emplace(absl::StrCat(static_cast<int>(kind), " ", text), facts_->claims_size());
  if (!is_new) {
    Claim* claim = facts_->mutable_claims(found->second);
    claim->set_count(claim->count() + 1);
    return;
  }
  if (by_key_.size() > kMaxClaims) {
    full_ = true;
    AddDefect(Defect::LIMIT, offset,
              absl::StrCat("more than ", kMaxClaims, " distinct paths; the rest is not audited"));
    return;
  }
  if (lines_.empty()) {
    lines_.push_back(0);
    for (size_t i = text_.find('\n'); i != text_.npos; i = text_.find('\n', i + 1)) {
      lines_.push_back(i + 1);
    }
  }
  offset = std::min<uint64_t>(offset, text_.size());
  const auto after = std::upper_bound(lines_.begin(), lines_.end(), offset);
  const uint64_t begin = *(after - 1);
  const uint64_t end = after == lines_.end() ? text_.size() : *after - 1;
  Claim* claim = facts_->add_claims();
  claim->set_kind(kind);
  claim->set_text(text);
  claim->set_offset(offset);
  claim->set_line(after - lines_.begin());
  claim->set_context(Utf8(context.substr(0, kMaxTextSize)));
  claim->set_excerpt(Utf8(Excerpt(text_.substr(begin, end - begin), offset - begin)));
  claim->set_count(1);
}

void ClaimList::AddPath(Claim::Kind kind, std::string_view path, uint64_t offset,
                        std::string_view context) {
  if (IsClaimablePath(path)) Add(kind, path, offset, context);
}

void ClaimList::AddDefect(Defect::Kind kind, uint64_t offset, std::string_view message) {
  Defect* defect = facts_->add_defects();
  defect->set_kind(kind);
  defect->set_offset(offset);
  defect->set_message(Utf8(message));
}

}  // namespace lre_audit
