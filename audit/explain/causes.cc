#include "audit/explain/causes.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "audit/explain/blob_causes.h"
#include "audit/explain/blob_reader.h"
#include "audit/explain/call_causes.h"
#include "audit/explain/consequences.h"
#include "audit/explain/entry_causes.h"
#include "audit/explain/host_reads.h"
#include "base/status.h"
#include "reports/numbers.h"

namespace lre_audit::explain {
namespace {

// Which spawn of a log makes a path.
class Makers {
 public:
  explicit Makers(const cache::ExecutionLog& log) : log_(log) {
    for (uint32_t i = 0; i < log.spawns.size(); ++i) {
      for (const cache::OutputView& view : Outputs(log, log.spawns[i])) by_output_[view.path] = i;
    }
  }

  struct Maker {
    uint32_t spawn;
    bool of_tree;  // the path lies below what is declared
  };
  std::optional<Maker> Of(std::string_view path) const {
    const std::string_view whole = path;
    while (true) {
      const cache::StringId id = log_.tables->strings.Find(path);
      const auto found = id == 0 ? by_output_.end() : by_output_.find(id);
      if (found != by_output_.end()) return Maker{found->second, path.size() != whole.size()};
      const size_t slash = path.rfind('/');
      if (slash == std::string_view::npos) return std::nullopt;
      path = path.substr(0, slash);
    }
  }

 private:
  const cache::ExecutionLog& log_;
  absl::flat_hash_map<cache::StringId, uint32_t> by_output_;
};

class Finder {
 public:
  explicit Finder(const CausesRequest& request)
      : request_(request),
        local_(*request.local),
        remote_(*request.remote),
        blobs_(request.blobs),
        contents_(blobs_, request.naming),
        host_reads_(local_, remote_, blobs_, request.naming.store_directory) {
    result_.pairing = PairSpawns(local_, remote_);
    result_.pairs.resize(result_.pairing.pairs.size());
  }

