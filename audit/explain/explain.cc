#include "audit/explain/explain.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "audit/cache/build_caches.h"
#include "audit/cache/read_log.h"
#include "audit/cache/remote_cache.h"
#include "audit/cache/remote_calls.h"
#include "audit/explain/action_detail.h"
#include "audit/explain/cache_findings.h"
#include "audit/explain/causes.h"
#include "audit/explain/explain_findings.h"
#include "audit/explain/host_reads.h"
#include "audit/explain/option_differences.h"
#include "base/status.h"
#include "base/text.h"
#include "reports/numbers.h"
#include "rules/finding.h"

namespace lre_audit::explain {
namespace {

constexpr size_t kMostUnpairedTold = 5;

class Explainer {
 public:
  Explainer(const ExplainRequest& request, cache::ExecutionLog local, cache::ExecutionLog remote)
      : request_(request), local_(std::move(local)), remote_(std::move(remote)) {}

  absl::Status OpenPlaces() {
    std::vector<std::string> problems;
    request_.on_phase("reading toolchains, closures and images");
    LRE_ASSIGN_OR_RETURN(
        places_, StorePlaces::Open(request_.sources, request_.naming.store_directory, &problems));
    for (const std::string& problem : problems) {
      Add(MakeExplainFinding(
          "LRE901", problem.substr(0, problem.find(": ")), "", problem,
          "audit it by itself (lre-audit image, toolchain, store); what could be "
          "read of it is told"));
    }
    return absl::OkStatus();
  }

  absl::Status ReadOtherLogs(const cache::ReadLogOptions& options) {
    std::vector<Finding> findings;
    LRE_ASSIGN_OR_RETURN(local_calls_,
                         ReadCalls(request_.local_grpc_logs, local_, options, &findings));
    LRE_ASSIGN_OR_RETURN(remote_calls_,
                         ReadCalls(request_.remote_grpc_logs, remote_, options, &findings));
    // Logs before Bazel 7 do not say which build they are of; calls may.
    const auto invocations = [](const cache::ExecutionLog& log, const cache::RemoteCalls& calls) {
      return log.invocation_id.empty() ? calls.Invocations()
                                       : std::set<std::string>{log.invocation_id};
    };
    LRE_ASSIGN_OR_RETURN(
        local_events_,
        ReadEvents(request_.local_bep, invocations(local_, local_calls_), options, &findings));
    LRE_ASSIGN_OR_RETURN(
        remote_events_,
        ReadEvents(request_.remote_bep, invocations(remote_, remote_calls_), options, &findings));
    if (local_events_.has_options && remote_events_.has_options) {
      options_ = CompareOptions(local_events_.options, remote_events_.options,
                                request_.naming.show_secrets);
    }
    for (Finding& finding : findings) Add(std::move(finding));
    return absl::OkStatus();
  }

