#include "audit/trees/image.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/trees/inflate.h"
#include "audit/trees/tar_reader.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// Hashes the compressed bytes on their way to the decoder.
class HashingSource : public ByteSource {
 public:
  HashingSource(ByteSource& source, DigestHasher* hasher) : source_(source), hasher_(hasher) {}
  absl::StatusOr<std::string_view> Next() override {
    absl::StatusOr<std::string_view> piece = source_.Next();
    if (piece.ok()) {
      size_ += piece->size();
      if (hasher_ != nullptr) hasher_->Update(*piece);
    }
    return piece;
  }
  uint64_t size() const { return size_; }

 private:
  ByteSource& source_;
  DigestHasher* hasher_;
  uint64_t size_ = 0;
};

Problem::Kind KindOf(const absl::Status& status) {
  return absl::IsResourceExhausted(status) ? Problem::Kind::kLimit : Problem::Kind::kUnreadable;
}

void CheckDigest(Problem::Kind kind, const std::string& where, std::string_view what,
                 const Digest& expected, const Digest& actual, std::vector<Problem>& problems) {
  if (expected.hex == actual.hex) return;
  problems.push_back(
      {kind, where, 0,
       absl::StrCat(ToAbsl(what), " is ", actual.ToString(), ", expected ", expected.ToString()),
       expected.ToString(), actual.ToString()});
}

void CheckSize(const std::string& where, uint64_t expected, uint64_t actual,
               std::vector<Problem>& problems) {
  if (expected == actual) return;
  problems.push_back({Problem::Kind::kDigestMismatch, where, 0,
                      absl::StrCat("has ", actual, " bytes, its descriptor says ", expected),
                      absl::StrCat(expected, " bytes"), absl::StrCat(actual, " bytes")});
}

}  // namespace

std::optional<Json> ReadJsonBlob(const BlobSource& blobs, const std::string& name,
                                 const std::optional<Digest>& digest, std::optional<uint64_t> size,
                                 const TreeLimits& limits, std::vector<Problem>& problems) {
  auto unreadable = [&](Problem::Kind kind, absl::string_view message) {
    problems.push_back({kind, name, 0, std::string(message), {}, {}});
    return std::nullopt;
  };
  uint64_t actual_size = 0;
  absl::StatusOr<std::unique_ptr<ByteSource>> source = blobs.Open(name, &actual_size);
  if (!source.ok()) return unreadable(Problem::Kind::kUnreadable, source.status().message());
  const absl::StatusOr<std::string> text = ReadAll(**source, limits.json_bytes);
  if (!text.ok()) return unreadable(KindOf(text.status()), text.status().message());
  if (size) CheckSize(name, *size, text->size(), problems);
  if (digest) {
    DigestHasher hasher(digest->algorithm);
    hasher.Update(*text);
    CheckDigest(Problem::Kind::kDigestMismatch, name, "digest", *digest, hasher.Finish(), problems);
  }
  absl::StatusOr<Json> json = ParseJson(*text);
  if (!json.ok()) return unreadable(Problem::Kind::kUnreadable, json.status().message());
  return *std::move(json);
}

void ApplyConfig(const Json& config, const std::string& where, Image& image) {
  ImageConfig& to = image.config;
  to.present = true;
  to.architecture = StringMember(config, "architecture");
  to.os = StringMember(config, "os");
  to.variant = StringMember(config, "variant");
  const Json& run = Member(config, "config");
  to.env = StringsMember(run, "Env");
  to.entrypoint = StringsMember(run, "Entrypoint");
  to.cmd = StringsMember(run, "Cmd");
  to.user = StringMember(run, "User");
  to.working_dir = StringMember(run, "WorkingDir");
  to.diff_ids = StringsMember(Member(config, "rootfs"), "diff_ids");
  if (const Json& history = Member(config, "history"); history.is_array()) {
    for (const Json& entry : history) {
      std::string text = StringMember(entry, "created_by");
      if (text.empty()) text = StringMember(entry, "comment");
      to.history.push_back(std::move(text));
    }
  }
  if (to.diff_ids.size() != image.layers.size()) {
    image.problems.push_back(
        {Problem::Kind::kMalformed,
         where,
         0,
         absl::StrCat("the configuration has ", to.diff_ids.size(), " diff_ids, the manifest ",
                      image.layers.size(), " layers"),
         {},
         {}});
  }
  for (size_t i = 0; i < to.diff_ids.size() && i < image.layers.size(); ++i) {
    absl::StatusOr<Digest> diff_id = ParseDigest(to.diff_ids[i]);
    if (diff_id.ok()) {
      image.layers[i].diff_id = *std::move(diff_id);
    } else {
      image.problems.push_back({Problem::Kind::kMalformed,
                                where,
                                0,
                                absl::StrCat("diff_ids[", i, "]: ", diff_id.status().message()),
                                {},
                                {}});
    }
  }
}

