#include "audit/scan/hidden_references.h"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/bytes/codec.h"
#include "audit/bytes/inflate.h"
#include "audit/bytes/zip_stream.h"
#include "audit/trees/tar_reader.h"
#include "base/text.h"

namespace lre_audit {
namespace {

using namespace std::string_view_literals;

constexpr size_t kHead = 512;  // bytes that tell what is packed: a tar header's magic is at 257
constexpr size_t kScriptHead = 32 << 10;  // makeself's script has some twenty kilobytes
constexpr size_t kOutputBytes = 64 << 10;
constexpr uint64_t kRatioFreeBytes = uint64_t{64} << 20;
// What a decoder may come to hold in every thread at once; more is for one file at a time.
constexpr uint64_t kSmallWindow = uint64_t{8} << 20;
constexpr size_t kShownName = 256;  // bytes of a member's name

bool IsTar(std::string_view head) {
  return head.size() >= kHead && head.substr(257, 5) == "ustar"sv;
}

// What something is packed in, by its first bytes.
struct Packing {
  Compression compression = Compression::kNone;
  bool zip = false, tar = false;
  uint64_t at = 0;  // where it begins: behind a script that carries it
  explicit operator bool() const { return compression != Compression::kNone || zip || tar; }
};

// Not Java's modules ("JM"): a JDK has 80 MB of them, for jlink alone, with the libraries that lie
// unpacked beside them.
Packing PackingOfBytes(std::string_view head) {
  Packing packing;
  packing.zip = ZipStream::HasMagic(head);
  packing.tar = IsTar(head);
  switch (const Compression compression = SniffCompression(head.substr(0, kSniffBytes))) {
    case Compression::kGzip:
    case Compression::kZstd:
    case Compression::kXz:
    case Compression::kBzip2:
      packing.compression = compression;
      break;
    default:
      break;
  }
  return packing;
}

// The same, or that of an archive which a script carries behind its last line: Python's zipapps,
// executable jars, what makeself writes.
Packing PackingOf(std::string_view head) {
  if (!head.starts_with("#!"sv)) return PackingOfBytes(head);
  for (size_t line = head.find('\n'); line < head.size(); line = head.find('\n', line)) {
    Packing packing = PackingOfBytes(head.substr(++line));
    packing.at = line;
    if (packing) return packing;
  }
  return {};
}

template <typename Header, typename Segment>
uint64_t EndOfObject(std::string_view head) {
  if (head.size() < sizeof(Header)) return 0;
  Header header;
  std::copy_n(head.data(), sizeof header, reinterpret_cast<char*>(&header));
  uint64_t end = 0;
  if (header.e_shoff != 0) {
    end = uint64_t{header.e_shoff} + uint64_t{header.e_shnum} * header.e_shentsize;
  }
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    const uint64_t at = header.e_phoff + i * sizeof(Segment);
    if (header.e_phoff > head.size() || at + sizeof(Segment) > head.size()) break;
    Segment segment;
    std::copy_n(head.data() + at, sizeof segment, reinterpret_cast<char*>(&segment));
    end = std::max(end, uint64_t{segment.p_offset} + segment.p_filesz);
  }
  return end;
}

// Where an ELF object of this machine's byte order ends, as far as `head` shows: what a program
// carries with it, as Bazel does its tools, is appended there.
uint64_t EndOfObject(std::string_view head) {
  constexpr unsigned char kOrder =
      std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  if (head.size() < EI_NIDENT || !head.starts_with(ELFMAG) || head[EI_DATA] != kOrder) return 0;
  return head[EI_CLASS] == ELFCLASS64 ? EndOfObject<Elf64_Ehdr, Elf64_Phdr>(head)
                                      : EndOfObject<Elf32_Ehdr, Elf32_Phdr>(head);
}

std::string Inside(std::string_view where, std::string_view what) {
  return absl::StrCat(ToAbsl(where), where.empty() ? "" : ", ", ToAbsl(what));
}

std::string Member(std::string_view where, std::string_view archive, std::string_view name) {
  const std::string_view shown = name.substr(0, kShownName);
  return Inside(where, absl::StrCat(ToAbsl(archive), " member ", Escaped(shown),
                                    shown.size() < name.size() ? "..." : ""));
}

}  // namespace

