#include "audit/claims/metadata.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "audit/claims/path_flags.h"
#include "base/text.h"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;

constexpr auto kBlanks = " \t\r"sv;
// .pc values that expand beyond these are an attack (each variable doubling the last), not
// metadata.
constexpr size_t kMaxExpansion = 64 * 1024;  // of one value
constexpr size_t kMaxExpansions = 16 << 20;  // of a file

Token Trimmed(Token token) {
  const size_t begin = std::min(token.text.find_first_not_of(kBlanks), token.text.size());
  token.offset += begin;
  token.text.remove_prefix(begin);
  token.text = token.text.substr(0, token.text.find_last_not_of(kBlanks) + 1);
  return token;
}

// A value without the quotes around it.
Token Unquoted(Token token) {
  if (token.text.size() >= 2 && (token.text[0] == '\'' || token.text[0] == '"') &&
      token.text.back() == token.text[0]) {
    return {token.text.substr(1, token.text.size() - 2), token.offset + 1};
  }
  return token;
}

// Options and absolute paths among the words of `value`; quotes and commas separate words too, as
// in configure's `'--prefix=/usr' '-L/usr/lib'`. Lists with `:` are taken apart.
void AddValue(Token value, std::string_view context, ClaimList* claims) {
  const auto add = [&](std::string_view path, uint64_t offset, std::string_view option) {
    for (const Token& part : Split(path, offset, ":")) {
      if (option.empty() ? IsInstallationPath(part.text) : IsClaimablePath(part.text)) {
        claims->Add(Claim::BUILD_METADATA, part.text, part.offset, context);
      }
    }
  };
  FindPathsInOptions(Split(value.text, value.offset, " \t\r\n\v\f'\"\\"), true, add);
}

size_t NameLength(std::string_view s) {
  size_t n = 0;
  while (n < s.size() && (absl::ascii_isalnum(static_cast<unsigned char>(s[n])) ||
                          "_.-"sv.find(s[n]) != std::string_view::npos)) {
    ++n;
  }
  return n;
}

// `NAME <separator> value` of a line, blanks around the parts allowed.
bool SplitLine(Token line, std::string_view separator, std::string_view* name, Token* value) {
  line = Trimmed(line);
  const size_t length = NameLength(line.text);
  if (length == 0) return false;
  const Token rest = Trimmed({line.text.substr(length), line.offset + length});
  if (rest.text.substr(0, separator.size()) != separator) return false;
  *name = line.text.substr(0, length);
  *value = Trimmed({rest.text.substr(separator.size()), rest.offset + separator.size()});
  return true;
}

// --- pkg-config.

class PkgConfigReader {
 public:
  explicit PkgConfigReader(ClaimList* claims) : claims_(claims) {}

  void Read() {
    for (const Token& line : Split(claims_->text(), 0, "\n")) {
      std::string_view name;
      Token value;
      const Token trimmed = Trimmed({line.text.substr(0, line.text.find('#')), line.offset});
      if (SplitLine(trimmed, "=", &name, &value)) {
        Variable(name, value);
      } else if (SplitLine(trimmed, ":", &name, &value)) {
        Field(name, value);
      } else {
        // The line before ended in a backslash: it goes on here.
        if (!field_.empty()) Field(field_, trimmed);
        continue;
      }
      if (trimmed.text.empty() || trimmed.text.back() != '\\') field_ = {};
    }
  }

 private:
  void Variable(std::string_view name, Token value) {
    std::string expanded = Expand(Unquoted(value).text);
    const bool literal = absl::StartsWith(ToAbsl(Unquoted(value).text), "/");
    // What expands from another variable repeats that one's claim, a doubled path does not.
    if (literal ? IsInstallationPath(expanded) : IsDoubled(expanded)) {
      claims_->AddPath(Claim::BUILD_METADATA, expanded, Unquoted(value).offset, name);
    }
    variables_.try_emplace(std::string(name), std::move(expanded));
  }

  void Field(std::string_view name, Token value) {
    field_ = {};
    if (!absl::StartsWith(ToAbsl(name), "Libs") && !absl::StartsWith(ToAbsl(name), "Cflags") &&
        !absl::StartsWith(ToAbsl(name), "CFlags")) {
      return;
    }
    field_ = name;
    std::vector<std::string> expanded;
    const std::vector<Token> raw = Split(value.text, value.offset, " \t\r\"'\\");
    expanded.reserve(raw.size());  // tokens point into its strings
    std::vector<Token> tokens;
    for (const Token& token : raw) {
      expanded.push_back(Expand(token.text));
      for (const Token& word : Words(expanded.back(), 0)) {
        tokens.push_back({word.text, token.offset});
      }
    }
    FindPathsInOptions(tokens, true, [&](std::string_view path, uint64_t offset, std::string_view) {
      // A path within an expansion stands at the word that expands.
      claims_->Add(Claim::BUILD_METADATA, path, offset, name);
    });
  }

