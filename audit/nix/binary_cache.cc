#include "audit/nix/binary_cache.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

constexpr uint64_t kMaxCacheInfo = 1 << 16;
constexpr std::string_view kSuffix = ".narinfo";

// About one file, not about the cache as a whole: the rest goes on.
bool IsAboutOneFile(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsDataLoss(status) || absl::IsNotFound(status) ||
         absl::IsResourceExhausted(status);
}

// Runs work(0) .. work(count - 1) on up to `threads` threads, in this one if that is one.
template <typename Work>
void ForEach(size_t count, int threads, const Work& work) {
  std::atomic<size_t> next = 0;
  const auto run = [&] {
    for (size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < std::min<size_t>(count, threads); ++i) others.emplace_back(run);
  run();
  for (std::thread& thread : others) thread.join();
}

}  // namespace

absl::StatusOr<std::unique_ptr<BinaryCache>> BinaryCache::Open(std::unique_ptr<CacheFiles> files) {
  std::unique_ptr<BinaryCache> cache(new BinaryCache(std::move(files)));
  LRE_RETURN_IF_ERROR(cache->ReadCacheInfo());
  return cache;
}

absl::Status BinaryCache::ReadCacheInfo() {
  const absl::StatusOr<std::string> text = files_->Read("nix-cache-info", kMaxCacheInfo);
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(
        absl::StrCat(Escaped(location()),
                     " is no binary cache: it has no nix-cache-info; nix copy --to makes one"));
  }
  if (!text.ok()) {
    return absl::Status(text.status().code(), absl::StrCat("binary cache ", Escaped(location()),
                                                           ": ", text.status().message()));
  }
  store_directory_ = kDefaultStoreDirectory;
  constexpr std::string_view kStoreDir = "StoreDir:";
  if (!text->empty() && text->find(':') == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("binary cache ", Escaped(location()), ": nix-cache-info begins with \"",
                     Escaped(text->substr(0, 60)),
                     "\", expected lines such as StoreDir: ", ToAbsl(kDefaultStoreDirectory)));
  }
  for (std::string_view rest = *text; !rest.empty();) {
    const size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (!line.starts_with(kStoreDir)) continue;
    store_directory_ = ToStd(absl::StripAsciiWhitespace(ToAbsl(line.substr(kStoreDir.size()))));
    if (!store_directory_.starts_with('/')) {
      return absl::InvalidArgumentError(
          absl::StrCat("binary cache ", Escaped(location()), ": nix-cache-info: StoreDir \"",
                       Escaped(store_directory_), "\" is no absolute path"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<NarInfo> BinaryCache::Fetch(const std::string& path) const {
  const std::string_view base_name = std::string_view(path).substr(path.rfind('/') + 1);
  const absl::StatusOr<BaseName> name = ParseBaseName(base_name);
  if (!name.ok() || path.size() != store_directory_.size() + 1 + base_name.size() ||
      !path.starts_with(store_directory_)) {
    return absl::NotFoundError(
        absl::StrCat(Escaped(path), " is no path of the store ", Escaped(store_directory_)));
  }
  const std::string file = absl::StrCat(ToAbsl(name->hash), ToAbsl(kSuffix));
  LRE_ASSIGN_OR_RETURN(const std::string text, files_->Read(file, kMaxNarInfo));
  absl::StatusOr<NarInfo> info = ParseNarInfo(text);
  if (!info.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": ", info.status().message()));
  }
  if (info->entry.path != path) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": describes ",
                                                   Escaped(info->entry.path.substr(0, 300)),
                                                   ", expected ", Escaped(path)));
  }
  info->entry.where = file;
  return info;
}

absl::StatusOr<NarInfo> BinaryCache::Find(const std::string& path) const {
  {
    const absl::MutexLock lock(&mutex_);
    if (const auto known = known_.find(path); known != known_.end()) return known->second;
  }
  absl::StatusOr<NarInfo> info = Fetch(path);
  if (!info.ok()) return info;
  const absl::MutexLock lock(&mutex_);
  return known_.try_emplace(path, *std::move(info)).first->second;
}

