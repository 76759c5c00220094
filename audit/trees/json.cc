#include "audit/trees/json.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr int kMaxDepth = 100;
constexpr int kOutOfRange = 406;  // nlohmann's number for a number that no double can hold

// OCI image-spec descriptor.md, image-index.md, image-layout.md, manifest.md, config.md: the fields
// that are read here, and the maps, whose keys are the user's and count as they are written.
constexpr const char* kOciFields[] = {
    "annotations", "architecture", "Cmd",           "comment",
    "config",      "created_by",   "data",          "diff_ids",
    "digest",      "Env",          "Entrypoint",    "history",
    "layers",      "manifests",    "mediaType",     "os",
    "platform",    "rootfs",       "size",          "urls",
    "User",        "variant",      "WorkingDir",    "Labels",
    "Volumes",     "ExposedPorts", "schemaVersion", "imageLayoutVersion",
    "type"};
constexpr const char* kOciMaps[] = {"annotations", "Labels", "Volumes", "ExposedPorts"};
// moby image/tarexport/tarexport.go, manifestItem.
constexpr const char* kDockerManifestFields[] = {"Config", "RepoTags", "Layers"};
// nix2container types/types.go, and OCI image-spec config.md for what is embedded there.
constexpr const char* kNix2containerFields[] = {
    "version",  "image-config", "layers",     "arch",       "created",     "digest",     "size",
    "diff_ids", "paths",        "mediatype",  "layer-path", "History",     "path",       "options",
    "rewrite",  "perms",        "regex",      "repl",       "mode",        "uid",        "gid",
    "uname",    "gname",        "created_by", "comment",    "Env",         "Entrypoint", "Cmd",
    "User",     "WorkingDir",   "Labels",     "Volumes",    "ExposedPorts"};

// containers/storage images.go and layers.go; tar-split tar/storage/entry.go.
constexpr const char* kStorageFields[] = {"id",       "digest",      "names",   "layer",
                                          "parent",   "diff-digest", "type",    "name",
                                          "name_raw", "size",        "payload", "diff-size"};

