// Which project a URL is about, and which commit: for what Bazel and Nix pin, each in its own
// words.
#ifndef LRE_AUDIT_AUDIT_TOOLCHAIN_PINS_H_
#define LRE_AUDIT_AUDIT_TOOLCHAIN_PINS_H_

#include <optional>
#include <string>
#include <string_view>

namespace lre_audit {

// "github.com/owner/repo": host and path, lower case, without ".git". The same for
// "https://github.com/Owner/Repo.git", "git@github.com:owner/repo", "ssh://git@github.com/...",
// "git+https://...", "github:owner/repo/branch". Empty where the URL names no host and path (a
// file, a label).
std::string ProjectKey(std::string_view url);

// Whether `text` can be a commit, in full or abbreviated: 7 to 64 hexadecimal digits.
bool IsCommit(std::string_view text);
// ... in full: 40 digits (SHA-1) or 64 (SHA-256).
bool IsFullCommit(std::string_view text);

struct ArchivePin {
  std::string project;      // a ProjectKey
  std::string_view commit;  // within the URL; empty where it names a tag, a branch or a release
};

// What a source archive's URL pins, as GitHub, GitLab, Gitea, SourceHut and mirrors of GitHub's
// (mirror.bazel.build) serve them: .../OWNER/REPO/archive/COMMIT.tar.gz and the like. nullopt where
// the URL is none of a project's archive.
std::optional<ArchivePin> ParseArchiveUrl(std::string_view url);

// The commit in full that stands in `text` between other characters ("nativelink-<commit>/x"), or
// an empty view.
std::string_view FindFullCommit(std::string_view text);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TOOLCHAIN_PINS_H_
