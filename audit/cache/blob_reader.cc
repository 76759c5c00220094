#include "audit/cache/blob_reader.h"

#include <utility>

namespace lre_audit::cache {

std::optional<std::string> BlobReader::Taken(absl::StatusOr<std::string> answer) {
  if (answer.ok()) return *std::move(answer);
  switch (answer.status().code()) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:  // which is told of the whole cache: BuildCaches::Troubles
      return std::nullopt;
    default:
      break;
  }
  if (++failures_ == 1) first_failure_ = answer.status();
  return std::nullopt;
}

std::optional<std::string> BlobReader::Read(const BlobDigest& blob, uint64_t limit) {
  if (cache_ == nullptr || !blob.known()) return std::nullopt;
  if (blob.size > limit) return std::nullopt;
  return Taken(cache_->ReadBlob(blob, limit));
}

std::optional<std::string> BlobReader::ReadAction(const BlobDigest& action) {
  if (cache_ == nullptr || !action.known()) return std::nullopt;
  return Taken(cache_->ReadAction(action));
}

}  // namespace lre_audit::cache
