// LRE603, LRE606 and LRE607: contents, container-image strings and pins that must be the same.
#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/store_path.h"
#include "base/text.h"
#include "rules/config_finding.h"
#include "rules/judges.h"

namespace lre_audit::judge {
namespace {

constexpr std::string_view kContentHelp =
    "copy the path again from the side that Nix vouches for (nix-store --verify-path); a build "
    "that is not deterministic must be made once, and copied";

// The parts of `docker://NAME:TAG` or `docker://NAME@DIGEST`.
struct ImageName {
  std::string name;  // with what stands before it: "docker://lre-cc"
  std::string tag;
};

ImageName Decoded(const std::string& text) {
  const size_t begin = text.find("://") == std::string::npos ? 0 : text.find("://") + 3;
  const size_t at = std::min(text.find('@', begin), text.size());
  // A colon before a slash belongs to a port.
  const size_t slash = text.rfind('/', at);
  const size_t after = slash == std::string::npos ? begin : std::max(begin, slash + 1);
  const size_t colon = std::min(text.find(':', after), at);
  return {text.substr(0, colon), colon < text.size() ? text.substr(colon + 1) : ""};
}

// `name` without its transport, as an archive writes it.
std::string WithoutTransport(const std::string& name) {
  const size_t at = name.find("://");
  return at == std::string::npos ? name : name.substr(at + 3);
}

std::string Quoted(const std::string& value) { return value.empty() ? "the empty string" : value; }

// "same name, other tag".
std::string WhatDiffers(const std::string& a, const std::string& b) {
  const ImageName x = Decoded(a), y = Decoded(b);
  if (x.name == y.name) return "same name, other tag";
  if (WithoutTransport(x.name) == WithoutTransport(y.name)) {
    return x.tag == y.tag ? "same name and tag, written otherwise, and the strings are compared raw"
                          : "same name, written otherwise, and other tag";
  }
  return x.tag == y.tag && !x.tag.empty() ? "other name, same tag" : "other name";
}

// A variable that nobody has set, or the default for that.
bool IsUnset(const std::string& value) {
  return absl::StrContains(value, "${") || absl::StrContains(value, "undefined_platform");
}

// An empty string stands where a worker only has to have the property: it names no image.
bool IsUnresolved(const std::string& value) { return value.empty() || IsUnset(value); }

// A command's output, known only where the worker starts: it may be `image` if it begins alike.
bool MayBecome(const std::string& value, const std::string& image) {
  const size_t command = value.find("$(");
  return command != std::string::npos && absl::StartsWith(image, value.substr(0, command));
}

struct Advertised {
  std::vector<const LinkedSetting*> known, unresolved, computed;
  const LinkedSetting* silent = nullptr;  // of a worker that advertises no image
  // Of a scheduler that takes any value, if none is known that compares.
  const LinkedSetting* indifferent = nullptr;
};

// What NativeLink's schedulers call a property that restricts no worker by its value.
bool IsIndifferent(const std::string& kind) { return kind == "priority" || kind == "ignore"; }

Advertised AdvertisedIn(const LinkedAgreement& agreement) {
  Advertised result;
  bool is_compared = false;
  for (const LinkedSetting& setting : agreement.settings) {
    const std::string& path = setting.file->path();
    const std::string& value = setting.setting->value();
    if (setting.setting->kind() == Setting::ADVERTISED_IMAGE) {
      if (absl::StrContains(value, "$(")) {
        result.computed.push_back(&setting);
      } else {
        (IsUnresolved(value) ? result.unresolved : result.known).push_back(&setting);
      }
    } else if (setting.setting->kind() != Setting::EXEC_PROPERTY) {
      continue;
    } else if (setting.setting->context() == "scheduler") {
      if (setting.setting->key() != "container-image") continue;
      is_compared |= !IsIndifferent(value);
      if (result.indifferent == nullptr) result.indifferent = &setting;
    } else if (result.silent == nullptr &&
               (absl::EndsWith(path, ".json5") || absl::EndsWith(path, ".json"))) {
      result.silent = &setting;
    }
  }
  // A worker without the property gets no action that asks for it, whatever its value.
  const bool is_said =
      !result.known.empty() || !result.unresolved.empty() || !result.computed.empty();
  if (is_compared || !is_said) result.indifferent = nullptr;
  return result;
}

std::string Told(const LinkedSetting& setting) {
  const std::string& context = setting.setting->context();
  return absl::StrCat(PlaceOf(setting), ": ", Quoted(setting.setting->value()),
                      context.empty() ? "" : " (", context, context.empty() ? "" : ")");
}

// The advertised image to compare with: one of the same name, else the first.
const LinkedSetting& Nearest(const std::string& asked,
                             const std::vector<const LinkedSetting*>& advertised) {
  const std::string name = WithoutTransport(Decoded(asked).name);
  for (const LinkedSetting* setting : advertised) {
    if (WithoutTransport(Decoded(setting->setting->value()).name) == name) return *setting;
  }
  return *advertised.front();
}

// The message and notes of why no worker takes actions for `asked`; an empty message if one may.
std::pair<std::string, std::vector<std::string>> NotAdvertised(const std::string& asked,
                                                               const Advertised& advertised) {
  const auto is_asked = [&](const LinkedSetting* setting) {
    return setting->setting->value() == asked;
  };
  const auto may_become = [&](const LinkedSetting* setting) {
    return MayBecome(setting->setting->value(), asked);
  };
  const std::vector<const LinkedSetting*>& known = advertised.known;
  if (std::any_of(known.begin(), known.end(), is_asked) ||
      std::any_of(advertised.computed.begin(), advertised.computed.end(), may_become)) {
    return {};
  }
  if (!known.empty()) {
    const LinkedSetting& nearest = Nearest(asked, known);
    std::pair<std::string, std::vector<std::string>> result;
    result.first = absl::StrCat("the platform asks for ", asked, ", and workers advertise ",
                                Quoted(nearest.setting->value()), ": ",
                                WhatDiffers(asked, nearest.setting->value()));
    result.second.push_back(Told(nearest));
    std::set<std::string> others;
    for (const LinkedSetting* setting : known) others.insert(setting->setting->value());
    others.erase(nearest.setting->value());
    if (!others.empty()) {
      result.second.push_back("others advertise " + Names({others.begin(), others.end()}, 3));
    }
    return result;
  }
  if (!advertised.unresolved.empty()) {
    const LinkedSetting& setting = *advertised.unresolved.front();
    return {absl::StrCat("the platform asks for ", asked, ", and workers advertise ",
                         Quoted(setting.setting->value()),
                         IsUnset(setting.setting->value()) ? ": the variable is set nowhere" : ""),
            {Told(setting)}};
  }
  if (!advertised.computed.empty()) {
    const LinkedSetting& setting = *advertised.computed.front();
    return {absl::StrCat("the platform asks for ", asked, ", and workers advertise ",
                         setting.setting->value(), ", which cannot become it"),
            {Told(setting)}};
  }
  if (advertised.silent != nullptr) {
    return {absl::StrCat("the platform asks for ", asked, ", and no worker advertises an image"),
            {absl::StrCat(PlaceOf(*advertised.silent), ": a worker without container-image")}};
  }
  return {};
}

// "lre-cc:<tag>" of an image with the name that is asked for, where none of its tags is; else
// empty.
std::string OtherTag(const AgreementImage& image, const std::string& asked) {
  const ImageName wanted = Decoded(WithoutTransport(asked));
  // Without a tag, or with a digest, it names none that could be another.
  if (wanted.tag.empty() || absl::StrContains(asked, "@")) return "";
  std::string other;
  for (const std::string& name : image.names) {
    const ImageName own = Decoded(name);
    if (own.name != wanted.name || own.tag.empty()) continue;
    if (own.tag == wanted.tag) return "";
    if (other.empty()) other = name;
  }
  return other;
}

// A tag that nix2container makes: the hash of the image's derivation.
bool IsStoreHash(const std::string& tag) {
  return tag.size() == nix::kHashLength && std::all_of(tag.begin(), tag.end(), nix::IsNix32);
}

// Whether a manifest deploys another build of the image that is asked for: of the same name,
// whatever its registry, and another store hash as its tag.
bool DeploysOther(const std::string& deployed, const std::string& asked) {
  const auto base = [](const std::string& name) { return name.substr(name.rfind('/') + 1); };
  const ImageName own = Decoded(deployed), wanted = Decoded(asked);
  return base(own.name) == base(wanted.name) && IsStoreHash(own.tag) && IsStoreHash(wanted.tag) &&
         own.tag != wanted.tag;
}

bool IsCommit(const std::string& text) {
  constexpr size_t kShortest = 7;  // of an abbreviated one: git's default
  return text.size() >= kShortest &&
         std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isxdigit(c); });
}

