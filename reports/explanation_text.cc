#include "reports/explanation_text.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/text.h"
#include "reports/numbers.h"
#include "reports/paint.h"

namespace lre_audit {
namespace {

// "CppCompile //lib:lib"; logs before Bazel 5 have no labels.
std::string ActionName(const std::string& mnemonic, const std::string& label) {
  return absl::StrCat(mnemonic, mnemonic.empty() || label.empty() ? "" : " ", label);
}

// Of two long texts, what differs and some of what stands around it; users copy short ones. What
// differs throughout is cut: JSON has it whole.
std::pair<std::string, std::string> Excerpts(const std::string& a, const std::string& b) {
  constexpr size_t kShort = 200, kAround = 60, kMost = 1000;
  if (a.size() <= kShort && b.size() <= kShort) return {a, b};
  const size_t shorter = std::min(a.size(), b.size());
  size_t prefix = 0, suffix = 0;
  while (prefix < shorter && a[prefix] == b[prefix]) ++prefix;
  while (suffix < shorter - prefix && a[a.size() - 1 - suffix] == b[b.size() - 1 - suffix]) {
    ++suffix;
  }
  // Not within a character.
  const auto is_inner = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  const auto excerpt = [&](const std::string& text) {
    size_t begin = prefix > kAround ? prefix - kAround : 0;
    size_t end = suffix > kAround ? text.size() - suffix + kAround : text.size();
    while (begin > 0 && is_inner(text[begin])) --begin;
    while (end < text.size() && is_inner(text[end])) ++end;
    std::string rest = end < text.size() ? "..." : "";
    if (end - begin > kMost) {
      const uint64_t bytes = end - begin;
      end = begin + kMost;
      while (end > begin && is_inner(text[end])) --end;
      rest = absl::StrCat("... (", Grouped(bytes), " bytes)");
    }
    return absl::StrCat(begin > 0 ? "..." : "", text.substr(begin, end - begin), rest);
  };
  return {excerpt(a), excerpt(b)};
}

void WriteComponents(const ExplainedAction& action, const Paint& paint, std::ostream& out) {
  for (const KeyComponent& component : action.components()) {
    const std::string value = component.has_local() ? component.local() : component.remote();
    if (!component.differs()) {
      out << "    " << component.name() << ": " << value << "\n";
      continue;
    }
    if (component.has_local()) {
      out << paint(absl::StrCat("  - ", component.name(), ": ", component.local()),
                   Paint::kPlainRed)
          << "\n";
    }
    if (component.has_remote()) {
      out << paint(absl::StrCat("  + ", component.name(), ": ", component.remote()),
                   Paint::kPlainGreen)
          << "\n";
    }
  }
}

void WriteFullAction(const ExplainedAction& action, const Paint& paint, std::ostream& out) {
  std::string name = ActionName(action.mnemonic(), action.label());
  if (name.empty()) name = "action";
  out << paint(name, Paint::kBold);
  if (action.outputs_size() > 0) out << "  " << action.outputs(0);
  out << "\n";
  const auto has = [&](bool (KeyComponent::*of_side)() const) {
    return std::any_of(action.components().begin(), action.components().end(),
                       [&](const KeyComponent& component) { return (component.*of_side)(); });
  };
  const auto key = [&](std::string_view side, const std::string& digest, bool is_there) {
    out << "  " << side << " key: "
        << (!is_there        ? "none, for its log does not have the action"
            : digest.empty() ? "not known"
                             : digest)
        << "\n";
  };
  if (action.same_key()) {
    out << "  key on both sides: " << action.local_key() << "\n";
  } else {
    key("local", action.local_key(), has(&KeyComponent::has_local));
    key("remote", action.remote_key(), has(&KeyComponent::has_remote));
  }
  WriteComponents(action, paint, out);
  out << "\n";
}

}  // namespace

void WriteExplanation(const Report& report, const TextOptions& options, std::ostream& out) {
  const Paint paint(options.color);
  const Explanation& explanation = report.explanation();
  const auto name = [&](int i) {
    return i < report.subjects_size() ? report.subjects(i).reference() : std::string();
  };
  const auto count = [](double number) { return Counted(AsCount(number), "action"); };
  out << "local   " << paint(name(0), Paint::kBold) << "  " << count(explanation.local_actions())
      << "\nremote  " << paint(name(1), Paint::kBold) << "  " << count(explanation.remote_actions())
      << "\n";
  out << Grouped(AsCount(explanation.paired()))
      << " are on both sides: " << Grouped(AsCount(explanation.same_key()))
      << " with the same key, "
      << paint(absl::StrCat(Grouped(AsCount(explanation.other_key())), " with another"),
               explanation.other_key() > 0 ? Paint::kRed : Paint::kGreen);
  std::vector<std::string> alone;
  if (explanation.only_local() > 0) {
    alone.push_back(absl::StrCat(Grouped(AsCount(explanation.only_local())), " in local alone"));
  }
  if (explanation.only_remote() > 0) {
    alone.push_back(absl::StrCat(Grouped(AsCount(explanation.only_remote())), " in remote alone"));
  }
  if (!alone.empty()) out << "; " << absl::StrJoin(alone, ", ");
  const bool differs =
      std::any_of(report.findings().begin(), report.findings().end(),
                  [](const Finding& finding) { return finding.severity() == Finding::ERROR; });
  if (explanation.unknown_key() > 0) {
    out << ", " << Grouped(AsCount(explanation.unknown_key())) << " whose keys cannot be told";
  }
  if (explanation.paired() > 0 && explanation.other_key() == 0 && !differs) {
    out << ": " << paint("no difference", Paint::kGreen);
  }
  out << "\n"
      << Grouped(AsCount(explanation.verified())) << " of "
      << Grouped(AsCount(explanation.paired())) << " pairs of keys are verified to be Bazel's"
      << (explanation.verified() > 0 || explanation.paired() == 0 ? ""
          : explanation.caches().empty()
              ? " (--cache DIR or a gRPC log verifies those of logs without digests)"
              : ", for no cache that answers has one of them")
      << "\n\n";
  for (const ExplainedAction& action : explanation.actions()) {
    WriteFullAction(action, paint, out);
  }
}

void WriteAction(const KeyCause& cause, std::ostream& out) {
  const std::string name = ActionName(cause.mnemonic(), cause.label());
  if (!name.empty()) out << "  (" << name << ")";
  out << "\n";
}

void WriteKeyCause(const Finding& finding, const TextOptions& options, std::ostream& out) {
  const Paint paint(options.color);
  const KeyCause& cause = finding.key_cause();
  const std::string gutter = paint("   |  ", Paint::kBlue);
  const bool same_key = cause.local_key() == cause.remote_key();
  const auto sides = [&](const char* local, const std::string& here, const char* remote,
                         const std::string& there) {
    out << gutter << local << here << "\n" << gutter << remote << there << "\n";
  };
  if (cause.has_local() || cause.has_remote()) {
    const auto [local, remote] = Excerpts(cause.local(), cause.remote());
    const auto shown = [](bool has, const std::string& text) {
      return !has ? "(none)" : text.empty() ? "(empty)" : text;
    };
    sides("local:  ", shown(cause.has_local(), local),
          "remote: ", shown(cause.has_remote(), remote));
  }
  const bool proven = cause.proof() == KeyCause::PROVEN;
  if (!cause.local_key().empty() && !cause.remote_key().empty()) {
    if (same_key) {
      out << gutter << "key:    " << cause.local_key() << "\n";
    } else if (proven) {
      sides("local key:  ", cause.local_key(), "remote key: ", cause.remote_key());
    }
  }
  const auto remark = [&](std::string_view kind, const std::string& text) {
    out << paint("   = ", Paint::kBlue) << paint(absl::StrCat(ToAbsl(kind), ":"), Paint::kBold)
        << " " << text << "\n";
  };
  const uint64_t direct = AsCount(cause.direct_actions()), all = AsCount(cause.actions());
  const uint64_t proven_actions = AsCount(cause.proven_actions());
  std::string proof =
      paint(proven ? "PROVEN" : "UNVERIFIED", proven ? Paint::kGreen : Paint::kYellow);
  if (proven && proven_actions < direct) {
    absl::StrAppend(&proof, " in ", Grouped(proven_actions), " of ", Counted(direct, "action"));
  }
  if (proven) {
    absl::StrAppend(&proof, cause.local_key().empty()
                                ? ": what the builds left behind says so itself"
                            : same_key ? ": both sides' key is the one that Bazel computed"
                            : cause.proven_alone() > 0
                                ? ": with the remote's side of it, the local key was computed to "
                                  "be the remote's"
                                : ": with the remote's side of it, and of what else differs in the "
                                  "action, the local key was computed to be the remote's");
  } else {
    absl::StrAppend(&proof, ": ", cause.unverified_because());
  }
  remark("proof", proof);
  if (proven && !cause.unverified_because().empty()) {
    remark("note", absl::StrCat("in the other ", Grouped(direct - proven_actions), ": ",
                                cause.unverified_because()));
  }

  std::string cost;
  if (same_key && all == direct) {
    cost = Counted(direct, "action");
  } else if (same_key) {
    cost = absl::StrCat(Counted(direct, "action"), ", and ", Grouped(all - direct),
                        " that have another key for reading what it makes");
  } else {
    const uint64_t alone = AsCount(cause.actions_alone());
    cost =
        absl::StrCat(Counted(all, "action"), all == 1 ? " has" : " have",
                     " another key because of it", alone == 0 ? ", and of other causes too" : "");
    if (all > direct) {
      absl::StrAppend(&cost, ": ", Grouped(direct), " directly, ", Grouped(all - direct),
                      " by what they read");
    }
    if (alone > 0 && alone < all) {
      absl::StrAppend(&cost, "; ", Grouped(all - alone), " of them because of other causes too");
    }
  }
  if (cause.seconds() > 0) {
    absl::StrAppend(&cost, "; ", HumanSeconds(cause.seconds()), " of execution");
  }
  remark("actions", cost);
}

}  // namespace lre_audit
