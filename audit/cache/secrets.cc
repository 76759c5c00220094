#include "audit/cache/secrets.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

// Words between "_", "-" and "." of a name. PWD is a directory, and none of them.
constexpr std::array<std::string_view, 17> kSecretWords = {
    "APIKEY",  "AUTH",        "AUTHORIZATION", "BEARER", "COOKIE", "CREDENTIAL",
    "KEY",     "CREDENTIALS", "PASSPHRASE",    "PASSWD", "PASS",   "PASSWORD",
    "PRIVATE", "SECRET",      "SECRETS",       "TOKEN",  "TOKENS"};

// What tokens of GitHub, GitLab, AWS, Slack, npm and PyPI, JSON web tokens and keys in PEM begin
// with.
constexpr std::array<std::string_view, 14> kSecretPrefixes = {
    "ghp_", "gho_", "ghs_", "ghu_",  "github_pat_", "glpat-",     "AKIA",
    "ASIA", "xox",  "npm_", "pypi-", "eyJ",         "-----BEGIN", "Bearer "};

std::string Mask(std::string_view value) {
  return absl::StrCat("(masked, ", value.size(), value.size() == 1 ? " byte)" : " bytes)");
}

// "https://user:(masked)@host": credentials of a URL.
std::string WithoutUrlPassword(std::string_view value) {
  std::string result;
  while (true) {
    const size_t scheme = value.find("://");
    if (scheme == std::string_view::npos) break;
    const size_t authority = scheme + 3;
    const size_t end = std::min(value.find_first_of("/?# \t\"'", authority), value.size());
    const size_t at = value.substr(0, end).rfind('@');
    const size_t colon = value.find(':', authority);
    if (at != std::string_view::npos && at > authority && colon < at) {
      absl::StrAppend(&result, ToAbsl(value.substr(0, colon + 1)), "(masked)");
      value.remove_prefix(at);
    } else {
      result.append(value.substr(0, end));
      value.remove_prefix(end);
    }
  }
  return result.append(value);
}

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
}

std::string MaskedWord(std::string_view word) {
  for (size_t equals = word.find('='); equals != std::string_view::npos;
       equals = word.find('=', equals + 1)) {
    size_t begin = equals;
    while (begin > 0 && IsNameCharacter(word[begin - 1])) --begin;
    std::string_view name = word.substr(begin, equals - begin);
    // "-DNAME": the flag is no part of the name.
    if (name.starts_with("-D")) name.remove_prefix(2);
    if (IsSecretName(name)) {
      return absl::StrCat(ToAbsl(word.substr(0, equals + 1)), Mask(word.substr(equals + 1)));
    }
  }
  return MaskedValue("", word);
}

}  // namespace

bool IsSecretName(std::string_view name) {
  const std::vector<std::string> words =
      absl::StrSplit(absl::AsciiStrToUpper(ToAbsl(name)), absl::ByAnyChar("_-."));
  return std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return std::find(kSecretWords.begin(), kSecretWords.end(), word) != kSecretWords.end();
  });
}

std::string MaskedValue(std::string_view name, std::string_view value) {
  if (value.empty()) return "";
  const bool looks_secret =
      IsSecretName(name) ||
      std::any_of(kSecretPrefixes.begin(), kSecretPrefixes.end(), [&](std::string_view prefix) {
        return value.size() > prefix.size() + 8 && value.starts_with(prefix);
      });
  return looks_secret ? Mask(value) : WithoutUrlPassword(value);
}

std::string MaskedArgument(std::string_view argument) {
  std::string result;
  while (!argument.empty()) {
    const size_t end = std::min(argument.find_first_of(" \t\n;"), argument.size());
    result += MaskedWord(argument.substr(0, end));
    const size_t next = std::min(argument.find_first_not_of(" \t\n;", end), argument.size());
    result.append(argument.substr(end, next - end));
    argument.remove_prefix(next);
  }
  return result;
}

}  // namespace lre_audit::cache
