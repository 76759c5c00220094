// The input root: REAPI's tree of Directory messages.
// Source: remote_execution.proto, "Directory" (canonical form); Bazel's MerkleTree.java.
#ifndef LRE_AUDIT_AUDIT_CACHE_MERKLE_TREE_H_
#define LRE_AUDIT_AUDIT_CACHE_MERKLE_TREE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/cache/digest_function.h"
#include "audit/cache/spawn_parts.h"

namespace lre_audit::cache {

// A field that is a Digest message.
void WriteDigest(uint32_t number, const BlobDigest& digest, std::string* out);

// One Directory message in canonical form. Nodes of each kind are added in the order of their
// names; marked ones have the node property bazel_tool_input.
class DirectoryMessage {
 public:
  void AddFile(std::string_view name, const BlobDigest& digest, bool is_marked);
  void AddSymlink(std::string_view name, std::string_view target, bool is_marked);
  void AddDirectory(std::string_view name, const BlobDigest& digest);
  std::string Finish() const;

 private:
  std::string files_, directories_, symlinks_;  // encoded fields
};

struct MerkleOptions {
  DigestFunction function = DigestFunction::kSha256;
  bool mark_tools = false;  // the node property bazel_tool_input
  std::string prefix;       // a directory that all inputs lie in; empty: the root
};

// Digest of the root of `inputs` and of the empty directories `directories` (paths). Where a
// directory and another entry have the same path, the directory is left out.
// FailedPrecondition: an input has no digest, or stands where another has a directory; names it.
// `messages`, if not null, receives each Directory message by its digest's hex.
absl::StatusOr<BlobDigest> MerkleRoot(const Inputs& inputs,
                                      const std::vector<std::string>& directories,
                                      const MerkleOptions& options,
                                      std::map<std::string, std::string>* messages = nullptr);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_MERKLE_TREE_H_
