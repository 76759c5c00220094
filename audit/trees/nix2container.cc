#include "audit/trees/nix2container.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/bytes/digest.h"
#include "audit/trees/json.h"
#include "audit/trees/media_type.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr uint64_t kVersion = 1;
// In all layers that are yet to be made. A real image names a path twice, where it is copied to the
// root as well; each naming costs a walk, and a description of 20 MB has room for 200,000.
constexpr int kMaxNamings = 50;

class Reader {
 public:
  Reader(const std::string& where, const TreeLimits& limits)
      : where_(where), limits_(limits), log_(where, out_.image.problems) {}

  NixImage Read(std::string_view text) {
    ReadDocument(text);
    // Everything that is in the image is named here.
    for (Problem& problem : out_.image.problems) problem.hides_files = true;
    return std::move(out_);
  }

 private:
  void ReadDocument(std::string_view text) {
    const absl::StatusOr<Json> json = ParseJson(text, JsonSchema::kNix2container, log_);
    if (!json.ok()) {
      return Unreadable(std::string(json.status().message()));
    }
    if (json->is_array()) return ReadLayers(*json, "");
    const JsonObject image(*json, "", log_);
    if (!Member(*json, "layers").is_array() || !Member(*json, "image-config").is_object()) {
      Unreadable(
          "expected an image that nix2container has described, with \"image-config\" and "
          "\"layers\", or a list of layers");
      return;
    }
    const Json& version = Member(*json, "version");
    if (!version.is_null() && version != kVersion) {
      Malformed(absl::StrCat("version is ", DescribeJson(version), ", expected ", kVersion));
    }
    ImageConfig& config = out_.image.config;
    config.present = true;
    config.os = "linux";  // what nix2container writes into every image
    config.architecture = image.String("arch");
    ApplyRunConfig(image.Object("image-config"), config);
    ReadLayers(image.Array("layers"), "layers");
  }

  void Unreadable(std::string message) {
    log_.Add(Problem::Kind::kUnreadable, 0, std::move(message));
  }
  void Malformed(std::string message) {
    log_.Add(Problem::Kind::kMalformed, 0, std::move(message));
  }
  bool ExpectObject(const Json& json, const std::string& name) {
    if (json.is_object()) return true;
    Malformed(absl::StrCat(name, " is ", DescribeJson(json), ", expected an object"));
    return false;
  }

  void ReadLayers(const Json& layers, const std::string& name) {
    if (layers.size() > limits_.layers) {
      log_.Add(Problem::Kind::kLimit, 0,
               absl::StrCat(layers.size(), " layers, more than ", limits_.layers));
      return;
    }
    const std::vector<Problem>& problems = out_.image.problems;
    for (size_t i = 0; i < layers.size(); ++i) {
      const size_t before = problems.size();
      ReadLayer(layers[i], absl::StrCat(name, "[", i, "]"));
      out_.layers.back().complete = problems.size() == before && !log_.full();
    }
  }

  void ReadLayer(const Json& json, const std::string& name) {
    ImageLayer& blob = out_.image.layers.emplace_back();
    NixLayer& layer = out_.layers.emplace_back();
    ImageConfig& config = out_.image.config;
    std::string& history = config.history.emplace_back();
    std::string& diff_id = config.diff_ids.emplace_back();
    if (!ExpectObject(json, name)) {
      blob.unreadable = "its description is no object";
      return;
    }
    const JsonObject object(json, name, log_);
    CheckLayerType(object.String("mediatype"), object.NameOf("mediatype"), log_);
    blob.digest = ReadDigest(object, "digest");
    diff_id = object.String("diff_ids");
    blob.diff_id = ReadDigest(object, "diff_ids");
    layer.layer_path = object.String("layer-path");
    blob.blob = layer.layer_path;
    if (const Json& paths = Member(json, "paths"); !paths.is_null()) {
      layer.paths.emplace();
      const Json& elements = object.Array("paths");  // said where it is none
      for (size_t i = 0; i < elements.size(); ++i) {
        ReadPath(elements[i], absl::StrCat(object.NameOf("paths"), "[", i, "]"), *layer.paths);
      }
      if (layer.layer_path.empty()) LimitNamings(object.NameOf("paths"), *layer.paths);
    }
    // Of layers that came from elsewhere it writes 0, for it never asks how long they are.
    if (!Member(json, "size").is_null()) {
      blob.size = object.Size("size");
      if (!layer.layer_path.empty() && blob.size == 0) blob.size.reset();
    }
    if (layer.layer_path.empty() && !layer.paths) {
      blob.unreadable =
          "has neither \"paths\" nor a \"layer-path\": nothing says what is in it, and "
          "nix2container "
          "itself could not write it";
    }
    const JsonObject entry = object.Object("History");
    history = entry.String("created_by");
    if (history.empty()) history = entry.String("comment");
  }

  std::optional<Digest> ReadDigest(const JsonObject& object, const char* key) {
    const std::string text = object.String(key);
    absl::StatusOr<Digest> digest = ParseDigest(text);
    if (digest.ok()) return *std::move(digest);
    Malformed(absl::StrCat(object.NameOf(key), ": ", digest.status().message()));
    return std::nullopt;
  }

  void ReadPath(const Json& json, const std::string& name, std::vector<NixPath>& paths) {
    if (!ExpectObject(json, name)) return;
    const JsonObject object(json, name, log_);
    NixPath& path = paths.emplace_back();
    path.path = object.String("path");
    if (path.path.empty()) Malformed(absl::StrCat(object.NameOf("path"), " is empty"));
    if (Member(json, "options").is_null()) return;
    path.has_options = true;
    const JsonObject options = object.Object("options");
    const JsonObject rewrite = options.Object("rewrite");
    path.rewrite = rewrite.String("regex");
    path.replacement = rewrite.String("repl");
    if (Member(options.value(), "perms").is_null()) return;
    const Json& permissions = options.Array("perms");
    path.permissions.emplace();
    for (size_t i = 0; i < permissions.size(); ++i) {
      ReadPermission(permissions[i], absl::StrCat(options.NameOf("perms"), "[", i, "]"),
                     *path.permissions);
    }
  }

  void LimitNamings(const std::string& name, std::vector<NixPath>& paths) {
    const size_t named = std::erase_if(
        paths, [&](const NixPath& path) { return ++namings_[path.path] > kMaxNamings; });
    if (named == 0) return;
    log_.Add(Problem::Kind::kLimit, 0,
             absl::StrCat(name, " has ", named, " paths that the image has named ", kMaxNamings,
                          " times before; they are left out"));
  }

  void ReadPermission(const Json& json, const std::string& name,
                      std::vector<NixPermission>& permissions) {
    if (!ExpectObject(json, name)) return;
    const JsonObject object(json, name, log_);
    NixPermission& permission = permissions.emplace_back();
    permission.pattern = object.String("regex");
    permission.mode = object.String("mode");
    permission.uid = object.Integer("uid");
    permission.gid = object.Integer("gid");
    permission.user = object.String("uname");
    permission.group = object.String("gname");
  }

  const std::string where_;
  const TreeLimits limits_;
  NixImage out_;
  ProblemLog log_;
  std::map<std::string, int> namings_;  // by path
};

}  // namespace

NixImage ReadNix2container(std::string_view text, const std::string& where,
                           const TreeLimits& limits) {
  return Reader(where, limits).Read(text);
}

}  // namespace lre_audit
