#include "reports/difference_text.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/paths.h"
#include "base/text.h"
#include "reports/numbers.h"
#include "reports/paint.h"

namespace lre_audit {
namespace {

constexpr size_t kShown = 20;       // of a section
constexpr size_t kWidestName = 40;  // that others are aligned to
constexpr size_t kOneLine = 60;     // bytes of two values that stand behind their name

// "+1.2 MB"; empty where a size is not known, or the same.
std::string Growth(double a, double b) {
  if (!(a > 0) || !(b > 0) || a == b) return "";
  return absl::StrCat(b > a ? "+" : "-", HumanBytes(AsCount(b > a ? b - a : a - b)));
}

// Elements of a ":"-separated list that the other does not have; the whole if it is no list.
std::vector<std::string> OnlyIn(const std::string& value, const std::string& other) {
  if (value.find(":/") == std::string::npos && other.find(":/") == std::string::npos) {
    return {value};
  }
  const std::vector<std::string> all = absl::StrSplit(value, ':');
  const std::vector<std::string> others = absl::StrSplit(other, ':');
  std::vector<std::string> only;
  for (const std::string& element : all) {
    if (std::find(others.begin(), others.end(), element) == others.end()) only.push_back(element);
  }
  return only;
}

class ComparisonWriter {
 public:
  ComparisonWriter(const Comparison& comparison, const TextOptions& options, std::ostream& out)
      : comparison_(comparison), options_(options), paint_(options.color), out_(out) {}

  void WriteDifferences() {
    if (comparison_.counts().differences() > 0) {
      out_ << paint_(absl::StrCat("--- ", comparison_.a().reference()), Paint::kPlainRed) << "\n"
           << paint_(absl::StrCat("+++ ", comparison_.b().reference()), Paint::kPlainGreen)
           << "\n\n";
    }
    WritePackages();
    WriteContents();
    WriteOutside();
    WriteSettings();
    WriteTools();
    WriteFindings("new findings", '+', comparison_.new_findings());
    WriteFindings("fixed findings", '-', comparison_.fixed_findings());
    WriteProblems();
  }

  void WriteSummary() {
    out_ << "compared " << Bold(comparison_.a().reference()) << SizeOf(comparison_.a()) << "\n";
    out_ << "    with " << Bold(comparison_.b().reference()) << SizeOf(comparison_.b()) << "\n";
    out_ << "  " << comparison_.compared() << ", " << HumanSeconds(options_.seconds) << "\n";
  }

  void WriteVerdict() {
    const char* color =
        comparison_.verdict() == Comparison::SAME ? Paint::kPlainGreen : Paint::kPlainRed;
    out_ << "verdict: " << paint_(Comparison::Verdict_Name(comparison_.verdict()), color) << "  "
         << Counts() << "\n";
  }

 private:
  std::string Bold(std::string_view text) const { return paint_(text, Paint::kBold); }

  // "- text" in the sign's colour.
  std::string Signed(char sign, std::string_view text) const {
    const char* color = sign == '-'   ? Paint::kPlainRed
                        : sign == '+' ? Paint::kPlainGreen
                                      : Paint::kPlainYellow;
    return paint_(absl::StrCat(std::string(1, sign), text.empty() ? "" : " ", ToAbsl(text)), color);
  }

  void Heading(std::string_view title, const std::vector<std::string>& counts) {
    out_ << Bold(title) << ": " << absl::StrJoin(counts, ", ") << "\n";
    left_ = options_.verbose ? SIZE_MAX : kShown;
    hidden_ = 0;
  }
  // Whether the section has room for another one.
  bool Take() {
    if (left_ == 0) ++hidden_;
    return left_ > 0 && left_-- > 0;
  }
  void EndSection() {
    if (hidden_ > 0) out_ << "  ... and " << Grouped(hidden_) << " more (--verbose lists all)\n";
    out_ << "\n";
  }

