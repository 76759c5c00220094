#include "audit/scan/file_scanner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "audit/scan/elf_facts.h"
#include "audit/scan/kept_ranges.h"
#include "elf/archive.h"
#include "elf/dwarf.h"
#include "elf/macho.h"
#include "elf/object.h"

namespace lre_audit {
namespace {

constexpr uint64_t kMaxArchive = uint64_t{256} << 20;
constexpr uint64_t kMaxLoaderConfiguration = uint64_t{4} << 20;
// A buffer of up to this size serves one file after another: fresh pages cost more than the copy.
constexpr uint64_t kSpare = 8 << 20;
// Buffers smaller than this are not worth a turn at the budget's lock.
constexpr uint64_t kFreeOfCharge = 64 << 10;

// Files that the loader reads, and link on its behalf.
bool IsLoaderConfiguration(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name == "ld.so.cache" || (name.starts_with("ld-musl-") && name.ends_with(".path"));
}

}  // namespace

FileScanner::FileScanner(std::string store_directory, MemoryBudget& budget)
    : store_directory_(std::move(store_directory)),
      budget_(budget),
      hidden_(store_directory_, budget) {}

FileScanner::~FileScanner() { ReleaseKept(); }

void FileScanner::Begin(const Entry& entry, FileFacts* facts) {
  entry_ = &entry;
  facts_ = facts;
  consumed_ = 0;
  format_ = Format::kUndecided;
  source_ = ClaimSource::kNone;
  head_.clear();
  parsed_ = false;
  references_.emplace(store_directory_);
  embedded_.reset();
  hidden_.Begin(facts);
}

void FileScanner::Data(std::string_view piece) {
  if (piece.empty()) return;
  references_->Update(piece);
  if (format_ == Format::kUndecided) {
    const uint64_t wanted = std::min<uint64_t>(kHeadSize, entry_->size);
    if (head_.empty() && piece.size() >= wanted) {
      Decide(piece.substr(0, kHeadSize));
      // Most files come in one piece, and are read where they lie.
      if (!kept_.empty() && piece.size() == entry_->size) {
        if (embedded_) embedded_->Update(piece);
        Parse(elf::Bytes(piece));
        parsed_ = true;
        consumed_ += piece.size();
        hidden_.Data(piece);
        return;
      }
    } else {
      const size_t more = std::min<size_t>(piece.size(), wanted - head_.size());
      head_ += piece.substr(0, more);
      consumed_ += more;
      piece.remove_prefix(more);
      if (head_.size() < wanted) return;
      Decide(head_);
      TakeHead();
    }
  }
  Take(piece);
}

// The head, once it is known what it is the head of.
void FileScanner::TakeHead() {
  consumed_ = 0;
  Take(head_);
}

void FileScanner::Take(std::string_view piece) {
  if (embedded_) embedded_->Update(piece);
  Keep(piece);
  consumed_ += piece.size();
  hidden_.Data(piece);
}

void FileScanner::End(bool complete) {
  if (!complete) facts_->set_half_read(true);
  if (format_ == Format::kUndecided && !head_.empty()) {
    Decide(head_);
    TakeHead();
  }
  if (!parsed_ && !kept_.empty()) {
    // A file that ended early is as long as what came: the walker then says what it misses.
    const uint64_t size = complete ? entry_->size : consumed_;
    std::vector<elf::Extent> extents;
    for (const Kept& kept : kept_) {
      if (!kept.data.empty()) extents.push_back({kept.offset, kept.data.view()});
    }
    Parse(elf::Bytes(size, std::move(extents)));
  }
  ReleaseKept();
  hidden_.End();
  if (embedded_) {
    for (Claim& claim : embedded_->Finish()) *facts_->add_claims() = std::move(claim);
  }
  nix::ReferenceScanner::Result found = references_->Finish();
  for (nix::ReferenceScanner::Reference& reference : found.references) {
    StoreReference* out = facts_->add_references();
    out->set_base_name(std::move(reference.base_name));
    out->set_offset(reference.offset);
  }
  facts_->mutable_windows()->Add(found.windows.begin(), found.windows.end());
  if (found.limit_reached) {
    AddDefect(Defect::LIMIT, 0,
              "more runs of 32 nix32 characters than a reference scan can keep apart");
  }
}

void FileScanner::Decide(std::string_view head) {
  uint64_t most = entry_->size;  // that may be kept
  if (elf::HasElfMagic(head)) {
    format_ = Format::kElf;
  } else if (elf::HasArchiveMagic(head)) {
    format_ = Format::kArchive;
    most = kMaxArchive;
  } else if (elf::HasMachOMagic(head)) {
    format_ = Format::kMachO;
    most = kWholeObject;
  } else if (IsLoaderConfiguration(entry_->path)) {
    format_ = Format::kContents;
    most = kMaxLoaderConfiguration;
  } else {
    source_ =
        Classify(entry_->path, head, entry_->size, (entry_->mode & 0111) != 0, store_directory_);
    format_ = source_ == ClaimSource::kNone ? Format::kOther : Format::kText;
  }
  if (HoldsEmbeddedPaths(head)) embedded_.emplace(store_directory_);
  if (format_ == Format::kOther) return;
  if (format_ == Format::kText) {
    // Longer than that, the file is a defect that ExtractClaims reports.
    const uint64_t wanted = std::min(entry_->size, MaxTextSize(source_));
    kept_.push_back({0, wanted, {}});
    return;
  }
  if (entry_->size > most) {
    AddDefect(Defect::LIMIT, most,
              absl::StrCat("the file has ", entry_->size, " bytes; of its kind at most ", most,
                           " are read for the paths that it names"));
    if (format_ == Format::kArchive || format_ == Format::kMachO) return;
  }
  const uint64_t size = std::min(entry_->size, most);
  std::vector<Range> ranges = {{0, size}};
  if (format_ == Format::kElf) ranges = KeptRanges(head, size);
  for (const Range& range : ranges) kept_.push_back({range.begin, range.end - range.begin, {}});
}

void FileScanner::Keep(std::string_view piece) {
  if (kept_.empty()) return;
  if (taken_ == 0) {
    uint64_t total = 0;
    for (const Kept& kept : kept_) total += kept.size;
    if (total > kFreeOfCharge) taken_ = budget_.Acquire(total);
  }
  for (Kept& kept : kept_) {
    const uint64_t begin = std::max(kept.offset, consumed_);
    const uint64_t end = std::min(kept.offset + kept.size, consumed_ + piece.size());
    if (begin >= end) continue;
    if (kept.data.empty()) {
      if (kept.data.room() == 0) kept.data.swap(spare_);
      kept.data.Reserve(kept.size);
    }
    kept.data.Append(piece.substr(begin - consumed_, end - begin));
  }
}

void FileScanner::ReleaseKept() {
  for (Kept& kept : kept_) {
    if (kept.data.room() <= spare_.room() || kept.data.room() > kSpare) continue;
    spare_.swap(kept.data);
    spare_.Clear();
  }
  kept_.clear();
  if (taken_ != 0) budget_.Release(std::exchange(taken_, 0));
}

void FileScanner::Parse(const elf::Bytes& bytes) {
  switch (format_) {
    case Format::kElf:
      return ParseElf(bytes);
    case Format::kArchive:
      return ParseArchive(bytes);
    case Format::kMachO:
      return ParseMachO(bytes);
    case Format::kText:
    case Format::kContents: {
      const uint64_t most =
          format_ == Format::kText ? MaxTextSize(source_) : kMaxLoaderConfiguration;
      const absl::StatusOr<std::string_view> text = bytes.Read(0, std::min(bytes.size(), most));
      if (!text.ok()) return;  // an early end, which is a defect already
      if (format_ == Format::kContents) {
        facts_->set_contents(std::string(*text));
      } else {
        ExtractClaims(source_, entry_->path, *text, store_directory_, facts_);
      }
      return;
    }
    case Format::kUndecided:
    case Format::kOther:
      return;
  }
}

void FileScanner::ParseElf(const elf::Bytes& bytes) {
  const elf::Object object = elf::ReadObject(bytes);
  ToFacts(object, facts_->mutable_elf());
  for (const elf::Defect& defect : object.defects) {
    AddDefect(defect.kind == elf::Defect::Kind::kLimit ? Defect::LIMIT : Defect::MALFORMED,
              defect.offset, defect.message);
  }
  // DWARF of a very large object is left to the embedded paths: its directories are strings.
  for (std::string& directory : elf::DebugDirectories(bytes)) {
    Claim* claim = facts_->add_claims();
    claim->set_kind(Claim::DEBUG_DIRECTORY);
    claim->set_text(std::move(directory));
  }
}

void FileScanner::ParseArchive(const elf::Bytes& bytes) {
  const elf::ArchiveFacts archive = elf::ReadArchive(bytes.whole());
  for (const elf::Defect& defect : archive.defects) {
    AddDefect(defect.kind == elf::Defect::Kind::kLimit ? Defect::LIMIT : Defect::MALFORMED,
              defect.offset, defect.message);
  }
}

void FileScanner::ParseMachO(const elf::Bytes& bytes) {
  elf::MachO object = elf::ReadMachO(bytes.whole());
  for (elf::MachOPath& path : object.paths) {
    Claim* claim = facts_->add_claims();
    claim->set_kind(Claim::MACH_O);
    claim->set_text(std::move(path.value));
    claim->set_offset(path.offset);
    claim->set_context(std::move(path.command));
  }
  for (const elf::Defect& defect : object.defects) {
    AddDefect(defect.kind == elf::Defect::Kind::kLimit ? Defect::LIMIT : Defect::MALFORMED,
              defect.offset, defect.message);
  }
}

void FileScanner::AddDefect(Defect::Kind kind, uint64_t offset, std::string message) {
  Defect* defect = facts_->add_defects();
  defect->set_kind(kind);
  defect->set_offset(offset);
  defect->set_message(std::move(message));
}

}  // namespace lre_audit
