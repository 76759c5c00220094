// The archive that a stored layer was unpacked from, put together again: containers/storage and
// Docker keep all of it but the files' contents, which are taken from where they were unpacked.
// Source: github.com/vbatts/tar-split, tar/storage/entry.go and tar/asm/assemble.go.
#ifndef LRE_AUDIT_AUDIT_TREES_TAR_SPLIT_H_
#define LRE_AUDIT_AUDIT_TREES_TAR_SPLIT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"

namespace lre_audit {

// Holds one line of the description and one piece of a file at a time. Errors of Next():
//   InvalidArgument     the description is none, or asks for what it may not
//   FailedPrecondition  a file is missing, is no regular file, or has another size
// and those of `description`. Nothing outside `files` is opened.
class TarSplitSource : public ByteSource {
 public:
  // `description` is the tar-split JSON, uncompressed; `files` the directory of the unpacked files.
  TarSplitSource(ByteSource& description, std::shared_ptr<FileHandle> files)
      : description_(description), files_(std::move(files)) {}
  absl::StatusOr<std::string_view> Next() override;

 private:
  // The next line into line_; false at the end.
  absl::StatusOr<bool> ReadLine();
  absl::Status BeginFile(const std::string& name, uint64_t size);
  absl::StatusOr<std::shared_ptr<FileHandle>> DirectoryOf(std::string_view path);
  std::string At() const;  // "line 3 of the tar-split"

  ByteSource& description_;
  const std::shared_ptr<FileHandle> files_;
  std::string_view input_;  // of description_, not yet split into lines
  std::string line_, payload_, file_name_;
  uint64_t line_number_ = 0;
  std::unique_ptr<FileSource> file_;
  std::string directory_path_;  // the last one, which most files share with the one before
  std::shared_ptr<FileHandle> directory_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_TAR_SPLIT_H_
