#include "audit/trees/archive_blobs.h"

#include <fcntl.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/bytes/inflate.h"
#include "audit/trees/tar_reader.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// Manifests and configurations of a compressed archive are kept from the first pass.
constexpr uint64_t kKeptMember = 1 << 20, kKeptAll = 32 << 20;

// A decoder together with the file that it reads.
class DecodedFile : public ByteSource {
 public:
  DecodedFile(std::shared_ptr<FileHandle> file, uint64_t size, const DecodeLimits& limits)
      : source_(std::move(file), 0, size), inflater_(source_, limits) {}
  absl::StatusOr<std::string_view> Next() override { return inflater_.Next(); }

 private:
  FileSource source_;
  Inflater inflater_;
};

// The target of symlink `path` by name alone: "/b.tar" for "../b.tar" in "/a/layer.tar".
std::string LinkedName(const std::string& path, const std::string& target) {
  std::string joined =
      target.starts_with('/') ? target : path.substr(0, path.rfind('/') + 1) + target;
  std::vector<std::string> components;
  size_t at = 0;
  while (at < joined.size()) {
    const size_t slash = std::min(joined.find('/', at), joined.size());
    std::string component = joined.substr(at, slash - at);
    at = slash + 1;
    if (component.empty() || component == ".") continue;
    if (component != "..") {
      components.push_back(std::move(component));
    } else if (!components.empty()) {
      components.pop_back();
    }
  }
  std::string name;
  for (const std::string& component : components) absl::StrAppend(&name, "/", component);
  return name;
}

}  // namespace

class ArchiveBlobs::Indexer : public EntrySink {
 public:
  explicit Indexer(ArchiveBlobs& blobs) : blobs_(blobs) {}
  void set_reader(const TarReader* reader) { reader_ = reader; }

  void BeginEntry(const Entry& entry) override {
    keep_ = nullptr;
    if (entry.type == Entry::Type::kDirectory) return;
    Member member;
    member.offset = reader_->offset();
    member.size = entry.size;
    member.readable = entry.type == Entry::Type::kRegular && reader_->contiguous();
    if (entry.type == Entry::Type::kSymlink) member.link = LinkedName(entry.path, entry.target);
    if (entry.type == Entry::Type::kHardlink) member.link = entry.target;
    const auto [at, is_new] = blobs_.members_.insert_or_assign(entry.path, std::move(member));
    if (!is_new) {
      blobs_.problems_.push_back({Problem::Kind::kMalformed,
                                  entry.path,
                                  reader_->offset(),
                                  "is in the archive twice; the last one counts",
                                  {},
                                  {}});
    }
    if (blobs_.compressed_ && at->second.readable && entry.size <= kKeptMember &&
        kept_ + entry.size <= kKeptAll) {
      keep_ = &at->second;
    }
  }
  void Data(std::string_view piece) override {
    if (keep_ == nullptr) return;
    const char first = keep_->contents.empty() ? piece[0] : keep_->contents[0];
    if (first != '{' && first != '[') {
      keep_ = nullptr;
      return;
    }
    keep_->contents.append(piece);
    kept_ += piece.size();
  }
  void EndEntry(bool complete) override {
    if (!complete && keep_ != nullptr) keep_->contents.clear();
  }

 private:
  ArchiveBlobs& blobs_;
  const TarReader* reader_ = nullptr;
  Member* keep_ = nullptr;
  uint64_t kept_ = 0;
};

absl::StatusOr<std::unique_ptr<ArchiveBlobs>> ArchiveBlobs::Open(const std::string& path,
                                                                 const TreeLimits& limits) {
  uint64_t size = 0;
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> file, OpenRegularFile(AT_FDCWD, path, &size));
  return OfFile(std::move(file), size, path, limits);
}

std::unique_ptr<ArchiveBlobs> ArchiveBlobs::OfFile(std::shared_ptr<FileHandle> file, uint64_t size,
                                                   const std::string& path,
                                                   const TreeLimits& limits) {
  std::unique_ptr<ArchiveBlobs> blobs(new ArchiveBlobs(std::move(file), size, limits));
  if (absl::Status status = blobs->Index(path); !status.ok()) {
    const bool limit = absl::IsResourceExhausted(status);
    blobs->problems_.push_back({limit ? Problem::Kind::kLimit : Problem::Kind::kUnreadable,
                                path,
                                0,
                                std::string(status.message()),
                                {},
                                {}});
  }
  return blobs;
}

absl::Status ArchiveBlobs::Index(const std::string& path) {
  Indexer indexer(*this);
  TarReader reader(path, TarReader::Flavour::kArchive, limits_, indexer, problems_);
  indexer.set_reader(&reader);

  FileSource head_source(file_, 0, std::min<uint64_t>(file_size_, kSniffBytes));
  LRE_ASSIGN_OR_RETURN(const std::string_view head, head_source.Next());
  const Compression compression = SniffCompression(head);
  compressed_ = compression != Compression::kNone && compression != Compression::kEmpty;

  absl::Status status;
  if (compressed_) {
    DecodedFile source(file_, file_size_, limits_.decode);
    while (true) {
      absl::StatusOr<std::string_view> piece = source.Next();
      if (!piece.ok()) status = piece.status();
      if (!piece.ok() || piece->empty()) break;
      reader.Push(*piece);
    }
  } else {
    // Headers only: contents are leapt over.
    while (reader.offset() < file_size_) {
      if (const uint64_t skippable = reader.skippable(); skippable > kTarBlock) {
        const uint64_t left = file_size_ - reader.offset();
        reader.Skip(std::min(skippable, left));
        continue;
      }
      if (reader.done()) {
        FileSource rest(file_, reader.offset(), file_size_ - reader.offset());
        while (true) {
          LRE_ASSIGN_OR_RETURN(const std::string_view piece, rest.Next());
          if (piece.empty()) break;
          reader.Push(piece);
        }
        break;
      }
      FileSource block(file_, reader.offset(),
                       std::min<uint64_t>(kTarBlock, file_size_ - reader.offset()));
      LRE_ASSIGN_OR_RETURN(const std::string_view piece, block.Next());
      reader.Push(piece);
    }
  }
  reader.Finish();
  return status;
}

const ArchiveBlobs::Member* ArchiveBlobs::Find(const std::string& name) const {
  const absl::StatusOr<std::string> path = NormalisedPath(name);
  if (!path.ok()) return nullptr;
  auto found = members_.find(*path);
  if (found != members_.end() && !found->second.link.empty()) {
    found = members_.find(found->second.link);
  }
  return found == members_.end() ? nullptr : &found->second;
}

bool ArchiveBlobs::Has(const std::string& name) const { return Find(name) != nullptr; }

absl::StatusOr<std::unique_ptr<ByteSource>> ArchiveBlobs::Open(const std::string& name,
                                                               uint64_t* size) const {
  const Member* member = Find(name);
  if (member == nullptr) {
    return absl::NotFoundError(absl::StrCat("\"", Escaped(name), "\" is not in the archive"));
  }
  if (!member->readable) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", Escaped(name), "\" is no regular file in one piece"));
  }
  *size = member->size;
  if (!member->contents.empty()) return std::make_unique<StringSource>(member->contents);
  if (!compressed_) return std::make_unique<FileSource>(file_, member->offset, member->size);
  return std::make_unique<WindowSource>(
      std::make_unique<DecodedFile>(file_, file_size_, limits_.decode), member->offset,
      member->size);
}

}  // namespace lre_audit
