#include "audit/cache/build_caches.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <system_error>
#include <thread>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "audit/cache/action_result.h"
#include "audit/cache/disk_cache.h"
#include "audit/cache/remote_cache.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

// Of a Tree message: some 50,000 files. Sixteen may be in memory at once, each several times over.
constexpr uint64_t kMostTreeBytes = uint64_t{4} << 20;
constexpr size_t kMostTrees = 100;  // of one result
constexpr size_t kAtOnce = 15;      // questions, beside that of the thread that waits

absl::Status CouldNotSay(const BlobDigest& digest) {
  return absl::UnavailableError(
      absl::StrCat("no cache that answers has ", digest.ToString(), ", and not all answer"));
}

// One of `blobs` that the cache does not have.
absl::StatusOr<std::optional<BlobDigest>> FirstOf(BuildCache& cache,
                                                  const std::vector<BlobDigest>& blobs) {
  if (blobs.empty()) return std::nullopt;
  LRE_ASSIGN_OR_RETURN(const std::vector<BlobDigest> missing, cache.FindMissing(blobs));
  if (missing.empty()) return std::nullopt;
  return missing[0];
}

// Of the blobs that the result of an action names, one that the cache does not have. What is beyond
// the limits is taken as there.
absl::StatusOr<std::optional<BlobDigest>> FirstMissing(BuildCache& cache,
                                                       const ResultBlobs& blobs) {
  LRE_ASSIGN_OR_RETURN(std::optional<BlobDigest> missing, FirstOf(cache, blobs.files));
  for (size_t i = 0; i < std::min(blobs.trees.size(), kMostTrees) && !missing; ++i) {
    const BlobDigest& digest = blobs.trees[i];
    const absl::StatusOr<std::string> tree = cache.ReadBlob(digest, kMostTreeBytes);
    if (absl::IsNotFound(tree.status())) return digest;
    if (absl::IsResourceExhausted(tree.status())) continue;
    LRE_RETURN_IF_ERROR(tree.status());
    const absl::StatusOr<std::vector<BlobDigest>> files = FilesOfTree(*tree);
    if (!files.ok()) return digest;  // a blob that is no tree is of no use either
    LRE_ASSIGN_OR_RETURN(missing, FirstOf(cache, *files));
  }
  return missing;
}

std::vector<uint64_t> FirstOutputs(const ResultBlobs& blobs) {
  std::vector<uint64_t> hashes;
  for (size_t i = 0; i < std::min<size_t>(blobs.outputs.size(), 2); ++i) {
    hashes.push_back(BuildCaches::HashOfPath(blobs.outputs[i]));
  }
  return hashes;
}

}  // namespace

absl::StatusOr<BuildCaches> BuildCaches::Open(const std::vector<std::string>& references,
                                              DigestFunction function,
                                              const RemoteCacheOptions& options) {
  BuildCaches caches;
  caches.options_ = options;
  for (const std::string& reference : references) {
    Member member;
    member.trouble.cache = PrintableReference(reference);
    member.trouble.remote = IsRemote(reference);
    if (member.trouble.remote) {
      absl::StatusOr<std::unique_ptr<BuildCache>> cache = OpenRemote(reference, function, options);
      if (cache.ok()) {
        member.cache = *std::move(cache);
      } else if (absl::IsFailedPrecondition(cache.status())) {
        member.trouble.status = cache.status();
      } else {
        return cache.status();
      }
    } else {
      LRE_ASSIGN_OR_RETURN(DiskCache cache, DiskCache::Open(reference, function));
      member.cache = std::make_unique<DiskCache>(std::move(cache));
    }
    caches.members_.push_back(std::move(member));
  }
  return caches;
}

bool BuildCaches::IsTrouble(const Member& member, About about, const absl::Status& status) {
  // ResourceExhausted is the limit of who asks.
  if (status.ok() || absl::IsNotFound(status) || absl::IsResourceExhausted(status)) return false;
  // Of one file of a directory, of one blob that is another's: the rest may well be right.
  return member.trouble.remote && (about != About::kEntry || !absl::IsDataLoss(status));
}

