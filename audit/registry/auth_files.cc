#include "audit/registry/auth_files.h"

#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "audit/registry/credential_helper.h"
#include "base/read_file.h"
#include "base/status.h"
#include "base/text.h"
#include "nlohmann/json.hpp"

namespace lre_audit::registry {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMostFileBytes = 16 << 20;

struct AuthFile {
  std::string path;
  bool is_legacy = false;  // ~/.dockercfg: the entries alone
  bool is_named = false;   // by the user: has to be there
};

std::vector<AuthFile> Files(const std::string& authfile, const Environment& environment) {
  const auto or_else = [](const std::string& value, const std::string& other) {
    return value.empty() ? other : value;
  };
  if (const std::string named = or_else(authfile, environment("REGISTRY_AUTH_FILE"));
      !named.empty()) {
    return {{named, false, true}};
  }
  const std::string home = environment("HOME");
  const std::string runtime =
      or_else(environment("XDG_RUNTIME_DIR"), absl::StrCat("/run/containers/", getuid()));
  const bool is_session = !environment("XDG_RUNTIME_DIR").empty();
  std::vector<AuthFile> files = {
      {absl::StrCat(runtime, is_session ? "/containers/auth.json" : "/auth.json")}};
  // Without a home, only what the variables name.
  const auto below_home = [&](const char* variable, const char* directory, const char* file) {
    std::string base = environment(variable);
    if (base.empty() && !home.empty()) base = absl::StrCat(home, directory);
    if (!base.empty()) files.push_back({absl::StrCat(base, file)});
  };
  below_home("XDG_CONFIG_HOME", "/.config", "/containers/auth.json");
  below_home("DOCKER_CONFIG", "/.docker", "/config.json");
  if (!home.empty()) files.push_back({absl::StrCat(home, "/.dockercfg"), true});
  return files;
}

absl::Status Wrong(const AuthFile& file, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("credentials file ", Escaped(file.path), ": ", what));
}

const Json& Member(const Json& object, std::string_view key) {
  static const Json* const kNull = new Json();
  if (!object.is_object()) return *kNull;
  const auto found = object.find(std::string(key));
  return found == object.end() ? *kNull : *found;
}

std::string Text(const Json& value) {
  return value.is_string() ? value.get_ref<const std::string&>() : std::string();
}

absl::StatusOr<Credentials> Decode(const AuthFile& file, const std::string& key,
                                   const Json& entry) {
  Credentials credentials;
  credentials.source = file.path;
  credentials.username = Text(Member(entry, "username"));
  credentials.password = Text(Member(entry, "password"));
  credentials.identity_token = Text(Member(entry, "identitytoken"));
  const std::string encoded = Text(Member(entry, "auth"));
  if (encoded.empty()) return credentials;
  std::string decoded;
  const bool is_base64 = absl::Base64Unescape(encoded, &decoded);
  const size_t colon = decoded.find(':');
  if (!is_base64 || colon == std::string::npos) {
    return Wrong(file, absl::StrCat("the entry of ", Escaped(key),
                                    " is no USER:PASSWORD in base64; log in anew"));
  }
  credentials.username = decoded.substr(0, colon);
  credentials.password = decoded.substr(colon + 1);
  // docker pads with NULs.
  while (credentials.password.ends_with('\0')) credentials.password.pop_back();
  return credentials;
}

// Old clients wrote "https://host/v1/" for "host"; docker.io is always known by such a name.
std::string HostOfKey(absl::string_view key, bool is_legacy) {
  absl::string_view host = key;
  const bool is_url =
      absl::ConsumePrefix(&host, "https://") || absl::ConsumePrefix(&host, "http://");
  if (is_url || is_legacy) host = host.substr(0, host.find('/'));
  if (host == "registry-1.docker.io" || host == "docker.io") host = "index.docker.io";
  return std::string(host);
}

// The keys that stand for an image, the most specific one first.
std::vector<std::string> Keys(const ImageName& image) {
  std::vector<std::string> keys;
  std::string key = image.Repository();
  while (true) {
    keys.push_back(key);
    const size_t slash = key.rfind('/');
    if (slash == std::string::npos) return keys;
    key.resize(slash);
  }
}

absl::StatusOr<Credentials> FromHelper(const AuthFile& file, const std::string& helper,
                                       const std::string& server) {
  absl::StatusOr<Credentials> found = AskCredentialHelper(helper, server, {});
  if (!found.ok()) return Wrong(file, found.status().message());
  return found;
}

absl::StatusOr<Credentials> Find(const AuthFile& file, const Json& json, const ImageName& image) {
  const std::string server = HostOfKey(image.domain, false);
  const bool is_hub = server == "index.docker.io";
  // docker's helpers know docker.io by this name alone.
  const std::string helper_server = is_hub ? "https://index.docker.io/v1/" : image.domain;
  const Json& entries = file.is_legacy ? json : Member(json, "auths");
  if (!file.is_legacy) {
    for (const std::string& key : {image.domain, server, helper_server}) {
      const std::string helper = Text(Member(Member(json, "credHelpers"), key));
      if (helper.empty()) continue;
      LRE_ASSIGN_OR_RETURN(Credentials found,
                           FromHelper(file, helper, is_hub ? helper_server : key));
      if (!found.empty()) return found;
      break;
    }
  }
  for (const std::string& key : Keys(image)) {
    const Json& entry = Member(entries, key);
    if (!entry.is_object()) continue;
    LRE_ASSIGN_OR_RETURN(Credentials found, Decode(file, key, entry));
    if (!found.empty()) return found;
  }
  if (entries.is_object()) {
    for (const auto& [key, entry] : entries.items()) {
      if (HostOfKey(key, file.is_legacy) != server) continue;
      LRE_ASSIGN_OR_RETURN(Credentials found, Decode(file, key, entry));
      if (!found.empty()) return found;
    }
  }
  const std::string store = file.is_legacy ? "" : Text(Member(json, "credsStore"));
  if (store.empty()) return Credentials();
  return FromHelper(file, store, helper_server);
}

}  // namespace

std::string ProcessEnvironment(const char* variable) {
  const char* const value = getenv(variable);
  return value == nullptr ? "" : value;
}

absl::StatusOr<Credentials> FindCredentials(const ImageName& image, const std::string& authfile,
                                            const Environment& environment) {
  for (const AuthFile& file : Files(authfile, environment)) {
    const absl::StatusOr<std::string> text = ReadFile(file.path, kMostFileBytes);
    // FailedPrecondition: what should be a directory on the way is none.
    const bool is_there =
        !absl::IsNotFound(text.status()) && !absl::IsFailedPrecondition(text.status());
    if (!is_there && !file.is_named) continue;
    if (!text.ok()) return Wrong(file, text.status().message());
    // An empty one is what a logout or a mount can leave.
    if (text->empty()) continue;
    const Json json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return Wrong(file, "is no JSON object; log in anew");
    LRE_ASSIGN_OR_RETURN(Credentials found, Find(file, json, image));
    if (!found.empty()) return found;
  }
  return Credentials();
}

}  // namespace lre_audit::registry
