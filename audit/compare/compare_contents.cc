#include "audit/compare/compare_contents.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "audit/compare/compare_files.h"
#include "audit/compare/content_index.h"
#include "audit/nix/path_store.h"
#include "audit/trees/nar_tree.h"
#include "base/paths.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// What LRE603 says of the first file: the change's name, and what a reader would ask next.
std::string HowOf(const Change& change) {
  if (change.what() == "presence") return change.b().empty() ? "only local" : "only in the image";
  std::string how = change.what();
  if (change.what() == "contents") {
    absl::StrAppend(&how, change.line() > 0
                              ? absl::StrCat(" at line ", change.line())
                              : absl::StrCat(" at ", Hex(static_cast<uint64_t>(change.offset()))));
  }
  absl::StrAppend(&how, ": local \"", change.a(), "\", image \"", change.b(), "\"");
  return how;
}

absl::StatusOr<std::unique_ptr<Tree>> OpenLocal(const std::string& source,
                                                const std::vector<std::string>& store_paths) {
  const std::string directory(DirectoryOf(store_paths.front()));
  if (const auto root = nix::StoreRootOf(source)) return OpenStore(*root, directory, store_paths);
  LRE_ASSIGN_OR_RETURN(const std::shared_ptr<const nix::PathStore> store,
                       nix::OpenPathStore(source));
  return OpenStoreContents(source, store, directory, store_paths);
}

}  // namespace

absl::StatusOr<std::vector<ContentDifference>> CompareContents(
    const Tree& image, const std::vector<LinkedStorePath>& paths, const std::string& source,
    int jobs) {
  std::vector<std::string> store_paths;
  std::map<std::string_view, ContentDifference> by_path;
  for (const LinkedStorePath& path : paths) {
    if (path.nar_hash.empty() || path.recorded_hash.empty() ||
        path.nar_hash == path.recorded_hash) {
      continue;
    }
    store_paths.push_back(path.path);
    ContentDifference& difference = by_path[path.path];
    difference.path = path.path;
    difference.image = image.reference();
    difference.image_hash = path.nar_hash;
    difference.local_hash = path.recorded_hash;
  }
  std::vector<ContentDifference> differences;
  if (store_paths.empty()) return differences;

  LRE_ASSIGN_OR_RETURN(const std::unique_ptr<Tree> local, OpenLocal(source, store_paths));
  const size_t store_directory = DirectoryOf(store_paths.front()).size();
  const auto store_path_of = [&](std::string_view path) {
    return path.substr(0, path.find('/', std::min(path.size(), store_directory + 1)));
  };
  IndexOptions options;
  options.wanted = [&](std::string_view path) { return by_path.contains(store_path_of(path)); };
  options.jobs = jobs;
  const ContentIndex in_local = ReadContentIndex(*local, options);
  const ContentIndex in_image = ReadContentIndex(image, options);

  for (const FileDifference& file :
       CompareFiles({local.get(), &in_local}, {&image, &in_image}, jobs)) {
    ContentDifference& difference = by_path[store_path_of(file.path())];
    // Modes that a NAR does not keep are not why the hashes differ.
    const Change& change = *file.changes().rbegin();
    if (!difference.how.empty() || change.what() == "mode") continue;
    difference.first_file = file.path();
    difference.how = HowOf(change);
  }
  for (auto& [path, difference] : by_path) {
    difference.local = local->reference();
    if (difference.how.empty()) {
      difference.how = "the local files are those of the image; what the store records is wrong";
    }
    differences.push_back(std::move(difference));
  }
  return differences;
}

}  // namespace lre_audit
