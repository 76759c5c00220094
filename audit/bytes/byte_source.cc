#include "audit/bytes/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {

FileHandle::~FileHandle() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<std::shared_ptr<FileHandle>> OpenRegularFile(int directory, const std::string& path,
                                                            uint64_t* size, int flags) {
  struct stat status;
  const int at_flags = (flags & O_NOFOLLOW) != 0 ? AT_SYMLINK_NOFOLLOW : 0;
  if (fstatat(directory, path.c_str(), &status, at_flags) != 0) {
    const int error = errno;
    const std::string message = absl::StrCat(Escaped(path), ": ", strerror(error));
    return error == ENOENT || error == ENOTDIR ? absl::NotFoundError(message)
                                               : absl::UnavailableError(message);
  }
  if (!S_ISREG(status.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(Escaped(path), ": not a regular file",
                     S_ISFIFO(status.st_mode)
                         ? " but a pipe, which can be read only once; save it to a file first"
                         : ""));
  }
  // O_NONBLOCK: should a fifo have taken its place meanwhile, the open does not wait for a writer.
  const int fd = openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
  if (fd < 0) {
    return absl::UnavailableError(absl::StrCat(Escaped(path), ": ", strerror(errno)));
  }
  auto handle = std::make_shared<FileHandle>(fd);
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    return absl::UnavailableError(absl::StrCat(Escaped(path), ": changed while it was opened"));
  }
  posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  *size = static_cast<uint64_t>(status.st_size);
  return handle;
}

absl::StatusOr<std::shared_ptr<FileHandle>> OpenDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) return std::make_shared<FileHandle>(fd);
  const int error = errno;
  const std::string message = absl::StrCat(Escaped(path), ": ", strerror(error));
  return error == ENOENT || error == ENOTDIR ? absl::NotFoundError(message)
                                             : absl::UnavailableError(message);
}

char* PieceBuffers::Next() {
  last_ = (last_ + 1) % ring_.size();
  if (ring_[last_] == nullptr) ring_[last_].reset(new char[kPieceBytes]);
  return ring_[last_].get();
}

FileSource::FileSource(std::shared_ptr<FileHandle> file, uint64_t offset, uint64_t size)
    : file_(std::move(file)), offset_(offset), end_(offset + size) {}

absl::StatusOr<std::string_view> FileSource::Next() {
  if (offset_ >= end_) return std::string_view();
  char* const buffer = buffers_.Next();
  const size_t want = static_cast<size_t>(std::min<uint64_t>(kPieceBytes, end_ - offset_));
  ssize_t got;
  do {
    got = pread(file_->fd(), buffer, want, static_cast<off_t>(offset_));
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    return absl::UnavailableError(absl::StrCat("read at ", Hex(offset_), ": ", strerror(errno)));
  }
  if (got == 0) {
    return absl::DataLossError(
        absl::StrCat("the file ends at ", Hex(offset_), ", expected to end at ", Hex(end_)));
  }
  offset_ += static_cast<uint64_t>(got);
  return std::string_view(buffer, static_cast<size_t>(got));
}

absl::Status FileSource::Skip(uint64_t bytes) {
  offset_ += std::min(bytes, end_ - std::min(offset_, end_));
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> StringSource::Next() {
  if (done_) return std::string_view();
  done_ = true;
  return std::string_view(bytes_);
}

absl::StatusOr<std::string_view> WindowSource::Next() {
  while (left_ > 0) {
    LRE_ASSIGN_OR_RETURN(std::string_view piece, source_->Next());
    if (piece.empty()) {
      return absl::DataLossError(
          absl::StrCat("the archive ends ", skip_ + left_, " bytes before the end of a member"));
    }
    const size_t skipped = static_cast<size_t>(std::min<uint64_t>(skip_, piece.size()));
    skip_ -= skipped;
    piece.remove_prefix(skipped);
    if (piece.empty()) continue;
    piece = piece.substr(0, static_cast<size_t>(std::min<uint64_t>(left_, piece.size())));
    left_ -= piece.size();
    return piece;
  }
  return std::string_view();
}

absl::StatusOr<std::string> ReadAll(ByteSource& source, uint64_t limit) {
  std::string all;
  while (true) {
    LRE_ASSIGN_OR_RETURN(std::string_view piece, source.Next());
    if (piece.empty()) return all;
    if (piece.size() > limit - all.size()) {
      return absl::ResourceExhaustedError(
          absl::StrCat("longer than the limit of ", limit, " bytes"));
    }
    all.append(piece);
  }
}

}  // namespace lre_audit
