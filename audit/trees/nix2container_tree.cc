#include "audit/trees/nix2container_tree.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/bytes/byte_source.h"
#include "audit/bytes/digest.h"
#include "audit/bytes/pipeline.h"
#include "audit/bytes/threads.h"
#include "audit/trees/go_tar.h"
#include "audit/trees/nix2container_layer.h"
#include "audit/trees/tar_reader.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr int64_t kMtime = 1;  // of everything in nix2container's archives

// The archives that layers point to.
class StoreBlobs : public BlobSource {
 public:
  explicit StoreBlobs(absl::StatusOr<std::shared_ptr<const StoreFiles>> store)
      : store_(std::move(store)) {}
  absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                                   uint64_t* size) const override {
    if (!store_.ok()) return store_.status();
    absl::StatusOr<std::string> relative = (*store_)->Relative(name);
    if (!relative.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(Escaped(name), ": ", relative.status().message()));
    }
    LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> file, (*store_)->OpenFile(*relative, size));
    return std::make_unique<FileSource>(std::move(file), 0, *size);
  }

 private:
  const absl::StatusOr<std::shared_ptr<const StoreFiles>> store_;
};

char TarType(Entry::Type type) {
  switch (type) {
    case Entry::Type::kDirectory:
      return '5';
    case Entry::Type::kSymlink:
      return '2';
    default:
      return '0';
  }
}

// The digests of an archive in the algorithms that its description uses. It is not compressed, so
// that its digest is its diff_id, too, unless they are of different algorithms.
class ArchiveHasher {
 public:
  ArchiveHasher() = default;
  explicit ArchiveHasher(const ImageLayer& layer) {
    if (layer.digest) digest_.emplace(layer.digest->algorithm);
    if (layer.diff_id && (!layer.digest || layer.diff_id->algorithm != layer.digest->algorithm)) {
      diff_id_.emplace(layer.diff_id->algorithm);
    }
  }
  void Update(std::string_view piece) {
    if (digest_) digest_->Update(piece);
    if (diff_id_) diff_id_->Update(piece);
  }
  // Once all of it has been seen; none where there is nothing to compare it with.
  std::optional<lre_audit::Digest> Digest() {
    if (digest_ && !made_) made_ = digest_->Finish();
    return made_;
  }
  std::optional<lre_audit::Digest> DiffId() { return diff_id_ ? diff_id_->Finish() : Digest(); }

 private:
  std::optional<DigestHasher> digest_, diff_id_;
  std::optional<lre_audit::Digest> made_;
};

// Makes the archive of a plan, piece by piece, and hands it to whoever hashes and reads it.
class ArchiveWriter {
 public:
  // Without a reader it is hashed only; with one, beside the reading where `threads` has a thread.
  ArchiveWriter(const NixLayerPlan& plan, const StoreFiles& store, TarReader* reader,
                ArchiveHasher& hasher, SpareThreads* threads, ProblemLog& log)
      : plan_(plan),
        store_(store),
        reader_(reader),
        threads_(threads),
        hash_([&hasher](std::string_view piece) { hasher.Update(piece); }),
        log_(log),
        buffer_(new char[kPieceBytes]) {}

  // Whether all of the archive could be made.
  bool Run() {
    for (const NixTarEntry& entry : plan_.entries) Write(entry);
    Zeros(kGoTarEnd);
    Flush();
    return complete_;
  }
  uint64_t size() const { return size_; }

 private:
  void Problem(const NixTarEntry& entry, absl::string_view message) {
    complete_ = false;
    log_.Add(Problem::Kind::kUnreadable, 0, absl::StrCat(Source(entry), ": ", message));
  }
  static std::string BaseName(const NixTarEntry& entry) {
    return entry.source.empty() ? entry.name.substr(entry.name.rfind('/') + 1) : entry.source;
  }
  std::string Source(const NixTarEntry& entry) const {
    if (entry.directory == NixTarEntry::kImplied) return Escaped(entry.name);
    const std::string& directory = plan_.directories[entry.directory];
    return absl::StrCat(store_.store_directory(), "/", Escaped(directory),
                        directory.empty() ? "" : "/", Escaped(BaseName(entry)));
  }

  void Write(const NixTarEntry& entry) {
    GoTarHeader header;
    header.name = entry.name;
    header.type = TarType(entry.type);
    header.target = entry.target;
    header.mode = entry.mode;
    header.uid = entry.uid;
    header.gid = entry.gid;
    if (entry.user != nullptr) header.user = *entry.user;
    if (entry.group != nullptr) header.group = *entry.group;
    header.size = static_cast<int64_t>(entry.size);
    header.mtime = kMtime;
    header_.clear();
    if (absl::Status status = AppendGoTarHeader(header, &header_); !status.ok()) {
      return Problem(entry, status.message());
    }
    if (entry.type != Entry::Type::kRegular) return Bytes(header_);
    absl::StatusOr<std::shared_ptr<FileHandle>> file = Open(entry);
    if (!file.ok()) return Problem(entry, file.status().message());
    Bytes(header_);
    if (absl::Status status = Contents((*file)->fd(), entry.size); !status.ok()) {
      Problem(entry, status.message());
      // What the reader has got of it stays; the rest of the file is what it will not get.
      Flush();
      if (reader_ != nullptr) reader_->Skip(reader_->skippable());
      return;
    }
    Zeros(GoTarPadding(entry.size));
  }

