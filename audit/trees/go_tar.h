// The headers that Go's archive/tar writes, byte for byte: what container tools written in Go make
// of a file, so that a layer's digest can be had without writing the layer.
// Source: Go src/archive/tar/writer.go, format.go, common.go (1.10 and later), with
// Header.Format left open, which drops access and change times.
#ifndef LRE_AUDIT_AUDIT_TREES_GO_TAR_H_
#define LRE_AUDIT_AUDIT_TREES_GO_TAR_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace lre_audit {

struct GoTarHeader {
  std::string_view name;    // as it is written: "/nix/store", no slash behind a directory's
  char type = '0';          // '0' regular file, '2' symbolic link, '5' directory
  std::string_view target;  // of a symbolic link
  int64_t mode = 0;
  int64_t uid = 0, gid = 0;
  std::string_view user = "root", group = "root";
  int64_t size = 0;   // of a regular file's contents
  int64_t mtime = 0;  // seconds, not negative
};

// Appends the header blocks: USTAR where the fields have room for everything, else a PAX extended
// header before it. InvalidArgument, and nothing appended, for what archive/tar refuses (a NUL in a
// name) and for a mode that only GNU's format could hold, which is not written here.
absl::Status AppendGoTarHeader(const GoTarHeader& header, std::string* out);

// path.Clean and filepath.Clean: "/a/c" of "/a//b/../c/", "." of "".
std::string GoCleanPath(std::string_view path);

// Zeros between the contents of a file of `size` bytes and the next header.
size_t GoTarPadding(uint64_t size);

// Zeros at the end of the archive.
inline constexpr size_t kGoTarEnd = 1024;

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_GO_TAR_H_
