#include "audit/trees/nar_tree.h"

#include <fcntl.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/bytes/byte_source.h"
#include "audit/bytes/inflate.h"
#include "audit/bytes/sha256.h"
#include "audit/nix/closure_builder.h"
#include "audit/nix/nar_reader.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// A NAR that is longer than its record says is not read for ever.
constexpr uint64_t kSpare = 1 << 20;  // bytes

// Hashes and counts what is read of another source.
class HashedSource : public ByteSource {
 public:
  explicit HashedSource(ByteSource& source) : source_(source) {}
  absl::StatusOr<std::string_view> Next() override {
    LRE_ASSIGN_OR_RETURN(const std::string_view piece, source_.Next());
    sha256_.Update(piece);
    size_ += piece.size();
    return piece;
  }
  uint64_t size() const { return size_; }
  std::string Finish() { return absl::StrCat("sha256:", sha256_.FinishHex()); }  // once

 private:
  ByteSource& source_;
  Sha256 sha256_;
  uint64_t size_ = 0;
};

// The entries of a NAR as those of a tree. Metadata is what Nix gives every file.
class EntryVisitor : public nix::NarVisitor {
 public:
  EntryVisitor(std::string store_path, EntrySink& sink)
      : store_path_(std::move(store_path)), sink_(sink) {}

  void Directory(std::string_view path) override {
    Begin(path, Entry::Type::kDirectory, 0555);
    sink_.EndEntry(true);
  }
  void Symlink(std::string_view path, std::string_view target) override {
    entry_.target = target;
    Begin(path, Entry::Type::kSymlink, 0777);
    sink_.EndEntry(true);
    entry_.target.clear();
  }
  void Regular(std::string_view path, bool executable, uint64_t size) override {
    entry_.size = size;
    Begin(path, Entry::Type::kRegular, executable ? 0555 : 0444);
    in_file_ = true;
  }
  void Data(std::string_view piece) override { sink_.Data(piece); }
  void EndRegular() override { End(true); }

  // The NAR has ended, here or elsewhere than it should.
  void End(bool complete) {
    if (!in_file_) return;
    sink_.EndEntry(complete);
    in_file_ = false;
    entry_.size = 0;
  }

 private:
  void Begin(std::string_view path, Entry::Type type, uint32_t mode) {
    entry_.path = store_path_;
    if (!path.empty()) absl::StrAppend(&entry_.path, "/", ToAbsl(path));
    entry_.type = type;
    entry_.mode = mode;
    entry_.mtime = 1;
    sink_.BeginEntry(entry_);
    ++entry_.index;
  }

  const std::string store_path_;
  EntrySink& sink_;
  Entry entry_;
  bool in_file_ = false;
};

// Where the NAR of a store path is, and what is known of it.
struct Origin {
  std::string where;                                                  // for messages
  std::function<absl::StatusOr<std::unique_ptr<ByteSource>>()> open;  // null: not there
  std::string compression;  // "xz"; empty where it is not packed and nothing says so
  std::string file_hash;
  std::optional<uint64_t> file_size, nar_size;
};

class NarTree : public Tree {
 public:
  explicit NarTree(std::string reference) : reference_(std::move(reference)) {}

  void AddPart(std::string store_path, Origin origin) {
    parts_.push_back({std::move(store_path), {}, {}, origin.nar_size.value_or(0)});
    origins_.push_back(std::move(origin));
  }

  const std::string& reference() const override { return reference_; }
  const std::vector<Part>& parts() const override { return parts_; }
  const ImageConfig& config() const override { return config_; }
  const std::vector<Problem>& problems() const override { return problems_; }
  bool is_nar_ordered() const override { return true; }
  bool has_modes() const override { return false; }