  // Files come directory by directory, so the directory mostly is the last one's.
  absl::StatusOr<std::shared_ptr<FileHandle>> Open(const NixTarEntry& entry) {
    if (directory_ == nullptr || directory_index_ != entry.directory) {
      LRE_ASSIGN_OR_RETURN(directory_, store_.OpenDirectory(plan_.directories[entry.directory]));
      directory_index_ = entry.directory;
    }
    uint64_t size = 0;
    LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> file,
                         OpenFileIn(directory_->fd(), BaseName(entry), &size));
    if (size == entry.size) return file;
    return absl::UnavailableError(
        absl::StrCat("has ", size, " bytes, and had ", entry.size, " just before"));
  }

  absl::Status Contents(int fd, uint64_t size) {
    while (size > 0) {
      if (fill_ == kPieceBytes) Flush();
      const auto want = static_cast<size_t>(std::min<uint64_t>(kPieceBytes - fill_, size));
      const ssize_t got = read(fd, buffer_.get() + fill_, want);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return absl::UnavailableError(strerror(errno));
      if (got == 0) {
        return absl::UnavailableError(absl::StrCat("ended ", size, " bytes early"));
      }
      fill_ += static_cast<size_t>(got);
      size -= static_cast<uint64_t>(got);
    }
    return absl::OkStatus();
  }

  void Bytes(std::string_view bytes) {
    while (!bytes.empty()) {
      if (fill_ == kPieceBytes) Flush();
      const size_t count = std::min(bytes.size(), kPieceBytes - fill_);
      std::memcpy(buffer_.get() + fill_, bytes.data(), count);
      fill_ += count;
      bytes.remove_prefix(count);
    }
  }
  void Zeros(size_t count) {
    static constexpr char kZeros[kGoTarEnd] = {};
    Bytes({kZeros, count});
  }
  void Flush() {
    const std::string_view piece(buffer_.get(), fill_);
    if (complete_) {
      if (threads_ != nullptr) hash_.Employ(*threads_);
      hash_.Begin(piece);
    }
    if (reader_ != nullptr) reader_->Push(piece);
    hash_.Wait();
    size_ += fill_;
    fill_ = 0;
  }

  const NixLayerPlan& plan_;
  const StoreFiles& store_;
  TarReader* const reader_;
  SpareThreads* const threads_;
  Helper hash_;
  ProblemLog& log_;
  const std::unique_ptr<char[]> buffer_;
  size_t fill_ = 0;
  uint64_t size_ = 0;
  std::string header_;
  std::shared_ptr<FileHandle> directory_;
  uint32_t directory_index_ = NixTarEntry::kImplied;
  bool complete_ = true;
};

}  // namespace

Nix2containerTree::Nix2containerTree(NixImage image,
                                     absl::StatusOr<std::shared_ptr<const StoreFiles>> store,
                                     const TreeLimits& limits)
    : ImageTree(std::move(image.image), std::make_shared<StoreBlobs>(store), limits),
      layers_(std::move(image.layers)),
      store_(std::move(store)),
      limits_(limits) {}

void Nix2containerTree::Stream(size_t part, bool verify, EntrySink& sink,
                               std::vector<Problem>& problems) const {
  if (!IsMade(part)) return ImageTree::Stream(part, verify, sink, problems);
  const ImageLayer& expected = LayerOf(part);
  const std::string where = WhereOf(part);
  ProblemLog log(where, problems);
  if (!store_.ok()) {
    log.Add(Problem::Kind::kUnreadable, 0, std::string(store_.status().message()));
    return;
  }
  const NixLayerPlan plan = PlanNixLayer(layers_[part], **store_, limits_, log);
  ArchiveHasher hasher;
  if (verify && plan.complete) hasher = ArchiveHasher(expected);
  TarReader reader(where, TarReader::Flavour::kLayer, limits_, sink, problems);
  ArchiveWriter writer(plan, **store_, &reader, hasher, verify ? sink.threads() : nullptr, log);
  const bool complete = writer.Run();
  reader.Finish();
  if (!verify || !plan.complete || !complete) return;
  if (!CheckBlob(where, expected.digest, hasher.Digest(), expected.size, writer.size(), problems)) {
    const bool other_size = expected.size && *expected.size != writer.size();
    problems.back().message = absl::StrCat(
        other_size
            ? absl::StrCat("it has ", writer.size(), " bytes instead of ", *expected.size, "; ")
            : "",
        "it is made of the files that the store holds now: they are not those that the image was "
        "described from, or another version of nix2container has described it");
    return;
  }
  if (expected.diff_id) CheckDiffId(where, expected.diff_id, *hasher.DiffId(), problems);
}

bool Nix2containerTree::Verify(size_t part, const std::string& diff_id,
                               std::vector<Problem>& problems) const {
  if (!IsMade(part)) return ImageTree::Verify(part, diff_id, problems);
  const ImageLayer& expected = LayerOf(part);
  if (!store_.ok() || !expected.digest) return false;
  std::vector<Problem> found;  // of which Stream tells
  ProblemLog log(WhereOf(part), found);
  const NixLayerPlan plan = PlanNixLayer(layers_[part], **store_, limits_, log);
  if (!plan.complete) return false;
  ArchiveHasher hasher(expected);
  ArchiveWriter writer(plan, **store_, nullptr, hasher, nullptr, log);
  if (!writer.Run() ||
      !CheckBlob("", expected.digest, hasher.Digest(), expected.size, writer.size(), found)) {
    return false;
  }
  if (expected.diff_id) {
    CheckDiffId(WhereOf(part), expected.diff_id, *hasher.DiffId(), problems);
  }
  return true;
}

}  // namespace lre_audit
