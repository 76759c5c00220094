#include "audit/toolchain/starlark.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "audit/toolchain/starlark_tokens.h"
#include "base/text.h"

namespace lre_audit {
namespace {

using Kind = StarlarkValue::Kind;
using TokenKind = StarlarkToken::Kind;

constexpr int kMaxDepth = 200;
constexpr size_t kMaxValues = 1 << 18;
constexpr int kMaxSuffixes = 8;  // of one value that nest: x.a().b()[c]...

bool IsOneOf(std::string_view s, std::initializer_list<std::string_view> set) {
  return std::find(set.begin(), set.end(), s) != set.end();
}

bool IsAssignment(std::string_view op) {
  return IsOneOf(op, {"=", "+=", "-=", "*=", "/=", "//=", "%=", "&=", "|=", "^=", ">>=", "<<="});
}

// How tightly a binary operator binds; 0 for what is none.
int Precedence(std::string_view op) {
  if (op == "or") return 1;
  if (op == "and") return 2;
  if (IsOneOf(op, {"==", "!=", "<", ">", "<=", ">=", "in", "not"})) return 3;
  if (op == "|") return 4;
  if (op == "^") return 5;
  if (op == "&") return 6;
  if (IsOneOf(op, {"<<", ">>"})) return 7;
  if (IsOneOf(op, {"+", "-"})) return 8;
  if (IsOneOf(op, {"*", "/", "//", "%"})) return 9;
  return 0;
}

StarlarkValue Other(std::string_view text, Position position) {
  StarlarkValue value;
  value.text = text;
  value.position = position;
  return value;
}

// What an error message calls a token.
std::string Describe(const StarlarkToken& token) {
  switch (token.kind) {
    case TokenKind::kNewline:
      return "the end of the line";
    case TokenKind::kEnd:
      return "the end of the file";
    case TokenKind::kString:
      return "a string";
    default:
      return absl::StrCat("'", Escaped(token.text.substr(0, 40)), "'");
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text, &file_.errors) { Restart(); }

  StarlarkFile Parse() {
    while (!At(TokenKind::kEnd)) {
      const StarlarkToken first = current_;
      const size_t statements = file_.statements.size();
      const size_t values = values_;
      Statement();
      if (lexer_.unclosed_at_end()) {
        // Its brackets hold the rest of the file: read again, and believe indentation.
        file_.statements.resize(statements);
        values_ = values;
        limit_told_ = false;
        error_line_ = 0;
        lexer_.RestartAt(first);
        Restart();
      }
    }
    return std::move(file_);
  }

 private:
  // --- Tokens.
  void Restart() {
    current_ = lexer_.Next();
    next_ = lexer_.Next();
  }
  void Advance() { current_ = std::exchange(next_, lexer_.Next()); }
  bool At(TokenKind kind) const { return current_.kind == kind; }
  bool At(std::string_view text) const {
    return IsWordOrOperator() && current_.text.size() == text.size() && current_.text == text;
  }
  bool AtOneOf(std::string_view operators) const {
    return current_.kind == TokenKind::kOperator && current_.text.size() == 1 &&
           operators.find(current_.text[0]) != operators.npos;
  }
  bool IsWordOrOperator() const {
    return current_.kind == TokenKind::kOperator || current_.kind == TokenKind::kName;
  }
  bool Take(std::string_view text) {
    if (!At(text)) return false;
    Advance();
    return true;
  }
  bool AtStatementEnd() const { return At(TokenKind::kNewline) || At(TokenKind::kEnd) || At(";"); }
  bool AtOpen() const { return AtOneOf("([{"); }
  bool AtClose() const { return AtOneOf(")]}"); }

  // One error a line: what follows the first is guesswork.
  void Expected(std::string_view what) {
    if (current_.position.line == error_line_) return;
    error_line_ = current_.position.line;
    lexer_.Error(current_.position,
                 absl::StrCat("expected ", ToAbsl(what), ", found ", Describe(current_)));
  }

  // --- Statements.
  void Statement() {
    if (At(TokenKind::kNewline) || At(";")) return Advance();
    const Position position = current_.position;
    if (At("def")) {
      Function();
    } else if (At("for")) {
      Advance();
      Targets();
      Take("in");
      Add(Wrapped("for", position, Expressions()));
      Colon();
    } else if (At("if") || At("elif")) {
      Advance();
      Add(Wrapped("if", position, Expression()));
      Colon();
    } else if (At("else")) {
      Advance();
      Colon();
    } else if (At("return")) {
      Advance();
      if (!AtStatementEnd()) Add(Wrapped("return", position, Expressions()));
      EndOfStatement();
    } else {
      ExpressionOrAssignment();
      EndOfStatement();
    }
  }

  void Add(StarlarkValue value) { file_.statements.push_back(std::move(value)); }

  static StarlarkValue Wrapped(std::string_view text, Position position, StarlarkValue inner) {
    StarlarkValue value = Other(text, position);
    value.items.push_back(std::move(inner));
    return value;
  }

  void ExpressionOrAssignment() {
    const uint32_t begin = current_.offset;
    const StarlarkToken first = current_;
    StarlarkValue value = Expressions();
    if (!At(TokenKind::kOperator) || !IsAssignment(current_.text)) return Add(std::move(value));
    // x, x.y, x["y"] and x, y: as written.
    std::string target;
    if (value.kind == Kind::kIdentifier) {
      target = std::move(value.text);
    } else {
      const std::string_view written(first.text.data(), current_.offset - begin);
      target = ToStd(absl::StripAsciiWhitespace(ToAbsl(written)));
    }
    Advance();
    Add(Wrapped(target, first.position, Expressions()));
  }

  // def name(parameter, parameter = value) -> type:
  void Function() {
    Advance();
    if (At(TokenKind::kName)) Advance();
    if (!Take("(")) return EndOfStatement();
    while (!At(")") && !At(TokenKind::kEnd)) {
      const Position position = current_.position;
      if (!Take("*")) Take("**");
      if (At(TokenKind::kName)) {
        const std::string_view name = current_.text;
        Advance();
        if (Take(":")) Expression();
        if (Take("=")) Add(Wrapped(name, position, Expression()));
      } else if (!At(",")) {
        Add(Rest());
      }
      if (!Take(",") && !At(")")) Expected("',' or ')'");
    }
    Take(")");
    if (Take("->")) Expression();
    Colon();
  }

  // After the head of a block; what follows in the same line is its body.
  void Colon() {
    if (Take(":")) return;
    EndOfStatement("':'");
  }

  void EndOfStatement(std::string_view expected = "the end of the statement") {
    if (AtStatementEnd()) return;
    Expected(expected);
    while (!AtStatementEnd()) {
      StarlarkValue rest = Rest();
      if (!rest.items.empty()) Add(std::move(rest));
      if (At(",") || AtClose()) Advance();
    }
  }

  // The variables of a loop.
  void Targets() {
    int open = 0;
    while (!AtStatementEnd() && (open > 0 || (!At("in") && !AtClose()))) {
      if (AtOpen()) ++open;
      if (AtClose()) --open;
      Advance();
    }
  }

  // --- Expressions.

  // a, b is a tuple.
  StarlarkValue Expressions() {
    const Position position = current_.position;
    StarlarkValue first = Expression();
    if (!At(",")) return first;
    StarlarkValue list = Other("", position);
    list.kind = Kind::kList;
    list.items.push_back(std::move(first));
    while (Take(",")) {
      if (AtStatementEnd() || AtClose() ||
          (At(TokenKind::kOperator) && IsAssignment(current_.text)))
        break;
      list.items.push_back(Expression());
    }
    return list;
  }

  StarlarkValue Expression() {
    if (depth_ >= kMaxDepth || values_ >= kMaxValues) return BeyondLimit();
    ++depth_;
    const Position position = current_.position;
    StarlarkValue value;
    if (Take("lambda")) {
      while (!At(":") && !AtStatementEnd() && !AtClose()) Advance();
      Take(":");
      value = Wrapped("lambda", position, Expression());
    } else {
      value = Binary(1);
    }
    if (At("if")) {
      value = Wrapped("if", position, std::move(value));
      while (Take("if") || Take("else")) value.items.push_back(Binary(1));
    }
    --depth_;
    return value;
  }

  int PrecedenceHere() const {
    return IsWordOrOperator() && !AtOneOf(",:)]}") ? Precedence(current_.text) : 0;
  }

  // Operands joined by operators that bind at least as tightly as `least`. Neighbours of one level
  // are one flat value.
  StarlarkValue Binary(int least) {
    const Position position = current_.position;
    StarlarkValue value = Unary();
    for (int precedence = PrecedenceHere(); precedence >= least; precedence = PrecedenceHere()) {
      StarlarkValue joined = Wrapped(current_.text, position, std::move(value));
      bool all_plus = true;
      while (PrecedenceHere() == precedence) {
        all_plus &= current_.text == "+";
        if (Take("not")) {
          joined.text = "not in";
          Take("in");
        } else {
          Advance();
        }
        joined.items.push_back(Binary(precedence + 1));
      }
      if (all_plus) {
        joined.kind = Kind::kConcatenation;
        joined.text.clear();
      }
      value = std::move(joined);
    }
    return value;
  }

  StarlarkValue Unary() {
    const Position position = current_.position;
    std::string_view sign;
    while (AtOneOf("-+~*") || At("not") || At("**")) {
      sign = current_.text;
      Advance();
    }
    if (sign.empty()) return Suffixed();
    if (sign == "-" && At(TokenKind::kNumber)) {
      StarlarkValue number = Suffixed();
      number.text.insert(0, "-");
      return number;
    }
    return Wrapped(sign, position, Suffixed());
  }

  // x.y, x(...), x[...]
  StarlarkValue Suffixed() {
    StarlarkValue value = Primary();
    for (int suffixes = 0;; ++suffixes) {
      const Position position = current_.position;
      const bool nests = suffixes < kMaxSuffixes;
      if (At(".") && next_.kind == TokenKind::kName) {
        Advance();
        const std::string_view name = current_.text;
        Advance();
        if (value.kind == Kind::kIdentifier && value.items.empty()) {
          absl::StrAppend(&value.text, ".", ToAbsl(name));
        } else if (nests) {
          value = Wrapped(absl::StrCat(".", ToAbsl(name)), position, std::move(value));
        }
      } else if (At("(")) {
        Advance();
        const bool is_callee = value.kind == Kind::kIdentifier ||
                               (value.kind == Kind::kOther && value.text.starts_with('.') && nests);
        if (!is_callee && nests) value = Wrapped("()", position, std::move(value));
        if (is_callee) value.kind = Kind::kCall;
        Arguments(&value);
      } else if (At("[")) {
        Advance();
        if (nests) value = Wrapped("[]", position, std::move(value));
        Items("]", &value);
      } else {
        return value;
      }
    }
  }

  // Behind "(", up to and with ")".
  void Arguments(StarlarkValue* call) {
    while (!At(")") && !At(TokenKind::kEnd)) {
      if (At(TokenKind::kName) && next_.kind == TokenKind::kOperator && next_.text == "=") {
        StarlarkValue::Named argument{std::string(current_.text), current_.position, {}};
        Advance();
        Advance();
        argument.value.push_back(Element());
        call->named.push_back(std::move(argument));
        Separator(")");
      } else if (!Item(")", call)) {
        break;
      }
    }
    Take(")");
  }

  // Behind "[" or "(", up to and with `close`.
  void Items(std::string_view close, StarlarkValue* list) {
    while (!At(close) && !At(TokenKind::kEnd) && Item(close, list)) {
    }
    Take(close);
  }

  // One element, and the comma or comprehension behind it. False if neither can be.
  bool Item(std::string_view close, StarlarkValue* list) {
    if (Take(",") || Take(":")) return true;  // of x[:n]
    list->items.push_back(Element());
    if (At("for")) Comprehension(list);
    if (Take(":")) return true;
    Separator(close);
    return true;
  }

  StarlarkValue Element() {
    const uint32_t begin = current_.offset;
    StarlarkValue value = Expression();
    const bool can_follow = AtOneOf(",:)]}") || StartsValue();
    if (!can_follow && !At(TokenKind::kEnd)) {
      Expected("',' or a closing bracket");
      StarlarkValue rest = Rest();
      if (rest.items.empty()) return value;
      rest.items.insert(rest.items.begin(), std::move(value));
      return rest;
    }
    if (current_.offset == begin && !AtClose() && !At(",")) Advance();
    return value;
  }

  void Separator(std::string_view close) {
    if (Take(",") || At(close) || At(TokenKind::kEnd)) return;
    Expected(absl::StrCat("',' or '", ToAbsl(close), "'"));
    if (!StartsValue()) Rest();
  }

  bool StartsValue() const {
    return At(TokenKind::kString) || At(TokenKind::kNumber) || At(TokenKind::kName) || AtOpen();
  }

  // for x in y if z ...: the values after `in` and `if` are further items.
  void Comprehension(StarlarkValue* list) {
    list->kind = Kind::kOther;
    list->text = "for";
    while (At("for") || At("if")) {
      const Position position = current_.position;
      if (Take("for")) {
        Targets();
        Take("in");
        list->items.push_back(Operand());
      } else {
        Advance();
        list->items.push_back(Wrapped("if", position, Operand()));
      }
    }
  }

  // An expression without `if` and `else`.
  StarlarkValue Operand() {
    if (depth_ >= kMaxDepth || values_ >= kMaxValues) return BeyondLimit();
    ++depth_;
    StarlarkValue value = Binary(1);
    --depth_;
    return value;
  }

  StarlarkValue Primary() {
    StarlarkValue value = Other("", current_.position);
    ++values_;
    if (At(TokenKind::kString)) {
      value.kind = Kind::kString;
      while (At(TokenKind::kString)) {
        // Adjacent literals are one string.
        const auto at = static_cast<uint32_t>(value.text.size());
        for (const StarlarkValue::Piece& piece : current_.pieces) {
          value.pieces.push_back({at + piece.at, piece.offset});
        }
        value.text += current_.value;
        Advance();
      }
    } else if (At(TokenKind::kNumber)) {
      value.kind = Kind::kNumber;
      value.text = current_.text;
      Advance();
    } else if (At(TokenKind::kName)) {
      value.kind = Kind::kIdentifier;
      value.text = current_.text;
      Advance();
    } else if (Take("[")) {
      value.kind = Kind::kList;
      Items("]", &value);
    } else if (Take("(")) {
      value.kind = Kind::kList;
      const bool is_empty = At(")");
      bool is_tuple = is_empty;
      while (!At(")") && !At(TokenKind::kEnd)) {
        value.items.push_back(Element());
        if (At("for")) Comprehension(&value);
        is_tuple |= At(",");
        Separator(")");
      }
      Take(")");
      if (!is_tuple && value.kind == Kind::kList && value.items.size() == 1) {
        StarlarkValue inner = std::move(value.items[0]);
        return inner;
      }
    } else if (Take("{")) {
      value.kind = Kind::kDict;
      Entries(&value);
    } else {
      Expected("an expression");
      return Rest();
    }
    return value;
  }

  // Behind "{", up to and with "}".
  void Entries(StarlarkValue* dict) {
    while (!At("}") && !At(TokenKind::kEnd)) {
      if (Take(",")) continue;
      dict->items.push_back(Element());
      if (Take(":")) {
        dict->items.push_back(Element());
      } else {
        Expected("':'");
        dict->items.push_back(Other("", current_.position));
      }
      if (At("for")) Comprehension(dict);
      Separator("}");
    }
    Take("}");
  }

  // The strings up to the next comma or the end of what encloses this; no bracket is left half
  // read.
  StarlarkValue Rest() {
    StarlarkValue value = Other("", current_.position);
    int open = 0;
    while (!At(TokenKind::kEnd)) {
      if (open == 0 && (At(",") || AtClose() || AtStatementEnd())) break;
      if (AtOpen()) ++open;
      if (AtClose()) --open;
      if (At(TokenKind::kString)) {
        value.items.push_back(Primary());
      } else {
        Advance();
      }
    }
    return value;
  }

  StarlarkValue BeyondLimit() {
    const bool too_many = values_ >= kMaxValues;
    if (!limit_told_) {
      lexer_.Error(current_.position,
                   too_many
                       ? absl::StrCat("more than ", kMaxValues, " values; the rest is not read")
                       : absl::StrCat("nests deeper than ", kMaxDepth, "; only strings are read"));
      limit_told_ = true;
    }
    while (too_many && !At(TokenKind::kEnd)) Advance();
    return Rest();
  }

  StarlarkFile file_;
  StarlarkLexer lexer_;
  StarlarkToken current_, next_;
  int depth_ = 0;
  size_t values_ = 0;
  bool limit_told_ = false;
  uint32_t error_line_ = 0;
};

}  // namespace

const StarlarkValue* StarlarkValue::Argument(std::string_view name) const {
  for (const Named& argument : named) {
    if (argument.name == name) return &argument.value[0];
  }
  return nullptr;
}

uint32_t StarlarkValue::OffsetOf(size_t at) const {
  const auto after = std::upper_bound(pieces.begin(), pieces.end(), at,
                                      [](size_t a, const Piece& piece) { return a < piece.at; });
  if (after == pieces.begin()) return 0;
  const Piece& piece = *(after - 1);
  return piece.offset + static_cast<uint32_t>(at - piece.at);
}

StarlarkFile ParseStarlark(std::string_view text) { return Parser(text).Parse(); }

void CollectStrings(const StarlarkValue& value, std::vector<const StarlarkValue*>& strings) {
  if (value.kind == StarlarkValue::Kind::kString) strings.push_back(&value);
  for (const StarlarkValue& item : value.items) CollectStrings(item, strings);
  for (const StarlarkValue::Named& argument : value.named) {
    CollectStrings(argument.value[0], strings);
  }
}

}  // namespace lre_audit
