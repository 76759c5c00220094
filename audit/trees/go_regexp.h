// Regular expressions as Go's regexp package reads and replaces with them. RE2 has the same syntax
// and the same leftmost-first matches; what differs is the template of a replacement ($1 instead of
// \1) and what bytes match that are no UTF-8.
// Source: Go src/regexp/regexp.go (ReplaceAll, Expand).
#ifndef LRE_AUDIT_AUDIT_TREES_GO_REGEXP_H_
#define LRE_AUDIT_AUDIT_TREES_GO_REGEXP_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace re2 {
class RE2;
}

namespace lre_audit {

class GoRegexp {
 public:
  // InvalidArgument for what is no pattern, or takes more than kMaxMemory bytes; ResourceExhausted
  // for more than kMaxGroups groups, which make every match slow.
  static absl::StatusOr<GoRegexp> Compile(std::string_view pattern);
  ~GoRegexp();
  GoRegexp(GoRegexp&&) noexcept;
  GoRegexp& operator=(GoRegexp&&) noexcept;

  // Whether it matches anywhere in `text`.
  bool Matches(std::string_view text) const;

  // About what holding a text of `bytes` against it takes; 1 for one that is as usual.
  size_t Cost(size_t bytes) const;

  static constexpr int kMaxMemory = 1 << 20;
  static constexpr int kMaxGroups = 100;

 private:
  friend class GoRewrite;
  explicit GoRegexp(std::unique_ptr<re2::RE2> pattern);
  std::unique_ptr<re2::RE2> pattern_;
};

// Replaces every match of a pattern.
class GoRewrite {
 public:
  // In `replacement`, $1, ${1} and ${name} stand for what groups have matched, $$ for a dollar.
  static absl::StatusOr<GoRewrite> Compile(std::string_view pattern, std::string_view replacement);

  size_t Cost(size_t bytes) const { return pattern_.Cost(bytes); }
  // None if the result takes more than `limit` bytes.
  std::optional<std::string> Apply(std::string_view text, size_t limit) const;

 private:
  // Literal text, then what a group has matched.
  struct Piece {
    std::string text;
    std::optional<int> group;
  };
  GoRewrite(GoRegexp pattern, std::vector<Piece> pieces)
      : pattern_(std::move(pattern)), pieces_(std::move(pieces)) {}

  GoRegexp pattern_;
  std::vector<Piece> pieces_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_GO_REGEXP_H_
