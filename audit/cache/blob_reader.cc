#include "audit/cache/blob_reader.h"

#include <utility>

namespace lre_audit::cache {

std::optional<std::string> BlobReader::Taken(absl::StatusOr<std::string> answer) {
  if (answer.ok()) {
    unavailable_ = 0;
    return *std::move(answer);
  }
  switch (answer.status().code()) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kResourceExhausted:
      return std::nullopt;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      ++unavailable_;
      break;
    default:
      break;
  }
  if (++failures_ == 1) first_failure_ = answer.status();
  return std::nullopt;
}

std::optional<std::string> BlobReader::Read(const BlobDigest& blob, uint64_t limit) {
  if (cache_ == nullptr || !blob.known() || unavailable_ >= kMostUnavailable) return std::nullopt;
  if (blob.size > limit) return std::nullopt;
  return Taken(cache_->ReadBlob(blob, limit));
}

std::optional<std::string> BlobReader::ReadAction(const BlobDigest& action) {
  if (cache_ == nullptr || !action.known() || unavailable_ >= kMostUnavailable) return std::nullopt;
  return Taken(cache_->ReadAction(action));
}

}  // namespace lre_audit::cache
