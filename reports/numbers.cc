#include "reports/numbers.h"

#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/text.h"

namespace lre_audit {

std::string Grouped(uint64_t number) {
  std::string digits = absl::StrCat(number);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string Counted(uint64_t number, std::string_view singular) {
  return absl::StrCat(Grouped(number), " ", ToAbsl(singular), number == 1 ? "" : "s");
}

std::string HumanBytes(uint64_t bytes) {
  constexpr std::array kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return absl::StrCat(bytes, " B");
  double value = bytes;
  size_t unit = 0;
  // 999.5 would round to 1000 of the smaller unit.
  for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return absl::StrFormat("%.*f %s", value < 9.95 ? 1 : 0, value, kUnits[unit]);
}

std::string HumanSeconds(double seconds) {
  if (!(seconds > 0)) return "0 ms";
  if (seconds < 0.0995) return absl::StrFormat("%.0f ms", seconds * 1000);
  if (seconds < 9.95) return absl::StrFormat("%.1f s", seconds);
  const auto whole = AsCount(std::round(seconds));
  if (whole < 60) return absl::StrCat(whole, " s");
  if (whole < 3600) return absl::StrFormat("%d min %02d s", whole / 60, whole % 60);
  return absl::StrFormat("%s h %02d min", Grouped(whole / 3600), whole / 60 % 60);
}

uint64_t AsCount(double value) {
  if (!(value > 0)) return 0;
  constexpr double kExact = 9007199254740992;  // 2^53
  return static_cast<uint64_t>(value < kExact ? value : kExact);
}

}  // namespace lre_audit
