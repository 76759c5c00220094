// JSON logs: SpawnExec messages in proto3's JSON, as JsonFormat prints them.
// Source: protobuf.dev, "ProtoJSON Format": 64-bit numbers are strings, durations "1.5s".
#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "audit/cache/log_readers.h"
#include "base/text.h"
#include "nlohmann/json.hpp"

namespace lre_audit::cache {
namespace {

using Json = nlohmann::json;

// "1.500s"; 0 where it is something else, or no time that a spawn took.
int64_t Nanoseconds(std::string_view text) {
  absl::Duration duration;
  if (!absl::ParseDuration(ToAbsl(text), &duration)) return 0;
  if (duration < absl::ZeroDuration() || duration > absl::Hours(24 * 366)) return 0;
  return absl::ToInt64Nanoseconds(duration);
}

// commandArgs of command_args: protobuf's parsers take both.
std::string CamelCase(std::string_view name) {
  std::string camel;
  bool upper = false;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    camel += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return camel;
}

class SpawnHandler : public nlohmann::json_sax<Json> {
 public:
  // What is pointed to must outlive this.
  SpawnHandler(SpawnExecView* view, std::deque<std::string>* texts) : view_(view), texts_(texts) {}

  const std::string& error() const { return error_; }
  const std::string& mistyped() const { return mistyped_; }

  // Stands for a field's default, and for no element of a list.
  bool null() override {
    if (!stack_.empty() && IsList(Top())) Unexpected("null");
    return true;
  }
  bool boolean(bool value) override {
    if (!Flag(value)) Unexpected(value ? "true" : "false");
    return true;
  }
  bool number_integer(number_integer_t value) override {
    if (!Number(value)) Unexpected("a number");
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    // Nothing real has so many that an int64 does not hold it.
    if (!Number(static_cast<int64_t>(std::min<uint64_t>(value, INT64_MAX)))) {
      Unexpected("a number");
    }
    return true;
  }
  bool number_float(number_float_t, const string_t&) override {
    Unexpected("a number with a fraction");
    return true;
  }
  bool string(string_t& value) override {
    if (!String(value)) Unexpected("a text");
    return true;
  }
  bool binary(binary_t&) override { return true; }

  bool start_object(size_t) override {
    Context next = kOther;
    switch (stack_.empty() ? kOutside : Top()) {
      case kOutside:
        next = kSpawn;
        break;
      case kSpawn:
        if (key_ == "platform") next = kPlatform;
        if (key_ == "metrics") next = kMetrics;
        if (key_ == "digest") {
          next = kDigest;
          file_ = &view_->digest;
          file_->has_digest = true;
        }
        break;
      case kEnvironment:
        next = kPair;
        pair_ = &view_->environment.emplace_back();
        break;
      case kProperties:
        next = kPair;
        pair_ = &view_->platform.emplace_back();
        break;
      case kInputs:
        next = kFile;
        file_ = &view_->inputs.emplace_back();
        break;
      case kActualOutputs:
        next = kFile;
        file_ = &view_->actual_outputs.emplace_back();
        break;
      case kFile:
        if (key_ == "digest") {
          next = kDigest;
          file_->has_digest = true;
        }
        break;
      default:
        break;
    }
    if (next == kOther) Unexpected("an object");
    stack_.push_back(next);
    return Deep();
  }
  bool end_object() override {
    // Half a digest is none.
    if (Top() == kDigest && std::exchange(lost_digest_, false)) file_->hash = {};
    stack_.pop_back();
    return true;
  }
  bool start_array(size_t) override {
    Context next = kOther;
    if (!stack_.empty() && Top() == kSpawn) {
      if (key_ == "commandArgs") next = kArguments;
      if (key_ == "environmentVariables") next = kEnvironment;
      if (key_ == "inputs") next = kInputs;
      if (key_ == "listedOutputs") next = kListedOutputs;
      if (key_ == "actualOutputs") next = kActualOutputs;
    } else if (!stack_.empty() && Top() == kPlatform && key_ == "properties") {
      next = kProperties;
    }
    if (next == kOther) Unexpected("a list");
    stack_.push_back(next);
    return Deep();
  }
  bool end_array() override {
    stack_.pop_back();
    return true;
  }
  bool key(string_t& name) override {
    key_ = name.find('_') == std::string::npos ? name : CamelCase(name);
    return true;
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception& problem) override {
    // "[json.exception.parse_error.101] parse error at line 3, column 4: ..."
    std::string what = problem.what();
    if (const size_t end = what.rfind(": "); end != std::string::npos) what.erase(0, end + 2);
    error_ = absl::StrCat("is no JSON at its byte ", position, ": ", Escaped(what));
    return false;
  }

