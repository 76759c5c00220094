// Content digests as image manifests write them: "sha256:<64 hex digits>".
// Source: OCI image-spec descriptor.md, "Digests".
#ifndef LRE_AUDIT_AUDIT_BYTES_DIGEST_H_
#define LRE_AUDIT_AUDIT_BYTES_DIGEST_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/bytes/sha256.h"

namespace lre_audit {

struct Digest {
  enum class Algorithm { kSha256, kSha512 };
  Algorithm algorithm = Algorithm::kSha256;
  std::string hex;  // 64 or 128 lower-case digits

  std::string_view AlgorithmName() const;
  std::string ToString() const;
  // "blobs/sha256/<hex>", where an OCI layout keeps it.
  std::string BlobPath() const;
};

// Strict: a digest becomes part of a file name, so nothing but an algorithm known here and exactly
// its hex digits is accepted (CVE-2024-3727). InvalidArgument names what is wrong.
absl::StatusOr<Digest> ParseDigest(std::string_view text);

class DigestHasher {
 public:
  explicit DigestHasher(Digest::Algorithm algorithm);
  ~DigestHasher();
  DigestHasher(DigestHasher&&) noexcept;
  DigestHasher& operator=(DigestHasher&&) noexcept;

  void Update(std::string_view data);
  Digest Finish();  // once

 private:
  struct Sha512;
  Digest::Algorithm algorithm_;
  std::optional<Sha256> sha256_;
  std::unique_ptr<Sha512> sha512_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_BYTES_DIGEST_H_
