#include "audit/claims/wrapper.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "audit/claims/path_flags.h"
#include "audit/claims/shell.h"
#include "base/text.h"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;

// A longer script that runs programs by absolute path is a program of its own, with its own logic.
constexpr size_t kShortScript = 40;  // commands

bool IsSearchPath(std::string_view variable) {
  return absl::EndsWith(ToAbsl(variable), "PATH") || absl::EndsWith(ToAbsl(variable), "_DIRS") ||
         variable == "PERL5LIB" || variable == "RUBYLIB" || variable == "LD_PRELOAD" ||
         variable == "LD_AUDIT";
}

// Variables that the environment of every process has: setting them needs no `export`.
bool IsAlwaysExported(std::string_view variable) {
  return variable == "PATH" || absl::StartsWith(ToAbsl(variable), "LD_");
}

bool IsOneOf(std::string_view s, std::initializer_list<std::string_view> set) {
  return std::find(set.begin(), set.end(), s) != set.end();
}

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

size_t NameLength(std::string_view s) {
  size_t n = 0;
  while (n < s.size() && (absl::ascii_isalnum(static_cast<unsigned char>(s[n])) || s[n] == '_'))
    ++n;
  return n;
}

// The words of a command, without those that only say how the next is run: exec -a NAME, command,
// env NAME=value, nohup, nice.
struct Invocation {
  const ShellCommand* command = nullptr;
  size_t program = 0;  // index of the program's word; words.size() if none
  bool exec = false;
  std::vector<size_t> runners;      // words that name env, nice, ... themselves
  std::vector<size_t> environment;  // words NAME=value of env
};

Invocation Resolve(const ShellCommand& command) {
  Invocation result;
  result.command = &command;
  const std::vector<ShellWord>& words = command.words;
  size_t i = 0;
  const auto skip_options = [&](std::string_view with_value) {
    while (i < words.size() && absl::StartsWith(words[i].text, "-") && words[i].text.size() > 1) {
      const std::string& option = words[i].text;
      ++i;
      if (option == "--") break;
      if (option.size() == 2 && with_value.find(option[1]) != with_value.npos) ++i;
    }
  };
  while (i < words.size()) {
    const std::string_view name = BaseName(words[i].text);
    if (name == "exec") {
      result.exec = true;
      ++i;
      skip_options("a");
    } else if (name == "command" || name == "builtin") {
      if (i + 1 < words.size() && IsOneOf(words[i + 1].text, {"-v", "-V"})) {
        i = words.size();  // asks, runs nothing
        break;
      }
      ++i;
      skip_options("");
    } else if (IsOneOf(name, {"env", "nohup", "nice", "setsid", "time", "stdbuf", "ionice"})) {
      result.runners.push_back(i++);
      skip_options(name == "env" ? "uCS" : name == "nice" || name == "ionice" ? "ncp" : "oei");
      while (name == "env" && i < words.size() && words[i].text.find('=') != std::string::npos) {
        result.environment.push_back(i++);
      }
    } else {
      break;
    }
  }
  result.program = std::min(i, words.size());
  return result;
}

// Where a word's literal text can be split into list elements that depend on no variable.
struct Element {
  std::string text;
  uint32_t offset = 0;
  bool literal = true;
};

// The elements of a search path, split at `:`. `$PATH`, `${PATH:+:$PATH}` and their like, which
// nixpkgs writes without a separator of their own ('/x/bin'$PATH), end an element.
std::vector<Element> Elements(const ShellWord& word, std::string_view variable) {
  std::vector<Element> elements(1);
  size_t expansion = 0;
  for (size_t i = 0; i < word.text.size(); ++i) {
    const char c = word.text[i];
    bool separates = c == ':' || c == ';';
    if (c == ShellWord::kExpansion) {
      const ShellExpansion& e = word.expansions[expansion++];
      separates = e.name == variable || absl::StartsWith(e.word.text, ":");
    }
    if (separates) {
      elements.emplace_back();
      continue;
    }
    Element& element = elements.back();
    if (element.text.empty()) element.offset = word.offsets[i];
    if (c == ShellWord::kExpansion) element.literal = false;
    element.text.push_back(c);
  }
  return elements;
}