absl::StatusOr<std::unique_ptr<ByteSource>> BinaryCache::OpenNar(const NarInfo& info) const {
  return files_->Open(info.url, info.file_size);
}

absl::StatusOr<Closure> BinaryCache::All() const {
  LRE_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_->ListNarInfos());
  ClosureBuilder closure(location());
  closure.set_format("binary cache");
  closure.set_store_directory(store_directory_);
  closure.set_records_signatures();
  for (const std::string& name : names) {
    absl::StatusOr<std::string> text = files_->Read(name, kMaxNarInfo);
    absl::StatusOr<NarInfo> info =
        text.ok() ? ParseNarInfo(*text) : absl::StatusOr<NarInfo>(text.status());
    if (!info.ok()) {
      closure.Problem(Escaped(name), ToStd(info.status().message()));
      continue;
    }
    info->entry.where = Escaped(name);
    const std::string base_name = info->entry.path.substr(info->entry.path.rfind('/') + 1);
    if (base_name.substr(0, kHashLength) != name.substr(0, name.size() - kSuffix.size())) {
      closure.Problem(info->entry.where,
                      absl::StrCat("describes ", Escaped(info->entry.path.substr(0, 300)),
                                   ", whose hash is not that of its name"));
      continue;
    }
    ClosureBuilder::Entry entry = info->entry;
    {
      const absl::MutexLock lock(&mutex_);
      known_.try_emplace(entry.path, *std::move(info));
    }
    closure.Add(std::move(entry));
  }
  return std::move(closure).Finish();
}

absl::StatusOr<Closure> BinaryCache::Reach(const std::vector<std::string>& roots,
                                           bool must_know) const {
  ClosureBuilder closure(location());
  closure.set_format("binary cache");
  closure.set_store_directory(store_directory_);
  closure.set_records_signatures();
  // Breadth first: all paths of one distance are asked for side by side.
  std::set<std::string> seen(roots.begin(), roots.end());
  std::vector<std::string> level(seen.begin(), seen.end());
  for (bool are_roots = true; !level.empty(); are_roots = false) {
    std::vector<absl::StatusOr<NarInfo>> found(level.size(), absl::UnknownError(""));
    ForEach(level.size(), files_->concurrency(), [&](size_t i) { found[i] = Find(level[i]); });
    std::set<std::string> next;
    for (size_t i = 0; i < level.size(); ++i) {
      const absl::Status& status = found[i].status();
      if (absl::IsNotFound(status)) {
        if (!must_know || !are_roots) continue;
        return absl::InvalidArgumentError(
            absl::StrCat("\"", Escaped(level[i]), "\" is not in ", Escaped(location())));
      }
      if (!status.ok() && !IsAboutOneFile(status)) {
        return absl::Status(status.code(), absl::StrCat("binary cache ", Escaped(location()), ": ",
                                                        status.message()));
      }
      if (!status.ok()) {
        closure.Problem("", ToStd(status.message()));
        continue;
      }
      for (const std::string& reference : found[i]->entry.references) {
        if (seen.insert(reference).second) next.insert(reference);
      }
      closure.Add(std::move(found[i]->entry));
    }
    level.assign(next.begin(), next.end());
  }
  return std::move(closure).Finish();
}

absl::StatusOr<Closure> BinaryCache::ClosureOf(const std::vector<std::string>& roots) const {
  return Reach(roots, /*must_know=*/true);
}

absl::StatusOr<Closure> BinaryCache::ClosureOfKnown(const std::vector<std::string>& roots) const {
  return Reach(roots, /*must_know=*/false);
}

bool IsBinaryCache(const std::string& source) {
  return IsCacheUrl(source) || IsCacheDirectory(source);
}

absl::StatusOr<std::unique_ptr<BinaryCache>> OpenBinaryCache(const std::string& source) {
  LRE_ASSIGN_OR_RETURN(std::unique_ptr<CacheFiles> files,
                       IsCacheUrl(source) ? OpenCacheUrl(source) : OpenCacheDirectory(source));
  return BinaryCache::Open(std::move(files));
}

}  // namespace lre_audit::nix
