#include "audit/explain/cache_findings.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "audit/explain/explain_findings.h"
#include "audit/explain/secrets.h"
#include "base/text.h"
#include "reports/numbers.h"

namespace lre_audit::explain {
namespace {

std::string HelpFor(const cache::CacheTrouble& trouble) {
  if (!trouble.other_functions.empty()) {
    return absl::StrCat("give both builds the startup option --digest_function=",
                        trouble.other_functions[0], ", or name another cache");
  }
  switch (trouble.status.code()) {
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return "give it what Bazel gives it: --cache-header NAME=VALUE for --remote_header, "
             "--cert-dir DIR for certificates";
    case absl::StatusCode::kUnimplemented:
      return "name a cache that has an ActionCache under this address and instance, or the "
             "--disk_cache of the builds";
    case absl::StatusCode::kDeadlineExceeded:
      return "explain again when it is less busy, or wait longer for each answer: "
             "--cache-timeout";
    case absl::StatusCode::kUnavailable:
      return "see that it runs and that this machine reaches it, and explain again";
    default:
      return "see that this is the address, the protocol and the instance of a cache of Bazel's, "
             "and explain again";
  }
}

// How many of the keys of one side an instance has.
size_t CountHeld(const cache::InstanceAnswers& answers, const std::vector<KeyPair>& keys,
                 bool local) {
  return static_cast<size_t>(std::count_if(keys.begin(), keys.end(), [&](const KeyPair& key) {
    return answers.held.contains((local ? key.first : key.second).Hex());
  }));
}

Finding MakeInstanceFinding(const cache::InstanceAnswers& a, const cache::InstanceAnswers& b,
                            std::string message, std::string_view help) {
  Finding finding = MakeExplainFinding("LRE702", a.cache, b.cache, std::move(message), help);
  finding.set_subject(a.cache);
  return finding;
}

}  // namespace

std::vector<Finding> TroubleFindings(const cache::BuildCaches& caches, bool show_secrets) {
  std::vector<Finding> findings;
  for (const cache::CacheTrouble& trouble : caches.Troubles()) {
    if (trouble.faults > 0) {
      const std::string_view fault = ToStd(trouble.first_fault.message());
      Finding& finding = findings.emplace_back(MakeExplainFinding(
          "LRE901", trouble.cache, "",
          absl::StrCat("the cache has entries that cannot be used: ",
                       show_secrets ? std::string(fault) : MaskedText(fault),
                       trouble.faults > 1
                           ? absl::StrCat("; and ", Grouped(trouble.faults - 1), " more")
                           : ""),
          "delete them from the cache: Bazel refuses them, and builds again what they are of"));
      finding.set_subject(trouble.cache);
    }
    if (trouble.status.ok()) continue;
    const std::string help = HelpFor(trouble);
    const std::string_view status = ToStd(trouble.status.message());
    const std::string said = show_secrets ? std::string(status) : MaskedText(status);
    Finding finding =
        trouble.other_functions.empty()
            ? MakeExplainFinding("LRE901", trouble.cache, "",
                                 absl::StrCat("the cache could not be asked: ", said), help)
            : MakeExplainFinding("LRE703", trouble.cache, "",
                                 "the cache has none of the builds' digest function, so that "
                                 "nothing can be shared by it",
                                 help);
    finding.set_subject(trouble.cache);
    if (!trouble.other_functions.empty()) {
      finding.add_notes(said);
    } else {
      finding.add_notes(
          "so nothing is told of absent entries, no blobs of it are read, and keys are verified "
          "by "
          "the logs and other caches alone");
      if (trouble.answered > 0) {
        finding.add_notes(
            absl::StrCat(Counted(trouble.answered, "question"), " it has answered before"));
      }
    }
    findings.push_back(std::move(finding));
  }
  return findings;
}

std::vector<Finding> InstanceFindings(cache::BuildCaches& caches,
                                      const std::vector<KeyPair>& keys) {
  constexpr const char* kHelp =
      "give both builds the same --remote_instance_name, one that the server is set up with";
  std::vector<Finding> findings;
  std::vector<cache::BlobDigest> wanted;
  bool all_equal = true;
  for (const auto& [local, remote] : keys) {
    wanted.push_back(local);
    if (remote != local) wanted.push_back(remote);
    all_equal = all_equal && local == remote;
  }
  for (const std::vector<cache::InstanceAnswers>& server : caches.CompareInstances(wanted)) {
    for (const cache::InstanceAnswers& a : server) {
      for (const cache::InstanceAnswers& b : server) {
        const size_t local = CountHeld(a, keys, true), remote = CountHeld(b, keys, false);
        if (local == 0 || CountHeld(b, keys, true) > 0) continue;
        if (remote > 0 && CountHeld(a, keys, false) == 0) {
          findings.push_back(MakeInstanceFinding(
              a, b,
              "the builds use different instances of the cache, so that they can share nothing",
              kHelp));
          findings.back().add_notes(absl::StrCat(
              "of ", Counted(keys.size(), "action"), ", ", a.cache, " has ", local,
              " under the local key, and ", b.cache, " has ", remote, " under the remote key"));
        } else if (all_equal) {
          findings.push_back(MakeInstanceFinding(
              a, b, "an instance of the cache has none of the entries that another one has",
              kHelp));
          findings.back().set_severity(Finding::WARNING);
          findings.back().add_notes(absl::StrCat(
              "of ", Counted(keys.size(), "key"), " that both builds have, ", a.cache, " has ",
              local, ", and ", b.cache, " has none: who builds with it shares nothing"));
        }
      }
    }
  }
  return findings;
}

}  // namespace lre_audit::explain