  absl::StatusOr<Report> Explain() {
    Describe(local_);
    Describe(remote_);
    TellDamage(local_);
    TellDamage(remote_);

    LRE_ASSIGN_OR_RETURN(
        cache::BuildCaches local_cache,
        cache::BuildCaches::Open(request_.caches, local_.digest_function, request_.remote_caches));
    LRE_ASSIGN_OR_RETURN(
        cache::BuildCaches remote_cache,
        cache::BuildCaches::Open(request_.caches, remote_.digest_function, request_.remote_caches));
    const bool is_one = local_.digest_function == remote_.digest_function;
    CausesRequest request;
    request.local = &local_;
    request.remote = &remote_;
    const bool has_cache = !request_.caches.empty();
    // A key that either Bazel has computed is Bazel's.
    cache::KnownActions* const local_calls = CallsOf(local_calls_);
    cache::KnownActions* const remote_calls = CallsOf(remote_calls_);
    cache::BuildCaches* const cache_of_local = has_cache ? &local_cache : nullptr;
    cache::BuildCaches* const cache_of_remote =
        has_cache && !is_one ? &remote_cache : cache_of_local;
    cache::AnyOfKnown local_known({local_calls, remote_calls, cache_of_local});
    cache::AnyOfKnown remote_known({remote_calls, local_calls, cache_of_remote});
    if (!local_known.empty()) request.oracles.local = &local_known;
    if (!remote_known.empty()) request.oracles.remote = &remote_known;
    if (has_cache) request.blobs = request.oracles.cache = &local_cache;
    request.local_calls = CallsOf(local_calls_);
    request.remote_calls = CallsOf(remote_calls_);
    request.naming = request_.naming;
    if (local_cache.has_remote()) {
      request_.on_phase("asking caches");
      std::vector<cache::BlobDigest> keys = SharedKeys();
      AddLikelyKeys(local_, request.oracles.local, &keys);
      if (is_one) AddLikelyKeys(remote_, request.oracles.remote, &keys);
      local_cache.Prefetch(keys);
    }
    request_.on_phase("computing keys");
    LRE_ASSIGN_OR_RETURN(causes_, FindCauses(request));
    if (causes_.pairs.empty()) TellNothingCompared();
    if (!request_.action.empty()) LRE_RETURN_IF_ERROR(KeepAction(request.oracles));
    TellUnreadDepFiles();
    TellOptions();
    if (is_one) TellInstances(local_cache, request.oracles);
    TellTroubles(local_cache);
    if (!is_one) TellTroubles(remote_cache);
    Count();
    for (const Cause& cause : causes_.causes) TellCause(cause);
    TellUnpaired(local_, causes_.pairing.only_local, remote_, "local", "remote");
    TellUnpaired(remote_, causes_.pairing.only_remote, local_, "remote", "local");
    Fingerprints();
    SortCauses(&report_);
    return std::move(report_);
  }

 private:
  static cache::RemoteCalls* CallsOf(cache::RemoteCalls& calls) {
    return calls.empty() ? nullptr : &calls;
  }

  void Describe(const cache::ExecutionLog& log) {
    ReportSubject& subject = *report_.add_subjects();
    subject.set_kind(ReportSubject::EXECUTION_LOG);
    subject.set_reference(log.name);
    Statistics& statistics = *report_.mutable_statistics();
    statistics.set_files(statistics.files() + 1);
    statistics.set_bytes(statistics.bytes() + static_cast<double>(log.bytes));
  }

  void TellDamage(const cache::ExecutionLog& log) {
    if (log.complete()) return;
    Add(DamageFinding(
        log.name, log.warnings, log.warning_count,
        absl::StrCat(Grouped(log.entries), log.entries == 1 ? " entry and " : " entries and ",
                     Counted(log.spawns.size(), "action"))));
  }

  static bool IsCached(const cache::Spawn& spawn) {
    return spawn.cacheable && spawn.remote_cacheable && spawn.exit_code == 0;
  }

  // Of a log without digests, the keys by the recipe of its Bazel: each will be looked up.
  static void AddLikelyKeys(const cache::ExecutionLog& log, cache::KnownActions* known,
                            std::vector<cache::BlobDigest>* keys) {
    constexpr int kMostTried = 20;  // until a recipe is right
    cache::Verifier verifier(log, known);
    int tried = 0;
    for (size_t i = 0; i < log.spawns.size() && tried < kMostTried; ++i) {
      const cache::Spawn& spawn = log.spawns[i];
      if (!IsCached(spawn) || spawn.LoggedDigest().known()) continue;
      if (verifier.knows_recipe()) {
        const absl::StatusOr<cache::Key> key = verifier.LikelyKey(spawn);
        if (key.ok()) keys->push_back(key->action);
      } else {
        verifier.Verify(spawn).IgnoreError();
        ++tried;
      }
    }
  }

  // The keys that both logs have, of actions whose results are cached: each will be looked up.
  std::vector<cache::BlobDigest> SharedKeys() const {
    const auto is_cached = [](const cache::Spawn& spawn) {
      return IsCached(spawn) && spawn.LoggedDigest().known();
    };
    absl::flat_hash_set<std::string> of_remote;
    for (size_t i = 0; i < remote_.spawns.size(); ++i) {
      const cache::Spawn& spawn = remote_.spawns[i];
      if (is_cached(spawn)) of_remote.insert(spawn.LoggedDigest().Hex());
    }
    std::vector<cache::BlobDigest> shared;
    for (size_t i = 0; i < local_.spawns.size(); ++i) {
      const cache::Spawn& spawn = local_.spawns[i];
      if (is_cached(spawn) && of_remote.erase(spawn.LoggedDigest().Hex()) > 0) {
        shared.push_back(spawn.LoggedDigest());
      }
    }
    return shared;
  }

