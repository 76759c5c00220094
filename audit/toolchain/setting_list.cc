#include "audit/toolchain/setting_list.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "audit/claims/claim_list.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr size_t kExcerptSize = 120;
constexpr size_t kExcerptBefore = 40;  // of a long line, kept before the value
constexpr size_t kMaxTextSize = 4096;  // of a key, value or context; what is longer is cut

}  // namespace

SettingList::SettingList(std::string_view text, ConfigFacts* facts)
    : text_(text), facts_(facts), lines_({0}) {
  for (size_t i = text_.find('\n'); i != text_.npos; i = text_.find('\n', i + 1)) {
    lines_.push_back(i + 1);
  }
}

void SettingList::Add(Setting::Kind kind, std::string_view key, std::string_view value,
                      size_t offset, std::string_view context) {
  if (!HasRoom(offset)) return;
  const Place place = PlaceOf(offset);
  Setting* setting = facts_->add_settings();
  setting->set_kind(kind);
  setting->set_key(Utf8(key.substr(0, kMaxTextSize)));
  setting->set_value(Utf8(value.substr(0, kMaxTextSize)));
  setting->set_context(Utf8(context.substr(0, kMaxTextSize)));
  setting->set_line(place.line);
  setting->set_column(place.column);
  setting->set_excerpt(Excerpt(offset));
}

void SettingList::AddTool(std::string_view path, size_t offset, std::string_view name) {
  AddClaim(Claim::TOOL, path, offset, name);
}

void SettingList::AddClaim(Claim::Kind kind, std::string_view path, size_t offset,
                           std::string_view context, std::string_view system) {
  if (!HasRoom(offset)) return;
  const Place place = PlaceOf(offset);
  Claim* claim = facts_->add_claims();
  claim->set_kind(kind);
  claim->set_text(Utf8(path.substr(0, kMaxTextSize)));
  claim->set_context(Utf8(context.substr(0, kMaxTextSize)));
  claim->set_system(Utf8(system));
  claim->set_offset(offset);
  claim->set_line(place.line);
  claim->set_column(place.column);
  claim->set_excerpt(Excerpt(offset));
  claim->set_count(1);
}

void SettingList::AddDefect(size_t offset, std::string_view message) {
  if (facts_->defects_size() > kMaxDefects) return;
  const Place place = PlaceOf(offset);
  ConfigDefect* defect = facts_->add_defects();
  defect->set_line(place.line);
  defect->set_column(place.column);
  defect->set_message(
      facts_->defects_size() > kMaxDefects
          ? absl::StrCat("more than ", kMaxDefects, " defects; the rest is not told")
          : Utf8(message));
}

void SettingList::AddFileDefect(std::string_view message) {
  facts_->add_defects()->set_message(Utf8(message));
}

void SettingList::AddInner(const ConfigFacts& inner, uint32_t first_line, uint32_t indent) {
  const auto shift = [&](auto* item) {
    item->set_line(item->line() + first_line - 1);
    item->set_column(item->column() + indent);
  };
  for (const Setting& setting : inner.settings()) {
    if (!HasRoom(OffsetOf(first_line, 1))) return;
    shift(&(*facts_->add_settings() = setting));
  }
  for (const ConfigDefect& defect : inner.defects()) {
    if (facts_->defects_size() > kMaxDefects) return;
    shift(&(*facts_->add_defects() = defect));
  }
}

SettingList::Place SettingList::PlaceOf(size_t offset) const {
  const auto after = std::upper_bound(lines_.begin(), lines_.end(), std::min(offset, text_.size()));
  return {static_cast<uint32_t>(after - lines_.begin()),
          static_cast<uint32_t>(std::min(offset, text_.size()) - *(after - 1) + 1)};
}

size_t SettingList::OffsetOf(uint32_t line, uint32_t column) const {
  if (line == 0 || line > lines_.size()) return text_.size();
  return std::min(lines_[line - 1] + std::max(column, 1U) - 1, text_.size());
}

// The line that holds `offset`, trimmed; of a long one, the part around it.
std::string SettingList::Excerpt(size_t offset) const {
  offset = std::min(offset, text_.size());
  // What is farther away is not looked at: a line can be as long as the file.
  constexpr size_t kNear = 1024;
  const auto after = std::upper_bound(lines_.begin(), lines_.end(), offset);
  const size_t line_end = after == lines_.end() ? text_.size() : *after - 1;
  size_t begin = std::max(*(after - 1), offset > kNear ? offset - kNear : 0);
  size_t end = std::min(line_end, offset + kNear);
  const auto is_blank = [&](size_t i) { return absl::ascii_isspace(text_[i]); };
  while (begin < offset && is_blank(begin)) ++begin;
  while (end > offset && is_blank(end - 1)) --end;
  const size_t first = begin;
  const size_t last = end;
  if (end - begin > kExcerptSize) {
    begin = std::max(begin, offset > kExcerptBefore ? offset - kExcerptBefore : 0);
    end = std::min(end, begin + kExcerptSize);
    // Not within a UTF-8 sequence.
    const auto continues = [&](size_t i) { return (text_[i] & 0xC0) == 0x80; };
    while (begin > first && continues(begin)) --begin;
    while (end < last && end > begin && continues(end)) --end;
  }
  return absl::StrCat(begin > first ? "..." : "", Utf8(text_.substr(begin, end - begin)),
                      end < last ? "..." : "");
}

bool SettingList::HasRoom(size_t offset) {
  if (full_) return false;
  if (facts_->settings_size() + facts_->claims_size() < kMaxSettings) return true;
  full_ = true;
  AddDefect(offset, absl::StrCat("more than ", kMaxSettings, " settings; the rest is not audited"));
  return false;
}

}  // namespace lre_audit
