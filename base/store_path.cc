#include "base/store_path.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/paths.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

constexpr std::array<int8_t, 256> MakeDigitValues() {
  std::array<int8_t, 256> values{};
  for (int8_t& value : values) value = -1;
  for (size_t i = 0; i < kNix32Digits.size(); ++i) {
    values[static_cast<unsigned char>(kNix32Digits[i])] = static_cast<int8_t>(i);
  }
  return values;
}
constexpr std::array<int8_t, 256> kDigitValues = MakeDigitValues();

template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

}  // namespace

int Nix32Value(char digit) { return kDigitValues[static_cast<unsigned char>(digit)]; }

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '-' || c == '.' ||
         c == '_' || c == '?' || c == '=';
}

bool StartsWithHash(std::string_view text) {
  return text.size() > kHashLength && text[kHashLength] == '-' &&
         std::all_of(text.begin(), text.begin() + kHashLength, IsNix32);
}

absl::StatusOr<BaseName> ParseBaseName(std::string_view base_name) {
  // Enough of a name to recognise it, however long it is.
  const auto shown = [base_name] {
    return Escaped(base_name.substr(0, kHashLength + 1 + kMaxNameLength));
  };
  if (base_name.size() < kHashLength + 2) {
    return Invalid("\"", shown(), "\" is too short for a store path name: ", base_name.size(),
                   " bytes, at least ", kHashLength + 2, " are needed");
  }
  for (size_t i = 0; i < kHashLength; ++i) {
    if (!IsNix32(base_name[i])) {
      return Invalid("\"", shown(), "\": '", Escaped(base_name.substr(i, 1)), "' at ", i,
                     " is no nix32 digit of a store path hash");
    }
  }
  if (base_name[kHashLength] != '-') {
    return Invalid("\"", shown(), "\": no '-' after the ", kHashLength, " digits of the hash");
  }
  const BaseName parsed{base_name.substr(0, kHashLength), base_name.substr(kHashLength + 1)};
  if (parsed.name.size() > kMaxNameLength) {
    return Invalid("\"", shown(), "...\": the name has ", parsed.name.size(), " bytes, at most ",
                   kMaxNameLength, " are allowed");
  }
  for (size_t i = 0; i < parsed.name.size(); ++i) {
    if (!IsNameCharacter(parsed.name[i])) {
      return Invalid("\"", shown(), "\": '", Escaped(parsed.name.substr(i, 1)), "' at ",
                     kHashLength + 1 + i, " is not allowed in a store path name");
    }
  }
  const std::string_view first_part = parsed.name.substr(0, parsed.name.find('-'));
  if (first_part == "." || first_part == "..") {
    return Invalid("\"", shown(), "\": the name is, or begins with, \"", ToAbsl(first_part), "\"");
  }
  return parsed;
}

std::optional<std::string_view> StorePathOf(std::string_view path,
                                            std::string_view store_directory) {
  if (!IsBelow(path, store_directory)) return std::nullopt;
  const size_t begin = store_directory.size() + 1;
  const size_t end = std::min(path.find('/', begin), path.size());
  if (!ParseBaseName(path.substr(begin, end - begin)).ok()) return std::nullopt;
  return path.substr(0, end);
}

std::string_view PackageName(std::string_view store_path) {
  const std::string_view base_name = store_path.substr(store_path.rfind('/') + 1);
  if (base_name.size() < kHashLength + 2 || !StartsWithHash(base_name)) return base_name;
  return base_name.substr(kHashLength + 1);
}

}  // namespace lre_audit::nix
