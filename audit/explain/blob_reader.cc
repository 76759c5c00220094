#include "audit/explain/blob_reader.h"

#include <utility>

namespace lre_audit::explain {
namespace {

std::optional<std::string> Found(absl::StatusOr<std::string> answer) {
  return answer.ok() ? std::optional(*std::move(answer)) : std::nullopt;
}

}  // namespace

std::optional<std::string> BlobReader::Read(const cache::BlobDigest& blob, uint64_t limit) {
  if (cache_ == nullptr || !blob.known()) return std::nullopt;
  if (blob.size > limit) return std::nullopt;
  return Found(cache_->ReadBlob(blob, limit));
}

std::optional<std::string> BlobReader::ReadAction(const cache::BlobDigest& action) {
  if (cache_ == nullptr || !action.known()) return std::nullopt;
  return Found(cache_->ReadAction(action));
}

}  // namespace lre_audit::explain
