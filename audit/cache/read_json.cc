// JSON logs: SpawnExec messages in proto3's JSON, as JsonFormat prints them.
// Source: protobuf.dev, "ProtoJSON Format": 64-bit numbers are strings, durations "1.5s".
#include <charconv>

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

  bool null() override { return true; }
  bool boolean(bool value) override {
    switch (Top()) {
      case kSpawn:
        if (key_ == "remotable") view_->remotable = value;
        if (key_ == "cacheable") view_->cacheable = value;
        if (key_ == "remoteCacheable") view_->remote_cacheable = value;
        if (key_ == "cacheHit" || key_ == "remoteCacheHit") view_->cache_hit = value;
        break;
      case kFile:
        if (key_ == "isTool") file_->is_tool = value;
        break;
      default:
        break;
    }
    return true;
  }
  bool number_integer(number_integer_t value) override {
    Number(static_cast<uint64_t>(value));
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    Number(value);
    return true;
  }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t& value) override {
    String(value);
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
    stack_.push_back(next);
    return Deep();
  }
  bool end_object() override {
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

  void Number(uint64_t value) {
    switch (Top()) {
      case kSpawn:
        if (key_ == "timeoutMillis") view_->timeout_millis = value;
        if (key_ == "exitCode") view_->exit_code = static_cast<int32_t>(value);
        break;
      case kDigest:
        if (key_ == "sizeBytes") file_->size = value;
        break;
      default:
        break;
    }
  }

  void String(std::string& value) {
    switch (Top()) {
      case kSpawn:
        if (key_ == "mnemonic") view_->mnemonic = Keep(value);
        if (key_ == "runner") view_->runner = Keep(value);
        if (key_ == "status") view_->status = Keep(value);
        if (key_ == "targetLabel") view_->label = Keep(value);
        if (key_ == "timeoutMillis" || key_ == "exitCode") NumberInString(value);
        break;
      case kArguments:
        view_->arguments.push_back(Keep(value));
        break;
      case kListedOutputs:
        view_->listed_outputs.push_back(Keep(value));
        break;
      case kPair:
        if (key_ == "name") pair_->first = Keep(value);
        if (key_ == "value") pair_->second = Keep(value);
        break;
      case kFile:
        if (key_ == "path") file_->path = Keep(value);
        if (key_ == "symlinkTargetPath") file_->symlink_target = Keep(value);
        break;
      case kDigest:
        if (key_ == "hash") file_->hash = Keep(value);
        if (key_ == "hashFunctionName") file_->function = Keep(value);
        if (key_ == "sizeBytes") NumberInString(value);
        break;
      case kMetrics:
        if (key_ == "totalTime") view_->total_nanoseconds = Nanoseconds(value);
        if (key_ == "executionWallTime") view_->execution_nanoseconds = Nanoseconds(value);
        break;
      default:
        break;
    }
  }

  void NumberInString(std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size()) {
      Number(static_cast<uint64_t>(value));
    } else {
      mistyped_ = absl::StrCat("\"", key_, "\" is \"", Escaped(text.substr(0, 40)),
                               "\"; expected a number");
    }
  }

  SpawnExecView* const view_;
  std::deque<std::string>* const texts_;
  std::vector<Context> stack_;
  std::string key_;
  SpawnExecView::File* file_ = nullptr;
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