// Where the whole value is `${NAME-default}`, as makeWrapper's --set-default writes it: the
// default.
const ShellWord& OrDefault(const ShellWord& value) {
  if (value.text.size() == 1 && value.expansions.size() == 1) {
    const std::string& operation = value.expansions[0].operation;
    if (IsOneOf(operation, {"-", ":-", "=", ":="})) return value.expansions[0].word;
  }
  return value;
}

// Where the whole word is one variable's value, `$NAME` or `${NAME:-word}`: that expansion.
const ShellExpansion* OnlyExpansion(const ShellWord& word) {
  if (word.text.size() != 1 || word.expansions.size() != 1) return nullptr;
  const ShellExpansion& expansion = word.expansions[0];
  return expansion.name.empty() ? nullptr : &expansion;
}

// How a command or variable holds options.
enum class Options {
  kArguments,  // each is a word; words that are absolute paths count too
  kValues,     // separated by blanks within the words
};

template <typename Function>
void FindPaths(const std::vector<const ShellWord*>& words, Options form, const Function& found) {
  std::vector<Token> tokens;
  std::vector<uint32_t> offsets;  // in the script, of each byte of all words one after another
  for (const ShellWord* word : words) {
    if (form == Options::kArguments) {
      tokens.push_back({word->text, offsets.size()});
    } else {
      const std::vector<Token> parts = Words(word->text, offsets.size());
      tokens.insert(tokens.end(), parts.begin(), parts.end());
    }
    offsets.insert(offsets.end(), word->offsets.begin(), word->offsets.end());
  }
  FindPathsInOptions(tokens, form == Options::kArguments,
                     [&](std::string_view path, uint64_t position, std::string_view option) {
                       found(path, offsets[position], option);
                     });
}

class WrapperReader {
 public:
  // Which of a script's commands count.
  enum class Reach {
    kWhatRuns,    // those that always run, and some more: see AddWrapperClaims
    kEverything,  // all, in functions and branches too
  };

  WrapperReader(Claim::Kind kind, Reach reach, ClaimList* claims)
      : kind_(kind), reach_(reach), claims_(claims), script_(ParseShell(claims->text())) {}

  bool valid() const { return script_.valid; }

  void Survey() {
    for (const ShellCommand& command : script_.commands) {
      const Invocation run = Resolve(command);
      SurveyVariables(command);
      if (command.words.empty()) continue;
      const std::string& first = command.words[0].text;
      if (IsOneOf(first, {"[", "[[", "test", "command", "type", "which", "hash"})) {
        for (const ShellWord& word : command.words) {
          tested_.insert(word.text);
          for (const ShellExpansion& expansion : word.expansions) {
            tested_variables_.insert(expansion.name);
          }
        }
      }
      if (IsOneOf(first, {"export", "declare", "typeset"})) {
        for (const ShellWord& word : command.words) exported_.insert(word.text);
      }
      const bool has_program = run.program < command.words.size();
      if (run.exec && has_program && !command.in_function) {
        execs_ = true;
        always_execs_ |= !command.conditional;
      }
      if (IsOneOf(first, {"source", "."}) && command.words.size() > 1 && !command.in_function &&
          command.words[1].text.find("/nix-support/") != std::string::npos) {
        nixpkgs_ = true;
      }
    }
    for (const std::string& name : script_.loop_variables) {
      Variable& variable = variables_[name];
      ++variable.assigned;
      variable.always = true;  // to a value that is not known
      variable.value = ShellWord();
    }
  }

