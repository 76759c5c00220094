#include "audit/trees/tar_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/trees/overlay_layer.h"
#include "audit/trees/tar_entry.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr uint64_t kFreeZeros = uint64_t{64} << 20;

uint64_t PaddingOf(uint64_t size) { return (kTarBlock - size % kTarBlock) % kTarBlock; }

// Types that carry no data. GNU tar skips what their size field claims, Go and libarchive do not.
bool IsHeaderOnly(Entry::Type type) { return type != Entry::Type::kRegular; }

}  // namespace

TarReader::TarReader(std::string where, Flavour flavour, const TreeLimits& limits, EntrySink& sink,
                     std::vector<Problem>& problems)
    : limits_(limits), flavour_(flavour), sink_(sink), log_(std::move(where), problems) {}

void TarReader::Stop(Problem::Kind kind, const std::string& message) {
  log_.Add(kind, header_offset_, absl::StrCat(message, "; the rest of the archive is not read"));
  state_ = State::kStopped;
  given_up_ = true;
}

void TarReader::Refuse(const std::string& message) {
  log_.Add(Problem::Kind::kMalformed, header_offset_, message);
}

uint64_t TarReader::skippable() const {
  switch (state_) {
    case State::kContents:
      return sparse_ ? 0 : left_ + padding_;
    case State::kSkip:
    case State::kPadding:
      return left_ + padding_;
    default:
      return 0;
  }
}

void TarReader::Skip(uint64_t bytes) {
  const uint64_t total = left_ + padding_;
  bytes = std::min(bytes, total);
  offset_ += bytes;
  if (bytes < total) {
    const uint64_t from_data = std::min(bytes, left_);
    left_ -= from_data;
    padding_ -= bytes - from_data;
    return;
  }
  left_ = padding_ = 0;
  if (state_ == State::kContents) sink_.EndEntry(false);
  state_ = State::kHeader;
}

void TarReader::Push(std::string_view piece) {
  while (!piece.empty()) {
    size_t used = 0;
    switch (state_) {
      case State::kHeader:
      case State::kSparse:
      case State::kSparseMap: {
        if (block_fill_ == 0 && state_ == State::kHeader) header_offset_ = offset_;
        const char* block = block_;
        if (block_fill_ == 0 && piece.size() >= kTarBlock) {
          block = piece.data();
          used = kTarBlock;
        } else {
          used = std::min(piece.size(), kTarBlock - block_fill_);
          std::memcpy(block_ + block_fill_, piece.data(), used);
          block_fill_ += used;
          if (block_fill_ < kTarBlock) block = nullptr;
        }
        offset_ += used;
        piece.remove_prefix(used);
        if (block != nullptr) {
          block_fill_ = 0;
          OnBlock(block);
        }
        continue;
      }
      case State::kExtended:
        used = static_cast<size_t>(std::min<uint64_t>(piece.size(), left_));
        extended_.append(piece.substr(0, used));
        left_ -= used;
        break;
      case State::kContents:
        used = static_cast<size_t>(std::min<uint64_t>(piece.size(), left_));
        left_ -= used;
        Contents(piece.substr(0, used));
        break;
      case State::kSkip:
      case State::kPadding:
        used = static_cast<size_t>(std::min<uint64_t>(piece.size(), left_));
        left_ -= used;
        break;
      case State::kEnd: {
        const size_t at = piece.find_first_not_of('\0');
        if (at != std::string_view::npos) {
          log_.Add(Problem::Kind::kTrailingData, offset_ + at,
                   "data after the end-of-archive block, which readers of the layer do not see");
          state_ = State::kStopped;
        }
        used = piece.size();
        break;
      }
      case State::kStopped:
        used = piece.size();
        break;
    }
    offset_ += used;
    piece.remove_prefix(used);
    if (left_ > 0 || state_ == State::kEnd || state_ == State::kStopped) continue;
    // A stretch has been read; its padding is the next.
    const State ended = state_;
    if (ended == State::kContents) EndContents(true);
    if (padding_ > 0) {
      left_ = std::exchange(padding_, 0);
      state_ = State::kPadding;
      continue;
    }
    state_ = State::kHeader;
    if (ended == State::kExtended) OnExtended();
  }
}

void TarReader::OnBlock(const char* block) {
  if (state_ == State::kHeader) return OnHeader(block);
  if (state_ == State::kSparseMap) return OnSparseMapBlock(block);
  bool more = false;
  if (absl::Status status = ParseSparseExtension(block, &runs_, &more); !status.ok()) {
    return Stop(Problem::Kind::kUnreadable, std::string(status.message()));
  }
  if (runs_.size() > limits_.metadata_bytes / sizeof(SparseRun)) {
    return Stop(Problem::Kind::kLimit,
                absl::StrCat("sparse map of more than ", runs_.size() - 1, " runs"));
  }
  if (!more) StartContents();
}

