// LRE608: architecture and operating system, as a toolchain's files, the image and the tools' own
// objects say them.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/text.h"
#include "rules/config_finding.h"
#include "rules/judges.h"

namespace lre_audit::judge {
namespace {

// A processor or system by its names: of @platforms//cpu and //os, GOARCH and GOOS, Nix, GNU
// triples, Bazel's --cpu, and elf::MachineName, all in lower case.
struct Synonyms {
  std::string_view name;
  std::array<std::string_view, 8> words;
};
constexpr Synonyms kProcessors[] = {
    {"x86_64", {"x86_64", "x86-64", "amd64", "k8", "x64"}},
    {"x86_32", {"x86_32", "80386", "i386", "i486", "i586", "i686", "386", "piii"}},
    {"aarch64", {"aarch64", "arm64"}},
    // No "armeabi-v7a": it names an ABI to compile for, and stands as host_system_name in the stub
    // that Bazel writes beside every toolchain.
    {"arm", {"arm", "armv7", "armv7l", "armv7a", "aarch32"}},
    {"riscv64", {"riscv64", "risc-v"}},
    {"ppc64le", {"ppc64le", "powerpc64le", "powerpc64"}},
    {"s390x", {"s390x", "s/390"}},
};
constexpr Synonyms kSystems[] = {
    {"linux", {"linux"}},
    {"macos", {"macos", "osx", "darwin", "macosx"}},
    {"windows", {"windows", "mingw32"}},
    {"freebsd", {"freebsd"}},
};

std::string_view Find(const auto& table, std::string_view word) {
  const std::string lower = absl::AsciiStrToLower(ToAbsl(word));
  for (const Synonyms& entry : table) {
    for (const std::string_view name : entry.words) {
      if (!name.empty() && name == lower) return entry.name;
    }
  }
  return {};
}

// Somebody who says for which machine something is. Empty: it does not say.
struct Party {
  std::string who;  // "host_system_name", "the image oci:worker:t"
  std::string said;
  std::string_view processor, system;
  const LinkedSetting* setting = nullptr;
  const ToolchainClaim* claim = nullptr;
};
using Parties = std::vector<Party>;

// The words of "x86_64-unknown-linux-gnu" or "x86_64-linux".
void ReadTriple(const std::string& triple, Party& party) {
  party.processor = Find(kProcessors, triple);
  for (const absl::string_view word : absl::StrSplit(triple, '-')) {
    if (party.processor.empty()) party.processor = Find(kProcessors, ToStd(word));
    if (party.system.empty()) party.system = Find(kSystems, ToStd(word));
  }
}

// What `setting` says of the machine that the tools run on; nullopt if nothing.
std::optional<Party> PartyOf(const LinkedSetting& linked) {
  const Setting& setting = *linked.setting;
  Party party;
  party.who = setting.key();
  party.said = setting.value();
  party.setting = &linked;
  switch (setting.kind()) {
    case Setting::CONSTRAINT: {
      if (setting.key() == "target") return std::nullopt;
      const std::string value = setting.value().substr(setting.value().rfind(':') + 1);
      party.who = "the constraint " + setting.value();
      if (setting.value().find("//cpu") != std::string::npos) {
        party.processor = Find(kProcessors, value);
      } else if (setting.value().find("//os") != std::string::npos) {
        party.system = Find(kSystems, value);
      }
      break;
    }
    case Setting::EXEC_PROPERTY:
      if (setting.key() == "OSFamily") {
        party.system = Find(kSystems, setting.value());
      } else if (setting.key() == "Arch" || setting.key() == "ISA") {
        party.processor = Find(kProcessors, setting.value());
      }
      break;
    case Setting::SYSTEM_NAME:
      // Others are about the machine that is compiled for.
      if (setting.key() == "host_system_name") ReadTriple(setting.value(), party);
      break;
    default:
      break;
  }
  if (party.processor.empty() && party.system.empty()) return std::nullopt;
  return party;
}

// Who speaks about the toolchain as a whole, by kind of statement. A toolchain for several machines
// makes several statements of each kind.
std::vector<Parties> Statements(const LinkedToolchain& toolchain) {
  constexpr Setting::Kind kKinds[] = {Setting::CONSTRAINT, Setting::EXEC_PROPERTY,
                                      Setting::SYSTEM_NAME};
  std::vector<Parties> result;
  for (const Setting::Kind kind : kKinds) {
    Parties& parties = result.emplace_back();
    for (const LinkedSetting& setting : toolchain.settings) {
      if (setting.setting->kind() != kind) continue;
      if (auto party = PartyOf(setting)) parties.push_back(*std::move(party));
    }
  }
  return result;
}

Party PartyOf(const ToolchainView& view) {
  Party party;
  party.who = ViewName(view);
  party.said = view.system;
  ReadTriple(view.system, party);
  return party;
}

Parties ToolsIn(const LinkedToolchain& toolchain, size_t view) {
  Parties parties;
  for (const ToolchainClaim& claim : toolchain.claims) {
    if (claim.claim->kind() != Claim::TOOL || view >= claim.targets.size()) continue;
    const std::string& machine = claim.targets[view].machine;
    if (machine.empty()) continue;
    Party party;
    party.who = "the program " + claim.claim->text();
    party.said = machine;
    party.processor = Find(kProcessors, machine);
    party.claim = &claim;
    parties.push_back(std::move(party));
  }
  return parties;
}

using Pair = std::pair<Party, Party>;

// Whether a machine runs what is for another: an x86_64 runs what is for x86_32 too.
bool Runs(std::string_view machine, std::string_view program) {
  return machine == program || (machine == "x86_64" && program == "x86_32");
}

// The first of each that say something else, if no two say the same.
std::optional<Pair> Disagreement(const Parties& a, const Parties& b) {
  for (std::string_view Party::*part : {&Party::processor, &Party::system}) {
    const Party* first_a = nullptr;
    const Party* first_b = nullptr;
    bool agree = false;
    for (const Party& x : a) {
      if ((x.*part).empty()) continue;
      if (first_a == nullptr) first_a = &x;
      for (const Party& y : b) {
        if ((y.*part).empty()) continue;
        if (first_b == nullptr) first_b = &y;
        agree |= Runs(x.*part, y.*part);
      }
    }
    if (!agree && first_a != nullptr && first_b != nullptr) return Pair(*first_a, *first_b);
  }
  return std::nullopt;
}

// The first program that the machine of `view` does not run.
std::optional<Pair> ForeignTool(const Party& view, const Parties& tools) {
  if (view.processor.empty()) return std::nullopt;
  for (const Party& tool : tools) {
    if (!tool.processor.empty() && !Runs(view.processor, tool.processor)) return Pair(view, tool);
  }
  return std::nullopt;
}

std::optional<Pair> DisagreementIn(const LinkedToolchain& toolchain,
                                   const std::vector<Parties>& statements, size_t view) {
  const bool is_image = toolchain.views[view].kind == ToolchainView::Kind::kImage;
  const Party machine = is_image ? PartyOf(toolchain.views[view]) : Party();
  const Parties tools = ToolsIn(toolchain, view);
  for (const Parties& parties : statements) {
    if (auto pair = Disagreement(parties, {machine})) return pair;
    if (auto pair = Disagreement(parties, tools)) return pair;
  }
  return ForeignTool(machine, tools);
}

std::string PlaceOf(const Party& party) {
  if (party.setting != nullptr) return lre_audit::PlaceOf(*party.setting);
  return party.claim != nullptr ? lre_audit::PlaceOf(*party.claim) : "";
}

Finding DifferenceFinding(const Rule& rule, const Pair& pair) {
  constexpr std::string_view kHelp =
      "generate the toolchain in the image that will run it; build both for the machine that the "
      "workers have";
  const auto& [a, b] = pair;
  const bool by_processor =
      !a.processor.empty() && !b.processor.empty() && a.processor != b.processor;
  std::string message =
      absl::StrCat(a.who, " is for ", ToAbsl(by_processor ? a.processor : a.system), ", and ",
                   b.who, " is for ", ToAbsl(by_processor ? b.processor : b.system));
  // The place is that of the first that has one.
  const bool at_a = a.setting != nullptr;
  const Party& at = at_a ? a : b;
  const Party& other = at_a ? b : a;
  Finding finding =
      at.setting != nullptr
          ? SettingFinding(rule, *at.setting, at.said, std::move(message), kHelp)
          : ToolchainFinding(rule, *at.claim, at.claim->claim->text(), std::move(message), kHelp);
  const std::string place = PlaceOf(other);
  finding.add_notes(absl::StrCat(place, place.empty() ? "" : ": ", other.who, " says ",
                                 other.said.empty() ? "nothing" : other.said));
  return finding;
}

}  // namespace

void PlatformDiffers(const Subject& subject, const Rule& rule, Findings& findings) {
  if (!subject.toolchain) return;
  const LinkedToolchain& toolchain = *subject.toolchain;
  const std::vector<Parties> statements = Statements(toolchain);
  for (size_t i = 0; i < statements.size(); ++i) {
    for (size_t k = i + 1; k < statements.size(); ++k) {
      if (const auto pair = Disagreement(statements[i], statements[k])) {
        // Whoever is right, every image would only say the same again.
        findings.push_back(DifferenceFinding(rule, *pair));
        return;
      }
    }
  }
  // One for each image; the local side adds nothing to what an image has said.
  bool told = false;
  for (const bool images : {true, false}) {
    for (size_t view = 0; view < toolchain.views.size() && (images || !told); ++view) {
      if ((toolchain.views[view].kind == ToolchainView::Kind::kImage) != images) continue;
      if (const auto pair = DisagreementIn(toolchain, statements, view)) {
        findings.push_back(DifferenceFinding(rule, *pair));
        told = true;
      }
    }
  }
}

}  // namespace lre_audit::judge