// The first bytes of something, as many as tell what is packed, out of whatever pieces it comes in.
class HiddenReferenceScanner::Head {
 public:
  // Whether they are all there. Takes off `piece` what it has to hold: held() comes before the
  // rest.
  bool Gather(std::string_view* piece) {
    if (held_.empty() && piece->size() >= WantedOf(*piece)) {
      whole_ = piece->substr(0, WantedOf(*piece));
      return true;
    }
    while (!piece->empty() && held_.size() < WantedOf(held_)) {
      const size_t more = std::min(WantedOf(held_) - held_.size(), piece->size());
      held_ += piece->substr(0, more);
      piece->remove_prefix(more);
    }
    whole_ = held_;
    return held_.size() >= WantedOf(held_);
  }
  std::string_view bytes() const { return whole_; }  // valid until the next piece
  std::string_view held() const { return held_; }
  void Clear() { held_.clear(); }

 private:
  static size_t WantedOf(std::string_view start) {
    return start.starts_with("#!"sv) ? kScriptHead : kHead;
  }
  std::string held_;
  std::string_view whole_;
};

// What all that is packed in one file shares.
struct HiddenReferenceScanner::File {
  // Where a reference stands; of several places the first in an order of their own is kept, so that
  // neither the order in which decoders deliver nor the pieces show.
  struct Place {
    std::string container;
    bool utf16 = false;
    uint64_t offset = 0;
    // What is packed stands before that which it is packed in: xz holds short texts as they are.
    bool operator<(const Place& other) const {
      if (container == other.container) {
        return std::tie(utf16, offset) < std::tie(other.utf16, other.offset);
      }
      if (container.starts_with(other.container)) return true;
      return !other.container.starts_with(container) && container < other.container;
    }
  };

  const HiddenLimits& limits;
  MemoryBudget& budget;
  uint64_t& part_bytes;
  const nix::StorePathFinder bytes_finder, utf16_finder;  // unused ones, to copy
  FileFacts* facts;
  uint64_t consumed = 0;  // of the file
  uint64_t unpacked = 0;
  bool limited = false;  // a defect says so
  bool stopped = false;  // nothing more is unpacked
  bool large = false;    // the one large window of the budget is this file's
  std::map<std::string, Place> references = {};

  // `bytes` more have been unpacked. False where that is too much.
  bool Count(uint64_t bytes) {
    unpacked += bytes;
    part_bytes += bytes;
    if (unpacked > limits.file_bytes) {
      Stop(absl::StrCat("more than ", limits.file_bytes, " bytes come out of it"));
    } else if (unpacked > kRatioFreeBytes && unpacked / limits.ratio > consumed) {
      Stop(absl::StrCat(unpacked, " bytes come out of ", consumed, ", more than ", limits.ratio,
                        " times as many"));
    } else if (part_bytes > limits.part_bytes) {
      Stop(absl::StrCat("more than ", limits.part_bytes,
                        " bytes come out of this file and those before it"));
    }
    return !stopped;
  }
  void Stop(const std::string& why) {
    Limit(why);
    stopped = true;
  }
  // Something is not looked at, the rest is.
  void Limit(const std::string& why) {
    if (std::exchange(limited, true)) return;
    Defect* defect = facts->add_defects();
    defect->set_kind(Defect::LIMIT);
    defect->set_offset(0);
    defect->set_message(absl::StrCat("what is packed inside is not searched to its end: ", why));
  }
  void NeedLargeWindow() {
    if (!std::exchange(large, true)) budget.AcquireLargeWindow();
  }
  void Add(const std::string& container, bool utf16,
           std::vector<nix::StorePathFinder::Found>* found) {
    for (nix::StorePathFinder::Found& reference : *found) {
      Place place{container, utf16, reference.offset};
      const auto [known, is_new] = references.try_emplace(std::move(reference.base_name), place);
      if (!is_new && place < known->second) known->second = std::move(place);
      if (references.size() <= limits.references) continue;
      references.erase(std::prev(references.end()));
      Limit(absl::StrCat("it names more than ", limits.references, " store paths"));
    }
    found->clear();
  }
};

