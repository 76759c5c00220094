// YAML documents as trees with places, read by yaml-cpp. An alias is a second way to its anchor's
// node, so a tree never takes more memory than its text warrants; whoever walks one has to bound
// the walk, for aliases may repeat without end.
#ifndef LRE_AUDIT_AUDIT_TOOLCHAIN_YAML_H_
#define LRE_AUDIT_AUDIT_TOOLCHAIN_YAML_H_

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace lre_audit {

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMapping };
  enum class Style { kFlow, kLiteral, kFolded };  // of a scalar: plain or quoted, "|", ">"

  Kind kind = Kind::kNull;
  Style style = Style::kFlow;
  std::string text;   // of a scalar
  size_t offset = 0;  // of its first byte in the text; of a quoted one: of the one after the quote
  std::vector<const YamlNode*> items;  // of a sequence
  std::vector<const YamlNode*> names;  // of a mapping, and its values in `items`

  bool IsScalar() const { return kind == Kind::kScalar; }
  bool IsSequence() const { return kind == Kind::kSequence; }
  bool IsMapping() const { return kind == Kind::kMapping; }
  // The value of that name: the mapping's own, or that of a mapping which "<<" merges into it. Null
  // if there is none.
  const YamlNode* Member(std::string_view name) const;
  // The text of a member that is a scalar, else an empty view.
  std::string_view Text(std::string_view name) const;

 private:
  const YamlNode* Member(std::string_view name, int* merges) const;
};

struct YamlError {
  size_t offset = 0;
  std::string message;
};

struct YamlFile {
  std::deque<YamlNode> nodes;          // all of them; their addresses stay
  std::vector<const YamlNode*> roots;  // one for each document that could be read
  std::vector<YamlError> errors;       // one for each that could not
};

// Each document is read by itself, so that one that is wrong does not hide the others. UTF-8 only.
YamlFile ParseYaml(std::string_view text);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TOOLCHAIN_YAML_H_
