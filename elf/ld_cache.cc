#include "elf/ld_cache.h"

#include <elf.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace lre_audit::elf {
namespace {

constexpr std::string_view kMagic = "glibc-ld.so.cache1.1";
constexpr std::string_view kOldMagic("ld.so-1.7.0", 11);
constexpr size_t kHeaderSize = 48, kEntrySize = 24, kOldHeaderSize = 16, kOldEntrySize = 12;
// Bits of an entry's hwcap: set where its low half is an index into the extension's list of
// glibc-hwcaps subdirectories.
constexpr uint64_t kHwcapExtension = uint64_t{1} << 62;
constexpr uint32_t kExtensionMagic = 0xeaa42174, kExtensionHwcaps = 1;

uint64_t Number(std::string_view bytes, size_t at, size_t width, bool little_endian) {
  if (at > bytes.size() || width > bytes.size() - at) return 0;
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) {
    value =
        value << 8 | static_cast<unsigned char>(bytes[at + (little_endian ? width - 1 - i : i)]);
  }
  return value;
}

// _dl_cache_libcmp: runs of digits compare as numbers, and a digit is greater than a letter.
int CompareNames(std::string_view a, std::string_view b) {
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  auto number = [&](std::string_view& s) {
    uint64_t value = 0;
    while (!s.empty() && is_digit(s[0])) {
      value = value * 10 + (s[0] - '0');
      s.remove_prefix(1);
    }
    return value;
  };
  while (!a.empty()) {
    if (is_digit(a[0])) {
      if (b.empty() || !is_digit(b[0])) return 1;
      const uint64_t x = number(a), y = number(b);
      if (x != y) return x < y ? -1 : 1;
    } else if (!b.empty() && is_digit(b[0])) {
      return -1;
    } else if (b.empty()) {
      return 1;
    } else if (a[0] != b[0]) {
      return static_cast<signed char>(a[0]) < static_cast<signed char>(b[0]) ? -1 : 1;
    } else {
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  return b.empty() ? 0 : -1;
}

// _DL_CACHE_DEFAULT_ID: sysdeps/unix/sysv/linux/*/dl-cache.h and sysdeps/generic/ldconfig.h.
int32_t CacheFlags(const Object& object) {
  constexpr int32_t kLibc6 = 0x3;
  switch (object.machine) {
    case EM_X86_64:
      return object.is_64 ? 0x300 | kLibc6 : 0x800 | kLibc6;
    case EM_AARCH64:
      return object.is_64 ? 0xa00 | kLibc6 : kLibc6;
    case EM_ARM:
      return 0x900 | kLibc6;  // hard float
    case EM_S390:
      return object.is_64 ? 0x400 | kLibc6 : kLibc6;
    case EM_PPC64:
      return 0x500 | kLibc6;
    case EM_SPARCV9:
      return 0x100 | kLibc6;
    case EM_RISCV:
      return object.is_64 ? 0x1000 | kLibc6 : kLibc6;
    case EM_LOONGARCH:
      return 0x1200 | kLibc6;
    default:
      return kLibc6;
  }
}

}  // namespace

LdCache::LdCache(std::string contents) : contents_(std::move(contents)) {
  std::string_view all = contents_;
  if (all.starts_with(kOldMagic)) {
    // The new cache follows the old one's entries, aligned to eight bytes.
    for (bool little_endian : {true, false}) {
      const uint64_t count = Number(all, 12, 4, little_endian);
      const uint64_t at = (kOldHeaderSize + count * kOldEntrySize + 7) / 8 * 8;
      if (at < all.size() && all.substr(at).starts_with(kMagic)) cache_ = all.substr(at);
    }
  } else if (all.starts_with(kMagic)) {
    cache_ = all;
  }
  if (cache_.size() < kHeaderSize) cache_ = {};
}

std::string_view LdCache::StringAt(uint64_t offset) const {
  if (offset >= cache_.size()) return {};
  std::string_view text = cache_.substr(offset);
  return text.substr(0, text.find('\0'));
}

std::optional<LdCache::Entry> LdCache::At(uint64_t index, bool little_endian) const {
  const uint64_t at = kHeaderSize + index * kEntrySize;
  if (at > cache_.size() || kEntrySize > cache_.size() - at) return std::nullopt;
  Entry entry;
  entry.flags = static_cast<int32_t>(Number(cache_, at, 4, little_endian));
  entry.key = StringAt(Number(cache_, at + 4, 4, little_endian));
  entry.value = StringAt(Number(cache_, at + 8, 4, little_endian));
  entry.hwcap = Number(cache_, at + 16, 8, little_endian);
  return entry;
}

// The name of glibc-hwcaps subdirectory `index`: an array of string offsets in the extension.
std::string_view LdCache::Level(uint64_t index, bool little_endian) const {
  const uint64_t extension = Number(cache_, 32, 4, little_endian);
  if (Number(cache_, extension, 4, little_endian) != kExtensionMagic) return {};
  const uint64_t sections = Number(cache_, extension + 4, 4, little_endian);
  for (uint64_t i = 0; i < std::min<uint64_t>(sections, 64); ++i) {
    const uint64_t at = extension + 8 + i * 16;  // tag, flags, offset, size
    if (Number(cache_, at, 4, little_endian) != kExtensionHwcaps) continue;
    const uint64_t offset = Number(cache_, at + 8, 4, little_endian);
    const uint64_t size = Number(cache_, at + 12, 4, little_endian);
    if (index >= size / 4) return {};
    return StringAt(Number(cache_, offset + index * 4, 4, little_endian));
  }
  return {};
}

std::optional<std::string> LdCache::Find(std::string_view name, const Object& object,
                                         const std::vector<std::string>& levels) const {
  if (cache_.empty()) return std::nullopt;
  const bool little_endian = object.is_little_endian;
  const uint64_t count = std::min<uint64_t>(Number(cache_, 20, 4, little_endian),
                                            (cache_.size() - kHeaderSize) / kEntrySize);
  // Sorted, greatest first: the first entry that is not greater than `name`.
  uint64_t low = 0, high = count;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    const auto entry = At(middle, little_endian);
    if (entry && CompareNames(entry->key, name) > 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const int32_t wanted = CacheFlags(object);
  std::optional<std::string> best;
  size_t best_rank = levels.size() + 1;
  for (uint64_t i = low; i < count; ++i) {
    const auto entry = At(i, little_endian);
    if (!entry || CompareNames(entry->key, name) != 0) break;
    if (entry->flags != wanted && entry->flags != 1) continue;
    size_t rank = levels.size();
    if (entry->hwcap & kHwcapExtension) {
      const auto level = Level(entry->hwcap & 0xffffffff, little_endian);
      rank = std::find(levels.begin(), levels.end(), level) - levels.begin();
      if (rank == levels.size()) continue;
    } else if (entry->hwcap != 0) {
      continue;  // legacy capability bits, which no current ldconfig writes
    }
    if (rank < best_rank) {
      best_rank = rank;
      best = std::string(entry->value);
    }
  }
  return best;
}

}  // namespace lre_audit::elf
