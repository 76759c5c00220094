#include "audit/explain/blob_reader.h"

#include <utility>

namespace lre_audit::explain {
namespace {

std::optional<std::string> Found(absl::StatusOr<std::string> answer) {
  return answer.ok() ? std::optional(*std::move(answer)) : std::nullopt;
}

std::vector<std::optional<std::string>> Found(std::vector<absl::StatusOr<std::string>> answers) {
  std::vector<std::optional<std::string>> found;
  found.reserve(answers.size());
  for (absl::StatusOr<std::string>& answer : answers) found.push_back(Found(std::move(answer)));
  return found;
}

}  // namespace

std::optional<std::string> BlobReader::Read(const cache::BlobDigest& blob, uint64_t limit) {
  if (cache_ == nullptr || !blob.known()) return std::nullopt;
  if (blob.size > limit) return std::nullopt;
  return Found(cache_->ReadBlob(blob, limit));
}

std::vector<std::optional<std::string>> BlobReader::ReadAll(
    const std::vector<cache::BlobDigest>& blobs, uint64_t limit) {
  if (cache_ == nullptr) return std::vector<std::optional<std::string>>(blobs.size());
  return Found(cache_->ReadBlobs(blobs, limit));
}

std::vector<std::optional<std::string>> BlobReader::ReadActions(
    const std::vector<cache::BlobDigest>& actions) {
  if (cache_ == nullptr) return std::vector<std::optional<std::string>>(actions.size());
  return Found(cache_->ReadActions(actions));
}

}  // namespace lre_audit::explain
