// What a dynamic loader searches on its own account, read from its strings. A distribution decides
// these when it builds its C library, so tools that assume Debian's are wrong for every other one.
// Sources: glibc elf/dl-load.c (system_dirs), elf/dl-cache.c, elf/rtld.c (preload), elf/dl-main.h;
// musl ldso/dynlink.c. The oracle is `ld.so --list-diagnostics`.
#include <elf.h>
#include <string.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/text.h"
#include "elf/image.h"

namespace lre_audit::elf {
namespace {

// No C library's loader is near this; it bounds the search in what merely looks like one.
constexpr uint64_t kMaxLoaderBytes = 16 << 20;

size_t Find(std::string_view bytes, std::string_view what, size_t from = 0) {
  if (from > bytes.size()) return std::string_view::npos;
  const void* at = memmem(bytes.data() + from, bytes.size() - from, what.data(), what.size());
  return at == nullptr ? std::string_view::npos : static_cast<const char*>(at) - bytes.data();
}

bool IsPrintable(char c) { return c >= ' ' && c <= '~'; }

// The whole path that ends at `end` (exclusive): printable bytes back to the first slash.
std::optional<Text> PathEndingAt(std::string_view bytes, size_t end) {
  size_t start = end;
  while (start > 0 && end - start < 4096 && IsPrintable(bytes[start - 1])) --start;
  while (start < end && bytes[start] != '/') ++start;
  if (start == end) return std::nullopt;
  return Text{std::string(bytes.substr(start, end - start)), start};
}

// The first NUL-terminated path with this ending: "/ld.so.cache" finds "/etc/ld.so.cache".
std::optional<Text> PathWithSuffix(std::string_view bytes, std::string_view suffix) {
  std::string needle(suffix);
  needle.push_back('\0');
  for (size_t at = Find(bytes, needle); at != std::string_view::npos;
       at = Find(bytes, needle, at + 1)) {
    const size_t end = at + suffix.size();
    // A sentence that mentions the path ("Do not use /etc/ld.so.cache") is not the path.
    size_t start = end;
    while (start > 0 && IsPrintable(bytes[start - 1])) --start;
    auto path = PathEndingAt(bytes, end);
    if (path && path->value.find(' ') == std::string::npos && path->offset == start) return path;
  }
  return std::nullopt;
}

// system_dirs: strings with a slash at either end, one after the other: "/lib64/\0/usr/lib64/\0".
std::vector<Text> SystemDirectories(std::string_view bytes) {
  std::vector<Text> longest, run;
  size_t run_end = 0;
  using namespace std::string_view_literals;
  for (size_t at = Find(bytes, "/\0"sv); at != std::string_view::npos;
       at = Find(bytes, "/\0"sv, at + 1)) {
    auto path = PathEndingAt(bytes, at);
    if (!path || path->value.find("/lib") == std::string::npos) continue;
    if (path->offset != run_end) run.clear();
    run_end = at + 2;
    run.push_back(*std::move(path));
    if (run.size() > longest.size()) longest = run;
  }
  return longest;
}

// "ld.so (Debian GLIBC 2.36-9) stable release version 2.36."
std::string GlibcVersion(std::string_view bytes) {
  constexpr std::string_view kBefore = " release version ";
  const size_t at = Find(bytes, kBefore);
  if (at == std::string_view::npos) return {};
  size_t end = at + kBefore.size();
  while (end < bytes.size() &&
         (isdigit(static_cast<unsigned char>(bytes[end])) || bytes[end] == '.')) {
    ++end;
  }
  std::string version(bytes.substr(at + kBefore.size(), end - at - kBefore.size()));
  while (version.ends_with('.')) version.pop_back();
  return version;
}

// DL_DST_LIB, the string after the three token names; else what the first system directory implies.
std::string GlibcLib(std::string_view bytes, const std::vector<Text>& system_directories) {
  constexpr std::string_view kTokens("ORIGIN\0PLATFORM\0LIB\0", 20);
  if (size_t at = Find(bytes, kTokens); at != std::string_view::npos) {
    std::string_view lib = bytes.substr(at + kTokens.size(), 256);
    lib = lib.substr(0, lib.find('\0'));
    if (lib.starts_with("lib")) return std::string(lib);
  }
  if (system_directories.empty()) return {};
  const std::string& first = system_directories[0].value;
  const size_t at = first.find("/lib") == 0 ? 0 : first.rfind("/lib");
  return first.substr(at + 1);
}

std::optional<LoaderDefaults> ReadGlibc(const Object& object, std::string_view bytes) {
  LoaderDefaults defaults;
  defaults.kind = LoaderDefaults::Kind::kGlibc;
  defaults.system_directories = SystemDirectories(bytes);
  defaults.cache = PathWithSuffix(bytes, "/ld.so.cache");
  if (defaults.system_directories.empty() && !defaults.cache) return std::nullopt;
  for (std::string_view name : {"/ld.so.preload", "/ld-nix.so.preload"}) {
    if (auto path = PathWithSuffix(bytes, name)) defaults.preload.push_back(*std::move(path));
  }
  defaults.version = GlibcVersion(bytes);
  defaults.lib = GlibcLib(bytes, defaults.system_directories);
  // On x86-64 the loader derives it from the CPU ("haswell"); elsewhere the kernel names it.
  if (object.machine == EM_AARCH64) defaults.platform = "aarch64";
  return defaults;
}

// A version string of its own: "\0" "1.2.3" "\0".
std::string MuslVersion(std::string_view bytes) {
  constexpr std::string_view kStart(
      "\0"
      "1.",
      3);
  for (size_t at = Find(bytes, kStart); at != std::string_view::npos;
       at = Find(bytes, kStart, at + 1)) {
    std::string_view text = bytes.substr(at + 1, 16);
    text = text.substr(0, text.find('\0'));
    const bool is_version = std::count(text.begin(), text.end(), '.') == 2 && text.size() >= 5 &&
                            text.find_first_not_of("0123456789.") == std::string_view::npos;
    if (is_version) return std::string(text);
  }
  return {};
}

std::optional<LoaderDefaults> ReadMusl(std::string_view bytes) {
  constexpr std::string_view kMarker = "/etc/ld-musl-";
  const size_t marker = Find(bytes, kMarker);
  if (marker == std::string_view::npos) return std::nullopt;
  LoaderDefaults defaults;
  defaults.kind = LoaderDefaults::Kind::kMusl;
  std::string_view cache = bytes.substr(marker, 256);
  cache = cache.substr(0, cache.find('\0'));
  if (cache.ends_with(".path")) defaults.cache = Text{std::string(cache), marker};
  defaults.version = MuslVersion(bytes);
  constexpr std::string_view kPath = "/lib:/usr/local/lib:/usr/lib";
  if (const size_t at = Find(bytes, kPath); at != std::string_view::npos) {
    size_t start = 0;
    while (start < kPath.size()) {
      const size_t end = std::min(kPath.find(':', start), kPath.size());
      defaults.system_directories.push_back(
          {std::string(kPath.substr(start, end - start)), at + start});
      start = end + 1;
    }
  }
  return defaults;
}

}  // namespace

void ReadLoaderDefaults(Image& image) {
  Object& object = image.object;
  const bool can_be_loader = object.type == ET_DYN && object.has_dynamic && !object.interpreter &&
                             object.needed.empty() && image.bytes.size() <= kMaxLoaderBytes;
  const std::string_view bytes = image.bytes.whole();
  if (!can_be_loader || bytes.empty()) return;
  const std::string soname = object.soname ? object.soname->value : std::string();
  const bool is_glibc = soname.starts_with("ld-linux") || soname.starts_with("ld.so") ||
                        soname.starts_with("ld64.so") || soname.starts_with("ld-2.");
  // Most builds of musl give their libc.so no SONAME at all.
  const bool may_be_musl =
      soname.empty() || soname.starts_with("ld-musl") || soname.starts_with("libc.");
  if (is_glibc) object.loader_defaults = ReadGlibc(object, bytes);
  if (may_be_musl) object.loader_defaults = ReadMusl(bytes);
}

}  // namespace lre_audit::elf
