#include "audit/cache/build_cache.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "audit/cache/disk_cache.h"
#include "audit/cache/remote_cache.h"
#include "base/status.h"

namespace lre_audit::cache {
namespace {

constexpr size_t kAtOnce = 15;  // questions, beside that of the thread that waits

absl::Status CouldNotSay(const BlobDigest& digest) {
  return absl::UnavailableError(
      absl::StrCat("no cache that answers has ", digest.ToString(), ", and not all answer"));
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
auto BuildCaches::AskMember(Member& member, const Ask& ask, bool for_blob)
    -> decltype(ask(*member.cache)) {
  CacheTrouble& trouble = member.trouble;
  if (trouble.remote && !trouble.status.ok()) return trouble.status;
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
  } else if (for_blob && absl::IsDataLoss(answer.status())) {
    // One blob that is another's: the rest may well be right.
    ++trouble.answered;
    if (trouble.wrong_blobs++ == 0) trouble.first_wrong = answer.status();
  } else if (trouble.status.ok()) {
    trouble.status = answer.status();
    trouble.other_functions = member.cache->OtherFunctions();
  }
  return answer;
}

absl::StatusOr<bool> BuildCaches::MemberContains(Member& member, const BlobDigest& action) {
  const auto ask = [&](BuildCache& cache) { return cache.Contains(action); };
  if (!member.trouble.remote) return AskMember(member, ask);
  const std::string hash = action.Hex();
  if (const auto known = member.known.find(hash); known != member.known.end()) return known->second;
  absl::StatusOr<bool> is_there = AskMember(member, ask);
  if (is_there.ok()) member.known[hash] = *is_there;
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

bool BuildCaches::has_remote() const {
  return std::any_of(members_.begin(), members_.end(),
                     [](const Member& member) { return member.trouble.remote; });
}

void BuildCaches::Prefetch(const std::vector<BlobDigest>& actions) {
  std::vector<BlobDigest> wanted = actions;  // what no cache so far has
  for (Member& member : members_) {
    if (!member.trouble.remote) {
      std::erase_if(wanted, [&](const BlobDigest& action) {
        const absl::StatusOr<bool> is_there = MemberContains(member, action);
        return is_there.ok() && *is_there;
      });
      continue;
    }
    // The first one alone, for it is where connections and introductions are made.
    if (wanted.empty() || !MemberContains(member, wanted[0]).ok()) continue;
    std::vector<absl::StatusOr<bool>> answers(wanted.size(), absl::CancelledError());
    std::atomic<size_t> next = 1;
    std::atomic<bool> failed = false;
    const absl::Time start = absl::Now();
    const auto ask = [&] {
      for (size_t i = next++; i < wanted.size() && !failed; i = next++) {
        if (member.waited + (absl::Now() - start) > options_.most_time) return;
        answers[i] = member.cache->Contains(wanted[i]);
        if (!answers[i].ok()) failed = true;
      }
    };
    std::vector<std::thread> threads;
    for (size_t i = 0; i < std::min(kAtOnce, wanted.size() / 2); ++i) threads.emplace_back(ask);
    ask();
    for (std::thread& thread : threads) thread.join();
    member.waited += absl::Now() - start;
    for (size_t i = 1; i < wanted.size(); ++i) {
      if (absl::IsCancelled(answers[i].status())) continue;  // not asked
      // Told as if it had been asked for now.
      const absl::StatusOr<bool> is_there =
          AskMember(member, [&](BuildCache&) { return answers[i]; });
      if (is_there.ok()) member.known[wanted[i].Hex()] = *is_there;
    }
    std::erase_if(wanted, [&](const BlobDigest& action) {
      const auto known = member.known.find(action.Hex());
      return known != member.known.end() && known->second;
    });
  }
}

// The first answer that is one.
template <typename Ask>
absl::StatusOr<std::string> BuildCaches::FirstFound(const BlobDigest& digest, const Ask& ask,
                                                    bool for_blob) {
  absl::Status none = absl::NotFoundError(absl::StrCat("no cache has ", digest.ToString()));
  for (Member& member : members_) {
    const bool remote = member.trouble.remote;
    absl::StatusOr<std::string> answer =
        remote ? AskMember(member, ask, for_blob) : ask(*member.cache);
    if (answer.ok() || absl::IsResourceExhausted(answer.status())) return answer;
    // One damaged file says nothing of a directory's others.
    if (!absl::IsNotFound(answer.status())) none = remote ? CouldNotSay(digest) : answer.status();
  }
  return none;
}

absl::StatusOr<std::string> BuildCaches::ReadAction(const BlobDigest& action) {
  return FirstFound(
      action, [&](BuildCache& cache) { return cache.ReadAction(action); }, false);
}

absl::StatusOr<std::string> BuildCaches::ReadBlob(const BlobDigest& blob, uint64_t limit) {
  return FirstFound(
      blob, [&](BuildCache& cache) { return cache.ReadBlob(blob, limit); }, true);
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
    if (!member.trouble.status.ok() || member.trouble.wrong_blobs > 0) {
      troubles.push_back(member.trouble);
    }
  }
  return troubles;
}

}  // namespace lre_audit::cache