void BuildCaches::Note(Member& member, About about, const absl::Status& status) {
  CacheTrouble& trouble = member.trouble;
  if (IsTrouble(member, about, status)) {
    if (!trouble.status.ok()) return;
    trouble.status = status;
    trouble.other_functions = member.cache->OtherFunctions();
    return;
  }
  ++trouble.answered;
  if (status.ok() || absl::IsNotFound(status) || absl::IsResourceExhausted(status)) return;
  constexpr size_t kMostKept = 1000;  // to count each once
  const std::string said(status.message());
  if (member.faults.contains(said)) return;
  if (member.faults.size() < kMostKept) member.faults.insert(said);
  if (trouble.faults++ == 0) trouble.first_fault = status;
}

// Once all answers together have taken too long, there are no more.
void BuildCaches::LimitTime(Member& member) const {
  CacheTrouble& trouble = member.trouble;
  if (!trouble.status.ok() || member.waited <= options_.most_time) return;
  trouble.status = absl::DeadlineExceededError(
      absl::StrCat(trouble.cache, " has taken more than ", absl::FormatDuration(options_.most_time),
                   " for its answers"));
}

// The answer to `ask`, whose troubles are remembered.
template <typename Ask>
auto BuildCaches::AskMember(Member& member, About about, const Ask& ask)
    -> decltype(ask(*member.cache)) {
  LimitTime(member);
  if (!member.trouble.status.ok()) return member.trouble.status;
  const absl::Time start = absl::Now();
  auto answer = ask(*member.cache);
  if (member.trouble.remote) member.waited += absl::Now() - start;
  Note(member, about, answer.status());
  return answer;
}

// The answers to `count` questions. A remote cache is asked several at a time, and no more once one
// shows that it has no say: then there is no answer.
template <typename Ask>
auto BuildCaches::AskAtOnce(Member& member, About about, size_t count, const Ask& ask)
    -> std::vector<std::optional<decltype(ask(*member.cache, size_t{0}))>> {
  std::vector<std::optional<decltype(ask(*member.cache, size_t{0}))>> answers(count);
  LimitTime(member);
  if (count == 0 || !member.trouble.status.ok()) return answers;
  std::atomic<size_t> next = 0;
  std::atomic<bool> ended = false;
  const absl::Time start = absl::Now();
  const auto work = [&](size_t most) {
    for (size_t done = 0; done < most && !ended; ++done) {
      const size_t i = next++;
      if (i >= count) return;
      answers[i] = ask(*member.cache, i);
      const bool is_late =
          member.trouble.remote && member.waited + (absl::Now() - start) > options_.most_time;
      if (is_late || IsTrouble(member, about, answers[i]->status())) ended = true;
    }
  };
  // The first one alone, for it is where connections and introductions are made.
  work(1);
  std::vector<std::thread> threads;
  const size_t helpers = member.trouble.remote && !ended ? std::min(kAtOnce, count / 2) : 0;
  try {
    for (size_t i = 0; i < helpers; ++i) threads.emplace_back(work, count);
  } catch (const std::system_error&) {
    // Fewer will do.
  }
  work(count);
  for (std::thread& thread : threads) thread.join();
  if (member.trouble.remote) member.waited += absl::Now() - start;
  for (const auto& answer : answers) {
    if (answer) Note(member, about, answer->status());
  }
  return answers;
}

absl::StatusOr<bool> BuildCaches::MemberContains(Member& member, const BlobDigest& action) {
  const auto ask = [&](BuildCache& cache) { return cache.Contains(action); };
  if (!member.trouble.remote) return AskMember(member, About::kEntry, ask);
  const std::string hash = action.Hex();
  if (const auto known = member.known.find(hash); known != member.known.end()) {
    return known->second.is != Presence::kAbsent;
  }
  absl::StatusOr<bool> is_there = AskMember(member, About::kEntry, ask);
  if (is_there.ok()) {
    member.known[hash] = Presence{*is_there ? Presence::kThere : Presence::kAbsent};
  }
  return is_there;
}

absl::StatusOr<bool> BuildCaches::Contains(const BlobDigest& action) {
  bool all_say = true;
  for (Member& member : members_) {
    const absl::StatusOr<bool> is_there = MemberContains(member, action);
    if (is_there.ok() && *is_there) return true;
    all_say = all_say && is_there.ok();
  }
  if (!all_say) return CouldNotSay(action);
  return false;
}

