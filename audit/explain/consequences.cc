#include "audit/explain/consequences.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit::explain {
namespace {

bool Shares(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  std::vector<uint32_t> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return !both.empty();
}

void Unite(std::vector<uint32_t>* pairs, const std::vector<uint32_t>& others) {
  std::vector<uint32_t> all;
  std::set_union(pairs->begin(), pairs->end(), others.begin(), others.end(),
                 std::back_inserter(all));
  *pairs = std::move(all);
}

// Of a digest as "<hash>/<size>".
std::optional<int64_t> SizeIn(const std::optional<std::string>& digest) {
  if (!digest) return std::nullopt;
  const size_t slash = digest->rfind('/');
  if (slash == std::string::npos) return std::nullopt;
  int64_t size = 0;
  const char* const end = digest->data() + digest->size();
  const auto [rest, error] = std::from_chars(digest->data() + slash + 1, end, size);
  return error == std::errc() && rest == end ? std::optional(size) : std::nullopt;
}

// The length of the line that the list of include directories has for this flag; 0 for any other.
int64_t IncludeLine(const std::optional<std::string>& flag) {
  for (const std::string_view prefix : {"-I", "-isystem ", "-isystem", "-idirafter "}) {
    if (flag && flag->starts_with(prefix) && flag->size() > prefix.size()) {
      return static_cast<int64_t>(flag->size() - prefix.size() + 1);
    }
  }
  return 0;
}

void Fold(Cause* root, Cause* consequence, std::string note) {
  Unite(&root->direct, consequence->direct);
  Unite(&root->proven, consequence->proven);
  if (root->unproven_because.empty()) root->unproven_because = consequence->unproven_because;
  root->what.notes.push_back(std::move(note));
  consequence->direct.clear();
}

// A change of flags is one change, however many they are.
void FoldArguments(std::vector<Cause>* causes) {
  constexpr size_t kMostTold = 5;
  std::map<std::vector<uint32_t>, std::pair<Cause*, size_t>> first_of;  // by pairs; others
  for (Cause& cause : *causes) {
    if (cause.what.rule != "LRE725" || cause.direct.empty()) continue;
    const auto [found, is_new] = first_of.try_emplace(cause.direct, &cause, 0);
    if (is_new) continue;
    auto& [first, others] = found->second;
    if (++others <= kMostTold) {
      const auto value = [](const std::optional<std::string>& text) {
        constexpr size_t kMost = 200;
        if (!text) return std::string();
        return Escaped(text->substr(0, kMost)) + (text->size() > kMost ? "..." : "");
      };
      const std::string here = value(cause.what.local), there = value(cause.what.remote);
      first->what.notes.push_back(absl::StrCat("in the same actions: ", cause.what.message, ": ",
                                               here, here.empty() || there.empty() ? "" : " and ",
                                               there));
    }
    cause.direct.clear();
  }
  for (const auto& [pairs, told] : first_of) {
    const auto& [first, others] = told;
    if (others <= kMostTold) continue;
    first->what.notes.push_back(
        absl::StrCat("and ", others - kMostTold,
                     " more arguments of the same actions differ: --action shows all"));
  }
}

}  // namespace

void FoldConsequences(std::vector<Cause>* causes) {
  for (Cause& list : *causes) {
    if (list.what.rule != "LRE710" || list.direct.empty()) continue;
    // Flags first: these are never the root.
    std::vector<Cause*> flags;
    int64_t lines = 0;
    for (Cause& cause : *causes) {
      const int64_t line = IncludeLine(cause.what.remote ? cause.what.remote : cause.what.local);
      if (line == 0 || (cause.what.local && cause.what.remote) || cause.direct.empty() ||
          !Shares(cause.direct, list.direct)) {
        continue;
      }
      lines += cause.what.remote ? line : -line;
      flags.push_back(&cause);
    }
    const std::optional<int64_t> here = SizeIn(list.what.local), there = SizeIn(list.what.remote);
    if (here && there && *there - *here == lines) {
      for (Cause* flag : flags) {
        Fold(&list, flag,
             flag->what.remote ? absl::StrCat("the remote compiles have ", *flag->what.remote,
                                              " besides: the directory that its list has more")
                               : absl::StrCat("the local compiles have ", *flag->what.local,
                                              " besides: the directory that its list has more"));
      }
    }
    for (Cause& tool : *causes) {
      if (tool.what.rule != "LRE709" || tool.direct.empty() || !Shares(tool.direct, list.direct)) {
        continue;
      }
      Fold(&tool, &list,
           "the list of builtin include directories, which the compiler gives, differs with it");
      break;
    }
  }
  FoldArguments(causes);
  std::erase_if(*causes, [](const Cause& cause) { return cause.direct.empty(); });
}

}  // namespace lre_audit::explain
