#include "audit/bytes/inflate.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;

constexpr size_t kOutputBytes = kPieceBytes;
// Small files compress to any ratio without harm.
constexpr uint64_t kRatioFreeBytes = uint64_t{64} << 20;

bool IsGzip(std::string_view head) { return head.starts_with("\x1f\x8b\x08"sv); }

// A zstd frame, or one of the skippable frames 0x184D2A50 .. 5F.
bool IsZstd(std::string_view head) {
  return head.starts_with("\x28\xb5\x2f\xfd"sv) ||
         (head.size() >= 4 && (static_cast<unsigned char>(head[0]) & 0xf0) == 0x50 &&
          head.substr(1, 3) == "\x2a\x4d\x18"sv);
}

std::string_view IsalMessage(int code) {
  switch (code) {
    case ISAL_INVALID_BLOCK:
      return "invalid deflate block";
    case ISAL_INVALID_SYMBOL:
      return "invalid deflate symbol";
    case ISAL_INVALID_LOOKBACK:
      return "deflate distance reaches before the start";
    case ISAL_INVALID_WRAPPER:
      return "invalid gzip header";
    case ISAL_UNSUPPORTED_METHOD:
      return "gzip method is not deflate";
    case ISAL_INCORRECT_CHECKSUM:
      return "CRC-32 or length in the gzip trailer does not match";
    default:
      return "damaged deflate data";
  }
}

}  // namespace

Compression SniffCompression(std::string_view head) {
  if (head.empty()) return Compression::kEmpty;
  if (IsGzip(head)) return Compression::kGzip;
  if (IsZstd(head)) return Compression::kZstd;
  if (head.starts_with("\xfd\x37\x7a\x58\x5a\x00"sv)) return Compression::kXz;
  // The block magic too: "BZh9" alone may be a file name at the start of a tar.
  if (head.starts_with("BZh") && head.substr(4).starts_with("1AY&SY")) return Compression::kBzip2;
  if (head.starts_with("\x04\x22\x4d\x18"sv)) return Compression::kLz4;
  return Compression::kNone;
}

std::string_view CompressionName(Compression compression) {
  switch (compression) {
    case Compression::kEmpty:
      return "empty";
    case Compression::kNone:
      return "uncompressed";
    case Compression::kGzip:
      return "gzip";
    case Compression::kZstd:
      return "zstd";
    case Compression::kXz:
      return "xz";
    case Compression::kBzip2:
      return "bzip2";
    case Compression::kLz4:
      return "lz4";
  }
  return "unknown";
}

struct Inflater::Gzip {
  inflate_state state;
  bool in_member = false;
};

