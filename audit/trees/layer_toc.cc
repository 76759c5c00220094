#include "audit/trees/layer_toc.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "audit/bytes/byte_source.h"
#include "audit/bytes/inflate.h"
#include "audit/trees/tar_reader.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr char kTable[] = "/stargz.index.json";
constexpr std::array<std::string_view, 2> kLandmarks = {"/.prefetch.landmark",
                                                        "/.no.prefetch.landmark"};
// Of a table, packed and unpacked: where containers/storage gives up on it and takes the archive.
constexpr uint64_t kMaxTable = uint64_t{150} << 20;
constexpr uint64_t kMaxTold = 100;  // entries of one layer that are told one by one

std::string Sha256Digest(std::string_view data) {
  Sha256 hash;
  hash.Update(data);
  return absl::StrCat("sha256:", hash.FinishHex());
}

std::string Octal(uint64_t mode) { return absl::StrCat("0", absl::StrFormat("%o", mode & 07777)); }

// Bytes of a blob. Unimplemented where those before them would have to be read, and may not.
absl::StatusOr<std::string> ReadRange(const BlobSource& blobs, const std::string& name,
                                      uint64_t offset, uint64_t size, bool read_before) {
  uint64_t blob_size = 0;
  LRE_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, blobs.Open(name, &blob_size));
  if (const absl::Status skipped = source->Skip(offset); skipped.ok()) {
    offset = 0;
  } else if (!absl::IsUnimplemented(skipped) || !read_before) {
    return skipped;
  }
  WindowSource window(std::move(source), offset, size);
  return ReadAll(window, size);
}

absl::StatusOr<std::string> Unpacked(std::string packed) {
  StringSource source(std::move(packed));
  DecodeLimits limits;
  limits.bytes = kMaxTable;
  Inflater inflater(source, limits);
  return ReadAll(inflater, kMaxTable);
}

// The contents of the first entry of an archive, if that is the table.
class TableCollector : public EntrySink {
 public:
  void BeginEntry(const Entry& entry) override {
    is_table_ = first_ && entry.path == kTable && entry.type == Entry::Type::kRegular;
    found_ = found_ || is_table_;
    first_ = false;
  }
  void Data(std::string_view piece) override {
    if (is_table_) table_ += piece;
  }
  void EndEntry(bool complete) override { complete_ = complete_ || (is_table_ && complete); }
  std::optional<std::string> Take() {
    if (!found_ || !complete_) return std::nullopt;
    return std::move(table_);
  }

 private:
  bool first_ = true, is_table_ = false, found_ = false, complete_ = false;
  std::string table_;
};

std::string_view TypeOf(Entry::Type type) {
  switch (type) {
    case Entry::Type::kRegular:
    case Entry::Type::kWhiteout:
    case Entry::Type::kOpaque:
      return "reg";
    case Entry::Type::kDirectory:
      return "dir";
    case Entry::Type::kSymlink:
      return "symlink";
    case Entry::Type::kHardlink:
      return "hardlink";
    case Entry::Type::kCharacterDevice:
      return "char";
    case Entry::Type::kBlockDevice:
      return "block";
    case Entry::Type::kFifo:
      return "fifo";
    case Entry::Type::kSocket:
      break;
  }
  return "socket";
}

// The name that the archive has: the tree's entry says what it means.
std::string ArchivePath(const Entry& entry) {
  const size_t slash = entry.path.rfind('/');
  if (entry.type == Entry::Type::kWhiteout) {
    return absl::StrCat(entry.path.substr(0, slash + 1), ".wh.", entry.path.substr(slash + 1));
  }
  if (entry.type == Entry::Type::kOpaque) {
    return absl::StrCat(entry.path == "/" ? "" : entry.path, "/.wh..wh..opq");
  }
  return entry.path;
}

std::string Xattrs(const std::map<std::string, std::string>& xattrs) {
  std::vector<std::string> shown;
  shown.reserve(xattrs.size());
  for (const auto& [name, value] : xattrs) {
    shown.push_back(absl::StrCat(Escaped(name), "=", absl::BytesToHexString(value)));
  }
  return shown.empty() ? "none" : absl::StrJoin(shown, ", ");
}

}  // namespace

TocSink::TocSink(std::string where, EntrySink& sink, std::vector<Problem>& problems)
    : where_(std::move(where)), sink_(sink), problems_(problems) {}

