#include "audit/commands/gate_subjects.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/toolchain/read_config.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// Transports whose reference begins with a path of this machine.
constexpr std::string_view kPathTransports[] = {
    "oci:", "oci-archive:", "docker-archive:", "dir:", "rootfs:", "nix:", "store:"};

// Those whose reference names no path.
constexpr std::string_view kOtherTransports[] = {"docker-daemon:", "containers-storage:"};

// `path`, which is relative to `directory`, as the user can open it from where he stands.
std::string PathIn(const std::string& directory, const std::string& path) {
  if (path.empty() || path.front() == '/' || directory.empty() || directory == ".") return path;
  return absl::StrCat(directory, directory.back() == '/' ? "" : "/", path == "." ? "" : path);
}

// The same for an image reference or a closure source, whose path may follow a transport.
std::string ReferenceIn(const std::string& directory, const std::string& reference) {
  for (const std::string_view transport : kPathTransports) {
    if (reference.starts_with(transport)) {
      return absl::StrCat(ToAbsl(transport), PathIn(directory, reference.substr(transport.size())));
    }
  }
  for (const std::string_view transport : kOtherTransports) {
    if (reference.starts_with(transport)) return reference;
  }
  // docker://HOST/NAME and the like name no path.
  return reference.find("://") != std::string::npos ? reference : PathIn(directory, reference);
}

// The inverse of PathIn and ReferenceIn, for what was found below `directory`.
std::string WithoutDirectory(const std::string& directory, const std::string& reference) {
  const std::string prefix = PathIn(directory, "x").substr(0, PathIn(directory, "x").size() - 1);
  const size_t colon = reference.find(':');
  const size_t start =
      std::any_of(std::begin(kPathTransports), std::end(kPathTransports),
                  [&](std::string_view transport) { return reference.starts_with(transport); })
          ? colon + 1
          : 0;
  if (prefix.empty() || reference.compare(start, prefix.size(), prefix) != 0) return reference;
  return absl::StrCat(reference.substr(0, start), reference.substr(start + prefix.size()));
}

template <typename Field>
std::vector<std::string> PathsIn(const std::string& directory, const Field& field) {
  std::vector<std::string> paths;
  for (const std::string& path : field) paths.push_back(PathIn(directory, path));
  return paths;
}

}  // namespace

bool NamesSubjects(const Policy& policy) {
  return policy.image_size() + policy.toolchain_size() + policy.store_size() +
             policy.bazelrc_size() + policy.module_size() + policy.flake_lock_size() +
             policy.worker_size() + policy.manifest_size() >
         0;
}

GateRequest SubjectsOfPolicy(const Policy& policy, const std::string& directory) {
  GateRequest request;
  for (const ImageSubject& image : policy.image()) {
    request.images.push_back({ReferenceIn(directory, image.reference()), image.platform(),
                              ReferenceIn(directory, image.closure())});
  }
  for (const ToolchainSubject& toolchain : policy.toolchain()) {
    GateRequest::Toolchain& named = request.toolchains.emplace_back();
    named.directory = PathIn(directory, toolchain.directory());
    for (const std::string& image : toolchain.image()) {
      named.images.push_back(ReferenceIn(directory, image));
    }
  }
  for (const StoreSubject& store : policy.store()) {
    request.stores.push_back({PathsIn(directory, store.path()), PathIn(directory, store.root())});
  }
  request.local = ReferenceIn(directory, policy.local());
  request.bazelrcs = PathsIn(directory, policy.bazelrc());
  request.modules = PathsIn(directory, policy.module());
  request.flake_locks = PathsIn(directory, policy.flake_lock());
  request.workers = PathsIn(directory, policy.worker());
  request.manifests = PathsIn(directory, policy.manifest());
  for (const Variable& variable : policy.environment()) {
    request.environment[variable.name()] = variable.value();
  }
  return request;
}

Policy DiscoverSubjects(const std::string& directory, std::vector<std::string>* problems) {
  Discovery found = Discover(directory);
  *problems = std::move(found.problems);
  Policy policy;
  const auto relative = [&](const std::string& path) { return WithoutDirectory(directory, path); };
  for (const std::string& image : found.images) {
    policy.add_image()->set_reference(relative(image));
  }
  for (const std::string& toolchain : found.toolchains) {
    policy.add_toolchain()->set_directory(relative(toolchain));
  }
  const auto add = [&](const std::vector<std::string>& paths, auto* field) {
    for (const std::string& path : paths) field->Add(relative(path));
  };
  add(found.bazelrcs, policy.mutable_bazelrc());
  add(found.modules, policy.mutable_module());
  add(found.flake_locks, policy.mutable_flake_lock());
  add(found.workers, policy.mutable_worker());
  add(found.manifests, policy.mutable_manifest());
  return policy;
}

}  // namespace lre_audit