absl::StatusOr<std::vector<BlobDigest>> BuildCaches::FindMissing(
    const std::vector<BlobDigest>& blobs) {
  std::vector<BlobDigest> missing = blobs;
  absl::Status failed;
  for (Member& member : members_) {
    if (missing.empty()) break;
    absl::StatusOr<std::vector<BlobDigest>> still = AskMember(
        member, About::kService, [&](BuildCache& cache) { return cache.FindMissing(missing); });
    if (still.ok()) {
      missing = *std::move(still);
    } else {
      failed = still.status();
    }
  }
  if (!missing.empty() && !failed.ok()) return CouldNotSay(missing[0]);
  return missing;
}

uint64_t BuildCaches::HashOfPath(std::string_view path) { return absl::HashOf(ToAbsl(path)); }

absl::StatusOr<BuildCaches::Usability> BuildCaches::LookAtResult(const BlobDigest& action) {
  const std::string hash = action.Hex();
  absl::Status none = absl::NotFoundError(absl::StrCat("no cache has ", action.ToString()));
  std::optional<Usability> found;
  for (Member& member : members_) {
    const auto known = member.known.find(hash);
    if (known != member.known.end() && known->second.is == Presence::kAbsent) continue;
    if (known != member.known.end() && known->second.is == Presence::kWithBlobs) {
      return Usability{std::nullopt, known->second.outputs};
    }
    const absl::StatusOr<std::string> result = AskMember(
        member, About::kEntry, [&](BuildCache& cache) { return cache.ReadAction(action); });
    if (absl::IsNotFound(result.status())) continue;
    if (!result.ok()) {
      none = CouldNotSay(action);
      continue;
    }
    const absl::StatusOr<ResultBlobs> blobs = BlobsOfResult(*result);
    if (!blobs.ok()) continue;  // which Contains() has told
    // Bazel may have put them into another cache.
    const absl::StatusOr<std::optional<BlobDigest>> missing = FirstMissing(*this, *blobs);
    if (!missing.ok()) {
      none = missing.status();
      continue;
    }
    Usability usability{*missing, FirstOutputs(*blobs)};
    if (!*missing) return usability;
    if (!found) found = std::move(usability);
  }
  if (found && none.code() == absl::StatusCode::kNotFound) return *std::move(found);
  return none;
}

bool BuildCaches::has_remote() const {
  return std::any_of(members_.begin(), members_.end(),
                     [](const Member& member) { return member.trouble.remote; });
}

void BuildCaches::Prefetch(const std::vector<BlobDigest>& actions) {
  std::vector<BlobDigest> wanted;  // what no cache so far has
  absl::flat_hash_set<std::string> hashes;
  for (const BlobDigest& action : actions) {
    if (hashes.insert(action.Hex()).second) wanted.push_back(action);
  }
  for (Member& member : members_) {
    if (!member.trouble.remote) {
      std::erase_if(wanted, [&](const BlobDigest& action) {
        const absl::StatusOr<bool> is_there = MemberContains(member, action);
        return is_there.ok() && *is_there;
      });
      continue;
    }
    const std::vector<std::optional<absl::StatusOr<Presence>>> answers =
        AskAtOnce(member, About::kEntry, wanted.size(),
                  [&](BuildCache& cache, size_t i) { return Look(cache, wanted[i]); });
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (answers[i] && answers[i]->ok()) member.known[wanted[i].Hex()] = **answers[i];
    }
    std::erase_if(wanted, [&](const BlobDigest& action) {
      const auto known = member.known.find(action.Hex());
      return known != member.known.end() && known->second.is != Presence::kAbsent;
    });
  }
}

// Whether an action has a result, and all of its blobs are there; who cannot say that of the blobs
// may be asked again.
absl::StatusOr<BuildCaches::Presence> BuildCaches::Look(BuildCache& cache,
                                                        const BlobDigest& action) {
  const absl::StatusOr<std::string> result = cache.ReadAction(action);
  if (absl::IsNotFound(result.status())) return Presence{Presence::kAbsent};
  LRE_RETURN_IF_ERROR(result.status());
  LRE_ASSIGN_OR_RETURN(const ResultBlobs blobs, BlobsOfResult(*result));
  const absl::StatusOr<std::optional<BlobDigest>> missing = FirstMissing(cache, blobs);
  if (!missing.ok() || *missing) return Presence{Presence::kThere};
  return Presence{Presence::kWithBlobs, FirstOutputs(blobs)};
}

