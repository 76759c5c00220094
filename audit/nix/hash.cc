#include "audit/nix/hash.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

constexpr size_t kSha256Bytes = 32;
constexpr size_t kHexDigits = 64;     // of a SHA-256
constexpr size_t kNix32Length = 52;   // of a SHA-256
constexpr size_t kBase64Digits = 44;  // of a SHA-256, with padding

constexpr size_t Nix32Length(size_t bytes) { return bytes == 0 ? 0 : (bytes * 8 - 1) / 5 + 1; }

template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// The bytes of a SHA-256 written as hex, nix32 or base64; the three differ in length.
absl::StatusOr<std::string> DecodeSha256(std::string_view digits, std::string_view whole) {
  if (digits.size() == kHexDigits) {
    for (char c : digits) {
      if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) {
        return Invalid("hash \"", Escaped(whole), "\": '", Escaped({&c, 1}), "' is no hex digit");
      }
    }
    return std::string(absl::HexStringToBytes(ToAbsl(digits)));
  }
  if (digits.size() == kNix32Length) return FromNix32(digits, kSha256Bytes);
  if (digits.size() == kBase64Digits) {
    std::string bytes;
    if (!absl::Base64Unescape(ToAbsl(digits), &bytes) || bytes.size() != kSha256Bytes) {
      return Invalid("hash \"", Escaped(whole), "\" is not the base64 of 32 bytes");
    }
    return bytes;
  }
  return Invalid("hash \"", Escaped(whole.substr(0, 100)), "\" has ", digits.size(),
                 " digits; a SHA-256 has 64 (hex), 52 (nix32) or 44 (base64)");
}

}  // namespace

std::string ToNix32(std::string_view bytes) {
  std::string digits;
  digits.reserve(Nix32Length(bytes.size()));
  for (size_t n = Nix32Length(bytes.size()); n-- > 0;) {
    const size_t bit = n * 5, i = bit / 8, shift = bit % 8;
    unsigned value = static_cast<unsigned char>(bytes[i]) >> shift;
    if (i + 1 < bytes.size()) value |= static_cast<unsigned char>(bytes[i + 1]) << (8 - shift);
    digits.push_back(kNix32Digits[value & 31]);
  }
  return digits;
}

absl::StatusOr<std::string> FromNix32(std::string_view digits, size_t bytes) {
  if (digits.size() != Nix32Length(bytes)) {
    return Invalid("nix32 of ", bytes, " bytes has ", Nix32Length(bytes), " digits, not ",
                   digits.size());
  }
  std::string result(bytes, '\0');
  for (size_t n = 0; n < digits.size(); ++n) {
    const char c = digits[digits.size() - 1 - n];
    const int digit = Nix32Value(c);
    if (digit < 0) return Invalid("'", Escaped({&c, 1}), "' is no nix32 digit");
    const size_t bit = n * 5, i = bit / 8, shift = bit % 8;
    const unsigned value = static_cast<unsigned>(digit) << shift;
    result[i] = static_cast<char>(static_cast<unsigned char>(result[i]) | (value & 0xff));
    if (value >> 8 != 0) {
      if (i + 1 >= bytes) {
        return Invalid("nix32 \"", ToAbsl(digits), "\" is too large for ", bytes, " bytes");
      }
      result[i + 1] = static_cast<char>(static_cast<unsigned char>(result[i + 1]) | (value >> 8));
    }
  }
  return result;
}

absl::StatusOr<std::string> NormaliseHash(std::string_view text, std::string_view algorithm) {
  std::string_view digits = text;
  const size_t separator = text.find_first_of(":-");
  const bool is_sri = separator != std::string_view::npos && text[separator] == '-';
  if (separator != std::string_view::npos) {
    const std::string_view named = text.substr(0, separator);
    if (!algorithm.empty() && named != algorithm) {
      return Invalid("hash \"", Escaped(text.substr(0, 100)), "\" is not ", ToAbsl(algorithm));
    }
    algorithm = named;
    digits = text.substr(separator + 1);
  }
  if (algorithm.empty()) {
    return Invalid("hash \"", Escaped(text.substr(0, 100)), "\" does not name its algorithm");
  }
  if (algorithm != "sha256") {
    return Invalid("hash algorithm \"", Escaped(algorithm.substr(0, 100)),
                   "\" is not supported, only sha256");
  }
  if (is_sri && digits.size() != kBase64Digits) {
    return Invalid("hash \"", Escaped(text.substr(0, 100)), "\" has ", digits.size(),
                   " base64 digits, not 44");
  }
  LRE_ASSIGN_OR_RETURN(const std::string bytes, DecodeSha256(digits, text));
  return absl::StrCat("sha256:", absl::BytesToHexString(bytes));
}

}  // namespace lre_audit::nix
