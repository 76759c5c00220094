#include "audit/explain/store_places.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "audit/compare/packages.h"
#include "audit/explain/naming.h"
#include "audit/nix/closure.h"
#include "audit/toolchain/read_toolchain.h"
#include "audit/trees/tree.h"
#include "base/status.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit::explain {
namespace {

constexpr size_t kMostTold = 5;  // store paths of one side

// The store paths of a tree, whose contents are passed over.
class NamesSink : public EntrySink {
 public:
  NamesSink(const std::string& store_directory, std::set<std::string>* paths)
      : store_directory_(store_directory), paths_(paths) {}

  void BeginEntry(const Entry& entry) override {
    const std::optional<std::string_view> path = nix::StorePathOf(entry.path, store_directory_);
    if (!path) return;
    const std::string name(*path);
    if (entry.type != Entry::Type::kWhiteout) {
      paths_->insert(name);
    } else if (entry.path == name) {
      paths_->erase(name);
    }
  }
  void Data(std::string_view) override {}
  void EndEntry(bool) override {}

 private:
  const std::string& store_directory_;
  std::set<std::string>* paths_;
};

absl::Status Naming(const std::string& what, const absl::Status& status) {
  if (status.message().find(what) != absl::string_view::npos) return status;
  return absl::Status(status.code(), absl::StrCat(Escaped(what), ": ", status.message()));
}

std::vector<std::string> OnlyIn(const std::string& text, const std::string& other,
                                const std::string& store_directory) {
  const std::vector<std::string_view> in_other = StorePathsIn(other, store_directory);
  std::vector<std::string> only;
  for (const std::string_view path : StorePathsIn(text, store_directory)) {
    if (std::find(in_other.begin(), in_other.end(), path) == in_other.end() &&
        std::find(only.begin(), only.end(), path) == only.end()) {
      only.emplace_back(path);
    }
  }
  return only;
}

}  // namespace

void StorePlaces::Add(Place& place, std::string_view text) const {
  for (const std::string_view path : StorePathsIn(text, store_directory_)) {
    place.packages[PackageOf(path).name].emplace(path);
  }
}

absl::StatusOr<StorePlaces> StorePlaces::Open(const StoreSources& sources,
                                              const std::string& store_directory,
                                              std::vector<std::string>* problems) {
  StorePlaces places;
  places.store_directory_ = store_directory;
  for (const std::string& directory : sources.toolchains) {
    absl::StatusOr<ToolchainFacts> facts = ReadToolchain(directory);
    if (!facts.ok()) return Naming(directory, facts.status());
    Place place{.name = absl::StrCat("the toolchain ", Escaped(directory))};
    for (const ConfigFacts& file : facts->files) {
      for (const Claim& claim : file.claims()) places.Add(place, claim.text());
      for (const Setting& setting : file.settings()) {
        places.Add(place, setting.value());
        if (setting.kind() == Setting::CONTAINER_IMAGE) {
          place.image_names.push_back(setting.value());
        }
      }
      for (const ConfigDefect& defect : file.defects()) {
        problems->push_back(absl::StrCat(Escaped(file.path()), ": ", defect.message()));
      }
    }
    places.places_.push_back(std::move(place));
  }
  if (!sources.closure.empty()) {
    Place place{.name = absl::StrCat("the closure ", Escaped(sources.closure))};
    absl::StatusOr<nix::Closure> closure = nix::ReadClosure(sources.closure);
    if (closure.ok()) {
      for (const auto& [path, info] : closure->paths) places.Add(place, path);
      for (const std::string& problem : closure->problems) {
        problems->push_back(absl::StrCat(Escaped(sources.closure), ": ", problem));
      }
    } else if (nix::IsPathStore(sources.closure) && absl::IsUnimplemented(closure.status())) {
      absl::StatusOr<std::unique_ptr<nix::PathStore>> store = nix::OpenPathStore(sources.closure);
      if (!store.ok()) return Naming(sources.closure, store.status());
      place.store = *std::move(store);
    } else {
      return Naming(sources.closure, closure.status());
    }
    places.places_.push_back(std::move(place));
  }
  for (const std::string& reference : sources.images) {
    OpenOptions options;
    options.platform = sources.platform;
    options.registry = sources.registry;
    options.store = sources.closure;
    absl::StatusOr<std::unique_ptr<Tree>> tree = OpenImage(reference, options);
    if (!tree.ok()) return Naming(reference, tree.status());
    Place place{.name = absl::StrCat("the image ", Escaped(reference))};
    std::set<std::string> paths;
    std::vector<Problem> found = (*tree)->problems();
    NamesSink sink(store_directory, &paths);
    for (size_t part = 0; part < (*tree)->parts().size(); ++part) {
      (*tree)->Stream(part, false, sink, found);
    }
    for (const std::string& path : paths) places.Add(place, path);
    place.image_names = (*tree)->names();
    for (const Problem& problem : found) {
      if (problem.kind == Problem::Kind::kUnreadable || problem.kind == Problem::Kind::kLimit) {
        problems->push_back(
            absl::StrCat(Escaped(reference), ": ", Escaped(problem.where), ": ", problem.message));
      }
    }
    places.places_.push_back(std::move(place));
  }
  return places;
}

