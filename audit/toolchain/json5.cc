#include "audit/toolchain/json5.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr size_t kMaxText = size_t{16} << 20;
constexpr size_t kMaxValues = 500'000;  // some 200 bytes each
constexpr int kMaxDepth = 200;
constexpr size_t kMaxName = 1024;  // bytes of a member's name
constexpr size_t kMaxErrors = 100;

void AppendUtf8(uint32_t code, std::string* out) {
  const auto byte = [&](uint32_t value) { out->push_back(static_cast<char>(value)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

// White space and line terminators beyond ASCII: NBSP, BOM, LS, PS and category Zs.
constexpr std::array<std::string_view, 19> kWideSpaces = {
    "\u00A0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004",
    "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200A", "\u2028",
    "\u2029", "\u202F", "\u205F", "\u3000", "\uFEFF"};

class Parser {
 public:
  Parser(std::string_view text, Json5Document* document) : text_(text), document_(*document) {}

  void Run() {
    if (text_.size() > kMaxText) {
      Fail(absl::StrCat("the text has ", text_.size(), " bytes; at most ", kMaxText, " are read"));
      return;
    }
    if (!SkipSpace() || !ParseValue(&document_.root, 0) || !SkipSpace()) return;
    if (!AtEnd()) Fail(absl::StrCat(Here(), " after the end of the value"));
  }

 private:
  bool AtEnd() const { return position_ >= text_.size(); }
  char Peek(size_t ahead = 0) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }
  bool Consume(std::string_view token) {
    if (!text_.substr(position_).starts_with(token)) return false;
    position_ += token.size();
    return true;
  }

  // Stops the reading; always false.
  bool Fail(std::string message) { return FailAt(position_, std::move(message)); }
  bool FailAt(size_t offset, std::string message) {
    document_.errors.push_back({offset, std::move(message)});
    return false;
  }

  // "'x'" for what stands at the position, "the end of the text".
  std::string Here() const {
    if (AtEnd()) return "the end of the text";
    size_t size = 1;
    while (position_ + size < text_.size() && (text_[position_ + size] & 0xC0) == 0x80 &&
           size < 4) {
      ++size;
    }
    return absl::StrCat("'", Escaped(text_.substr(position_, size)), "'");
  }

  bool SkipSpace() {
    while (!AtEnd()) {
      if (absl::ascii_isspace(Peek())) {
        ++position_;
      } else if (Consume("//")) {
        SkipLine();
      } else if (Peek() == '/' && Peek(1) == '*') {
        const size_t end = text_.find("*/", position_ + 2);
        if (end == text_.npos) return Fail("a comment /* without */");
        position_ = end + 2;
      } else if ((Peek() & 0x80) == 0 || !ConsumeWideSpace()) {
        break;
      }
    }
    return true;
  }

  bool ConsumeWideSpace() {
    return std::any_of(kWideSpaces.begin(), kWideSpaces.end(),
                       [&](std::string_view space) { return Consume(space); });
  }

  void SkipLine() {
    while (!AtEnd() && Peek() != '\n' && Peek() != '\r' && !Consume("\u2028") &&
           !Consume("\u2029")) {
      ++position_;
    }
  }

  bool ParseValue(Json5Value* value, int depth) {
    if (depth > kMaxDepth) return Fail(absl::StrCat("nested more than ", kMaxDepth, " deep"));
    if (++values_ > kMaxValues) return Fail(absl::StrCat("more than ", kMaxValues, " values"));
    value->offset = position_;
    switch (Peek()) {
      case '{':
        return ParseObject(value, depth);
      case '[':
        return ParseArray(value, depth);
      case '"':
      case '\'':
        value->kind = Json5Value::Kind::kString;
        ++value->offset;
        return ParseString(&value->text);
      default:
        return ParseWord(value);
    }
  }

  bool ParseArray(Json5Value* value, int depth) {
    value->kind = Json5Value::Kind::kArray;
    ++position_;
    if (!SkipSpace()) return false;
    while (!Consume("]")) {
      if (!ParseValue(&value->items.emplace_back(), depth + 1) || !SkipSpace()) return false;
      if (Peek() == ']') continue;
      if (!Consume(",")) {
        return Fail(absl::StrCat(Here(), " in the array that begins ", Where(value->offset),
                                 ", expected ',' or ']'"));
      }
      if (!SkipSpace()) return false;
    }
    return true;
  }

  bool ParseObject(Json5Value* value, int depth) {
    value->kind = Json5Value::Kind::kObject;
    ++position_;
    if (!SkipSpace()) return false;
    while (!Consume("}")) {
      Json5Value::Name name;
      if (!ParseName(&name)) return false;
      if (name.text.size() > kMaxName) {
        return FailAt(name.offset, absl::StrCat("a name of ", name.text.size(), " bytes; at most ",
                                                kMaxName, " are read"));
      }
      if (!SkipSpace()) return false;
      if (!Consume(":")) {
        return Fail(
            absl::StrCat(Here(), " after the name \"", Escaped(name.text), "\", expected ':'"));
      }
      if (!SkipSpace()) return false;
      value->names.push_back(std::move(name));
      if (!ParseValue(&value->items.emplace_back(), depth + 1) || !SkipSpace()) return false;
      if (Peek() == '}') continue;
      if (!Consume(",")) {
        return Fail(absl::StrCat(Here(), " in the object that begins ", Where(value->offset),
                                 ", expected ',' or '}'"));
      }
      if (!SkipSpace()) return false;
    }
    RefuseDuplicates(*value);
    return true;
  }

  void RefuseDuplicates(const Json5Value& object) {
    absl::flat_hash_map<absl::string_view, size_t> offsets;
    for (const Json5Value::Name& name : object.names) {
      const auto [first, is_new] = offsets.try_emplace(name.text, name.offset);
      if (is_new || document_.errors.size() >= kMaxErrors) continue;
      FailAt(name.offset,
             absl::StrCat("the name \"", Escaped(name.text),
                          "\" stands twice in one object, first ", Where(first->second)));
    }
  }

  bool ParseName(Json5Value::Name* name) {
    name->offset = position_;
    if (Peek() == '"' || Peek() == '\'') {
      ++name->offset;
      return ParseString(&name->text);
    }
    if (absl::ascii_isdigit(Peek())) {
      return Fail(absl::StrCat("a name without quotes begins with ", Here()));
    }
    while (!AtEnd()) {
      if (Peek() == '\\' && Peek(1) == 'u') {
        position_ += 2;
        if (!ParseUnicode(&name->text)) return false;
      } else if (IsNameByte(Peek()) || ((Peek() & 0x80) != 0 && !IsWideSpaceHere())) {
        name->text += text_[position_++];
      } else {
        break;
      }
    }
    if (name->text.empty()) return Fail(absl::StrCat(Here(), ", expected a name or '}'"));
    return true;
  }

  static bool IsNameByte(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '$'; }

  bool IsWideSpaceHere() const {
    const std::string_view rest = text_.substr(position_);
    return std::any_of(kWideSpaces.begin(), kWideSpaces.end(),
                       [&](std::string_view space) { return rest.starts_with(space); });
  }

  bool ParseString(std::string* out) {
    const size_t begin = position_;
    const char quote = text_[position_++];
    while (Peek() != quote || AtEnd()) {
      if (AtEnd() || Peek() == '\n' || Peek() == '\r') {
        return Fail(absl::StrCat("the string that begins ", Where(begin), " has no end before ",
                                 AtEnd() ? "the end of the text" : "the line ends"));
      }
      if (Peek() != '\\') {
        *out += text_[position_++];
      } else if (!ParseEscape(out)) {
        return false;
      }
    }
    ++position_;
    return true;
  }

  bool ParseEscape(std::string* out) {
    ++position_;
    if (AtEnd()) return Fail("a '\\' at the end of the text");
    // A line may go on in the next.
    if (Consume("\r\n") || Consume("\n") || Consume("\r") || Consume("\u2028") ||
        Consume("\u2029")) {
      return true;
    }
    const char c = text_[position_++];
    switch (c) {
      case 'b':
        *out += '\b';
        return true;
      case 'f':
        *out += '\f';
        return true;
      case 'n':
        *out += '\n';
        return true;
      case 'r':
        *out += '\r';
        return true;
      case 't':
        *out += '\t';
        return true;
      case 'v':
        *out += '\v';
        return true;
      case 'x': {
        const std::optional<uint32_t> code = ParseHex(2);
        if (!code) return Fail("'\\x' without two hexadecimal digits");
        AppendUtf8(*code, out);
        return true;
      }
      case 'u':
        return ParseUnicode(out);
      default:
        if (c == '0' && !absl::ascii_isdigit(Peek())) {
          *out += '\0';
          return true;
        }
        if (absl::ascii_isdigit(c)) {
          return FailAt(position_ - 2,
                        absl::StrCat("'\\", std::string(1, c), "' is no escape of JSON5"));
        }
        *out += c;  // any other character stands for itself
        return true;
    }
  }

  // The four digits after \u, and the other half of a surrogate pair.
  bool ParseUnicode(std::string* out) {
    std::optional<uint32_t> code = ParseHex(4);
    if (!code) return Fail("'\\u' without four hexadecimal digits");
    if (*code >= 0xD800 && *code < 0xDC00 && Peek() == '\\' && Peek(1) == 'u') {
      const size_t before = position_;
      position_ += 2;
      const std::optional<uint32_t> low = ParseHex(4);
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
      } else {
        position_ = before;
      }
    }
    const bool alone = *code >= 0xD800 && *code < 0xE000;
    AppendUtf8(alone ? 0xFFFD : *code, out);
    return true;
  }

  std::optional<uint32_t> ParseHex(int digits) {
    uint32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const char c = Peek(i);
      if (!absl::ascii_isxdigit(c)) return std::nullopt;
      value = value * 16 + (absl::ascii_isdigit(c) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10);
    }
    position_ += digits;
    return value;
  }

  // null, true, false and numbers.
  bool ParseWord(Json5Value* value) {
    const size_t begin = position_;
    while (IsNameByte(Peek()) || Peek() == '.' ||
           ((Peek() == '+' || Peek() == '-') &&
            (position_ == begin || IsExponent(text_.substr(begin, position_ - begin))))) {
      ++position_;
    }
    const std::string_view word = text_.substr(begin, position_ - begin);
    if (word.empty()) return Fail(absl::StrCat(Here(), ", expected a value"));
    value->text = word;
    if (word == "null") {
      value->kind = Json5Value::Kind::kNull;
    } else if (word == "true" || word == "false") {
      value->kind = Json5Value::Kind::kBoolean;
    } else if (IsNumber(word)) {
      value->kind = Json5Value::Kind::kNumber;
    } else {
      return FailAt(begin, absl::StrCat("'", Escaped(word.substr(0, 80)),
                                        "' is no value; a string needs quotes"));
    }
    return true;
  }

  // Whether a sign may follow: "1e".
  static bool IsExponent(std::string_view word) {
    return (word.back() == 'e' || word.back() == 'E') && word.find_first_of("xX") == word.npos;
  }

  static bool IsNumber(std::string_view word) {
    if (word.front() == '+' || word.front() == '-') word.remove_prefix(1);
    if (word == "Infinity" || word == "NaN") return true;
    if (word.starts_with("0x") || word.starts_with("0X")) {
      word.remove_prefix(2);
      return !word.empty() &&
             std::all_of(word.begin(), word.end(), [](char c) { return absl::ascii_isxdigit(c); });
    }
    if (word.size() > 1 && word[0] == '0' && absl::ascii_isdigit(word[1])) return false;
    const auto take_digits = [&] {
      size_t count = 0;
      while (count < word.size() && absl::ascii_isdigit(word[count])) ++count;
      word.remove_prefix(count);
      return count;
    };
    size_t digits = take_digits();
    if (word.starts_with('.')) {
      word.remove_prefix(1);
      digits += take_digits();
    }
    if (digits == 0) return false;
    if (word.empty()) return true;
    if (word.front() != 'e' && word.front() != 'E') return false;
    word.remove_prefix(1);
    if (word.starts_with('+') || word.starts_with('-')) word.remove_prefix(1);
    return take_digits() > 0 && word.empty();
  }

  // "in line 3", for a second place in a message.
  std::string Where(size_t offset) const {
    return absl::StrCat("in line ", 1 + std::count(text_.begin(), text_.begin() + offset, '\n'));
  }

  std::string_view text_;
  Json5Document& document_;
  size_t position_ = 0;
  size_t values_ = 0;
};

}  // namespace

const Json5Value* Json5Value::Member(std::string_view name) const {
  for (size_t i = names.size(); i > 0; --i) {
    if (names[i - 1].text == name) return &items[i - 1];
  }
  return nullptr;
}

std::string_view Json5Value::KindName() const {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBoolean:
      return "a boolean";
    case Kind::kNumber:
      return "a number";
    case Kind::kString:
      return "a string";
    case Kind::kArray:
      return "an array";
    case Kind::kObject:
      return "an object";
  }
  return "";
}

Json5Document ParseJson5(std::string_view text) {
  Json5Document document;
  Parser(text, &document).Run();
  return document;
}

}  // namespace lre_audit
