#include "tests/audit/toolchain/config_text.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/text.h"

namespace lre_audit {

std::vector<std::string> Lines(const ConfigFacts& facts) {
  std::vector<std::string> lines;
  for (const Setting& setting : facts.settings()) {
    lines.push_back(absl::StrCat(setting.line(), ":", setting.column(), " ",
                                 Setting::Kind_Name(setting.kind()), " ", setting.key(), "=",
                                 setting.value()));
  }
  for (const Claim& claim : facts.claims()) {
    lines.push_back(absl::StrCat(claim.line(), ":", claim.column(), " ",
                                 Claim::Kind_Name(claim.kind()), " ", claim.context(), "=",
                                 claim.text()));
  }
  for (const ConfigDefect& defect : facts.defects()) {
    lines.push_back(
        absl::StrCat(defect.line(), ":", defect.column(), " defect: ", defect.message()));
  }
  return lines;
}

std::vector<std::string> Lines(const ConfigFacts& facts, std::string_view kind) {
  std::vector<std::string> lines;
  for (std::string& line : Lines(facts)) {
    if (line.find(absl::StrCat(" ", ToAbsl(kind), " ")) != line.npos) lines.push_back(line);
  }
  return lines;
}

void ExpectPlacesIn(std::string_view text, const ConfigFacts& facts) {
  const std::vector<std::string> lines = absl::StrSplit(ToAbsl(text), '\n');
  const auto expect_place = [&](uint32_t line, uint32_t column, const std::string& what) {
    ASSERT_GE(line, 1U) << what;
    ASSERT_LE(line, lines.size()) << what;
    ASSERT_GE(column, 1U) << what;
    ASSERT_LE(column, lines[line - 1].size() + 1) << what;
  };
  for (const Setting& setting : facts.settings()) {
    expect_place(setting.line(), setting.column(), setting.value());
    if (testing::Test::HasFatalFailure()) return;
    const std::string& line = lines[setting.line() - 1];
    // Where there are variables or escapes the value is not as it is written.
    if (line.find_first_of("$\\") != line.npos || line.find(setting.value()) == line.npos) continue;
    EXPECT_EQ(line.substr(setting.column() - 1, setting.value().size()), setting.value()) << line;
  }
  for (const ConfigDefect& defect : facts.defects()) {
    if (defect.line() > 0) expect_place(defect.line(), defect.column(), defect.message());
  }
}

std::vector<std::string> Mutations(std::string_view text) {
  constexpr std::string_view kReplacements{"\0\n\"\\{]#*:\xFF", 10};
  std::vector<std::string> mutations;
  for (size_t i = 0; i < text.size(); ++i) {
    mutations.emplace_back(text.substr(0, i));
    // Two at each place, all of them in turn.
    for (size_t j = 2 * i; j < 2 * i + 2; ++j) {
      mutations.emplace_back(text);
      mutations.back()[i] = kReplacements[j % kReplacements.size()];
    }
  }
  return mutations;
}

}  // namespace lre_audit
