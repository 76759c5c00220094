#include "audit/bytes/digest.h"

#include <openssl/evp.h>

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/text.h"

namespace lre_audit {
namespace {

size_t HexLength(Digest::Algorithm algorithm) {
  return algorithm == Digest::Algorithm::kSha256 ? 64 : 128;
}

std::string_view NameOf(Digest::Algorithm algorithm) {
  return algorithm == Digest::Algorithm::kSha256 ? "sha256" : "sha512";
}

bool IsLowerHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

std::string_view Digest::AlgorithmName() const { return NameOf(algorithm); }

std::string Digest::ToString() const { return absl::StrCat(ToAbsl(AlgorithmName()), ":", hex); }

std::string Digest::BlobPath() const {
  return absl::StrCat("blobs/", ToAbsl(AlgorithmName()), "/", hex);
}

absl::StatusOr<Digest> ParseDigest(std::string_view text) {
  // What a hostile manifest says is quoted, but not at any length.
  const std::string shown = Escaped(text.substr(0, 160));
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "digest \"", shown, "\" has no algorithm; expected \"sha256:<64 hex digits>\""));
  }
  const std::string_view name = text.substr(0, colon);
  Digest digest;
  if (name == "sha256") {
    digest.algorithm = Digest::Algorithm::kSha256;
  } else if (name == "sha512") {
    digest.algorithm = Digest::Algorithm::kSha512;
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("digest \"", shown, "\": algorithm \"", Escaped(name.substr(0, 32)),
                     "\" is not supported; expected sha256 or sha512"));
  }
  const std::string_view hex = text.substr(colon + 1);
  const size_t expected = HexLength(digest.algorithm);
  if (hex.size() != expected) {
    return absl::InvalidArgumentError(absl::StrCat("digest \"", shown, "\" has ", hex.size(),
                                                   " characters after the algorithm; expected ",
                                                   expected));
  }
  for (size_t i = 0; i < hex.size(); ++i) {
    if (!IsLowerHex(hex[i])) {
      return absl::InvalidArgumentError(absl::StrCat("digest \"", shown, "\": character ",
                                                     colon + 1 + i, " is no lower-case hex digit"));
    }
  }
  digest.hex = std::string(hex);
  return digest;
}

struct DigestHasher::Sha512 {
  Sha512() : context(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context, EVP_sha512(), nullptr); }
  ~Sha512() { EVP_MD_CTX_free(context); }
  Sha512(const Sha512&) = delete;
  Sha512& operator=(const Sha512&) = delete;
  EVP_MD_CTX* context;
};

DigestHasher::DigestHasher(Digest::Algorithm algorithm) : algorithm_(algorithm) {
  if (algorithm == Digest::Algorithm::kSha256) {
    sha256_.emplace();
  } else {
    sha512_ = std::make_unique<Sha512>();
  }
}
DigestHasher::~DigestHasher() = default;
DigestHasher::DigestHasher(DigestHasher&&) noexcept = default;
DigestHasher& DigestHasher::operator=(DigestHasher&&) noexcept = default;

void DigestHasher::Update(std::string_view data) {
  if (sha256_) {
    sha256_->Update(data);
  } else {
    EVP_DigestUpdate(sha512_->context, data.data(), data.size());
  }
}

Digest DigestHasher::Finish() {
  Digest digest;
  digest.algorithm = algorithm_;
  if (sha256_) {
    digest.hex = sha256_->FinishHex();
    return digest;
  }
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(sha512_->context, bytes, &size);
  constexpr char kDigits[] = "0123456789abcdef";
  for (unsigned int i = 0; i < size; ++i) {
    digest.hex += kDigits[bytes[i] >> 4];
    digest.hex += kDigits[bytes[i] & 15];
  }
  return digest;
}

}  // namespace lre_audit
