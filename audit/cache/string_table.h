// The strings of a log, each once. A string is kept as what stands before its last slash, which
// many share, and the rest.
#ifndef LRE_AUDIT_AUDIT_CACHE_STRING_TABLE_H_
#define LRE_AUDIT_AUDIT_CACHE_STRING_TABLE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/cache/chunked_array.h"

namespace lre_audit::cache {

// Equal in one table exactly when the strings are. 0 is the empty string.
using StringId = uint32_t;

class StringTable {
 public:
  StringTable();
  StringTable(StringTable&&) = default;
  StringTable& operator=(StringTable&&) = default;

  StringId Intern(std::string_view text);
  // The id of a string that is in the table, else 0.
  StringId Find(std::string_view text) const;

  // "a/b" and "c" of "a/b/c"; "" and all of it for what has no slash. The slash belongs to neither:
  // has_slash tells "/c" from "c".
  struct Parts {
    StringId directory = 0;
    bool has_slash = false;
    std::string_view directory_text, tail;
  };
  Parts Split(StringId id) const;

  std::string Get(StringId id) const;
  void Append(StringId id, std::string* text) const;
  size_t Length(StringId id) const;

  size_t size() const { return entries_.size(); }
  uint64_t memory() const { return memory_; }  // bytes, about

 private:
  struct Entry {
    const char* tail = nullptr;
    uint32_t length = 0;     // of the tail
    uint32_t directory = 0;  // its id, shifted left by one, and whether there is a slash
  };
  struct Arena {
    std::vector<std::unique_ptr<char[]>> blocks;
    size_t left = 0;
    char* next = nullptr;
  };

  StringId InternWhole(std::string_view text, uint64_t hash, uint32_t directory);
  bool Equals(const Entry& entry, uint32_t directory, std::string_view tail) const;
  const char* Store(std::string_view text);
  void Grow();

  ChunkedArray<Entry> entries_;
  // Open addressing: an id, and as many bits of the hash as there is room for.
  std::vector<uint32_t> slots_;
  std::vector<uint32_t> tags_;
  Arena arena_;
  uint64_t memory_ = 0;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_STRING_TABLE_H_