  void TellInstances(cache::BuildCaches& caches, const Oracles& oracles) {
    if (!caches.has_instances()) return;
    for (Finding& finding : InstanceFindings(caches, SampleKeys(oracles))) Add(std::move(finding));
  }

  void TellTroubles(const cache::BuildCaches& caches) {
    for (Finding& finding : TroubleFindings(caches, request_.naming.show_secrets)) {
      Add(std::move(finding));
    }
  }

  // Of some actions whose keys are known on both sides: enough to tell instances apart by.
  std::vector<KeyPair> SampleKeys(const Oracles& oracles) {
    constexpr size_t kMost = 16, kMostTried = 64;
    std::vector<KeyPair> keys;
    Diagnoser diagnoser(local_, remote_, oracles);
    const std::vector<SpawnPair>& pairs = causes_.pairing.pairs;
    for (size_t i = 0; i < std::min(pairs.size(), kMostTried) && keys.size() < kMost; ++i) {
      const absl::StatusOr<Diagnosis> diagnosis = diagnoser.Diagnose(pairs[i]);
      const bool is_known = diagnosis.ok() && diagnosis->not_cached.empty() &&
                            diagnosis->local.state == cache::Verification::State::kVerified &&
                            diagnosis->remote.state == cache::Verification::State::kVerified;
      if (is_known) keys.emplace_back(diagnosis->local.action, diagnosis->remote.action);
    }
    return keys;
  }

  // A gate that passes because nothing was compared would be worse than none.
  void TellNothingCompared() {
    for (const cache::ExecutionLog* log : {&local_, &remote_}) {
      if (!log->spawns.empty()) continue;
      Finding finding = MakeExplainFinding(
          "LRE901", log->name, "", "the log has no actions, so that nothing could be compared",
          "log a build that executes something: bazel clean first; what Bazel has up to date is "
          "not logged");
      finding.set_subject(log->name);
      Add(std::move(finding));
    }
    if (local_.spawns.empty() || remote_.spawns.empty()) return;
    Finding finding = MakeExplainFinding(
        "LRE901", local_.name, "",
        "no action of one log is in the other, so that nothing could be compared",
        "log builds of the same targets on both sides, each after bazel clean");
    finding.set_subject(local_.name);
    Add(std::move(finding));
  }

  void TellUnreadDepFiles() {
    if (causes_.unread_dep_files > 0) {
      Finding finding = MakeExplainFinding(
          "LRE724", "--cache", "unread",
          absl::StrCat(Counted(causes_.unread_dep_files, ".d file"),
                       " were not read: those beyond the first ", Grouped(HostReads::kMostFiles),
                       ", and of more than 4 MiB"),
          "explain logs of a part of the build to have the others read");
      finding.set_severity(Finding::NOTE);
      Add(std::move(finding));
    }
  }

  static bool Makes(const cache::ExecutionLog& log, const cache::Spawn& spawn,
                    const std::string& path) {
    const std::vector<cache::OutputView> outputs = Outputs(log, spawn);
    // What lies in a tree is made by who makes the tree.
    for (std::string_view part = path;;) {
      const cache::StringId id = log.tables->strings.Find(part);
      if (id != 0 && std::any_of(outputs.begin(), outputs.end(),
                                 [&](const auto& view) { return view.path == id; })) {
        return true;
      }
      const size_t slash = part.rfind('/');
      if (slash == std::string_view::npos || slash == 0) return false;
      part = part.substr(0, slash);
    }
  }

  bool IsAsked(const cache::ExecutionLog& log, uint32_t index) const {
    const cache::Spawn& spawn = log.spawns[index];
    const std::string& action = request_.action;
    const std::string label = LabelOf(log, spawn);
    // Bazel 6 and later write "@@//lib:lib" in places where people write "//lib:lib".
    const auto bare = [](std::string_view text) {
      return text.substr(std::min(text.find_first_not_of('@'), text.size()));
    };
    return (!label.empty() && bare(label) == bare(action)) || Makes(log, spawn, action);
  }