 private:
  enum Context {
    kOutside,
    kSpawn,
    kArguments,
    kEnvironment,
    kPlatform,
    kProperties,
    kPair,
    kInputs,
    kFile,
    kDigest,
    kListedOutputs,
    kActualOutputs,
    kMetrics,
    kOther,
  };

  Context Top() const { return stack_.back(); }
  // Nothing real is nested by more than four.
  bool Deep() {
    if (stack_.size() <= 64) return true;
    error_ = "is nested more than 64 times";
    return false;
  }
  std::string_view Keep(std::string& text) { return texts_->emplace_back(std::move(text)); }

  static bool IsList(Context context) {
    return context == kArguments || context == kEnvironment || context == kProperties ||
           context == kInputs || context == kListedOutputs || context == kActualOutputs;
  }

  // The values, each where it has its place; false where it has none.
  bool Flag(bool value) {
    if (stack_.empty()) return false;
    bool* place = nullptr;
    if (Top() == kSpawn) {
      if (key_ == "remotable") place = &view_->remotable;
      if (key_ == "cacheable") place = &view_->cacheable;
      if (key_ == "remoteCacheable") place = &view_->remote_cacheable;
      if (key_ == "cacheHit" || key_ == "remoteCacheHit") place = &view_->cache_hit;
    } else if (Top() == kFile && key_ == "isTool") {
      place = &file_->is_tool;
    }
    if (place != nullptr) *place = value;
    return place != nullptr;
  }

  bool Number(int64_t value) {
    if (stack_.empty()) return false;
    const bool is_exit_code = Top() == kSpawn && key_ == "exitCode";
    const bool is_timeout = Top() == kSpawn && key_ == "timeoutMillis";
    const bool is_size = Top() == kDigest && key_ == "sizeBytes";
    if (!is_exit_code && !is_timeout && !is_size) return false;
    if (is_exit_code ? value < INT32_MIN || value > INT32_MAX : value < 0) {
      Mistyped(absl::StrCat("\"", key_, "\" is ", value, ", which it cannot be"));
      lost_digest_ = lost_digest_ || is_size;
      return true;
    }
    if (is_exit_code) view_->exit_code = static_cast<int32_t>(value);
    if (is_timeout) view_->timeout_millis = static_cast<uint64_t>(value);
    if (is_size) file_->size = static_cast<uint64_t>(value);
    return true;
  }

  void Mistyped(std::string what) {
    if (mistyped_.empty()) mistyped_ = std::move(what);
  }

  bool String(std::string& value) {
    if (stack_.empty()) return false;
    std::string_view* place = nullptr;
    switch (Top()) {
      case kSpawn:
        if (key_ == "mnemonic") place = &view_->mnemonic;
        if (key_ == "runner") place = &view_->runner;
        if (key_ == "status") place = &view_->status;
        if (key_ == "targetLabel") place = &view_->label;
        if (key_ == "timeoutMillis" || key_ == "exitCode") return NumberInString(value);
        break;
      case kArguments:
        place = &view_->arguments.emplace_back();
        break;
      case kListedOutputs:
        place = &view_->listed_outputs.emplace_back();
        break;
      case kPair:
        if (key_ == "name") place = &pair_->first;
        if (key_ == "value") place = &pair_->second;
        break;
      case kFile:
        if (key_ == "path") place = &file_->path;
        if (key_ == "symlinkTargetPath") place = &file_->symlink_target;
        break;
      case kDigest:
        if (key_ == "hash") place = &file_->hash;
        if (key_ == "hashFunctionName") place = &file_->function;
        if (key_ == "sizeBytes") return NumberInString(value);
        break;
      case kMetrics:
        // What is no time is none: nothing but the ranking depends on it.
        if (key_ == "totalTime") view_->times.total = Nanoseconds(value);
        if (key_ == "executionWallTime") view_->times.execution = Nanoseconds(value);
        return true;
      default:
        break;
    }
    if (place != nullptr) *place = Keep(value);
    return place != nullptr;
  }

