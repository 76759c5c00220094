#include "audit/bytes/codec.h"

#include <brotli/decode.h>
#include <bzlib.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit {
namespace {

absl::Status Damaged(std::string_view what) { return absl::DataLossError(ToAbsl(what)); }

class GzipCodec : public Codec {
 public:
  // ISAL_GZIP, or ISAL_DEFLATE for the bare data.
  explicit GzipCodec(uint32_t wrapper) : wrapper_(wrapper) {}

  size_t magic_bytes() const override { return 3; }
  bool Begins(std::string_view head) const override {
    return SniffCompression(head) == Compression::kGzip;
  }

  absl::Status Begin() override {
    isal_inflate_init(&state_);
    state_.crc_flag = wrapper_;
    isal_gzip_header_init(&header_);
    return absl::OkStatus();
  }

  Step Decode(std::string_view input, char* output, size_t output_size) override {
    state_.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(input.data()));
    state_.avail_in = static_cast<uint32_t>(input.size());
    state_.next_out = reinterpret_cast<uint8_t*>(output);
    state_.avail_out = static_cast<uint32_t>(output_size);
    // isal_inflate() forgets a header that ends in another piece (intel/isa-l issue 224).
    int code = ISAL_DECOMP_OK;
    if (wrapper_ == ISAL_GZIP && !state_.wrapper_flag) {
      code = isal_read_gzip_header(&state_, &header_);
    }
    if (code == ISAL_DECOMP_OK) code = isal_inflate(&state_);
    Step step;
    // At a distance that reaches before the start, ISA-L 2.30 counts more as read than there is.
    step.used = state_.avail_in > input.size() ? input.size() : input.size() - state_.avail_in;
    step.made = state_.avail_out > output_size ? 0 : output_size - state_.avail_out;
    if (code < 0) step.status = Damaged(Message(code));
    // The trailer counts: without the FINISH state it has not been seen and checked.
    step.ended = state_.block_state == ISAL_BLOCK_FINISH;
    return step;
  }

 private:
  static std::string_view Message(int code) {
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

  const uint32_t wrapper_;
  inflate_state state_;
  isal_gzip_header header_;
};

class ZstdCodec : public Codec {
 public:
  explicit ZstdCodec(uint64_t window) : window_(window), stream_(ZSTD_createDStream()) {
    ZSTD_initDStream(stream_);
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax,
                           static_cast<int>(std::bit_width(window) - 1));
  }
  ~ZstdCodec() override { ZSTD_freeDStream(stream_); }
  ZstdCodec(const ZstdCodec&) = delete;
  ZstdCodec& operator=(const ZstdCodec&) = delete;

  size_t magic_bytes() const override { return 4; }
  bool Begins(std::string_view head) const override {
    return SniffCompression(head) == Compression::kZstd;
  }
  absl::Status Begin() override { return absl::OkStatus(); }  // the stream goes on by itself

  Step Decode(std::string_view input, char* output, size_t output_size) override {
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output, output_size, 0};
    const size_t code = ZSTD_decompressStream(stream_, &out, &in);
    Step step{in.pos, out.pos, code == 0, absl::OkStatus()};
    if (!ZSTD_isError(code)) return step;
    const bool too_large = ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge;
    step.status = too_large ? absl::ResourceExhaustedError(absl::StrCat(
                                  "zstd window is larger than the limit of ", window_, " bytes"))
                            : Damaged(ZSTD_getErrorName(code));
    return step;
  }

 private:
  const uint64_t window_;
  ZSTD_DStream* stream_;
};

class XzCodec : public Codec {
 public:
  explicit XzCodec(uint64_t memory) : memory_(memory) {}
  ~XzCodec() override { lzma_end(&stream_); }
  XzCodec(const XzCodec&) = delete;
  XzCodec& operator=(const XzCodec&) = delete;

  size_t magic_bytes() const override { return 6; }
  bool Begins(std::string_view head) const override {
    return SniffCompression(head) == Compression::kXz;
  }
  bool IsPadding(std::string_view four) const override {
    return four == std::string_view("\0\0\0\0", 4);
  }

  absl::Status Begin() override {
    // A check that is not known could not be checked, and would pass.
    const lzma_ret code = lzma_stream_decoder(&stream_, memory_, LZMA_TELL_UNSUPPORTED_CHECK);
    return code == LZMA_OK ? absl::OkStatus() : ErrorOf(code);
  }

  Step Decode(std::string_view input, char* output, size_t output_size) override {
    stream_.next_in = reinterpret_cast<const uint8_t*>(input.data());
    stream_.avail_in = input.size();
    stream_.next_out = reinterpret_cast<uint8_t*>(output);
    stream_.avail_out = output_size;
    const lzma_ret code = lzma_code(&stream_, LZMA_RUN);
    Step step;
    step.used = input.size() - stream_.avail_in;
    step.made = output_size - stream_.avail_out;
    step.ended = code == LZMA_STREAM_END;
    // LZMA_BUF_ERROR: a call had nothing to work with.
    if (code != LZMA_OK && code != LZMA_STREAM_END && code != LZMA_BUF_ERROR) {
      step.status = ErrorOf(code);
    }
    return step;
  }

