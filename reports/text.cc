#include "reports/text.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/text.h"
#include "reports/explanation_text.h"
#include "reports/numbers.h"
#include "reports/paint.h"

namespace lre_audit {
namespace {

constexpr size_t kFoldedFilesShown = 3;
constexpr size_t kConfigurationsShown = 8;

// A finding and the others that are folded into it.
struct Group {
  const Finding* first;
  std::vector<const Finding*> others;
};

class TextWriter {
 public:
  TextWriter(const Report& report, const TextOptions& options, std::ostream& out)
      : report_(report), options_(options), paint_(options.color), out_(out) {}

  void WriteFindings() {
    for (const Group& group : Groups()) {
      WriteHeading(*group.first);
      WritePlace(*group.first);
      WriteEvidence(*group.first);
      if (group.first->has_key_cause()) WriteKeyCause(*group.first, options_, out_);
      for (const std::string& note : group.first->notes()) WriteRemark("note", note);
      if (!group.first->help().empty()) WriteRemark("help", group.first->help());
      WriteFolded(group);
      out_ << "\n";
    }
  }

  void WriteSummary() {
    const Statistics& statistics = report_.statistics();
    std::vector<std::string> configurations;
    for (const ReportSubject& subject : report_.subjects()) {
      if (subject.kind() == ReportSubject::CONFIGURATION) {
        configurations.push_back(subject.reference());
        continue;
      }
      out_ << "audited " << Bold(subject.reference());
      for (const std::string& fact : {subject.digest(), subject.platform()}) {
        if (!fact.empty()) out_ << "  " << fact;
      }
      out_ << "\n";
      if (subject.closure().empty()) continue;
      out_ << "  against " << subject.closure();
      // The count is of all subjects' closures, so it says something of a lone one only.
      if (report_.subjects_size() == 1 && statistics.closure_paths() > 0) {
        out_ << ": " << Counted(AsCount(statistics.closure_paths()), "store path");
      }
      out_ << "\n";
    }
    WriteConfigurations(configurations);
    // Of a toolchain alone, store paths and objects are not counted, for they are not read.
    const bool only_configuration =
        report_.subjects_size() > 0 &&
        std::all_of(report_.subjects().begin(), report_.subjects().end(),
                    [](const ReportSubject& subject) {
                      return subject.kind() == ReportSubject::TOOLCHAIN ||
                             subject.kind() == ReportSubject::CONFIGURATION;
                    });
    out_ << "  " << Counted(AsCount(statistics.files()), "file") << ", "
         << HumanBytes(AsCount(statistics.bytes()));
    if (!only_configuration) {
      out_ << ", " << Counted(AsCount(statistics.store_paths()), "store path") << ", "
           << Counted(AsCount(statistics.elf_objects()), "ELF object");
    }
    if (statistics.layers() > 0) out_ << " in " << Counted(AsCount(statistics.layers()), "layer");
    out_ << ", " << HumanSeconds(options_.seconds) << "\n";
  }

  void WriteVerdict() {
    const char* color = report_.verdict() == Report::CLEAN ? Paint::kGreen : Paint::kRed;
    out_ << "verdict: " << paint_(Report::Verdict_Name(report_.verdict()), color) << "  "
         << Counts() << "\n";
  }

 private:
  std::string Bold(std::string_view text) const { return paint_(text, Paint::kBold); }
  std::string Gutter(std::string_view sign) const { return paint_(sign, Paint::kBlue); }

  bool NotesShown() const { return options_.verbose || options_.fail_on == Finding::NOTE; }

  bool Shown(const Finding& finding) const {
    if (finding.suppressed()) return options_.verbose;
    return finding.severity() != Finding::NOTE || NotesShown();
  }

  std::vector<Group> Groups() const {
    std::vector<const Finding*> shown;
    for (const Finding& finding : report_.findings()) {
      if (Shown(finding)) shown.push_back(&finding);
    }
    std::stable_sort(shown.begin(), shown.end(), [](const Finding* a, const Finding* b) {
      return a->severity() > b->severity();
    });
    std::vector<Group> groups;
    using Key = std::tuple<std::string_view, std::string_view, std::string_view, int, bool>;
    std::map<Key, size_t> group_of;
    for (const Finding* finding : shown) {
      if (!finding->cause().empty()) {
        const Key key(finding->subject(), finding->rule(), finding->cause(), finding->severity(),
                      finding->suppressed());
        const auto [it, is_new] = group_of.emplace(key, groups.size());
        if (!is_new) {
          groups[it->second].others.push_back(finding);
          continue;
        }
      }
      groups.push_back({finding, {}});
    }
    return groups;
  }

  void WriteHeading(const Finding& finding) {
    const auto [level, color] = [&]() -> std::pair<const char*, const char*> {
      switch (finding.severity()) {
        case Finding::WARNING:
          return {"warning", Paint::kYellow};
        case Finding::NOTE:
          return {"note", Paint::kCyan};
        default:
          return {"error", Paint::kRed};
      }
    }();
    const std::string& message = finding.message().empty() ? finding.name() : finding.message();
    out_ << paint_(absl::StrCat(level, "[", finding.rule(), "]"), color)
         << Bold(absl::StrCat(finding.suppressed() ? " (suppressed): " : ": ", message)) << "\n";
  }

