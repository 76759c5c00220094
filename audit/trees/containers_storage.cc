#include "audit/trees/containers_storage.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "audit/trees/directory_walk.h"
#include "audit/trees/docker_reference.h"
#include "audit/trees/oci_manifest.h"
#include "audit/trees/storage_tree.h"
#include "base/read_file.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr uint64_t kMaxConfiguration = 1 << 20;

bool IsId(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The files of one image: "manifest", "manifest-<digest>", and by its digest the configuration.
class BigData : public BlobSource {
 public:
  BigData(std::shared_ptr<FileHandle> root, std::string directory)
      : root_(std::move(root)), directory_(std::move(directory)) {}

  std::string NameOf(Kind kind, const Digest& digest) const override {
    return absl::StrCat(kind == Kind::kManifest ? "manifest-" : "", digest.ToString());
  }
  absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                                   uint64_t* size) const override {
    // makeBigDataBaseName in images.go.
    const bool is_plain =
        name.find_first_not_of(".0123456789abcdefghijklmnopqrstuvwxyz") == std::string::npos;
    const std::string file = is_plain ? name : absl::StrCat("=", absl::Base64Escape(name));
    absl::StatusOr<std::shared_ptr<FileHandle>> handle =
        OpenFileInRoot(root_->fd(), absl::StrCat(directory_, "/", file), size);
    if (!handle.ok()) {
      return absl::Status(
          handle.status().code(),
          absl::StrCat(name, " of the image's big data: ", handle.status().message()));
    }
    return std::make_unique<FileSource>(*std::move(handle), 0, *size);
  }

 private:
  const std::shared_ptr<FileHandle> root_;
  const std::string directory_;
};

// A file of the storage by its path below the root.
class RootFiles : public BlobSource {
 public:
  explicit RootFiles(std::shared_ptr<FileHandle> root) : root_(std::move(root)) {}
  absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                                   uint64_t* size) const override {
    LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> file, OpenFileInRoot(root_->fd(), name, size));
    return std::make_unique<FileSource>(std::move(file), 0, *size);
  }

 private:
  const std::shared_ptr<FileHandle> root_;
};

