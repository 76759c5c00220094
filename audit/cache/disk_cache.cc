#include "audit/cache/disk_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "audit/bytes/byte_source.h"
#include "audit/cache/action_result.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

bool IsDirectory(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

// Not ReadFile(), which would wait for somebody to write into a pipe.
absl::StatusOr<std::string> ReadEntry(const std::string& path, uint64_t limit) {
  uint64_t size = 0;
  LRE_ASSIGN_OR_RETURN(auto file, OpenRegularFile(AT_FDCWD, path, &size));
  FileSource source(std::move(file), 0, size);
  return ReadAll(source, limit);
}

}  // namespace

absl::StatusOr<DiskCache> DiskCache::Open(const std::string& path, DigestFunction function) {
  // BLAKE3 has a directory of its own; SHA-256 and SHA-1 have none.
  std::string root = path;
  const std::string own = absl::StrCat(path, "/", absl::AsciiStrToLower(ToAbsl(Name(function))));
  if (function != DigestFunction::kSha256 && IsDirectory(own)) root = own;
  if (struct stat status;
      stat((root + "/ac").c_str(), &status) != 0 && errno != ENOENT && errno != ENOTDIR) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", Escaped(root), "/ac' cannot be looked into: ", strerror(errno)));
  }
  if (!IsDirectory(root + "/ac")) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", Escaped(path), "' is no directory of --disk_cache: it has no directory \"ac\"",
        IsDirectory(path) ? ""
                          : ", for it is no directory; remote caches begin with grpc://, grpcs://, "
                            "http:// or https://"));
  }
  return DiskCache(std::move(root), function);
}

std::string DiskCache::PathOf(const char* kind, const BlobDigest& digest) const {
  const std::string hex = digest.Hex();
  return absl::StrCat(root_, "/", kind, "/", hex.substr(0, 2), "/", hex);
}

absl::StatusOr<bool> DiskCache::Contains(const BlobDigest& action) {
  const absl::StatusOr<std::string> result = ReadAction(action);
  if (absl::IsNotFound(result.status())) return false;
  LRE_RETURN_IF_ERROR(result.status());
  if (const absl::Status parsed = BlobsOfResult(*result).status(); !parsed.ok()) {
    return absl::DataLossError(
        absl::StrCat("'", Escaped(PathOf("ac", action)), "': ", parsed.message()));
  }
  return true;
}

absl::StatusOr<std::string> DiskCache::ReadAction(const BlobDigest& action) {
  return ReadEntry(PathOf("ac", action), kMaxActionResult);
}

absl::StatusOr<std::string> DiskCache::ReadBlob(const BlobDigest& blob, uint64_t limit) {
  if (blob.size > limit) {
    return absl::ResourceExhaustedError(
        absl::StrCat("blob ", blob.ToString(), " is larger than ", limit, " bytes"));
  }
  // The empty blob need not be there.
  if (blob == DigestOf(function_, "")) return std::string();
  LRE_ASSIGN_OR_RETURN(std::string contents, ReadEntry(PathOf("cas", blob), limit));
  const BlobDigest found = DigestOf(function_, contents);
  if (found.hash != blob.hash) {
    return absl::DataLossError(absl::StrCat("the cache's blob ", blob.Hex(),
                                            " has other contents: their hash is ", found.Hex()));
  }
  return contents;
}

absl::StatusOr<std::vector<BlobDigest>> DiskCache::FindMissing(
    const std::vector<BlobDigest>& blobs) {
  std::vector<BlobDigest> missing;
  for (const BlobDigest& blob : blobs) {
    const std::string path = PathOf("cas", blob);
    struct stat status;
    if (stat(path.c_str(), &status) == 0) {
      // Bazel refuses what is cut off.
      const bool is_whole = S_ISREG(status.st_mode) &&
                            static_cast<uint64_t>(status.st_size) == blob.size &&
                            access(path.c_str(), R_OK) == 0;
      if (!is_whole) missing.push_back(blob);
      continue;
    }
    if (errno != ENOENT && errno != ENOTDIR) {
      return absl::UnavailableError(
          absl::StrCat("cannot look into '", Escaped(path), "': ", strerror(errno)));
    }
    missing.push_back(blob);
  }
  return missing;
}

absl::StatusOr<std::vector<std::string>> DiskCache::Actions() const {
  std::vector<std::string> hashes;
  const size_t digits = HashBytes(function_) * 2;
  std::error_code error;
  auto entry = std::filesystem::recursive_directory_iterator(root_ + "/ac", error);
  for (; !error && entry != std::filesystem::recursive_directory_iterator();
       entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (name.size() == digits && entry->is_regular_file(error)) hashes.push_back(std::move(name));
  }
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot read '", Escaped(root_), "/ac': ", error.message()));
  }
  std::sort(hashes.begin(), hashes.end());
  return hashes;
}

}  // namespace lre_audit::cache