std::string StorePlaces::Whereabouts(const std::string& path, std::vector<bool>* has) const {
  std::vector<std::string> in, not_in;
  for (const Place& place : places_) {
    const auto package = place.packages.find(PackageOf(path).name);
    const bool knows_package = package != place.packages.end();
    bool is_there = knows_package && package->second.contains(path);
    if (place.store != nullptr) {
      const absl::StatusOr<nix::Closure> known = place.store->ClosureOfKnown({path});
      is_there = known.ok() && known->paths.contains(path);
      if (!known.ok()) {
        not_in.push_back(absl::StrCat(place.name, " cannot say: ", known.status().message()));
        has->push_back(false);
        continue;
      }
    }
    has->push_back(is_there);
    if (is_there) {
      in.push_back(place.name);
      continue;
    }
    std::string text = absl::StrCat("not in ", place.name);
    if (knows_package) {
      std::vector<std::string> others;
      for (const std::string& other : package->second) {
        const bool same_version = PackageOf(other).version == PackageOf(path).version;
        others.push_back(same_version ? other : Decoded(other));
      }
      if (others.size() > kMostTold) others.resize(kMostTold);
      absl::StrAppend(&text, ", which has ", absl::StrJoin(others, " and "), " instead");
    }
    not_in.push_back(std::move(text));
  }
  const std::string all_in = absl::StrJoin(in, ", ");
  return absl::StrCat(in.empty() ? "" : "in ", all_in, in.empty() || not_in.empty() ? "" : "; ",
                      absl::StrJoin(not_in, "; "));
}

std::vector<std::string> StorePlaces::Tell(const std::optional<std::string>& local,
                                           const std::optional<std::string>& remote) const {
  std::vector<std::string> notes;
  if (places_.empty()) return notes;
  const std::string here = local.value_or(""), there = remote.value_or("");
  std::vector<bool> has_local(places_.size()), has_remote(places_.size());
  const auto tell = [&](const char* side, const std::vector<std::string>& paths,
                        std::vector<bool>* has_any) {
    for (size_t i = 0; i < std::min(paths.size(), kMostTold); ++i) {
      std::vector<bool> has;
      notes.push_back(
          absl::StrCat("the ", side, " ", Decoded(paths[i]), " is ", Whereabouts(paths[i], &has)));
      for (size_t j = 0; j < has.size(); ++j) (*has_any)[j] = (*has_any)[j] || has[j];
    }
  };
  tell("local", OnlyIn(here, there, store_directory_), &has_local);
  tell("remote", OnlyIn(there, here, store_directory_), &has_remote);
  // One that has the local one alone, and one that has the remote one alone.
  const Place* of_local = nullptr;
  const Place* of_remote = nullptr;
  for (size_t i = 0; i < places_.size(); ++i) {
    if (has_local[i] && !has_remote[i] && of_local == nullptr) of_local = &places_[i];
    if (has_remote[i] && !has_local[i] && of_remote == nullptr) of_remote = &places_[i];
  }
  if (of_local != nullptr && of_remote != nullptr) {
    notes.push_back(absl::StrCat(of_local->name, " and ", of_remote->name,
                                 " are of two pins or states of nixpkgs: build both from one "
                                 "commit (\"lre-audit check\" compares the pins)"));
  }
  // Images by name, as platforms have them: docker://lre-cc:TAG.
  for (const Place& place : places_) {
    for (const std::string& name : place.image_names) {
      const bool names_local = !name.empty() && here.ends_with(name) && !there.ends_with(name);
      const bool names_remote = !name.empty() && there.ends_with(name) && !here.ends_with(name);
      if (names_local || names_remote) {
        notes.push_back(absl::StrCat(place.name, " has the name that the ",
                                     names_local ? "local" : "remote", " build asks for"));
      }
    }
  }
  return notes;
}

}  // namespace lre_audit::explain