class HiddenReferenceScanner::Unpacker {
 public:
  virtual ~Unpacker() = default;
  virtual void Push(std::string_view piece) = 0;
  virtual void Finish() = 0;
  // Whether nothing that follows is unpacked.
  virtual bool done() const { return false; }
};

// The bytes of the file, or of something that is packed in it.
class HiddenReferenceScanner::Contents {
 public:
  // `where` names the container; `hidden`: whether Nix's scan cannot see these bytes.
  Contents(File& file, int depth, std::string where, bool hidden)
      : file_(file), depth_(depth), where_(std::move(where)) {
    if (!hidden) return;
    bytes_ = file.bytes_finder;
    utf16_ = file.utf16_finder;
  }

  void Data(std::string_view piece) {
    if (!sniffed_) {
      if (!head_.Gather(&piece)) return;
      Sniff(head_.bytes());
      Feed(head_.held());
    }
    Feed(piece);
  }

  void End() {
    if (!sniffed_) {
      Sniff(head_.held());
      Feed(head_.held());
    }
    if (unpacker_) unpacker_->Finish();
    if (!bytes_) return;
    bytes_->Finish(&found_);
    file_.Add(where_, false, &found_);
    utf16_->Finish(&found_);
    file_.Add(where_, true, &found_);
  }

 private:
  void Sniff(std::string_view head);
  void Feed(std::string_view piece);

  File& file_;
  const int depth_;
  const std::string where_;
  Head head_;
  bool sniffed_ = false;
  uint64_t skip_ = 0;              // bytes before that which is packed
  bool members_searched_ = false;  // by unpacker_, as long as it is not done
  std::optional<nix::StorePathFinder> bytes_, utf16_;
  std::vector<nix::StorePathFinder::Found> found_;
  std::unique_ptr<Unpacker> unpacker_;
};

class HiddenReferenceScanner::Decompressor : public Unpacker {
 public:
  Decompressor(File& file, int depth, const std::string& where, Compression compression)
      : file_(file),
        has_window_(compression == Compression::kXz || compression == Compression::kZstd),
        codec_(MakeCodec(compression, LimitsAt(depth))),
        output_(new char[kOutputBytes]),
        contents_(file, depth + 1, Inside(where, CompressionName(compression)), true) {}

  // The decoders of a file are all alive at once, each deeper one may hold less.
  static DecodeLimits LimitsAt(int depth) {
    DecodeLimits limits;
    limits.zstd_window >>= std::min(depth, 4);
    limits.xz_memory >>= std::min(depth, 3);
    return limits;
  }

  void Push(std::string_view input) override {
    std::string joined;
    if (!held_.empty()) {
      joined = std::exchange(held_, {});
      joined += input;
      input = joined;
    }
    while (!ended_ && !file_.stopped) {
      if (!in_member_) {
        if (input.size() < Wanted()) {
          held_ = input;
          return;
        }
        if (!BeginMember(&input)) continue;
      }
      if (Decode(&input)) return;
    }
  }

  void Finish() override {
    if (!ended_ && !in_member_ && !held_.empty() && !file_.stopped) {
      std::string_view input = held_;
      if (BeginMember(&input)) Decode(&input);
    }
    contents_.End();
  }
  bool done() const override { return ended_; }

 private:
  size_t Wanted() const { return std::max<size_t>(codec_->magic_bytes(), 4); }

  bool BeginMember(std::string_view* input) {
    if (!is_first_ && codec_->IsPadding(input->substr(0, 4))) {
      input->remove_prefix(4);
      return false;
    }
    if (!is_first_ && !codec_->Begins(*input)) {
      ended_ = true;
      return false;
    }
    is_first_ = false;
    Check(codec_->Begin());
    in_member_ = !ended_;
    return in_member_;
  }

