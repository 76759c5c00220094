#include "audit/registry/image_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::registry {
namespace {

constexpr std::string_view kHub = "docker.io";
constexpr size_t kLongestName = 255;  // with the domain
constexpr size_t kLongestTag = 128;

template <typename... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// Letters and digits, with single '.', '_', "__" or any number of '-' between them.
bool IsPathComponent(absl::string_view text) {
  size_t i = 0;
  const auto alphanumeric = [&] {
    const size_t begin = i;
    while (i < text.size() && (absl::ascii_islower(text[i]) || absl::ascii_isdigit(text[i]))) ++i;
    return i > begin;
  };
  if (!alphanumeric()) return false;
  while (i < text.size()) {
    if (text[i] == '.') {
      ++i;
    } else if (text[i] == '_') {
      i += i + 1 < text.size() && text[i + 1] == '_' ? 2 : 1;
    } else if (text[i] == '-') {
      while (i < text.size() && text[i] == '-') ++i;
    } else {
      return false;
    }
    if (!alphanumeric()) return false;
  }
  return true;
}

bool IsDomain(std::string_view text) {
  std::string_view host = text;
  if (const size_t colon = text.rfind(':');
      colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos) {
    const std::string_view port = text.substr(colon + 1);
    const bool digits = std::all_of(port.begin(), port.end(),
                                    [](unsigned char c) { return absl::ascii_isdigit(c); });
    if (port.empty() || port.size() > 5 || !digits) return false;
    host = text.substr(0, colon);
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    return std::all_of(host.begin(), host.end(),
                       [](unsigned char c) { return absl::ascii_isxdigit(c) || c == ':'; });
  }
  for (const absl::string_view label : absl::StrSplit(ToAbsl(host), '.')) {
    const bool valid = std::all_of(label.begin(), label.end(), [](unsigned char c) {
      return absl::ascii_isalnum(c) || c == '-';
    });
    if (label.empty() || !valid || label.front() == '-' || label.back() == '-') return false;
  }
  return true;
}

absl::Status CheckTag(const std::string& tag) {
  const auto is_word = [](unsigned char c) { return absl::ascii_isalnum(c) || c == '_'; };
  const bool valid = !tag.empty() && tag.size() <= kLongestTag && is_word(tag[0]) &&
                     std::all_of(tag.begin(), tag.end(), [&](unsigned char c) {
                       return is_word(c) || c == '.' || c == '-';
                     });
  if (valid) return absl::OkStatus();
  return Wrong("\"", Escaped(tag.substr(0, 200)),
               "\" is no tag: letters, digits, '_', '.' and '-', ", "at most ", kLongestTag);
}

// Where the registry ends and the repository begins: what has no '.', ':' or capital and is not
// "localhost" is already part of a name at docker.io.
void SplitDomain(std::string_view name, ImageName* to) {
  const size_t slash = name.find('/');
  const std::string_view first = name.substr(0, slash);
  const bool is_domain =
      slash != std::string_view::npos &&
      (first.find_first_of(".:") != std::string_view::npos || first == "localhost" ||
       std::any_of(first.begin(), first.end(),
                   [](unsigned char c) { return absl::ascii_isupper(c); }));
  to->domain = is_domain ? first : kHub;
  to->repository = is_domain ? name.substr(slash + 1) : name;
  if (to->domain == "index.docker.io") to->domain = kHub;
  if (to->domain == kHub && to->repository.find('/') == std::string::npos) {
    to->repository.insert(0, "library/");
  }
}

}  // namespace

std::string ImageName::Host() const { return domain == kHub ? "registry-1.docker.io" : domain; }

absl::StatusOr<ImageName> ParseImageName(std::string_view text) {
  constexpr char kForm[] = "expected [HOST[:PORT]/]NAME[:TAG][@DIGEST]";
  ImageName name;
  std::string_view rest = text;
  // "user:password@host/name" is no digest, and nobody's log should show it.
  if (const size_t slash = rest.find('/');
      slash != std::string_view::npos && rest.find('@') < slash) {
    return Wrong(
        "a user's name or password in front of '@' does not belong here: skopeo login, or "
        "--authfile; ",
        kForm);
  }
  if (const size_t at = rest.find('@'); at != std::string_view::npos) {
    LRE_ASSIGN_OR_RETURN(name.digest, ParseDigest(rest.substr(at + 1)));
    rest = rest.substr(0, at);
  }
  const size_t slash = rest.rfind('/');
  const size_t colon = rest.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon != std::string_view::npos) {
    name.tag = rest.substr(colon + 1);
    LRE_RETURN_IF_ERROR(CheckTag(name.tag));
    rest = rest.substr(0, colon);
  } else if (!name.digest) {
    name.tag = "latest";
  }
  if (rest.empty())
    return Wrong("\"", Escaped(text.substr(0, 200)), "\" names no repository; ", kForm);
  SplitDomain(rest, &name);
  if (!IsDomain(name.domain)) {
    return Wrong("\"", Escaped(name.domain.substr(0, 200)), "\" is no host of a registry; ", kForm);
  }
  if (name.domain.size() + 1 + name.repository.size() > kLongestName) {
    return Wrong("a name of more than ", kLongestName, " bytes; ", kForm);
  }
  for (const absl::string_view component : absl::StrSplit(name.repository, '/')) {
    if (IsPathComponent(component)) continue;
    const bool capitals = std::any_of(component.begin(), component.end(),
                                      [](unsigned char c) { return absl::ascii_isupper(c); });
    return Wrong("\"", Escaped(ToStd(component)), "\" is no part of a repository's name",
                 capitals ? ", which must be in lower case" : "", "; ", kForm);
  }
  return name;
}

}  // namespace lre_audit::registry
