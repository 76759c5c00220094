#include "audit/cache/merkle_tree.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "audit/cache/wire.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::cache {
namespace {

// NodeProperties{properties {name: "bazel_tool_input"}}
// Source: Bazel's MerkleTree.java, BAZEL_TOOL_INPUT_MARKER.
std::string ToolProperties() {
  std::string property, properties;
  WriteBytes(1, "bazel_tool_input", &property);
  WriteBytesAlways(1, property, &properties);
  return properties;
}

absl::Status Refuse(std::string_view path, std::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat("input \"", Escaped(path.substr(0, 400)), "\" ", ToAbsl(what)));
}

// "a/c" of "a/b/../c". Refused: what leaves the root, and what has no name.
absl::Status Normalise(std::string_view prefix, std::string_view path,
                       std::vector<std::string_view>* names) {
  names->clear();
  if (path.empty() || path.front() == '/') return Refuse(path, "is no relative path");
  for (const std::string_view part : {prefix, path}) {
    for (size_t begin = 0; begin <= part.size();) {
      size_t end = part.find('/', begin);
      if (end == std::string_view::npos) end = part.size();
      const std::string_view name = part.substr(begin, end - begin);
      begin = end + 1;
      if (name.empty() || name == ".") continue;
      if (name != "..") {
        names->push_back(name);
      } else if (names->empty()) {
        return Refuse(path, "lies outside the input root");
      } else {
        names->pop_back();
      }
    }
  }
  return names->empty() ? Refuse(path, "is the input root itself") : absl::OkStatus();
}

struct Entry {
  std::vector<std::string_view> names;
  std::string_view path;
  const InputNode* node;  // null: an empty directory
};

// A directory that is being filled.
struct Frame {
  std::string_view name;
  DirectoryMessage message;
  std::string_view last;  // name of the last node that is no directory
};

class Builder {
 public:
  Builder(const MerkleOptions& options, std::map<std::string, std::string>* messages)
      : options_(options), messages_(messages), stack_(1) {}

  absl::Status Add(const Entry& entry) {
    LRE_RETURN_IF_ERROR(MoveTo(entry));
    Frame& frame = stack_.back();
    const std::string_view name = entry.names.back();
    if (entry.node == nullptr || entry.node->kind == InputNode::kEmptyDirectory) {
      // Its children, if there are any, come next.
      stack_.push_back({name, {}, {}});
      return absl::OkStatus();
    }
    const bool is_marked = options_.mark_tools && entry.node->is_tool;
    if (entry.node->kind == InputNode::kSymlink) {
      frame.message.AddSymlink(name, entry.node->target, is_marked);
    } else {
      if (!entry.node->digest.known()) return Refuse(entry.path, "has no digest in the log");
      frame.message.AddFile(name, entry.node->digest, is_marked);
    }
    frame.last = name;
    return absl::OkStatus();
  }

  BlobDigest Finish() {
    while (stack_.size() > 1) Pop();
    return Digest(stack_.back());
  }

 private:
  // Makes the entry's parent the top of the stack.
  absl::Status MoveTo(const Entry& entry) {
    const size_t depth = entry.names.size() - 1;
    size_t common = 0;
    while (common < depth && common + 1 < stack_.size() &&
           stack_[common + 1].name == entry.names[common]) {
      ++common;
    }
    while (stack_.size() > common + 1) Pop();
    for (; common < depth; ++common) {
      if (stack_.back().last == entry.names[common]) {
        return Refuse(entry.path, "lies below another input, which is a file");
      }
      stack_.push_back({entry.names[common], {}, {}});
    }
    return absl::OkStatus();
  }

  void Pop() {
    const BlobDigest digest = Digest(stack_.back());
    const std::string_view name = stack_.back().name;
    stack_.pop_back();
    stack_.back().message.AddDirectory(name, digest);
  }

  BlobDigest Digest(const Frame& frame) {
    std::string message = frame.message.Finish();
    const BlobDigest digest = DigestOf(options_.function, message);
    if (messages_ != nullptr) messages_->emplace(digest.Hex(), std::move(message));
    return digest;
  }

  const MerkleOptions& options_;
  std::map<std::string, std::string>* const messages_;
  std::vector<Frame> stack_;
};

}  // namespace

void WriteDigest(uint32_t number, const BlobDigest& digest, std::string* out) {
  std::string message;
  WriteBytes(1, digest.Hex(), &message);
  WriteVarint(2, digest.size, &message);
  WriteBytesAlways(number, message, out);
}

void DirectoryMessage::AddFile(std::string_view name, const BlobDigest& digest, bool is_marked) {
  std::string node;
  WriteBytes(1, name, &node);
  WriteDigest(2, digest, &node);
  // Bazel sets it for all files, since modes are no part of what it knows of them.
  WriteVarint(4, 1, &node);
  if (is_marked) WriteBytesAlways(6, ToolProperties(), &node);
  WriteBytesAlways(1, node, &files_);
}

void DirectoryMessage::AddSymlink(std::string_view name, std::string_view target, bool is_marked) {
  std::string node;
  WriteBytes(1, name, &node);
  WriteBytes(2, target, &node);
  if (is_marked) WriteBytesAlways(4, ToolProperties(), &node);
  WriteBytesAlways(3, node, &symlinks_);
}

void DirectoryMessage::AddDirectory(std::string_view name, const BlobDigest& digest) {
  std::string node;
  WriteBytes(1, name, &node);
  WriteDigest(2, digest, &node);
  WriteBytesAlways(2, node, &directories_);
}

std::string DirectoryMessage::Finish() const {
  return absl::StrCat(files_, directories_, symlinks_);
}

absl::StatusOr<BlobDigest> MerkleRoot(const Inputs& inputs,
                                      const std::vector<std::string>& directories,
                                      const MerkleOptions& options,
                                      std::map<std::string, std::string>* messages) {
  std::vector<Entry> entries;
  entries.reserve(inputs.size() + directories.size());
  for (const auto& [path, node] : inputs) {
    entries.push_back({{}, path, &node});
    LRE_RETURN_IF_ERROR(Normalise(options.prefix, path, &entries.back().names));
  }
  for (const std::string& path : directories) {
    entries.push_back({{}, path, nullptr});
    LRE_RETURN_IF_ERROR(Normalise(options.prefix, path, &entries.back().names));
  }
  // By component: "a/b" before "a-b". Stable, so that a file comes before a directory of its name.
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.names < b.names; });
  Builder builder(options, messages);
  const Entry* last = nullptr;
  for (const Entry& entry : entries) {
    // The first of equal paths is staged.
    if (last == nullptr || entry.names != last->names) LRE_RETURN_IF_ERROR(builder.Add(entry));
    last = &entry;
  }
  return builder.Finish();
}

}  // namespace lre_audit::cache
