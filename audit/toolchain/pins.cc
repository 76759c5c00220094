#include "audit/toolchain/pins.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr size_t kShortestCommit = 7;  // what Git shows of a commit at least
constexpr size_t kSha1 = 40, kSha256 = 64;

// Nix's short forms (nix3-flake, "Flake references").
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kShortForms = {{
    {"github:", "github.com"},
    {"gitlab:", "gitlab.com"},
    {"sourcehut:", "git.sr.ht"},
}};

// What stands before the reference in the path of an archive's URL.
constexpr std::array<std::string_view, 7> kArchiveWords = {
    "archive", "tarball", "zipball", "tar.gz", "zip", "legacy.tar.gz", "legacy.zip"};

constexpr std::array<std::string_view, 8> kArchiveSuffixes = {
    ".tar.gz", ".tgz", ".zip", ".tar.xz", ".tar.bz2", ".tar.zst", ".tar", ".bundle"};

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isxdigit(c); });
}

// Host and the path's components.
struct Location {
  std::string_view host;
  std::vector<std::string_view> path;
  std::string_view query;
};

std::vector<std::string_view> Components(std::string_view path) {
  std::vector<std::string_view> components;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    if (slash != 0) components.push_back(path.substr(0, slash));
    if (slash == path.npos) break;
    path.remove_prefix(slash + 1);
  }
  return components;
}

std::optional<Location> ParseLocation(std::string_view url) {
  Location location;
  for (const auto& [prefix, host] : kShortForms) {
    if (!url.starts_with(prefix)) continue;
    location.host = host;
    location.path = Components(url.substr(prefix.size(), url.find('?') - prefix.size()));
    if (location.path.size() < 2) return std::nullopt;
    location.path.resize(2);  // what follows is a branch or commit
    return location;
  }
  std::string_view rest = url;
  const size_t scheme = rest.find("://");
  if (scheme != rest.npos) {
    if (rest.substr(0, scheme).ends_with("file")) return std::nullopt;
    rest.remove_prefix(scheme + 3);
  }
  const size_t end = rest.find_first_of("?#");
  if (end != rest.npos) {
    location.query = rest.substr(end + 1);
    rest = rest.substr(0, end);
  }
  // scp's form, "git@host:path", has a colon where a URL has a slash.
  const size_t separator = rest.find_first_of(scheme == rest.npos ? ":" : "/");
  if (separator == rest.npos || separator == 0) return std::nullopt;
  location.host = rest.substr(0, separator);
  if (location.host.find('/') != location.host.npos) return std::nullopt;
  location.path = Components(rest.substr(separator + 1));
  if (const size_t at = location.host.rfind('@'); at != location.host.npos) {
    location.host.remove_prefix(at + 1);
  }
  location.host = location.host.substr(0, location.host.find(':'));  // without the port
  if (location.host.empty() || location.path.empty()) return std::nullopt;
  // Mirrors have the whole of the mirrored URL in their path.
  for (size_t i = 0; i + 2 < location.path.size(); ++i) {
    if (location.path[i] != "github.com") continue;
    location.host = location.path[i];
    location.path.erase(location.path.begin(), location.path.begin() + i + 1);
    break;
  }
  return location;
}

std::string KeyOf(std::string_view host, const std::vector<std::string_view>& path) {
  std::string key(host);
  for (const std::string_view component : path) absl::StrAppend(&key, "/", ToAbsl(component));
  absl::AsciiStrToLower(&key);
  key = absl::StrReplaceAll(key, {{"%2f", "/"}, {"%7e", "~"}});
  if (absl::EndsWith(key, ".git")) key.resize(key.size() - 4);
  return key;
}

std::string_view WithoutArchiveSuffix(std::string_view name) {
  for (const std::string_view suffix : kArchiveSuffixes) {
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  }
  return name;
}

// The API of GitLab: HOST/api/v4/projects/OWNER%2FREPO/repository/archive.tar.gz?sha=COMMIT.
std::optional<ArchivePin> ParseGitLabApi(const Location& location) {
  const std::vector<std::string_view>& path = location.path;
  if (path.size() < 6 || path[0] != "api" || path[2] != "projects" || path[4] != "repository" ||
      !path[5].starts_with("archive")) {
    return std::nullopt;
  }
  const size_t sha = location.query.find("sha=");
  const std::string_view commit =
      sha == location.query.npos
          ? std::string_view()
          : location.query.substr(sha + 4, location.query.find('&', sha) - (sha + 4));
  return ArchivePin{KeyOf(location.host, {path[3]}),
                    IsFullCommit(commit) ? commit : std::string_view()};
}

}  // namespace

std::string ProjectKey(std::string_view url) {
  std::optional<Location> location = ParseLocation(url);
  if (!location) return "";
  // Of GitHub's URLs, what follows owner and repository is a place in the project.
  if (absl::EqualsIgnoreCase(ToAbsl(location->host), "github.com") && location->path.size() > 2) {
    location->path.resize(2);
  }
  return KeyOf(location->host, location->path);
}

bool IsCommit(std::string_view text) {
  return text.size() >= kShortestCommit && text.size() <= kSha256 && IsHex(text);
}

bool IsFullCommit(std::string_view text) {
  return (text.size() == kSha1 || text.size() == kSha256) && IsHex(text);
}

std::optional<ArchivePin> ParseArchiveUrl(std::string_view url) {
  std::optional<Location> location = ParseLocation(url);
  if (!location) return std::nullopt;
  if (std::optional<ArchivePin> pin = ParseGitLabApi(*location)) return pin;
  std::vector<std::string_view>& path = location->path;
  if (location->host == "codeload.github.com") location->host = "github.com";
  if (location->host == "api.github.com" && path.front() == "repos") {
    location->host = "github.com";
    path.erase(path.begin());
  }
  // Owner and repository come before it, the reference after.
  for (size_t i = 2; i + 1 < path.size(); ++i) {
    if (std::find(kArchiveWords.begin(), kArchiveWords.end(), path[i]) == kArchiveWords.end()) {
      continue;
    }
    const std::string_view reference = WithoutArchiveSuffix(path[i + 1]);
    const size_t project_size = path[i - 1] == "-" ? i - 1 : i;  // GitLab's "/-/archive/"
    path.resize(project_size);
    return ArchivePin{KeyOf(location->host, path),
                      IsFullCommit(reference) ? reference : std::string_view()};
  }
  return std::nullopt;
}

std::string_view FindFullCommit(std::string_view text) {
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    while (end < text.size() && absl::ascii_isalnum(text[end])) ++end;
    const std::string_view word = text.substr(begin, end - begin);
    if (IsFullCommit(word)) return word;
    begin = end + 1;
  }
  return {};
}

}  // namespace lre_audit
