#include "audit/link/tree_index.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr int kMaxSymlinks = 40;  // Linux: MAXSYMLINKS in include/linux/namei.h

// Places of one machine or one build: what is found there today is not what is there tomorrow.
bool IsBuildDirectory(std::string_view path) {
  for (std::string_view directory :
       {"/build", "/tmp", "/var/tmp", "/home", "/root", "/homeless-shelter", "/private/tmp",
        "/private/var/folders", "/var/folders", "/Users"}) {
    if (IsWithin(path, directory)) return true;
  }
  return false;
}

}  // namespace

TreeIndex::TreeIndex(const std::vector<FileFacts>& files, std::string store_directory)
    : store_directory_(std::move(store_directory)) {
  files_.reserve(files.size());
  exists_.reserve(files.size());
  exists_.insert("/");
  for (const FileFacts& file : files) {
    files_[file.path()] = &file;
    for (std::string_view path = file.path(); exists_.insert(path).second;) {
      path = DirectoryOf(path);
    }
  }
}

const FileFacts* TreeIndex::Find(std::string_view path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : found->second;
}

TreeIndex::Resolved TreeIndex::Resolve(std::string_view path) const {
  if (path.size() > 1 && path.back() == '/') {
    while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
    Resolved resolved = Resolve(path);
    // ENOTDIR
    if (!resolved.is_directory) return {std::move(resolved.path), nullptr, false, false};
    return resolved;
  }
  int hops = 0;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (path.size() < 2 || name == "." || name == "..") return Walk(path, hops);

  const std::string_view directory = DirectoryOf(path);
  auto known = directories_.find(ToAbsl(directory));
  if (known == directories_.end()) {
    Resolved resolved = Walk(directory, hops);
    known =
        directories_.emplace(std::string(directory), Directory{std::move(resolved), hops}).first;
  }
  const Resolved& base = known->second.resolved;
  hops = known->second.hops;
  std::string full = absl::StrCat(base.path == "/" ? "" : base.path, "/", ToAbsl(name));
  if (!base.exists || !base.is_directory) return {std::move(full), nullptr, false, false};
  const FileFacts* file = Find(full);
  if (file != nullptr && file->type() == FileFacts::SYMLINK) return Walk(full, hops);
  const bool exists = exists_.contains(full);
  const bool is_directory = exists && (file == nullptr || file->type() == FileFacts::DIRECTORY);
  return {std::move(full), file, exists, is_directory};
}

TreeIndex::Resolved TreeIndex::Walk(std::string_view path, int& hops) const {
  std::string rest(path);
  std::string done;  // resolved so far, "" for the root
  bool exists = true;
  size_t at = 0;
  while (at < rest.size()) {
    if (rest[at] == '/') {
      ++at;
      continue;
    }
    const size_t end = std::min(rest.find('/', at), rest.size());
    const std::string component = rest.substr(at, end - at);
    at = end;
    if (component == ".") continue;
    if (component == "..") {
      done.resize(done.empty() ? 0 : done.rfind('/'));
      continue;
    }
    absl::StrAppend(&done, "/", component);
    if (!exists) continue;  // below something missing only the text can be followed
    const FileFacts* file = Find(done);
    if (file != nullptr && file->type() == FileFacts::SYMLINK) {
      if (++hops > kMaxSymlinks) return {std::string(path), nullptr, false, false};
      const std::string tail = rest.substr(at);
      done.resize(file->target().starts_with("/") ? 0 : done.rfind('/'));
      rest = absl::StrCat(file->target(), "/", tail);
      at = 0;
      if (rest.size() > 1 << 16) return {std::string(path), nullptr, false, false};
      continue;
    }
    const bool is_directory = file == nullptr || file->type() == FileFacts::DIRECTORY;
    const bool more = rest.find_first_not_of('/', at) != std::string::npos;
    if (!exists_.contains(done) || (more && !is_directory)) exists = false;
  }
  if (done.empty()) return {"/", Find("/"), true, true};
  const FileFacts* file = exists ? Find(done) : nullptr;
  const bool is_directory = exists && (file == nullptr || file->type() == FileFacts::DIRECTORY);
  return {std::move(done), file, exists, is_directory};
}

Target TreeIndex::Lookup(std::string_view text, std::string_view base) const {
  Target target;
  if (text.empty() || (text[0] != '/' && base.empty())) {
    target.place = Target::Place::kRelative;
    target.path = std::string(text);
    return target;
  }
  const std::string path =
      text[0] == '/' ? std::string(text) : absl::StrCat(ToAbsl(base), "/", ToAbsl(text));
  Resolved resolved = Resolve(path);
  target.exists = resolved.exists;
  target.is_directory = resolved.is_directory;
  target.is_executable = resolved.file != nullptr && resolved.file->type() == FileFacts::REGULAR &&
                         (resolved.file->mode() & 0111) != 0;
  target.path = std::move(resolved.path);
  if (InStore(target.path)) {
    target.place = Target::Place::kStore;
    if (const auto store_path = nix::StorePathOf(target.path, store_directory_)) {
      target.store_path = std::string(*store_path);
      target.store_path_exists = HasStorePath(*store_path);
    }
  } else {
    target.place =
        IsBuildDirectory(target.path) ? Target::Place::kBuildDirectory : Target::Place::kOutside;
    target.escapes = InStore(path);
  }
  return target;
}

}  // namespace lre_audit