  void Stream(size_t part, bool verify, EntrySink& sink,
              std::vector<Problem>& problems) const override {
    const Origin& origin = origins_[part];
    if (origin.open == nullptr) return;
    const auto add = [&](Problem::Kind kind, std::string message) -> Problem& {
      return problems.emplace_back(Problem{kind, origin.where, 0, std::move(message), {}, {}});
    };
    const auto add_status = [&](const absl::Status& status) {
      add(absl::IsResourceExhausted(status) ? Problem::Kind::kLimit
          : absl::IsInvalidArgument(status) ? Problem::Kind::kMalformed
                                            : Problem::Kind::kUnreadable,
          std::string(status.message()))
          .hides_files = true;
    };
    const absl::StatusOr<std::unique_ptr<ByteSource>> packed = origin.open();
    if (!packed.ok()) return add_status(packed.status());
    HashedSource hashed(**packed);
    ByteSource& file = verify && !origin.file_hash.empty() ? hashed : **packed;
    if (absl::Status read = Read(origin, parts_[part].name, file, sink); !read.ok()) {
      return add_status(read);
    }
    if (&file != &hashed) return;
    // What the decoder did not need belongs to the file all the same.
    const uint64_t most = origin.file_size.value_or(2 * origin.nar_size.value_or(0) + kSpare);
    while (hashed.size() <= most) {
      const absl::StatusOr<std::string_view> rest = hashed.Next();
      if (!rest.ok()) return add_status(rest.status());
      if (rest->empty()) break;
    }
    if (const std::string hash = hashed.Finish(); hash != origin.file_hash) {
      Problem& problem = add(Problem::Kind::kDigestMismatch,
                             "the file is not the one that the narinfo describes (FileHash)");
      problem.expected = origin.file_hash;
      problem.actual = hash;
    } else if (origin.file_size && *origin.file_size != hashed.size()) {
      Problem& problem = add(Problem::Kind::kDigestMismatch,
                             "the file has not the size that the narinfo says (FileSize)");
      problem.expected = absl::StrCat(*origin.file_size, " bytes");
      problem.actual = absl::StrCat(hashed.size(), " bytes");
    }
  }

 private:
  static absl::Status Read(const Origin& origin, const std::string& store_path, ByteSource& file,
                           EntrySink& sink) {
    DecodeLimits limits = TreeLimits().decode;
    if (origin.nar_size) limits.bytes = *origin.nar_size + kSpare;
    Inflater inflater(file, limits,
                      origin.compression == CompressionName(Compression::kBrotli)
                          ? std::optional(Compression::kBrotli)
                          : std::nullopt);
    nix::StreamReader reader(inflater);
    EntryVisitor visitor(store_path, sink);
    nix::NarLimits nar_limits;
    nar_limits.entries = TreeLimits().layer_entries;
    const absl::Status read = nix::ReadNar(reader, visitor, nar_limits);
    visitor.End(read.ok());
    const absl::Status compression = CheckCompression(origin, inflater.compression());
    if (!read.ok()) {
      return absl::Status(read.code(), compression.ok() ? absl::StrCat("the NAR: ", read.message())
                                                        : absl::StrCat(compression.message(), ": ",
                                                                       read.message()));
    }
    LRE_RETURN_IF_ERROR(compression);
    const uint64_t end = reader.offset();
    LRE_ASSIGN_OR_RETURN(const bool at_end, reader.AtEnd());
    if (!at_end) {
      return absl::InvalidArgumentError(
          absl::StrCat("bytes behind the end of the NAR, at ", Hex(end), "; expected none"));
    }
    if (inflater.trailing_offset()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "bytes behind the end of the ", ToAbsl(CompressionName(inflater.compression())),
          " stream, at ", Hex(*inflater.trailing_offset()), "; expected none"));
    }
    return absl::OkStatus();
  }

  // Nix decodes by what the narinfo says, and not by what it sees.
  static absl::Status CheckCompression(const Origin& origin, Compression found) {
    if (origin.compression.empty()) return absl::OkStatus();
    const std::string_view name = found == Compression::kNone || found == Compression::kEmpty
                                      ? "none"
                                      : CompressionName(found);
    if (origin.compression == name) return absl::OkStatus();
    if (CompressionNamed(origin.compression)) {
      return absl::InvalidArgumentError(
          absl::StrCat("Compression is ", origin.compression, ", and the file is ",
                       name == "none" ? "not packed, or damaged" : ToAbsl(name)));
    }
    return absl::UnimplementedError(
        absl::StrCat("Compression \"", Escaped(origin.compression.substr(0, 100)),
                     "\" is not supported; expected ", ToAbsl(kCompressionNames),
                     "; copy the paths: nix copy --to file:///DIR?compression=zstd"));
  }

  const std::string reference_;
  const ImageConfig config_;
  const std::vector<Problem> problems_;
  std::vector<Part> parts_;
  std::vector<Origin> origins_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Tree>> OpenCacheTree(
    const std::shared_ptr<const nix::BinaryCache>& cache, const std::vector<std::string>& paths) {
  auto tree = std::make_unique<NarTree>(cache->location());
  for (const std::string& path : paths) {
    absl::StatusOr<nix::NarInfo> info = cache->Find(path);
    Origin origin;
    if (info.ok()) {
      origin.where = info->url;
      origin.compression = info->compression.empty() ? "none" : info->compression;
      origin.file_hash = info->file_hash;
      origin.file_size = info->file_size;
      origin.nar_size = info->entry.nar_size;
      origin.open = [cache, narinfo = *info] { return cache->OpenNar(narinfo); };
    } else if (!absl::IsNotFound(info.status())) {
      origin.where = path;
      origin.open = [status = info.status()]() -> absl::StatusOr<std::unique_ptr<ByteSource>> {
        return status;
      };
    }
    tree->AddPart(path, std::move(origin));
  }
  return tree;
}

