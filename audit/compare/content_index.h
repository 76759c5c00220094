// What a tree holds at each path, with its contents in digests: enough to say where two files begin
// to differ without keeping either of them.
#ifndef LRE_AUDIT_AUDIT_COMPARE_CONTENT_INDEX_H_
#define LRE_AUDIT_AUDIT_COMPARE_CONTENT_INDEX_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "audit/scan/second_pass.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// Contents are digested in blocks of this many bytes: a gigabyte takes 8 MB here.
inline constexpr uint64_t kContentBlock = 4096;

struct ContentIndex {
  struct File {
    std::string path;
    Entry::Type type = Entry::Type::kRegular;
    // False for a directory that the archive only implies: nothing is known of its mode.
    bool described = true;
    uint32_t mode = 0;     // 07777
    uint64_t size = 0;     // of a regular file's contents
    std::string target;    // of a symlink
    std::string digests;   // of a regular file: kDigestSize characters for each block
    bool has_nul = false;  // a zero byte somewhere, which no text has
    bool complete = true;  // false where the contents could not be read to their end
    ContentRef content;    // where they stand
  };
  static constexpr size_t kDigestSize = 32;

  std::vector<File> files;  // in NAR order: a directory before what it holds
  std::vector<Problem> problems;
};

struct IndexOptions {
  // Which paths of the merged view the index shall hold.
  std::function<bool(std::string_view path)> wanted = [](std::string_view) { return true; };
  int jobs = 0;  // threads; 0: one per core
  std::function<void(uint64_t)> on_bytes = [](uint64_t) {};
};

// Reads `tree` once, its layers laid over each other.
ContentIndex ReadContentIndex(const Tree& tree, const IndexOptions& options);

// A block of a file with a little of what stands before and after it, so that the lines which it
// begins and ends with can be shown.
struct Excerpt {
  static constexpr uint64_t kMargin = 256;
  uint64_t offset = 0;           // of bytes[0] in the file
  uint64_t newlines_before = 0;  // in the file before `offset`
  std::string bytes;
};

struct ExcerptRequest {
  ContentRef content;
  uint64_t block = 0;
  auto operator<=>(const ExcerptRequest&) const = default;
};

// The excerpts asked for; one that cannot be read is missing. Reads the parts concerned again.
std::map<ExcerptRequest, Excerpt> ReadExcerpts(const Tree& tree,
                                               const std::vector<ExcerptRequest>& requests,
                                               int jobs);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMPARE_CONTENT_INDEX_H_
