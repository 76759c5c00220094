#include "audit/nix/hash.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

struct Algorithm {
  std::string_view name;
  size_t bytes;
};
constexpr Algorithm kAlgorithms[] = {
    {"sha256", 32}, {"sha512", 64}, {"sha1", 20}, {"md5", 16}, {"blake3", 32}};

constexpr size_t Base64Length(size_t bytes) { return (bytes + 2) / 3 * 4; }  // with padding
constexpr size_t Nix32Length(size_t bytes) { return bytes == 0 ? 0 : (bytes * 8 - 1) / 5 + 1; }

template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// The bytes of a hash written as hex, nix32 or base64; the three differ in length.
absl::StatusOr<std::string> DecodeHash(const Algorithm& algorithm, std::string_view digits,
                                       std::string_view whole) {
  const size_t bytes = algorithm.bytes;
  if (digits.size() == 2 * bytes) {
    for (char c : digits) {
      if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) {
        return Invalid("hash \"", Escaped(whole), "\": '", Escaped({&c, 1}), "' is no hex digit");
      }
    }
    return std::string(absl::HexStringToBytes(ToAbsl(digits)));
  }
  if (digits.size() == Nix32Length(bytes)) return FromNix32(digits, bytes);
  if (digits.size() == Base64Length(bytes)) {
    std::string decoded;
    if (!absl::Base64Unescape(ToAbsl(digits), &decoded) || decoded.size() != bytes) {
      return Invalid("hash \"", Escaped(whole), "\" is not the base64 of ", bytes, " bytes");
    }
    return decoded;
  }
  std::string name = absl::AsciiStrToUpper(ToAbsl(algorithm.name));
  if (name == "SHA256") name = "SHA-256";
  return Invalid("hash \"", Escaped(whole.substr(0, 100)), "\" has ", digits.size(), " digits; a ",
                 name, " has ", 2 * bytes, " (hex), ", Nix32Length(bytes), " (nix32) or ",
                 Base64Length(bytes), " (base64)");
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

absl::StatusOr<AnyHash> ParseAnyHash(std::string_view text, std::string_view algorithm) {
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
  for (const Algorithm& known : kAlgorithms) {
    if (known.name != algorithm) continue;
    if (is_sri && digits.size() != Base64Length(known.bytes)) {
      return Invalid("hash \"", Escaped(text.substr(0, 100)), "\" has ", digits.size(),
                     " base64 digits, not ", Base64Length(known.bytes));
    }
    LRE_ASSIGN_OR_RETURN(const std::string bytes, DecodeHash(known, digits, text));
    return AnyHash{std::string(algorithm), absl::BytesToHexString(bytes)};
  }
  return Invalid("hash algorithm \"", Escaped(algorithm.substr(0, 100)), "\" is not known");
}

absl::StatusOr<std::string> NormaliseHash(std::string_view text, std::string_view algorithm) {
  const size_t separator = text.find_first_of(":-");
  const std::string_view named =
      separator == std::string_view::npos ? algorithm : text.substr(0, separator);
  if (!named.empty() && named != "sha256" && (algorithm.empty() || named == algorithm)) {
    return Invalid("hash algorithm \"", Escaped(named.substr(0, 100)),
                   "\" is not supported, only sha256");
  }
  LRE_ASSIGN_OR_RETURN(const AnyHash hash, ParseAnyHash(text, algorithm));
  return absl::StrCat("sha256:", hash.hex);
}

}  // namespace lre_audit::nix
