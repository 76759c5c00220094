#include "rules/config_finding.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace lre_audit {
namespace {

void Locate(uint32_t line, uint32_t column, const std::string& excerpt, const std::string& text,
            Finding& finding) {
  finding.mutable_location()->set_line(line);
  finding.mutable_location()->set_column(column);
  finding.set_evidence(excerpt.empty() ? text : excerpt);
}

std::string Place(const std::string& path, uint32_t line, uint32_t column) {
  std::string place = path;
  if (line > 0) absl::StrAppend(&place, ":", line);
  if (line > 0 && column > 0) absl::StrAppend(&place, ":", column);
  return place;
}

}  // namespace

Finding ToolchainFinding(const Rule& rule, const ToolchainClaim& claim, std::string_view referenced,
                         std::string message, std::string_view help) {
  Finding finding = MakeFinding(rule, claim.file->path(), referenced, std::move(message), help);
  Locate(claim.claim->line(), claim.claim->column(), claim.claim->excerpt(), claim.claim->text(),
         finding);
  return finding;
}

Finding SettingFinding(const Rule& rule, const LinkedSetting& setting, std::string_view referenced,
                       std::string message, std::string_view help) {
  const Setting& said = *setting.setting;
  Finding finding = MakeFinding(rule, setting.file->path(), referenced, std::move(message), help);
  Locate(said.line(), said.column(), said.excerpt(), said.value(), finding);
  return finding;
}

std::string PlaceOf(const ToolchainClaim& claim) {
  return Place(claim.file->path(), claim.claim->line(), claim.claim->column());
}

std::string PlaceOf(const LinkedSetting& setting) {
  return Place(setting.file->path(), setting.setting->line(), setting.setting->column());
}

std::string ViewName(const ToolchainView& view) {
  switch (view.kind) {
    case ToolchainView::Kind::kImage:
      return "the image " + view.reference;
    case ToolchainView::Kind::kLocal:
      return "the local side " + view.reference;
    case ToolchainView::Kind::kDefaultLocal:
      return "the local store";
  }
  return view.reference;
}

}  // namespace lre_audit