  static bool IsDigest(std::string_view text) {
    const std::string_view hash = text.substr(0, text.find('/'));
    return (hash.size() == 64 || hash.size() == 40) &&
           hash.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  }

  void Show(const LoggedSpawn& local, const LoggedSpawn& remote) {
    ExplainedAction action = DescribeAction(local, remote, request_.naming.show_secrets);
    const LoggedSpawn& either = local.spawn != nullptr ? local : remote;
    action.set_label(LabelOf(*either.log, *either.spawn));
    *report_.mutable_explanation()->add_actions() = std::move(action);
  }

  absl::Status KeepAction(const Oracles& oracles) {
    std::set<uint32_t> kept;  // pairs
    Diagnoser diagnoser(local_, remote_, oracles);
    const bool is_digest = IsDigest(request_.action);
    const std::string hash = request_.action.substr(0, request_.action.find('/'));
    for (uint32_t i = 0; i < causes_.pairing.pairs.size(); ++i) {
      const SpawnPair& pair = causes_.pairing.pairs[i];
      bool asked = IsAsked(local_, pair.local) || IsAsked(remote_, pair.remote);
      if (!asked && is_digest) {
        LRE_ASSIGN_OR_RETURN(const Diagnosis diagnosis, diagnoser.Diagnose(pair));
        asked = diagnosis.local.action.Hex() == hash || diagnosis.remote.action.Hex() == hash;
      }
      if (!asked) continue;
      kept.insert(i);
      LRE_ASSIGN_OR_RETURN(const Diagnosis diagnosis, diagnoser.Diagnose(pair));
      Show({&local_, &local_.spawns[pair.local], diagnosis.local.action},
           {&remote_, &remote_.spawns[pair.remote], diagnosis.remote.action});
    }
    const auto keep_unpaired = [&](std::vector<UnpairedSpawn>& unpaired,
                                   const cache::ExecutionLog& log, cache::KnownActions* known,
                                   bool is_local) -> absl::Status {
      cache::Verifier verifier(log, known);
      std::vector<UnpairedSpawn> asked;
      for (const UnpairedSpawn& one : unpaired) {
        const cache::Spawn& spawn = log.spawns[one.spawn];
        const bool is_named = IsAsked(log, one.spawn);
        if (!is_named && !is_digest) continue;
        cache::BlobDigest key = spawn.LoggedDigest();
        if (!key.known()) {
          LRE_ASSIGN_OR_RETURN(const cache::Verification computed, verifier.Verify(spawn));
          key = computed.key.action;
        }
        if (!is_named && key.Hex() != hash) continue;
        asked.push_back(one);
        const LoggedSpawn shown{&log, &spawn, key};
        Show(is_local ? shown : LoggedSpawn(), is_local ? LoggedSpawn() : shown);
      }
      unpaired = std::move(asked);
      return absl::OkStatus();
    };
    LRE_RETURN_IF_ERROR(keep_unpaired(causes_.pairing.only_local, local_, oracles.local, true));
    LRE_RETURN_IF_ERROR(keep_unpaired(causes_.pairing.only_remote, remote_, oracles.remote, false));
    if (report_.explanation().actions().empty()) {
      return absl::NotFoundError(absl::StrCat(
          "--action: neither log has an action '", Escaped(request_.action),
          "': it takes a label (logs of Bazel 5 and later have them, and build events: "
          "--local-bep), "
          "the path of an output such as bazel-out/k8-fastbuild/bin/lib/liblib.a, or the hash of a "
          "key"));
    }
    std::erase_if(causes_.causes, [&](const Cause& cause) {
      return std::none_of(cause.actions.begin(), cause.actions.end(),
                          [&](uint32_t pair) { return kept.contains(pair); });
    });
    return absl::OkStatus();
  }

