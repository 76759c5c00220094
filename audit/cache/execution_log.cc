#include "audit/cache/execution_log.h"

#include <algorithm>
#include <cstring>

namespace lre_audit::cache {

BlobDigest ExecutionLog::DigestOfFile(const Artifact& artifact) const {
  BlobDigest digest;
  if (artifact.damaged) return digest;
  if (artifact.length == 0) {
    // Compact logs leave out the digest of what is empty.
    return format == Format::kCompact ? DigestOf(digest_function, "") : digest;
  }
  digest.length = artifact.length;
  digest.size = artifact.size;
  std::copy_n(artifact.hash, digest.hash.size(), digest.hash.begin());
  return digest;
}

BlobDigest Spawn::LoggedDigest() const {
  BlobDigest logged;
  logged.length = digest_length;
  logged.size = digest_size;
  std::copy_n(digest, logged.hash.size(), logged.hash.begin());
  return logged;
}

std::string_view Name(ExecutionLog::Format format) {
  switch (format) {
    case ExecutionLog::Format::kJson:
      return "JSON";
    case ExecutionLog::Format::kBinary:
      return "binary";
    case ExecutionLog::Format::kCompact:
      return "compact";
  }
  return "";
}

std::vector<OutputView> Outputs(const ExecutionLog& log, const Spawn& spawn) {
  std::vector<OutputView> outputs;
  for (const uint32_t output : log.tables->lists.Get(spawn.outputs)) {
    if ((output & Spawn::kPathOnly) != 0) {
      outputs.push_back({output & ~Spawn::kPathOnly, 0});
    } else {
      outputs.push_back({log.tables->artifacts[output].path, output});
    }
  }
  return outputs;
}

const std::vector<ArtifactId>& SetWalker::Flatten(SetId set, bool* damaged) {
  artifacts_.clear();
  if (++round_ == 0) {
    seen_sets_.clear();
    seen_artifacts_.clear();
    round_ = 1;
  }
  seen_sets_.resize(log_.tables->sets.size());
  seen_artifacts_.resize(log_.tables->artifacts.size());
  // Depth is the log's to choose, so the stack is not the program's.
  struct Frame {
    SetId set;
    size_t next;
  };
  std::vector<Frame> stack;
  if (set != 0) stack.push_back({set, 0});
  while (!stack.empty()) {
    Frame& frame = stack.back();
    const InputSet& current = log_.tables->sets[frame.set];
    const std::span<const uint32_t> children = log_.tables->lists.Get(current.sets);
    if (frame.next < children.size()) {
      const SetId child = children[frame.next++];
      if (seen_sets_[child] == round_) continue;
      seen_sets_[child] = round_;
      stack.push_back({child, 0});
      continue;
    }
    for (const ArtifactId artifact : log_.tables->lists.Get(current.direct)) {
      if (seen_artifacts_[artifact] == round_) continue;
      seen_artifacts_[artifact] = round_;
      artifacts_.push_back(artifact);
    }
    if (current.damaged && damaged != nullptr) *damaged = true;
    stack.pop_back();
  }
  return artifacts_;
}

}  // namespace lre_audit::cache
