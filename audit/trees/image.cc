#include "audit/trees/image.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/bytes/inflate.h"
#include "audit/bytes/pipeline.h"
#include "audit/trees/tar_reader.h"
#include "base/text.h"

namespace lre_audit {
namespace {

Problem::Kind KindOf(const absl::Status& status) {
  return absl::IsResourceExhausted(status) ? Problem::Kind::kLimit : Problem::Kind::kUnreadable;
}

// What is promised of a table of contents: another promise is another comparison (LRE410).
std::string Promises(const TocAnnotations& toc) {
  const auto& [stargz_digest, chunked_digest, chunked_position] = toc;
  std::string text;
  for (const std::string* promise : {&stargz_digest, &chunked_digest, &chunked_position}) {
    absl::StrAppend(&text, promise->size(), ":", *promise, " ");
  }
  return text;
}

// All of them: facts found under one limit are not those found under another.
std::string Numbers(const TreeLimits& limits) {
  const auto& [decode, entries, metadata, json, entry_metadata, layers] = limits;
  const auto& [bytes, ratio, window, dictionary] = decode;
  return absl::StrCat("limits ", bytes, " ", ratio, " ", window, " ", dictionary, " ", entries, " ",
                      metadata, " ", json, " ", entry_metadata, " ", layers);
}

}  // namespace

bool CheckBlob(const std::string& where, const std::optional<Digest>& expected,
               const std::optional<Digest>& actual, std::optional<uint64_t> expected_size,
               uint64_t actual_size, std::vector<Problem>& problems) {
  const bool other_size = expected_size && *expected_size != actual_size;
  const bool other_digest = expected && actual && expected->hex != actual->hex;
  if (!other_size && !other_digest) return true;
  const std::string size =
      other_size ? absl::StrCat("has ", actual_size, " bytes, its descriptor says ", *expected_size)
                 : "";
  Problem problem{Problem::Kind::kDigestMismatch, where, 0, size, {}, {}};
  if (other_digest) {
    problem.expected = expected->ToString();
    problem.actual = actual->ToString();
    problem.message = absl::StrCat("digest is ", problem.actual, ", expected ", problem.expected,
                                   size.empty() ? "" : "; ", size);
  } else {
    problem.expected = absl::StrCat(*expected_size, " bytes");
    problem.actual = absl::StrCat(actual_size, " bytes");
  }
  problems.push_back(std::move(problem));
  return false;
}

void CheckDiffId(const std::string& where, const std::optional<Digest>& expected,
                 const Digest& actual, std::vector<Problem>& problems) {
  if (!expected || actual.hex == expected->hex) return;
  problems.push_back(
      {Problem::Kind::kDiffIdMismatch, where, 0,
       absl::StrCat("diff_id is ", actual.ToString(), ", expected ", expected->ToString()),
       expected->ToString(), actual.ToString()});
}

std::optional<Json> ReadJsonBlob(const BlobSource& blobs, const std::string& name,
                                 JsonSchema schema, const std::optional<Digest>& digest,
                                 std::optional<uint64_t> size, const TreeLimits& limits,
                                 std::vector<Problem>& problems, Digest* actual) {
  auto unreadable = [&](Problem::Kind kind, absl::string_view message) {
    problems.push_back({kind, name, 0, std::string(message), {}, {}});
    return std::nullopt;
  };
  uint64_t actual_size = 0;
  absl::StatusOr<std::unique_ptr<ByteSource>> source = blobs.Open(name, &actual_size);
  if (!source.ok()) return unreadable(Problem::Kind::kUnreadable, source.status().message());
  const absl::StatusOr<std::string> text = ReadAll(**source, limits.json_bytes);
  if (!text.ok()) return unreadable(KindOf(text.status()), text.status().message());
  std::optional<Digest> computed;
  if (digest || actual != nullptr) {
    DigestHasher hasher(digest ? digest->algorithm : Digest::Algorithm::kSha256);
    hasher.Update(*text);
    computed = hasher.Finish();
    if (actual != nullptr) *actual = *computed;
  }
  CheckBlob(name, digest, computed, size, text->size(), problems);
  ProblemLog log(name, problems);
  absl::StatusOr<Json> json = ParseJson(*text, schema, log);
  if (!json.ok()) return unreadable(Problem::Kind::kUnreadable, json.status().message());
  return *std::move(json);
}

void ApplyRunConfig(const JsonObject& run, ImageConfig& config) {
  config.env = run.Strings("Env");
  config.entrypoint = run.Strings("Entrypoint");
  config.cmd = run.Strings("Cmd");
  config.user = run.String("User");
  config.working_dir = run.String("WorkingDir");
}

void ApplyConfig(const Json& json, const std::string& where, Image& image) {
  ProblemLog log(where, image.problems);
  if (!json.is_object()) {
    log.Add(Problem::Kind::kMalformed, 0,
            absl::StrCat("the configuration is ", DescribeJson(json), ", expected an object"));
  }
  ImageConfig& to = image.config;
  to.present = true;
  const JsonObject config(json, "", log);
  to.architecture = config.String("architecture");
  to.os = config.String("os");
  to.variant = config.String("variant");
  ApplyRunConfig(config.Object("config"), to);
  const JsonObject rootfs = config.Object("rootfs");
  to.diff_ids = rootfs.Strings("diff_ids");
  if (const std::string type = rootfs.String("type"); !type.empty() && type != "layers") {
    log.Add(Problem::Kind::kMalformed, 0,
            absl::StrCat("rootfs.type is \"", Escaped(type), "\", expected \"layers\""));
  }
  for (const Json& element : config.Array("history")) {
    const std::string name = absl::StrCat("history[", to.history.size(), "]");
    if (!element.is_object()) {
      log.Add(Problem::Kind::kMalformed, 0,
              absl::StrCat(name, " is ", DescribeJson(element), ", expected an object"));
    }
    const JsonObject entry(element, name, log);
    std::string text = entry.String("created_by");
    if (text.empty()) text = entry.String("comment");
    to.history.push_back(std::move(text));
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

std::string ImageTree::WhereOf(size_t part) const {
  const ImageLayer& layer = image_.layers[part];
  const std::string blob_name = layer.digest ? layer.digest->ToString() : layer.blob;
  return blob_name.empty() ? parts_[part].name
                           : absl::StrCat(parts_[part].name, " (", blob_name, ")");
}

Tree::Content ImageTree::content(size_t part) const {
  const ImageLayer& layer = image_.layers[part];
  // A docker-archive names no blob's digest. Uncompressed, as it should be, the layer is its own
  // diff_id; compressed, it is not found to be, and is read.
  const std::optional<Digest>& digest = layer.digest ? layer.digest : layer.diff_id;
  if (!digest || !layer.unreadable.empty()) return {};
  return {digest->ToString(),
          absl::StrCat("layer, diff_id ",
                       layer.diff_id ? ToAbsl(layer.diff_id->AlgorithmName()) : "unknown",
                       ", table of contents ", Promises(layer.toc), ", ", Numbers(limits_))};
}

bool ImageTree::Verify(size_t part, const std::string& diff_id,
                       std::vector<Problem>& problems) const {
  const ImageLayer& layer = image_.layers[part];
  const std::optional<Digest>& digest = layer.digest ? layer.digest : layer.diff_id;
  if (!digest || !layer.unreadable.empty()) return false;
  absl::StatusOr<Digest> decoded;
  if (layer.diff_id) {
    decoded = ParseDigest(diff_id);
    if (!decoded.ok()) return false;
  }
  uint64_t size = 0;
  const absl::StatusOr<std::unique_ptr<ByteSource>> blob = blobs_->Open(layer.blob, &size);
  if (!blob.ok()) return false;
  DigestHasher hasher(digest->algorithm);
  HashingSource bytes(**blob, &hasher);
  while (true) {
    const absl::StatusOr<std::string_view> piece = bytes.Next();
    if (!piece.ok()) return false;
    if (piece->empty()) break;
  }
  if (layer.size && *layer.size != bytes.size()) return false;
  if (hasher.Finish().hex != digest->hex) return false;
  if (layer.diff_id) CheckDiffId(WhereOf(part), layer.diff_id, *decoded, problems);
  return true;
}

void ImageTree::Stream(size_t part, bool verify, EntrySink& sink,
                       std::vector<Problem>& problems) const {
  const ImageLayer& layer = image_.layers[part];
  const std::string where = WhereOf(part);
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
  // Every stage may have a thread of its own, where the layers alone do not keep all of them busy.
  // In this order: inflating is about half of the work, each of the three hashes a sixth.
  SpareThreads* const threads = sink.threads();
  HashingSource hashed(**blob, digest ? &*digest : nullptr);
  PipelinedSource compressed(hashed, threads);
  Inflater inflater(compressed, limits_.decode);
  PipelinedSource inflated(inflater, threads, PipelinedSource::kHolds);
  HashingSource contents(inflated, diff_id ? &*diff_id : nullptr);
  PipelinedSource layer_bytes(contents, diff_id ? threads : nullptr);
  layer_bytes.StartAfter(inflated);
  compressed.StartAfter(inflated);
  std::unique_ptr<TocSink> toc;
  if (verify) {
    toc = TocSink::Open(*blobs_, layer.blob, layer.size, layer.toc, where, sink, problems);
  }
  EntrySink& files = toc ? *toc : sink;
  TarReader reader(where, TarReader::Flavour::kLayer, limits_, files, problems);

  absl::Status status;
  while (true) {
    absl::StatusOr<std::string_view> piece = layer_bytes.Next();
    if (!piece.ok()) {
      status = std::move(piece).status();
      break;
    }
    if (piece->empty()) break;
    reader.Push(*piece);
  }
  reader.Finish(status);
  if (toc) toc->Finish(status.ok());
  if (inflater.trailing_offset()) {
    add(Problem::Kind::kTrailingData, *inflater.trailing_offset(),
        absl::StrCat("bytes after the end of the compressed data, at ",
                     Hex(*inflater.trailing_offset()), " of the blob"));
  }
  if (!verify) return;

  // The digest is the whole blob's, whatever could be decoded of it.
  // A limit ends the reading of the blob, too.
  bool same = true;
  if (!absl::IsResourceExhausted(status)) {
    while (true) {
      const absl::StatusOr<std::string_view> rest = compressed.Next();
      if (!rest.ok() && status.ok()) {
        add(KindOf(rest.status()), reader.offset(), rest.status().message());
      }
      if (!rest.ok() || rest->empty()) break;
    }
    if (digest && !hashed.failed()) {
      same = CheckBlob(where, layer.digest, digest->Finish(), layer.size, hashed.size(), problems);
    }
  }
  // Of a blob that is another one than the manifest's, the diff_id differs as a consequence.
  if (!same || !status.ok() || !diff_id) return;
  CheckDiffId(where, layer.diff_id, diff_id->Finish(), problems);
}

}  // namespace lre_audit
