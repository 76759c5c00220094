#include "base/text.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"

namespace lre_audit {
namespace {

// Length of the valid UTF-8 sequence at the start of `s`, or 0 (RFC 3629: no surrogates, no
// overlong forms, nothing above U+10FFFF).
size_t Utf8Length(std::string_view s) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || s.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
      (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) {
    return 0;
  }
  return length;
}

// C1 controls (U+0080..U+009F) and the bidirectional overrides can rewrite what a terminal shows.
bool IsUnsafeSequence(std::string_view sequence) {
  if (sequence.size() == 2 && sequence[0] == '\xC2') {
    return static_cast<unsigned char>(sequence[1]) < 0xA0;
  }
  return sequence.size() == 3 && sequence[0] == '\xE2' &&
         ((sequence[1] == '\x80' && sequence[2] >= '\xA8' && sequence[2] <= '\xAE') ||
          (sequence[1] == '\x81' && sequence[2] >= '\xA6' && sequence[2] <= '\xA9'));
}

void AppendHexByte(char c, std::string* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  *out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}

// Nearly all that is shown.
bool IsPlain(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char c) { return c >= 0x20 && c < 0x7F && c != '\\'; });
}

std::string Escape(std::string_view bytes, std::string_view backslash) {
  if (IsPlain(bytes)) return std::string(bytes);
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t length = Utf8Length(bytes);
    const std::string_view sequence = bytes.substr(0, length == 0 ? 1 : length);
    const char c = sequence[0];
    if (c == '\\') {
      out += backslash;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (length == 0 || IsUnsafeSequence(sequence)) {
      for (char b : sequence) AppendHexByte(b, &out);
    } else if (length == 1 && (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)) {
      AppendHexByte(c, &out);
    } else {
      out += sequence;
    }
    bytes.remove_prefix(sequence.size());
  }
  return out;
}

}  // namespace

std::string Escaped(std::string_view bytes) { return Escape(bytes, "\\\\"); }
std::string EscapedSentence(std::string_view bytes) { return Escape(bytes, "\\"); }

std::string Hex(uint64_t value) { return absl::StrCat("0x", absl::Hex(value)); }

}  // namespace lre_audit
