#include "audit/nix/signature.h"

#include <openssl/evp.h>

#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "audit/nix/content_address.h"
#include "audit/nix/hash.h"
#include "audit/nix/nix_conf.h"
#include "base/read_file.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

constexpr size_t kKeyBytes = 32, kSignatureBytes = 64;  // of Ed25519
constexpr uint64_t kMaxKeyFile = 1 << 20;
constexpr std::string_view kDefaultKeys =
    "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=";

// "NAME:BASE64" of a key or a signature; nullopt if it is none of `bytes` bytes.
struct Named {
  std::string name, bytes;
};
std::optional<Named> ParseNamed(std::string_view text, size_t bytes) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  Named named{std::string(text.substr(0, colon)), {}};
  if (!absl::Base64Unescape(ToAbsl(text.substr(colon + 1)), &named.bytes)) return std::nullopt;
  if (named.bytes.size() != bytes) return std::nullopt;
  return named;
}

absl::Status AddKey(std::string_view word, TrustedKeys* keys) {
  const std::optional<Named> named = ParseNamed(word, kKeyBytes);
  if (!named) {
    // A secret key has both halves.
    const bool secret = ParseNamed(word, kSignatureBytes).has_value();
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", secret ? Escaped(word.substr(0, word.find(':'))) : Escaped(word.substr(0, 100)),
        secret ? "\" is a secret key, expected the public one: nix key convert-secret-to-public"
               : "\" is no public key; expected NAME:BASE64, as nix key convert-secret-to-public "
                 "writes it, or @FILE"));
  }
  const auto [known, added] = keys->keys.try_emplace(named->name, named->bytes);
  if (added || known->second == named->bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("two different keys have the name \"", Escaped(named->name), "\""));
}

bool Verifies(std::string_view key, std::string_view message, std::string_view signature) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(key.data());
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> public_key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes, key.size()), EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  return public_key != nullptr && context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, public_key.get()) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(message.data()),
                          message.size()) == 1;
}

}  // namespace

absl::Status AddTrustedKey(std::string_view word, TrustedKeys* keys) {
  if (!word.starts_with('@')) return AddKey(word, keys);
  const std::string path(word.substr(1));
  absl::StatusOr<std::string> text = ReadFile(path, kMaxKeyFile);
  if (!text.ok()) {
    return absl::Status(text.status().code(),
                        absl::StrCat(Escaped(path), ": ", text.status().message()));
  }
  const std::vector<std::string> words =
      absl::StrSplit(*text, absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty());
  if (words.empty())
    return absl::InvalidArgumentError(absl::StrCat(Escaped(path), " holds no key"));
  for (const std::string& key : words) {
    if (absl::Status status = AddKey(key, keys); !status.ok()) {
      return absl::Status(status.code(), absl::StrCat(Escaped(path), ": ", status.message()));
    }
  }
  return absl::OkStatus();
}

TrustedKeys ConfiguredKeys() {
  TrustedKeys keys;
  for (const std::string& word :
       ConfiguredWords({"trusted-public-keys", "binary-cache-public-keys"}, kDefaultKeys)) {
    AddKey(word, &keys).IgnoreError();
  }
  return keys;
}

std::string Fingerprint(const PathInfo& info) {
  if (info.nar_hash.empty() || !info.nar_size || *info.nar_size == 0 || !info.has_references) {
    return {};
  }
  const std::string hash =
      absl::HexStringToBytes(info.nar_hash.substr(info.nar_hash.find(':') + 1));
  return absl::StrCat("1;", info.path, ";sha256:", ToNix32(hash), ";", *info.nar_size, ";",
                      absl::StrJoin(info.references, ","));
}

std::vector<std::string> RecordFaults(const PathInfo& info, std::string_view store_directory,
                                      const TrustedKeys& keys) {
  std::vector<std::string> faults;
  const absl::Status address = CheckContentAddress(info, store_directory);
  if (absl::IsInvalidArgument(address)) faults.emplace_back(address.message());

  bool trusted = address.ok() || info.ultimate;
  const std::string fingerprint =
      info.signatures.empty() || keys.keys.empty() ? std::string() : Fingerprint(info);
  std::vector<std::string> others;
  for (const std::string& signature : info.signatures) {
    const std::string name = signature.substr(0, signature.find(':'));
    const auto key = keys.keys.find(name);
    if (key == keys.keys.end()) {
      others.push_back(Escaped(name.substr(0, 100)));
      continue;
    }
    if (fingerprint.empty()) continue;  // the record is not whole
    const std::optional<Named> parsed = ParseNamed(signature, kSignatureBytes);
    if (!parsed) {
      faults.push_back(absl::StrCat("the signature by ", Escaped(name), " is not the base64 of ",
                                    kSignatureBytes, " bytes"));
    } else if (Verifies(key->second, fingerprint, parsed->bytes)) {
      trusted = true;
    } else {
      faults.push_back(
          absl::StrCat("the signature by ", Escaped(name),
                       " is not of what is recorded: ", Escaped(fingerprint.substr(0, 2000))));
    }
  }
  if (!keys.required || trusted || !faults.empty()) return faults;
  std::vector<std::string> names;
  for (const auto& [name, key] : keys.keys) names.push_back(Escaped(name));
  faults.push_back(absl::StrCat(
      "no signature by ", absl::StrJoin(names, " or "),
      others.empty() ? std::string() : absl::StrCat(", only by ", absl::StrJoin(others, ", ")),
      fingerprint.empty() && info.signatures.size() > others.size()
          ? " that can be verified: NAR hash, NAR size or references are not recorded"
          : ""));
  return faults;
}

}  // namespace lre_audit::nix
