#include "tests/audit/scan/fake_tree.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace lre_audit {

FakeTree& FakeTree::Layer() {
  Plain("layer " + std::to_string(parts_.size() + 1));
  parts_.back().digest = "sha256:" + std::string(64, '0');
  return *this;
}

FakeTree& FakeTree::Plain(const std::string& name) {
  parts_.push_back({name, "", "", 0});
  items_.emplace_back();
  part_problems_.emplace_back();
  streams_.push_back(0);
  return *this;
}

FakeTree& FakeTree::Add(Entry entry, std::string contents, bool complete) {
  if (entry.mtime == 0) entry.mtime = 1;
  parts_.back().size_hint += contents.size();
  items_.back().push_back({std::move(entry), std::move(contents), complete});
  return *this;
}

FakeTree& FakeTree::Directory(std::string path) {
  Entry entry;
  entry.path = std::move(path);
  entry.type = Entry::Type::kDirectory;
  entry.mode = 0555;
  return Add(std::move(entry));
}

FakeTree& FakeTree::File(std::string path, std::string contents, uint32_t mode) {
  Entry entry;
  entry.path = std::move(path);
  entry.mode = mode;
  entry.size = contents.size();
  return Add(std::move(entry), std::move(contents));
}

FakeTree& FakeTree::Executable(std::string path, std::string contents) {
  return File(std::move(path), std::move(contents), 0555);
}

FakeTree& FakeTree::Truncated(std::string path, std::string contents, uint64_t size) {
  Entry entry;
  entry.path = std::move(path);
  entry.mode = 0444;
  entry.size = size;
  return Add(std::move(entry), std::move(contents), /*complete=*/false);
}

FakeTree& FakeTree::Symlink(std::string path, std::string target) {
  Entry entry;
  entry.path = std::move(path);
  entry.type = Entry::Type::kSymlink;
  entry.mode = 0777;
  entry.target = std::move(target);
  return Add(std::move(entry));
}

FakeTree& FakeTree::Hardlink(std::string path, std::string target) {
  Entry entry;
  entry.path = std::move(path);
  entry.type = Entry::Type::kHardlink;
  entry.mode = 0444;
  entry.target = std::move(target);
  return Add(std::move(entry));
}

FakeTree& FakeTree::Whiteout(std::string path) {
  return Other(std::move(path), Entry::Type::kWhiteout);
}

FakeTree& FakeTree::Opaque(std::string path) {
  return Other(std::move(path), Entry::Type::kOpaque);
}

FakeTree& FakeTree::Other(std::string path, Entry::Type type) {
  Entry entry;
  entry.path = std::move(path);
  entry.type = type;
  entry.mode = 0644;
  return Add(std::move(entry));
}

int FakeTree::streams(size_t part) const {
  const std::lock_guard lock(mutex_);
  return streams_[part];
}

int FakeTree::total_streams() const {
  const std::lock_guard lock(mutex_);
  return std::accumulate(streams_.begin(), streams_.end(), 0);
}

int FakeTree::verified_streams() const {
  const std::lock_guard lock(mutex_);
  return verified_;
}

void FakeTree::Stream(size_t part, bool verify, EntrySink& sink,
                      std::vector<Problem>& problems) const {
  {
    const std::lock_guard lock(mutex_);
    ++streams_[part];
    verified_ += verify ? 1 : 0;
  }
  problems.insert(problems.end(), part_problems_[part].begin(), part_problems_[part].end());
  uint64_t index = 0;
  for (const Item& item : items_[part]) {
    Entry entry = item.entry;
    entry.index = index++;
    sink.BeginEntry(entry);
    std::string_view rest = item.contents;
    while (!rest.empty()) {
      // A copy: what a sink keeps of a piece must not outlive the call.
      const std::string piece(rest.substr(0, piece_size_));
      sink.Data(piece);
      rest.remove_prefix(piece.size());
    }
    sink.EndEntry(item.complete);
    if (!item.complete) {
      Problem problem;
      problem.where = entry.path;
      problem.offset = item.contents.size();
      problem.message = "contents end early";
      problems.push_back(std::move(problem));
    }
  }
}

}  // namespace lre_audit
