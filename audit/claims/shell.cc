#include "audit/claims/shell.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <utility>

namespace lre_audit {
namespace {

// The grammar: commands, branches and functions.
class Parser : private ShellWordReader {
 public:
  explicit Parser(std::string_view text) : ShellWordReader(text) {}

  ShellScript Parse() {
    script_.valid = List('\0') && !failed();
    return std::move(script_);
  }

 private:
  // For what stands in backquotes at text()[begin, end) of `outer`.
  Parser(const Parser& outer, size_t begin, size_t end)
      : ShellWordReader(outer.text().substr(0, end), begin, outer.depth() + 1),
        branches_(outer.branches_ + outer.guarded_),
        functions_(outer.functions_),
        subshells_(1) {}

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

  void Newline() {
    Skip();
    for (const HereDocument& document : std::exchange(here_documents_, {})) {
      while (!AtEnd()) {
        const size_t end = std::min(text().find('\n', position()), text().size());
        std::string_view line = text().substr(position(), end - position());
        MoveTo(std::min(end + 1, text().size()));
        if (document.strip_tabs)
          line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
        if (line == document.delimiter) break;
      }
    }
  }

  // Commands that cannot be parsed are none: the script's own structure does not depend on them.
  void Backquoted(size_t begin, size_t end) override {
    Parser inner(*this, begin, end);
    ShellScript script = inner.Parse();
    if (!script.valid) return;
    std::move(script.commands.begin(), script.commands.end(), std::back_inserter(script_.commands));
  }

  bool Commands() override {
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
    while (!failed()) {
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
        Skip(2);
      } else if (c == ';' && (Peek(1) == ';' || Peek(1) == '&')) {
        while (IsOneOf(Peek(), ";&") && !AtEnd()) Skip();
        in_patterns = true;
        after_and_or = joined = false;
      } else if (c == ';' || (c == '&' && Peek(1) != '>')) {
        Skip();
        after_and_or = joined = false;
      } else if (c == '|') {
        Skip(Peek(1) == '&' ? 2 : 1);
        joined = modified_ = true;
      } else if (c == ')') {
        Skip();
        return close == ')' && frames.empty();
      } else if (c == '(') {
        if (Peek(1) == '(' && SkipArithmetic(0)) {
          joined = constant_ = modified_ = false;
          continue;
        }
        Skip();
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
        if (!ok) return !failed();
      }
    }
    return false;
  }

  // One clause's patterns up to ")", or esac.
  bool Pattern(std::vector<Frame>* frames, bool* in_patterns) {
    if (Peek() == '(') Skip();
    bool first = true;
    while (!AtEnd()) {
      SkipBlanks();
      if (Peek() == ')') {
        Skip();
        *in_patterns = false;
        return true;
      }
      if (Peek() == '|') {
        Skip();
        continue;
      }
      ShellWord word;
      const size_t begin = position();
      if (!Word(&word) || position() == begin) return false;
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
    while (!AtEnd() && !failed()) {
      SkipBlanks();
      const size_t begin = position();
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
        Skip();
        SkipBlanks();
        if (Peek() != ')') return Fail();
        Skip();
        *function_header = true;
        return true;
      }
      ShellWord word;
      if (!Word(&word) || position() == begin) return Fail();
      if (Peek() == '(' && !word.text.empty() && word.text.back() == '=') {
        if (!Array(text().substr(begin), &command)) return Fail();
        continue;
      }
      if (IsOneOf(Peek(), "<>") && !word.quoted && !word.text.empty() &&
          word.text.find_first_not_of("0123456789") == word.text.npos) {
        continue;  // 2>file: the number of a descriptor
      }
      if (command.words.empty() && Assignment(text().substr(begin), word, &command)) continue;
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
    if (failed()) return false;
    *function_header = false;
    const bool modified = std::exchange(modified_, false);
    constant_ = IsTrue(command) && !redirected && !guarded && !modified;
    const bool ends =
        close == '\0' && !command.conditional && !command.in_function && Ends(command);
    if (!command.words.empty() || !command.assignments.empty()) {
      script_.commands.push_back(std::move(command));
    }
    if (ends) MoveTo(text().size());
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
      if (!Word(&name)) return Fail();
      SkipBlanks();
      if (StartsWith("()")) Skip(2);
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
        const size_t begin = position();
        if (!Word(&item)) return Fail();
        if (item.text == "do" && !item.quoted) break;
        if (position() == begin) return Fail();
        if (is_name) script_.loop_variables.push_back(item.text);
        SkipBlanks();
      }
      return true;
    }
    if (word == "case") {
      SkipBlanks();
      ShellWord subject;
      if (!Word(&subject)) return Fail();
      SkipBlanks();
      while (Peek() == '\n') {
        Skip();
        SkipBlanks();
      }
      ShellWord in;
      if (!Word(&in) || in.text != "in") return Fail();
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
        Skip();
        continue;
      }
      ShellWord word;
      const size_t begin = position();
      if (!Word(" \t\r\n", false, &word)) return false;
      if (position() == begin) return false;
      const bool end = word.text == "]]" && !word.quoted;
      // "]];" and "]])" end it too.
      if (!end && !word.quoted && word.text.substr(0, 2) == "]]" && word.text.size() > 2 &&
          IsOneOf(word.text[2], ";&|)")) {
        MoveTo(begin + 2);
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
    if (Peek() == '&') Skip();  // &> and &>>
    const char c = Peek();
    if (StartsWith("<<<")) {
      Skip(3);
    } else if (StartsWith("<<")) {
      Skip(2);
      const bool strip_tabs = Peek() == '-';
      if (strip_tabs) Skip();
      SkipBlanks();
      ShellWord delimiter;
      if (!Word(&delimiter) || delimiter.text.empty()) return false;
      here_documents_.push_back({delimiter.text, strip_tabs});
      return true;
    } else {
      Skip();
      if (Peek() == c || Peek() == '&' || (c == '<' && Peek() == '>') ||
          (c == '>' && Peek() == '|')) {
        Skip();
      }
    }
    SkipBlanks();
    ShellWord target;
    return Word(&target);
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
    Skip();
    while (!AtEnd() && !failed()) {
      SkipBlanks();
      if (Peek() == ')') {
        Skip();
        command->assignments.push_back(std::move(assignment));
        return true;
      }
      if (Peek() == '\n') {
        Skip();
        continue;
      }
      ShellWord word;
      const size_t begin = position();
      if (!Word(&word) || position() == begin) return false;
      assignment.values.push_back(std::move(word));
    }
    return false;
  }

  int branches_ = 0;
  int functions_ = 0;
  int subshells_ = 0;
  bool guarded_ = false;   // the command follows && or ||
  bool constant_ = false;  // the last command was `true` or `:`, and always succeeds
  bool modified_ = false;  // the command follows ! or |, which change what its success means
  std::vector<HereDocument> here_documents_;
  ShellScript script_;
};

}  // namespace

ShellScript ParseShell(std::string_view text) { return Parser(text).Parse(); }

}  // namespace lre_audit
