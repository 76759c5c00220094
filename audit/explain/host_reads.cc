#include "audit/explain/host_reads.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "audit/cache/action_result.h"
#include "audit/cache/spawn_parts.h"
#include "audit/explain/dep_file.h"
#include "base/store_path.h"
#include "base/text.h"
#include "reports/numbers.h"

namespace lre_audit::explain {
namespace {

constexpr uint64_t kMostBytes = uint64_t{4} << 20;  // of one .d file
constexpr size_t kMostTold = 5;

// "/usr/include" of "/usr/include/x86_64-linux-gnu/bits/types.h": what is installed as one.
std::string PlaceOf(std::string_view path) {
  size_t end = path.find('/', 1);
  if (end != path.npos) end = path.find('/', end + 1);
  if (end == path.npos) end = path.rfind('/');
  return std::string(path.substr(0, std::max<size_t>(end, 1)));
}

// Of an absolute path in Bazel's execution root or in a sandbox of it, what is behind the root.
std::optional<std::string_view> BelowExecutionRoot(std::string_view path) {
  constexpr std::string_view kRoot = "/execroot/";
  const size_t root = path.rfind(kRoot);
  if (root == path.npos) return std::nullopt;
  const size_t workspace = path.find('/', root + kRoot.size());
  if (workspace == path.npos) return std::nullopt;
  return path.substr(workspace + 1);
}

}  // namespace

HostReads::Paths HostReads::HostPaths(Side& side, const cache::Spawn& spawn,
                                      const std::string& text) {
  Paths paths;
  std::optional<cache::Inputs> inputs;
  for (const std::string& name : ReadDepFile(text)) {
    if (!name.starts_with('/')) continue;
    const std::string path = std::filesystem::path(name).lexically_normal().string();
    if (nix::StorePathOf(path, store_directory_)) continue;
    if (const std::optional<std::string_view> relative = BelowExecutionRoot(path)) {
      if (!inputs) inputs = ExpandSpawn(*side.log, spawn, side.walker).inputs;
      if (inputs->contains(std::string(*relative))) continue;
    }
    paths.insert(path);
  }
  return paths;
}

std::vector<HostReads::DepFile> HostReads::DepFilesOf(const Side& side, const cache::Spawn& spawn) {
  std::vector<DepFile> files;
  for (const cache::OutputView& view : Outputs(*side.log, spawn)) {
    if (!side.log->tables->strings.Split(view.path).tail.ends_with(".d")) continue;
    DepFile file{.path = view.path};
    if (view.artifact != 0) {
      const cache::Artifact& artifact = side.log->tables->artifacts[view.artifact];
      if (artifact.kind != cache::Artifact::kFile) continue;
      file.digest = side.log->DigestOfFile(artifact);
    } else {
      // Bazel keeps .d files in memory (--experimental_inmemory_dotd_files), and logs none then.
      file.in_result = true;
    }
    files.push_back(file);
  }
  return files;
}

HostReads::SharedPaths HostReads::ReadsOf(const std::vector<DepFile>& files) const {
  Paths all;
  bool any = false;
  for (const DepFile& file : files) {
    const auto known = by_digest_.find(file.digest.Hex());
    if (known == by_digest_.end() || known->second == nullptr) continue;
    any = true;
    all.insert(known->second->begin(), known->second->end());
  }
  return any ? std::make_shared<const Paths>(std::move(all)) : SharedPaths();
}

void HostReads::Look(uint32_t pair, const cache::Spawn& local, const cache::Spawn& remote,
                     const cache::BlobDigest& key) {
  if (!blobs_.has_cache()) return;
  Looked looked{pair, key, {}};
  const std::pair<Side*, const cache::Spawn*> sides[] = {{&local_, &local}, {&remote_, &remote}};
  for (size_t i = 0; i < 2; ++i) {
    looked.sides[i] = {sides[i].first, sides[i].second,
                       DepFilesOf(*sides[i].first, *sides[i].second)};
  }
  if (looked.sides[0].files.empty() && looked.sides[1].files.empty()) return;
  pending_.push_back(std::move(looked));
  if (pending_.size() == kPairsAtOnce) ReadPending();
}

// What results say of .d files that logs do not have.
void HostReads::FindInResults() {
  std::map<std::string, std::vector<std::pair<DepFile*, std::string>>> wanted;  // by the key
  std::vector<cache::BlobDigest> actions;
  for (Looked& looked : pending_) {
    if (!looked.key.known()) continue;
    for (LookedSide& side : looked.sides) {
      for (DepFile& file : side.files) {
        if (!file.in_result) continue;
        auto& of_action = wanted[looked.key.Hex()];
        if (of_action.empty()) actions.push_back(looked.key);
        of_action.emplace_back(&file, side.side->log->tables->strings.Get(file.path));
      }
    }
  }
  // Few at once: a result may be large.
  for (size_t begin = 0; begin < actions.size(); begin += kResultsAtOnce) {
    const std::vector<cache::BlobDigest> some(
        actions.begin() + static_cast<ptrdiff_t>(begin),
        actions.begin() + static_cast<ptrdiff_t>(std::min(begin + kResultsAtOnce, actions.size())));
    const std::vector<std::optional<std::string>> results = blobs_.ReadActions(some);
    for (size_t i = 0; i < some.size(); ++i) {
      if (!results[i]) continue;
      for (auto& [file, path] : wanted[some[i].Hex()]) {
        file->digest = cache::OutputOfResult(*results[i], path);
      }
    }
  }
}

void HostReads::ReadPending() {
  if (read_ < kMostFiles) FindInResults();
  std::vector<cache::BlobDigest> wanted;
  std::vector<const LookedSide*> of;  // who has each
  const auto read = [&] {
    const std::vector<std::optional<std::string>> texts = blobs_.ReadAll(wanted, kMostBytes);
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (!texts[i]) continue;
      by_digest_[wanted[i].Hex()] =
          std::make_shared<const Paths>(HostPaths(*of[i]->side, *of[i]->spawn, *texts[i]));
    }
    wanted.clear();
    of.clear();
  };
  for (const Looked& looked : pending_) {
    for (const LookedSide& side : looked.sides) {
      for (const DepFile& file : side.files) {
        if (!file.digest.known() || by_digest_.contains(file.digest.Hex())) continue;
        by_digest_.emplace(file.digest.Hex(), nullptr);
        if (read_ == kMostFiles || file.digest.size > kMostBytes) {
          ++unread_;
          continue;
        }
        ++read_;
        wanted.push_back(file.digest);
        of.push_back(&side);
        if (wanted.size() == kFilesAtOnce) read();
      }
    }
  }
  read();
  for (const Looked& looked : pending_) AddPlaces(looked);
  pending_.clear();
}