  // True when more input is needed.
  bool Decode(std::string_view* input) {
    const Codec::Step step = codec_->Decode(*input, output_.get(), kOutputBytes);
    input->remove_prefix(step.used);
    if (step.made > 0) {
      produced_ += step.made;
      if (has_window_ && produced_ > kSmallWindow) file_.NeedLargeWindow();
      if (!file_.Count(step.made)) return true;
      contents_.Data({output_.get(), step.made});
    }
    Check(step.status);
    if (step.ended) in_member_ = false;
    if (ended_ || step.ended) return false;
    if (step.used == 0 && step.made == 0 && !input->empty()) ended_ = true;
    return input->empty() && step.made < kOutputBytes;
  }

  void Check(const absl::Status& status) {
    if (status.ok()) return;
    ended_ = true;
    if (absl::IsResourceExhausted(status)) file_.Limit(std::string(status.message()));
  }

  File& file_;
  const bool has_window_;
  std::unique_ptr<Codec> codec_;
  std::unique_ptr<char[]> output_;
  Contents contents_;
  std::string held_;  // too few bytes to tell whether a member begins
  uint64_t produced_ = 0;
  bool is_first_ = true, in_member_ = false, ended_ = false;
};

class HiddenReferenceScanner::ZipUnpacker : public Unpacker, private ZipSink {
 public:
  ZipUnpacker(File& file, int depth, std::string where)
      : file_(file), depth_(depth), where_(std::move(where)), zip_(Limits(), *this) {}

  void Push(std::string_view piece) override { zip_.Push(piece); }
  void Finish() override { zip_.Finish(); }

 private:
  // xz and zstd are rare in zip archives, with large windows even more so.
  static DecodeLimits Limits() {
    DecodeLimits limits;
    limits.zstd_window = kSmallWindow;
    limits.xz_memory = 2 * kSmallWindow;
    return limits;
  }

  void BeginEntry(std::string_view name) override {
    contents_.emplace(file_, depth_ + 1, Member(where_, "zip", name), true);
  }
  bool Data(std::string_view piece) override {
    if (!file_.Count(piece.size())) return false;
    contents_->Data(piece);
    return !file_.stopped;
  }
  void EndEntry() override {
    contents_->End();
    contents_.reset();
  }
  void Limit(const absl::Status& status) override { file_.Limit(std::string(status.message())); }

  File& file_;
  const int depth_;
  const std::string where_;
  std::optional<Contents> contents_;
  ZipStream zip_;
};

// The bytes of a tar archive are as visible as the archive itself: `hidden` goes on to its members.
class HiddenReferenceScanner::TarUnpacker : public Unpacker, private EntrySink {
 public:
  TarUnpacker(File& file, int depth, std::string where, bool hidden)
      : file_(file),
        depth_(depth),
        where_(std::move(where)),
        hidden_(hidden),
        tar_("", TarReader::Flavour::kArchive, TreeLimits(), *this, problems_) {}

  void Push(std::string_view piece) override {
    if (!file_.stopped) tar_.Push(piece);
    problems_.clear();
  }
  void Finish() override {
    tar_.Finish();
    problems_.clear();
  }
  bool done() const override { return tar_.done(); }

 private:
  void BeginEntry(const Entry& entry) override {
    contents_.emplace(file_, depth_ + 1,
                      Member(where_, "tar", std::string_view(entry.path).substr(1)), hidden_);
    // A link's target stands in its header. Of a hard link it is a name inside the archive.
    if (entry.type == Entry::Type::kSymlink) contents_->Data(entry.target);
  }
  void Data(std::string_view piece) override {
    // The holes of sparse files are made here.
    if (!tar_.contiguous() && !file_.Count(piece.size())) return;
    if (!file_.stopped) contents_->Data(piece);
  }
  void EndEntry(bool /*complete*/) override {
    contents_->End();
    contents_.reset();
  }

  File& file_;
  const int depth_;
  const std::string where_;
  const bool hidden_;
  std::optional<Contents> contents_;
  std::vector<Problem> problems_;  // of an archive inside a file: none of the audit's
  TarReader tar_;
};

