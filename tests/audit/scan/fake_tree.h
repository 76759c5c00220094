// A Tree in memory, whose parts a test writes entry by entry. It delivers contents in pieces of a
// chosen size and counts what is read, so that tests can assert I/O.
#ifndef LRE_AUDIT_TESTS_AUDIT_SCAN_FAKE_TREE_H_
#define LRE_AUDIT_TESTS_AUDIT_SCAN_FAKE_TREE_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "audit/trees/tree.h"

namespace lre_audit {

class FakeTree : public Tree {
 public:
  struct Item {
    Entry entry;
    std::string contents;
    bool complete = true;  // false: the contents end early
  };

  // Entries below go to the part begun last, in stream order. Metadata is what Nix writes.
  FakeTree& Layer();                         // of an image: "layer 1", "layer 2", ...
  FakeTree& Plain(const std::string& name);  // of a store or directory: a part without digest
  FakeTree& Directory(std::string path);
  FakeTree& File(std::string path, std::string contents, uint32_t mode = 0444);
  FakeTree& Executable(std::string path, std::string contents);
  // Announced with `size` bytes, of which only `contents` come; a problem says so, as every tree's.
  FakeTree& Truncated(std::string path, std::string contents, uint64_t size);
  FakeTree& Symlink(std::string path, std::string target);
  FakeTree& Hardlink(std::string path, std::string target);
  FakeTree& Whiteout(std::string path);
  FakeTree& Opaque(std::string path);
  FakeTree& Other(std::string path, Entry::Type type);

  std::vector<Item>& items(size_t part) { return items_[part]; }
  Entry& last() { return items_.back().back().entry; }
  ImageConfig& mutable_config() { return config_; }
  void set_piece_size(size_t bytes) { piece_size_ = bytes; }
  // Reported at each Stream of `part` before its first entry.
  void AddProblem(size_t part, Problem problem) { part_problems_[part].push_back(problem); }

  // How often `part` was streamed, with or without verification.
  int streams(size_t part) const;
  int total_streams() const;
  int verified_streams() const;

  const std::string& reference() const override { return reference_; }
  const std::vector<Tree::Part>& parts() const override { return parts_; }
  const ImageConfig& config() const override { return config_; }
  void Stream(size_t part, bool verify, EntrySink& sink,
              std::vector<Problem>& problems) const override;
  const std::vector<Problem>& problems() const override { return problems_; }

 private:
  FakeTree& Add(Entry entry, std::string contents = {}, bool complete = true);

  std::string reference_ = "fake:tree";
  std::vector<Tree::Part> parts_;
  std::vector<std::vector<Item>> items_;
  std::vector<std::vector<Problem>> part_problems_;
  std::vector<Problem> problems_;
  ImageConfig config_;
  size_t piece_size_ = SIZE_MAX;
  mutable std::mutex mutex_;
  mutable std::vector<int> streams_;
  mutable int verified_ = 0;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_TESTS_AUDIT_SCAN_FAKE_TREE_H_
