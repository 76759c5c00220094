#include "audit/cache/build_caches.h"

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

// Of one file of a directory, of one blob that is another's: the rest may well be right.
bool BuildCaches::IsOfEntry(const Member& member, About about, const absl::Status& status) {
  return !member.trouble.remote || (about == About::kEntry && absl::IsDataLoss(status));
}

// ResourceExhausted is the limit of who asks.
bool BuildCaches::IsAnswer(const absl::Status& status) {
  return status.ok() || absl::IsNotFound(status) || absl::IsResourceExhausted(status);
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
  if (IsAnswer(answer.status())) {
    ++trouble.answered;
  } else if (IsOfEntry(member, about, answer.status())) {
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

// The answers to `count` questions, as AskMember() has each. A remote cache is asked several at a
// time, and no more once one shows that it has no say: Cancelled, then.
template <typename Ask>
auto BuildCaches::AskAtOnce(Member& member, About about, size_t count, const Ask& ask)
    -> std::vector<decltype(ask(*member.cache, size_t{0}))> {
  using Answer = decltype(ask(*member.cache, size_t{0}));
  std::vector<Answer> answers(count, Answer(absl::CancelledError()));
  if (count == 0) return answers;
  const auto ask_member = [&](size_t i) {
    answers[i] = AskMember(member, about, [&](BuildCache& cache) { return ask(cache, i); });
  };
  if (!member.trouble.remote) {
    for (size_t i = 0; i < count; ++i) ask_member(i);
    return answers;
  }
  // The first one alone, for it is where connections and introductions are made.
  ask_member(0);
  if (!member.trouble.status.ok()) return answers;
  std::atomic<size_t> next = 1;
  std::atomic<bool> failed = false;
  const absl::Time start = absl::Now();
  const auto work = [&] {
    for (size_t i = next++; i < count && !failed; i = next++) {
      if (member.waited + (absl::Now() - start) > options_.most_time) return;
      answers[i] = ask(*member.cache, i);
      const absl::Status& status = answers[i].status();
      if (!IsAnswer(status) && !IsOfEntry(member, about, status)) failed = true;
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 0; i < std::min(kAtOnce, count / 2); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  member.waited += absl::Now() - start;
  for (size_t i = 1; i < count; ++i) {
    if (absl::IsCancelled(answers[i].status())) continue;  // not asked
    // Told as if it had been asked for now.
    answers[i] = AskMember(member, about, [&](BuildCache&) { return std::move(answers[i]); });
  }
  return answers;
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
    const std::vector<absl::StatusOr<Presence>> answers =
        AskAtOnce(member, About::kService, wanted.size(),
                  [&](BuildCache& cache, size_t i) { return Look(cache, wanted[i]); });
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (answers[i].ok()) member.known[wanted[i].Hex()] = *answers[i];
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
    std::vector<absl::StatusOr<std::string>> answers =
        AskAtOnce(member, about, wanted.size(),
                  [&](BuildCache& cache, size_t i) { return ask(cache, digests[wanted[i]]); });
    std::vector<size_t> still;
    for (size_t i = 0; i < wanted.size(); ++i) {
      const absl::Status& status = answers[i].status();
      if (status.ok() || absl::IsResourceExhausted(status)) {
        found[wanted[i]] = std::move(answers[i]);
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
  return FirstFound(actions, About::kService, [](BuildCache& cache, const BlobDigest& action) {
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