 private:
  absl::Status ErrorOf(lzma_ret code) {
    switch (code) {
      case LZMA_MEM_ERROR:
        return absl::ResourceExhaustedError("no memory for the xz dictionary");
      case LZMA_MEMLIMIT_ERROR:
        return absl::ResourceExhaustedError(
            absl::StrCat("the xz dictionary needs ", lzma_memusage(&stream_),
                         " bytes of memory, and the limit is ", memory_));
      case LZMA_UNSUPPORTED_CHECK:
        return absl::UnimplementedError("a kind of xz check that is not supported");
      case LZMA_OPTIONS_ERROR:
        return absl::UnimplementedError("xz options that are not supported");
      case LZMA_FORMAT_ERROR:
        return Damaged("invalid xz header");
      default:
        return Damaged("damaged xz data");
    }
  }

  const uint64_t memory_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
};

class Bzip2Codec : public Codec {
 public:
  ~Bzip2Codec() override { End(); }
  Bzip2Codec() = default;
  Bzip2Codec(const Bzip2Codec&) = delete;
  Bzip2Codec& operator=(const Bzip2Codec&) = delete;

  size_t magic_bytes() const override { return 10; }
  bool Begins(std::string_view head) const override {
    return SniffCompression(head) == Compression::kBzip2;
  }

  absl::Status Begin() override {
    End();
    if (BZ2_bzDecompressInit(&stream_, /*verbosity=*/0, /*small=*/0) != BZ_OK) {
      return absl::ResourceExhaustedError("no memory for bzip2");
    }
    begun_ = true;
    return absl::OkStatus();
  }

  Step Decode(std::string_view input, char* output, size_t output_size) override {
    stream_.next_in = const_cast<char*>(input.data());
    stream_.avail_in =
        static_cast<unsigned>(std::min<size_t>(input.size(), std::numeric_limits<unsigned>::max()));
    const size_t given = stream_.avail_in;
    stream_.next_out = output;
    stream_.avail_out = static_cast<unsigned>(output_size);
    const int code = BZ2_bzDecompress(&stream_);
    Step step;
    step.used = given - stream_.avail_in;
    step.made = output_size - stream_.avail_out;
    step.ended = code == BZ_STREAM_END;
    if (code != BZ_OK && code != BZ_STREAM_END) {
      step.status = code == BZ_MEM_ERROR ? absl::ResourceExhaustedError("no memory for bzip2")
                    : code == BZ_DATA_ERROR_MAGIC
                        ? Damaged("invalid bzip2 header")
                        : Damaged("damaged bzip2 data, or its CRC does not match");
    }
    return step;
  }

 private:
  void End() {
    if (begun_) BZ2_bzDecompressEnd(&stream_);
    begun_ = false;
    stream_ = {};
  }

  bz_stream stream_ = {};
  bool begun_ = false;
};

class BrotliCodec : public Codec {
 public:
  ~BrotliCodec() override { BrotliDecoderDestroyInstance(state_); }
  BrotliCodec() = default;
  BrotliCodec(const BrotliCodec&) = delete;
  BrotliCodec& operator=(const BrotliCodec&) = delete;

  size_t magic_bytes() const override { return 1; }
  bool Begins(std::string_view /*head*/) const override { return false; }  // one stream, no more

  absl::Status Begin() override {
    BrotliDecoderDestroyInstance(state_);
    // Windows of up to 16 MiB: larger ones are an extension that has to be asked for.
    state_ = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
    return state_ == nullptr ? absl::ResourceExhaustedError("no memory for brotli")
                             : absl::OkStatus();
  }

  Step Decode(std::string_view input, char* output, size_t output_size) override {
    size_t input_left = input.size(), output_left = output_size;
    const auto* next_input = reinterpret_cast<const uint8_t*>(input.data());
    auto* next_output = reinterpret_cast<uint8_t*>(output);
    const BrotliDecoderResult result = BrotliDecoderDecompressStream(
        state_, &input_left, &next_input, &output_left, &next_output, nullptr);
    Step step;
    step.used = input.size() - input_left;
    step.made = output_size - output_left;
    step.ended = result == BROTLI_DECODER_RESULT_SUCCESS;
    if (result == BROTLI_DECODER_RESULT_ERROR) step.status = Damaged("damaged brotli data");
    return step;
  }

 private:
  BrotliDecoderState* state_ = nullptr;
};

}  // namespace

std::unique_ptr<Codec> MakeCodec(Compression compression, const DecodeLimits& limits) {
  switch (compression) {
    case Compression::kGzip:
      return std::make_unique<GzipCodec>(ISAL_GZIP);
    case Compression::kZstd:
      return std::make_unique<ZstdCodec>(limits.zstd_window);
    case Compression::kXz:
      return std::make_unique<XzCodec>(limits.xz_memory);
    case Compression::kBzip2:
      return std::make_unique<Bzip2Codec>();
    case Compression::kBrotli:
      return std::make_unique<BrotliCodec>();
    case Compression::kEmpty:
    case Compression::kNone:
    case Compression::kLz4:
      break;
  }
  return nullptr;
}

std::unique_ptr<Codec> MakeDeflateCodec() { return std::make_unique<GzipCodec>(ISAL_DEFLATE); }

}  // namespace lre_audit
