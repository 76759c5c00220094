// Nix's serialisation, read from a stream: numbers of eight bytes, strings padded to eight.
// Source: Nix doc/manual "Nix Archive (NAR) format"; src/libutil/serialise.cc.
#ifndef LRE_AUDIT_AUDIT_NIX_STREAM_READER_H_
#define LRE_AUDIT_AUDIT_NIX_STREAM_READER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"
#include "audit/bytes/sha256.h"

namespace lre_audit::nix {

// Errors are DataLoss and name the offset ("at 0x..."), or those of the source.
class StreamReader {
 public:
  // `source` must outlive this.
  explicit StreamReader(ByteSource& source) : source_(source) {}

  uint64_t offset() const { return offset_; }
  // What is read from here on is hashed too; null ends that. The caller owns `tap`.
  void set_tap(Sha256* tap) { tap_ = tap; }

  absl::StatusOr<bool> AtEnd();
  // Between one and `most` bytes, valid until the next call. The stream must not end here.
  absl::StatusOr<std::string_view> Take(uint64_t most);
  absl::StatusOr<uint64_t> Number();
  // A string of at most `limit` bytes; `what` it is, for messages.
  absl::StatusOr<std::string> String(uint64_t limit, std::string_view what);
  // The zeros behind a string of `length` bytes.
  absl::Status Padding(uint64_t length);

  absl::Status Malformed(uint64_t at, std::string_view what) const;

 private:
  absl::Status Fill();
  absl::Status Read(char* out, size_t size);

  ByteSource& source_;
  std::string_view piece_;
  uint64_t offset_ = 0;
  bool ended_ = false;
  Sha256* tap_ = nullptr;
};

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_STREAM_READER_H_
