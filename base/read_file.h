// Reading a whole file, with a limit: for inputs that are small by their nature.
#ifndef LRE_AUDIT_BASE_READ_FILE_H_
#define LRE_AUDIT_BASE_READ_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace lre_audit {

// All of the file or pipe at `path`. The system's error as a status whose message does not name the
// path; ResourceExhausted for more than `limit` bytes.
absl::StatusOr<std::string> ReadFile(const std::string& path, uint64_t limit);

}  // namespace lre_audit

#endif  // LRE_AUDIT_BASE_READ_FILE_H_
