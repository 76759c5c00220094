// Manifests and configurations, read without trusting a byte of them: as the container tools do,
// which are written in Go, and with a word about everything that another reader would read in
// another way.
#ifndef LRE_AUDIT_AUDIT_TREES_JSON_H_
#define LRE_AUDIT_AUDIT_TREES_JSON_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/trees/problem_log.h"
#include "nlohmann/json.hpp"

namespace lre_audit {

using Json = nlohmann::json;

// The kinds of documents, which differ in the names of their fields.
enum class JsonSchema {
  kOci,             // image index, manifest and configuration, Docker's schema 2 included
  kDockerManifest,  // the manifest.json of `docker save`
  kNix2container,   // an image or a list of layers, as nix2container describes them
  kStorage,         // what containers/storage keeps beside the layers
};

// Reads a document as Go's encoding/json does: the name of a field counts in any case, of two
// members with one name the last one counts, and two objects are merged. Since other readers do
// not, each such member becomes a kMalformed problem. In the result, fields have the names that the
// specification gives them.
//
// InvalidArgument says at which byte the text stops being JSON, or that it nests too deeply.
absl::StatusOr<Json> ParseJson(std::string_view text, JsonSchema schema, ProblemLog& log);

// Member `key` of `object`; null if that is no object or has no such member.
const Json& Member(const Json& object, const char* key);

// "the string \"abc\"", "the number -1", "an array": for messages about a value of another type.
std::string DescribeJson(const Json& value);

// An object of a document, whose members have types. One of another type than asked for becomes a
// kMalformed problem that names it; absent and null are the same, and none.
class JsonObject {
 public:
  // `name` is that of the object in the document, empty for the document itself. Anything but an
  // object has no members.
  JsonObject(const Json& value, std::string name, ProblemLog& log)
      : value_(value), name_(std::move(name)), log_(log) {}

  std::string String(const char* key) const;
  std::vector<std::string> Strings(const char* key) const;  // elements of other types are left out
  const Json& Array(const char* key) const;                 // null if there is none
  JsonObject Object(const char* key) const;
  // A number of bytes, which has to be there: an integer from 0 to 2^63 - 1.
  std::optional<uint64_t> Size(const char* key) const;
  // An integer that may be absent: 0 then, and where it is something else.
  int64_t Integer(const char* key) const;

  const Json& value() const { return value_; }
  const std::string& name() const { return name_; }
  // "config.Env" for member "Env" of object "config".
  std::string NameOf(const char* key) const;

 private:
  const Json& Expect(const char* key, Json::value_t type, const char* expected) const;

  const Json& value_;
  const std::string name_;
  ProblemLog& log_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_JSON_H_
