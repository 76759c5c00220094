#include "audit/bytes/zip_stream.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace lre_audit {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kLocalHeader = "PK\3\4"sv;
constexpr size_t kHeaderBytes = 30;  // before name and extra field
constexpr size_t kOutputBytes = 64 << 10;
constexpr uint32_t kSeeExtraField = 0xffffffff;
constexpr uint16_t kZip64 = 1;  // the extra field with 64-bit sizes
constexpr uint16_t kEncrypted = 1 << 0, kSizesFollow = 1 << 3;
constexpr int kNewestVersion = 63;  // "version needed to extract" of APPNOTE 6.3.10

enum Method : uint16_t { kStored = 0, kDeflated = 8, kBzip2 = 12, kZstd = 93, kXz = 95 };

uint64_t Unsigned(std::string_view bytes, size_t at, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) {
    value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  }
  return value;
}

// What the searched-for four bytes must be followed by not to be there by chance.
bool IsPlausible(std::string_view header) {
  return (Unsigned(header, 4, 2) & 0xff) <= kNewestVersion && Unsigned(header, 26, 2) > 0;
}

// The 64-bit packed size in a header's extra field, which has the plain size before it; `packed`
// where there is none.
uint64_t PackedSize(std::string_view extra, uint64_t packed, bool has_plain) {
  while (extra.size() >= 4) {
    const uint64_t id = Unsigned(extra, 0, 2), size = Unsigned(extra, 2, 2);
    extra.remove_prefix(4);
    if (size > extra.size()) break;
    const size_t at = has_plain ? 8 : 0;
    if (id == kZip64 && size >= at + 8) return Unsigned(extra, at, 8);
    extra.remove_prefix(size);
  }
  return packed;
}

}  // namespace

bool ZipStream::HasMagic(std::string_view head) { return head.starts_with(kLocalHeader); }

ZipStream::ZipStream(const DecodeLimits& limits, ZipSink& sink) : limits_(limits), sink_(sink) {}
ZipStream::~ZipStream() = default;

void ZipStream::Push(std::string_view piece) {
  while (!piece.empty()) {
    size_t used = 0;
    switch (state_) {
      case State::kSearch:
        used = Search(piece);
        break;
      case State::kHeader:
        used = CollectHeader(piece);
        break;
      case State::kContents:
        used = Contents(piece);
        break;
      case State::kStopped:
        return;
    }
    piece.remove_prefix(used);
  }
}

void ZipStream::Finish() {
  CloseEntry();
  state_ = State::kStopped;
}

// Local headers mostly follow each other at once, but the sizes of the entry before, padding and
// signatures may stand between.
size_t ZipStream::Search(std::string_view input) {
  if (!header_.empty()) {
    // The piece before ended in bytes that a header may begin with.
    size_t i = 0;
    while (i < input.size() && header_.size() < kLocalHeader.size() &&
           kLocalHeader[header_.size()] == input[i]) {
      header_.push_back(input[i++]);
    }
    if (header_.size() == kLocalHeader.size()) {
      state_ = State::kHeader;
      return i;
    }
    if (i == input.size()) return i;
    header_.clear();
    return i;  // no byte but the first is 'P': none of the others begins a header
  }
  const size_t at = input.find(kLocalHeader);
  if (at != std::string_view::npos) {
    state_ = State::kHeader;
    header_ = kLocalHeader;
    return at + kLocalHeader.size();
  }
  for (size_t size = std::min(kLocalHeader.size() - 1, input.size()); size > 0; --size) {
    if (input.substr(input.size() - size) == kLocalHeader.substr(0, size)) {
      header_ = kLocalHeader.substr(0, size);
      break;
    }
  }
  return input.size();
}

