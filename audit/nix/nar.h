// The Nix archive (NAR) of a store path, hashed while its files stream by.
// Source: Nix doc/manual "Nix Archive (NAR) format", src/libutil/archive.cc.
#ifndef LRE_AUDIT_AUDIT_NIX_NAR_H_
#define LRE_AUDIT_AUDIT_NIX_NAR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lre_audit::nix {

// Compares two paths relative to a store path as a NAR orders them: component by component,
// bytewise.
bool NarLess(std::string_view a, std::string_view b);

// Hashes one store path, given its entries in NAR order. A directory comes before what it holds.
// Every call but the constructor's fails with FailedPrecondition when the entry is out of order,
// and the object is of no further use then (the caller sorts, and asks again). As final are
// DataLoss, for contents of another size than announced, and InvalidArgument, for a name that no
// NAR can hold.
class NarHasher {
 public:
  NarHasher();
  ~NarHasher();
  NarHasher(NarHasher&&) noexcept;
  NarHasher& operator=(NarHasher&&) noexcept;

  // `path` is relative to the store path, "" for the store path itself.
  absl::Status Directory(std::string_view path);
  absl::Status Symlink(std::string_view path, std::string_view target);
  // Announces a regular file of exactly `size` bytes, whose contents follow in Data() calls.
  absl::Status Regular(std::string_view path, bool executable, uint64_t size);
  absl::Status Data(std::string_view piece);

  struct Result {
    std::string hash;   // "sha256:<hex>"
    uint64_t size = 0;  // of the NAR, bytes
  };
  absl::StatusOr<Result> Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_NAR_H_
