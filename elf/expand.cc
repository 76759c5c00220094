// Tokens and elements of search paths: glibc elf/dl-load.c (is_dst, _dl_dst_substitute,
// fillin_rpath), musl ldso/dynlink.c (fixup_rpath, path_open).
#include <algorithm>
#include <cctype>
#include <utility>

#include "elf/loading.h"

namespace lre_audit::elf {
namespace {

bool IsIdentifierCharacter(char c) { return isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// The length of the token `name` at the start of `text` (after the dollar sign): "ORIGIN" or
// "{ORIGIN}"; 0 if it is not that token. $ORIGINAL is not $ORIGIN.
size_t TokenLength(std::string_view text, std::string_view name) {
  const bool braces = text.starts_with('{');
  if (braces) text.remove_prefix(1);
  if (!text.starts_with(name)) return 0;
  text.remove_prefix(name.size());
  if (braces) return text.starts_with('}') ? name.size() + 2 : 0;
  return !text.empty() && IsIdentifierCharacter(text[0]) ? 0 : name.size();
}

std::string WithoutTrailingSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// Calls `each` for the elements between separators, with their places in `text`.
template <typename Each>
void Split(std::string_view text, std::string_view separators, Each each) {
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find_first_of(separators, start), text.size());
    each(text.substr(start, end - start), start);
    start = end + 1;
  }
}

std::vector<Element> ExpandGlibc(const Text& search_path, std::string_view origin,
                                 const LoaderDefaults& defaults, std::string_view platform) {
  std::vector<Element> elements;
  if (search_path.value.empty()) return elements;  // wholly empty: ignored
  Split(search_path.value, ":", [&](std::string_view written, size_t at) {
    Element element{std::string(written), "", false, search_path.offset + at};
    if (!written.empty()) {
      auto expanded = ExpandTokens(written, origin, defaults, platform);
      element.discarded = !expanded || expanded->empty();
      if (expanded) element.expanded = WithoutTrailingSlashes(*std::move(expanded));
    }
    elements.push_back(std::move(element));
  });
  return elements;
}

// Only $ORIGIN, matched as a prefix; any other dollar sign voids the whole path.
std::vector<Element> ExpandMusl(const Text& search_path, std::string_view origin) {
  std::vector<Element> elements;
  bool is_void = false;
  Split(search_path.value, ":\n", [&](std::string_view written, size_t at) {
    if (written.empty()) return;
    Element element{std::string(written), "", false, search_path.offset + at};
    for (size_t i = 0; i < written.size();) {
      constexpr std::string_view kPlain = "$ORIGIN", kBraces = "${ORIGIN}";
      const std::string_view rest = written.substr(i);
      if (rest[0] != '$') {
        element.expanded.push_back(rest[0]);
        ++i;
      } else if (rest.starts_with(kPlain) || rest.starts_with(kBraces)) {
        element.expanded.append(origin);
        i += rest.starts_with(kPlain) ? kPlain.size() : kBraces.size();
      } else {
        is_void = true;
        break;
      }
    }
    elements.push_back(std::move(element));
  });
  if (is_void) {
    for (Element& element : elements) {
      element.discarded = true;
      element.expanded.clear();
    }
  }
  return elements;
}

}  // namespace

std::optional<std::string> ExpandTokens(std::string_view text, std::string_view origin,
                                        const LoaderDefaults& defaults, std::string_view platform) {
  if (!defaults.platform.empty()) platform = defaults.platform;
  const std::pair<std::string_view, std::string_view> tokens[] = {
      {"ORIGIN", origin}, {"PLATFORM", platform}, {"LIB", defaults.lib}};
  std::string expanded;
  while (!text.empty()) {
    const size_t dollar = std::min(text.find('$'), text.size());
    expanded.append(text.substr(0, dollar));
    text.remove_prefix(dollar);
    if (text.empty()) break;
    text.remove_prefix(1);
    size_t length = 0;
    for (const auto& [name, value] : tokens) {
      length = TokenLength(text, name);
      if (length == 0) continue;
      if (value.empty()) return std::nullopt;
      expanded.append(value);
      break;
    }
    if (length == 0) expanded.push_back('$');  // no token: an ordinary character
    text.remove_prefix(length);
  }
  return expanded;
}

std::vector<Element> ExpandSearchPath(const Text& search_path, std::string_view origin,
                                      const LoaderDefaults& defaults, std::string_view platform) {
  return defaults.kind == LoaderDefaults::Kind::kMusl
             ? ExpandMusl(search_path, origin)
             : ExpandGlibc(search_path, origin, defaults, platform);
}

std::vector<Element> ExpandSearchPath(const Text& search_path, std::string_view origin,
                                      const LoaderDefaults& defaults) {
  return ExpandSearchPath(search_path, origin, defaults, "");
}

}  // namespace lre_audit::elf