  absl::StatusOr<Causes> Find() {
    if (local_.digest_function != remote_.digest_function) {
      OtherDigestFunction();
      CountAlone();
      Rank();
      return std::move(result_);
    }
    pair_of_local_.assign(local_.spawns.size(), kNone);
    for (uint32_t i = 0; i < Pairs().size(); ++i) pair_of_local_[Pairs()[i].local] = i;

    instances_ = NameInstances(request_.local_calls, request_.remote_calls);
    Diagnoser diagnoser(local_, remote_, request_.oracles);
    for (uint32_t i = 0; i < Pairs().size(); ++i) {
      LRE_ASSIGN_OR_RETURN(const Diagnosis diagnosis, diagnoser.Diagnose(Pairs()[i]));
      AddPair(i, diagnosis);
    }
    ResolveUpstream();
    FoldConsequences(&result_.causes);
    AddInstances();
    AddHostReads();
    AddFailures("local", request_.local_calls, local_pairs_);
    AddFailures("remote", request_.remote_calls, remote_pairs_);
    Propagate();
    CountAlone();
    Rank();
    result_.unread_dep_files = host_reads_.unread();
    return std::move(result_);
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  // A generated input that differs, whose maker may or may not be the reason.
  struct Upstream {
    uint32_t pair = 0;
    uint32_t maker = kNone;  // a pair
    Difference difference;
    bool proven = false, alone = false;
    std::string unproven_because;
    cache::BlobDigest local_key, remote_key;
    std::string why = {};  // where there is no such pair
  };

  const std::vector<SpawnPair>& Pairs() const { return result_.pairing.pairs; }

  void OtherDigestFunction() {
    if (Pairs().empty()) return;
    NamedCause named;
    named.rule = "LRE703";
    named.identity = "digest function";
    named.referenced = "--digest_function";
    named.message = "the digest functions differ, so that no key can be the same";
    named.local = std::string(Name(local_.digest_function));
    named.remote = std::string(Name(remote_.digest_function));
    named.help =
        "give both sides the same startup option --digest_function, one that the cache has";
    Cause cause;
    cause.what = std::move(named);
    for (uint32_t i = 0; i < Pairs().size(); ++i) cause.direct.push_back(i);
    cause.actions = cause.proven = cause.direct;
    result_.causes.push_back(std::move(cause));
  }

  // `alone`: nothing else differs in the pair.
  void AddCause(uint32_t pair, NamedCause named, bool proven, bool alone,
                const std::string& because, const cache::BlobDigest& local_key,
                const cache::BlobDigest& remote_key) {
    const auto [it, is_new] =
        index_.try_emplace({named.rule, named.identity}, result_.causes.size());
    if (is_new) {
      Cause& cause = result_.causes.emplace_back();
      cause.what = std::move(named);
    }
    Cause& cause = result_.causes[it->second];
    if (!cause.direct.empty() && cause.direct.back() == pair) return;
    if (cause.direct.empty() || (proven && cause.proven.empty()) ||
        (proven && alone && cause.proven_alone == 0)) {
      cause.local_key = local_key;
      cause.remote_key = remote_key;
    }
    cause.direct.push_back(pair);
    if (proven) {
      cause.proven.push_back(pair);
      cause.proven_alone += alone ? 1 : 0;
    } else if (cause.unproven_because.empty()) {
      cause.unproven_because = because;
    }
  }

  void AddPair(uint32_t i, const Diagnosis& diagnosis) {
    PairResult& pair = result_.pairs[i];
    pair.same_key = diagnosis.same_key;
    pair.unknown_key = diagnosis.unknown_key;
    pair.verified = diagnosis.local.state == cache::Verification::State::kVerified &&
                    diagnosis.remote.state == cache::Verification::State::kVerified;
    pair.outputs_differ = !diagnosis.differing_outputs.empty();
    if (request_.local_calls != nullptr) local_pairs_[diagnosis.local.action.Hex()] = i;
    if (request_.remote_calls != nullptr) remote_pairs_[diagnosis.remote.action.Hex()] = i;
    host_reads_.Look(i, local_.spawns[Pairs()[i].local], remote_.spawns[Pairs()[i].remote],
                     pair.same_key ? diagnosis.local.action : cache::BlobDigest());
    const std::optional<NamedCause> miss = Miss(i, diagnosis);
    if (pair.same_key && !pair.outputs_differ && diagnosis.not_cached.empty() &&
        !diagnosis.absent && !diagnosis.missing_blob && !diagnosis.foreign_result && !miss) {
      return;
    }
    if (pair.unknown_key) return;
    const cache::SpawnParts local = ExpandWithoutInputs(local_, local_.spawns[Pairs()[i].local]);
    bool alone = true;
    const auto add = [&](NamedCause named, bool proven, const std::string& because) {
      AddCause(i, std::move(named), proven, alone, because, diagnosis.local.action,
               diagnosis.remote.action);
    };
    if (diagnosis.same_key) {
      const std::string because =
          pair.verified ? "" : "the keys are computed from the logs alone, in the same way";
      if (!diagnosis.differing_outputs.empty()) {
        NamedCause named = NameNondeterminism(diagnosis.differing_outputs, local);
        contents_.TellOutputs(diagnosis.differing_outputs, local,
                              ExpandWithoutInputs(remote_, remote_.spawns[Pairs()[i].remote]),
                              &named);
        add(std::move(named), pair.verified, because);
      }
      if (!diagnosis.not_cached.empty()) {
        add(NamePolicy(diagnosis.not_cached, diagnosis.cacheable_differs), pair.verified, because);
      }
      if (miss) {
        // Bazel asked for this very key.
        add(*miss, true, "");
      } else if (diagnosis.absent) {
        const bool is_certain = diagnosis.local.state == cache::Verification::State::kVerified;
        add(NameAbsence(), is_certain,
            is_certain
                ? ""
                : "no key that can be computed from the log is in the cache, and the log does "
                  "not say which one Bazel computed");
      } else if (diagnosis.missing_blob) {
        add(NameMissingBlob(*diagnosis.missing_blob), true, "");
      } else if (diagnosis.foreign_result) {
        add(NameForeignResult(), true, "");
      }
      return;
    }
    for (const Difference& difference : diagnosis.differences) {
      std::vector<NamedCause> causes;
      if (difference.kind == Difference::Kind::kInput) {
        causes = contents_.NameParamFile(difference, local);
        if (causes.empty() && IsGenerated(difference.name) && Follow(i, difference, diagnosis)) {
          continue;
        }
      }
      if (causes.empty()) {
        causes = NameDifference(difference, local, request_.naming);
        if (difference.kind == Difference::Kind::kInput) {
          contents_.TellInput(difference, &causes.front());
        }
      }
      alone = diagnosis.differences.size() == 1 && causes.size() == 1;
      for (NamedCause& named : causes) {
        add(std::move(named), diagnosis.proven, diagnosis.unproven_because);
      }
    }
  }

  std::optional<NamedCause> Miss(uint32_t i, const Diagnosis& diagnosis) const {
    // Of another instance, nothing can be found, and that is told once.
    if (!diagnosis.same_key || !diagnosis.not_cached.empty() || instances_) return std::nullopt;
    if (request_.local_calls == nullptr && request_.remote_calls == nullptr) return std::nullopt;
    return NameMiss(diagnosis.local.action,
                    {request_.local_calls, &local_.spawns[Pairs()[i].local]},
                    {request_.remote_calls, &remote_.spawns[Pairs()[i].remote]});
  }

  // Of all pairs that could share an entry; where there is none, of all.
  void AddInstances() {
    if (!instances_ || Pairs().empty()) return;
    Cause cause;
    cause.what = *instances_;
    for (const bool any : {false, true}) {
      for (uint32_t i = 0; i < Pairs().size(); ++i) {
        if (any || (result_.pairs[i].same_key && result_.pairs[i].verified)) {
          cause.direct.push_back(i);
        }
      }
      if (!cause.direct.empty()) break;
    }
    cause.proven = cause.direct;
    result_.causes.push_back(std::move(cause));
  }

  // The .d files say so themselves: that is the proof.
  void AddHostReads() {
    for (HostReads::Found& found : host_reads_.Causes()) {
      Cause cause;
      cause.what = std::move(found.cause);
      cause.direct = std::move(found.pairs);
      cause.proven = cause.direct;
      result_.causes.push_back(std::move(cause));
    }
  }

  void AddFailures(const char* side, const cache::RemoteCalls* calls,
                   const absl::flat_hash_map<std::string, uint32_t>& pairs) {
    if (calls == nullptr) return;
    for (const auto& [kind, failures] : calls->FindFailures()) {
      Cause cause;
      cause.what = NameFailure(side, kind, failures, request_.naming);
      for (const std::string& action : failures.actions) {
        const auto pair = pairs.find(action);
        if (pair != pairs.end()) cause.direct.push_back(pair->second);
      }
      if (const size_t others = failures.actions.size() - cause.direct.size(); others > 0) {
        cause.what.notes.push_back(
            failures.actions.contains("") && others == 1
                ? "they are for no action"
                : absl::StrCat("so did calls for ", Counted(others, "action"),
                               " that cannot be told: in one log alone, or of a key that could not "
                               "be computed"));
      }
      std::sort(cause.direct.begin(), cause.direct.end());
      cause.proven = cause.direct;
      result_.causes.push_back(std::move(cause));
    }
  }

  // False where the input is not one that a spawn makes.
  bool Follow(uint32_t i, const Difference& difference, const Diagnosis& diagnosis) {
    const bool one_sided = !difference.local || !difference.remote;
    if (!makers_) makers_.emplace(local_);
    const std::optional<Makers::Maker> maker = makers_->Of(difference.name);
    Upstream upstream{.pair = i,
                      .difference = difference,
                      .proven = diagnosis.proven,
                      .alone = diagnosis.differences.size() == 1,
                      .unproven_because = diagnosis.unproven_because,
                      .local_key = diagnosis.local.action,
                      .remote_key = diagnosis.remote.action};
    if (maker) {
      // An input that only one side has is that side's own; a tree's files are its maker's.
      if (one_sided && !maker->of_tree) return false;
      upstream.maker = pair_of_local_[maker->spawn];
      if (upstream.maker == kNone) {
        upstream.why = "the action that makes it is in the local log alone";
      }
    } else {
      // Bazel writes its status and parameter files itself, and their names say what they are.
      if (one_sided || difference.name.ends_with(".params") ||
          difference.name.starts_with("bazel-out/stable-status.txt") ||
          difference.name.starts_with("bazel-out/volatile-status.txt")) {
        return false;
      }
      upstream.why =
          "no spawn of the local log makes it: it was up to date there, or Bazel wrote it itself";
    }
    upstream_.push_back(std::move(upstream));
    return true;
  }

  void ResolveUpstream() {
    // Whether a maker's key differs, or its outputs under the same key, is known by now.
    const auto differs = [&](uint32_t pair) {
      const PairResult& maker = result_.pairs[pair];
      return !maker.unknown_key && (!maker.same_key || maker.outputs_differ);
    };
    for (Upstream& upstream : upstream_) {
      if (upstream.maker != kNone && upstream.maker != upstream.pair && differs(upstream.maker)) {
        std::vector<uint32_t>& consumers = consumers_[upstream.maker];
        if (consumers.empty() || consumers.back() != upstream.pair) {
          consumers.push_back(upstream.pair);
        }
        continue;
      }
      if (upstream.why.empty() && result_.pairs[upstream.maker].unknown_key) {
        upstream.why = "whether the keys of the action that makes it differ, the logs do not say";
      } else if (upstream.why.empty()) {
        upstream.why =
            "the action that makes it has the same key and made the same on both sides: the logs "
            "are "
            "not of the builds that made this input";
      }
      AddUpstream(upstream);
    }
  }

  void AddUpstream(const Upstream& upstream) {
    NamedCause named = NameUpstream(upstream.difference, upstream.why);
    contents_.TellInput(upstream.difference, &named);
    AddCause(upstream.pair, std::move(named), upstream.proven, upstream.alone,
             upstream.unproven_because, upstream.local_key, upstream.remote_key);
  }

  // From each cause to all that it reaches.
  void Propagate() {
    std::vector<uint32_t> reached_in(Pairs().size(), 0);  // the round that came there last
    size_t spread = 0;
    const auto spread_all = [&] {
      for (; spread < result_.causes.size(); ++spread) {
        Spread(static_cast<uint32_t>(spread + 1), result_.causes[spread], reached_in);
      }
    };
    spread_all();
    // What logs that are not of one build say can go in a circle, which no cause leads to.
    for (Upstream& upstream : upstream_) {
      if (result_.pairs[upstream.pair].same_key || reached_in[upstream.pair] != 0) continue;
      upstream.why = "the logs say that it is made, in the end, of what is made of it";
      AddUpstream(upstream);
      spread_all();
    }
  }

  void Spread(uint32_t round, Cause& cause, std::vector<uint32_t>& reached_in) {
    std::vector<uint32_t> stack = cause.direct;
    for (const uint32_t pair : stack) reached_in[pair] = round;
    while (!stack.empty()) {
      const uint32_t pair = stack.back();
      stack.pop_back();
      cause.actions.push_back(pair);
      if (!cause.what.spreads) continue;
      const auto consumers = consumers_.find(pair);
      if (consumers == consumers_.end()) continue;
      for (const uint32_t consumer : consumers->second) {
        if (std::exchange(reached_in[consumer], round) != round) stack.push_back(consumer);
      }
    }
    std::sort(cause.actions.begin(), cause.actions.end());
  }

  // What is mended by mending one cause alone.
  void CountAlone() {
    std::vector<uint32_t> causes_of(Pairs().size(), 0);
    for (const Cause& cause : result_.causes) {
      if (!cause.what.spreads) continue;
      for (const uint32_t pair : cause.actions) ++causes_of[pair];
    }
    for (Cause& cause : result_.causes) {
      if (!cause.what.spreads) continue;
      cause.actions_alone =
          static_cast<uint32_t>(std::count_if(cause.actions.begin(), cause.actions.end(),
                                              [&](uint32_t pair) { return causes_of[pair] == 1; }));
    }
  }

  void Rank() {
    for (Cause& cause : result_.causes) {
      for (const uint32_t i : cause.actions) cause.nanoseconds += Nanoseconds(Pairs()[i]);
    }
    std::stable_sort(result_.causes.begin(), result_.causes.end(),
                     [](const Cause& a, const Cause& b) {
                       if (a.actions.size() != b.actions.size()) {
                         return a.actions.size() > b.actions.size();
                       }
                       return a.nanoseconds > b.nanoseconds;
                     });
  }

  // What executing costs: the side that executed says so, a cache hit takes next to nothing.
  int64_t Nanoseconds(const SpawnPair& pair) const {
    const auto of = [](const cache::Spawn& spawn) {
      return std::max<int64_t>(spawn.nanoseconds, 0);
    };
    const cache::Spawn& local = local_.spawns[pair.local];
    const cache::Spawn& remote = remote_.spawns[pair.remote];
    if (local.cache_hit != remote.cache_hit) return of(local.cache_hit ? remote : local);
    return of(local) != 0 ? of(local) : of(remote);
  }

  const CausesRequest& request_;
  const cache::ExecutionLog& local_;
  const cache::ExecutionLog& remote_;
  BlobReader blobs_;
  BlobCauses contents_;
  HostReads host_reads_;
  std::optional<Makers> makers_;  // once something is asked for
  std::vector<uint32_t> pair_of_local_;
  // Of a pair's outputs that differ, as pairs.
  absl::flat_hash_map<uint32_t, std::vector<uint32_t>> consumers_;
  std::vector<Upstream> upstream_;
  std::optional<NamedCause> instances_;  // that they differ
  // By the key's hash in hex, where calls were logged.
  absl::flat_hash_map<std::string, uint32_t> local_pairs_, remote_pairs_;
  std::map<std::pair<std::string, std::string>, size_t> index_;  // of causes
  Causes result_;
};

}  // namespace

absl::StatusOr<Causes> FindCauses(const CausesRequest& request) { return Finder(request).Find(); }

}  // namespace lre_audit::explain
