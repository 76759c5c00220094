#include "audit/explain/dep_file.h"

#include <cstddef>
#include <utility>

namespace lre_audit::explain {

std::vector<std::string> ReadDepFile(std::string_view text) {
  std::vector<std::string> prerequisites;
  std::string word;
  bool in_targets = true;
  const auto end_word = [&](bool is_target) {
    if (!word.empty() && !is_target) prerequisites.push_back(std::move(word));
    word.clear();
  };
  const auto at = [&](size_t i) { return i < text.size() ? text[i] : '\0'; };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      const size_t newline = at(i + 1) == '\r' ? i + 2 : i + 1;
      if (at(newline) == '\n') {  // the line goes on
        end_word(in_targets);
        i = newline;
      } else if (at(i + 1) == ' ' || at(i + 1) == '\t' || at(i + 1) == '#') {
        word += text[++i];
      } else {
        word += c;
      }
    } else if (c == '$' && at(i + 1) == '$') {
      word += text[++i];
    } else if (c == '\n') {
      end_word(in_targets);
      in_targets = true;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      end_word(in_targets);
    } else if (c == ':' && in_targets && (i + 1 >= text.size() || at(i + 1) <= ' ')) {
      word.clear();
      in_targets = false;
    } else {
      word += c;
    }
  }
  end_word(in_targets);
  return prerequisites;
}

}  // namespace lre_audit::explain
