// Decodes what a layer may be compressed with, by its first bytes, never by its media type.
// Sources: see codec.h. ISA-L streams gzip at 2-3 times zlib's speed.
#ifndef LRE_AUDIT_AUDIT_BYTES_INFLATE_H_
#define LRE_AUDIT_AUDIT_BYTES_INFLATE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"

namespace lre_audit {

enum class Compression { kEmpty, kNone, kGzip, kZstd, kXz, kBzip2, kLz4, kBrotli };
inline constexpr size_t kSniffBytes = 10;  // what SniffCompression wants to see

// `head` is the first kSniffBytes of a file, fewer where it is shorter.
Compression SniffCompression(std::string_view head);
std::string_view CompressionName(Compression compression);
// Of a name that Nix and HTTP use: "gzip", "br", "none". None for what cannot be decoded.
std::optional<Compression> CompressionNamed(std::string_view name);
inline constexpr std::string_view kCompressionNames = "xz, bzip2, zstd, gzip, br or none";

// Limits on what may come out of hostile bytes, each far above anything real.
struct DecodeLimits {
  uint64_t bytes = uint64_t{1} << 40;  // uncompressed, of one stream
  uint64_t ratio = 2000;               // uncompressed : compressed, past the first 64 MiB
  uint64_t zstd_window = uint64_t{128} << 20;
  uint64_t xz_memory = uint64_t{136} << 20;  // a dictionary of 128 MiB, and liblzma's own
};

class Codec;

// The decoded bytes of `source`: gzip with any number of members, zstd with any number of frames,
// xz or bzip2 with any number of streams, one of brotli, or the bytes as they are. Errors name the
// offset in the compressed bytes:
//   DataLoss           damaged or truncated
//   Unimplemented      a compression that is known by name only (lz4)
//   ResourceExhausted  one of the limits
// and those of `source`. Bytes after the last member or frame end the stream and are no error: see
// trailing_offset().
class Inflater : public ByteSource {
 public:
  // `source` must outlive this. `known` is the compression where something says it: the only way to
  // have brotli decoded, which nothing tells from other bytes.
  Inflater(ByteSource& source, const DecodeLimits& limits,
           std::optional<Compression> known = std::nullopt);
  ~Inflater() override;

  absl::StatusOr<std::string_view> Next() override;
  // Only once the first piece has been had.
  bool Hold(size_t pieces) override;

  Compression compression() const { return compression_; }
  uint64_t consumed() const { return consumed_; }  // compressed bytes
  uint64_t produced() const { return produced_; }
  // Offset of the first byte that belongs to no member, frame or stream.
  std::optional<uint64_t> trailing_offset() const { return trailing_offset_; }

 private:
  absl::Status Begin();
  absl::Status Refill();             // the next piece, when input_ is used up
  absl::Status Gather(size_t want);  // at least `want` bytes in input_, unless the source ends
  void Consume(size_t bytes);
  absl::StatusOr<std::string_view> NextPlain();
  absl::StatusOr<bool> BeginMember();  // false at the end of the stream
  absl::StatusOr<std::string_view> NextDecoded();
  absl::StatusOr<std::string_view> Counted(std::string_view output);
  std::string At() const;  // "at 0x... of the gzip stream"

  ByteSource& source_;
  const DecodeLimits limits_;
  const std::optional<Compression> known_;
  Compression compression_ = Compression::kEmpty;
  bool begun_ = false, source_ended_ = false, finished_ = false;
  std::string_view input_;  // in the source's piece or in joined_
  std::string joined_;      // pieces put together, where a magic number straddles them
  uint64_t consumed_ = 0, produced_ = 0;
  std::optional<uint64_t> trailing_offset_;
  std::unique_ptr<Codec> codec_;  // null where nothing is packed
  bool in_member_ = false;
  PieceBuffers output_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_BYTES_INFLATE_H_
