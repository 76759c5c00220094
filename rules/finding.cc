#include "rules/finding.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// `text` with the hash of every store path in it left out.
std::string WithoutStoreHashes(std::string_view text, std::string_view store_directory) {
  const std::string prefix = absl::StrCat(ToAbsl(store_directory), "/");
  std::string result;
  for (size_t at; (at = text.find(prefix)) != std::string_view::npos;) {
    at += prefix.size();
    result.append(text.substr(0, at));
    text.remove_prefix(at);
    if (nix::StartsWithHash(text)) text.remove_prefix(nix::kHashLength);
  }
  return result.append(text);
}

// "docker://lre-cc:" of "docker://lre-cc:<hash>": nix2container tags images by a store path's hash.
std::string_view WithoutTagHash(std::string_view text) {
  if (text.size() <= nix::kHashLength) return text;
  const std::string_view tag = text.substr(text.size() - nix::kHashLength);
  const bool is_hash = text[text.size() - tag.size() - 1] == ':' &&
                       std::all_of(tag.begin(), tag.end(), nix::IsNix32);
  return is_hash ? text.substr(0, text.size() - tag.size()) : text;
}

// How a claim is introduced in evidence: the ELF field, the variable, the kind of file.
std::string ClaimField(const LinkedClaim& claim) {
  switch (claim.kind) {
    case Claim::INTERPRETER:
      return "PT_INTERP";
    case Claim::RPATH:
      return "DT_RPATH";
    case Claim::RUNPATH:
      return "DT_RUNPATH";
    case Claim::NEEDED:
      return "DT_NEEDED";
    case Claim::LD_CACHE_NOTE:
      return claim.context.empty() ? ".note.nixos.ldcache"
                                   : ".note.nixos.ldcache for " + claim.context;
    case Claim::DEBUG_DIRECTORY:
      return "DWARF directory";
    case Claim::EMBEDDED:
      return "string";
    case Claim::SYMLINK_TARGET:
      return "symlink";
    case Claim::LOADER_DEFAULT:
      return claim.context.empty() ? "built-in path" : "built-in " + claim.context;
    default:
      return claim.context;
  }
}

}  // namespace

Finding MakeFinding(const Rule& rule, std::string_view path, std::string_view referenced,
                    std::string message, std::string_view help) {
  Finding finding;
  finding.set_rule(rule.code);
  finding.set_name(rule.name);
  finding.set_severity(rule.severity);
  finding.set_path(std::string(path));
  finding.set_referenced(std::string(referenced));
  finding.set_message(std::move(message));
  finding.set_help(std::string(help));
  return finding;
}

Finding FileFinding(const Rule& rule, const LinkedFile& file, std::string_view referenced,
                    std::string message, std::string_view help) {
  Finding finding = MakeFinding(rule, file.facts->path(), referenced, std::move(message), help);
  finding.mutable_location()->set_layer(file.layer);
  return finding;
}

Finding ClaimFinding(const Rule& rule, const LinkedFile& file, const LinkedClaim& claim,
                     std::string message, std::string_view help) {
  Finding finding = FileFinding(rule, file, claim.text, std::move(message), help);
  finding.mutable_location()->set_offset(static_cast<double>(claim.offset));
  finding.mutable_location()->set_line(claim.line);
  finding.set_evidence(ClaimEvidence(claim));
  // A store path that is missing is one cause, whichever of its files are named.
  const bool in_store = claim.target.place == Target::Place::kStore;
  finding.set_cause(in_store && !claim.target.store_path.empty() ? claim.target.store_path
                                                                 : claim.text);
  return finding;
}

std::string ClaimEvidence(const LinkedClaim& claim) {
  if (claim.line > 0) {
    const std::string text = !claim.excerpt.empty()         ? claim.excerpt
                             : claim.kind == Claim::SHEBANG ? "#!" + claim.text
                                                            : claim.text;
    return absl::StrCat("line ", claim.line, ": ", text);
  }
  const std::string field = ClaimField(claim);
  const std::string text = claim.text.empty() ? "(empty)" : claim.text;
  if (claim.offset > 0) {
    return absl::StrCat(field, field.empty() ? "at " : " at ", Hex(claim.offset), ": ", text);
  }
  return field.empty() ? text : absl::StrCat(field, ": ", text);
}

std::string Names(const std::vector<std::string>& names, size_t most) {
  std::string result;
  const size_t shown = std::min(names.size(), most);
  for (size_t i = 0; i < shown; ++i) {
    const bool last = i + 1 == names.size();
    absl::StrAppend(&result, i == 0 ? "" : last ? " and " : ", ", names[i]);
  }
  if (names.size() > shown) absl::StrAppend(&result, " and ", names.size() - shown, " more");
  return result;
}

std::string Counted(size_t count, std::string_view singular, std::string_view plural) {
  return absl::StrCat(count, " ", ToAbsl(count == 1 ? singular : plural));
}

std::string_view TreeName(const Subject& subject) {
  switch (subject.kind) {
    case Subject::Kind::kImage:
      return "image";
    case Subject::Kind::kStore:
      return "store";
    case Subject::Kind::kToolchain:
      return "toolchain";
    case Subject::Kind::kAgreement:
      return "agreement";
  }
  return "tree";
}

std::string Fingerprint(const Finding& finding, const Subject& subject) {
  return Fingerprint(finding, TreeName(subject), subject.store_directory);
}

std::string Fingerprint(const Finding& finding, std::string_view kind,
                        std::string_view store_directory) {
  // Lengths keep the parts apart, whatever bytes they hold.
  std::string text;
  for (const std::string& part :
       {finding.rule(), std::string(kind), WithoutStoreHashes(finding.path(), store_directory),
        WithoutStoreHashes(WithoutTagHash(finding.referenced()), store_directory)}) {
    absl::StrAppend(&text, part.size(), ":", part, ",");
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  // Fails only where OpenSSL has no SHA-256; the finding then goes without a fingerprint.
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr) != 1) return "";
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), size / 2));
}

std::string WhatIsMissing(const Target& target) {
  if (target.is_directory) return "it is a directory";
  if (target.store_path_exists) return "its store path is there, the file is not";
  return absl::StrCat("its store path is not there: ", target.store_path);
}

}  // namespace lre_audit
