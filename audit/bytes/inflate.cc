#include "audit/bytes/inflate.h"

#include "absl/strings/str_cat.h"
#include "audit/bytes/codec.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;

// Small files compress to any ratio without harm.
constexpr uint64_t kRatioFreeBytes = uint64_t{64} << 20;

// A zstd frame, or one of the skippable frames 0x184D2A50 .. 5F.
bool IsZstd(std::string_view head) {
  return head.starts_with("\x28\xb5\x2f\xfd"sv) ||
         (head.size() >= 4 && (static_cast<unsigned char>(head[0]) & 0xf0) == 0x50 &&
          head.substr(1, 3) == "\x2a\x4d\x18"sv);
}

// The magic of a block, or of the end, too: "BZh9" alone may be a file name at the start of a tar.
bool IsBzip2(std::string_view head) {
  if (head.size() < kSniffBytes || !head.starts_with("BZh")) return false;
  const std::string_view block = head.substr(4);
  return block.starts_with("1AY&SY") || block.starts_with("\x17\x72\x45\x38\x50\x90"sv);
}

}  // namespace

Compression SniffCompression(std::string_view head) {
  if (head.empty()) return Compression::kEmpty;
  if (head.starts_with("\x1f\x8b\x08"sv)) return Compression::kGzip;
  if (IsZstd(head)) return Compression::kZstd;
  if (head.starts_with("\xfd\x37\x7a\x58\x5a\x00"sv)) return Compression::kXz;
  if (IsBzip2(head)) return Compression::kBzip2;
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
    case Compression::kBrotli:
      return "br";
  }
  return "unknown";
}

std::optional<Compression> CompressionNamed(std::string_view name) {
  if (name == "none") return Compression::kNone;
  for (const Compression known : {Compression::kGzip, Compression::kZstd, Compression::kXz,
                                  Compression::kBzip2, Compression::kBrotli}) {
    if (name == CompressionName(known)) return known;
  }
  return std::nullopt;
}

Inflater::Inflater(ByteSource& source, const DecodeLimits& limits, std::optional<Compression> known)
    : source_(source), limits_(limits), known_(known) {}
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
  compression_ = known_.value_or(SniffCompression(input_.substr(0, kSniffBytes)));
  if (compression_ == Compression::kEmpty || compression_ == Compression::kNone) {
    return absl::OkStatus();
  }
  codec_ = MakeCodec(compression_, limits_);
  if (codec_ == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat(ToAbsl(CompressionName(compression_)),
                     " compression is not supported; expected gzip, zstd, xz, bzip2 or none"));
  }
  return absl::OkStatus();
}

bool Inflater::Hold(size_t pieces) {
  if (!begun_) return false;
  if (codec_ == nullptr) return source_.Hold(pieces);
  output_.Hold(pieces);
  return true;
}

absl::StatusOr<std::string_view> Inflater::Next() {
  if (finished_) return std::string_view();
  if (!begun_) {
    begun_ = true;
    LRE_RETURN_IF_ERROR(Begin());
  }
  return codec_ == nullptr ? NextPlain() : NextDecoded();
}

// The output, or what limit it exceeds.
absl::StatusOr<std::string_view> Inflater::Counted(std::string_view output) {
  produced_ += output.size();
  if (produced_ > limits_.bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("more than ", limits_.bytes, " uncompressed bytes ", At()));
  }
  if (produced_ > kRatioFreeBytes && produced_ / limits_.ratio > consumed_) {
    return absl::ResourceExhaustedError(absl::StrCat(produced_, " bytes from ", consumed_,
                                                     " compressed ones, more than ", limits_.ratio,
                                                     " times as many, ", At()));
  }
  return output;
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

absl::StatusOr<bool> Inflater::BeginMember() {
  const bool is_first = consumed_ == 0;
  while (!is_first) {
    LRE_RETURN_IF_ERROR(Gather(4));
    if (!codec_->IsPadding(input_.substr(0, 4))) break;
    Consume(4);
  }
  LRE_RETURN_IF_ERROR(Gather(codec_->magic_bytes()));
  if (input_.empty()) return false;
  if (!is_first && !codec_->Begins(input_)) {
    trailing_offset_ = consumed_;
    return false;
  }
  LRE_RETURN_IF_ERROR(codec_->Begin());
  return true;
}

absl::StatusOr<std::string_view> Inflater::NextDecoded() {
  char* const output = output_.Next();
  while (true) {
    if (!in_member_) {
      LRE_ASSIGN_OR_RETURN(in_member_, BeginMember());
      if (!in_member_) {
        finished_ = true;
        return std::string_view();
      }
    }
    LRE_RETURN_IF_ERROR(Refill());
    const bool had_input = !input_.empty();
    const Codec::Step step = codec_->Decode(input_, output, kPieceBytes);
    Consume(step.used);
    if (!step.status.ok()) {
      return absl::Status(step.status.code(), absl::StrCat(step.status.message(), " ", At()));
    }
    if (step.ended) {
      in_member_ = false;
    } else if (step.made == 0 && input_.empty() && source_ended_) {
      return absl::DataLossError(absl::StrCat("truncated ", At()));
    } else if (step.made == 0 && step.used == 0 && had_input) {
      return absl::DataLossError(absl::StrCat("damaged ", At()));
    }
    if (step.made > 0) return Counted({output, step.made});
  }
}

}  // namespace lre_audit