  bool IsWrapper(std::string_view path) const {
    const bool in_bin = path.find("/bin/") != path.npos || path.find("/sbin/") != path.npos ||
                        path.find("/libexec/") != path.npos;
    return always_execs_ || nixpkgs_ ||
           ((in_bin || execs_) && script_.commands.size() <= kShortScript);
  }

  void AddClaims() {
    for (const ShellCommand& command : script_.commands) {
      if (command.in_function && reach_ == Reach::kWhatRuns) continue;
      const Invocation run = Resolve(command);
      const bool counts = !command.conditional || nixpkgs_ || reach_ == Reach::kEverything;
      if (counts || run.exec) Run(run);
      if (counts) Variables(command);
    }
  }

 private:
  // What the script assigns to a variable.
  struct Variable {
    int assigned = 0;     // how often, in any branch
    bool always = false;  // one of them always runs
    ShellWord value;      // of that one
  };

  void SurveyVariables(const ShellCommand& command) {
    const bool always = !command.conditional && !command.in_function && !command.in_subshell;
    const auto assign = [&](std::string_view name, const ShellWord* value) {
      Variable& variable = variables_[ToAbsl(name)];
      ++variable.assigned;
      if (!always) return;
      variable.always = true;
      variable.value = value == nullptr ? ShellWord() : *value;
    };
    std::string_view first;
    if (!command.words.empty()) first = command.words[0].text;
    const bool declares = IsOneOf(first, {"export", "readonly", "declare", "typeset"});
    // Before another command, an assignment is for that one's environment.
    if (first.empty() || declares) {
      for (const ShellAssignment& assignment : command.assignments) {
        const bool plain = !assignment.append && assignment.values.size() == 1;
        assign(assignment.name, plain ? &assignment.values[0] : nullptr);
      }
    }
    if (!declares && !IsOneOf(first, {"local", "read", "unset", "printf", "mapfile", "readarray",
                                      "getopts", "eval", "let"})) {
      return;
    }
    for (const ShellWord& word : command.words) {
      const size_t length = NameLength(word.text);
      if (length == 0) continue;
      const std::string_view name = std::string_view(word.text).substr(0, length);
      if (declares && word.text.substr(length, 1) == "=") {
        const ShellWord value = word.From(length + 1);
        assign(name, &value);
      } else if (!declares || word.text.substr(length, 2) == "+=") {
        assign(name, nullptr);
      }
    }
  }

  // What `word` stands for as a program or a file to source: itself where it is literal; the value
  // of a variable that is assigned once, always, and before; what a default expands to. Else empty.
  // `variable` receives the name of the variable that holds it.
  const ShellWord& Value(const ShellWord& word, std::string_view* variable) const {
    static const ShellWord kNone;
    if (word.IsLiteral()) return word;
    const ShellExpansion* expansion = OnlyExpansion(word);
    if (expansion == nullptr || tested_variables_.contains(expansion->name)) return kNone;
    const bool has_default = IsOneOf(expansion->operation, {"-", ":-", "=", ":="});
    const bool is_plain = expansion->operation.empty() && expansion->word.text.empty();
    if (!has_default && !is_plain) return kNone;
    *variable = expansion->name;
    const auto found = variables_.find(expansion->name);
    if (found != variables_.end() && found->second.always) {
      const Variable& known = found->second;
      const bool is_known =
          known.assigned == 1 && known.value.IsLiteral() && known.value.offset() < word.offset();
      return is_known ? known.value : kNone;
    }
    return has_default ? Value(expansion->word, variable) : kNone;
  }

  // Claims the program or sourced file that `word` stands for.
  void Executed(const ShellWord& word, std::string_view how) {
    std::string_view variable;
    const ShellWord& value = Value(word, &variable);
    const std::string context =
        variable.empty() ? std::string(how) : absl::StrCat(ToAbsl(how), " $", ToAbsl(variable));
    Add(value.text, value.offset(), context);
  }