  void Count() {
    Explanation& explanation = *report_.mutable_explanation();
    double same = 0, unknown = 0, verified = 0;
    for (const PairResult& pair : causes_.pairs) {
      same += pair.same_key ? 1 : 0;
      unknown += pair.unknown_key ? 1 : 0;
      verified += pair.verified ? 1 : 0;
    }
    const auto count = [](size_t number) { return static_cast<double>(number); };
    explanation.set_local_actions(count(local_.spawns.size()));
    explanation.set_remote_actions(count(remote_.spawns.size()));
    explanation.set_paired(count(causes_.pairs.size()));
    explanation.set_same_key(same);
    explanation.set_unknown_key(unknown);
    explanation.set_other_key(count(causes_.pairs.size()) - same - unknown);
    explanation.set_verified(verified);
    explanation.set_only_local(count(causes_.pairing.only_local.size()));
    for (const std::string& cache : request_.caches) {
      explanation.add_caches(cache::PrintableReference(cache));
    }
    explanation.set_only_remote(count(causes_.pairing.only_remote.size()));
  }

  static std::string FirstOutput(const cache::ExecutionLog& log, const cache::Spawn& spawn) {
    const std::vector<cache::OutputView> outputs = Outputs(log, spawn);
    return outputs.empty() ? "" : log.tables->strings.Get(outputs[0].path);
  }

  // Bazel 4 logs no labels; its events have those of what was asked for.
  std::string LabelOf(const cache::ExecutionLog& log, const cache::Spawn& spawn) const {
    if (spawn.label != 0) return log.tables->strings.Get(spawn.label);
    if (local_events_.labels.empty() && remote_events_.labels.empty()) return "";
    for (const cache::OutputView& output : Outputs(log, spawn)) {
      const std::string path = log.tables->strings.Get(output.path);
      for (const cache::BuildEvents* events : {&local_events_, &remote_events_}) {
        const auto found = events->labels.find(path);
        if (found != events->labels.end()) return found->second;
      }
    }
    return "";
  }

  void TellOptions() {
    if (options_.empty()) return;
    Finding finding =
        MakeExplainFinding("LRE727", local_events_.name, "",
                           absl::StrCat("the builds were asked for with other options: ",
                                        Counted(options_.size(), "difference")),
                           "write what both need into a .bazelrc that both read");
    finding.set_subject(local_.name);
    for (const OptionDifference& option : options_) finding.add_notes(option.Text());
    Add(std::move(finding));
  }

  void TellCause(const Cause& cause) {
    static const cache::Spawn kNone;  // of calls that are for no action
    const cache::Spawn& first =
        cause.direct.empty() ? kNone : local_.spawns[causes_.pairing.pairs[cause.direct[0]].local];
    const NamedCause& what = cause.what;
    Finding finding = MakeExplainFinding(
        what.rule.c_str(), cause.direct.empty() ? local_.name : FirstOutput(local_, first),
        what.referenced, what.message, what.help);
    if (what.weight != NamedCause::Weight::kOfRule) {
      finding.set_severity(what.weight == NamedCause::Weight::kError ? Finding::ERROR
                                                                     : Finding::NOTE);
    }
    finding.set_subject(local_.name);
    for (const std::string& note : what.notes) finding.add_notes(note);
    for (const std::string& note : places_.Tell(what.local, what.remote)) finding.add_notes(note);

    for (const OptionDifference& option : options_) {
      if (IsBehind(option, what)) {
        finding.add_notes(absl::StrCat("the builds' options differ: ", option.Text()));
      }
    }

    KeyCause& key = *finding.mutable_key_cause();
    const bool all_proven = cause.proven.size() == cause.direct.size();
    key.set_proof(cause.proven.empty() && !cause.direct.empty() ? KeyCause::UNVERIFIED
                                                                : KeyCause::PROVEN);
    if (!all_proven) key.set_unverified_because(cause.unproven_because);
    if (what.local) key.set_local(*what.local);
    if (what.remote) key.set_remote(*what.remote);
    key.set_label(LabelOf(local_, first));
    key.set_mnemonic(local_.tables->strings.Get(first.mnemonic));
    if (cause.local_key.known()) key.set_local_key(cause.local_key.ToString());
    if (cause.remote_key.known()) key.set_remote_key(cause.remote_key.ToString());
    key.set_actions(static_cast<double>(cause.actions.size()));
    key.set_actions_alone(static_cast<double>(cause.actions_alone));
    key.set_direct_actions(static_cast<double>(cause.direct.size()));
    key.set_proven_alone(cause.proven_alone);
    key.set_proven_actions(static_cast<double>(cause.proven.size()));
    key.set_seconds(static_cast<double>(cause.nanoseconds) / 1e9);
    Add(std::move(finding));
  }