ImageTree::ImageTree(Image image, std::shared_ptr<const BlobSource> blobs, const TreeLimits& limits)
    : image_(std::move(image)), blobs_(std::move(blobs)), limits_(limits) {
  for (size_t i = 0; i < image_.layers.size(); ++i) {
    const ImageLayer& layer = image_.layers[i];
    parts_.push_back({absl::StrCat("layer ", i), layer.digest ? layer.digest->ToString() : "",
                      layer.diff_id ? layer.diff_id->ToString() : "", layer.size.value_or(0)});
  }
}

void ImageTree::Stream(size_t part, bool verify, EntrySink& sink,
                       std::vector<Problem>& problems) const {
  const ImageLayer& layer = image_.layers[part];
  const std::string where = absl::StrCat(parts_[part].name, " (",
                                         layer.digest ? layer.digest->ToString() : layer.blob, ")");
  auto add = [&](Problem::Kind kind, uint64_t offset, absl::string_view message) {
    problems.push_back({kind, where, offset, std::string(message), {}, {}});
  };
  if (!layer.unreadable.empty()) return add(Problem::Kind::kUnreadable, 0, layer.unreadable);
  uint64_t size = 0;
  absl::StatusOr<std::unique_ptr<ByteSource>> blob = blobs_->Open(layer.blob, &size);
  if (!blob.ok()) return add(Problem::Kind::kUnreadable, 0, blob.status().message());

  std::optional<DigestHasher> digest, diff_id;
  if (verify && layer.digest) digest.emplace(layer.digest->algorithm);
  if (verify && layer.diff_id) diff_id.emplace(layer.diff_id->algorithm);
  HashingSource compressed(**blob, digest ? &*digest : nullptr);
  Inflater layer_bytes(compressed, limits_);
  TarReader reader(where, TarReader::Flavour::kLayer, limits_, sink, problems);

  absl::Status status;
  while (true) {
    absl::StatusOr<std::string_view> piece = layer_bytes.Next();
    if (!piece.ok()) {
      status = std::move(piece).status();
      break;
    }
    if (piece->empty()) break;
    if (diff_id) diff_id->Update(*piece);
    reader.Push(*piece);
  }
  reader.Finish();
  if (!status.ok()) add(KindOf(status), reader.offset(), status.message());
  if (layer_bytes.trailing_offset()) {
    add(Problem::Kind::kTrailingData, *layer_bytes.trailing_offset(),
        absl::StrCat("bytes after the end of the compressed data, at ",
                     Hex(*layer_bytes.trailing_offset()), " of the blob"));
  }
  if (!verify) return;

  // The digest is the whole blob's, whatever could be decoded of it.
  bool whole = !absl::IsUnavailable(status);
  while (whole && status.code() != absl::StatusCode::kResourceExhausted) {
    const absl::StatusOr<std::string_view> rest = compressed.Next();
    if (!rest.ok()) {
      if (status.ok()) add(KindOf(rest.status()), reader.offset(), rest.status().message());
      whole = false;
      break;
    }
    if (rest->empty()) break;
  }
  if (whole && digest && !absl::IsResourceExhausted(status)) {
    if (layer.size) CheckSize(where, *layer.size, compressed.size(), problems);
    CheckDigest(Problem::Kind::kDigestMismatch, where, "digest", *layer.digest, digest->Finish(),
                problems);
  }
  if (status.ok() && diff_id) {
    CheckDigest(Problem::Kind::kDiffIdMismatch, where, "diff_id", *layer.diff_id, diff_id->Finish(),
                problems);
  }
}

}  // namespace lre_audit
