#include "audit/claims/claims.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "audit/claims/claim_list.h"
#include "audit/claims/metadata.h"
#include "audit/claims/shebang.h"
#include "audit/claims/wrapper.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr uint64_t kMaxText = 4 << 20;
// A longer shell script is a program or a self-extracting archive, not a wrapper.
constexpr uint64_t kMaxShellScript = 1 << 20;

bool HasPrefix(std::string_view s, std::string_view prefix) {
  return absl::StartsWith(ToAbsl(s), ToAbsl(prefix));
}
bool HasSuffix(std::string_view s, std::string_view suffix) {
  return absl::EndsWith(ToAbsl(s), ToAbsl(suffix));
}
bool Contains(std::string_view s, std::string_view part) { return s.find(part) != s.npos; }

// The file's path inside its store path's nix-support directory, or "".
std::string_view NixSupportName(std::string_view path, std::string_view store_directory) {
  if (!HasPrefix(path, store_directory) || path.size() <= store_directory.size() + 1) return {};
  const std::string_view inside = path.substr(store_directory.size() + 1);
  constexpr std::string_view kDirectory = "/nix-support/";
  const size_t slash = inside.find('/');
  if (slash == inside.npos || !HasPrefix(inside.substr(slash), kDirectory)) return {};
  return inside.substr(slash + kDirectory.size());
}

// Package configurations and the targets that CMake's install(EXPORT) writes; not modules, which
// are programs and name directories to search.
bool IsCMakePackage(std::string_view name) {
  if (!HasSuffix(name, ".cmake")) return false;
  for (std::string_view part :
       {"Config.cmake", "-config.cmake", "Config-", "-config-", "Targets.cmake", "-targets.cmake",
        "Targets-", "-targets-", "targets.cmake", "Exports.cmake", "Exports-", "-exports"}) {
    if (Contains(name, part))
      return !Contains(name, "ConfigVersion") && !Contains(name, "config-version");
  }
  return false;
}

bool IsShell(std::string_view interpreter) {
  for (std::string_view shell : {"sh", "bash", "dash", "ksh", "zsh", "ash", "mksh"}) {
    if (interpreter == shell) return true;
  }
  return false;
}

ClaimSource ByName(std::string_view path, std::string_view head) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (HasSuffix(name, ".pc")) return ClaimSource::kPkgConfig;
  if (HasSuffix(name, ".la")) return ClaimSource::kLibtool;
  if (HasSuffix(name, ".prl")) return ClaimSource::kQtPrl;
  if (IsCMakePackage(name)) return ClaimSource::kCMake;
  // `.spec` files of packagers are another thing, and so are test "specs": GCC's begin a line with
  // `*name:` or a `%` command.
  if (name == "specs" || HasSuffix(name, ".specs")) {
    const size_t star = head.find_first_not_of(" \t\r\n");
    if (HasPrefix(head, "*") || HasPrefix(head, "%") || Contains(head, "\n*") ||
        (star != head.npos && head[star] == '*')) {
      return ClaimSource::kGccSpecs;
    }
  }
  if (HasPrefix(name, "_sysconfigdata") && HasSuffix(name, ".py")) {
    return ClaimSource::kPythonSysconfig;
  }
  if (HasPrefix(name, "lib") && (HasSuffix(name, ".so") || HasSuffix(name, ".a")) &&
      IsLinkerScript(head)) {
    return ClaimSource::kLinkerScript;
  }
  const bool perl =
      HasPrefix(name, "Config_heavy") || (name == "Config.pm" && Contains(head, "package Config;"));
  if (perl && (HasSuffix(name, ".pl") || HasSuffix(name, ".pm"))) return ClaimSource::kPerlConfig;
  return ClaimSource::kNone;
}

}  // namespace

ClaimSource Classify(std::string_view path, std::string_view head, uint64_t size, bool executable,
                     std::string_view store_directory) {
  if (size == 0 || head.empty()) return ClaimSource::kNone;
  const std::optional<Shebang> shebang = ParseShebang(head);
  // Binaries may bear any name. A script may carry one behind its text, if not so early.
  if (!shebang.has_value() && head.find('\0') != head.npos) return ClaimSource::kNone;
  if (!NixSupportName(path, store_directory).empty()) return ClaimSource::kNixSupport;
  const ClaimSource by_name = ByName(path, head);
  if (by_name != ClaimSource::kNone) return by_name;
  if (!shebang.has_value()) return ClaimSource::kNone;
  if (size > kMaxShellScript) return ClaimSource::kShebang;
  if (executable && HasSuffix(path, "-config")) return ClaimSource::kConfigScript;
  return IsShell(InterpreterName(*shebang)) ? ClaimSource::kShell : ClaimSource::kShebang;
}

uint64_t MaxTextSize() { return kMaxText; }

uint64_t MaxTextSize(ClaimSource source) {
  switch (source) {
    case ClaimSource::kNone:
      return 0;
    case ClaimSource::kShebang:
      return kHeadSize;
    case ClaimSource::kShell:
    case ClaimSource::kConfigScript:
      return kMaxShellScript;
    default:
      return kMaxText;
  }
}

void ExtractClaims(ClaimSource source, std::string_view path, std::string_view text,
                   std::string_view store_directory, FileFacts* facts) {
  if (source == ClaimSource::kNone) return;
  const uint64_t limit = MaxTextSize(source);
  const uint64_t size = std::max<uint64_t>(facts->size(), text.size());
  text = text.substr(0, limit);
  ClaimList claims(text, facts);
  if (size > limit && source != ClaimSource::kShebang) {
    claims.AddDefect(
        Defect::LIMIT, limit,
        absl::StrCat("text of ", size, " bytes; only the first ", limit, " are read for paths"));
  }
  AddShebangClaim(text, &claims);
  switch (source) {
    case ClaimSource::kNone:
    case ClaimSource::kShebang:
      return;
    case ClaimSource::kShell:
      return AddWrapperClaims(path, &claims);
    case ClaimSource::kNixSupport:
      return AddNixSupportClaims(NixSupportName(path, store_directory), &claims);
    case ClaimSource::kPkgConfig:
      return AddPkgConfigClaims(&claims);
    case ClaimSource::kLibtool:
      return AddLibtoolClaims(&claims);
    case ClaimSource::kCMake:
      return AddCMakeClaims(&claims);
    case ClaimSource::kQtPrl:
      return AddQtPrlClaims(&claims);
    case ClaimSource::kConfigScript:
      return AddConfigScriptClaims(&claims);
    case ClaimSource::kGccSpecs:
      return AddGccSpecsClaims(&claims);
    case ClaimSource::kPythonSysconfig:
      return AddPythonSysconfigClaims(&claims);
    case ClaimSource::kPerlConfig:
      return AddPerlConfigClaims(&claims);
    case ClaimSource::kLinkerScript:
      return AddLinkerScriptClaims(&claims);
  }
}

}  // namespace lre_audit