bool SameCommit(const std::string& a, const std::string& b) {
  const std::string x = absl::AsciiStrToLower(a), y = absl::AsciiStrToLower(b);
  return absl::StartsWith(x, y) || absl::StartsWith(y, x);
}

bool IsLock(const LinkedSetting& setting) {
  return absl::EndsWith(setting.file->path(), "flake.lock");
}

}  // namespace

void ContentDiffers(const Subject& subject, const Rule& rule, Findings& findings) {
  if (subject.agreement) {
    for (const ContentDifference& difference : subject.agreement->differences) {
      Finding finding = MakeFinding(rule, difference.path, difference.first_file,
                                    absl::StrCat("the contents of a store path differ between ",
                                                 difference.local, " and ", difference.image),
                                    kContentHelp);
      if (!difference.first_file.empty()) {
        finding.set_evidence(absl::StrCat(difference.first_file, difference.how.empty() ? "" : ": ",
                                          difference.how));
        finding.add_notes("that is the first file that differs; lre-audit diff lists all");
      } else if (!difference.how.empty()) {
        finding.add_notes(difference.how);
      }
      finding.add_notes(absl::StrCat(difference.local, ": NAR hash ", difference.local_hash));
      finding.add_notes(absl::StrCat(difference.image, ": NAR hash ", difference.image_hash));
      finding.set_cause(difference.path);
      findings.push_back(std::move(finding));
    }
  }
  // A tree beside the local store. A closure that the user named is a promise: LRE305.
  if (subject.closure_kind != Subject::ClosureKind::kDefault || subject.contents_compared) return;
  for (const LinkedStorePath& path : subject.store_paths) {
    if (path.nar_hash.empty() || path.recorded_hash.empty() ||
        path.nar_hash == path.recorded_hash) {
      continue;
    }
    Finding finding = MakeFinding(rule, path.path, "",
                                  absl::StrCat("the contents of a store path differ between the ",
                                               ToAbsl(TreeName(subject)), " and the local store"),
                                  kContentHelp);
    finding.set_evidence(
        absl::StrCat("NAR hash ", path.nar_hash, ", in the local store ", path.recorded_hash));
    finding.mutable_location()->set_layer(path.layer);
    finding.set_cause(path.path);
    findings.push_back(std::move(finding));
  }
}

