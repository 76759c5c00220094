#include "audit/explain/secrets.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/text.h"

namespace lre_audit::explain {
namespace {

constexpr size_t kNone = std::string_view::npos;
constexpr std::string_view kBlanks = " \t";
constexpr size_t kLongestList = 4 << 10;  // bytes; what is longer is masked to the end of its line

// Words between "_", "-" and "." of a name.
constexpr std::string_view kSecretWords[] = {
    "APIKEY",      "AUTH",       "AUTHORIZATION", "BEARER",    "COOKIE", "CREDENTIAL",
    "CREDENTIALS", "CREDS",      "DSN",           "JWT",       "KEY",    "OAUTH",
    "PASS",        "PASSPHRASE", "PASSWD",        "PASSWORD",  "PAT",    "PRIVATE",
    "SECRET",      "SECRETS",    "SIG",           "SIGNATURE", "TOKEN",  "TOKENS"};
// What a word may end in: "PGPASSWORD", "accessToken".
constexpr std::string_view kSecretEnds[] = {"PASSWORD",  "PASSWORDS", "PASSWD", "PASSPHRASE",
                                            "SECRET",    "TOKEN",     "APIKEY", "ACCESSKEY",
                                            "SECRETKEY", "PRIVATEKEY"};
// A last word that says that the value is about the secret, and not it.
constexpr std::string_view kMeasures[] = {"SIZE",  "LENGTH", "LEN",    "BITS",
                                          "TYPE",  "COUNT",  "FORMAT", "ALGORITHM",
                                          "STDIN", "HELPER", "SCOPES"};

// Of HTTP's Authorization: the credentials are the word behind.
constexpr std::string_view kSchemes[] = {"bearer", "basic", "token", "negotiate", "digest"};

// What tokens of GitHub, GitLab, AWS, Slack, npm, PyPI, OpenAI and JSON web tokens begin with, and
// how many letters, digits, "-" and "_" are behind it at least.
struct Prefix {
  std::string_view text;
  size_t least;
  bool is_mixed = false;  // a capital or digit is among them: "npm_config_cache" is a variable
};
constexpr Prefix kPrefixes[] = {
    {"ghp_", 9},        {"gho_", 9},        {"ghr_", 9}, {"ghs_", 9}, {"ghu_", 9},
    {"github_pat_", 9}, {"glpat-", 9},      {"AKIA", 9}, {"ASIA", 9}, {"xox", 9, true},
    {"npm_", 9, true},  {"pypi-", 9, true}, {"eyJ", 9},  {"sk-", 20}};

template <typename List>
bool IsIn(const List& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }
bool IsNameCharacter(char c) { return IsAlnum(c) || c == '_' || c == '-' || c == '.'; }

bool BeginsFlag(std::string_view text) {
  if (!text.starts_with('-')) return false;
  text.remove_prefix(text.starts_with("--") ? 2 : 1);
  return !text.empty() && IsAlnum(text[0]);
}

// "--password": the next argument is its value. "--no-auth" has none.
bool IsSecretFlag(std::string_view word) {
  return BeginsFlag(word) && !word.starts_with("--no-") && word.find_first_of("=:") == kNone &&
         IsSecretName(word);
}

bool IsUserFlag(std::string_view word) {
  return word == "-u" || word == "-U" || word == "--user" || word == "--proxy-user";
}

// "-c", "-lc" of a shell: a command is next.
bool IsCommandFlag(std::string_view word) {
  return BeginsFlag(word) && !word.starts_with("--") && word.ends_with('c');
}

bool IsScheme(std::string_view word) { return IsIn(kSchemes, absl::AsciiStrToLower(ToAbsl(word))); }

// "Bearer hunter2secret", and not "basic authentication".
bool IsCredential(std::string_view word) {
  constexpr size_t kShortestWord = 8, kLong = 20;
  return word.size() >= kLong ||
         (word.size() >= kShortestWord && word.find_first_of("0123456789=") != kNone);
}

bool HasSecretPrefix(std::string_view token) {
  return std::any_of(std::begin(kPrefixes), std::end(kPrefixes), [&](const Prefix& prefix) {
    if (!token.starts_with(prefix.text)) return false;
    const std::string_view rest = token.substr(prefix.text.size());
    const std::string_view run = rest.substr(0, rest.find('.'));
    return run.size() >= prefix.least &&
           (!prefix.is_mixed || std::any_of(run.begin(), run.end(), [](char c) {
             return absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
                    absl::ascii_isupper(static_cast<unsigned char>(c));
           }));
  });
}

// What is masked of a text.
struct Span {
  size_t begin, end;
  bool is_counted = true;  // the mask says how long it is
};

// Goes through a text once, word by word.
class Scanner {
 public:
  Scanner(std::string_view text, std::string_view before) : text_(text), before_(before) {}

