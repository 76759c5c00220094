#include "audit/toolchain/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <exception>
#include <sstream>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit {
namespace {

constexpr size_t kMaxText = size_t{16} << 20;
constexpr size_t kMaxNodes = 1'000'000;  // some 150 bytes each
constexpr int kMaxMerges = 100;          // mappings looked through for one name

// Thrown through yaml-cpp, which knows no other way to stop, and caught where it is called.
class TooMuch : public std::exception {
 public:
  const char* what() const noexcept override { return "too many nodes"; }
};

// Builds the tree of one document.
class Builder : public YAML::EventHandler {
 public:
  // `begin` is where the document begins in `text`.
  Builder(std::string_view text, size_t begin, YamlFile* file)
      : text_(text), begin_(begin), file_(*file) {}

  const YamlNode* root() const { return root_; }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {
    root_ = nullptr;
    anchors_.clear();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    New(YamlNode::Kind::kNull, mark, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      New(YamlNode::Kind::kNull, mark, 0);
    } else {
      Attach(found->second);
    }
  }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode& node = New(YamlNode::Kind::kScalar, mark, anchor);
    node.text = value;
    FindBeginning(&node);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open_.push_back(&New(YamlNode::Kind::kSequence, mark, anchor));
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open_.push_back(&New(YamlNode::Kind::kMapping, mark, anchor));
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  YamlNode& New(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (file_.nodes.size() >= kMaxNodes) throw TooMuch();
    YamlNode& node = file_.nodes.emplace_back();
    node.kind = kind;
    node.offset = std::min(begin_ + static_cast<size_t>(std::max(mark.pos, 0)), text_.size());
    Attach(&node);
    // Known as soon as it begins: yaml-cpp lets an alias stand inside its own anchor's node.
    if (anchor != 0) anchors_[anchor] = &node;
    return node;
  }

  void Attach(const YamlNode* node) {
    if (open_.empty()) {
      root_ = node;
      return;
    }
    YamlNode& parent = *open_.back();
    const bool is_name = parent.IsMapping() && parent.names.size() == parent.items.size();
    (is_name ? parent.names : parent.items).push_back(node);
  }

  // yaml-cpp's mark is where the node's properties, quote or indicator stand.
  void FindBeginning(YamlNode* node) const {
    size_t& at = node->offset;
    while (at < text_.size() && (text_[at] == '&' || text_[at] == '!')) {
      at = std::min(text_.find_first_of(" \t\r\n", at), text_.size());
      at = std::min(text_.find_first_not_of(" \t\r\n", at), text_.size());
    }
    if (at == text_.size()) return;
    if (text_[at] == '"' || text_[at] == '\'') {
      ++at;
    } else if (text_[at] == '|' || text_[at] == '>') {
      node->style = text_[at] == '|' ? YamlNode::Style::kLiteral : YamlNode::Style::kFolded;
      // Its text begins in the next line that is not blank.
      at = std::min(text_.find('\n', at), text_.size());
      at = std::min(text_.find_first_not_of(" \t\r\n", at), text_.size());
    }
  }

  std::string_view text_;
  const size_t begin_;
  YamlFile& file_;
  const YamlNode* root_ = nullptr;
  std::vector<YamlNode*> open_;
  absl::flat_hash_map<YAML::anchor_t, const YamlNode*> anchors_;
};

void ParseDocument(std::string_view text, size_t begin, size_t end, YamlFile* file) {
  std::istringstream stream{std::string(text.substr(begin, end - begin))};
  Builder builder(text, begin, file);
  const auto fail = [&](size_t offset, std::string_view message) {
    file->errors.push_back({std::min(begin + offset, text.size()), Escaped(message)});
  };
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {  // "..." may end one, too
      if (builder.root() != nullptr) file->roots.push_back(builder.root());
    }
  } catch (const YAML::Exception& error) {
    fail(error.mark.is_null() ? 0 : error.mark.pos, error.msg);
  } catch (const TooMuch&) {
    fail(0, absl::StrCat("more than ", kMaxNodes, " nodes"));
  } catch (const std::exception& error) {
    fail(0, error.what());
  }
}

// Whether a line is nothing but a comment, a directive or blank.
bool IsPrelude(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t\r");
  return first == line.npos || line[first] == '#' || line[0] == '%';
}

}  // namespace

const YamlNode* YamlNode::Member(std::string_view name) const {
  int merges = kMaxMerges;
  return Member(name, &merges);
}

const YamlNode* YamlNode::Member(std::string_view name, int* merges) const {
  if (!IsMapping() || --*merges < 0) return nullptr;
  const YamlNode* merged = nullptr;
  for (size_t i = 0; i < items.size() && i < names.size(); ++i) {
    if (names[i]->text == name) return items[i];
    if (names[i]->text == "<<") merged = items[i];
  }
  if (merged == nullptr || merged->IsMapping()) {
    return merged == nullptr ? nullptr : merged->Member(name, merges);
  }
  for (const YamlNode* one : merged->items) {  // the first that has it counts
    const YamlNode* found = one->Member(name, merges);
    if (found != nullptr || *merges < 0) return found;
  }
  return nullptr;
}

std::string_view YamlNode::Text(std::string_view name) const {
  const YamlNode* member = Member(name);
  return member != nullptr && member->IsScalar() ? std::string_view(member->text) : "";
}

YamlFile ParseYaml(std::string_view text) {
  YamlFile file;
  if (text.size() > kMaxText) {
    file.errors.push_back(
        {0, absl::StrCat("the text has ", text.size(), " bytes; at most ", kMaxText, " are read")});
    return file;
  }
  if (const size_t nul = text.find('\0'); nul != text.npos) {
    file.errors.push_back({nul, "a NUL byte: this is no YAML in UTF-8"});
    return file;
  }
  // yaml-cpp would take the mark for a document of its own.
  size_t begin = text.starts_with("\uFEFF") ? 3 : 0;
  bool has_content = false;
  // "---" at the beginning of a line begins a document, whatever the line stands in
  // (YAML 1.2, 9.1).
  for (size_t line = begin; line < text.size();) {
    const size_t end = std::min(text.find('\n', line), text.size());
    const std::string_view content = text.substr(line, end - line);
    const bool is_marker =
        content.starts_with("---") && (content.size() == 3 || content.find_first_of(" \t\r") == 3);
    if (is_marker && has_content) {
      ParseDocument(text, begin, line, &file);
      begin = line;
    }
    if (is_marker || !IsPrelude(content)) has_content = true;
    line = end + 1;
  }
  if (has_content) ParseDocument(text, begin, text.size(), &file);
  return file;
}

}  // namespace lre_audit
