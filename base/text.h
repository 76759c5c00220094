// Text seams shared by every folder: std::string_view inside, Abseil's own view at its calls, and
// input bytes made safe to print.
#ifndef LRE_AUDIT_BASE_TEXT_H_
#define LRE_AUDIT_BASE_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/string_view.h"

namespace lre_audit {

// Debian's Abseil has a string_view class of its own, nixpkgs' uses the standard one. These two
// convert, whichever it is.
inline absl::string_view ToAbsl(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view ToStd(absl::string_view s) { return {s.data(), s.size()}; }

// `bytes` with control characters, backslashes and invalid UTF-8 written as \n, \t, \\ or \xNN, so
// that a file name or string from hostile input can neither move a terminal's cursor nor break a
// JSON report.
std::string Escaped(std::string_view bytes);
// The same for a sentence in which names stand that were escaped: its backslashes stay as they are.
std::string EscapedSentence(std::string_view bytes);

// "0x318".
std::string Hex(uint64_t value);

}  // namespace lre_audit

#endif  // LRE_AUDIT_BASE_TEXT_H_
