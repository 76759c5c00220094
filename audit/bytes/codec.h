// One decoder for each compression that Inflater knows, behind one interface: a stream is a row of
// members (gzip), frames (zstd) or streams (xz, bzip2), called members here.
// Sources: RFC 1952 (gzip), RFC 8878 (zstd), "The .xz File Format" 1.1.0, bzip2's manual, RFC 7932
// (brotli).
#ifndef LRE_AUDIT_AUDIT_BYTES_CODEC_H_
#define LRE_AUDIT_AUDIT_BYTES_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "audit/bytes/inflate.h"

namespace lre_audit {

class Codec {
 public:
  virtual ~Codec() = default;

  // How many bytes Begins() wants to see, and whether a member begins with them.
  virtual size_t magic_bytes() const = 0;
  virtual bool Begins(std::string_view head) const = 0;
  // Whether these four bytes between or after members mean nothing.
  virtual bool IsPadding(std::string_view /*four*/) const { return false; }

  // Prepares for a member.
  virtual absl::Status Begin() = 0;

  struct Step {
    size_t used = 0, made = 0;  // bytes of input and of output
    bool ended = false;         // the member has ended, and its checksums are right
    absl::Status status;        // DataLoss, ResourceExhausted, Unimplemented; without a place
  };
  virtual Step Decode(std::string_view input, char* output, size_t output_size) = 0;
};

// Null where there is none: nothing is packed, or the compression is known by name only.
std::unique_ptr<Codec> MakeCodec(Compression compression, const DecodeLimits& limits);

// Bare deflate data (RFC 1951), as in a ZIP archive: one member, which nothing tells from other
// bytes, with no checksum.
std::unique_ptr<Codec> MakeDeflateCodec();

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_BYTES_CODEC_H_
