// Starlark as far as BUILD, .bzl and MODULE.bazel files are data: strings, numbers, lists, tuples,
// dicts, calls with keyword arguments, concatenation, select and comments. What is beyond it
// (functions, loops, comprehensions, formatting) is passed over without losing the strings in it.
// Grammar: Bazel's "Starlark Language Specification", lexical elements and expressions.
#ifndef LRE_AUDIT_AUDIT_TOOLCHAIN_STARLARK_H_
#define LRE_AUDIT_AUDIT_TOOLCHAIN_STARLARK_H_

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
  Kind kind = Kind::kOther;
  std::string text;
  Position position;  // of a string: of its first byte after the quote
  std::vector<StarlarkValue> items;
  struct Named {
    std::string name;
    Position position;
    std::vector<StarlarkValue> value;  // exactly one
  };
  std::vector<Named> named;  // keyword arguments of a call, in order

  // The keyword argument of that name, or null.
  const StarlarkValue* Argument(std::string_view name) const;
};

struct StarlarkError {
  Position position;
  std::string message;  // "unclosed '('", "string has no end before the line ends"
};

struct StarlarkFile {
  // Top-level expressions and right-hand sides of assignments, in order. An assignment `x = y` is
  // a kOther with text "x" and one item; what stands inside def, for and if is flattened in order.
  std::vector<StarlarkValue> statements;
  std::vector<StarlarkError> errors;  // reading goes on at the next line that can begin a statement
};

// Reads a whole file; never fails as a whole. Memory is linear in the text, depth is bounded.
StarlarkFile ParseStarlark(std::string_view text);

// Every string in `value`, itself included, in the order of the file.
void CollectStrings(const StarlarkValue& value, std::vector<const StarlarkValue*>& strings);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TOOLCHAIN_STARLARK_H_
