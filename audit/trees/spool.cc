#include "audit/trees/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/trees/tar_reader.h"
#include "audit/trees/tree.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// A file that nobody else can find and that is gone when it is closed.
absl::StatusOr<std::shared_ptr<FileHandle>> OpenSpool() {
  const char* named = getenv("TMPDIR");
  const std::string directory = named == nullptr || *named == '\0' ? "/tmp" : named;
  int fd = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    std::string path = directory + "/lre-audit.XXXXXX";
    fd = mkostemp(path.data(), O_CLOEXEC);
    if (fd >= 0) unlink(path.c_str());
  }
  if (fd >= 0) return std::make_shared<FileHandle>(fd);
  return absl::UnavailableError(absl::StrCat(Escaped(directory), ": ", strerror(errno),
                                             "; the image is kept there while it is audited, and "
                                             "TMPDIR names another directory"));
}

absl::Status WriteAll(int fd, std::string_view piece) {
  while (!piece.empty()) {
    const ssize_t written = write(fd, piece.data(), piece.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      return absl::UnavailableError(absl::StrCat(
          "the image does not fit into TMPDIR: ", strerror(errno), "; name a larger directory"));
    }
    piece.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// Follows an archive from header to header, to know where it ends. Whoever reads the file
// afterwards says what is wrong with it.
class EndFinder : private EntrySink {
 public:
  EndFinder() : reader_("", TarReader::Flavour::kArchive, TreeLimits(), *this, problems_) {}

  void Update(std::string_view piece) {
    while (!piece.empty() && !reader_.done()) {
      const uint64_t skippable = std::min<uint64_t>(reader_.skippable(), piece.size());
      const size_t used = skippable > 0 ? skippable : std::min(piece.size(), kTarBlock);
      if (skippable > 0) {
        reader_.Skip(used);
      } else {
        reader_.Push(piece.substr(0, used));
      }
      piece.remove_prefix(used);
    }
    behind_ += piece.size();
    problems_.clear();
  }
  uint64_t behind() const {
    return behind_;
  }  // bytes behind the end, or what is no archive any more

 private:
  void BeginEntry(const Entry& /*entry*/) override {}
  void Data(std::string_view /*piece*/) override {}
  void EndEntry(bool /*complete*/) override {}

  std::vector<Problem> problems_;
  TarReader reader_;
  uint64_t behind_ = 0;
};

}  // namespace

absl::StatusOr<Spooled> Spool(ByteSource& stream, const SpoolLimits& limits) {
  Spooled spooled;
  LRE_ASSIGN_OR_RETURN(spooled.file, OpenSpool());
  EndFinder end;
  absl::Time first = absl::InfiniteFuture();
  const auto exceeds = [&](const std::string& what) {
    spooled.broke = absl::ResourceExhaustedError(what);
    return spooled;
  };
  while (true) {
    const absl::StatusOr<std::string_view> piece = stream.Next();
    if (!piece.ok()) spooled.broke = piece.status();
    if (!piece.ok() || piece->empty()) return spooled;
    if (piece->size() > limits.bytes - spooled.size) {
      return exceeds(absl::StrCat("more than the limit of ", limits.bytes, " bytes are sent"));
    }
    LRE_RETURN_IF_ERROR(WriteAll(spooled.file->fd(), *piece));
    spooled.size += piece->size();
    end.Update(*piece);
    if (end.behind() > limits.bytes_behind_end) {
      return exceeds(absl::StrCat("more than ", limits.bytes_behind_end,
                                  " bytes are sent behind the end of the archive, at ",
                                  Hex(spooled.size - end.behind())));
    }
    const absl::Time now = limits.now();
    first = std::min(first, now);
    const absl::Duration passed = now - first;
    if (passed > limits.grace &&
        static_cast<double>(spooled.size) <
            static_cast<double>(limits.bytes_per_second) * absl::ToDoubleSeconds(passed)) {
      return exceeds(absl::StrCat(spooled.size, " bytes were sent in ",
                                  absl::FormatDuration(passed), ", less than ",
                                  limits.bytes_per_second, " a second"));
    }
  }
}

}  // namespace lre_audit
