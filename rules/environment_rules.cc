// LRE605 and LRE609: three parties name the store paths of the compiler's environment, and must
// name the same: the toolchain's tools, the Env block of lre.bazelrc, and the image's Env.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/paths.h"
#include "base/store_path.h"
#include "base/text.h"
#include "rules/config_finding.h"
#include "rules/judges.h"

namespace lre_audit::judge {
namespace {

// One store path that a party names.
struct Value {
  std::string store_path;
  std::string text;   // "CC=/nix/store/...", "tool gcc: /nix/store/..."
  std::string place;  // "lre.bazelrc:7:6", or the image
  const ToolchainClaim* claim = nullptr;
  const LinkedSetting* setting = nullptr;
};

// What a party names, by what it is for: a variable ("CC"), or a package among the tools and in
// PATH ("clang-wrapper"). No package's name is a variable's, which are in capitals.
using Party = std::map<std::string, std::vector<Value>>;

// The package's name without version: "clang-wrapper" of "clang-wrapper-22.1.8". A version begins
// at the first dash that no letter follows (Nix src/libstore/names.cc).
std::string PackageOf(std::string_view store_path) {
  const std::string_view name = nix::PackageName(store_path);
  for (size_t i = 0; i + 1 < name.size(); ++i) {
    if (name[i] == '-' && !absl::ascii_isalpha(name[i + 1])) return std::string(name.substr(0, i));
  }
  return std::string(name);
}

void AddVariable(const std::string& name, const std::string& value, const std::string& store,
                 const Value& from, Party& party) {
  for (const absl::string_view element : absl::StrSplit(value, ':')) {
    const std::string_view path = StorePathOf(ToStd(element), store);
    if (path.empty()) continue;
    Value added = from;
    added.store_path = std::string(path);
    added.text = absl::StrCat(name, "=", name == "PATH" ? element : absl::string_view(value));
    party[name == "PATH" ? PackageOf(path) : name].push_back(std::move(added));
    if (name != "PATH") return;
  }
}

// The variable that a tool of this name is the value of; "" if none is known.
std::string VariableOf(const std::string& tool) {
  if (tool == "gcc") return "CC";  // what Bazel calls the compiler, whichever it is
  if (tool == "java_home") return "JAVA_HOME";
  return "";
}

using Claims = std::vector<const ToolchainClaim*>;

Party PartyOf(const Claims& claims) {
  Party party;
  for (const ToolchainClaim* claim : claims) {
    if (claim->target.store_path.empty()) continue;
    Value value;
    value.store_path = claim->target.store_path;
    value.text = absl::StrCat("tool ", claim->claim->context(), ": ", claim->claim->text());
    value.place = PlaceOf(*claim);
    value.claim = claim;
    const std::string variable = VariableOf(claim->claim->context());
    if (!variable.empty()) party[variable].push_back(value);
    party[PackageOf(value.store_path)].push_back(std::move(value));
  }
  return party;
}

// An lre.bazelrc with the Env that its toolchain was generated under.
struct Bazelrc {
  Party party;
  std::map<std::string, const LinkedSetting*> variables;
};

std::map<std::string, Bazelrc> BazelrcsOf(const LinkedAgreement& agreement,
                                          const std::string& store) {
  std::map<std::string, Bazelrc> result;
  for (const LinkedSetting& setting : agreement.settings) {
    const std::string& path = setting.file->path();
    if (setting.setting->kind() != Setting::ENVIRONMENT || !absl::EndsWith(path, "bazelrc")) {
      continue;
    }
    Bazelrc& bazelrc = result[path];
    bazelrc.variables.emplace(setting.setting->key(), &setting);
    Value from;
    from.place = PlaceOf(setting);
    from.setting = &setting;
    AddVariable(setting.setting->key(), setting.setting->value(), store, from, bazelrc.party);
  }
  return result;
}

Party PartyOf(const AgreementImage& image, const std::string& store) {
  Party party;
  for (const AgreementImage::Variable& variable : image.environment) {
    Value from;
    from.place = image.reference;
    AddVariable(variable.name, variable.value, store, from, party);
  }
  return party;
}

const std::vector<Value>* Find(const Party& party, const std::string& what) {
  const auto found = party.find(what);
  return found == party.end() ? nullptr : &found->second;
}

// Both name it, and no store path is in both. What one alone names is no difference.
bool Differ(const std::vector<Value>* a, const std::vector<Value>* b) {
  if (a == nullptr || b == nullptr) return false;
  return std::none_of(a->begin(), a->end(), [&](const Value& x) {
    return std::any_of(b->begin(), b->end(),
                       [&](const Value& y) { return x.store_path == y.store_path; });
  });
}

bool Share(const Party& a, const Party& b) {
  return std::any_of(a.begin(), a.end(),
                     [&](const auto& entry) { return b.contains(entry.first); });
}

std::string Told(const Value& value) { return absl::StrCat(value.place, ": ", value.text); }

// The tools of the toolchain that asks for this image by name, all tools if none does. A repository
// may hold toolchains for several images.
Claims ToolsOf(const AgreementImage& image, const LinkedAgreement& agreement) {
  const auto grandparent = [](const std::string& path) {
    return std::string(DirectoryOf(DirectoryOf(path)));
  };
  std::set<std::string> directories;
  for (const LinkedSetting& setting : agreement.settings) {
    if (setting.setting->kind() != Setting::CONTAINER_IMAGE) continue;
    for (const std::string& name : image.names) {
      const std::string without_tag = name.substr(0, name.rfind(':') + 1);
      if (!without_tag.empty() &&
          setting.setting->value().find("/" + without_tag) != std::string::npos) {
        directories.insert(grandparent(setting.file->path()));
      }
    }
  }
  Claims all, own;
  for (const ToolchainClaim& claim : agreement.claims) {
    if (claim.claim->kind() != Claim::TOOL) continue;
    all.push_back(&claim);
    if (directories.contains(grandparent(claim.file->path()))) own.push_back(&claim);
  }
  return own.empty() ? all : own;
}

struct ImageParty {
  const AgreementImage* image = nullptr;
  Party party, tools;
};

std::vector<ImageParty> ImagesOf(const LinkedAgreement& agreement, const std::string& store) {
  std::vector<ImageParty> result;
  for (const AgreementImage& image : agreement.images) {
    if (!image.has_configuration) continue;
    result.push_back({&image, PartyOf(image, store), PartyOf(ToolsOf(image, agreement))});
  }
  return result;
}

const std::string* VariableOf(const AgreementImage& image, std::string_view name) {
  for (const AgreementImage::Variable& variable : image.environment) {
    if (variable.name == name) return &variable.value;
  }
  return nullptr;
}

// Something that an image's Env does not say as it should.
struct Difference {
  std::string what;        // "CC", "PATH", a package
  std::string store_path;  // that the image names instead, if it does
  std::string message, evidence;
  std::vector<std::string> notes;
};

// What the image lost as a whole: a variable that is not set, or a PATH without a store path.
void AddLost(const ImageParty& image, const Bazelrc* bazelrc,
             std::vector<Difference>& differences) {
  const auto lose = [&](const std::string& name, std::string note) {
    Difference& difference = differences.emplace_back();
    difference.what = name;
    const std::string* value = VariableOf(*image.image, name);
    difference.message =
        !image.image->has_environment
            ? absl::StrCat(
                  "the image has no Env, and its toolchain was generated under one that "
                  "sets ",
                  name)
        : value == nullptr ? absl::StrCat("the image's Env has no ", name,
                                          ", and its toolchain was generated "
                                          "under one")
                           : absl::StrCat("the image's ", name,
                                          " names no store path, and its toolchain was "
                                          "generated under one that does");
    difference.evidence = value == nullptr ? "" : absl::StrCat("Env ", name, "=", *value);
    difference.notes.push_back(std::move(note));
  };
  const auto names_store_path = [&](const std::string& name) {
    const std::string* value = VariableOf(*image.image, name);
    if (value == nullptr) return false;
    return std::any_of(image.party.begin(), image.party.end(), [&](const auto& entry) {
      return absl::StartsWith(entry.second.front().text, name + "=");
    });
  };
  const auto setting_of = [&](const std::string& name) -> const LinkedSetting* {
    if (bazelrc == nullptr) return nullptr;
    const auto found = bazelrc->variables.find(name);
    return found == bazelrc->variables.end() ? nullptr : found->second;
  };
  const std::vector<Value>* compiler = Find(image.tools, "CC");
  if (!names_store_path("PATH")) {
    if (const LinkedSetting* path = setting_of("PATH")) {
      lose("PATH", absl::StrCat(PlaceOf(*path), ": PATH=", path->setting->value()));
    } else if (compiler != nullptr) {
      lose("PATH", Told(compiler->front()));
    }
  }
  if (const LinkedSetting* cc = setting_of("CC"); cc != nullptr && !names_store_path("CC")) {
    lose("CC", absl::StrCat(PlaceOf(*cc), ": CC=", cc->setting->value()));
  }
}

// What the image names, and otherwise than those who agree.
void AddOthers(const ImageParty& image, const Bazelrc* bazelrc,
               std::vector<Difference>& differences) {
  const Party nobody;
  const Party& generated = bazelrc == nullptr ? nobody : bazelrc->party;
  std::set<std::string> all;
  for (const auto& [what, values] : image.tools) all.insert(what);
  for (const auto& [what, values] : generated) all.insert(what);
  const bool shares = Share(image.party, image.tools);
  for (const std::string& what : all) {
    const std::vector<Value>* tools = Find(image.tools, what);
    const std::vector<Value>* block = Find(generated, what);
    const std::vector<Value>* own = Find(image.party, what);
    const bool is_package = what != absl::AsciiStrToUpper(what);
    Difference difference;
    difference.what = what;
    if (own != nullptr) {
      // One that agrees with either is not the one that drifted: that is LRE605.
      const bool other =
          (tools == nullptr || Differ(own, tools)) && (block == nullptr || Differ(own, block));
      if (!other) continue;
      difference.message = absl::StrCat("the image's Env has another ", what,
                                        " than its toolchain was generated with");
      difference.evidence = "Env " + own->front().text;
      difference.store_path = own->front().store_path;
    } else if (is_package && shares && tools != nullptr && block != nullptr &&
               !Differ(tools, block)) {
      difference.message =
          absl::StrCat("the image's PATH lacks ", what, ", with which its toolchain was generated");
    } else {
      continue;
    }
    if (block != nullptr) difference.notes.push_back(Told(block->front()));
    if (tools != nullptr) difference.notes.push_back(Told(tools->front()));
    differences.push_back(std::move(difference));
  }
}

std::string AlsoDiffer(const std::vector<std::string>& names) {
  return absl::StrCat(Names(names), names.size() == 1 ? " differs too" : " differ too");
}

}  // namespace

void BazelrcDiffers(const Subject& subject, const Rule& rule, Findings& findings) {
  if (!subject.agreement) return;
  const LinkedAgreement& agreement = *subject.agreement;
  Claims claims;
  for (const ToolchainClaim& claim : agreement.claims) {
    if (claim.claim->kind() == Claim::TOOL) claims.push_back(&claim);
  }
  const Party tools = PartyOf(claims);
  const std::vector<ImageParty> images = ImagesOf(agreement, subject.store_directory);
  for (const auto& [path, bazelrc] : BazelrcsOf(agreement, subject.store_directory)) {
    // One finding for each bazelrc: what differs in it comes from one evaluation.
    std::vector<std::string> differing;
    const Party& party = bazelrc.party;
    for (const auto& [what, values] : party) {
      if (Differ(&values, Find(tools, what))) differing.push_back(what);
    }
    if (differing.empty()) continue;
    const std::string what = differing.front();
    const Value& block = party.at(what).front();
    const Value& tool = tools.at(what).front();
    const bool image_has_tool =
        std::any_of(images.begin(), images.end(), [&](const ImageParty& image) {
          const std::vector<Value>* own = Find(image.party, what);
          return own != nullptr && !Differ(own, &tools.at(what));
        });
    std::string message =
        absl::StrCat("the Env of ", path, " and the toolchain name different store paths of ",
                     PackageOf(tool.store_path));
    constexpr std::string_view kHelp =
        "write lre.bazelrc anew from the flake input that generated the toolchain: nix flake "
        "update, then enter the development shell again";
    Finding finding =
        image_has_tool
            ? SettingFinding(rule, *block.setting, block.store_path, std::move(message), kHelp)
            : ToolchainFinding(rule, *tool.claim, tool.store_path, std::move(message), kHelp);
    finding.add_notes(Told(block));
    finding.add_notes(Told(tool));
    if (image_has_tool) finding.add_notes("an image names what the toolchain names");
    // CC and the compiler's package in PATH are one store path, and one cause.
    std::erase_if(differing, [&](const std::string& other) {
      return party.at(other).front().store_path == block.store_path;
    });
    if (!differing.empty()) finding.add_notes(AlsoDiffer(differing));
    finding.set_cause(path);
    findings.push_back(std::move(finding));
  }
}

void EnvironmentDiffers(const Subject& subject, const Rule& rule, Findings& findings) {
  if (!subject.agreement) return;
  const std::string& store = subject.store_directory;
  const std::map<std::string, Bazelrc> bazelrcs = BazelrcsOf(*subject.agreement, store);
  for (const ImageParty& image : ImagesOf(*subject.agreement, store)) {
    // One finding for each image.
    std::vector<Difference> differences;
    bool judged = false;
    for (const auto& [path, bazelrc] : bazelrcs) {
      // The Env of another toolchain says nothing about this image.
      if (!image.tools.empty() && !Share(bazelrc.party, image.tools)) continue;
      judged = true;
      AddLost(image, &bazelrc, differences);
      if (differences.empty()) AddOthers(image, &bazelrc, differences);
    }
    if (!judged) AddLost(image, nullptr, differences);
    if (!judged && differences.empty()) AddOthers(image, nullptr, differences);
    if (differences.empty()) continue;
    const Difference& first = differences.front();
    Finding finding = MakeFinding(
        rule, image.image->reference, first.what, first.message,
        "give the image the Env that the toolchain was generated under; an image built on a base "
        "image does not take over the base's Env by itself");
    finding.set_evidence(first.evidence);
    for (const std::string& note : first.notes) finding.add_notes(note);
    std::set<std::string> others;
    for (const Difference& difference : differences) {
      // CC and the compiler's package in PATH are one store path, and one cause.
      const bool same = !first.store_path.empty() && difference.store_path == first.store_path;
      if (!same && difference.what != first.what) others.insert(difference.what);
    }
    if (!others.empty()) finding.add_notes(AlsoDiffer({others.begin(), others.end()}));
    finding.set_cause(image.image->reference);
    findings.push_back(std::move(finding));
  }
}

}  // namespace lre_audit::judge