  void Add(std::string_view path, uint64_t offset, std::string_view context) {
    if (reach_ == Reach::kEverything) {
      if (IsAbsolutePath(path)) claims_->Add(kind_, path, offset, context);
    } else if (!tested_.contains(ToAbsl(path))) {
      claims_->AddPath(kind_, path, offset, context);
    }
  }

  void Run(const Invocation& run) {
    const std::vector<ShellWord>& words = run.command->words;
    for (size_t runner : run.runners) {
      if (words[runner].IsLiteral()) Add(words[runner].text, words[runner].offset(), "command");
    }
    for (size_t assignment : run.environment) {
      const ShellWord& word = words[assignment];
      const size_t name = word.text.find('=');
      Exported(word.text.substr(0, name), word.From(name + 1));
    }
    // NAME=value before a command is in its environment.
    if (run.program < words.size()) {
      for (const ShellAssignment& assignment : run.command->assignments) {
        for (const ShellWord& value : assignment.values) Exported(assignment.name, value);
      }
    }
    if (run.program >= words.size()) return;
    const ShellWord& program = words[run.program];
    if (IsOneOf(program.text, {"source", "."})) {
      if (run.program + 1 < words.size()) Executed(words[run.program + 1], "source");
      return;
    }
    Executed(program, run.exec ? "exec" : "command");
    const bool mentions = IsOneOf(program.text, {"echo", "printf", "[", "[[", "test"});
    if (!run.exec && (reach_ == Reach::kWhatRuns || mentions)) return;
    std::vector<const ShellWord*> arguments;
    for (size_t i = run.program + 1; i < words.size(); ++i) arguments.push_back(&words[i]);
    FindPaths(arguments, Options::kArguments, [&](auto path, auto offset, auto option) {
      if (!option.empty()) {
        Add(path, offset, option);
      } else if (IsInstallationPath(path)) {
        Add(path, offset, "argument");
      }
    });
  }

  void Variables(const ShellCommand& command) {
    const bool is_export = !command.words.empty() && command.words[0].text == "export";
    for (const ShellAssignment& assignment : command.assignments) {
      // Run has taken what stands before a command.
      const bool exported =
          is_export || (command.words.empty() && (IsAlwaysExported(assignment.name) ||
                                                  exported_.contains(ToAbsl(assignment.name))));
      std::vector<const ShellWord*> values;
      for (const ShellWord& value : assignment.values) {
        values.push_back(&value);
        if (exported) Exported(assignment.name, value);
        if (reach_ == Reach::kEverything && value.IsLiteral() && IsInstallationPath(value.text)) {
          Add(value.text, value.offset(), assignment.name);
        }
      }
      OptionsIn(assignment.name, values);
      // nixpkgs' cc-wrapper names the compiler so, and runs it by this variable.
      if (nixpkgs_ && assignment.name == "wrapperCompiler" && values.size() == 1 &&
          values[0]->IsLiteral()) {
        Add(values[0]->text, values[0]->offset(), "exec");
      }
    }
    if (!is_export) return;
    for (const ShellWord& word : command.words) {
      const size_t name = NameLength(word.text);
      const std::string_view rest = std::string_view(word.text).substr(name);
      const size_t skip = rest.substr(0, 1) == "=" ? 1 : rest.substr(0, 2) == "+=" ? 2 : 0;
      if (name == 0 || skip == 0) continue;
      const ShellWord value = word.From(name + skip);
      Exported(word.text.substr(0, name), value);
      OptionsIn(word.text.substr(0, name), {&value});
    }
  }

  void Exported(const std::string& variable, const ShellWord& written) {
    const ShellWord& value = OrDefault(written);
    const bool search_path = IsSearchPath(variable);
    for (const Element& element : Elements(value, variable)) {
      if (!element.literal) continue;
      if (search_path || IsInstallationPath(element.text))
        Add(element.text, element.offset, variable);
    }
  }

