// What the user types to name an image: the table of transports, and what a bare path is.
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/trees/containers_storage.h"
#include "audit/trees/directory_transport.h"
#include "audit/trees/docker_daemon.h"
#include "audit/trees/oci_manifest.h"
#include "audit/trees/transports.h"
#include "base/status.h"
#include "base/suggest.h"
#include "base/text.h"

namespace lre_audit {
namespace {

struct Transport {
  std::string_view name;
  std::string_view form;  // as a user types it
  Opener open;
};

constexpr Transport kTransports[] = {
    {"oci", "oci:DIR[:TAG]", OpenOci},
    {"oci-archive", "oci-archive:FILE[:TAG]", OpenOciArchive},
    {"docker-archive", "docker-archive:FILE[:NAME]", OpenDockerArchive},
    {"docker", "docker://HOST/NAME[:TAG|@DIGEST]", OpenRegistryImage},
    {"dir", "dir:DIR", OpenDir},
    {"docker-daemon", "docker-daemon:NAME[:TAG]", OpenDockerDaemon},
    {"containers-storage", "containers-storage:[[DRIVER@]ROOT]NAME", OpenContainersStorage},
    {"nix", "nix:FILE", OpenNix},
    {"rootfs", "rootfs:DIR", OpenRootfsImage},
};

bool Exists(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0;
}

absl::Status UnknownTransport(std::string_view transport) {
  std::vector<std::string_view> names;
  std::string known;
  for (const Transport& candidate : kTransports) {
    names.push_back(candidate.name);
    absl::StrAppend(&known, known.empty() ? "" : ", ", ToAbsl(candidate.name), ":");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown transport '", Escaped(transport.substr(0, 80)), ":'",
                   DidYouMean(transport.substr(0, 80), names), " (transports: ", known, ")"));
}

// An index has been asked for its platform; an image that stands alone has to be for it, too.
absl::Status CheckPlatform(const Trees& trees, const std::string& platform) {
  for (const std::unique_ptr<Tree>& tree : trees) {
    if (IsForPlatform(tree->config(), platform)) continue;
    const bool is_known = std::any_of(
        tree->problems().begin(), tree->problems().end(),
        [](const Problem& problem) { return problem.kind == Problem::Kind::kViewsDisagree; });
    if (is_known) continue;
    return absl::NotFoundError(absl::StrCat(Escaped(tree->reference()), ": no image for platform ",
                                            Escaped(platform), "; it is for ",
                                            Escaped(PlatformOf(tree->config()))));
  }
  return absl::OkStatus();
}

absl::StatusOr<Trees> Open(const std::string& reference, const OpenOptions& options) {
  const size_t colon = reference.find(':');
  const std::string transport = reference.substr(0, colon);
  const Transport* found =
      std::find_if(std::begin(kTransports), std::end(kTransports),
                   [&](const Transport& candidate) { return candidate.name == transport; });
  if (colon != std::string::npos && found != std::end(kTransports)) {
    const std::string rest = reference.substr(colon + 1);
    if (rest.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", reference, "\" names nothing after the transport: ", ToAbsl(found->form)));
    }
    return found->open({reference, rest}, options);
  }
  if (Exists(SplitPathAndName(reference).first)) {
    return OpenBarePath({reference, reference}, options);
  }
  if (colon != std::string::npos && transport.find('/') == std::string::npos) {
    return UnknownTransport(transport);
  }
  std::string forms;
  for (const Transport& candidate : kTransports)
    absl::StrAppend(&forms, ToAbsl(candidate.form), ", ");
  return absl::NotFoundError(absl::StrCat(
      Escaped(reference), ": no such file or directory; expected ", forms, "or a path"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tree>> OpenImage(const std::string& reference,
                                                const OpenOptions& options) {
  OpenOptions one = options;
  one.all_platforms = false;
  LRE_ASSIGN_OR_RETURN(Trees trees, OpenImages(reference, one));
  return std::move(trees.front());
}

absl::StatusOr<Trees> OpenImages(const std::string& reference, const OpenOptions& options) {
  LRE_ASSIGN_OR_RETURN(Trees trees, Open(reference, options));
  if (!options.all_platforms) LRE_RETURN_IF_ERROR(CheckPlatform(trees, options.platform));
  return trees;
}

}  // namespace lre_audit