std::unique_ptr<TocSink> TocSink::Open(const BlobSource& blobs, const std::string& name,
                                       std::optional<uint64_t> said_size,
                                       const TocAnnotations& annotations, const std::string& where,
                                       EntrySink& sink, std::vector<Problem>& problems) {
  const auto add = [&](Problem::Kind kind, absl::string_view message, std::string expected = "",
                       std::string actual = "") {
    problems.push_back(
        {kind, where, 0, std::string(message), std::move(expected), std::move(actual)});
    return nullptr;
  };
  if (blobs.IsRemote() && !annotations.any()) return nullptr;
  uint64_t size = 0;
  // A blob that cannot be opened is told by whoever streams it. A server may not tell its size.
  if (!blobs.Open(name, &size).ok()) return nullptr;
  if (size == 0) size = said_size.value_or(0);
  const uint64_t tail_size = std::min(size, kLongestTocFooter);
  const absl::StatusOr<std::string> tail =
      ReadRange(blobs, name, size - tail_size, tail_size, annotations.any());
  if (!tail.ok()) return nullptr;
  const std::optional<TocFooter> footer = ParseTocFooter(*tail);

  const bool chunked = !annotations.chunked_digest.empty() || !annotations.chunked_position.empty();
  const bool is_stargz = footer && footer->kind != TocFooter::Kind::kZstdChunked;
  const bool is_chunked = footer && footer->kind == TocFooter::Kind::kZstdChunked;
  if ((is_stargz || !annotations.stargz_digest.empty()) && (is_chunked || chunked)) {
    add(Problem::Kind::kViewsDisagree,
        "the layer has the tables of contents of both eStargz and zstd:chunked, and runtimes "
        "differ "
        "in which they believe");
  }
  if (!footer) {
    if (!annotations.any()) return nullptr;
    return add(Problem::Kind::kViewsDisagree,
               absl::StrCat("the manifest announces a table of contents (",
                            chunked ? "zstd:chunked" : "eStargz",
                            "), the blob does not end in the footer of one"));
  }
  if (footer->kind == TocFooter::Kind::kStargzExternal) {
    return add(Problem::Kind::kMalformed,
               "the layer's table of contents is in another image (eStargz with an external TOC), "
               "and not compared");
  }

  // Where the table is: as zstd:chunked's annotation says, which runtimes follow, or the footer.
  uint64_t offset = footer->offset, packed_size = footer->size;
  const uint64_t end = size - footer->bytes;
  if (is_chunked && !annotations.chunked_position.empty()) {
    const std::vector<std::string> numbers = absl::StrSplit(annotations.chunked_position, ':');
    if (numbers.size() < 4 || !absl::SimpleAtoi(numbers[0], &offset) ||
        !absl::SimpleAtoi(numbers[1], &packed_size)) {
      return add(Problem::Kind::kMalformed,
                 absl::StrCat("the position of the table of contents in the manifest is \"",
                              Escaped(annotations.chunked_position),
                              "\", expected \"<offset>:<size>:<unpacked size>:1\""));
    }
    if (offset != footer->offset || packed_size != footer->size) {
      const auto place = [](uint64_t at, uint64_t bytes) {
        return absl::StrCat("table of contents at ", at, ", ", bytes, " bytes");
      };
      add(Problem::Kind::kViewsDisagree, "the manifest and the blob's footer name different tables",
          place(offset, packed_size), place(footer->offset, footer->size));
    }
  }
  if (is_stargz) packed_size = end - std::min(offset, end);
  if (offset >= end || packed_size > end - offset) {
    return add(Problem::Kind::kViewsDisagree,
               absl::StrCat("the table of contents would be at ", offset, ", ", packed_size,
                            " bytes; the blob has ", end, " before its footer"));
  }
  if (packed_size > kMaxTable) {
    return add(Problem::Kind::kLimit,
               absl::StrCat("the table of contents has ", packed_size, " bytes, more than ",
                            kMaxTable, "; it is not compared with the archive"));
  }
  absl::StatusOr<std::string> packed = ReadRange(blobs, name, offset, packed_size, true);
  if (!packed.ok()) return add(Problem::Kind::kUnreadable, packed.status().message());
  const auto check = [&](const std::string& expected, std::string_view data) {
    if (expected.empty()) return;
    std::string actual = Sha256Digest(data);
    if (actual == expected) return;
    problems.push_back({Problem::Kind::kDigestMismatch, absl::StrCat(where, " table of contents"),
                        0, absl::StrCat("digest is ", actual, ", expected ", Escaped(expected)),
                        Escaped(expected), actual});
  };
  if (is_chunked) check(annotations.chunked_digest, *packed);
  absl::StatusOr<std::string> table = Unpacked(*std::move(packed));
  if (!table.ok()) {
    return add(absl::IsResourceExhausted(table.status()) ? Problem::Kind::kLimit
                                                         : Problem::Kind::kMalformed,
               absl::StrCat("the table of contents: ", table.status().message()));
  }
  if (is_stargz) {
    TableCollector collector;
    std::vector<Problem> ignored;  // of a table that is not there, which is told below
    TarReader reader(where, TarReader::Flavour::kArchive, TreeLimits(), collector, ignored);
    reader.Push(*table);
    reader.Finish();
    std::optional<std::string> json = collector.Take();
    if (!json) {
      return add(Problem::Kind::kViewsDisagree,
                 absl::StrCat("the footer says that the table of contents is at ", Hex(offset),
                              " of the blob, where no stargz.index.json is"));
    }
    table = *std::move(json);
  }
  check(annotations.stargz_digest, *table);
  absl::StatusOr<Toc> toc = ParseToc(*table);
  if (!toc.ok()) return add(Problem::Kind::kMalformed, toc.status().message());

  std::unique_ptr<TocSink> result(new TocSink(where, sink, problems));
  result->toc_ = *std::move(toc);
  result->stargz_ = is_stargz;
  result->table_digest_ = Sha256Digest(*table);
  for (const std::string& path : result->toc_.duplicates) {
    result->Tell(path, "the table of contents has it twice");
  }
  return result;
}

