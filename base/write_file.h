// Writing a whole file where the user asked for it, and nowhere else.
#ifndef LRE_AUDIT_BASE_WRITE_FILE_H_
#define LRE_AUDIT_BASE_WRITE_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace lre_audit {

// Replaces the file at `path`, what a symlink there leads to, by `content` at once: readers see the
// old or the new one. Pipes, devices and what is open as /dev/... are appended to. Errors are
// Unavailable, "cannot write 'PATH': ...".
absl::Status WriteFile(const std::string& path, std::string_view content);

// The same for a file that must not be there yet: else AlreadyExists, and nothing is changed.
absl::Status CreateFile(const std::string& path, std::string_view content);

// Writes all of `content` to an open file and closes it, whatever happens; the first error as errno
// has it, 0 if all is well.
int WriteAndClose(int fd, std::string_view content);

}  // namespace lre_audit

#endif  // LRE_AUDIT_BASE_WRITE_FILE_H_
