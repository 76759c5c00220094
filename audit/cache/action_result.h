// ActionResult messages: what an entry of an action cache names.
// Source: remote_execution.proto.
#ifndef LRE_AUDIT_AUDIT_CACHE_ACTION_RESULT_H_
#define LRE_AUDIT_AUDIT_CACHE_ACTION_RESULT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/cache/digest_function.h"

namespace lre_audit::cache {

// Blobs without which a result is no use. Empty ones are left out, for they need not be kept.
struct ResultBlobs {
  std::vector<BlobDigest> files;     // outputs, and what the action printed
  std::vector<BlobDigest> trees;     // Tree messages: directories; each once
  std::vector<std::string> outputs;  // paths, of whatever kind: relative to the working directory
};

// DataLoss where the bytes are no ActionResult, or one that names what is no digest.
absl::StatusOr<ResultBlobs> BlobsOfResult(std::string_view action_result);

// The digest of the output file at `path`; unknown where the result has none.
BlobDigest OutputOfResult(std::string_view action_result, std::string_view path);

// The files of a Tree message. DataLoss where it is none.
absl::StatusOr<std::vector<BlobDigest>> FilesOfTree(std::string_view tree);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_ACTION_RESULT_H_