void TocSink::BeginEntry(const Entry& entry) {
  path_ = ArchivePath(entry);
  differences_.clear();
  chunk_sha256_.reset();
  file_sha256_.reset();
  listed_ = nullptr;
  const bool is_table = stargz_ && path_ == kTable && entry.type == Entry::Type::kRegular;
  const bool is_landmark =
      std::find(kLandmarks.begin(), kLandmarks.end(), path_) != kLandmarks.end() &&
      entry.type == Entry::Type::kRegular && entry.size <= 1;
  passed_on_ = !is_table && !is_landmark;
  if (passed_on_) sink_.BeginEntry(entry);
  if (is_table) {
    file_sha256_.emplace();
    return;
  }
  const auto found = toc_.entries.find(path_);
  if (found == toc_.entries.end()) {
    if (path_ != "/") Tell(path_, "it is in the archive, not in the table of contents");
    return;
  }
  listed_ = &found->second;
  listed_->seen = true;
  Compare(entry);
}

void TocSink::Compare(const Entry& entry) {
  const auto differ = [&](absl::string_view what, absl::string_view table,
                          absl::string_view archive) {
    if (table == archive) return;
    differences_.push_back(
        absl::StrCat(what, " ", table, " in the table of contents, ", archive, " in the archive"));
  };
  const std::string_view type = TypeOf(entry.type);
  differ("type is", Escaped(listed_->type), ToAbsl(type));
  differ("mode is", Octal(listed_->mode), Octal(entry.mode));
  differ("owner is", absl::StrCat(listed_->uid, ":", listed_->gid),
         absl::StrCat(entry.uid, ":", entry.gid));
  if (entry.type == Entry::Type::kSymlink) {
    differ("target is", Escaped(listed_->link), Escaped(entry.target));
  } else if (entry.type == Entry::Type::kHardlink) {
    differ("target is", Escaped(TocPath(listed_->link).value_or(listed_->link)),
           Escaped(entry.target));
  }
  std::map<std::string, std::string> listed;
  for (const auto& [name, value] : listed_->xattrs) {
    // What is no base64 differs from whatever the archive has.
    if (!absl::Base64Unescape(value, &listed[name])) listed[name] = "?" + value;
  }
  const std::map<std::string, std::string> xattrs(entry.xattrs.begin(), entry.xattrs.end());
  if (listed != xattrs) differ("extended attributes are", Xattrs(listed), Xattrs(xattrs));
  if (entry.type != Entry::Type::kRegular || type != listed_->type) return;

  differ("size is", absl::StrCat(listed_->size), absl::StrCat(entry.size));
  if (listed_->size != entry.size || entry.size == 0) return;
  position_ = 0;
  chunk_ = 0;
  std::vector<TocChunk>& chunks = listed_->chunks;
  uint64_t end = 0;
  bool covered = true, digests = true;
  for (TocChunk& chunk : chunks) {
    // The last one, and that of a file which is not split, may leave its size out.
    if (chunk.size == 0) chunk.size = entry.size - std::min(chunk.offset, entry.size);
    covered &= chunk.offset == end && chunk.size > 0 && chunk.size <= entry.size - end;
    if (!covered) break;
    end += chunk.size;
    if (chunks.size() == 1 && chunk.digest.empty()) chunk.digest = listed_->digest;
    digests &= chunk.zeros || !chunk.digest.empty();
  }
  if (!covered || end != entry.size) {
    differences_.push_back(absl::StrCat("its ", chunks.size(),
                                        " chunks in the table of contents do not make up its ",
                                        entry.size, " bytes"));
    return;
  }
  if (!digests && without_digest_++ == 0) first_without_digest_ = path_;
  if (!listed_->digest.empty() && (chunks.size() > 1 || chunks[0].digest != listed_->digest)) {
    file_sha256_.emplace();
  }
  BeginChunk();
}