  static std::string PlaceOf(const Finding& finding) {
    const Location& location = finding.location();
    std::string place = finding.path().empty() ? finding.subject() : finding.path();
    if (place.empty() || location.line() == 0) return place;
    absl::StrAppend(&place, ":", location.line());
    if (location.column() > 0) absl::StrAppend(&place, ":", location.column());
    return place;
  }

  // "  --> PATH:LINE:COLUMN  (layer 3 of SUBJECT)"; what is not known is left out, and so is a
  // subject that is the only one.
  void WritePlace(const Finding& finding) {
    const Location& location = finding.location();
    const std::string place = PlaceOf(finding);
    if (place.empty()) return;
    out_ << Gutter("  --> ") << place;
    if (finding.has_key_cause()) {
      WriteAction(finding.key_cause(), out_);
      return;
    }
    if (!location.layer().empty()) {
      out_ << "  (" << location.layer();
      if (!finding.subject().empty()) out_ << " of " << finding.subject();
      out_ << ")";
    } else if (SubjectIsNews(finding)) {
      out_ << "  (in " << finding.subject() << ")";
    }
    out_ << "\n";
  }

  // Whether the finding's subject is one of several, and its path does not say which.
  bool SubjectIsNews(const Finding& finding) const {
    const std::string& subject = finding.subject();
    if (report_.subjects_size() < 2 || finding.path().empty() ||
        finding.path().starts_with(subject)) {
      return false;
    }
    return std::any_of(report_.subjects().begin(), report_.subjects().end(),
                       [&](const ReportSubject& s) { return s.reference() == subject; });
  }

  void WriteEvidence(const Finding& finding) {
    if (!finding.evidence().empty()) {
      out_ << Gutter("   |  ") << finding.evidence() << "\n";
    } else if (finding.location().offset() > 0) {
      out_ << Gutter("   |  ") << "at " << Hex(AsCount(finding.location().offset())) << "\n";
    }
    const std::string& referenced = finding.referenced();
    const auto says = [&](const std::string& text) {
      return text.find(referenced) != std::string::npos;
    };
    if (!referenced.empty() && !says(finding.evidence()) && !says(finding.message()) &&
        finding.rule().rfind("LRE7", 0) != 0) {
      out_ << Gutter("   |  ") << "names " << referenced << "\n";
    }
  }

  void WriteRemark(std::string_view kind, std::string_view text) {
    out_ << Gutter("   = ") << Bold(absl::StrCat(ToAbsl(kind), ":")) << " " << text << "\n";
  }

  void WriteFolded(const Group& group) {
    const std::vector<const Finding*>& others = group.others;
    if (others.empty()) return;
    const bool in_same_file = std::any_of(others.begin(), others.end(), [&](const Finding* other) {
      return other->path() == group.first->path();
    });
    const std::string what = in_same_file ? "place" : "file";
    const bool all = options_.verbose || others.size() <= kFoldedFilesShown;
    out_ << Gutter("   = ") << "also in " << Grouped(others.size()) << " other " << what
         << (others.size() == 1 ? "" : "s") << (all ? "" : " (--verbose lists all)") << ":\n";
    for (size_t i = 0; i < (all ? others.size() : kFoldedFilesShown); ++i) {
      out_ << "       " << PlaceOf(*others[i]) << "\n";
    }
    if (!all) out_ << "       ...\n";
  }

  // "compared lre.bazelrc, MODULE.bazel and 12 more (--verbose lists all)".
  void WriteConfigurations(const std::vector<std::string>& files) {
    if (files.empty()) return;
    const size_t shown = options_.verbose || files.size() <= kConfigurationsShown + 1
                             ? files.size()
                             : kConfigurationsShown;
    out_ << "compared " << absl::StrJoin(files.begin(), files.begin() + shown, ", ");
    if (shown < files.size()) {
      out_ << " and " << Grouped(files.size() - shown) << " more (--verbose lists all)";
    }
    out_ << "\n";
  }

  // "2 errors, 1 warning (14 notes, 3 suppressed: --verbose shows them)".
  std::string Counts() const {
    const Statistics& statistics = report_.statistics();
    std::vector<std::string> shown, hidden;
    const auto add = [&](double count, const char* singular, bool is_shown) {
      if (count > 0) (is_shown ? shown : hidden).push_back(Counted(AsCount(count), singular));
    };
    add(statistics.errors(), "error", true);
    add(statistics.warnings(), "warning", true);
    add(statistics.notes(), "note", NotesShown());
    if (statistics.suppressed() > 0) {
      (options_.verbose ? shown : hidden)
          .push_back(absl::StrCat(Grouped(AsCount(statistics.suppressed())), " suppressed"));
    }
    std::string counts = shown.empty() ? "nothing to report" : absl::StrJoin(shown, ", ");
    if (!hidden.empty()) {
      absl::StrAppend(&counts, " (", absl::StrJoin(hidden, ", "), ": --verbose shows them)");
    }
    return counts;
  }

  const Report& report_;
  const TextOptions& options_;
  const Paint paint_;
  std::ostream& out_;
};

}  // namespace

void WriteText(const Report& report, const TextOptions& options, std::ostream& out) {
  TextWriter writer(report, options, out);
  if (options.quiet) {
    if (report.verdict() != Report::CLEAN) writer.WriteVerdict();
    return;
  }
  if (report.has_explanation()) WriteExplanation(report, options, out);
  writer.WriteFindings();
  if (!report.has_explanation()) writer.WriteSummary();
  writer.WriteVerdict();
}

}  // namespace lre_audit