  static bool IsDoubled(std::string_view path) {
    return path.substr(0, 1) == "/" && path.find("//") != path.npos;
  }

  // An unknown variable (pcfiledir, say) stays as written, which no path check lets pass.
  std::string Expand(std::string_view value) {
    if (expanded_ > kMaxExpansions) return {};
    std::string result;
    size_t position = 0;
    while (position < value.size() && result.size() < kMaxExpansion) {
      const size_t begin = value.find("${", position);
      const size_t end = begin == value.npos ? value.npos : value.find('}', begin);
      if (end == value.npos) break;
      result.append(value.substr(position, begin - position));
      const auto found = variables_.find(ToAbsl(value.substr(begin + 2, end - begin - 2)));
      if (found == variables_.end()) {
        result.append(value.substr(begin, end + 1 - begin));
      } else {
        result.append(found->second);
      }
      position = end + 1;
    }
    if (position < value.size()) result.append(value.substr(position));
    if (result.size() > kMaxExpansion) result.resize(kMaxExpansion);
    expanded_ += result.size();
    if (expanded_ > kMaxExpansions) {
      claims_->AddDefect(Defect::LIMIT, 0, "variables expand to more than 16 MiB");
    }
    return result;
  }

  ClaimList* claims_;
  absl::flat_hash_map<std::string, std::string> variables_;
  size_t expanded_ = 0;     // bytes so far
  std::string_view field_;  // whose value a backslash continues on the next line
};

// --- Python.

// A Python string at `position` of `text`, of any quoting; advances behind it. False, and advanced
// behind what cannot be read again, where it does not end.
bool PythonString(std::string_view text, size_t* position, Token* value) {
  const char quote = text[*position];
  const std::string_view triple = text.substr(*position, 3);
  const bool is_triple = triple.size() == 3 && triple[1] == quote && triple[2] == quote;
  const size_t begin = *position + (is_triple ? 3 : 1);
  for (size_t i = begin; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '\n' && !is_triple) {
      *position = i;
      return false;
    } else if (text[i] == quote && (!is_triple || text.substr(i, 3) == triple)) {
      *value = {text.substr(begin, i - begin), begin};
      *position = i + (is_triple ? 3 : 1);
      return true;
    }
  }
  *position = text.size();
  return false;
}

}  // namespace

void AddPkgConfigClaims(ClaimList* claims) { PkgConfigReader(claims).Read(); }

void AddLibtoolClaims(ClaimList* claims) {
  for (const Token& line : Split(claims->text(), 0, "\n")) {
    std::string_view name;
    Token value;
    if (!SplitLine(line, "=", &name, &value)) continue;
    if (name == "libdir" || name == "dependency_libs" || name == "inherited_linker_flags") {
      AddValue(value, name, claims);
    }
  }
}

void AddQtPrlClaims(ClaimList* claims) {
  for (const Token& line : Split(claims->text(), 0, "\n")) {
    std::string_view name;
    Token value;
    if (!SplitLine(line, "=", &name, &value)) continue;
    for (const Token& part : Split(value.text, value.offset, ";")) AddValue(part, name, claims);
  }
}

void AddGccSpecsClaims(ClaimList* claims) {
  std::string_view name;
  for (const Token& line : Split(claims->text(), 0, "\n")) {
    if (line.text[0] == '#') continue;
    if (line.text[0] == '*') name = Trimmed(line).text;
    // Alternatives and conditions: %{m32:/lib/ld.so;:/lib64/ld.so}. A word is what they enclose.
    FindPathsInOptions(Split(line.text, line.offset, " \t\r{};,:|()"), true,
                       [&](std::string_view path, uint64_t offset, std::string_view) {
                         claims->Add(Claim::BUILD_METADATA, path, offset, name);
                       });
  }
}

void AddPythonSysconfigClaims(ClaimList* claims) {
  const std::string_view text = claims->text();
  std::string_view key;
  bool in_value = false;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (c == '\'' || c == '"') {
      Token value;
      if (!PythonString(text, &i, &value)) {
        in_value = false;
      } else if (in_value) {
        AddValue(value, key, claims);
      } else {
        key = value.text;
      }
    } else {
      if (c == ':') in_value = true;
      if (c == ',' || c == '{' || c == '}') in_value = false;
      ++i;
    }
  }
}

void AddPerlConfigClaims(ClaimList* claims) {
  for (const Token& line : Split(claims->text(), 0, "\n")) {
    std::string_view name;
    Token value;
    if (!SplitLine(line, "=>", &name, &value) && !SplitLine(line, "=", &name, &value)) continue;
    if (!value.text.empty() && value.text.back() == ',') value.text.remove_suffix(1);
    const Token unquoted = Unquoted(value);
    // Only quoted values are configuration; the rest of the file is Perl.
    if (unquoted.text.size() != value.text.size()) AddValue(unquoted, name, claims);
  }
}

}  // namespace lre_audit
