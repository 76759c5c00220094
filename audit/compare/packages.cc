#include "audit/compare/packages.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/paths.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// Outputs that nixpkgs' packages have, besides "out", which leaves no mark in the name.
constexpr std::string_view kOutputs[] = {"bin",     "data",   "debug",  "dev",      "devdoc",
                                         "devman",  "dist",   "doc",    "getent",   "info",
                                         "lib",     "libgcc", "man",    "modules",  "pam",
                                         "plugins", "python", "static", "terminfo", "tools"};

// Of a store path's name (Nix src/libstore/path.cc).
constexpr std::string_view kNameCharacters =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-._?=";

struct Held {
  std::string version, path;
  uint64_t size = 0;
};

struct Versions {
  std::vector<Held> a, b;
};

PackageDifference MakeDifference(const std::string& name, std::optional<Held> a,
                                 std::optional<Held> b) {
  PackageDifference difference;
  difference.set_name(name);
  difference.set_kind(!a                         ? PackageDifference::ADDED
                      : !b                       ? PackageDifference::GONE
                      : a->version == b->version ? PackageDifference::REBUILT
                                                 : PackageDifference::UPDATED);
  if (a) {
    difference.set_version_a(a->version);
    difference.set_path_a(a->path);
    difference.set_nar_size_a(static_cast<double>(a->size));
  }
  if (b) {
    difference.set_version_b(b->version);
    difference.set_path_b(b->path);
    difference.set_nar_size_b(static_cast<double>(b->size));
  }
  return difference;
}

// Takes the pairs of equal versions out of both lists, which are sorted by version.
std::vector<std::pair<Held, Held>> TakeEqualVersions(Versions& versions) {
  std::vector<std::pair<Held, Held>> pairs;
  for (auto in_a = versions.a.begin(); in_a != versions.a.end();) {
    const auto in_b = std::find_if(versions.b.begin(), versions.b.end(),
                                   [&](const Held& held) { return held.version == in_a->version; });
    if (in_b == versions.b.end()) {
      ++in_a;
      continue;
    }
    pairs.emplace_back(std::move(*in_a), std::move(*in_b));
    in_a = versions.a.erase(in_a);
    versions.b.erase(in_b);
  }
  return pairs;
}

void Collect(const SizedPaths& paths, const SizedPaths& others, std::vector<Held> Versions::*side,
             std::map<std::string, Versions>* packages) {
  for (const auto& [path, size] : paths) {
    if (others.contains(path)) continue;
    Package package = PackageOf(path);
    ((*packages)[package.name].*side).push_back({std::move(package.version), path, size});
  }
}

}  // namespace

Package PackageOf(std::string_view store_path) {
  const std::string_view full = nix::PackageName(store_path);
  size_t dash = full.find('-');
  while (dash != std::string_view::npos && dash + 1 < full.size() &&
         absl::ascii_isalpha(static_cast<unsigned char>(full[dash + 1]))) {
    dash = full.find('-', dash + 1);
  }
  if (dash == std::string_view::npos) return {std::string(full), ""};
  std::string name(full.substr(0, dash));
  std::string_view version = full.substr(dash + 1);
  const size_t last = version.rfind('-');
  if (last != std::string_view::npos) {
    const std::string_view output = version.substr(last + 1);
    if (std::find(std::begin(kOutputs), std::end(kOutputs), output) != std::end(kOutputs)) {
      absl::StrAppend(&name, "-", ToAbsl(output));
      version = version.substr(0, last);
    }
  }
  return {std::move(name), std::string(version)};
}

std::string_view BaseNameAt(std::string_view text) {
  return text.substr(0, text.find_first_not_of(kNameCharacters));
}

std::vector<std::string_view> StorePathsIn(std::string_view text,
                                           std::string_view store_directory) {
  std::vector<std::string_view> paths;
  for (size_t at = text.find(store_directory); at != std::string_view::npos;
       at = text.find(store_directory, at + 1)) {
    const size_t name = std::min(at + store_directory.size() + 1, text.size());
    const std::string_view path = text.substr(at, name - at + BaseNameAt(text.substr(name)).size());
    if (nix::StorePathOf(path, store_directory) == path) paths.push_back(path);
  }
  return paths;
}

PackageMoves::PackageMoves(const google::protobuf::RepeatedPtrField<PackageDifference>& packages) {
  for (const PackageDifference& package : packages) {
    if (package.path_a().empty() || package.path_b().empty()) continue;
    prefix_ = absl::StrCat(ToAbsl(DirectoryOf(package.path_a())), "/");
    moves_[package.path_a()] = {package.path_b(), package.version_a(), package.version_b()};
  }
}

bool PackageMoves::Explain(std::string_view a, std::string_view b) const {
  if (moves_.empty()) return false;
  std::string moved;
  const Move* last = nullptr;
  while (!a.empty()) {
    // What stands before the next store path, with the version of the one before it.
    const std::string_view before = a.substr(0, a.find(prefix_));
    if (last == nullptr || last->version_a.empty()) {
      moved += before;
    } else {
      moved += absl::StrReplaceAll(ToAbsl(before), {{last->version_a, last->version_b}});
    }
    a.remove_prefix(before.size());
    if (a.empty()) break;
    const size_t end = prefix_.size() + BaseNameAt(a.substr(prefix_.size())).size();
    const auto move = moves_.find(a.substr(0, end));
    last = move == moves_.end() ? nullptr : &move->second;
    moved += last == nullptr ? a.substr(0, end) : last->path;
    a.remove_prefix(end);
  }
  return moved == b;
}

std::vector<PackageDifference> ComparePackages(const SizedPaths& a, const SizedPaths& b) {
  std::map<std::string, Versions> packages;
  Collect(a, b, &Versions::a, &packages);
  Collect(b, a, &Versions::b, &packages);

  std::vector<PackageDifference> differences;
  for (auto& [name, versions] : packages) {
    for (std::vector<Held>* side : {&versions.a, &versions.b}) {
      std::stable_sort(side->begin(), side->end(),
                       [](const Held& x, const Held& y) { return x.version < y.version; });
    }
    for (auto& [in_a, in_b] : TakeEqualVersions(versions)) {
      differences.push_back(MakeDifference(name, std::move(in_a), std::move(in_b)));
    }
    const size_t most = std::max(versions.a.size(), versions.b.size());
    const auto at = [](std::vector<Held>& side, size_t i) {
      return i < side.size() ? std::optional<Held>(std::move(side[i])) : std::nullopt;
    };
    for (size_t i = 0; i < most; ++i) {
      differences.push_back(MakeDifference(name, at(versions.a, i), at(versions.b, i)));
    }
  }
  return differences;
}

}  // namespace lre_audit