std::string Variable(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

// `key` of section [storage] in a storage.conf, empty if there is none. Of TOML, the lines that
// such files have: key = "value".
std::string Setting(const std::string& file, std::string_view key) {
  const absl::StatusOr<std::string> text = ReadFile(file, kMaxConfiguration);
  if (!text.ok()) return {};
  bool in_storage = false;
  for (const absl::string_view full : absl::StrSplit(*text, '\n')) {
    const absl::string_view line = absl::StripAsciiWhitespace(full);
    if (absl::StartsWith(line, "[")) in_storage = absl::StartsWith(line, "[storage]");
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    if (!in_storage || absl::StripAsciiWhitespace(parts.first) != ToAbsl(key)) continue;
    absl::string_view value = absl::StripAsciiWhitespace(parts.second);
    const char quote = value.empty() ? '\0' : value[0];
    if (quote != '"' && quote != '\'') continue;
    value.remove_prefix(1);
    return std::string(value.substr(0, value.find(quote)));
  }
  return {};
}

// Where podman has its images, for the user who runs this.
std::string DefaultRoot() {
  const bool is_root = geteuid() == 0;
  const std::string home = Variable("HOME");
  std::vector<std::string> files;
  if (const std::string named = Variable("CONTAINERS_STORAGE_CONF"); !named.empty()) {
    files = {named};
  } else if (is_root) {
    files = {"/etc/containers/storage.conf", "/usr/share/containers/storage.conf"};
  } else {
    const std::string config = Variable("XDG_CONFIG_HOME");
    files = {absl::StrCat(config.empty() ? home + "/.config" : config, "/containers/storage.conf")};
  }
  for (const std::string& file : files) {
    std::string root = Setting(file, "graphroot");
    if (!root.empty()) return root;
  }
  if (is_root) return "/var/lib/containers/storage";
  const std::string data = Variable("XDG_DATA_HOME");
  return absl::StrCat(data.empty() ? home + "/.local/share" : data, "/containers/storage");
}

struct StoredImage {
  std::string id, digest, layer;
  std::vector<std::string> names;
};

// "docker.io/library/x" of "docker.io/library/x:t" and "docker.io/library/x@sha256:...".
std::string WithoutTag(const std::string& name) {
  const std::string plain = name.substr(0, name.find('@'));
  return HasTagOrDigest(plain) ? plain.substr(0, plain.rfind(':')) : plain;
}

// Whether `image` is what the user calls `wanted`; see StorageReference::name.
bool IsNamed(const StoredImage& image, const std::string& wanted) {
  const size_t at = wanted.rfind('@');
  const std::string name = wanted.substr(0, at);
  if (at == std::string::npos) {
    const std::string full = FullName(HasTagOrDigest(name) ? name : name + ":latest");
    return std::find(image.names.begin(), image.names.end(), full) != image.names.end();
  }
  const std::string by = wanted.substr(at + 1);
  const bool fits =
      absl::StrContains(by, ':') ? image.digest == by : absl::StartsWith(image.id, by);
  if (!fits || name.empty()) return fits;
  const std::string plain = WithoutTag(FullName(name));
  return std::any_of(image.names.begin(), image.names.end(),
                     [&](const std::string& known) { return WithoutTag(known) == plain; });
}

// Whether `wanted` is its id, or enough of one.
bool HasId(const StoredImage& image, const std::string& wanted) {
  constexpr size_t kEnough = 3;
  return wanted.size() >= kEnough && absl::StartsWith(image.id, wanted);
}

// One storage: its two tables, and what the user asks of them.
class Storage {
 public:
  Storage(std::shared_ptr<FileHandle> root, std::string driver, const OpenOptions& options)
      : root_(std::move(root)), driver_(std::move(driver)), options_(options), files_(root_) {}

  absl::StatusOr<Trees> Open(const std::string& reference, const std::string& name) {
    LRE_ASSIGN_OR_RETURN(const std::optional<StoredImage> selected, Select(name));
    // A table that cannot be read was not mistyped: it is what is wrong with the image.
    const StoredImage stored = selected.value_or(StoredImage());
    Image image = selected ? ReadDocuments(stored) : Image();
    image.reference = reference;
    image.names = stored.names;
    image.problems.insert(image.problems.begin(), problems_.begin(), problems_.end());
    std::vector<StorageTree::Layer> layers = ReadLayers(stored, image);
    struct stat status;
    if (fstat(root_->fd(), &status) != 0) return absl::UnavailableError("cannot stat the storage");
    Trees trees;
    trees.push_back(std::make_unique<StorageTree>(std::move(image), std::move(layers), root_,
                                                  status.st_uid, status.st_gid, options_.limits));
    return trees;
  }

 private:
  std::optional<Json> Read(const std::string& name, std::vector<Problem>& problems) const {
    return ReadJsonBlob(files_, name, JsonSchema::kStorage, std::nullopt, std::nullopt,
                        options_.limits, problems);
  }

  // None, and a problem, where the table of images cannot be read.
  absl::StatusOr<std::optional<StoredImage>> Select(const std::string& wanted) {
    const std::string file = absl::StrCat(driver_, "-images/images.json");
    uint64_t size = 0;
    if (const absl::Status status = files_.Open(file, &size).status(); absl::IsNotFound(status)) {
      return status;
    }
    const std::optional<Json> json = Read(file, problems_);
    if (json && !json->is_array()) {
      problems_.push_back(
          {Problem::Kind::kUnreadable, file, 0, "expected an array of images", {}, {}});
    }
    if (!json || !json->is_array()) return std::nullopt;
    ProblemLog log(file, problems_);
    std::vector<StoredImage> matching, with_id;
    std::set<std::string> known;
    for (size_t i = 0; i < json->size(); ++i) {
      const JsonObject entry((*json)[i], absl::StrCat("[", i, "]"), log);
      StoredImage image{entry.String("id"), entry.String("digest"), entry.String("layer"),
                        entry.Strings("names")};
      for (const std::string& name : image.names) known.insert(Escaped(name));
      if (image.names.empty()) known.insert(absl::StrCat("@", Escaped(image.id.substr(0, 12))));
      if (IsNamed(image, wanted)) {
        matching.push_back(std::move(image));
      } else if (HasId(image, wanted)) {
        with_id.push_back(std::move(image));
      }
    }
    if (matching.empty()) matching = std::move(with_id);
    const std::string choices = known.empty() ? "none" : absl::StrJoin(known, ", ");
    if (matching.empty()) {
      return absl::NotFoundError(
          absl::StrCat("no image has the name \"", Escaped(wanted), "\"; images: ", choices));
    }
    if (matching.size() > 1) {
      return absl::InvalidArgumentError(absl::StrCat(matching.size(), " images are named \"",
                                                     Escaped(wanted), "\"; images: ", choices));
    }
    return matching[0];
  }

  // Manifest and configuration, held against their digests.
  Image ReadDocuments(const StoredImage& stored) const {
    Image image;
    const auto unreadable = [&](std::string message) {
      image.problems.push_back({Problem::Kind::kUnreadable,
                                driver_ + "-images/images.json",
                                0,
                                std::move(message),
                                {},
                                {}});
      return std::move(image);
    };
    if (!IsId(stored.id)) {
      return unreadable(absl::StrCat("the image's id is \"", Escaped(stored.id.substr(0, 100)),
                                     "\", expected 64 hexadecimal digits"));
    }
    ManifestStart start;
    start.name = "manifest";
    if (!stored.digest.empty()) {
      absl::StatusOr<Digest> digest = ParseDigest(stored.digest);
      if (!digest.ok()) {
        return unreadable(absl::StrCat("the image's digest: ", digest.status().message()));
      }
      start.digest = *std::move(digest);
    }
    const BigData documents(root_, absl::StrCat(driver_, "-images/", stored.id));
    absl::StatusOr<std::vector<Image>> images = ReadManifests(documents, start, options_);
    if (!images.ok()) return unreadable(std::string(images.status().message()));
    return std::move(images->front());
  }

  // The chain of stored layers below the image's topmost, bottom first.
  std::vector<StorageTree::Layer> ReadLayers(const StoredImage& stored, Image& image) const {
    struct Row {
      std::string parent, diff_digest;
      uint64_t size = 0;
    };
    std::map<std::string, Row> rows;
    const std::string directory = driver_ + "-layers/";
    const std::string table = directory + "layers.json";
    const auto problem = [&](Problem::Kind kind, std::string message, std::string expected = {},
                             std::string actual = {}) {
      image.problems.push_back(
          {kind, table, 0, std::move(message), std::move(expected), std::move(actual)});
    };
    for (const std::string& file : {table, directory + "volatile-layers.json"}) {
      std::vector<Problem> problems;
      uint64_t size = 0;
      if (file != table && absl::IsNotFound(files_.Open(file, &size).status())) continue;
      const std::optional<Json> json = Read(file, problems);
      image.problems.insert(image.problems.end(), problems.begin(), problems.end());
      if (!json) continue;
      ProblemLog log(file, image.problems);
      for (size_t i = 0; i < json->size() && json->is_array(); ++i) {
        const JsonObject entry((*json)[i], absl::StrCat("[", i, "]"), log);
        const Json& layer_size = Member((*json)[i], "diff-size");
        rows[entry.String("id")] = {
            entry.String("parent"), entry.String("diff-digest"),
            layer_size.is_number_unsigned() ? layer_size.get<uint64_t>() : 0};
      }
    }
    std::vector<std::string> chain;
    std::set<std::string> seen;
    for (std::string id = stored.layer; !id.empty();) {
      if (!IsId(id)) {
        problem(Problem::Kind::kUnreadable,
                absl::StrCat("a layer's id is \"", Escaped(id.substr(0, 100)),
                             "\", expected 64 hexadecimal digits"));
        break;
      }
      const auto row = rows.find(id);
      if (row == rows.end() || !seen.insert(id).second || seen.size() > options_.limits.layers) {
        problem(
            Problem::Kind::kUnreadable,
            absl::StrCat("layer ", id, row == rows.end() ? " is not in it" : " is its own parent"));
        break;
      }
      chain.push_back(id);
      id = row->second.parent;
    }
    std::reverse(chain.begin(), chain.end());
    if (chain.size() != image.layers.size() && image.config.present) {
      problem(Problem::Kind::kViewsDisagree,
              absl::StrCat("has ", chain.size(), " layers for the image, its manifest ",
                           image.layers.size()));
    }
    // Where the chain breaks, it is the lower layers that are missing.
    const size_t missing = image.layers.size() - std::min(image.layers.size(), chain.size());
    image.layers.erase(image.layers.begin(),
                       image.layers.begin() + static_cast<ptrdiff_t>(missing));
    image.layers.resize(chain.size());
    std::vector<StorageTree::Layer> layers;
    for (size_t i = 0; i < chain.size(); ++i) {
      const Row& row = rows.at(chain[i]);
      const std::optional<Digest>& diff_id = image.layers[i].diff_id;
      if (diff_id && !row.diff_digest.empty() && row.diff_digest != diff_id->ToString()) {
        problem(
            Problem::Kind::kViewsDisagree,
            absl::StrCat("layer ", i, " has another diff-digest than the configuration's diff_id"),
            diff_id->ToString(), Escaped(row.diff_digest));
      }
      StorageTree::Layer& layer = layers.emplace_back();
      const bool is_overlay = driver_ == "overlay";
      layer.directory = is_overlay ? absl::StrCat("overlay/", chain[i], "/diff")
                                   : absl::StrCat("vfs/dir/", chain[i]);
      layer.tar_split = absl::StrCat(directory, chain[i], ".tar-split.gz");
      layer.is_stacked = !is_overlay;
      layer.size_hint = row.size;
    }
    return layers;
  }

  const std::shared_ptr<FileHandle> root_;
  const std::string driver_;
  const OpenOptions& options_;
  const RootFiles files_;
  std::vector<Problem> problems_;
};

}  // namespace