  std::vector<Span> Find() {
    if (!before_.empty() && !BeginsFlag(text_)) BehindArgument();
    while (at_ < text_.size()) {
      if (IsNameCharacter(text_[at_])) {
        Word();
      } else {
        Mark();
      }
    }
    return std::move(spans_);
  }

 private:
  // Quotation marks: " and ', and as kEscapedDouble and kEscapedSingle those behind a backslash.
  static constexpr char kEscapedDouble = 'D', kEscapedSingle = 'S';

  char At(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
  bool Has(std::string_view characters, size_t i) const {
    return i < text_.size() && characters.find(text_[i]) != kNone;
  }
  size_t PastBlanks(size_t i) const {
    return std::min(text_.find_first_not_of(kBlanks, i), text_.size());
  }
  size_t LineEnd(size_t i) const { return std::min(text_.find_first_of("\r\n", i), text_.size()); }

  // '\0' where none is.
  char QuoteAt(size_t i) const {
    const char c = At(i), next = At(i + 1);
    if (c == '"' || c == '\'') return c;
    if (c == '\\' && next == '"') return kEscapedDouble;
    return c == '\\' && next == '\'' ? kEscapedSingle : '\0';
  }
  static size_t SizeOf(char quote) { return quote == '"' || quote == '\'' ? 1 : 2; }
  // Whether the quotation mark here, if one is, is the end of what the text is in.
  bool Closes(size_t i) const {
    const char quote = QuoteAt(i);
    return quote != '\0' && open_.find(quote) != kNone;
  }

  void Hide(size_t begin, size_t end, bool is_counted = true) {
    if (begin < end) spans_.push_back({begin, end, is_counted});
    at_ = std::max(at_, end);
  }

  void BehindArgument() {
    std::string_view header = before_;
    const bool is_header = header.ends_with(':');
    if (is_header) header.remove_suffix(1);
    if (IsSecretFlag(before_) || (is_header && IsSecretName(header)) ||
        (IsScheme(before_) && IsCredential(text_))) {
      Hide(0, text_.size());
    } else if (IsUserFlag(before_)) {
      HidePassword(0, text_.size());
    }
  }

  void Mark() {
    if (Has("\r\n", at_)) {  // so that a stray mark in one line is of no matter in the next
      open_.clear();
      is_alone_ = false;
      ++at_;
      return;
    }
    const char quote = QuoteAt(at_);
    const bool is_apostrophe = quote == '\'' && at_ > 0 && IsAlnum(text_[at_ - 1]);
    if (Closes(at_)) {
      open_.resize(open_.find(quote));
      is_alone_ = false;
    } else if (quote != '\0' && !is_apostrophe) {
      open_.push_back(quote);
      is_alone_ = true;
      is_command_ = IsCommandFlag(word_) && PastBlanks(word_end_) == at_;
    } else {
      is_alone_ = is_alone_ && Has("=:", at_);
    }
    at_ += quote == '\0' ? 1 : SizeOf(quote);
  }

  void Word() {
    const size_t begin = at_;
    while (at_ < text_.size() && IsNameCharacter(text_[at_])) ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    word_ = word;
    word_end_ = at_;
    if (word.starts_with("-----BEGIN")) {
      const size_t end = text_.find("-----END", at_);
      Hide(begin, end == kNone ? text_.size() : LineEnd(end));
    } else if (text_.substr(at_).starts_with("://")) {
      Url(absl::EndsWithIgnoreCase(ToAbsl(word), "http") ||
          absl::EndsWithIgnoreCase(ToAbsl(word), "https"));
    } else if (HasSecretPrefix(word)) {
      Hide(begin, std::min(text_.find_first_not_of("+=~", at_), text_.size()));
    } else if (!Scheme(word) && !Named(begin, word)) {
      User(word);
    }
  }

  void Url(bool is_http) {
    is_alone_ = false;
    at_ += 3;
    const size_t end = std::min(text_.find_first_of("/?# \t\r\n\"'", at_), text_.size());
    const std::string_view authority = text_.substr(at_, end - at_);
    const size_t at = authority.rfind('@');
    if (at == kNone) return;
    const size_t colon = authority.find(':');
    const size_t begin = is_http ? 0 : colon < at ? colon + 1 : at;
    const size_t start = at_;
    Hide(start + begin, start + at, /*is_counted=*/false);
  }

  bool Scheme(std::string_view word) {
    const size_t next = PastBlanks(at_);
    if (next == at_ || !IsScheme(word)) return false;
    const size_t end = std::min(text_.find_first_of(" \t\r\n\"'`,;)", next), text_.size());
    if (!IsCredential(text_.substr(next, end - next))) return false;
    Hide(next, end);
    return true;
  }

  // NAME=value, "name": value, --name value.
  bool Named(size_t begin, std::string_view word) {
    // "-DNAME", "-HName": the flag is no part of the name.
    const bool is_glued = word.size() > 2 && word[0] == '-' && word[1] != '-' &&
                          !IsSecretName(word) && IsSecretName(word.substr(2));
    if (!is_glued && !IsSecretName(word)) return false;
    const char quote = QuoteAt(at_);
    size_t end = quote == '\0' ? at_ : at_ + SizeOf(quote);
    if (quote != '\0' && At(end) == ']') ++end;  // environ["NAME"] = "value"
    const size_t next = PastBlanks(end);
    const bool is_assignment =
        At(next) == '=' || (Has(":+?", next) && At(next + 1) == '=');  // "=", ":=", "+="
    const bool is_colon = !is_assignment && At(next) == ':';
    size_t value = next;
    if (is_colon) {
      // A scope of C++.
      if (At(next + 1) == ':') return false;
      value = PastBlanks(next + 1);
      // A label of Bazel's, a list of paths, a host and its port.
      if (value == next + 1 && quote == '\0' &&
          (word.find('.') != kNone || (begin > 0 && Has("/@", begin - 1)))) {
        return false;
      }
    } else if (is_assignment) {
      const size_t behind = std::min(text_.find_first_not_of("=:+?>", next), text_.size());
      value = PastBlanks(behind);
      if (value > behind && BeginsFlag(text_.substr(value))) return false;
    } else {
      // "--token", "x" in a list counts too.
      if (quote != '\0') value = std::min(text_.find_first_not_of(" \t,", end), text_.size());
      if (is_glued || !IsSecretFlag(word) || value == end || BeginsFlag(text_.substr(value))) {
        return false;
      }
    }
    if (Closes(at_)) open_.resize(open_.find(quote));
    const bool is_header = absl::EndsWithIgnoreCase(ToAbsl(word), "authorization") ||
                           absl::EndsWithIgnoreCase(ToAbsl(word), "cookie");
    const bool is_own =
        (is_colon || is_assignment) && quote == '\0' && IsOwn(is_colon && is_header);
    at_ = value;
    if (is_own || (is_header && !open_.empty() && !is_command_)) {
      Hide(value, OwnEnd(value));
    } else {
      HideValue(value);
    }
    return true;
  }

  // Whether the name begins an argument, or what is quoted, with nothing but other names before it:
  // "--remote_header=Authorization=Bearer x", and not the command "TOKEN=x make".
  bool IsOwn(bool is_header_line) const {
    if (!is_alone_) return false;
    if (!open_.empty()) return !is_command_;
    return BeginsFlag(text_) || is_header_line || (!before_.empty() && !IsCommandFlag(before_));
  }

  // The end of an argument, or of what is quoted; or before another flag in it.
  size_t OwnEnd(size_t begin) const {
    size_t i = begin;
    while (i < text_.size() && !Closes(i)) {
      if (Has(kBlanks, i) && BeginsFlag(text_.substr(i + 1))) break;
      ++i;
    }
    return i;
  }

  void HideValue(size_t begin) {
    const char quote = QuoteAt(begin);
    // What seems to close may open: where a stray mark stands before.
    if (Closes(begin) && IsNameCharacter(At(begin + SizeOf(quote)))) open_.clear();
    size_t end = Quoted(begin);
    if (end > begin && (end == text_.size() || Ends(end))) {
      if (quote == '\0') {
        Hide(begin, end);
        return;
      }
      const size_t size = SizeOf(quote);
      const bool is_closed = end >= begin + 2 * size && QuoteAt(end - size) == quote;
      Hide(begin + size, is_closed ? end - size : end);
      at_ = end;
      return;
    }
    end = WordEnd(begin);
    // The credentials behind "Bearer".
    const size_t next = PastBlanks(end);
    if (next > end && IsScheme(text_.substr(begin, end - begin))) end = WordEnd(next);
    Hide(begin, end);
  }

  // The end of the string, list or "$(command)" that begins here: that of the line if it is not
  // closed. `begin` where none begins.
  size_t Quoted(size_t begin) const {
    if (const char quote = QuoteAt(begin); quote != '\0' && !Closes(begin)) {
      for (size_t i = begin + SizeOf(quote); i < text_.size(); ++i) {
        if (QuoteAt(i) == quote) return i + SizeOf(quote);
        if (Closes(i)) return i;
        if (text_[i] == '\\') ++i;
      }
      return LineEnd(begin);
    }
    const size_t bracket = At(begin) == '$' ? begin + 1 : begin;
    if (!Has("({[", bracket)) return begin;
    size_t depth = 0;
    for (size_t i = bracket; i < std::min(text_.size(), bracket + kLongestList); ++i) {
      if (Has("({[", i)) ++depth;
      if (Has(")}]", i) && --depth == 0) return i + 1;
    }
    return LineEnd(begin);
  }

  // Whether a word of a shell, a query, JSON ends here.
  bool Ends(size_t i) const {
    if (Closes(i) || Has(" \t\r\n;&|<>", i)) return true;
    return Has(")}]", i) || (At(i) == ',' && (Has(" \t\r\n", i + 1) || QuoteAt(i + 1) != '\0'));
  }

  size_t WordEnd(size_t begin) const {
    size_t i = begin;
    while (i < text_.size()) {
      const char quote = QuoteAt(i);
      if (Has(")}]", i)) {  // of the value, unless it is the last
        ++i;
      } else if (Ends(i)) {
        break;
      } else if (quote == '"' || quote == '\'' || At(i) == '$') {
        const size_t end = Quoted(i);
        // A mark without another is a character.
        i = end > i + 1 && (quote == '\0' || text_[end - 1] == quote) ? end : i + 1;
      } else {
        i += At(i) == '\\' ? 2 : 1;
      }
    }
    i = std::min(i, text_.size());
    while (i > begin + 1 && (Has(")}],", i - 1))) --i;
    return i;
  }

  // "-u user:password", "--user=user:password", "-uuser:password".
  void User(std::string_view word) {
    const bool is_glued = word.starts_with("-u") && At(at_) == ':';
    if (!is_glued && !IsUserFlag(word)) return;
    const size_t value = is_glued ? at_ : PastBlanks(at_ + (At(at_) == '=' ? 1 : 0));
    if ((value == at_ && !is_glued) || BeginsFlag(text_.substr(value))) return;
    const char quote = QuoteAt(value);
    const size_t end = quote == '\0' || Closes(value) ? WordEnd(value) : Quoted(value);
    const bool is_closed = quote != '\0' && end > value && QuoteAt(end - SizeOf(quote)) == quote;
    HidePassword(value, is_closed ? end - SizeOf(quote) : end);
  }

  // Behind the colon, which is not that of a path, a label or a URL.
  void HidePassword(size_t begin, size_t end) {
    const size_t colon = text_.substr(0, end).find_first_of(":/", begin);
    if (colon == kNone || text_[colon] == '/' || At(colon + 1) == '/') return;
    Hide(colon + 1, end);
  }

  const std::string_view text_, before_;
  size_t at_ = 0;
  std::string open_;         // quotation marks, the outermost first
  bool is_alone_ = true;     // nothing but names and "=" since the text, or what is quoted, began
  bool is_command_ = false;  // what is quoted is a shell's
  std::string_view word_;    // the last one, and where it ends
  size_t word_end_ = 0;
  std::vector<Span> spans_;  // in order, none within another
};

// `text` from `begin` to `end`, which lie within no span.
std::string Masked(std::string_view text, const std::vector<Span>& spans, size_t begin,
                   size_t end) {
  std::string result;
  for (const Span& span : spans) {
    if (span.begin < begin || span.end > end) continue;
    const size_t size = span.end - span.begin;
    absl::StrAppend(&result, ToAbsl(text.substr(begin, span.begin - begin)));
    if (span.is_counted) {
      absl::StrAppend(&result, "(masked, ", size, size == 1 ? " byte)" : " bytes)");
    } else {
      absl::StrAppend(&result, "(masked)");
    }
    begin = span.end;
  }
  return result.append(text.substr(begin, end - begin));
}

}  // namespace

bool IsSecretName(std::string_view name) {
  std::vector<std::string> words = absl::StrSplit(absl::AsciiStrToUpper(ToAbsl(name)),
                                                  absl::ByAnyChar("_-."), absl::SkipEmpty());
  if (words.empty() || IsIn(kMeasures, words.back())) return false;
  return std::any_of(words.begin(), words.end(), [&](std::string& word) {
    word.resize(word.find_last_not_of("0123456789") + 1);  // "OAUTH2"
    // PWD alone is a directory.
    return IsIn(kSecretWords, word) || (word == "PWD" && words.size() > 1) ||
           std::any_of(std::begin(kSecretEnds), std::end(kSecretEnds),
                       [&](std::string_view end) { return word.ends_with(end); });
  });
}

std::string MaskedValue(std::string_view name, std::string_view value) {
  if (!IsSecretName(name)) return MaskedText(value);
  return value.empty() ? "" : Masked(value, {{0, value.size()}}, 0, value.size());
}

std::string MaskedArgument(std::string_view argument, std::string_view before) {
  return Masked(argument, Scanner(argument, before).Find(), 0, argument.size());
}

std::string MaskedText(std::string_view text) { return MaskedArgument(text); }

std::string MaskedExcerpt(std::string_view text, size_t at, size_t size) {
  const std::vector<Span> spans = Scanner(text, "").Find();
  size_t begin = std::min(at, text.size()), end = begin + std::min(size, text.size() - begin);
  for (const Span& span : spans) {
    if (span.begin < begin && begin < span.end) begin = span.begin;
    if (span.begin < end && end < span.end) end = span.end;
  }
  return Masked(text, spans, begin, end);
}

}  // namespace lre_audit::explain