absl::StatusOr<std::unique_ptr<Tree>> OpenStoreContents(
    const std::string& source, const std::shared_ptr<const nix::PathStore>& store,
    const std::string& store_directory, const std::vector<std::string>& paths) {
  if (const auto cache = std::dynamic_pointer_cast<const nix::BinaryCache>(store)) {
    return OpenCacheTree(cache, paths);
  }
  return OpenStore(nix::StoreRootOf(source).value_or(""), store_directory, paths);
}

absl::StatusOr<OpenedExport> OpenExport(const std::string& source, const RootsOfExport& roots) {
  OpenedExport opened;
  uint64_t size = 0;
  LRE_ASSIGN_OR_RETURN(const std::shared_ptr<FileHandle> file,
                       OpenRegularFile(AT_FDCWD, source, &size));
  FileSource head_source(file, 0, std::min<uint64_t>(size, nix::kExportHead));
  LRE_ASSIGN_OR_RETURN(const std::string head, ReadAll(head_source, nix::kExportHead));
  if (!nix::LooksLikeExport(head)) return opened;

  FileSource all(file, 0, size);
  nix::StreamReader reader(all);
  nix::ClosureBuilder closure(source);
  std::vector<nix::ExportedNar> nars;
  if (absl::Status read = nix::ReadExport(reader, closure, &nars); !read.ok()) {
    return absl::Status(read.code(), absl::StrCat(Escaped(source), " is a nix-store --export, but ",
                                                  read.message()));
  }
  opened.closure = std::move(closure).Finish();
  if (roots != nullptr) {
    LRE_ASSIGN_OR_RETURN(const std::vector<std::string> wanted,
                         roots(opened.closure.store_directory));
    for (const std::string& root : wanted) {
      if (opened.closure.paths.contains(root)) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("\"", Escaped(root), "\" is not in ", Escaped(source)));
    }
    if (!wanted.empty()) opened.closure = nix::ReachableFrom(opened.closure, wanted);
  }
  auto tree = std::make_unique<NarTree>(source);
  std::set<std::string> seen;
  for (nix::ExportedNar& nar : nars) {
    // A path that is there twice counts once; the closure says whether it differs.
    if (!opened.closure.paths.contains(nar.path) || !seen.insert(nar.path).second) continue;
    Origin origin;
    origin.where = absl::StrCat(Escaped(source), " at ", Hex(nar.offset));
    origin.nar_size = nar.size;
    origin.open = [file, nar]() -> absl::StatusOr<std::unique_ptr<ByteSource>> {
      return std::make_unique<FileSource>(file, nar.offset, nar.size);
    };
    tree->AddPart(nar.path, std::move(origin));
  }
  opened.tree = std::move(tree);
  return opened;
}

}  // namespace lre_audit