absl::StatusOr<StorageReference> ParseStorageReference(const std::string& text) {
  StorageReference reference;
  if (!text.starts_with('[')) {
    reference.name = text;
    return reference;
  }
  const size_t end = text.find(']');
  if (end == std::string::npos) {
    return absl::InvalidArgumentError(
        "\"[\" without \"]\"; expected containers-storage:[[DRIVER@]ROOT]NAME");
  }
  reference.name = text.substr(end + 1);
  std::string specification = text.substr(1, end - 1);
  if (const size_t at = specification.find('@'); at != std::string::npos) {
    reference.driver = specification.substr(0, at);
    specification.erase(0, at + 1);
  }
  // What follows is where containers run, and how they are mounted.
  reference.root = specification.substr(0, specification.find_first_of("+:"));
  return reference;
}

absl::StatusOr<Trees> OpenContainersStorage(const TypedReference& name,
                                            const OpenOptions& options) {
  const auto about = [&](const absl::Status& status) {
    return absl::Status(status.code(),
                        absl::StrCat(Escaped(name.reference), ": ", status.message()));
  };
  absl::StatusOr<StorageReference> parsed = ParseStorageReference(name.rest);
  if (!parsed.ok()) return about(parsed.status());
  if (parsed->name.empty()) return about(absl::InvalidArgumentError("names no image"));
  const std::string root = parsed->root.empty() ? DefaultRoot() : parsed->root;
  absl::StatusOr<std::shared_ptr<FileHandle>> handle = OpenDirectory(root);
  if (!handle.ok()) {
    return absl::Status(handle.status().code(),
                        absl::StrCat("no container storage: ", handle.status().message(),
                                     "; name one: containers-storage:[ROOT]NAME"));
  }
  std::string driver = parsed->driver;
  for (const char* known : {"overlay", "vfs"}) {
    if (!driver.empty()) break;
    if (OpenDirectoryInRoot((*handle)->fd(), absl::StrCat(known, "-images")).ok()) driver = known;
  }
  if (driver != "overlay" && driver != "vfs") {
    return about(driver.empty()
                     ? absl::NotFoundError(absl::StrCat(
                           Escaped(root), " holds no images of the drivers overlay and vfs"))
                     : absl::InvalidArgumentError(absl::StrCat(
                           "driver \"", Escaped(driver),
                           "\" is not read; overlay and vfs are, and skopeo copies from "
                           "the rest: skopeo copy ",
                           Escaped(name.reference), " oci:DIR:TAG")));
  }
  absl::StatusOr<Trees> trees =
      Storage(*std::move(handle), driver, options).Open(name.reference, parsed->name);
  if (!trees.ok()) return about(trees.status());
  return trees;
}

}  // namespace lre_audit