void TocSink::BeginChunk() {
  chunk_sha256_.emplace();
  chunk_is_zeros_ = true;
}

void TocSink::EndChunk() {
  const TocChunk& chunk = listed_->chunks[chunk_];
  const std::string actual = absl::StrCat("sha256:", chunk_sha256_->FinishHex());
  chunk_sha256_.reset();
  const std::string what = listed_->chunks.size() == 1 ? "its contents"
                                                       : absl::StrCat("its chunk of ", chunk.size,
                                                                      " bytes at ", chunk.offset);
  if (chunk.zeros && !chunk_is_zeros_) {
    differences_.push_back(
        absl::StrCat(what, " is zeros in the table of contents, ", actual, " in the archive"));
  } else if (!chunk.zeros && !chunk.digest.empty() && chunk.digest != actual) {
    differences_.push_back(absl::StrCat("the digest of ", what, " is ", Escaped(chunk.digest),
                                        " in the table of contents, ", actual, " in the archive"));
  }
  if (++chunk_ < listed_->chunks.size()) BeginChunk();
}

void TocSink::Data(std::string_view piece) {
  if (passed_on_) sink_.Data(piece);
  if (file_sha256_) file_sha256_->Update(piece);
  while (chunk_sha256_ && !piece.empty()) {
    const TocChunk& chunk = listed_->chunks[chunk_];
    const uint64_t left = chunk.offset + chunk.size - position_;
    const std::string_view part = piece.substr(0, std::min<uint64_t>(left, piece.size()));
    if (chunk.zeros) {
      chunk_is_zeros_ &= part.find_first_not_of('\0') == std::string_view::npos;
    }
    chunk_sha256_->Update(part);
    position_ += part.size();
    piece.remove_prefix(part.size());
    if (part.size() == left) EndChunk();
  }
}

void TocSink::EndEntry(bool complete) {
  if (passed_on_) sink_.EndEntry(complete);
  if (complete && file_sha256_) {
    const std::string actual = absl::StrCat("sha256:", file_sha256_->FinishHex());
    if (listed_ == nullptr) {
      table_seen_ = true;
      if (actual != table_digest_) {
        Tell(path_, "the archive's table of contents is another one than the footer leads to");
      }
    } else if (actual != listed_->digest) {
      differences_.push_back(absl::StrCat("the digest of its contents is ",
                                          Escaped(listed_->digest), " in the table of contents, ",
                                          actual, " in the archive"));
    }
  }
  if (!differences_.empty()) Tell(path_, absl::StrJoin(differences_, "; "));
}

void TocSink::Finish(bool complete) {
  if (complete) {
    std::vector<std::string> missing;
    for (const auto& [path, entry] : toc_.entries) {
      if (!entry.seen && path != "/") missing.push_back(path);
    }
    std::sort(missing.begin(), missing.end());
    for (const std::string& path : missing) {
      Tell(path, "it is in the table of contents, not in the archive");
    }
    if (stargz_ && !table_seen_) {
      Tell(kTable, "the footer leads to it, and the archive does not hold it");
    }
  }
  if (told_ > kMaxTold) {
    problems_.push_back({Problem::Kind::kViewsDisagree,
                         where_,
                         0,
                         absl::StrCat(told_ - kMaxTold, " more entries differ"),
                         {},
                         {}});
  }
  if (without_digest_ > 0) {
    problems_.push_back(
        {Problem::Kind::kMalformed,
         where_,
         0,
         absl::StrCat("the table of contents has no digest for the contents of ", without_digest_,
                      " files, which can therefore not be compared; the first is ",
                      Escaped(first_without_digest_)),
         {},
         {}});
  }
}

void TocSink::Tell(const std::string& path, std::string message) {
  if (++told_ > kMaxTold) return;
  problems_.push_back({Problem::Kind::kViewsDisagree,
                       absl::StrCat(where_, ": ", Escaped(path)),
                       0,
                       std::move(message),
                       {},
                       {}});
}

}  // namespace lre_audit
