// Bytes that are pulled piece by piece: a file, a window of one, what a decoder makes of another
// source. Layers flow through a chain of these and are never held in memory.
#ifndef LRE_AUDIT_AUDIT_BYTES_BYTE_SOURCE_H_
#define LRE_AUDIT_AUDIT_BYTES_BYTE_SOURCE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace lre_audit {

// Small enough to stay in the second-level cache between the hash and the decoder, large enough
// for the system call not to count.
inline constexpr size_t kPieceBytes = 256 << 10;

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // The next bytes, valid until the next call; empty at the end. No call may follow an error.
  virtual absl::StatusOr<std::string_view> Next() = 0;
  // Passes over `bytes` without reading them. Unimplemented where that cannot be done; the source
  // is then where it was.
  virtual absl::Status Skip(uint64_t /*bytes*/) {
    return absl::UnimplementedError("the bytes would have to be read");
  }
  // Asks that each further piece stay valid until `pieces` more have been had, rather than one.
  // False where the source cannot: its reader makes copies then.
  virtual bool Hold(size_t /*pieces*/) { return false; }
};

// Buffers of kPieceBytes that a source writes its pieces to in turn.
class PieceBuffers {
 public:
  // As ByteSource::Hold.
  void Hold(size_t pieces) { ring_.resize(std::max(ring_.size(), pieces)); }
  // The one for the next piece: another than the last `pieces` - 1.
  char* Next();

 private:
  std::vector<std::unique_ptr<char[]>> ring_ = std::vector<std::unique_ptr<char[]>>(1);
  size_t last_ = 0;
};

// An open file descriptor, closed at the end. Shared by the sources that read from it.
class FileHandle {
 public:
  explicit FileHandle(int fd) : fd_(fd) {}
  ~FileHandle();
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// Opens the regular file `path` relative to `directory` (AT_FDCWD for the working directory).
// Anything else (a fifo, a device) is refused without being opened. `size` receives its size.
// `flags` of open(2) besides those that are always set: O_NOFOLLOW.
absl::StatusOr<std::shared_ptr<FileHandle>> OpenRegularFile(int directory, const std::string& path,
                                                            uint64_t* size, int flags = 0);

// Opens a directory to find files relative to it. NotFound where there is none.
absl::StatusOr<std::shared_ptr<FileHandle>> OpenDirectory(const std::string& path);

// Bytes [offset, offset + size) of a file, read with pread(2): any number of sources may share one
// handle. DataLoss where the file ends early.
class FileSource : public ByteSource {
 public:
  FileSource(std::shared_ptr<FileHandle> file, uint64_t offset, uint64_t size);
  absl::StatusOr<std::string_view> Next() override;
  absl::Status Skip(uint64_t bytes) override;
  bool Hold(size_t pieces) override {
    buffers_.Hold(pieces);
    return true;
  }

 private:
  std::shared_ptr<FileHandle> file_;
  uint64_t offset_, end_;
  PieceBuffers buffers_;
};

// Bytes already in memory.
class StringSource : public ByteSource {
 public:
  explicit StringSource(std::string bytes) : bytes_(std::move(bytes)) {}
  absl::StatusOr<std::string_view> Next() override;
  bool Hold(size_t) override { return true; }

 private:
  std::string bytes_;
  bool done_ = false;
};

// Bytes [offset, offset + size) of another source, which is read from its start.
class WindowSource : public ByteSource {
 public:
  WindowSource(std::unique_ptr<ByteSource> source, uint64_t offset, uint64_t size)
      : source_(std::move(source)), skip_(offset), left_(size) {}
  absl::StatusOr<std::string_view> Next() override;
  bool Hold(size_t pieces) override { return source_->Hold(pieces); }

 private:
  std::unique_ptr<ByteSource> source_;
  uint64_t skip_, left_;
};

// All of `source`; ResourceExhausted when it is longer than `limit` bytes.
absl::StatusOr<std::string> ReadAll(ByteSource& source, uint64_t limit);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_BYTES_BYTE_SOURCE_H_
