// Absolute paths as text: nothing here looks at a file, follows a symlink or resolves "..".
#ifndef LRE_AUDIT_BASE_PATHS_H_
#define LRE_AUDIT_BASE_PATHS_H_

#include <string_view>

namespace lre_audit {

// Whether `path` is `directory` or lies below it: "/a" and "/a/b" of "/a", never "/ab". `directory`
// has no slash at its end.
constexpr bool IsWithin(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

// Whether `path` lies below `directory`.
constexpr bool IsBelow(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && IsWithin(path, directory);
}

// The directory that holds `path`: "/a" of "/a/b", "/" of "/a".
constexpr std::string_view DirectoryOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == 0 || slash == std::string_view::npos) return "/";
  return path.substr(0, slash);
}

}  // namespace lre_audit

#endif  // LRE_AUDIT_BASE_PATHS_H_
