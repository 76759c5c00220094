#include "audit/facts/facts_cache.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/bytes/sha256.h"
#include "audit/facts/kept_file.h"
#include "audit/facts/upkeep.h"
#include "base/text.h"

namespace lre_audit {
namespace {

std::string HashOf(std::string_view text) {
  Sha256 hash;
  hash.Update(text);
  return hash.FinishHex();
}

}  // namespace

FactsCache::FactsCache(FactsCacheOptions options)
    : options_(std::move(options)), version_(HashOf(options_.version)) {}

FactsCache::~FactsCache() {
  if (!kept_ || !directory_) return;
  const absl::StatusOr<CacheChange> pruned = PruneCache(*directory_, options_.max_bytes);
  if (!pruned.ok()) options_.on_note(std::string(pruned.status().message()));
}

std::string FactsCache::KeyOf(std::initializer_list<std::string_view> fields) const {
  Sha256 hash;
  hash.Update(version_);
  for (const std::string_view field : fields) {
    hash.Update(absl::StrCat(field.size(), ":"));
    hash.Update(field);
  }
  return hash.FinishHex();
}

const CacheDirectory* FactsCache::Directory(bool create) {
  absl::MutexLock lock(&mutex_);
  if (directory_) return &*directory_;
  if (refused_) return nullptr;
  absl::StatusOr<CacheDirectory> opened = CacheDirectory::Open(options_.directory, create);
  if (opened.ok()) return &directory_.emplace(*std::move(opened));
  if (absl::IsNotFound(opened.status()) && !create) return nullptr;
  refused_ = true;
  options_.on_note(absl::StrCat("no facts are kept: ", opened.status().message()));
  return nullptr;
}

std::optional<std::string> FactsCache::Find(const std::string& key) {
  const CacheDirectory* directory = Directory(/*create=*/false);
  if (directory == nullptr) return std::nullopt;
  const absl::StatusOr<std::string> file =
      directory->Read(KeptFileName(key), kMostKeptBytes + kKeptHeaderBytes, /*use=*/true);
  if (!file.ok()) {
    if (!absl::IsNotFound(file.status())) Drop(key, ToStd(file.status().message()));
    return std::nullopt;
  }
  absl::StatusOr<std::string> facts = DecodeKept(*file, {version_, key});
  if (facts.ok()) return *std::move(facts);
  Drop(key, ToStd(facts.status().message()));
  return std::nullopt;
}

void FactsCache::Drop(const std::string& key, std::string_view why) {
  options_.on_note(absl::StrCat("dropped ", KeptFileName(key), ": ", ToAbsl(why)));
  const CacheDirectory* directory = Directory(/*create=*/false);
  if (directory != nullptr) directory->Remove(KeptFileName(key));
}

void FactsCache::Keep(const std::string& key, std::string_view facts) {
  if (full_) return;
  const absl::StatusOr<std::string> file = EncodeKept({version_, key}, facts);
  absl::Status status = file.status();
  if (file.ok() && file->size() > options_.max_bytes) {
    status = absl::ResourceExhaustedError(absl::StrCat(
        "facts of ", file->size(), " bytes are more than the limit of ", options_.max_bytes));
  } else if (file.ok()) {
    const CacheDirectory* directory = Directory(/*create=*/true);
    if (directory == nullptr) return;
    status = directory->Write(KeptFileName(key), *file);
    (status.ok() ? kept_ : full_) = true;
  }
  if (!status.ok()) options_.on_note(absl::StrCat("not kept: ", status.message()));
}

}  // namespace lre_audit