void ContainerImageDiffers(const Subject& subject, const Rule& rule, Findings& findings) {
  if (!subject.agreement) return;
  constexpr std::string_view kHelp =
      "generate the platform from the image that is deployed, and give workers the same string: "
      "the scheduler compares it byte for byte, and actions that no worker matches wait for ever";
  constexpr std::string_view kIndifferentHelp =
      "generate the platform from the image that is deployed, and give workers the same string; "
      "let the scheduler compare it (\"exact\"), or actions run in whatever image a worker has";
  const Advertised advertised = AdvertisedIn(*subject.agreement);
  std::set<std::pair<std::string, std::string>> seen;  // file and value
  for (const LinkedSetting& setting : subject.agreement->settings) {
    const std::string& asked = setting.setting->value();
    if (setting.setting->kind() != Setting::CONTAINER_IMAGE ||
        !seen.emplace(setting.file->path(), asked).second) {
      continue;
    }
    auto [message, notes] = NotAdvertised(asked, advertised);
    const bool is_indifferent = !message.empty() && advertised.indifferent != nullptr;
    // Nobody compares, and no worker is known to have another image.
    bool is_proven = !is_indifferent || !advertised.known.empty();
    for (const AgreementImage& image : subject.agreement->images) {
      const std::string other = OtherTag(image, asked);
      if (other.empty()) continue;
      if (message.empty()) {
        message = absl::StrCat("the platform asks for ", asked, ", and the image ", image.reference,
                               " is ", other, ": same name, other tag");
      }
      notes.push_back(absl::StrCat(image.reference, ": ", other));
      is_proven = true;
    }
    for (const LinkedSetting& deployed : subject.agreement->settings) {
      if (deployed.setting->kind() != Setting::DEPLOYED_IMAGE ||
          !DeploysOther(deployed.setting->value(), asked)) {
        continue;
      }
      if (message.empty()) {
        message = absl::StrCat("the platform asks for ", asked, ", and ", deployed.file->path(),
                               " deploys ", deployed.setting->value(), ": same name, other tag");
      }
      notes.push_back(Told(deployed));
      is_proven = true;
    }
    if (message.empty()) continue;
    Finding finding = SettingFinding(rule, setting, asked, std::move(message),
                                     is_indifferent ? kIndifferentHelp : kHelp);
    for (std::string& note : notes) finding.add_notes(std::move(note));
    if (is_indifferent) {
      finding.add_notes(absl::StrCat(PlaceOf(*advertised.indifferent), ": \"",
                                     advertised.indifferent->setting->value(),
                                     "\": the scheduler does not compare it"));
    }
    if (!is_proven) finding.set_severity(std::min(rule.severity, Finding::WARNING));
    finding.set_cause(is_proven ? asked : PlaceOf(*advertised.indifferent));
    findings.push_back(std::move(finding));
  }
}

