// Starlark as far as BUILD, .bzl and MODULE.bazel files are data: strings, numbers, lists, tuples,
// dicts, calls with keyword arguments, concatenation, select and comments. What is beyond it
// (functions, loops, comprehensions, formatting) is passed over without losing the strings in it.
// Grammar: Bazel's "Starlark Language Specification", lexical elements and expressions.
#ifndef LRE_AUDIT_AUDIT_TOOLCHAIN_STARLARK_H_
#define LRE_AUDIT_AUDIT_TOOLCHAIN_STARLARK_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lre_audit {

// Where something begins. Both count from 1; columns are bytes.
struct Position {
  uint32_t line = 0;
  uint32_t column = 0;
};

struct StarlarkValue {
  enum class Kind {
    kString,         // text: escapes resolved, adjacent literals joined
    kNumber,         // text: as written
    kIdentifier,     // text: "None", "True", "ctx.attr.x"
    kList,           // items; of tuples too
    kDict,           // items: key, value, key, value, ...
    kCall,           // text: the callee ("cc_toolchain_config", "select"); items: positional; named
    kConcatenation,  // items: the operands of a + b + c
    kOther,          // anything else; items: the values found in it, in order
  };
  // From byte `at` of `text` on, its bytes stand at `offset` of the file, up to the next piece.
  struct Piece {
    uint32_t at = 0;
    uint32_t offset = 0;
  };

  Kind kind = Kind::kOther;
  // Of a kCall of another value's method: ".format", and that value is the first item. Of a kOther:
  // what it is, "=="; see StarlarkFile for statements.
  std::string text;
  Position position;  // of a string: of its first byte after the quote
  std::vector<StarlarkValue> items;
  struct Named {
    std::string name;
    Position position;
    std::vector<StarlarkValue> value;  // exactly one
  };
  std::vector<Named> named;   // keyword arguments of a call, in order
  std::vector<Piece> pieces;  // of a string

  // The keyword argument of that name, or null.
  const StarlarkValue* Argument(std::string_view name) const;

  // Where byte `at` of a string's text stands in the file, from 0.
  uint32_t OffsetOf(size_t at) const;
};

struct StarlarkError {
  Position position;
  std::string message;  // "unclosed '('", "string has no end before the line ends"
};

struct StarlarkFile {
  // Top-level expressions and right-hand sides of assignments, in order. An assignment `x = y` is a
  // kOther with text "x" and one item, so is a parameter with a default; `return y`, `if y:` and
  // `for x in y:` are a kOther with the keyword as text. What stands inside def, for and if is
  // flattened in order. A string that is a statement of its own documents.
  std::vector<StarlarkValue> statements;
  // Of a bracket that is not closed: reading goes on at the next line that looks like the beginning
  // of a statement; of what is not understood: with the next argument or statement.
  std::vector<StarlarkError> errors;
};

// Reads a whole file; never fails as a whole. Time and memory are linear in the text, nesting is
// read to a depth of 200, below it strings alone; after 262,144 values the rest is left.
StarlarkFile ParseStarlark(std::string_view text);

// Every string in `value`, itself included, in the order of the file.
void CollectStrings(const StarlarkValue& value, std::vector<const StarlarkValue*>& strings);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TOOLCHAIN_STARLARK_H_