void TarReader::OnHeader(const char* block) {
  const bool zero = IsZeroBlock(block);
  const bool valid = !zero && ChecksumMatches(block);
  if (doubtful_ > 0) {
    const uint64_t bytes = std::exchange(doubtful_, 0);
    if (!zero && !valid) return SkipData(bytes - kTarBlock);
  }
  if (zero) {
    if (extensions_.any()) Refuse("an extended header without an entry at the end of the archive");
    state_ = State::kEnd;
    return;
  }
  if (!valid) {
    return Stop(Problem::Kind::kUnreadable,
                "no tar header: the checksum of this block does not match");
  }
  absl::StatusOr<TarHeader> header = ParseTarHeader(block);
  if (!header.ok()) {
    return Stop(Problem::Kind::kUnreadable,
                absl::StrCat("tar header: ", header.status().message()));
  }
  switch (header->type) {
    case 'L':
    case 'K':
    case 'x':
    case 'X':
    case 'g':
      extensions_.bytes += header->size;
      if (header->size > limits_.metadata_bytes || extensions_.bytes > limits_.metadata_bytes) {
        return Stop(Problem::Kind::kLimit,
                    absl::StrCat("extended headers of ", extensions_.bytes,
                                 " bytes for one entry, more than ", limits_.metadata_bytes));
      }
      extended_type_ = header->type;
      extended_.clear();
      // Padding included, so that one state reads both; cut off in OnExtended.
      left_ = header->size + PaddingOf(header->size);
      padding_ = 0;
      stored_ = header->size;
      state_ = State::kExtended;
      if (left_ == 0) {
        state_ = State::kHeader;
        OnExtended();
      }
      return;
    case 'V':  // GNU volume label: a name, no file
      return SkipData(header->size + PaddingOf(header->size));
    default:
      OnEntry(*std::move(header));
  }
}

void TarReader::OnExtended() {
  extended_.resize(stored_);
  if (extended_type_ == 'L' || extended_type_ == 'K') {
    std::string_view name = extended_;
    while (name.ends_with('\0')) name.remove_suffix(1);
    std::optional<std::string>& slot =
        extended_type_ == 'L' ? extensions_.long_name : extensions_.long_link;
    if (slot) Refuse(absl::StrCat("two long-name headers for one entry; the last one counts"));
    slot = std::string(name);
    return;
  }
  PaxRecords records;
  if (extended_type_ == 'g') {
    if (absl::Status status = ParsePaxRecords(extended_, &records); !status.ok()) {
      return Stop(Problem::Kind::kUnreadable, std::string(status.message()));
    }
    if (records.path || records.link_path || records.size || records.is_sparse()) {
      Refuse(
          "a global extended header sets a path, a size or a sparse map: container runtimes pass "
          "over it, other readers apply it to all entries");
    }
    // As container runtimes have it: ownership and times only ever come from an entry's own header.
    extensions_.bytes = 0;
    return;
  }
  if (extensions_.pax) Refuse("two extended headers for one entry; the last one counts");
  if (absl::Status status = ParsePaxRecords(extended_, &records); !status.ok()) {
    return Stop(Problem::Kind::kUnreadable, std::string(status.message()));
  }
  extensions_.pax = std::move(records);
}

