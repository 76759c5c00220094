// lre-audit.textproto, read: protobuf parses it, and what protobuf says of it is told as a person
// would ask for it.
#include <google/protobuf/io/tokenizer.h>
#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/suggest.h"
#include "base/text.h"
#include "rules/policy.h"

namespace lre_audit {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::TextFormat;

// After so many errors in the syntax a file is none of ours.
constexpr int kMaxSyntaxErrors = 20;

// The offset of each line's first byte, and of the end.
std::vector<size_t> LineOffsets(std::string_view text) {
  std::vector<size_t> offsets = {0};
  for (size_t at = 0; (at = text.find('\n', at)) != std::string_view::npos;)
    offsets.push_back(++at);
  offsets.push_back(text.size());
  return offsets;
}

// What is wrong, by its offset in the text.
class SyntaxErrors : public google::protobuf::io::ErrorCollector {
 public:
  explicit SyntaxErrors(std::string_view text) : text_(text), lines_(LineOffsets(text)) {}

#if GOOGLE_PROTOBUF_VERSION >= 4022000
  void RecordError(int line, int column, absl::string_view message) override {
    Add(line, column, std::string(message), true);
  }
  void RecordWarning(int line, int column, absl::string_view message) override {
    Add(line, column, std::string(message), false);
  }
#else
  void AddError(int line, int column, const std::string& message) override {
    Add(line, column, message, true);
  }
  void AddWarning(int line, int column, const std::string& message) override {
    Add(line, column, message, false);
  }
#endif

  // Where the parser gave up.
  size_t stopped_at() const { return stopped_at_; }

  absl::Status ToStatus(const std::string& file) const {
    std::string lines;
    for (const auto& [offset, message] : errors_) {
      const auto next = std::upper_bound(lines_.begin(), lines_.end() - 1, offset);
      absl::StrAppend(&lines, lines.empty() ? "" : "\n", file, ":", next - lines_.begin(), ":",
                      offset - *(next - 1) + 1, ": ", message);
    }
    return lines.empty() ? absl::OkStatus() : absl::InvalidArgumentError(lines);
  }

 private:
  void Add(int line, int column, const std::string& message, bool stops) {
    size_t offset = Offset(line, column);
    if (stops) stopped_at_ = offset;
    // What protobuf names it has already read: it stands before the place that it tells.
    std::string type, name;
    static const RE2& unknown_field =
        *new RE2(R"re(Message type "([^"]*)" has no field named "([^"]*)"\.?)re");
    static const RE2& unknown_value =
        *new RE2(R"re(Unknown enumeration value of "([^"]*)" for field "([^"]*)"\.?)re");
    if (RE2::FullMatch(message, unknown_field, &type, &name)) {
      errors_.emplace(Before(offset, name), UnknownField(type, name));
    } else if (std::string field; RE2::FullMatch(message, unknown_value, &name, &field)) {
      errors_.emplace(Before(offset, name), UnknownValue(name, field));
    } else {
      // A sentence of its own, made part of a line.
      std::string rest = message.substr(0, message.size() - message.ends_with('.'));
      if (!rest.empty()) rest[0] = absl::ascii_tolower(rest[0]);
      errors_.emplace(offset, Escaped(rest));
    }
  }

  size_t Offset(int line, int column) const {
    if (line < 0 || static_cast<size_t>(line) + 1 >= lines_.size()) return text_.size();
    return std::min(lines_[line] + static_cast<size_t>(std::max(column, 0)), lines_[line + 1]);
  }

  size_t Before(size_t offset, const std::string& name) const {
    const size_t at = text_.substr(0, offset).rfind(name);
    return at == std::string_view::npos ? offset : at;
  }

  static std::string UnknownField(const std::string& type, const std::string& name) {
    std::vector<std::string_view> known;
    const Descriptor* message = DescriptorPool::generated_pool()->FindMessageTypeByName(type);
    for (int i = 0; message != nullptr && i < message->field_count(); ++i) {
      known.emplace_back(message->field(i)->name());
    }
    return absl::StrCat("unknown field '", Escaped(name), "'", DidYouMean(name, known));
  }

  // All enums of a policy are severities.
  static std::string UnknownValue(const std::string& value, const std::string& field) {
    return absl::StrCat("unknown value '", Escaped(value), "' of field '", Escaped(field),
                        "'; expected NOTE, WARNING or ERROR");
  }

  const std::string_view text_;
  const std::vector<size_t> lines_;
  std::map<size_t, std::string> errors_;  // the first of each place
  size_t stopped_at_ = 0;
};

// Overwrites with blanks the entry that the parser stopped at: from the last line before `stop`
// that begins one, to the next that does. False if there is none.
bool BlankEntryBefore(size_t stop, std::string& text) {
  const std::vector<size_t> lines = LineOffsets(text);
  const auto begins_entry = [&](size_t offset) {
    return offset < text.size() && absl::ascii_isalpha(text[offset]);
  };
  size_t begin = text.size(), end = text.size();
  for (const size_t line : lines) {
    if (!begins_entry(line)) continue;
    if (line < stop) {
      begin = line;
      end = text.size();
    } else {
      end = line;
    }
    if (line >= stop) break;
  }
  if (begin == text.size()) return false;
  for (size_t i = begin; i < end; ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
  return true;
}

}  // namespace

absl::StatusOr<Policy> ParsePolicy(std::string_view text, const std::string& file,
                                   PolicyLocations* locations) {
  PolicyLocations own;
  PolicyLocations& places = locations == nullptr ? own : *locations;
  places.file = file;
  places.tree = std::make_unique<TextFormat::ParseInfoTree>();

  // First for what is wrong and where everything stands. To protobuf's tokenizer a tab is up to
  // eight columns; as a blank it is one, as for everybody who counts bytes.
  std::string blanked(text);
  std::replace(blanked.begin(), blanked.end(), '\t', ' ');
  SyntaxErrors errors(text);
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  // Told by the collector as errors; the parser alone would stop at the first.
  parser.AllowUnknownField(true);
  parser.WriteLocationsTo(places.tree.get());
  Policy policy;
  bool parsed = parser.ParseFromString(blanked, &policy);
  parser.WriteLocationsTo(nullptr);
  for (int i = 1; !parsed && i < kMaxSyntaxErrors; ++i) {
    if (!BlankEntryBefore(errors.stopped_at(), blanked)) break;
    parsed = parser.ParseFromString(blanked, &policy);
  }
  LRE_RETURN_IF_ERROR(errors.ToStatus(file));

  // Then for what it says, tabs in strings among it.
  if (!parsed || !parser.ParseFromString(std::string(text), &policy)) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": this is no policy"));
  }

  // When is of no matter for what can be wrong.
  LRE_RETURN_IF_ERROR(CompiledPolicy::Compile(policy, absl::UnixEpoch(), places).status());
  return policy;
}

}  // namespace lre_audit