void HiddenReferenceScanner::Contents::Sniff(std::string_view head) {
  sniffed_ = true;
  const Packing packing = PackingOf(head);
  if (!packing) return;
  skip_ = packing.at;
  if (depth_ >= file_.limits.depth) {
    file_.Limit(absl::StrCat("things are packed inside each other more than ", file_.limits.depth,
                             " deep"));
    return;
  }
  if (packing.compression != Compression::kNone) {
    unpacker_ = std::make_unique<Decompressor>(file_, depth_, where_, packing.compression);
  } else if (packing.zip) {
    unpacker_ = std::make_unique<ZipUnpacker>(file_, depth_, where_);
  } else {
    unpacker_ = std::make_unique<TarUnpacker>(file_, depth_, where_, bytes_.has_value());
    // The script before an archive is searched as it is.
    members_searched_ = skip_ == 0;
  }
}

void HiddenReferenceScanner::Contents::Feed(std::string_view piece) {
  // What follows an archive, or what no archive is after all, is searched as it is.
  if (bytes_ && (!members_searched_ || unpacker_->done())) {
    bytes_->Update(piece, &found_);
    file_.Add(where_, false, &found_);
    utf16_->Update(piece, &found_);
    file_.Add(where_, true, &found_);
  }
  const uint64_t skipped = std::min<uint64_t>(skip_, piece.size());
  skip_ -= skipped;
  piece.remove_prefix(skipped);
  if (unpacker_ && !piece.empty()) unpacker_->Push(piece);
}

HiddenReferenceScanner::HiddenReferenceScanner(std::string_view store_directory,
                                               MemoryBudget& budget, const HiddenLimits& limits)
    : store_directory_(store_directory),
      budget_(budget),
      limits_(limits),
      utf16_(store_directory, nix::StorePathFinder::Encoding::kUtf16),
      head_(std::make_unique<Head>()) {}

HiddenReferenceScanner::~HiddenReferenceScanner() {
  if (file_ && file_->large) budget_.ReleaseLargeWindow();
}

void HiddenReferenceScanner::Begin(FileFacts* facts) {
  facts_ = facts;
  consumed_ = 0;
  head_->Clear();
  decided_ = false;
}

HiddenReferenceScanner::File& HiddenReferenceScanner::file() {
  if (!file_) {
    using nix::StorePathFinder;
    file_ = std::make_unique<File>(
        File{.limits = limits_,
             .budget = budget_,
             .part_bytes = part_bytes_,
             .bytes_finder = {store_directory_, StorePathFinder::Encoding::kBytes},
             .utf16_finder = {store_directory_, StorePathFinder::Encoding::kUtf16},
             .facts = facts_});
  }
  return *file_;
}

void HiddenReferenceScanner::Data(std::string_view piece) {
  utf16_.Update(piece, &found_);
  if (!found_.empty()) file().Add("", true, &found_);
  if (!decided_) {
    if (!head_->Gather(&piece)) return;
    Decide(head_->bytes());
    Unpack(head_->held());
  }
  Unpack(piece);
}

void HiddenReferenceScanner::Decide(std::string_view head) {
  decided_ = true;
  packed_at_ = EndOfObject(head);
  if (packed_at_ > 0 || PackingOf(head)) packed_ = std::make_unique<Contents>(file(), 0, "", false);
}

void HiddenReferenceScanner::Unpack(std::string_view piece) {
  if (packed_) {
    file_->consumed += piece.size();
    const uint64_t skipped = packed_at_ - std::min(packed_at_, consumed_);
    if (skipped < piece.size()) packed_->Data(piece.substr(skipped));
  }
  consumed_ += piece.size();
}

void HiddenReferenceScanner::End() {
  if (!decided_ && !head_->held().empty()) {
    Decide(head_->held());
    Unpack(head_->held());
  }
  utf16_.Finish(&found_);
  if (!found_.empty()) file().Add("", true, &found_);
  if (packed_) packed_->End();
  packed_.reset();
  if (!file_) return;
  for (const auto& [base_name, place] : file_->references) {
    HiddenReference* out = facts_->add_hidden_references();
    out->set_base_name(base_name);
    out->set_container(place.container);
    out->set_utf16(place.utf16);
    out->set_offset(place.offset);
  }
  if (file_->large) budget_.ReleaseLargeWindow();
  file_.reset();
}

}  // namespace lre_audit