void TarReader::OnEntry(TarHeader header) {
  const Extensions extensions = std::exchange(extensions_, {});
  const PaxRecords pax = extensions.pax.value_or(PaxRecords{});
  if (next_index_ >= limits_.layer_entries) {
    return Stop(Problem::Kind::kLimit,
                absl::StrCat("more than ", limits_.layer_entries, " entries"));
  }
  // The PAX size is for this entry alone, never for the headers between (CVE-2025-62518).
  if (pax.size) header.size = *pax.size;
  if (header.size > uint64_t{1} << 62) {
    return Stop(Problem::Kind::kUnreadable, absl::StrCat("size of ", header.size, " bytes"));
  }
  if (pax.path && extensions.long_name && *pax.path != *extensions.long_name) {
    Refuse(absl::StrCat("a PAX path ", QuotedName(*pax.path), " and a GNU long name ",
                        QuotedName(*extensions.long_name), " for one entry; the latter counts"));
  }
  // Precedence as in Go's archive/tar, which container runtimes use.
  if (pax.path) header.name = *pax.path;
  if (pax.sparse_name) header.name = *pax.sparse_name;
  if (extensions.long_name) header.name = *extensions.long_name;
  if (pax.link_path) header.link = *pax.link_path;
  if (extensions.long_link) header.link = *extensions.long_link;

  absl::Status status = FillEntry(header, pax);
  stored_ = header.size;
  refused_ = !status.ok();
  if (refused_) {
    Refuse(absl::StrCat("entry ", QuotedName(header.name), ": ", status.message()));
    // Its extension blocks and map are part of what has to be skipped.
    if (!header.more_runs) return SkipData(stored_ + PaddingOf(stored_));
  }
  runs_ = std::move(header.runs);
  sparse_ = header.type == 'S' || (!refused_ && pax.is_sparse());
  if (!sparse_) {
    entry_.size = header.size;
    return StartContents();
  }
  if (header.type == 'S') {
    entry_.size = header.real_size;
    if (header.more_runs) {
      state_ = State::kSparse;
      return;
    }
    return StartContents();
  }
  entry_.size = pax.sparse_size.value_or(0);
  runs_ = pax.runs;
  if (pax.sparse_major.value_or(0) == 0) return StartContents();
  map_line_.clear();
  map_count_.reset();
  map_numbers_.clear();
  runs_.clear();
  state_ = State::kSparseMap;
  if (stored_ < kTarBlock) {
    Refuse(absl::StrCat("entry ", QuotedName(entry_.path), ": no room for its sparse map"));
    SkipData(stored_ + PaddingOf(stored_));
  }
}

absl::Status TarReader::FillEntry(const TarHeader& header, const PaxRecords& pax) {
  entry_ = Entry();
  LRE_RETURN_IF_ERROR(ReadTarEntry(header, pax, &entry_));
  if (flavour_ != Flavour::kLayer) return absl::OkStatus();
  CheckEngineAttributes();
  return ReadWhiteoutName(&entry_);
}

// An archive says by names what it hides. These attributes say it to overlayfs alone, where an
// engine unpacks them as they are: what lies in the layers below is then gone, or another file's.
void TarReader::CheckEngineAttributes() {
  for (const auto& [name, value] : entry_.xattrs) {
    if (!HidesLowerFiles(name)) continue;
    log_.Add(
        Problem::Kind::kViewsDisagree, header_offset_,
        absl::StrCat(QuotedName(entry_.path), " has the attribute ", Escaped(name),
                     ", which hides or replaces files of the layers below where it is unpacked "
                     "for overlayfs, and nowhere else"));
  }
}

void TarReader::SkipData(uint64_t bytes) {
  left_ = bytes;
  padding_ = 0;
  state_ = bytes > 0 ? State::kSkip : State::kHeader;
}

void TarReader::OnSparseMapBlock(const char* block) {
  stored_ -= std::min<uint64_t>(stored_, kTarBlock);
  auto refuse = [this](const std::string& message) {
    Refuse(absl::StrCat("entry ", QuotedName(entry_.path), ": sparse map: ", message));
    SkipData(stored_ + PaddingOf(stored_));
  };
  auto complete = [this] { return map_count_ && map_numbers_.size() == 2 * *map_count_; };
  for (size_t i = 0; i < kTarBlock && !complete(); ++i) {
    const char c = block[i];
    if (c != '\n') {
      if (c < '0' || c > '9' || map_line_.size() > 18) return refuse("no decimal number");
      map_line_ += c;
      continue;
    }
    if (map_line_.empty()) return refuse("an empty line");
    const uint64_t number = std::stoull(map_line_);  // at most 19 digits, checked above
    map_line_.clear();
    if (map_count_) {
      map_numbers_.push_back(number);
    } else if (number > limits_.metadata_bytes / sizeof(SparseRun)) {
      return refuse(absl::StrCat("of ", number, " runs"));
    } else {
      map_count_ = number;
    }
  }
  if (!complete()) {
    if (stored_ < kTarBlock) return refuse("longer than the data that hold it");
    return;
  }
  for (size_t i = 0; i < map_numbers_.size(); i += 2) {
    runs_.push_back({map_numbers_[i], map_numbers_[i + 1]});
  }
  map_numbers_.clear();
  StartContents();
}