  // What both sides have below a name: on its line if it is short, else on lines of their own.
  void WriteValues(std::string_view indent, const std::string& a, const std::string& b) {
    if (!a.empty() && !b.empty() && a.size() + b.size() <= kOneLine) {
      out_ << "  " << a << " -> " << b << "\n";
      return;
    }
    out_ << "\n";
    WriteSides(indent, a, b);
  }
  void WriteSides(std::string_view indent, const std::string& a, const std::string& b) {
    for (const std::string& value : OnlyIn(a, b)) {
      if (!value.empty()) out_ << indent << Signed('-', value) << "\n";
    }
    for (const std::string& value : OnlyIn(b, a)) {
      if (!value.empty()) out_ << indent << Signed('+', value) << "\n";
    }
    // The same elements in another order.
    if (!a.empty() && !b.empty() && OnlyIn(a, b).empty() && OnlyIn(b, a).empty()) {
      out_ << indent << Signed('-', a) << "\n" << indent << Signed('+', b) << "\n";
    }
  }

  void WritePackages() {
    if (comparison_.packages().empty()) return;
    size_t count[PackageDifference::Kind_ARRAYSIZE] = {}, width = 0;
    for (const PackageDifference& package : comparison_.packages()) {
      ++count[package.kind()];
      if (IsPair(package)) width = std::max(width, std::min(package.name().size(), kWidestName));
    }
    std::vector<std::string> counts;
    for (const auto& [kind, word] : {std::pair(PackageDifference::UPDATED, "updated"),
                                     std::pair(PackageDifference::REBUILT, "rebuilt"),
                                     std::pair(PackageDifference::ADDED, "added"),
                                     std::pair(PackageDifference::GONE, "gone")}) {
      if (count[kind] > 0) counts.push_back(absl::StrCat(Grouped(count[kind]), " ", word));
    }
    const std::string growth = Growth(comparison_.a().nar_size(), comparison_.b().nar_size());
    if (!growth.empty()) counts.push_back(absl::StrCat("together ", growth));
    Heading("packages", counts);
    for (const PackageDifference& package : comparison_.packages()) {
      if (Take()) WritePackage(package, width);
    }
    if (const double moved = comparison_.counts().moved(); moved > 0) {
      out_ << "  and " << Counted(AsCount(moved), "path")
           << " elsewhere that only moved with them\n";
    }
    EndSection();
  }

  static bool IsPair(const PackageDifference& package) {
    return package.kind() == PackageDifference::UPDATED ||
           package.kind() == PackageDifference::REBUILT;
  }

  void WritePackage(const PackageDifference& package, size_t width) {
    if (!IsPair(package)) {
      const bool gone = package.kind() == PackageDifference::GONE;
      const double size = gone ? package.nar_size_a() : package.nar_size_b();
      out_ << "  " << Signed(gone ? '-' : '+', gone ? package.path_a() : package.path_b());
      if (size > 0) out_ << "  " << HumanBytes(AsCount(size));
      out_ << "\n";
      return;
    }
    const std::string padding(width - std::min(width, package.name().size()), ' ');
    out_ << "  " << Signed('~', package.name()) << padding << "  ";
    const auto version = [](const std::string& text) { return text.empty() ? "(none)" : text; };
    if (package.kind() == PackageDifference::UPDATED) {
      out_ << version(package.version_a()) << " -> " << version(package.version_b());
    } else {
      out_ << (package.version_a().empty() ? "" : package.version_a() + " ") << "rebuilt";
    }
    const std::string growth = Growth(package.nar_size_a(), package.nar_size_b());
    if (!growth.empty()) out_ << "  " << growth;
    out_ << "\n";
    if (options_.verbose) {
      out_ << "      " << Signed('-', package.path_a()) << "\n";
      out_ << "      " << Signed('+', package.path_b()) << "\n";
    }
  }

  void WriteContents() {
    if (comparison_.contents().empty()) return;
    Heading("contents", {ContentsCount()});
    for (const ContentsDifference& difference : comparison_.contents()) {
      if (left_ == 0) {
        hidden_ += std::max(1, difference.files_size());
        continue;
      }
      out_ << "  " << Bold(difference.path()) << "\n";
      for (const std::string& note : difference.notes()) out_ << "    note: " << note << "\n";
      if (difference.files().empty() && Take()) {
        out_ << "    " << Signed('-', difference.nar_hash_a()) << "\n";
        out_ << "    " << Signed('+', difference.nar_hash_b()) << "\n";
      }
      for (const FileDifference& file : difference.files()) {
        if (!Take()) continue;
        const size_t prefix = std::min(difference.path().size() + 1, file.path().size());
        const std::string below = file.path().substr(prefix);
        WriteFile("    ", below.empty() ? "(itself)" : below, file);
      }
    }
    EndSection();
  }