  void TellUnpaired(const cache::ExecutionLog& log, const std::vector<UnpairedSpawn>& unpaired,
                    const cache::ExecutionLog& other, const std::string& side,
                    const std::string& other_side) {
    using Why = UnpairedSpawn::Why;
    const std::map<Why, std::string> reasons = {
        {Why::kNotInOther,
         absl::StrCat("the ", other_side,
                      " log has none of its outputs: the action was up to date there, which Bazel "
                      "does not log, or is not of what was built",
                      other.complete() ? "" : "; or it is in the part that could not be read")},
        {Why::kOtherAction, absl::StrCat("the ", other_side,
                                         " log has the same target, with actions of other outputs "
                                         "and arguments")},
        {Why::kRepeated, absl::StrCat("the ", side,
                                      " log has it more often: a retry, or a test "
                                      "that ran several times")}};
    std::map<Why, std::vector<uint32_t>> by_reason;
    for (const UnpairedSpawn& one : unpaired) by_reason[one.why].push_back(one.spawn);
    for (const auto& [why, spawns] : by_reason) {
      const cache::Spawn& first = log.spawns[spawns[0]];
      Finding finding = MakeExplainFinding(
          "LRE726", FirstOutput(log, first), side,
          absl::StrCat(Counted(spawns.size(), "action"), spawns.size() == 1 ? " is" : " are",
                       " in the ", side, " log alone"),
          "log both builds after bazel clean, of the same targets, to have them compared too");
      finding.set_subject(log.name);
      finding.add_notes(reasons.at(why));
      for (size_t i = 1; i < std::min(spawns.size(), kMostUnpairedTold); ++i) {
        finding.add_notes(absl::StrCat("also ", FirstOutput(log, log.spawns[spawns[i]])));
      }
      if (spawns.size() > kMostUnpairedTold) {
        finding.add_notes(
            absl::StrCat("and ", Grouped(spawns.size() - kMostUnpairedTold), " more"));
      }
      Add(std::move(finding));
    }
  }

  void Fingerprints() {
    std::map<std::string, int> told;
    for (Finding& finding : *report_.mutable_findings()) {
      std::string fingerprint = Fingerprint(finding, "explain", request_.naming.store_directory);
      const int before = told[fingerprint]++;
      if (before > 0) absl::StrAppend(&fingerprint, "-", before + 1);
      finding.set_fingerprint(std::move(fingerprint));
    }
  }

  void Add(Finding finding) { *report_.add_findings() = std::move(finding); }

  const ExplainRequest& request_;
  const cache::ExecutionLog local_, remote_;
  cache::RemoteCalls local_calls_, remote_calls_;
  StorePlaces places_;
  cache::BuildEvents local_events_, remote_events_;
  std::vector<OptionDifference> options_;
  Causes causes_;
  Report report_;
};

}  // namespace

absl::StatusOr<Report> Explain(const ExplainRequest& request) {
  cache::ReadLogOptions options;
  options.threads = request.threads;
  request.on_phase("reading logs");
  LRE_ASSIGN_OR_RETURN(cache::ExecutionLog local,
                       cache::ReadExecutionLogFile(request.local, options));
  options.tables = local.tables;
  LRE_ASSIGN_OR_RETURN(cache::ExecutionLog remote,
                       cache::ReadExecutionLogFile(request.remote, options));
  Explainer explainer(request, std::move(local), std::move(remote));
  LRE_RETURN_IF_ERROR(explainer.ReadOtherLogs(options));
  LRE_RETURN_IF_ERROR(explainer.OpenPlaces());
  return explainer.Explain();
}

void SortCauses(Report* report) {
  std::stable_sort(report->mutable_findings()->begin(), report->mutable_findings()->end(),
                   [](const Finding& a, const Finding& b) {
                     const auto key = [](const Finding& finding) {
                       return std::make_tuple(
                           -static_cast<int>(finding.severity()), !finding.has_key_cause(),
                           -finding.key_cause().actions(), -finding.key_cause().seconds(),
                           std::cref(finding.rule()), std::cref(finding.path()),
                           std::cref(finding.referenced()));
                     };
                     return key(a) < key(b);
                   });
}

}  // namespace lre_audit::explain