void HostReads::AddPlaces(const Looked& looked) {
  const SharedPaths here = ReadsOf(looked.sides[0].files), there = ReadsOf(looked.sides[1].files);
  const uint32_t pair = looked.pair;
  Paths all;
  if (here != nullptr) all = *here;
  if (there != nullptr) all.insert(there->begin(), there->end());
  const bool comparable = looked.key.known() && here != nullptr && there != nullptr;
  for (const std::string& path : all) {
    Place& place = places_[PlaceOf(path)];
    ++place.files[path];
    if (place.pairs.empty() || place.pairs.back() != pair) place.pairs.push_back(pair);
    if (!comparable || (here->contains(path) && there->contains(path))) continue;
    if (place.differing.empty() || place.differing.back() != pair) place.differing.push_back(pair);
    (here->contains(path) ? place.only_local : place.only_remote).insert(path);
  }
}

// `where` as a sentence has it: "/usr/include", "12 more directories".
NamedCause HostReads::NamePlace(const std::string& root, const std::string& where,
                                const Place& place) const {
  NamedCause cause;
  cause.rule = "LRE724";
  cause.spreads = false;
  cause.identity = root;
  cause.referenced = root;
  cause.help =
      "let the compiler read the store alone: a toolchain of Nix with its own C library "
      "(-nostdinc, --sysroot in the store, no builtin include directory outside it), or declare "
      "the files as inputs";
  if (!place.differing.empty()) {
    cause.weight = NamedCause::Weight::kError;
    cause.message = absl::StrCat("under one key, the two sides read different files of ", where,
                                 ", which keys do not know");
    const auto listed = [](const Paths& paths) {
      std::vector<std::string> first(
          paths.begin(),
          std::next(paths.begin(), static_cast<ptrdiff_t>(std::min(paths.size(), kMostTold))));
      std::string text = absl::StrJoin(first, ", ");
      if (paths.size() > kMostTold) {
        absl::StrAppend(&text, " and ", Grouped(paths.size() - kMostTold), " more");
      }
      return text;
    };
    if (!place.only_local.empty()) cause.local = listed(place.only_local);
    if (!place.only_remote.empty()) cause.remote = listed(place.only_remote);
  } else {
    cause.message = absl::StrCat("actions read files of ", where, ", which their keys do not know");
    // Those that most actions read.
    std::vector<std::pair<uint64_t, std::string_view>> files;
    for (const auto& [path, actions] : place.files) files.emplace_back(actions, path);
    std::stable_sort(files.begin(), files.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    for (size_t i = 0; i < std::min(files.size(), kMostTold); ++i) {
      cause.notes.push_back(
          absl::StrCat(ToAbsl(files[i].second), ": ", Counted(files[i].first, "action")));
    }
    if (files.size() > kMostTold) {
      cause.notes.push_back(
          absl::StrCat("and ", Counted(files.size() - kMostTold, "file"), " more"));
    }
  }
  if (unread_ > 0) {
    cause.notes.push_back(
        absl::StrCat(Counted(unread_, "more .d file"), " of this build were not read"));
  }
  return cause;
}

// Several places as one.
HostReads::Place HostReads::Merged(std::span<const std::pair<std::string, const Place*>> places) {
  Place all;
  for (const auto& [root, place] : places) {
    for (const auto& [path, actions] : place->files) all.files[path] += actions;
    all.pairs.insert(all.pairs.end(), place->pairs.begin(), place->pairs.end());
    all.differing.insert(all.differing.end(), place->differing.begin(), place->differing.end());
    all.only_local.insert(place->only_local.begin(), place->only_local.end());
    all.only_remote.insert(place->only_remote.begin(), place->only_remote.end());
  }
  for (std::vector<uint32_t>* pairs : {&all.pairs, &all.differing}) {
    std::sort(pairs->begin(), pairs->end());
    pairs->erase(std::unique(pairs->begin(), pairs->end()), pairs->end());
  }
  return all;
}

std::vector<HostReads::Found> HostReads::Causes() {
  ReadPending();
  std::vector<Found> found;
  for (const bool differs : {false, true}) {
    const auto pairs_of = [&](const Place& place) -> const std::vector<uint32_t>& {
      return differs ? place.differing : place.pairs;
    };
    std::vector<std::pair<std::string, const Place*>> places;
    for (const auto& [root, place] : places_) {
      if (place.differing.empty() != differs) places.emplace_back(root, &place);
    }
    std::stable_sort(places.begin(), places.end(), [&](const auto& a, const auto& b) {
      return pairs_of(*a.second).size() > pairs_of(*b.second).size();
    });
    const size_t most = places.size() > kMostPlaces ? kMostPlaces : places.size();
    for (size_t i = 0; i < most; ++i) {
      const auto& [root, place] = places[i];
      found.push_back({NamePlace(root, Escaped(root), *place), pairs_of(*place)});
    }
    if (most == places.size()) continue;
    const Place rest = Merged(std::span(places).subspan(most));
    const uint64_t count = places.size() - most;
    found.push_back({NamePlace("other directories",
                               absl::StrCat(Grouped(count),
                                            count == 1 ? " more directory" : " more directories"),
                               rest),
                     pairs_of(rest)});
  }
  return found;
}

}  // namespace lre_audit::explain
