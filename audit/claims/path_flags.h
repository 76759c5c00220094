// Paths in the options of compilers and linkers, and which strings are paths at all.
#ifndef LRE_AUDIT_AUDIT_CLAIMS_PATH_FLAGS_H_
#define LRE_AUDIT_AUDIT_CLAIMS_PATH_FLAGS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lre_audit {

// An absolute path that a build may use: of ordinary characters (no pattern, no variable, no
// blank), and not of a file system that the kernel makes (/dev, /proc, /sys), which is the same
// everywhere.
bool IsClaimablePath(std::string_view path);

// As IsClaimablePath, whatever characters it holds: for places that hold nothing but a path, such
// as an argument that no shell reads.
bool IsAbsolutePath(std::string_view path);

// Below a directory where programs, libraries and headers are installed or built (/usr, /opt,
// /home, the store, ...) rather than one where a running machine keeps its state (/etc, /var, /run,
// /tmp).
bool IsInstallationPath(std::string_view path);

// A piece of a text and where it stands in it.
struct Token {
  std::string_view text;
  uint64_t offset = 0;
};

// `value` split at blanks and newlines; `offset` is that of its first byte.
std::vector<Token> Words(std::string_view value, uint64_t offset);

// `value` split at any of `separators`; empty pieces are left out.
std::vector<Token> Split(std::string_view value, uint64_t offset, std::string_view separators);

using PathFunction =
    std::function<void(std::string_view path, uint64_t offset, std::string_view option)>;

// Calls `found` for the paths that options among `words` name: -I/x, -I /x, --sysroot=/x,
// -Wl,-rpath,/x:/y, -Xlinker -rpath -Xlinker /x and so on. With `bare`, words that are themselves
// absolute paths count too, with an empty option.
void FindPathsInOptions(const std::vector<Token>& words, bool bare, const PathFunction& found);

// As FindPathsInOptions, of words that are whole arguments: a path may hold blanks and the like
// (IsAbsolutePath).
void FindPathsInArguments(const std::vector<Token>& arguments, bool bare,
                          const PathFunction& found);

// A path that compiler or linker flags name, and the option that it belongs to ("-isystem",
// "-rpath", "--sysroot"); of a word that is itself a path, an object or archive to link, empty.
struct FlagPath {
  std::string flag;
  std::string path;
};

// The absolute paths in `flags`, in their order, with repetitions. `flags` is the value of a
// variable such as CFLAGS, LDFLAGS or nixpkgs' NIX_CFLAGS_COMPILE: words that blanks separate,
// without quoting. A path that is no IsClaimablePath is left out.
std::vector<FlagPath> PathsOfFlags(std::string_view flags);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_CLAIMS_PATH_FLAGS_H_
