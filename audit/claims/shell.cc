#include "audit/claims/shell.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMetacharacters = " \t\r\n;&|<>()";
constexpr int kMaxDepth = 64;  // of nested expansions and subshells

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool IsOneOf(char c, std::string_view set) { return set.find(c) != set.npos; }

bool IsNameByte(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// The length of the variable name at the start of `s`.
size_t NameLength(std::string_view s) {
  if (s.empty() || absl::ascii_isdigit(static_cast<unsigned char>(s[0]))) return 0;
  size_t length = 0;
  while (length < s.size() && IsNameByte(s[length])) ++length;
  return length;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  ShellScript Parse() {
    script_.valid = List('\0') && !failed_;
    return std::move(script_);
  }

 private:
  enum class Frame {
    kBranch,          // if, up to its else or elif
    kConstantBranch,  // as kBranch, of `if true`: it always runs
    kLaterBranch,     // else and elif; an if that itself may not run
    kLoop,
    kCase,
    kGroup,         // { }
    kGuardedGroup,  // && { }
    kFunction,
  };

  struct HereDocument {
    std::string delimiter;
    bool strip_tabs;
  };

  // --- Characters.
  bool AtEnd() const { return position_ >= text_.size(); }
  char Peek(size_t ahead = 0) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }
  bool StartsWith(std::string_view s) const { return text_.substr(position_, s.size()) == s; }
  bool Fail() {
    failed_ = true;
    position_ = text_.size();
    return false;
  }

  // Blanks and escaped newlines, and a comment behind them.
  void SkipBlanks() {
    const size_t begin = position_;
    while (!AtEnd()) {
      if (IsBlank(Peek())) {
        ++position_;
      } else if (StartsWith("\\\n")) {
        position_ += 2;
      } else {
        break;
      }
    }
    const bool at_word =
        position_ == 0 || position_ > begin || IsOneOf(text_[position_ - 1], "\n;&|()");
    if (Peek() == '#' && at_word) {
      while (!AtEnd() && Peek() != '\n') ++position_;
    }
  }

  void Newline() {
    ++position_;
    for (const HereDocument& document : std::exchange(here_documents_, {})) {
      while (!AtEnd()) {
        const size_t end = std::min(text_.find('\n', position_), text_.size());
        std::string_view line = text_.substr(position_, end - position_);
        position_ = std::min(end + 1, text_.size());
        if (document.strip_tabs)
          line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
        if (line == document.delimiter) break;
      }
    }
  }

  // --- Words.
  static void Append(ShellWord* word, char c, size_t offset) {
    word->text.push_back(c);
    word->offsets.push_back(static_cast<uint32_t>(offset));
  }
  static void AppendExpansion(ShellWord* word, size_t offset, ShellExpansion expansion) {
    Append(word, ShellWord::kExpansion, offset);
    word->expansions.push_back(std::move(expansion));
  }

  // Reads until an unquoted byte of `end`, which is left. Only the outermost level of a word ends
  // at the metacharacters that `end` holds; quotes and expansions are read whole.
  bool Word(std::string_view end, bool in_double_quotes, ShellWord* word) {
    while (!AtEnd() && !failed_) {
      const char c = Peek();
      if (c == '\0') return Fail();
      if (IsOneOf(c, end)) {
        // <( and >( are words, and so are patterns like @(a|b).
        const bool process = (c == '<' || c == '>') && Peek(1) == '(';
        const bool pattern = c == '(' && !word->text.empty() && IsOneOf(word->text.back(), "@+?*!");
        if (!process && !pattern) break;
        const size_t begin = position_;
        if (process) position_ += 2;
        if (!(process ? Commands() : SkipParentheses())) return Fail();
        AppendExpansion(word, begin, {});
      } else if (c == '\\') {
        Escape(in_double_quotes, word);
      } else if (c == '\'' && !in_double_quotes) {
        const size_t close = text_.find('\'', position_ + 1);
        if (close == text_.npos) return Fail();
        for (++position_; position_ < close; ++position_) {
          if (Peek() == '\0') return Fail();
          Append(word, Peek(), position_);
        }
        ++position_;
        word->quoted = true;
      } else if (c == '"') {
        ++position_;
        word->quoted = true;
        if (!Nested([&] { return Word("\"", true, word); }) || Peek() != '"') return Fail();
        ++position_;
      } else if (c == '$' || c == '`') {
        if (!Expansion(in_double_quotes, word)) return Fail();
      } else {
        Append(word, c, position_++);
      }
    }
    return !failed_;
  }

  void Escape(bool in_double_quotes, ShellWord* word) {
    const char next = Peek(1);
    if (next == '\n') {
      position_ += 2;
      return;
    }
    word->quoted = true;
    if (in_double_quotes && !IsOneOf(next, "$`\"\\}")) Append(word, '\\', position_);
    if (position_ + 1 < text_.size() && next != '\0') Append(word, next, position_ + 1);
    position_ = std::min(position_ + 2, text_.size());
  }

  template <typename Function>
  bool Nested(Function function) {
    if (depth_ >= kMaxDepth) return Fail();
    ++depth_;
    const bool ok = function();
    --depth_;
    return ok;
  }

  bool Expansion(bool in_double_quotes, ShellWord* word) {
    const size_t begin = position_;
    ShellExpansion expansion;
    if (Peek() == '`') {
      bool escapes = false;  // that change what is between, nested backquotes among them
      for (++position_; !AtEnd() && Peek() != '`'; ++position_) {
        if (Peek() != '\\') continue;
        ++position_;
        escapes |= IsOneOf(Peek(), "$`\"\\");
      }
      if (AtEnd()) return false;
      if (!escapes) Backquoted(begin + 1, position_);
      ++position_;
    } else if (StartsWith("$((") && SkipArithmetic(1)) {
    } else if (StartsWith("$(")) {
      position_ += 2;
      if (!Commands()) return false;
    } else if (StartsWith("${")) {
      position_ += 2;
      if (!Parameter(in_double_quotes, &expansion)) return false;
    } else if (StartsWith("$'") && !in_double_quotes) {
      return AnsiQuotes(word);
    } else if (StartsWith("$\"") && !in_double_quotes) {
      ++position_;  // a translated string reads like any other
      return true;
    } else {
      ++position_;
      const size_t length = NameLength(text_.substr(position_));
      if (length > 0) {
        expansion.name = text_.substr(position_, length);
        position_ += length;
      } else if (!AtEnd() && (IsOneOf(Peek(), "@*#?$!-") ||
                              absl::ascii_isdigit(static_cast<unsigned char>(Peek())))) {
        expansion.name = Peek();
        ++position_;
      } else {
        Append(word, '$', begin);
        return true;
      }
    }
    AppendExpansion(word, begin, std::move(expansion));
    return !failed_;
  }

  // The commands of text_[begin, end). Where they cannot be parsed, there are none: the script's
  // own structure does not depend on them.
  void Backquoted(size_t begin, size_t end) {
    if (depth_ >= kMaxDepth) return;
    Parser inner(text_.substr(0, end));
    inner.position_ = begin;
    inner.depth_ = depth_ + 1;
    inner.branches_ = branches_ + guarded_;
    inner.functions_ = functions_;
    inner.subshells_ = 1;
    ShellScript script = inner.Parse();
    if (!script.valid) return;
    std::move(script.commands.begin(), script.commands.end(), std::back_inserter(script_.commands));
  }

  bool AnsiQuotes(ShellWord* word) {
    word->quoted = true;
    for (position_ += 2; !AtEnd() && Peek() != '\''; ++position_) {
      if (Peek() == '\0') return false;
      if (Peek() == '\\') {
        ++position_;
        // A path holds none of the escapes; what they stand for does not matter, only that it is no
        // ordinary character.
        Append(word, IsOneOf(Peek(), "\\'\"") ? Peek() : '\n', position_);
      } else {
        Append(word, Peek(), position_);
      }
    }
    if (AtEnd()) return false;
    ++position_;
    return true;
  }

  // After "${".
  bool Parameter(bool in_double_quotes, ShellExpansion* expansion) {
    if (IsOneOf(Peek(), "#!") && Peek(1) != '}') ++position_;
    size_t length = NameLength(text_.substr(position_));
    if (length == 0 && !AtEnd() && Peek() != '}') length = 1;
    expansion->name = text_.substr(position_, length);
    position_ += length;
    while (!AtEnd() && IsOneOf(Peek(), ":-+=?#%/^,@") && expansion->operation.size() < 2) {
      const char c = text_[position_++];
      expansion->operation += c;
      if (c != ':') break;
    }
    return Nested([&] { return Word("}", in_double_quotes, &expansion->word); }) && Peek() == '}' &&
           ++position_ > 0;
  }

  // From "(" to the matching ")", without a look at what is between.
  bool SkipParentheses() {
    int open = 0;
    for (; !AtEnd(); ++position_) {
      if (Peek() == '\\') {
        ++position_;
      } else if (Peek() == '(') {
        ++open;
      } else if (Peek() == ')' && --open == 0) {
        ++position_;
        return true;
      }
    }
    return false;
  }

  // From "((" (after `prefix` bytes) to "))". False, and nothing read, where it is no arithmetic.
  bool SkipArithmetic(size_t prefix) {
    const size_t begin = position_;
    position_ += prefix;
    if (SkipParentheses() && text_[position_ - 2] == ')') return true;
    position_ = begin;
    return false;
  }

  // --- Commands.

  // The commands of a $( ), <( ) or ( ), whose opening was read, up to and with its ")".
  bool Commands() {
    const bool guarded = guarded_;
    ++subshells_;
    branches_ += guarded;
    const bool ok = Nested([&] { return List(')'); });
    branches_ -= guarded;
    --subshells_;
    guarded_ = guarded;
    return ok;
  }

  bool Push(std::vector<Frame>* frames, Frame frame) {
    frames->push_back(frame);
    Count(frame, 1);
    constant_ = false;
    return true;
  }
  bool Pop(std::vector<Frame>* frames, std::initializer_list<Frame> allowed) {
    if (frames->empty() ||
        std::find(allowed.begin(), allowed.end(), frames->back()) == allowed.end()) {
      return Fail();
    }
    Count(frames->back(), -1);
    frames->pop_back();
    constant_ = false;
    return true;
  }
  void Become(Frame* frame, Frame other) {
    Count(*frame, -1);
    *frame = other;
    Count(other, 1);
  }
  void Count(Frame frame, int n) {
    if (frame == Frame::kFunction) functions_ += n;
    if (frame != Frame::kFunction && frame != Frame::kGroup && frame != Frame::kConstantBranch) {
      branches_ += n;
    }
  }

  // Commands until `close`, which is read (NUL: the end of the text).
  bool List(char close) {
    std::vector<Frame> frames;
    bool in_patterns = false;   // of the innermost case
    bool after_and_or = false;  // this command runs or not by the result of the one before
    bool joined = false;        // && || or | wants a command, on the next line perhaps
    bool function_header = false;
    while (!failed_) {
      SkipBlanks();
      if (AtEnd()) return close == '\0' && frames.empty();
      const char c = Peek();
      if (c == '\n') {
        Newline();
        if (!joined) after_and_or = false;
        continue;
      }
      if (in_patterns && !frames.empty() && frames.back() == Frame::kCase) {
        if (!Pattern(&frames, &in_patterns)) return Fail();
        continue;
      }
      if (StartsWith("&&") || StartsWith("||")) {
        // What follows `true &&` runs whenever that does.
        after_and_or |= c == '|' || !constant_;
        joined = true;
        position_ += 2;
      } else if (c == ';' && (Peek(1) == ';' || Peek(1) == '&')) {
        while (IsOneOf(Peek(), ";&") && !AtEnd()) ++position_;
        in_patterns = true;
        after_and_or = joined = false;
      } else if (c == ';' || (c == '&' && Peek(1) != '>')) {
        ++position_;
        after_and_or = joined = false;
      } else if (c == '|') {
        position_ += Peek(1) == '&' ? 2 : 1;
        joined = modified_ = true;
      } else if (c == ')') {
        ++position_;
        return close == ')' && frames.empty();
      } else if (c == '(') {
        if (Peek(1) == '(' && SkipArithmetic(0)) {
          joined = constant_ = modified_ = false;
          continue;
        }
        ++position_;
        functions_ += function_header;
        branches_ += after_and_or;
        guarded_ = false;
        const bool ok = Commands();
        functions_ -= function_header;
        branches_ -= after_and_or;
        if (!ok) return Fail();
        function_header = joined = constant_ = modified_ = false;
      } else {
        joined = false;
        guarded_ = after_and_or;
        const bool ok = Command(close, &frames, &in_patterns, &function_header);
        if (!ok) return !failed_;
      }
    }
    return false;
  }

  // One clause's patterns up to ")", or esac.
  bool Pattern(std::vector<Frame>* frames, bool* in_patterns) {
    if (Peek() == '(') ++position_;
    bool first = true;
    while (!AtEnd()) {
      SkipBlanks();
      if (Peek() == ')') {
        ++position_;
        *in_patterns = false;
        return true;
      }
      if (Peek() == '|') {
        ++position_;
        continue;
      }
      ShellWord word;
      const size_t begin = position_;
      if (!Word(kMetacharacters, false, &word) || position_ == begin) return false;
      if (first && word.text == "esac" && !word.quoted) {
        *in_patterns = false;
        return Pop(frames, {Frame::kCase});
      }
      first = false;
    }
    return false;
  }

  // A simple command, or one reserved word. False at a failure, and where the script ends (exit).
  bool Command(char close, std::vector<Frame>* frames, bool* in_patterns, bool* function_header) {
    ShellCommand command;
    command.conditional = branches_ > 0 || guarded_;
    command.in_function = functions_ > 0;
    command.in_subshell = subshells_ > 0;
    const bool guarded = guarded_;
    bool redirected = false;  // which can fail
    while (!AtEnd() && !failed_) {
      SkipBlanks();
      const size_t begin = position_;
      if (AtEnd() || IsOneOf(Peek(), "\n;|)")) break;
      if (Peek() == '&' && Peek(1) != '>') break;
      if (IsOneOf(Peek(), "<>&") && !(IsOneOf(Peek(), "<>") && Peek(1) == '(')) {
        if (!Redirection()) return Fail();
        redirected = true;
        continue;
      }
      if (Peek() == '(') {
        // name () { ...
        if (command.words.size() != 1 || !command.assignments.empty()) return Fail();
        ++position_;
        SkipBlanks();
        if (Peek() != ')') return Fail();
        ++position_;
        *function_header = true;
        return true;
      }
      ShellWord word;
      if (!Word(kMetacharacters, false, &word) || position_ == begin) return Fail();
      if (Peek() == '(' && !word.text.empty() && word.text.back() == '=') {
        if (!Array(text_.substr(begin), &command)) return Fail();
        continue;
      }
      if (IsOneOf(Peek(), "<>") && !word.quoted && !word.text.empty() &&
          word.text.find_first_not_of("0123456789") == word.text.npos) {
        continue;  // 2>file: the number of a descriptor
      }
      if (command.words.empty() && Assignment(text_.substr(begin), word, &command)) continue;
      if (command.words.empty() && command.assignments.empty() && !word.quoted &&
          word.IsLiteral()) {
        const std::optional<bool> reserved =
            Reserved(word.text, frames, in_patterns, function_header);
        if (reserved.has_value()) return *reserved;
      }
      command.words.push_back(std::move(word));
      if (command.words.size() == 1 && command.words[0].text == "[[" && !command.words[0].quoted) {
        if (!Test(&command)) return Fail();
      }
    }
    if (failed_) return false;
    *function_header = false;
    const bool modified = std::exchange(modified_, false);
    constant_ = IsTrue(command) && !redirected && !guarded && !modified;
    const bool ends =
        close == '\0' && !command.conditional && !command.in_function && Ends(command);
    if (!command.words.empty() || !command.assignments.empty()) {
      script_.commands.push_back(std::move(command));
    }
    if (ends) position_ = text_.size();
    return !ends;
  }

  static bool IsBranch(Frame frame) {
    return frame == Frame::kBranch || frame == Frame::kConstantBranch ||
           frame == Frame::kLaterBranch;
  }

  static bool IsTrue(const ShellCommand& command) {
    return command.assignments.empty() && command.words.size() == 1 &&
           (command.words[0].text == "true" || command.words[0].text == ":");
  }

  static bool Ends(const ShellCommand& command) {
    if (command.words.empty()) return false;
    const std::string& name = command.words[0].text;
    return name == "exit" || name == "return" || (name == "exec" && command.words.size() > 1);
  }

  // Acts on a reserved word in command position; nullopt for any other word. What follows `then`,
  // `do`, `{` and their like is again in command position.
  std::optional<bool> Reserved(std::string_view word, std::vector<Frame>* frames, bool* in_patterns,
                               bool* function_header) {
    if (word == "if") {
      return Push(frames, guarded_ || *function_header ? Frame::kLaterBranch : Frame::kBranch);
    }
    if (word == "while" || word == "until") return Push(frames, Frame::kLoop);
    if (word == "then" || word == "else" || word == "elif") {
      if (!frames->empty() && IsBranch(frames->back())) {
        if (word != "then") {
          Become(&frames->back(), Frame::kLaterBranch);
        } else if (constant_ && frames->back() == Frame::kBranch) {
          Become(&frames->back(), Frame::kConstantBranch);
        }
      }
      constant_ = false;
      return true;
    }
    if (word == "do" || word == "!" || word == "time" || word == "coproc") {
      modified_ |= word == "!";
      return true;
    }
    if (word == "fi") {
      return Pop(frames, {Frame::kBranch, Frame::kConstantBranch, Frame::kLaterBranch});
    }
    if (word == "done") return Pop(frames, {Frame::kLoop});
    if (word == "esac") return Pop(frames, {Frame::kCase});
    if (word == "}") {
      return Pop(frames, {Frame::kGroup, Frame::kGuardedGroup, Frame::kFunction});
    }
    if (word == "{") {
      if (std::exchange(*function_header, false)) return Push(frames, Frame::kFunction);
      return Push(frames, guarded_ ? Frame::kGuardedGroup : Frame::kGroup);
    }
    if (word == "function") {
      SkipBlanks();
      ShellWord name;
      if (!Word(kMetacharacters, false, &name)) return Fail();
      SkipBlanks();
      if (StartsWith("()")) position_ += 2;
      *function_header = true;
      return true;
    }
    if (word == "for" || word == "select") {
      SkipBlanks();
      if (StartsWith("((") && !SkipArithmetic(0)) return Fail();
      Push(frames, Frame::kLoop);
      // The name and the words to go through, none of them a command.
      for (bool is_name = true; !AtEnd() && !IsOneOf(Peek(), "\n;"); is_name = false) {
        ShellWord item;
        const size_t begin = position_;
        if (!Word(kMetacharacters, false, &item)) return Fail();
        if (item.text == "do" && !item.quoted) break;
        if (position_ == begin) return Fail();
        if (is_name) script_.loop_variables.push_back(item.text);
        SkipBlanks();
      }
      return true;
    }
    if (word == "case") {
      SkipBlanks();
      ShellWord subject;
      if (!Word(kMetacharacters, false, &subject)) return Fail();
      SkipBlanks();
      while (Peek() == '\n') {
        ++position_;
        SkipBlanks();
      }
      ShellWord in;
      if (!Word(kMetacharacters, false, &in) || in.text != "in") return Fail();
      Push(frames, Frame::kCase);
      *in_patterns = true;
      return true;
    }
    return std::nullopt;
  }

  // The words of [[ ... ]], where < > ( ) | & are no operators of the shell.
  bool Test(ShellCommand* command) {
    while (!AtEnd()) {
      SkipBlanks();
      if (Peek() == '\n') {
        ++position_;
        continue;
      }
      ShellWord word;
      const size_t begin = position_;
      if (!Word(" \t\r\n", false, &word)) return false;
      if (position_ == begin) return false;
      const bool end = word.text == "]]" && !word.quoted;
      // "]];" and "]])" end it too.
      if (!end && !word.quoted && word.text.substr(0, 2) == "]]" && word.text.size() > 2 &&
          IsOneOf(word.text[2], ";&|)")) {
        position_ = begin + 2;
        word.text.resize(2);
        word.offsets.resize(2);
        word.expansions.clear();
        command->words.push_back(std::move(word));
        return true;
      }
      command->words.push_back(std::move(word));
      if (end) return true;
    }
    return false;
  }

  bool Redirection() {
    if (Peek() == '&') ++position_;  // &> and &>>
    const char c = Peek();
    if (StartsWith("<<<")) {
      position_ += 3;
    } else if (StartsWith("<<")) {
      position_ += 2;
      const bool strip_tabs = Peek() == '-';
      if (strip_tabs) ++position_;
      SkipBlanks();
      ShellWord delimiter;
      if (!Word(kMetacharacters, false, &delimiter) || delimiter.text.empty()) return false;
      here_documents_.push_back({delimiter.text, strip_tabs});
      return true;
    } else {
      ++position_;
      if (Peek() == c || Peek() == '&' || (c == '<' && Peek() == '>') ||
          (c == '>' && Peek() == '|')) {
        ++position_;
      }
    }
    SkipBlanks();
    ShellWord target;
    return Word(kMetacharacters, false, &target);
  }

  // NAME=value or NAME+=value, where `raw` begins with the word as written.
  bool Assignment(std::string_view raw, const ShellWord& word, ShellCommand* command) {
    const size_t name = NameLength(raw);
    if (name == 0) return false;
    const bool append = raw.substr(name, 2) == "+=";
    if (!append && raw.substr(name, 1) != "=") return false;
    ShellAssignment& assignment = command->assignments.emplace_back();
    assignment.name = raw.substr(0, name);
    assignment.append = append;
    assignment.values.push_back(word.From(name + (append ? 2 : 1)));
    return true;
  }

  // NAME=( words ), at the "(".
  bool Array(std::string_view raw, ShellCommand* command) {
    ShellAssignment assignment;
    const size_t name = NameLength(raw);
    assignment.name = raw.substr(0, name);
    assignment.append = raw.substr(name, 2) == "+=";
    ++position_;
    while (!AtEnd() && !failed_) {
      SkipBlanks();
      if (Peek() == ')') {
        ++position_;
        command->assignments.push_back(std::move(assignment));
        return true;
      }
      if (Peek() == '\n') {
        ++position_;
        continue;
      }
      ShellWord word;
      const size_t begin = position_;
      if (!Word(kMetacharacters, false, &word) || position_ == begin) return false;
      assignment.values.push_back(std::move(word));
    }
    return false;
  }

  std::string_view text_;
  size_t position_ = 0;
  int depth_ = 0;
  int branches_ = 0;
  int functions_ = 0;
  int subshells_ = 0;
  bool guarded_ = false;   // the command follows && or ||
  bool constant_ = false;  // the last command was `true` or `:`, and always succeeds
  bool modified_ = false;  // the command follows ! or |, which change what its success means
  bool failed_ = false;
  std::vector<HereDocument> here_documents_;
  ShellScript script_;
};

}  // namespace

ShellWord ShellWord::From(size_t begin) const {
  ShellWord rest;
  rest.quoted = quoted;
  if (begin >= text.size()) return rest;
  size_t skipped = 0;
  for (size_t i = 0; i < begin; ++i) skipped += text[i] == kExpansion ? 1 : 0;
  rest.text = text.substr(begin);
  rest.offsets.assign(offsets.begin() + begin, offsets.end());
  rest.expansions.assign(expansions.begin() + skipped, expansions.end());
  return rest;
}

ShellScript ParseShell(std::string_view text) { return Parser(text).Parse(); }

}  // namespace lre_audit
