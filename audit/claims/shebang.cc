#include "audit/claims/shebang.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "audit/claims/path_flags.h"
#include "base/text.h"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;

constexpr size_t kKernelBuffer = 256;  // BINPRM_BUF_SIZE since Linux 5.1
constexpr auto kBlanks = " \t"sv;
constexpr auto kTerminators = " \t\0"sv;

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

std::optional<Shebang> ParseShebang(std::string_view text) {
  if (text.substr(0, 2) != "#!" || text.substr(0, 3) == "#![") return std::nullopt;
  // Linux pads a shorter file with NULs, and its search for the newline ends at a NUL.
  const std::string_view buffer = text.substr(0, kKernelBuffer);
  const size_t newline = buffer.find_first_of("\n\0"sv);
  const bool has_end = newline != buffer.npos || text.size() < kKernelBuffer;
  const std::string_view line = buffer.substr(0, newline);

  Shebang shebang;
  shebang.offset = line.find_first_not_of(kBlanks, 2);
  if (shebang.offset == line.npos) return std::nullopt;
  const size_t end = line.find_first_of(kTerminators, shebang.offset);
  if (end == line.npos) {
    shebang.too_long = !has_end;
    const std::string_view whole = text.substr(0, text.find_first_of("\n\0"sv));
    const size_t whole_end = whole.find_first_of(kBlanks, shebang.offset);
    shebang.interpreter = whole.substr(shebang.offset, whole_end - shebang.offset);
    return shebang;
  }
  shebang.interpreter = line.substr(shebang.offset, end - shebang.offset);
  const size_t argument = line.find_first_not_of(kBlanks, end);
  if (argument != line.npos) {
    // Without an end, the kernel's last byte is its own NUL.
    const size_t limit = has_end ? line.size() : kKernelBuffer - 1;
    shebang.argument = line.substr(argument, limit > argument ? limit - argument : 0);
    shebang.argument = shebang.argument.substr(0, shebang.argument.find_last_not_of(kBlanks) + 1);
    shebang.argument_cut = !has_end;
  }
  return shebang;
}

std::string_view InterpreterName(const Shebang& shebang) {
  const std::string_view name = BaseName(shebang.interpreter);
  if (name != "env") return name;
  for (const Token& word : Words(shebang.argument, 0)) {
    if (word.text[0] != '-' && word.text.find('=') == word.text.npos) return BaseName(word.text);
  }
  return name;
}

void AddShebangClaim(std::string_view text, ClaimList* claims) {
  const std::optional<Shebang> shebang = ParseShebang(text);
  if (!shebang.has_value()) return;
  std::string context(shebang->argument);
  if (shebang->argument_cut) context += " (cut: Linux reads 256 bytes)";
  claims->Add(Claim::SHEBANG, shebang->interpreter, shebang->offset, context);
  if (shebang->too_long) {
    claims->AddDefect(Defect::MALFORMED, shebang->offset,
                      absl::StrCat("the #! line's interpreter of ", shebang->interpreter.size(),
                                   " bytes does not end within the first ", kKernelBuffer,
                                   " bytes of the file: Linux does not execute it"));
  }
}

}  // namespace lre_audit