void TarReader::StartContents() {
  const uint64_t padding = PaddingOf(stored_);
  if (refused_) return SkipData(stored_ + padding);
  if (sparse_) {
    uint64_t end = 0, total = 0;
    bool good = true;
    for (const SparseRun& run : runs_) {
      if (run.offset < end || run.length > entry_.size || run.offset > entry_.size - run.length) {
        good = false;
        break;
      }
      end = run.offset + run.length;
      total += run.length;
    }
    if (!good || total != stored_) {
      Refuse(absl::StrCat("entry ", QuotedName(entry_.path), ": sparse map of ", runs_.size(),
                          " runs with ", total, " bytes does not fit ", stored_,
                          " stored bytes of a file of ", entry_.size));
      return SkipData(stored_ + padding);
    }
    runs_.push_back({entry_.size, 0});  // the zeros at the end
    run_ = 0;
    position_ = 0;
  }
  const bool header_only = IsHeaderOnly(entry_.type);
  if (header_only && stored_ > 0) {
    Refuse(absl::StrCat("entry ", QuotedName(entry_.path), ": no regular file, but has a size of ",
                        stored_, " bytes; readers disagree whether data follow"));
    doubtful_ = stored_ + padding;
    stored_ = 0;
  }
  if (header_only) entry_.size = 0;
  if (!CountMetadata()) return;
  entry_.index = next_index_++;
  sink_.BeginEntry(entry_);
  left_ = stored_;
  padding_ = header_only ? 0 : padding;
  state_ = State::kContents;
  if (sparse_) Contents({});
  if (left_ > 0) return;
  EndContents(true);
  state_ = State::kHeader;
}

// Consumers keep what is known of each entry: many short headers could fill the memory.
bool TarReader::CountMetadata() {
  metadata_bytes_ += entry_.path.size() + entry_.target.size();
  for (const auto& [name, value] : entry_.xattrs) metadata_bytes_ += name.size() + value.size();
  if (metadata_bytes_ <= limits_.layer_metadata_bytes) return true;
  Stop(Problem::Kind::kLimit,
       absl::StrCat("paths, targets and attributes of ", metadata_bytes_, " bytes up to ",
                    QuotedName(entry_.path), ", more than ", limits_.layer_metadata_bytes));
  return false;
}

void TarReader::Contents(std::string_view piece) {
  if (!sparse_) {
    sink_.Data(piece);
    return;
  }
  if (refused_) return;
  while (run_ < runs_.size()) {
    const SparseRun& run = runs_[run_];
    if (position_ < run.offset) {
      Zeros(run.offset - position_);
      position_ = run.offset;
      if (refused_) return;
    }
    const uint64_t open = run.offset + run.length - position_;
    if (open > 0) {
      if (piece.empty()) return;
      const auto count = static_cast<size_t>(std::min<uint64_t>(open, piece.size()));
      sink_.Data(piece.substr(0, count));
      position_ += count;
      piece.remove_prefix(count);
      if (count < open) return;
    }
    ++run_;
  }
}

// The holes of sparse files cost no bytes in the archive, so they are held against what it has.
void TarReader::Zeros(uint64_t count) {
  static constexpr char kZeros[64 << 10] = {};
  if (refused_) return;
  const uint64_t allowed =
      std::min(limits_.decode.bytes,
               kFreeZeros + std::min(offset_, limits_.decode.bytes) * limits_.decode.ratio);
  if (count > allowed - std::min(allowed, zeros_)) {
    log_.Add(Problem::Kind::kLimit, header_offset_,
             absl::StrCat("entry ", QuotedName(entry_.path), ": holes of ", zeros_ + count,
                          " bytes so far, more than ", allowed, "; its contents are not read"));
    refused_ = true;
    return;
  }
  zeros_ += count;
  while (count > 0) {
    const auto piece = static_cast<size_t>(std::min<uint64_t>(count, sizeof(kZeros)));
    sink_.Data(std::string_view(kZeros, piece));
    count -= piece;
  }
}

void TarReader::EndContents(bool complete) { sink_.EndEntry(complete && !refused_); }

void TarReader::Finish(const absl::Status& cut) {
  std::string open;
  if (state_ == State::kContents) {
    EndContents(false);
    open = absl::StrCat("the archive ends ", left_, " bytes before the end of ",
                        QuotedName(entry_.path), " (", entry_.size, " bytes)");
  } else if (state_ == State::kExtended || state_ == State::kSparse ||
             state_ == State::kSparseMap || block_fill_ > 0) {
    open = absl::StrCat("the archive ends inside the header at ", Hex(header_offset_));
  } else if (state_ == State::kSkip || state_ == State::kPadding) {
    open = absl::StrCat("the archive ends ", left_, " bytes before the end of an entry's data");
  } else if (state_ == State::kHeader && extensions_.any()) {
    Refuse("an extended header without an entry at the end of the archive");
  }
  state_ = State::kStopped;
  if (cut.ok()) {
    if (!open.empty()) log_.Add(Problem::Kind::kUnreadable, offset_, open);
    return;
  }
  const bool limit = absl::IsResourceExhausted(cut);
  if (given_up_ && !limit) return;
  log_.Add(limit ? Problem::Kind::kLimit : Problem::Kind::kUnreadable, offset_,
           absl::StrCat(open, open.empty() ? "" : ": ", cut.message()));
}

}  // namespace lre_audit
