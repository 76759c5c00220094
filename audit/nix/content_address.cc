#include "audit/nix/content_address.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "audit/bytes/sha256.h"
#include "audit/nix/hash.h"
#include "base/status.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

constexpr size_t kPathHashBytes = 20;

std::string Sha256Hex(std::string_view text) {
  Sha256 sha256;
  sha256.Update(text);
  return sha256.FinishHex();
}

// SHA-256 folded to 20 bytes by XOR, as nix32.
std::string PathHash(std::string_view text) {
  const std::string digest = absl::HexStringToBytes(Sha256Hex(text));
  std::string folded(kPathHashBytes, '\0');
  for (size_t i = 0; i < digest.size(); ++i) {
    char& byte = folded[i % kPathHashBytes];
    byte = static_cast<char>(byte ^ digest[i]);
  }
  return ToNix32(folded);
}

std::string StorePath(std::string_view type, std::string_view sha256_hex, std::string_view name,
                      std::string_view store_directory) {
  const std::string description = absl::StrCat(ToAbsl(type), ":sha256:", ToAbsl(sha256_hex), ":",
                                               ToAbsl(store_directory), ":", ToAbsl(name));
  return absl::StrCat(ToAbsl(store_directory), "/", PathHash(description), "-", ToAbsl(name));
}

// "fixed:r:sha256:<digits>" taken apart.
struct Parts {
  enum class Method { kText, kFlat, kNar, kGit };
  Method method = Method::kFlat;
  AnyHash hash;
};

absl::StatusOr<Parts> ParseContentAddress(std::string_view ca) {
  const auto is_none = [&](std::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", Escaped(ca.substr(0, 200)), "\" is no content address: ", ToAbsl(why)));
  };
  Parts parts;
  std::string_view rest = ca;
  const auto take = [&](std::string_view prefix) {
    if (!rest.starts_with(prefix)) return false;
    rest.remove_prefix(prefix.size());
    return true;
  };
  if (take("text:")) {
    parts.method = Parts::Method::kText;
  } else if (!take("fixed:")) {
    return is_none("expected text: or fixed:");
  } else if (take("r:")) {
    parts.method = Parts::Method::kNar;
  } else if (take("git:")) {
    parts.method = Parts::Method::kGit;
  }
  absl::StatusOr<AnyHash> hash = ParseAnyHash(rest);
  if (!hash.ok()) return is_none(ToStd(hash.status().message()));
  parts.hash = *std::move(hash);
  if (parts.method == Parts::Method::kText && parts.hash.algorithm != "sha256") {
    return is_none("text has a sha256");
  }
  return parts;
}

}  // namespace

absl::StatusOr<std::string> ContentAddressedPath(std::string_view ca, std::string_view name,
                                                 const std::vector<std::string>& references,
                                                 bool self, std::string_view store_directory) {
  LRE_ASSIGN_OR_RETURN(const Parts parts, ParseContentAddress(ca));
  const bool is_text = parts.method == Parts::Method::kText;
  if (is_text || (parts.method == Parts::Method::kNar && parts.hash.algorithm == "sha256")) {
    if (is_text && self) {
      return absl::InvalidArgumentError(
          "a text cannot refer to itself, for it is named by its hash");
    }
    std::string type = is_text ? "text" : "source";
    for (const std::string& reference : references) absl::StrAppend(&type, ":", reference);
    if (self) type += ":self";
    return StorePath(type, parts.hash.hex, name, store_directory);
  }
  if (!references.empty() || self) {
    return absl::InvalidArgumentError(
        absl::StrCat("a path of content address \"", Escaped(ca), "\" cannot refer to others"));
  }
  const std::string_view method = parts.method == Parts::Method::kNar   ? "r:"
                                  : parts.method == Parts::Method::kGit ? "git:"
                                                                        : "";
  const std::string inner = Sha256Hex(
      absl::StrCat("fixed:out:", ToAbsl(method), parts.hash.algorithm, ":", parts.hash.hex, ":"));
  return StorePath("output:out", inner, name, store_directory);
}

absl::Status CheckContentAddress(const PathInfo& info, std::string_view store_directory) {
  if (info.ca.empty()) return absl::FailedPreconditionError("it has no content address");
  if (!info.has_references) return absl::FailedPreconditionError("its references are not known");
  std::vector<std::string> references = info.references;
  const auto self = std::find(references.begin(), references.end(), info.path);
  const bool refers_to_self = self != references.end();
  if (refers_to_self) references.erase(self);
  const std::string_view base_name = std::string_view(info.path).substr(info.path.rfind('/') + 1);
  LRE_ASSIGN_OR_RETURN(const BaseName name, ParseBaseName(base_name));
  LRE_ASSIGN_OR_RETURN(
      const std::string expected,
      ContentAddressedPath(info.ca, name.name, references, refers_to_self, store_directory));
  if (expected != info.path) {
    return absl::InvalidArgumentError(
        absl::StrCat("its content address ", Escaped(info.ca), " gives ", expected));
  }
  // With references to itself the hash is that of a NAR in which these are zeros.
  LRE_ASSIGN_OR_RETURN(const Parts parts, ParseContentAddress(info.ca));
  const std::string hash = absl::StrCat("sha256:", parts.hash.hex);
  if (parts.method == Parts::Method::kNar && parts.hash.algorithm == "sha256" && !refers_to_self &&
      !info.nar_hash.empty() && info.nar_hash != hash) {
    return absl::InvalidArgumentError(absl::StrCat("its content address says that its NAR has the ",
                                                   "hash ", hash, ", and the record says ",
                                                   info.nar_hash));
  }
  return absl::OkStatus();
}

}  // namespace lre_audit::nix