  void WriteOutside() {
    if (comparison_.files().empty()) return;
    Heading("files outside the store", {Grouped(comparison_.files_size())});
    for (const FileDifference& file : comparison_.files()) {
      if (Take()) WriteFile("  ", file.path(), file);
    }
    EndSection();
  }

  void WriteFile(const std::string& indent, const std::string& name, const FileDifference& file) {
    for (const Change& change : file.changes()) {
      if (change.what() == "presence") {
        const bool gone = change.b().empty();
        out_ << indent << Signed(gone ? '-' : '+', name) << "  " << (gone ? change.a() : change.b())
             << "\n";
        continue;
      }
      out_ << indent << Signed('~', name) << "  " << change.what();
      if (change.what() != "contents") {
        WriteValues(indent + "    ", change.a(), change.b());
        continue;
      }
      if (change.line() > 0) {
        out_ << " from line " << Grouped(change.line());
      } else {
        out_ << " from " << Hex(AsCount(change.offset()));
      }
      if (change.size_a() != change.size_b()) {
        out_ << "  " << Grouped(AsCount(change.size_a())) << " -> "
             << Counted(AsCount(change.size_b()), "byte");
      }
      out_ << "\n";
      // Lines are shown as they are, an empty one too.
      if (change.line() > 0 || !change.a().empty() || !change.b().empty()) {
        out_ << indent << "    " << Signed('-', Shown(change, change.a(), change.size_a())) << "\n";
        out_ << indent << "    " << Signed('+', Shown(change, change.b(), change.size_b())) << "\n";
      }
    }
  }

  // Nothing is an empty line, or where one of the files has ended.
  static std::string Shown(const Change& change, const std::string& value, double size) {
    return value.empty() && change.offset() >= size ? "(end of the file)" : value;
  }

  void WriteSettings() {
    if (comparison_.settings().empty()) return;
    Heading("settings", {Grouped(comparison_.settings_size())});
    std::string_view last;
    for (const SettingDifference& setting : comparison_.settings()) {
      if (!Take()) continue;
      if (setting.name() == last) {
        WriteSides("      ", setting.a(), setting.b());
        continue;
      }
      last = setting.name();
      out_ << "  " << Signed('~', setting.name());
      WriteValues("      ", setting.a(), setting.b());
    }
    EndSection();
  }

  void WriteTools() {
    if (comparison_.tools().empty()) return;
    size_t changed = 0, added = 0, gone = 0;
    for (const ToolDifference& tool : comparison_.tools()) {
      ++(tool.a().empty() ? added : tool.b().empty() ? gone : changed);
    }
    std::vector<std::string> counts;
    if (changed > 0) counts.push_back(absl::StrCat(Grouped(changed), " changed"));
    if (added > 0) counts.push_back(absl::StrCat(Grouped(added), " added"));
    if (gone > 0) counts.push_back(absl::StrCat(Grouped(gone), " gone"));
    Heading("tools", counts);
    for (const ToolDifference& tool : comparison_.tools()) {
      if (!Take()) continue;
      if (!tool.a().empty() && !tool.b().empty()) {
        out_ << "  " << Signed('~', tool.name());
        WriteValues("      ", tool.a(), tool.b());
      } else {
        const bool added_tool = tool.a().empty();
        out_ << "  " << Signed(added_tool ? '+' : '-', tool.name()) << "  "
             << (added_tool ? tool.b() : tool.a()) << "\n";
      }
    }
    EndSection();
  }

  template <typename Findings>
  void WriteFindings(std::string_view title, char sign, const Findings& findings) {
    size_t shown = 0, notes = 0;
    for (const Finding& finding : findings) ++(IsShown(finding) ? shown : notes);
    if (shown == 0) return;
    std::vector<std::string> counts = {Grouped(shown)};
    if (notes > 0) counts.push_back(Counted(notes, "note") + " (--verbose shows them)");
    Heading(title, counts);
    for (const Finding& finding : findings) {
      if (!IsShown(finding) || !Take()) continue;
      out_ << "  " << Signed(sign, absl::StrCat(SeverityName(finding), "[", finding.rule(), "]"))
           << ": " << (finding.message().empty() ? finding.name() : finding.message()) << "\n";
      out_ << "      " << finding.path() << Referenced(finding) << "\n";
    }
    EndSection();
  }