void PinDiffers(const Subject& subject, const Rule& rule, Findings& findings) {
  if (!subject.agreement) return;
  const std::vector<LinkedSetting>& settings = subject.agreement->settings;
  const auto is_pin = [](const LinkedSetting& setting) {
    return setting.setting->kind() == Setting::PIN && !setting.setting->key().empty() &&
           IsCommit(setting.setting->value());
  };
  std::set<std::pair<std::string, std::string>> told;  // file and project
  for (const LinkedSetting& module : settings) {
    if (!is_pin(module) || IsLock(module)) continue;
    const std::string& project = module.setting->key();
    const std::string& commit = module.setting->value();
    // An input may be locked several times, for inputs of inputs: the outermost is the user's.
    const LinkedSetting* lock = nullptr;
    bool agrees = false;
    const auto depth = [](const LinkedSetting& setting) {
      const std::string& context = setting.setting->context();
      return std::count(context.begin(), context.end(), '/');
    };
    for (const LinkedSetting& setting : settings) {
      if (!is_pin(setting) || !IsLock(setting) || setting.setting->key() != project) continue;
      agrees |= SameCommit(setting.setting->value(), commit);
      if (lock == nullptr || depth(setting) < depth(*lock)) lock = &setting;
    }
    if (lock == nullptr || agrees) continue;
    if (!told.emplace(module.file->path(), project).second) continue;
    Finding finding = SettingFinding(
        rule, module, project,
        absl::StrCat(project, " is pinned to ", commit, " here, and to ", lock->setting->value(),
                     " in ", lock->file->path()),
        "pin the same commit in both: the one generates the toolchain, the other the environment "
        "that it is meant for");
    finding.add_notes(Told(*lock));
    finding.set_cause(project);
    findings.push_back(std::move(finding));
  }
}

}  // namespace lre_audit::judge
