// A directory for one test.
#ifndef LRE_AUDIT_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
#define LRE_AUDIT_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace lre_audit {

// Below $TMPDIR, and removed at the end, read-only contents included.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "lre-audit-test-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << pattern;
    // Nix refuses a store below a symlink.
    path_ = std::filesystem::canonical(pattern);
  }
  ~TemporaryDirectory() {
    namespace fs = std::filesystem;
    std::error_code error;
    // Store paths are read-only, which stops anyone but root from removing what they hold.
    fs::permissions(path_, fs::perms::owner_all, fs::perm_options::add, error);
    for (fs::recursive_directory_iterator it(path_, error), end; !error && it != end;
         it.increment(error)) {
      if (it->is_directory(error) && !it->is_symlink(error)) {
        fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, error);
      }
    }
    fs::remove_all(path_, error);
    EXPECT_FALSE(error) << path_ << ": " << error.message();
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
