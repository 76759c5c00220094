#include "audit/commands/check_command.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/commands/audit_command.h"
#include "audit/commands/gate_subjects.h"
#include "audit/commands/load_policy.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// The policy that the user named, or the one that stands in the repository; empty if neither.
std::string PolicyFile(const CheckOptions& options) {
  if (!options.report.policy.empty()) return options.report.policy;
  const std::string standing = (std::filesystem::path(options.directory) / kPolicyName).string();
  // A symlink that leads nowhere stands there too: without its policy the gate would be another.
  std::error_code error;
  if (!std::filesystem::exists(std::filesystem::symlink_status(standing, error))) return "";
  return options.directory == "." ? kPolicyName : standing;
}

}  // namespace

int RunCheck(const CheckOptions& options, std::ostream& out, std::ostream& err) {
  std::error_code error;
  if (!std::filesystem::is_directory(options.directory, error)) {
    return Refuse(absl::NotFoundError(absl::StrCat(
                      "\"", options.directory,
                      "\" is no directory; check takes the directory of a repository")),
                  err);
  }
  const auto keys = TrustedKeysOf(options.trusted_keys);
  if (!keys.ok()) return Refuse(keys.status(), err);
  const std::string file = PolicyFile(options);
  absl::StatusOr<LoadedPolicy> policy = LoadPolicy(file, options.report.now);
  if (!policy.ok()) return Refuse(policy.status(), err);

  std::string directory = options.directory;
  std::vector<std::string> problems;
  Policy subjects = policy->policy;
  if (NamesSubjects(subjects)) {
    directory = std::filesystem::path(file).parent_path().string();
  } else {
    subjects = DiscoverSubjects(directory, &problems);
    // Where something could not be looked at, that is what there is to say.
    if (!NamesSubjects(subjects) && problems.empty()) {
      return Refuse(
          absl::NotFoundError(absl::StrCat(
              "nothing to check in \"", directory,
              "\": no generated toolchain, image, bazelrc, MODULE.bazel, flake.lock, worker "
              "configuration or manifest; name them in ",
              kPolicyName)),
          err);
    }
    subjects.set_local(policy->policy.local());
    *subjects.mutable_environment() = policy->policy.environment();
  }
  GateRequest request = SubjectsOfPolicy(subjects, directory);
  request.reference = file.empty() ? options.directory : file;
  request.problems = std::move(problems);
  request.registry = options.registry;
  request.trusted_keys = keys->get();
  ReportOptions report = options.report;
  if (!report.fail_on_given && policy->policy.fail_on() != Finding::SEVERITY_UNSPECIFIED) {
    report.fail_on = policy->policy.fail_on();
  }
  return RunGateAudit(std::move(request), *policy, report, out, err);
}

}  // namespace lre_audit
