// The strings of a log, each once. What stands before a string's last slash, which many share, is
// kept apart from the rest.
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

  // Of "a/b/c": "a/b" and "c", the slash belongs to neither. What has no slash is all tail.
  struct Parts {
    uint32_t directory = 0;  // equal exactly when the texts are; 0: there is no slash
    std::string_view directory_text, tail;
  };
  Parts Split(StringId id) const;

  std::string Get(StringId id) const;
  void Append(StringId id, std::string* text) const;

  size_t size() const { return tails_.texts.size(); }

 private:
  struct Text {
    const char* bytes = nullptr;
    uint32_t length = 0;
    uint32_t directory = 0;  // of a tail
  };
  // Texts, and a hash table of their indexes with open addressing.
  struct Table {
    ChunkedArray<Text> texts;
    std::vector<uint32_t> slots, tags;  // index, and the hash, of each slot; index 0 is free
    void Insert(uint32_t tag, uint32_t index);
  };

  static std::string_view View(const Text& text) { return {text.bytes, text.length}; }
  uint32_t FindDirectory(std::string_view text, uint32_t tag) const;
  StringId FindWhole(std::string_view text, size_t slash, uint32_t tag) const;
  const char* Store(std::string_view text);

  Table tails_, directories_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_STRING_TABLE_H_
