// A tar archive that comes in a stream, once, kept in a file without a name so that it can be read
// as any archive is.
#ifndef LRE_AUDIT_AUDIT_TREES_SPOOL_H_
#define LRE_AUDIT_AUDIT_TREES_SPOOL_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "audit/bytes/byte_source.h"

namespace lre_audit {

// A stream need not end. Each far above any image, or far below any sender that works.
struct SpoolLimits {
  uint64_t bytes = uint64_t{64} << 30;
  uint64_t bytes_behind_end = 1 << 20;  // of the archive: tar fills its last record, of 10 KiB
  // On an average, once `grace` has passed since the first byte: it comes from this machine.
  uint64_t bytes_per_second = 1 << 20;
  absl::Duration grace = absl::Minutes(2);
  std::function<absl::Time()> now = absl::Now;
};

struct Spooled {
  std::shared_ptr<FileHandle> file;
  uint64_t size = 0;
  // Why there is not more, where that is not the end of the stream: the stream's own error, or
  // ResourceExhausted for a limit.
  absl::Status broke;
};

// Unavailable where $TMPDIR cannot take it, with what to do.
absl::StatusOr<Spooled> Spool(ByteSource& stream, const SpoolLimits& limits = {});

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_SPOOL_H_