bool NestsTooDeeply(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

// Names that are equal for Go have the same fold (encoding/json fold.go): the long s and the Kelvin
// sign are letters of another case, too.
std::string Fold(std::string_view name) {
  constexpr std::string_view kLongS = "\u017f", kKelvin = "\u212a";
  std::string folded;
  while (!name.empty()) {
    if (name.starts_with(kLongS)) {
      folded += 's';
      name.remove_prefix(kLongS.size());
    } else if (name.starts_with(kKelvin)) {
      folded += 'k';
      name.remove_prefix(kKelvin.size());
    } else {
      folded += absl::ascii_tolower(static_cast<unsigned char>(name[0]));
      name.remove_prefix(1);
    }
  }
  return folded;
}

// Specified names by their fold.
using Names = std::map<std::string, std::string>;

const Names& NamesOf(JsonSchema schema) {
  const auto names = [](const auto& fields) {
    auto* by_fold = new Names();
    for (const char* field : fields) by_fold->emplace(Fold(field), field);
    return by_fold;
  };
  static const Names* const kOci = names(kOciFields);
  static const Names* const kDockerManifest = names(kDockerManifestFields);
  static const Names* const kNix2container = names(kNix2containerFields);
  static const Names* const kStorage = names(kStorageFields);
  switch (schema) {
    case JsonSchema::kDockerManifest:
      return *kDockerManifest;
    case JsonSchema::kNix2container:
      return *kNix2container;
    case JsonSchema::kStorage:
      return *kStorage;
    case JsonSchema::kOci:
      break;
  }
  return *kOci;
}

std::string Quoted(std::string_view name) {
  return absl::StrCat("\"", Escaped(name.substr(0, 100)), name.size() > 100 ? "..." : "", "\"");
}

// Builds the document from the parser's events.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(JsonSchema schema, ProblemLog& log) : names_(NamesOf(schema)), log_(log) {}

  Json TakeDocument() { return std::move(document_); }
  size_t error_byte() const { return error_byte_; }
  bool out_of_range() const { return out_of_range_; }

  bool null() override {
    bool is_new = false;
    Json& slot = Slot(&is_new);
    // In Go, null empties a slice and leaves anything else as it was.
    if (is_new || slot.is_array()) slot = nullptr;
    return true;
  }
  bool boolean(bool value) override { return Put(value); }
  bool number_integer(number_integer_t value) override { return Put(value); }
  bool number_unsigned(number_unsigned_t value) override { return Put(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return Put(value); }
  bool string(string_t& value) override { return Put(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }  // not in text

  bool start_object(size_t /*elements*/) override {
    const bool is_map = !levels_.empty() && !levels_.back().value->is_array() &&
                        std::find(std::begin(kOciMaps), std::end(kOciMaps), levels_.back().key) !=
                            std::end(kOciMaps);
    Json& slot = Slot();
    if (!slot.is_object()) slot = Json::object();
    levels_.push_back({&slot, is_map, {}, {}});
    return true;
  }
  bool key(string_t& name) override {
    Level& level = levels_.back();
    const auto known = level.is_map ? names_.end() : names_.find(Fold(name));
    const std::string& specified = known == names_.end() ? name : known->second;
    const bool repeated = !level.seen.insert(name).second;
    if (name != specified) {
      const bool both = repeated || level.seen.contains(specified);
      Report(name, absl::StrCat("is ", Quoted(specified), " for readers that take no heed of case",
                                both ? ", and stands there twice" : ""));
    } else if (repeated) {
      Report(name, "stands there twice: which one counts, readers disagree about");
    }
    level.key = specified;
    return true;
  }
  bool end_object() override { return End(); }

  bool start_array(size_t /*elements*/) override {
    Json& slot = Slot();
    slot = Json::array();
    levels_.push_back({&slot, false, {}, {}});
    return true;
  }
  bool end_array() override { return End(); }

  bool parse_error(size_t position, const std::string& /*last_token*/,
                   const nlohmann::detail::exception& error) override {
    error_byte_ = position;
    out_of_range_ = error.id == kOutOfRange;
    return false;
  }

 private:
  struct Level {
    Json* value;  // stays where it is: nothing is added beside a value that is still open
    bool is_map;
    std::string key;  // of the member that comes next
    std::set<std::string> seen;
  };

  // Where the next value belongs.
  Json& Slot(bool* is_new = nullptr) {
    if (is_new != nullptr) *is_new = true;
    if (levels_.empty()) return document_;
    Level& level = levels_.back();
    if (level.value->is_array()) return level.value->emplace_back();
    const auto [at, inserted] = level.value->emplace(level.key, nullptr);
    if (is_new != nullptr) *is_new = inserted;
    return *at;
  }
  template <typename T>
  bool Put(T value) {
    Slot() = std::move(value);
    return true;
  }
  bool End() {
    levels_.pop_back();
    return true;
  }
  void Report(const std::string& name, const std::string& message) {
    std::string path;
    for (size_t i = 0; i + 1 < levels_.size(); ++i) {
      const Level& level = levels_[i];
      if (level.value->is_array()) {
        absl::StrAppend(&path, "[", level.value->size() - 1, "]");
      } else {
        absl::StrAppend(&path, path.empty() ? "" : ".", Escaped(level.key.substr(0, 100)));
      }
    }
    log_.Add(Problem::Kind::kMalformed, 0,
             absl::StrCat("key ", Quoted(name), path.empty() ? "" : " of ", path, " ", message));
  }

  const Names& names_;
  ProblemLog& log_;
  Json document_;
  std::vector<Level> levels_;
  size_t error_byte_ = 0;
  bool out_of_range_ = false;
};

}  // namespace

absl::StatusOr<Json> ParseJson(std::string_view text, JsonSchema schema, ProblemLog& log) {
  if (NestsTooDeeply(text)) {
    return absl::InvalidArgumentError(
        absl::StrCat("JSON that nests more than ", kMaxDepth, " deep"));
  }
  if (text.empty()) return absl::InvalidArgumentError("no JSON: the file is empty");
  // nlohmann passes over it, Go does not.
  if (text.starts_with("\xef\xbb\xbf")) {
    return absl::InvalidArgumentError("no JSON: it begins with a byte order mark");
  }
  Builder builder(schema, log);
  if (Json::sax_parse(text.begin(), text.end(), &builder)) return builder.TakeDocument();
  if (builder.out_of_range()) {
    return absl::InvalidArgumentError("no JSON: a number is out of range");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no JSON: error at byte ", builder.error_byte(), " of ", text.size()));
}

const Json& Member(const Json& object, const char* key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::string DescribeJson(const Json& value) {
  switch (value.type()) {
    case Json::value_t::string:
      return absl::StrCat("the string ", Quoted(value.get_ref<const std::string&>()));
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      return absl::StrCat("the number ", value.dump());
    case Json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "an array";
    default:
      return "null";
  }
}

std::string JsonObject::NameOf(const char* key) const {
  return absl::StrCat(name_, name_.empty() ? "" : ".", key);
}

const Json& JsonObject::Expect(const char* key, Json::value_t type, const char* expected) const {
  static const Json kNull;
  const Json& member = Member(value_, key);
  if (member.is_null() || member.type() == type) return member;
  log_.Add(Problem::Kind::kMalformed, 0,
           absl::StrCat(NameOf(key), " is ", DescribeJson(member), ", expected ", expected));
  return kNull;
}

std::string JsonObject::String(const char* key) const {
  const Json& member = Expect(key, Json::value_t::string, "a string");
  return member.is_string() ? member.get_ref<const std::string&>() : std::string();
}

std::vector<std::string> JsonObject::Strings(const char* key) const {
  std::vector<std::string> strings;
  const Json& member = Expect(key, Json::value_t::array, "an array of strings");
  for (size_t i = 0; i < member.size(); ++i) {
    if (member[i].is_string()) {
      strings.push_back(member[i].get_ref<const std::string&>());
    } else {
      log_.Add(Problem::Kind::kMalformed, 0,
               absl::StrCat(NameOf(key), "[", i, "] is ", DescribeJson(member[i]),
                            ", expected a string"));
    }
  }
  return strings;
}

const Json& JsonObject::Array(const char* key) const {
  return Expect(key, Json::value_t::array, "an array");
}

JsonObject JsonObject::Object(const char* key) const {
  return {Expect(key, Json::value_t::object, "an object"), NameOf(key), log_};
}

std::optional<uint64_t> JsonObject::Size(const char* key) const {
  const Json& member = Member(value_, key);
  if (member.is_number_unsigned() && member.get<uint64_t>() <= uint64_t{INT64_MAX}) {
    return member.get<uint64_t>();
  }
  log_.Add(Problem::Kind::kMalformed, 0,
           absl::StrCat(NameOf(key), " is ", member.is_null() ? "missing" : DescribeJson(member),
                        ", expected a number of bytes (0 to 2^63 - 1)"));
  return std::nullopt;
}

int64_t JsonObject::Integer(const char* key) const {
  const Json& member = Member(value_, key);
  const bool fits = !member.is_number_unsigned() || member.get<uint64_t>() <= uint64_t{INT64_MAX};
  if (member.is_number_integer() && fits) return member.get<int64_t>();
  if (!member.is_null()) {
    log_.Add(Problem::Kind::kMalformed, 0,
             absl::StrCat(NameOf(key), " is ", DescribeJson(member), ", expected an integer"));
  }
  return 0;
}

}  // namespace lre_audit