size_t ZipStream::CollectHeader(std::string_view input) {
  size_t wanted = kHeaderBytes;
  if (header_.size() >= kHeaderBytes) {
    wanted += Unsigned(header_, 26, 2) + Unsigned(header_, 28, 2);
  }
  const size_t used = std::min(input.size(), wanted - header_.size());
  header_.append(input.substr(0, used));
  if (header_.size() < wanted) return used;
  if (wanted == kHeaderBytes) {
    if (!IsPlausible(header_)) {
      header_.clear();
      state_ = State::kSearch;
    } else if (Unsigned(header_, 26, 2) + Unsigned(header_, 28, 2) == 0) {
      BeginContents();
    }
    return used;
  }
  BeginContents();
  return used;
}

void ZipStream::BeginContents() {
  const std::string_view header = header_;
  const uint64_t flags = Unsigned(header, 6, 2), method = Unsigned(header, 8, 2);
  const size_t name_size = Unsigned(header, 26, 2);
  const std::string_view name = header.substr(kHeaderBytes, name_size);
  const std::string_view extra = header.substr(kHeaderBytes + name_size);
  left_ = Unsigned(header, 18, 4);
  if (left_ == kSeeExtraField) {
    left_ = PackedSize(extra, left_, Unsigned(header, 22, 4) == kSeeExtraField);
  }
  // Sizes that follow may be here all the same, where the writer knew them.
  has_size_ = (flags & kSizesFollow) == 0 || left_ > 0;

  stored_ = false;
  absl::Status begun;
  if ((flags & kEncrypted) != 0) {
    // Nothing to be seen without the key.
  } else if (method == kStored) {
    stored_ = has_size_;
  } else if (method == kDeflated) {
    codec_ = deflate_ ? std::move(deflate_) : MakeDeflateCodec();
    deflating_ = true;
  } else if (method == kBzip2 || method == kZstd || method == kXz) {
    codec_ = MakeCodec(method == kBzip2  ? Compression::kBzip2
                       : method == kZstd ? Compression::kZstd
                                         : Compression::kXz,
                       limits_);
  }
  if (codec_) begun = codec_->Begin();
  if (!begun.ok()) CloseEntry();
  open_ = stored_ || codec_ != nullptr;
  if (open_) sink_.BeginEntry(name);
  if (absl::IsResourceExhausted(begun)) sink_.Limit(begun);
  header_.clear();
  // What is not understood and has no size is searched through.
  state_ = State::kContents;
  if ((has_size_ && left_ == 0) || (!has_size_ && !open_)) EndContents();
}

size_t ZipStream::Contents(std::string_view input) {
  if (has_size_) input = input.substr(0, std::min<uint64_t>(input.size(), left_));
  const size_t offered = input.size();
  size_t used = offered;
  if (stored_) {
    if (!sink_.Data(input)) state_ = State::kStopped;
  } else if (codec_) {
    used = Decode(input);
  }
  if (has_size_) {
    // The size counts: what the decoder leaves of it belongs to no other entry.
    left_ -= offered;
    used = offered;
    if (left_ == 0 && state_ == State::kContents) EndContents();
  }
  return used;
}

// Returns how much of `input` the entry took.
size_t ZipStream::Decode(std::string_view input) {
  if (!output_) output_.reset(new char[kOutputBytes]);
  const size_t offered = input.size();
  while (true) {
    const Codec::Step step = codec_->Decode(input, output_.get(), kOutputBytes);
    input.remove_prefix(step.used);
    if (step.made > 0 && !sink_.Data({output_.get(), step.made})) {
      state_ = State::kStopped;
      break;
    }
    if (absl::IsResourceExhausted(step.status)) sink_.Limit(step.status);
    const bool stuck = step.used == 0 && step.made == 0;
    if (!step.status.ok() || step.ended || (stuck && !input.empty())) {
      CloseEntry();
      if (!has_size_) state_ = State::kSearch;
      break;
    }
    if (input.empty() && step.made < kOutputBytes) break;
  }
  return offered - input.size();
}

void ZipStream::EndContents() {
  CloseEntry();
  state_ = State::kSearch;
}

void ZipStream::CloseEntry() {
  if (open_) sink_.EndEntry();
  open_ = false;
  if (deflating_) deflate_ = std::move(codec_);
  deflating_ = false;
  codec_.reset();
}

}  // namespace lre_audit
