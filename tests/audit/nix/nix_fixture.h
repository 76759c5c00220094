// Real stores for tests: made by the real Nix in a temporary directory, so that no test depends on
// what /nix/store holds. Needs Debian's `nix-bin` and a POSIX shell; no daemon, no network, no
// root.
#ifndef LRE_AUDIT_TESTS_AUDIT_NIX_NIX_FIXTURE_H_
#define LRE_AUDIT_TESTS_AUDIT_NIX_NIX_FIXTURE_H_

#include <string>
#include <string_view>
#include <vector>
#include "tests/support/temporary_directory.h"

namespace lre_audit::nix {

// Runs `command` in sh and returns its standard output. A failure fails the test, with its output.
std::string RunShell(const std::string& command);

std::vector<std::string> Lines(std::string_view text);
std::string ReadFileOrFail(const std::string& path);
void WriteFileOrFail(const std::string& path, std::string_view contents);

class NixStore {
 public:
  enum class Layout {
    // "nix --store ROOT": files in ROOT/nix/store, paths "/nix/store/...". Cannot build without a
    // sandbox: holds what nix-instantiate and nix-store --add put there.
    kChroot,
    // NIX_STORE_DIR=ROOT/store, NIX_STATE_DIR=ROOT/var/nix: paths "ROOT/store/...". Can build.
    kOwnDirectory,
  };
  explicit NixStore(Layout layout);

  const std::string& root() const { return directory_.path(); }
  std::string store_directory() const;
  std::string database() const;  // the directory that holds db.sqlite
  // Where the files of `store_path` are.
  std::string OnDisk(const std::string& store_path) const;

  // Runs `command` in sh with an environment in which every Nix command means this store.
  std::string Run(const std::string& command) const;

  // Fills the store with a few paths and returns the root of them all. kChroot: derivations and
  // texts that refer to each other. kOwnDirectory: also their outputs, among them a directory with
  // an executable, a symlink, an empty file, and references to others and to itself.
  std::string Fill() const;

  // All valid paths, as Nix sees them.
  std::vector<std::string> ValidPaths() const;

 private:
  TemporaryDirectory directory_;
  Layout layout_;
};

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_TESTS_AUDIT_NIX_NIX_FIXTURE_H_