  bool NumberInString(std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size()) {
      return Number(value);
    }
    lost_digest_ = lost_digest_ || Top() == kDigest;
    Mistyped(
        absl::StrCat("\"", key_, "\" is \"", Escaped(text.substr(0, 40)), "\"; expected a number"));
    return true;
  }

  // What is found where something else has its place; fields that are not known are passed over.
  void Unexpected(const char* what) {
    const Context context = stack_.empty() ? kOutside : Top();
    const char* expected = nullptr;
    const char* list = nullptr;
    if (context == kArguments || context == kListedOutputs) {
      list = context == kArguments ? "commandArgs" : "listedOutputs";
      expected = "a text";
    } else if (IsList(context)) {
      list = context == kEnvironment  ? "environmentVariables"
             : context == kProperties ? "properties"
             : context == kInputs     ? "inputs"
                                      : "actualOutputs";
      expected = "an object";
    } else {
      for (const Field& field : kFields) {
        if (field.context == context && key_ == field.name) expected = field.expected;
      }
    }
    if (expected == nullptr) return;
    lost_digest_ = lost_digest_ || context == kDigest;
    Mistyped(list != nullptr
                 ? absl::StrCat("an element of \"", list, "\" is ", what, "; expected ", expected)
                 : absl::StrCat("\"", key_, "\" is ", what, "; expected ", expected));
  }

  struct Field {
    Context context;
    const char* name;
    const char* expected;
  };
  static constexpr Field kFields[] = {
      {kSpawn, "mnemonic", "a text"},
      {kSpawn, "runner", "a text"},
      {kSpawn, "status", "a text"},
      {kSpawn, "targetLabel", "a text"},
      {kSpawn, "remotable", "true or false"},
      {kSpawn, "cacheable", "true or false"},
      {kSpawn, "remoteCacheable", "true or false"},
      {kSpawn, "cacheHit", "true or false"},
      {kSpawn, "remoteCacheHit", "true or false"},
      {kSpawn, "timeoutMillis", "a number"},
      {kSpawn, "exitCode", "a number"},
      {kSpawn, "platform", "an object"},
      {kSpawn, "metrics", "an object"},
      {kSpawn, "digest", "an object"},
      {kSpawn, "commandArgs", "a list"},
      {kSpawn, "environmentVariables", "a list"},
      {kSpawn, "inputs", "a list"},
      {kSpawn, "listedOutputs", "a list"},
      {kSpawn, "actualOutputs", "a list"},
      {kPlatform, "properties", "a list"},
      {kPair, "name", "a text"},
      {kPair, "value", "a text"},
      {kFile, "path", "a text"},
      {kFile, "symlinkTargetPath", "a text"},
      {kFile, "isTool", "true or false"},
      {kFile, "digest", "an object"},
      {kDigest, "hash", "a text"},
      {kDigest, "hashFunctionName", "a text"},
      {kDigest, "sizeBytes", "a number"},
  };

  SpawnExecView* const view_;
  std::deque<std::string>* const texts_;
  std::vector<Context> stack_;
  std::string key_;
  SpawnExecView::File* file_ = nullptr;
  bool lost_digest_ = false;  // of the digest that is being read
  std::pair<std::string_view, std::string_view>* pair_ = nullptr;
  std::string error_, mistyped_;
};

}  // namespace

void JsonLogReader::Read(std::string_view entry) {
  view_.Clear();
  texts_.clear();
  SpawnHandler handler(&view_, &texts_);
  Json::sax_parse(entry.begin(), entry.end(), &handler);
  if (!handler.error().empty()) {
    builder_.Warn(absl::StrCat("the object ", handler.error(), "; what stands before is kept"));
  }
  if (!handler.mistyped().empty()) builder_.Warn(handler.mistyped());
  builder_.AddSpawnExec(view_);
}

}  // namespace lre_audit::cache