  // What message and path do not say yet.
  static std::string Referenced(const Finding& finding) {
    const std::string& referenced = finding.referenced();
    if (finding.message().find(referenced) != std::string::npos) return "";
    if (IsWithin(finding.path(), referenced)) return "";
    if (referenced.find('/') != std::string::npos) return "  names " + referenced;
    return absl::StrCat("  (", referenced, ")");
  }

  bool IsShown(const Finding& finding) const {
    return options_.verbose || finding.severity() != Finding::NOTE ||
           options_.fail_on == Finding::NOTE;
  }
  static const char* SeverityName(const Finding& finding) {
    switch (finding.severity()) {
      case Finding::WARNING:
        return "warning";
      case Finding::NOTE:
        return "note";
      default:
        return "error";
    }
  }

  void WriteProblems() {
    if (comparison_.problems().empty()) return;
    Heading("could not be read", {Grouped(comparison_.problems_size())});
    for (const std::string& problem : comparison_.problems()) {
      if (Take()) out_ << "  " << problem << "\n";
    }
    EndSection();
  }

  static std::string SizeOf(const ComparedSide& side) {
    std::vector<std::string> facts;
    if (!side.digest().empty()) facts.push_back(side.digest());
    if (side.store_paths() > 0) facts.push_back(Counted(AsCount(side.store_paths()), "store path"));
    if (side.nar_size() > 0) facts.push_back(HumanBytes(AsCount(side.nar_size())));
    return facts.empty() ? "" : absl::StrCat("  ", absl::StrJoin(facts, ", "));
  }

  std::string ContentsCount() const {
    return absl::StrCat(Counted(AsCount(comparison_.counts().contents()), "file"), " in ",
                        Counted(comparison_.contents_size(), "store path"));
  }

  std::string Counts() const {
    const DifferenceCounts& counts = comparison_.counts();
    std::vector<std::string> parts;
    const auto add = [&](double count, const char* singular) {
      if (count > 0) parts.push_back(Counted(AsCount(count), singular));
    };
    add(counts.packages(), "package");
    if (counts.contents() > 0) parts.push_back(ContentsCount());
    if (counts.files() > 0) {
      parts.push_back(Counted(AsCount(counts.files()), "file") + " outside the store");
    }
    add(counts.settings(), "setting");
    add(counts.tools(), "tool");
    double below = 0;
    add(AtOrAbove(comparison_.new_findings(), &below), "new finding");
    add(AtOrAbove(comparison_.fixed_findings(), &below), "fixed finding");
    std::string text = counts.differences() > 0
                           ? Counted(AsCount(counts.differences()), "difference")
                           : std::string("no difference");
    if (!parts.empty()) absl::StrAppend(&text, ": ", absl::StrJoin(parts, ", "));
    if (below > 0) {
      absl::StrAppend(&text, "; ", Counted(AsCount(below), "finding"), " below --fail-on");
    }
    return text;
  }

  // Adds the others to `below`.
  template <typename Findings>
  double AtOrAbove(const Findings& findings, double* below) const {
    double count = 0;
    for (const Finding& finding : findings) {
      const bool counts = finding.severity() == Finding::SEVERITY_UNSPECIFIED ||
                          finding.severity() >= options_.fail_on;
      ++(counts ? count : *below);
    }
    return count;
  }

  const Comparison& comparison_;
  const TextOptions& options_;
  const Paint paint_;
  std::ostream& out_;
  size_t left_ = 0, hidden_ = 0;  // of the current section
};

}  // namespace

void WriteText(const Comparison& comparison, const TextOptions& options, std::ostream& out) {
  ComparisonWriter writer(comparison, options, out);
  if (options.quiet) {
    if (comparison.verdict() != Comparison::SAME) writer.WriteVerdict();
    return;
  }
  writer.WriteDifferences();
  writer.WriteSummary();
  writer.WriteVerdict();
}

}  // namespace lre_audit
