// Internal to elf/: glibc's ld.so.cache (sysdeps/generic/dl-cache.h, elf/dl-cache.c), looked up as
// the loader does.
#ifndef LRE_AUDIT_ELF_LD_CACHE_H_
#define LRE_AUDIT_ELF_LD_CACHE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "elf/object.h"

namespace lre_audit::elf {

// "glibc-ld.so.cache1.1", alone or after the old "ld.so-1.7.0" cache. Byte order and file class are
// those of the loader whose cache it is.
class LdCache {
 public:
  explicit LdCache(std::string contents);

  // The path for `name` that a loader of `object`'s class and machine takes: the best of `levels`
  // (glibc-hwcaps subdirectories, best first), else the entry for every processor.
  std::optional<std::string> Find(std::string_view name, const Object& object,
                                  const std::vector<std::string>& levels) const;

 private:
  struct Entry {
    int32_t flags = 0;
    std::string_view key, value;
    uint64_t hwcap = 0;
  };
  std::optional<Entry> At(uint64_t index, bool little_endian) const;
  std::string_view StringAt(uint64_t offset) const;
  std::string_view Level(uint64_t index, bool little_endian) const;

  std::string contents_;
  std::string_view cache_;  // from the new magic on; empty if it is no cache
};

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_ELF_LD_CACHE_H_
