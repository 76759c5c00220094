#include "base/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace lre_audit {

absl::StatusOr<std::string> ReadFile(const std::string& path, uint64_t limit) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, "cannot open");
  const absl::Cleanup close_file = [fd] { close(fd); };
  std::string text;
  for (;;) {
    constexpr size_t kPiece = 64 << 10;
    const size_t size = text.size();
    if (size > limit) {
      return absl::ResourceExhaustedError(
          absl::StrCat("larger than the limit of ", limit, " bytes"));
    }
    // Doubling keeps the copying linear.
    text.resize(size + std::max(kPiece, size));
    const ssize_t n = read(fd, text.data() + size, text.size() - size);
    const int error = errno;
    text.resize(size + std::max<ssize_t>(n, 0));
    if (n == 0) return text;
    if (n < 0 && error != EINTR) return absl::ErrnoToStatus(error, "cannot read");
  }
}

}  // namespace lre_audit
