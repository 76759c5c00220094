// "Did you mean": the known word nearest to a mistyped one.
#ifndef LRE_AUDIT_BASE_SUGGEST_H_
#define LRE_AUDIT_BASE_SUGGEST_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace lre_audit {

// Damerau-Levenshtein distance in its restricted form (optimal string alignment): insertions,
// deletions, substitutions and swaps of neighbouring bytes, none edited twice. ASCII case does not
// count.
size_t EditDistance(std::string_view a, std::string_view b);

// The candidate with the least distance to `word`, the first of equals; empty if all are farther
// than a third of the word's length (at least 1), or the word is longer than anything worth
// guessing at.
std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates);

// "; did you mean 'closure'?" to end an error message with, or "" if nothing is near.
std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace lre_audit

#endif  // LRE_AUDIT_BASE_SUGGEST_H_
