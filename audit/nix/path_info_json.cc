// `nix path-info --json` in all its versions. Source: Nix src/libstore/path-info.cc and
// src/nix/path-info.cc of each; the manual's "Store object info JSON format"; for structuredAttrs,
// pathInfoToJSON in src/libstore/parsed-derivations.cc.
//
//   up to 2.18, Lix    [{"path": "/nix/store/...", "narHash": "sha256-...", ...}]
//   2.19               {"/nix/store/...": {...}, "/nix/store/...": null}
//   2.33               {"version": 2, "storeDir": "/nix/store", "info": {"<base name>": {...}}}
//
// And `nix derivation show` (src/libstore/derivations.cc, "Derivation JSON format"), which is the
// plan of a closure rather than one: derivations, their sources and their outputs are known as
// paths that may be there, and what refers to what is not.
//
//   up to 2.31   {"/nix/store/<hash>-<name>.drv": {"outputs": {"out": {"path": ...}}, ...}}
//   2.32         base names instead
//   2.33         {"version": 4, "derivations": {"<base name>": {"inputs": {"srcs": [...]}, ...}}}
//
// The file is read entry by entry: memory holds one entry's JSON at a time.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "audit/nix/closure_builder.h"
#include "audit/nix/content_address.h"
#include "audit/nix/hash.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit::nix {
namespace {

using Json = nlohmann::json;

// Of Nix 2.35 and 2.33.
constexpr int64_t kNewestPathInfo = 3, kNewestDerivation = 4;

// Real files are 5 deep.
constexpr size_t kMaxDepth = 100;

std::string StringOf(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// A hash is a string, or since 2.33 in some places {"algorithm": "sha256", "format": "base64",
// "hash": "..."}.
std::string HashText(const Json& hash) {
  if (hash.is_string()) return hash.get<std::string>();
  if (!hash.is_object()) return hash.dump(-1, ' ', true, Json::error_handler_t::replace);
  return absl::StrCat(StringOf(hash, "algorithm"), ":", StringOf(hash, "hash"));
}

// "NAME:BASE64"; since 2.35 {"keyName": NAME, "sig": BASE64}. Empty for neither.
std::string SignatureText(const Json& signature) {
  if (signature.is_string()) return signature.get<std::string>();
  if (!signature.is_object()) return "";
  const std::string name = StringOf(signature, "keyName"), bytes = StringOf(signature, "sig");
  return name.empty() || bytes.empty() ? "" : absl::StrCat(name, ":", bytes);
}

// A content address as the database and older versions write it: "fixed:r:sha256:<nix32>".
std::string ContentAddressText(const Json& ca) {
  if (ca.is_string()) return ca.get<std::string>();
  if (!ca.is_object() || !ca.contains("hash")) return "";
  const std::string method = StringOf(ca, "method");
  std::string hash = HashText(ca["hash"]);
  if (const auto parsed = ParseAnyHash(hash); parsed.ok()) {
    hash = absl::StrCat(parsed->algorithm, ":", ToNix32(absl::HexStringToBytes(parsed->hex)));
  }
  if (method == "text") return absl::StrCat("text:", hash);
  if (method == "nar") return absl::StrCat("fixed:r:", hash);
  if (method == "git") return absl::StrCat("fixed:git:", hash);
  return absl::StrCat("fixed:", hash);
}

// Gathers the entries of a file from the parser's events.
class EntryReader : public nlohmann::json_sax<Json> {
 public:
  explicit EntryReader(ClosureBuilder& closure) : closure_(closure) {}

  // After the parse: adds all entries to the closure.
  absl::Status Finish(bool is_parsed);

  bool null() override { return Value(nullptr); }
  bool boolean(bool value) override { return Value(value); }
  bool number_integer(number_integer_t value) override { return Value(value); }
  bool number_unsigned(number_unsigned_t value) override { return Value(value); }
  bool number_float(number_float_t value, const string_t&) override { return Value(value); }
  bool string(string_t& value) override { return Value(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // only in binary formats
  bool start_object(std::size_t) override { return Start(Json::object()); }
  bool start_array(std::size_t) override { return Start(Json::array()); }
  bool end_object() override { return End(); }
  bool end_array() override { return End(); }
  bool key(string_t& name) override;
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& error) override;

 private:
  enum class Outer { kNothing, kArray, kMap, kInfo };  // the containers that entries stand in

  bool Value(Json value);
  bool Start(Json container);
  bool End();
  void TellRepeated(const std::string& key);
  bool Put(Json value);  // into the innermost open container, or as an entry
  void AddEntry(const Json& value);
  void AddDerivation(const std::string& path, const Json& value);
  void AddOutput(const Json& derivation, const std::string& name, const Json& output);
  void AddPlanned(std::string path);
  std::string Join(std::string path) const;

  ClosureBuilder& closure_;
  Outer outer_ = Outer::kNothing;
  std::string outer_key_, info_key_;
  std::string graph_key_;                           // of an array of path infos beside other things
  std::set<std::string> outer_keys_;                // that are no paths: "version", "info"
  std::vector<std::pair<std::string, Json>> open_;  // of the entry: pending key and container
  uint64_t entries_ = 0;
  uint64_t path_infos_ = 0;  // entries that look like what path-info writes
  uint64_t derivations_ = 0;
  std::set<std::string> planned_;  // paths of derivations
  bool records_signatures_ = false;
  int64_t version_ = 0;
  std::string store_directory_;  // as the file says
  std::vector<ClosureBuilder::Entry> pending_;
  std::string error_;
};

bool EntryReader::key(string_t& name) {
  if (!open_.empty()) {
    if (open_.back().second.contains(name)) TellRepeated(name);
    open_.back().first = std::move(name);
  } else {
    // A path that is there twice with other contents the closure tells.
    if (outer_ == Outer::kMap && !name.starts_with('/') && !outer_keys_.insert(name).second) {
      TellRepeated(name);
    }
    (outer_ == Outer::kInfo ? info_key_ : outer_key_) = std::move(name);
  }
  return true;
}

void EntryReader::TellRepeated(const std::string& key) {
  const std::string& entry = outer_ == Outer::kInfo ? info_key_ : outer_key_;
  const std::string where = open_.empty() ? ""
                            : outer_ == Outer::kArray
                                ? absl::StrCat("entry ", entries_ + 1)
                                : absl::StrCat("\"", Escaped(entry.substr(0, 300)), "\"");
  closure_.Problem(where,
                   absl::StrCat("key \"", Escaped(key.substr(0, 100)),
                                "\" stands there twice: which one counts, readers disagree about"));
}

bool EntryReader::Value(Json value) {
  if (outer_ == Outer::kNothing) {
    error_ = "it holds neither an array nor an object";
    return false;
  }
  return Put(std::move(value));
}

bool EntryReader::Start(Json container) {
  if (outer_ == Outer::kNothing) {
    outer_ = container.is_array() ? Outer::kArray : Outer::kMap;
    return true;
  }
  if (outer_ == Outer::kMap && open_.empty() && container.is_object() &&
      (outer_key_ == "info" || outer_key_ == "derivations")) {
    outer_ = Outer::kInfo;
    return true;
  }
  if (open_.size() >= kMaxDepth) {
    error_ = absl::StrCat("it nests deeper than ", kMaxDepth, " levels");
    return false;
  }
  open_.emplace_back(std::string(), std::move(container));
  return true;
}

bool EntryReader::End() {
  if (open_.empty()) {
    if (outer_ == Outer::kInfo) outer_ = Outer::kMap;
    return true;
  }
  Json value = std::move(open_.back().second);
  open_.pop_back();
  return Put(std::move(value));
}

bool EntryReader::Put(Json value) {
  if (open_.empty()) {
    AddEntry(value);
  } else if (auto& [name, container] = open_.back(); container.is_array()) {
    container.push_back(std::move(value));
  } else {
    container[name] = std::move(value);
  }
  return true;
}

bool EntryReader::parse_error(std::size_t position, const std::string&,
                              const nlohmann::detail::exception& error) {
  // nlohmann writes "[json.exception.parse_error.101] parse error at line 1, column 5: ...".
  std::string_view what = error.what();
  what.remove_prefix(std::min(what.find("] ") + 2, what.size()));
  error_ = absl::StrCat("at byte ", position, ": ", Escaped(what));
  return false;
}

void EntryReader::AddEntry(const Json& value) {
  ++entries_;
  const std::string& name = outer_ == Outer::kInfo ? info_key_ : outer_key_;
  if (value.is_object() && value.contains("outputs") && value.contains("builder")) {
    return AddDerivation(outer_ == Outer::kArray ? StringOf(value, "path") : name, value);
  }
  if (outer_ == Outer::kMap && !name.starts_with('/')) {
    if (name == "version" && value.is_number_integer()) {
      version_ = value.get<int64_t>();
    } else if (name == "storeDir" && value.is_string()) {
      store_directory_ = value.get<std::string>();
    } else if (value.is_array() && !value.empty() && value[0].is_object() &&
               value[0].contains("narHash")) {
      graph_key_ = name;
    } else {
      closure_.Problem("", absl::StrCat("\"", Escaped(name.substr(0, 100)),
                                        "\" is neither a store path nor a key of path-info"));
    }
    return;
  }

  ClosureBuilder::Entry entry;
  entry.where = outer_ == Outer::kArray ? absl::StrCat("entry ", entries_)
                                        : absl::StrCat("\"", Escaped(name.substr(0, 300)), "\"");
  const auto problem = [&](std::string_view what) { closure_.Problem(entry.where, what); };
  if (value.is_null()) {
    ++path_infos_;
    return problem("not a valid path in the store that wrote this");
  }
  if (!value.is_object()) return problem("not an object");
  entry.path = outer_ == Outer::kArray ? StringOf(value, "path") : name;
  if (entry.path.empty()) return problem("no \"path\"");
  if (value.contains("narHash") || value.contains("references")) ++path_infos_;
  if (const auto it = value.find("valid"); it != value.end() && *it == false) {
    ++path_infos_;
    return problem(
        absl::StrCat(Escaped(entry.path), " is not a valid path in the store that wrote this"));
  }

  if (const auto it = value.find("narHash"); it == value.end() || it->is_null()) {
    problem("no \"narHash\"");
  } else {
    entry.hash = HashText(*it);
  }
  if (const auto it = value.find("narSize"); it != value.end() && !it->is_null()) {
    if (it->is_number_unsigned()) {
      entry.nar_size = it->get<uint64_t>();
    } else {
      problem("\"narSize\" is no size");
    }
  }
  if (const auto it = value.find("references"); it == value.end() || !it->is_array()) {
    problem("\"references\" is no array");
  } else {
    entry.has_references = true;
    for (const Json& reference : *it) {
      if (reference.is_string()) {
        entry.references.push_back(reference.get<std::string>());
      } else {
        problem("a reference is no string");
        entry.has_references = false;
      }
    }
  }
  for (const char* key : {"signatures", "ultimate", "registrationTime", "deriver"}) {
    records_signatures_ = records_signatures_ || value.contains(key);
  }
  if (const auto it = value.find("signatures"); it != value.end() && !it->is_null()) {
    for (const Json& signature : it->is_array() ? *it : Json::array({*it})) {
      const std::string text = SignatureText(signature);
      if (text.empty()) problem("a signature is neither NAME:BASE64 nor {keyName, sig}");
      if (!text.empty()) entry.signatures.push_back(text);
    }
  }
  const auto ultimate = value.find("ultimate");
  entry.ultimate = ultimate != value.end() && *ultimate == true;
  entry.deriver = StringOf(value, "deriver");
  if (const auto it = value.find("ca"); it != value.end()) entry.ca = ContentAddressText(*it);
  pending_.push_back(std::move(entry));
}

void EntryReader::AddPlanned(std::string path) {
  if (!planned_.insert(path).second) return;
  ClosureBuilder::Entry entry;
  entry.where = absl::StrCat("\"", Escaped(path.substr(0, 300)), "\"");
  entry.path = std::move(path);
  pending_.push_back(std::move(entry));
}

void EntryReader::AddDerivation(const std::string& path, const Json& value) {
  ++derivations_;
  if (!path.empty()) AddPlanned(path);
  const auto inputs = value.find("inputs");
  const bool nested = inputs != value.end() && inputs->is_object();
  const Json& holder = nested ? *inputs : value;
  if (const auto sources = holder.find(nested ? "srcs" : "inputSrcs");
      sources != holder.end() && sources->is_array()) {
    for (const Json& source : *sources) {
      if (source.is_string()) AddPlanned(source.get<std::string>());
    }
  }
  const Json& outputs = value["outputs"];
  if (!outputs.is_object()) {
    return closure_.Problem(Escaped(path.substr(0, 300)), "\"outputs\" is no object");
  }
  for (const auto& [name, output] : outputs.items()) AddOutput(value, name, output);
}

// Where no path is given it may follow from a hash.
void EntryReader::AddOutput(const Json& derivation, const std::string& name, const Json& output) {
  if (output.is_object()) {
    if (std::string path = StringOf(output, "path"); !path.empty()) {
      return AddPlanned(std::move(path));
    }
    const std::string ca = ContentAddressText(output);
    const std::string package = StringOf(derivation, "name");
    if (!ca.empty() && !package.empty()) {
      const auto path = ContentAddressedPath(
          ca, name == "out" ? package : absl::StrCat(package, "-", name), {}, false,
          store_directory_.empty() ? kDefaultStoreDirectory : std::string_view(store_directory_));
      if (path.ok()) return AddPlanned(*path);
    }
  }
  closure_.Problem(
      Escaped(outer_ == Outer::kInfo ? info_key_ : outer_key_),
      absl::StrCat("the path of its output \"", Escaped(name.substr(0, 100)),
                   "\" is not known before it is built; give nix path-info --json of it"));
}

std::string EntryReader::Join(std::string path) const {
  if (path.empty() || path.starts_with('/')) return path;
  return absl::StrCat(store_directory_.empty() ? ToAbsl(kDefaultStoreDirectory)
                                               : absl::string_view(store_directory_),
                      "/", path);
}

absl::Status EntryReader::Finish(bool is_parsed) {
  if (!is_parsed && pending_.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("not readable as JSON: ", error_));
  }
  if (path_infos_ == 0 && derivations_ == 0 && !graph_key_.empty()) {
    const std::string key = Escaped(graph_key_.substr(0, 100));
    return absl::InvalidArgumentError(absl::StrCat(
        "is JSON that holds a closure under \"", key,
        "\", as .attrs.json of a build with structuredAttrs does; give it alone: jq '.[\"", key,
        "\"]' .attrs.json > closure.json"));
  }
  if (entries_ > 0 && path_infos_ == 0 && derivations_ == 0) {
    return absl::InvalidArgumentError(
        "is JSON, but not of nix path-info --json: no entry has \"narHash\" or \"references\"");
  }
  if (records_signatures_) closure_.set_records_signatures();
  if (derivations_ > 0) {
    closure_.set_format("nix derivation show (what it names may be there)");
    closure_.set_holds_more();
  } else if (version_ != 0) {
    closure_.set_format(absl::StrCat("nix path-info --json (format ", version_, ")"));
  } else if (outer_ == Outer::kArray) {
    closure_.set_format("nix path-info --json (array, up to 2.18)");
  } else {
    closure_.set_format("nix path-info --json (map, since 2.19)");
  }
  const int64_t newest = derivations_ > 0 ? kNewestDerivation : kNewestPathInfo;
  if (version_ < 0 || version_ > newest) {
    closure_.Problem("", absl::StrCat("version ", version_, " is not known, only up to ", newest,
                                      "; read as if it were"));
  }
  if (!store_directory_.empty()) closure_.set_store_directory(store_directory_);
  // The store directory stands after the entries in the file: only now can they be named in full.
  for (ClosureBuilder::Entry& entry : pending_) {
    entry.path = Join(std::move(entry.path));
    for (std::string& reference : entry.references) reference = Join(std::move(reference));
    entry.deriver = Join(std::move(entry.deriver));
    closure_.Add(std::move(entry));
  }
  if (!is_parsed) {
    closure_.Problem("", absl::StrCat("not readable as JSON: ", error_, "; only the ",
                                      pending_.size(), " entries before it are known"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadPathInfoJson(std::string_view text, ClosureBuilder& closure) {
  EntryReader reader(closure);
  // The parser keeps its own stack on the heap, and our Start() bounds it.
  const bool is_parsed = Json::sax_parse(text.begin(), text.end(), &reader);
  return reader.Finish(is_parsed);
}

}  // namespace lre_audit::nix
