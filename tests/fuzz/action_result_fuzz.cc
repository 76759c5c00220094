// What action caches have: ActionResult messages, and the Tree messages that they name.
#include "audit/cache/action_result.h"

#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  const absl::StatusOr<cache::ResultBlobs> blobs = cache::BlobsOfResult(input);
  if (blobs.ok()) {
    // Each takes bytes of the message.
    if (blobs->files.size() + blobs->trees.size() + blobs->outputs.size() > 2 * input.size() + 2) {
      Wrong("blobs that are not in the message");
    }
    for (const std::string& path : blobs->outputs) cache::OutputOfResult(input, path);
  }
  const absl::StatusOr<std::vector<cache::BlobDigest>> files = cache::FilesOfTree(input);
  if (files.ok() && files->size() > input.size()) Wrong("files that are not in the tree");
}

}  // namespace lre_audit::fuzz