// Of each digest, the first answer that is one.
template <typename Ask>
std::vector<absl::StatusOr<std::string>> BuildCaches::FirstFound(
    const std::vector<BlobDigest>& digests, About about, const Ask& ask) {
  std::vector<absl::StatusOr<std::string>> found;
  std::vector<size_t> wanted;  // indexes
  for (const BlobDigest& digest : digests) {
    wanted.push_back(found.size());
    found.emplace_back(absl::NotFoundError(absl::StrCat("no cache has ", digest.ToString())));
  }
  for (Member& member : members_) {
    std::vector<std::optional<absl::StatusOr<std::string>>> answers =
        AskAtOnce(member, about, wanted.size(),
                  [&](BuildCache& cache, size_t i) { return ask(cache, digests[wanted[i]]); });
    std::vector<size_t> still;
    for (size_t i = 0; i < wanted.size(); ++i) {
      const absl::Status status =
          answers[i] ? answers[i]->status() : CouldNotSay(digests[wanted[i]]);
      if (status.ok() || absl::IsResourceExhausted(status)) {
        found[wanted[i]] = *std::move(answers[i]);
        continue;
      }
      if (!absl::IsNotFound(status)) found[wanted[i]] = CouldNotSay(digests[wanted[i]]);
      still.push_back(wanted[i]);
    }
    wanted = std::move(still);
  }
  return found;
}

absl::StatusOr<std::string> BuildCaches::ReadAction(const BlobDigest& action) {
  return std::move(ReadActions({action})[0]);
}

std::vector<absl::StatusOr<std::string>> BuildCaches::ReadActions(
    const std::vector<BlobDigest>& actions) {
  return FirstFound(actions, About::kEntry, [](BuildCache& cache, const BlobDigest& action) {
    return cache.ReadAction(action);
  });
}

absl::StatusOr<std::string> BuildCaches::ReadBlob(const BlobDigest& blob, uint64_t limit) {
  return std::move(ReadBlobs({blob}, limit)[0]);
}

std::vector<absl::StatusOr<std::string>> BuildCaches::ReadBlobs(
    const std::vector<BlobDigest>& blobs, uint64_t limit) {
  return FirstFound(blobs, About::kEntry, [&](BuildCache& cache, const BlobDigest& blob) {
    return cache.ReadBlob(blob, limit);
  });
}

bool BuildCaches::has_instances() const {
  std::set<std::string> servers;
  return std::any_of(members_.begin(), members_.end(), [&](const Member& member) {
    const std::string server = ServerOf(member.trouble.cache);
    return !server.empty() && !servers.insert(server).second;
  });
}

std::vector<std::vector<InstanceAnswers>> BuildCaches::CompareInstances(
    const std::vector<BlobDigest>& actions) {
  std::map<std::string, std::vector<Member*>> servers;
  for (Member& member : members_) {
    const std::string server = ServerOf(member.trouble.cache);
    if (!server.empty()) servers[server].push_back(&member);
  }
  std::vector<std::vector<InstanceAnswers>> compared;
  for (const auto& [server, members] : servers) {
    if (members.size() < 2) continue;
    std::vector<InstanceAnswers>& instances = compared.emplace_back();
    for (Member* member : members) {
      InstanceAnswers answers;
      answers.cache = member->trouble.cache;
      bool all_say = true;
      for (const BlobDigest& action : actions) {
        const absl::StatusOr<bool> is_there = MemberContains(*member, action);
        all_say = all_say && is_there.ok();
        if (is_there.ok() && *is_there) answers.held.insert(action.Hex());
      }
      if (all_say) instances.push_back(std::move(answers));
    }
  }
  return compared;
}

std::vector<CacheTrouble> BuildCaches::Troubles() const {
  std::vector<CacheTrouble> troubles;
  for (const Member& member : members_) {
    if (!member.trouble.status.ok() || member.trouble.faults > 0) {
      troubles.push_back(member.trouble);
    }
  }
  return troubles;
}

}  // namespace lre_audit::cache
