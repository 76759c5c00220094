// What pins and deploys a toolchain: bazelrc files, MODULE.bazel, flake.lock, workers'
// configurations and Kubernetes manifests, each read into facts with positions.
#ifndef LRE_AUDIT_AUDIT_TOOLCHAIN_READ_CONFIG_H_
#define LRE_AUDIT_AUDIT_TOOLCHAIN_READ_CONFIG_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rules/facts.pb.h"

namespace lre_audit {

// Each takes the file's path, as it shall stand in the report, and its text, and never fails as a
// whole: what could not be read is a ConfigDefect.

// BAZEL_FLAG and IMPORT settings; the commented Env block of an lre.bazelrc is ENVIRONMENT.
// Follows Bazel's rules for words, quotes, continuation lines and comments (bazelrc files, "Write
// bazelrc configuration files" in Bazel's user guide).
ConfigFacts ReadBazelrc(const std::string& path, std::string_view text);

// PIN settings of git_override, archive_override, single_version_override, http_archive and the
// like; local_path_override is a PIN with an empty value.
ConfigFacts ReadModuleBazel(const std::string& path, std::string_view text);

// PIN settings of every locked node, inputs followed from the root ("follows" too); context: the
// path of inputs ("nativelink", "nativelink/nixpkgs").
ConfigFacts ReadFlakeLock(const std::string& path, std::string_view text);

// ADVERTISED_IMAGE and EXEC_PROPERTY settings of a NativeLink configuration (JSON5). `environment`
// stands for the worker's, for "${NAME}" and "${NAME:-default}".
ConfigFacts ReadWorkerConfig(const std::string& path, std::string_view text,
                             const std::map<std::string, std::string>& environment);

// DEPLOYED_IMAGE, ADVERTISED_IMAGE (from NATIVELINK_WORKER_PLATFORM) and ENVIRONMENT of Kubernetes
// manifests and kustomizations (YAML, several documents in a file).
ConfigFacts ReadManifest(const std::string& path, std::string_view text);

// The files of one repository, by what they are. Paths are as the user can open them.
struct Discovery {
  std::vector<std::string> toolchains;  // directories
  std::vector<std::string> bazelrcs;    // lre.bazelrc first, then .bazelrc
  std::vector<std::string> modules;     // MODULE.bazel
  std::vector<std::string> flake_locks;
  std::vector<std::string> workers;    // worker configurations
  std::vector<std::string> manifests;  // Kubernetes manifests that name an image or a platform
  std::vector<std::string> images;     // references of the images in OCI layouts
  std::vector<std::string> problems;   // "cannot read x: ..."
};

// Looks through `directory`, sorted, without following symlinks out of it, and without build
// outputs, .git, node_modules and bazel-* links.
Discovery Discover(const std::string& directory);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TOOLCHAIN_READ_CONFIG_H_
