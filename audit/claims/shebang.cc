#include "audit/claims/shebang.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/claims/path_flags.h"
#include "base/text.h"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;

constexpr size_t kKernelBuffer = 256;  // BINPRM_BUF_SIZE since Linux 5.1
constexpr std::string_view kCut = "cut at 255 bytes by the kernel";  // the buffer's last is its NUL
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

std::string_view EnvProgram(const Shebang& shebang) {
  if (BaseName(shebang.interpreter) != "env") return {};
  bool is_value = false;    // of the option before
  bool has_options = true;  // until `--`
  for (const Token& token : Words(shebang.argument, 0)) {
    std::string_view word = token.text;
    if (word.find_first_of("'\"\\$#") != word.npos) return {};
    if (std::exchange(is_value, false)) continue;
    if (has_options && word[0] == '-') {
      if (word == "--") has_options = false;
      constexpr std::string_view kSplit = "--split-string=";
      if (word.substr(0, kSplit.size()) == kSplit) {
        word.remove_prefix(kSplit.size());
      } else if (word.substr(0, 2) == "--") {
        is_value = word == "--unset" || word == "--chdir" || word == "--argv0";
        continue;
      } else {
        // Of short options in one word, the first that takes a value takes the rest of it.
        const size_t option = word.find_first_of("uCaPS", 1);
        if (option == word.npos) continue;
        if (word[option] != 'S') {
          is_value = option + 1 == word.size();
          continue;
        }
        word.remove_prefix(option + 1);
      }
      // The string that is split may hold options in turn.
      if (word.empty() || word[0] == '-') continue;
    }
    if (word.find('=') != word.npos) {
      has_options = false;
    } else {
      return word;
    }
  }
  return {};
}

std::string_view InterpreterName(const Shebang& shebang) {
  const std::string_view program = EnvProgram(shebang);
  return BaseName(program.empty() ? shebang.interpreter : program);
}

void AddShebangClaim(std::string_view text, ClaimList* claims) {
  const std::optional<Shebang> shebang = ParseShebang(text);
  if (!shebang.has_value()) return;
  if (shebang->too_long) {
    constexpr size_t kRead = kKernelBuffer - 1;
    if (shebang->offset >= kRead) return;
    claims->Add(Claim::SHEBANG, text.substr(shebang->offset, kRead - shebang->offset),
                shebang->offset, kCut);
    return;
  }
  const std::string cut = shebang->argument_cut ? absl::StrCat(" (", ToAbsl(kCut), ")") : "";
  claims->Add(Claim::SHEBANG, shebang->interpreter, shebang->offset,
              absl::StrCat(ToAbsl(shebang->argument), cut));
  const std::string_view program = EnvProgram(*shebang);
  if (IsClaimablePath(program)) {
    claims->Add(Claim::SHEBANG, program, program.data() - text.data(), absl::StrCat("env", cut));
  }
}

}  // namespace lre_audit
