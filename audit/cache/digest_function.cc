#include "audit/cache/digest_function.h"

#include <openssl/evp.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "audit/cache/blake3.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

// One context and the methods for each thread: fetching a method searches the providers.
class Evp {
 public:
  Evp()
      : context_(EVP_MD_CTX_new()),
        sha256_(EVP_MD_fetch(nullptr, "SHA256", nullptr)),
        sha1_(EVP_MD_fetch(nullptr, "SHA1", nullptr)) {}
  ~Evp() {
    EVP_MD_CTX_free(context_);
    EVP_MD_free(sha256_);
    EVP_MD_free(sha1_);
  }
  Evp(const Evp&) = delete;
  Evp& operator=(const Evp&) = delete;

  void Hash(DigestFunction function, std::string_view blob, uint8_t* hash) {
    EVP_DigestInit_ex(context_, function == DigestFunction::kSha1 ? sha1_ : sha256_, nullptr);
    EVP_DigestUpdate(context_, blob.data(), blob.size());
    EVP_DigestFinal_ex(context_, hash, nullptr);
  }

 private:
  EVP_MD_CTX* const context_;
  EVP_MD* const sha256_;
  EVP_MD* const sha1_;
};

// The value of each hexadecimal digit, 0xff for what is none: logs have hundreds of megabytes of
// them.
constexpr std::array<uint8_t, 256> kHexValues = [] {
  std::array<uint8_t, 256> values = {};
  values.fill(0xff);
  for (int i = 0; i < 10; ++i) values['0' + i] = static_cast<uint8_t>(i);
  for (int i = 0; i < 6; ++i) {
    values['a' + i] = static_cast<uint8_t>(10 + i);
    values['A' + i] = static_cast<uint8_t>(10 + i);
  }
  return values;
}();

}  // namespace

std::string_view Name(DigestFunction function) {
  switch (function) {
    case DigestFunction::kSha256:
      return "SHA256";
    case DigestFunction::kSha1:
      return "SHA1";
    case DigestFunction::kBlake3:
      return "BLAKE3";
  }
  return "";
}

std::optional<DigestFunction> ParseDigestFunction(std::string_view name) {
  std::string plain;
  for (const char c : name.substr(0, 32)) {
    if (c != '-') plain += absl::ascii_toupper(static_cast<unsigned char>(c));
  }
  for (const DigestFunction function :
       {DigestFunction::kSha256, DigestFunction::kSha1, DigestFunction::kBlake3}) {
    if (plain == Name(function)) return function;
  }
  return std::nullopt;
}

size_t HashBytes(DigestFunction function) { return function == DigestFunction::kSha1 ? 20 : 32; }

std::string BlobDigest::Hex() const {
  return absl::BytesToHexString({reinterpret_cast<const char*>(hash.data()), length});
}

std::string BlobDigest::ToString() const { return absl::StrCat(Hex(), "/", size); }

absl::StatusOr<BlobDigest> ParseBlobDigest(std::string_view hex, uint64_t size) {
  if (hex.size() != 40 && hex.size() != 64) {
    return absl::InvalidArgumentError(
        absl::StrCat("hash \"", Escaped(hex.substr(0, 80)), "\" has ", hex.size(),
                     " digits; expected 64 (SHA-256, BLAKE3) or 40 (SHA-1)"));
  }
  BlobDigest digest;
  digest.size = size;
  digest.length = static_cast<uint8_t>(hex.size() / 2);
  uint8_t wrong = 0;
  for (size_t i = 0; i < digest.length; ++i) {
    const uint8_t high = kHexValues[static_cast<uint8_t>(hex[2 * i])];
    const uint8_t low = kHexValues[static_cast<uint8_t>(hex[2 * i + 1])];
    wrong |= static_cast<uint8_t>(high | low);
    digest.hash[i] = static_cast<uint8_t>(high << 4 | low);
  }
  if (wrong > 0xf) {
    return absl::InvalidArgumentError(
        absl::StrCat("hash \"", Escaped(hex), "\" is no hexadecimal number"));
  }
  return digest;
}

BlobDigest DigestOf(DigestFunction function, std::string_view blob) {
  BlobDigest digest;
  digest.length = static_cast<uint8_t>(HashBytes(function));
  digest.size = blob.size();
  if (function == DigestFunction::kBlake3) {
    digest.hash = Blake3(blob);
  } else {
    thread_local Evp evp;
    evp.Hash(function, blob, digest.hash.data());
  }
  return digest;
}

}  // namespace lre_audit::cache
