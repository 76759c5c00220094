#include "audit/commands/rule_command.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "audit/commands/write_report.h"
#include "base/suggest.h"
#include "base/text.h"
#include "rules/rule.h"

namespace lre_audit {
namespace {

std::string Level(const Rule& rule) {
  return absl::AsciiStrToLower(Finding::Severity_Name(rule.severity));
}

void WriteJsonList(std::span<const Rule> rules, std::ostream& out) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Rule& rule : rules) {
    list.push_back({{"code", rule.code},
                    {"name", rule.name},
                    {"severity", Finding::Severity_Name(rule.severity)},
                    {"summary", rule.summary},
                    {"page", rule.page}});
  }
  out << list.dump(1) << "\n";
}

void WriteTable(std::span<const Rule> rules, std::ostream& out) {
  size_t widest = 0;
  for (const Rule& rule : rules) widest = std::max(widest, std::string_view(rule.name).size());
  for (const Rule& rule : rules) {
    out << absl::StrFormat("%s  %-*s  %-7s  %s\n", rule.code, static_cast<int>(widest), rule.name,
                           Level(rule), rule.summary);
  }
}

void WritePage(const Rule& rule, std::ostream& out) {
  out << rule.code << "  " << rule.name << "  (" << Level(rule) << ")\n\n" << rule.summary << "\n";
  const std::string_view page = rule.page;
  out << "\n" << page << (page.ends_with('\n') ? "" : "\n");
}

std::string UnknownRule(std::string_view word) {
  std::vector<std::string_view> known;
  for (const Rule& rule : AllRules()) {
    known.push_back(rule.code);
    known.push_back(rule.name);
  }
  return absl::StrCat("unknown rule '", Escaped(word), "'", DidYouMean(word, known),
                      " ('lre-audit rule' lists all)");
}

}  // namespace

int RunRule(const RuleOptions& options, std::ostream& out, std::ostream& err) {
  const bool json = options.format == "json";
  if (options.rule.empty()) {
    json ? WriteJsonList(AllRules(), out) : WriteTable(AllRules(), out);
    return kExitClean;
  }
  const Rule* rule = FindRule(options.rule);
  if (rule == nullptr) {
    err << "error: " << UnknownRule(options.rule) << "\n";
    return kExitUsage;
  }
  json ? WriteJsonList(std::span(rule, 1), out) : WritePage(*rule, out);
  return kExitClean;
}

}  // namespace lre_audit