  void OptionsIn(const std::string& variable, const std::vector<const ShellWord*>& values) {
    FindPaths(values, Options::kValues, [&](auto path, auto offset, auto option) {
      Add(path, offset, absl::StrCat(variable, " ", ToAbsl(option)));
    });
  }

  Claim::Kind kind_;
  Reach reach_;
  ClaimList* claims_;
  ShellScript script_;
  absl::flat_hash_set<std::string> tested_;  // words of tests
  absl::flat_hash_set<std::string> tested_variables_;
  absl::flat_hash_set<std::string> exported_;  // words after `export`
  absl::flat_hash_map<std::string, Variable> variables_;
  bool execs_ = false;
  bool always_execs_ = false;
  bool nixpkgs_ = false;  // sources a package's nix-support
};

bool IsHook(std::string_view name) {
  return absl::EndsWith(ToAbsl(name), ".sh") || absl::EndsWith(ToAbsl(name), ".bash") ||
         absl::EndsWith(ToAbsl(name), "-hook");
}

// The variables of *-config scripts and the like that hold installation directories.
bool IsDirectoryVariable(std::string_view name) {
  for (std::string_view suffix : {"prefix", "dir", "PREFIX", "DIR"}) {
    if (absl::EndsWith(ToAbsl(name), ToAbsl(suffix))) return true;
  }
  return false;
}

// Options in any line that is no comment: for scripts in other languages than the shell's.
void AddOptionsOfLines(ClaimList* claims) {
  for (const Token& line : Split(claims->text(), 0, "\n")) {
    const std::vector<Token> words = Split(line.text, line.offset, " \t\r\"'`,;()");
    if (words.empty() || words[0].text[0] == '#') continue;
    FindPathsInOptions(words, false, [&](auto path, auto offset, auto option) {
      claims->Add(Claim::BUILD_METADATA, path, offset, option);
    });
  }
}

}  // namespace

void AddWrapperClaims(std::string_view path, ClaimList* claims) {
  WrapperReader reader(Claim::WRAPPER, WrapperReader::Reach::kWhatRuns, claims);
  if (!reader.valid()) return;
  reader.Survey();
  if (reader.IsWrapper(path)) reader.AddClaims();
}

bool AddScriptClaims(ClaimList* claims) {
  WrapperReader reader(Claim::WRAPPER, WrapperReader::Reach::kEverything, claims);
  if (!reader.valid()) return false;
  reader.Survey();
  reader.AddClaims();
  return true;
}

void AddNixSupportClaims(std::string_view name, ClaimList* claims) {
  if (IsHook(name)) {
    WrapperReader reader(Claim::NIX_SUPPORT, WrapperReader::Reach::kWhatRuns, claims);
    if (!reader.valid()) return;
    reader.Survey();
    reader.AddClaims();
    return;
  }
  FindPathsInOptions(Words(claims->text(), 0), true,
                     [&](std::string_view path, uint64_t offset, std::string_view option) {
                       claims->Add(Claim::NIX_SUPPORT, path, offset,
                                   option.empty() ? name : option);
                     });
}

void AddConfigScriptClaims(ClaimList* claims) {
  const ShellScript script = ParseShell(claims->text());
  if (!script.valid) return AddOptionsOfLines(claims);
  for (const ShellCommand& command : script.commands) {
    std::vector<const ShellWord*> words;
    for (const ShellAssignment& assignment : command.assignments) {
      for (const ShellWord& value : assignment.values) {
        words.push_back(&value);
        if (value.IsLiteral() && IsDirectoryVariable(assignment.name) &&
            IsInstallationPath(value.text)) {
          claims->Add(Claim::BUILD_METADATA, value.text, value.offset(), assignment.name);
        }
      }
    }
    for (const ShellWord& word : command.words) words.push_back(&word);
    FindPaths(words, Options::kValues, [&](auto path, auto offset, auto option) {
      claims->Add(Claim::BUILD_METADATA, path, offset, option);
    });
  }
}

}  // namespace lre_audit
