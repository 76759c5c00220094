#include "audit/commands/init_command.h"

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "audit/commands/audit_command.h"
#include "audit/commands/gate_subjects.h"
#include "audit/commands/write_report.h"
#include "base/text.h"
#include "base/write_file.h"
#include "reports/numbers.h"

namespace lre_audit {
namespace {

constexpr char kHead[] =
    R"(# What `lre-audit check` audits, and what it lets pass. `lre-audit rule CODE` explains a rule.
# Paths are relative to this file.
)";

constexpr char kImages[] = R"(
# Images that workers run: an OCI layout or an archive, as `lre-audit image` takes it. A `closure`
# (nix path-info --json -r) is a promise: what differs from it is an error. Without one, an image is
# compared with `local`.
)";

constexpr char kToolchains[] = R"(
# Generated toolchains. Their tools run in the images that their platform names, or in those that
# are listed here: image: "oci:worker:latest"
)";

constexpr char kLocal[] = R"(
# What developers have: the local store if there is one, or "store:ROOT", or a closure file.
# local: "closure.json"
)";

constexpr char kConfigurations[] = R"(
# What pins and deploys the toolchains, and must agree with them.
)";

constexpr char kEnvironment[] = R"(
# The workers' environment, for "${NAME}" in their configurations, where no manifest sets it.
# environment { name: "NATIVELINK_WORKER_PLATFORM" value: "docker://lre-cc:..." }
)";

constexpr char kExceptions[] = R"(
# What is not a leak here. Patterns are RE2 and match the whole text.
# exception {
#   rule: "LRE501"
#   referenced: "/bin/false"
#   reason: "a stub for a platform that is never built"
# }

# A finding that somebody answers for, until a date.
# suppress {
#   rule: "LRE507"
#   path: "generated-cc/.*"
#   reason: "the generator is being fixed"
#   owner: "toolchain team"
#   expires: "2027-01-31"
# }
)";

std::string Quoted(const std::string& text) {
  return absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\"");
}

template <typename Field>
void AppendPaths(const char* name, const Field& paths, std::string* text) {
  for (const std::string& path : paths) absl::StrAppend(text, name, ": ", Quoted(path), "\n");
}

std::string CommentedPolicy(const Policy& found) {
  std::string text = absl::StrCat(kHead, kImages);
  for (const ImageSubject& image : found.image()) {
    absl::StrAppend(&text, "image { reference: ", Quoted(image.reference()), " }\n");
  }
  if (found.image().empty()) {
    absl::StrAppend(&text,
                    "# image { reference: \"oci:worker:latest\" closure: \"closure.json\" }\n");
  }
  text += kToolchains;
  for (const ToolchainSubject& toolchain : found.toolchain()) {
    absl::StrAppend(&text, "toolchain { directory: ", Quoted(toolchain.directory()), " }\n");
  }
  if (found.toolchain().empty()) text += "# toolchain { directory: \"generated-cc\" }\n";
  absl::StrAppend(&text, kLocal, kConfigurations);
  AppendPaths("bazelrc", found.bazelrc(), &text);
  AppendPaths("module", found.module(), &text);
  AppendPaths("flake_lock", found.flake_lock(), &text);
  AppendPaths("worker", found.worker(), &text);
  AppendPaths("manifest", found.manifest(), &text);
  absl::StrAppend(&text, kEnvironment, kExceptions);
  return text;
}

// "1 image, 2 toolchains, 3 configuration files", or "nothing".
std::string WhatWasFound(const Policy& found) {
  const int configurations = found.bazelrc_size() + found.module_size() + found.flake_lock_size() +
                             found.worker_size() + found.manifest_size();
  std::vector<std::string> counts;
  const auto add = [&](int count, const char* singular) {
    if (count > 0) counts.push_back(Counted(static_cast<uint64_t>(count), singular));
  };
  add(found.image_size(), "image");
  add(found.toolchain_size(), "toolchain");
  add(configurations, "configuration file");
  return counts.empty() ? "nothing to audit" : absl::StrJoin(counts, ", ");
}

}  // namespace

int RunInit(const InitOptions& options, std::ostream& out, std::ostream& err) {
  std::error_code error;
  if (!std::filesystem::is_directory(options.directory, error)) {
    return Refuse(absl::NotFoundError(absl::StrCat("\"", options.directory, "\" is no directory")),
                  err);
  }
  std::vector<std::string> problems;
  const Policy found = DiscoverSubjects(options.directory, &problems);
  const std::string text = CommentedPolicy(found);
  for (const std::string& problem : problems) err << "warning: " << Escaped(problem) << "\n";
  if (options.output == "-") {
    out << text;
    return kExitClean;
  }
  const std::string path =
      !options.output.empty()
          ? options.output
          : (std::filesystem::path(options.directory) / kPolicyName).lexically_normal().string();
  const absl::Status written = options.force ? WriteFile(path, text) : CreateFile(path, text);
  if (absl::IsAlreadyExists(written)) {
    return Refuse(
        absl::AlreadyExistsError(absl::StrCat(written.message(), "; --force replaces it")), err);
  }
  if (!written.ok()) return Refuse(written, err);
  err << "wrote " << Escaped(path) << ": found " << WhatWasFound(found)
      << "; read it, then run lre-audit check\n";
  return kExitClean;
}

}  // namespace lre_audit
