// JSON5, and so JSON, with the place of everything in it.
// Source: "The JSON5 Data Interchange Format" 1.0.0 (spec.json5.org).
#ifndef LRE_AUDIT_AUDIT_TOOLCHAIN_JSON5_H_
#define LRE_AUDIT_AUDIT_TOOLCHAIN_JSON5_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lre_audit {

struct Json5Value {
  enum class Kind { kNull, kBoolean, kNumber, kString, kArray, kObject };
  struct Name {
    std::string text;
    size_t offset = 0;
  };

  Kind kind = Kind::kNull;
  std::string text;   // of a string: escapes resolved, UTF-8; of a number or boolean: as written
  size_t offset = 0;  // of its first byte in the text; of a string: of the one after the quote
  std::vector<Json5Value> items;  // of an array; of an object: the members' values
  std::vector<Name> names;        // of an object: the members' names, as many as items

  bool IsString() const { return kind == Kind::kString; }
  bool IsArray() const { return kind == Kind::kArray; }
  bool IsObject() const { return kind == Kind::kObject; }
  // The member of that name, the last one if there are several; null if there is none.
  const Json5Value* Member(std::string_view name) const;
  // "a string", "an array", ...: for messages about a value of another kind than expected.
  std::string_view KindName() const;
};

struct Json5Error {
  size_t offset = 0;
  std::string message;  // what is there, and what was expected
};

struct Json5Document {
  Json5Value root;  // as far as it was read
  // A name that stands twice in one object is an error and reading goes on; after an error of
  // syntax it stops, so there is at most one, the last.
  std::vector<Json5Error> errors;
};

// Strict: what the specification does not allow is an error. Nesting, the number of values and the
// size of the text are bounded; more is an error that says so.
Json5Document ParseJson5(std::string_view text);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TOOLCHAIN_JSON5_H_