struct Inflater::Zstd {
  ZSTD_DStream* stream = ZSTD_createDStream();
  bool in_frame = false;
  bool any_frame = false;  // a frame has been decoded to its end
  Zstd() = default;
  ~Zstd() { ZSTD_freeDStream(stream); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
};

Inflater::Inflater(ByteSource& source, const DecodeLimits& limits)
    : source_(source), limits_(limits) {}
Inflater::~Inflater() = default;

std::string Inflater::At() const {
  return absl::StrCat("at ", Hex(consumed_), " of the ", ToAbsl(CompressionName(compression_)),
                      " stream");
}

absl::Status Inflater::Refill() {
  if (!input_.empty() || source_ended_) return absl::OkStatus();
  LRE_ASSIGN_OR_RETURN(input_, source_.Next());
  source_ended_ = input_.empty();
  return absl::OkStatus();
}

absl::Status Inflater::Gather(size_t want) {
  while (input_.size() < want && !source_ended_) {
    std::string joined(input_);
    LRE_ASSIGN_OR_RETURN(std::string_view piece, source_.Next());
    source_ended_ = piece.empty();
    if (joined.empty()) {
      input_ = piece;
      continue;
    }
    joined.append(piece);
    joined_ = std::move(joined);
    input_ = joined_;
  }
  return absl::OkStatus();
}

void Inflater::Consume(size_t bytes) {
  input_.remove_prefix(bytes);
  consumed_ += bytes;
}

absl::Status Inflater::Begin() {
  LRE_RETURN_IF_ERROR(Gather(kSniffBytes));
  compression_ = SniffCompression(input_.substr(0, kSniffBytes));
  switch (compression_) {
    case Compression::kEmpty:
    case Compression::kNone:
      break;
    case Compression::kGzip:
      gzip_ = std::make_unique<Gzip>();
      output_.reset(new char[kOutputBytes]);
      break;
    case Compression::kZstd:
      zstd_ = std::make_unique<Zstd>();
      ZSTD_initDStream(zstd_->stream);
      ZSTD_DCtx_setParameter(zstd_->stream, ZSTD_d_windowLogMax,
                             static_cast<int>(std::bit_width(limits_.zstd_window) - 1));
      output_.reset(new char[kOutputBytes]);
      break;
    case Compression::kXz:
    case Compression::kBzip2:
    case Compression::kLz4:
      return absl::UnimplementedError(
          absl::StrCat(ToAbsl(CompressionName(compression_)),
                       " compression is not supported; expected gzip, zstd or none"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> Inflater::Next() {
  if (finished_) return std::string_view();
  if (!begun_) {
    begun_ = true;
    LRE_RETURN_IF_ERROR(Begin());
  }
  switch (compression_) {
    case Compression::kGzip:
      return NextGzip();
    case Compression::kZstd:
      return NextZstd();
    default:
      return NextPlain();
  }
}

// The output, or what limit it exceeds.
absl::StatusOr<std::string_view> Inflater::Counted(size_t bytes) {
  produced_ += bytes;
  if (produced_ > limits_.bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("more than ", limits_.bytes, " uncompressed bytes ", At()));
  }
  if (produced_ > kRatioFreeBytes && produced_ / limits_.ratio > consumed_) {
    return absl::ResourceExhaustedError(absl::StrCat(produced_, " bytes from ", consumed_,
                                                     " compressed ones, more than ", limits_.ratio,
                                                     " times as many, ", At()));
  }
  return std::string_view(output_.get(), bytes);
}

absl::StatusOr<std::string_view> Inflater::NextPlain() {
  LRE_RETURN_IF_ERROR(Refill());
  const std::string_view piece = input_;
  Consume(piece.size());
  produced_ += piece.size();
  if (produced_ > limits_.bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("more than ", limits_.bytes, " bytes ", At()));
  }
  return piece;
}

absl::StatusOr<std::string_view> Inflater::NextGzip() {
  inflate_state& state = gzip_->state;
  while (true) {
    if (!gzip_->in_member) {
      LRE_RETURN_IF_ERROR(Gather(3));
      if (input_.empty()) {
        finished_ = true;
        return std::string_view();
      }
      if (!IsGzip(input_)) {
        trailing_offset_ = consumed_;
        finished_ = true;
        return std::string_view();
      }
      isal_inflate_init(&state);
      state.crc_flag = ISAL_GZIP;
      gzip_->in_member = true;
    }
    LRE_RETURN_IF_ERROR(Refill());
    state.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(input_.data()));
    state.avail_in = static_cast<uint32_t>(input_.size());
    state.next_out = reinterpret_cast<uint8_t*>(output_.get());
    state.avail_out = kOutputBytes;
    const int code = isal_inflate(&state);
    const size_t used = input_.size() - state.avail_in;
    const size_t made = kOutputBytes - state.avail_out;
    Consume(used);
    if (code < 0) {
      return absl::DataLossError(absl::StrCat(ToAbsl(IsalMessage(code)), " ", At()));
    }
    // The trailer counts: without the FINISH state it has not been seen and checked.
    if (state.block_state == ISAL_BLOCK_FINISH) {
      gzip_->in_member = false;
    } else if (made == 0 && source_ended_) {
      return absl::DataLossError(absl::StrCat("truncated ", At()));
    }
    if (made > 0) return Counted(made);
  }
}

absl::StatusOr<std::string_view> Inflater::NextZstd() {
  while (true) {
    LRE_RETURN_IF_ERROR(zstd_->in_frame ? Refill() : Gather(4));
    if (!zstd_->in_frame) {
      if (input_.empty()) {
        finished_ = true;
        return std::string_view();
      }
      if (zstd_->any_frame && !IsZstd(input_)) {
        trailing_offset_ = consumed_;
        finished_ = true;
        return std::string_view();
      }
      zstd_->in_frame = true;
    }
    ZSTD_inBuffer in{input_.data(), input_.size(), 0};
    ZSTD_outBuffer out{output_.get(), kOutputBytes, 0};
    const size_t code = ZSTD_decompressStream(zstd_->stream, &out, &in);
    Consume(in.pos);
    if (ZSTD_isError(code)) {
      if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge) {
        return absl::ResourceExhaustedError(absl::StrCat("zstd window is larger than the limit of ",
                                                         limits_.zstd_window, " bytes ", At()));
      }
      return absl::DataLossError(absl::StrCat(ZSTD_getErrorName(code), " ", At()));
    }
    if (code == 0) {
      zstd_->in_frame = false;
      zstd_->any_frame = true;
    } else if (out.pos == 0 && source_ended_) {
      return absl::DataLossError(absl::StrCat("truncated ", At()));
    }
    if (out.pos > 0) return Counted(out.pos);
  }
}

}  // namespace lre_audit
