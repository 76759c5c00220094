// What the contents of blobs add to causes: which arguments of a parameter file differ, and what in
// outputs and inputs does.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_BLOB_CAUSES_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_BLOB_CAUSES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/cache/spawn_parts.h"
#include "audit/explain/blob_reader.h"
#include "audit/explain/differences.h"
#include "audit/explain/naming.h"

namespace lre_audit::explain {

// The arguments in a parameter file, one a line; quotes around a line, as shells write them, are
// taken off.
std::vector<std::string> ReadParamFile(std::string_view text);

class BlobCauses {
 public:
  // Pairs of blobs that are compared; what is beyond is told by its digests alone.
  static constexpr uint64_t kMostCompared = 1000;

  // What is given must outlive this.
  BlobCauses(BlobReader& blobs, const NamingOptions& naming) : blobs_(blobs), naming_(naming) {}

  // Of an input that differs and is a parameter file of `local`: the causes by which its arguments
  // differ. Empty where it is none, or not both sides can be read.
  std::vector<NamedCause> NameParamFile(const Difference& difference,
                                        const cache::SpawnParts& local);

  // Adds what differs in an input. One that names a path of one machine becomes LRE712, unless it
  // is a file of the workspace, which somebody wrote.
  void TellInput(const Difference& difference, NamedCause* cause);

  // Adds what differs in the first of `outputs`, which the spawns made under one key.
  void TellOutputs(const std::vector<std::string>& outputs, const cache::SpawnParts& local,
                   const cache::SpawnParts& remote, NamedCause* cause);

 private:
  bool MayCompare() const { return blobs_.has_cache() && compared_ < kMostCompared; }

  BlobReader& blobs_;
  const NamingOptions& naming_;
  uint64_t compared_ = 0;
};

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_BLOB_CAUSES_H_
