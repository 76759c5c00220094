#include "audit/cache/build_cache.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "audit/cache/action_result.h"
#include "audit/cache/disk_cache.h"
#include "audit/cache/remote_cache.h"
#include "base/status.h"

namespace lre_audit::cache {
namespace {

constexpr uint64_t kMostTreeBytes = uint64_t{64} << 20;
constexpr size_t kAtOnce = 15;  // questions, beside that of the thread that waits

absl::Status CouldNotSay(const BlobDigest& digest) {
  return absl::UnavailableError(
      absl::StrCat("no cache that answers has ", digest.ToString(), ", and not all answer"));
}

// Of the blobs that the result of an action names, one that the cache does not have.
absl::StatusOr<std::optional<BlobDigest>> FirstMissing(BuildCache& cache,
                                                       const std::string& action_result) {
  LRE_ASSIGN_OR_RETURN(ResultBlobs blobs, BlobsOfResult(action_result));
  for (const BlobDigest& digest : blobs.trees) {
    const absl::StatusOr<std::string> tree = cache.ReadBlob(digest, kMostTreeBytes);
    if (absl::IsNotFound(tree.status())) return digest;
    if (absl::IsResourceExhausted(tree.status())) continue;
    LRE_RETURN_IF_ERROR(tree.status());
    LRE_ASSIGN_OR_RETURN(const std::vector<BlobDigest> files, FilesOfTree(*tree));
    blobs.files.insert(blobs.files.end(), files.begin(), files.end());
  }
  LRE_ASSIGN_OR_RETURN(const std::vector<BlobDigest> missing, cache.FindMissing(blobs.files));
  if (missing.empty()) return std::nullopt;
  return missing[0];
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

// The answer to `ask`, whose troubles are remembered.
template <typename Ask>
auto BuildCaches::AskMember(Member& member, About about, const Ask& ask)
    -> decltype(ask(*member.cache)) {
  CacheTrouble& trouble = member.trouble;
  if (!trouble.status.ok()) return trouble.status;
  if (member.waited > options_.most_time) {
    trouble.status = absl::DeadlineExceededError(
        absl::StrCat(trouble.cache, " has taken more than ",
                     absl::FormatDuration(options_.most_time), " for its answers"));
    return trouble.status;
  }
  const absl::Time start = absl::Now();
  auto answer = ask(*member.cache);
  if (trouble.remote) member.waited += absl::Now() - start;
  // The latter is the limit of who asks.
  if (answer.ok() || absl::IsNotFound(answer.status()) ||
      absl::IsResourceExhausted(answer.status())) {
    ++trouble.answered;
  } else if (!trouble.remote || (about == About::kEntry && absl::IsDataLoss(answer.status()))) {
    // One file of a directory, one blob that is another's: the rest may well be right.
    ++trouble.answered;
    constexpr size_t kMostKept = 1000;  // to count each once
    const std::string said(answer.status().message());
    if (member.faults.contains(said)) return answer;
    if (member.faults.size() < kMostKept) member.faults.insert(said);
    if (trouble.faults++ == 0) trouble.first_fault = answer.status();
  } else {
    trouble.status = answer.status();
    trouble.other_functions = member.cache->OtherFunctions();
  }
  return answer;
}

absl::StatusOr<bool> BuildCaches::MemberContains(Member& member, const BlobDigest& action) {
  const auto ask = [&](BuildCache& cache) { return cache.Contains(action); };
  if (!member.trouble.remote) return AskMember(member, About::kEntry, ask);
  const std::string hash = action.Hex();
  if (const auto known = member.known.find(hash); known != member.known.end()) {
    return known->second != Presence::kAbsent;
  }
  absl::StatusOr<bool> is_there = AskMember(member, About::kService, ask);
  if (is_there.ok()) member.known[hash] = *is_there ? Presence::kThere : Presence::kAbsent;
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

absl::StatusOr<std::optional<BlobDigest>> BuildCaches::FindMissingOf(const BlobDigest& action) {
  const std::string hash = action.Hex();
  for (const Member& member : members_) {
    const auto known = member.known.find(hash);
    if (known != member.known.end() && known->second == Presence::kWithBlobs) return std::nullopt;
  }
  LRE_ASSIGN_OR_RETURN(const std::string result, ReadAction(action));
  return FirstMissing(*this, result);
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
    // The first one alone, for it is where connections and introductions are made.
    if (wanted.empty()) continue;
    const absl::StatusOr<Presence> first = AskMember(
        member, About::kService, [&](BuildCache& cache) { return Look(cache, wanted[0]); });
    if (!first.ok()) continue;
    member.known[wanted[0].Hex()] = *first;
    std::vector<absl::StatusOr<Presence>> answers(wanted.size(), absl::CancelledError());
    std::atomic<size_t> next = 1;
    std::atomic<bool> failed = false;
    const absl::Time start = absl::Now();
    const auto ask = [&] {
      for (size_t i = next++; i < wanted.size() && !failed; i = next++) {
        if (member.waited + (absl::Now() - start) > options_.most_time) return;
        answers[i] = Look(*member.cache, wanted[i]);
        if (!answers[i].ok()) failed = true;
      }
    };
    std::vector<std::thread> threads;
    for (size_t i = 0; i < std::min(kAtOnce, wanted.size() / 2); ++i) threads.emplace_back(ask);
    ask();
    for (std::thread& thread : threads) thread.join();
    member.waited += absl::Now() - start;
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (absl::IsCancelled(answers[i].status())) continue;  // not asked
      // Told as if it had been asked for now.
      const absl::StatusOr<Presence> presence =
          AskMember(member, About::kService, [&](BuildCache&) { return answers[i]; });
      if (presence.ok()) member.known[wanted[i].Hex()] = *presence;
    }
    std::erase_if(wanted, [&](const BlobDigest& action) {
      const auto known = member.known.find(action.Hex());
      return known != member.known.end() && known->second != Presence::kAbsent;
    });
  }
}

// Whether an action has a result, and all of its blobs are there; who cannot say that of the blobs
// may be asked again.
absl::StatusOr<BuildCaches::Presence> BuildCaches::Look(BuildCache& cache,
                                                        const BlobDigest& action) {
  const absl::StatusOr<std::string> result = cache.ReadAction(action);
  if (absl::IsNotFound(result.status())) return Presence::kAbsent;
  LRE_RETURN_IF_ERROR(result.status());
  const absl::StatusOr<std::optional<BlobDigest>> missing = FirstMissing(cache, *result);
  return missing.ok() && !*missing ? Presence::kWithBlobs : Presence::kThere;
}

// The first answer that is one.
template <typename Ask>
absl::StatusOr<std::string> BuildCaches::FirstFound(const BlobDigest& digest, About about,
                                                    const Ask& ask) {
  absl::Status none = absl::NotFoundError(absl::StrCat("no cache has ", digest.ToString()));
  for (Member& member : members_) {
    absl::StatusOr<std::string> answer = AskMember(member, about, ask);
    if (answer.ok() || absl::IsResourceExhausted(answer.status())) return answer;
    if (!absl::IsNotFound(answer.status())) none = CouldNotSay(digest);
  }
  return none;
}

absl::StatusOr<std::string> BuildCaches::ReadAction(const BlobDigest& action) {
  return FirstFound(action, About::kService,
                    [&](BuildCache& cache) { return cache.ReadAction(action); });
}

absl::StatusOr<std::string> BuildCaches::ReadBlob(const BlobDigest& blob, uint64_t limit) {
  return FirstFound(blob, About::kEntry,
                    [&](BuildCache& cache) { return cache.ReadBlob(blob, limit); });
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
