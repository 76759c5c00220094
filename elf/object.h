// One ELF object as the dynamic loader sees it: program headers, PT_INTERP, PT_DYNAMIC, the last
// tag of a kind winning. Section headers are read only to say where they tell another story.
// Sources: System V gABI chapters 4 and 5, glibc elf/get-dynamic-info.h and elf/dl-load.c.
#ifndef LRE_AUDIT_ELF_OBJECT_H_
#define LRE_AUDIT_ELF_OBJECT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "elf/bytes.h"

namespace lre_audit::elf {

// A string that the object holds, and the file offset of its first byte.
struct Text {
  std::string value;
  uint64_t offset = 0;
};

// What the object needs of one library: DT_VERNEED.
struct VersionNeed {
  std::string library;  // vn_file, a DT_NEEDED name
  std::string version;  // e.g. "GLIBC_2.38"
  bool weak = false;    // VER_FLG_WEAK: absence is only a warning to the loader
};

// One entry of the note "NixOS"/0x63a86cb6 (.note.nixos.ldcache), as patchelf writes it.
struct LdCacheEntry {
  enum class Kind { kFile, kDirectory };  // "=<absolute file>", "?<directory>"
  Kind kind = Kind::kFile;
  std::string name;  // SONAME that the entry answers for; empty where the entry names none
  Text path;
};

// One requirement of .note.dlopen (systemd's "ELF dlopen metadata", JSON).
struct DlopenNeed {
  enum class Priority { kSuggested, kRecommended, kRequired };
  std::vector<std::string> sonames;  // any one of them satisfies the need
  std::string feature;
  Priority priority = Priority::kRecommended;  // the specification's default
  uint64_t offset = 0;
};

// What sections say and segments do not, or the reverse: an auditor that trusts one is blind to the
// other.
struct ViewDifference {
  std::string what;      // "DT_RUNPATH", "PT_INTERP", "DT_NEEDED", ...
  std::string segments;  // what the loader reads
  std::string sections;  // what readelf and patchelf print
  uint64_t offset = 0;   // of the section header that disagrees
};

// Something that could not be read. Reading goes on after it.
struct Defect {
  enum class Kind { kMalformed, kLimit };
  Kind kind = Kind::kMalformed;
  uint64_t offset = 0;
  std::string message;  // structure, index, offset and sizes: "program header 3: p_offset 0x.. ..."
};

// The directories and files that an interpreter searches on its own account, read from its bytes.
struct LoaderDefaults {
  enum class Kind { kGlibc, kMusl };
  Kind kind = Kind::kGlibc;
  std::string version;                   // "2.36", empty if it cannot be told
  std::vector<Text> system_directories;  // in search order, with no trailing slash
  std::optional<Text> cache;             // ld.so.cache (glibc), ld-musl-ARCH.path (musl)
  std::vector<Text> preload;             // ld.so.preload, ld-nix.so.preload
  std::string lib;       // what $LIB expands to: "lib", "lib64", "lib/x86_64-linux-gnu"
  std::string platform;  // what $PLATFORM expands to, empty if only run time can tell
};

// Why the loaders do not take the object as a library, each in glibc's words; empty: it is taken.
// A program is the kernel's to load, and is not judged.
struct Refusal {
  std::string glibc, musl;
  bool before_class = false;    // glibc gives up before it would pass over another class
  bool before_machine = false;  // ... or another machine
};

struct Object {
  bool is_64 = false;
  bool is_little_endian = true;
  uint16_t type = 0;     // ET_EXEC, ET_DYN, ET_REL, ET_CORE
  uint16_t machine = 0;  // EM_*
  uint8_t osabi = 0;
  bool has_dynamic = false;         // has a PT_DYNAMIC
  std::optional<Text> interpreter;  // PT_INTERP
  std::optional<Text> soname;       // DT_SONAME
  std::vector<Text> needed;         // DT_NEEDED, in order
  std::optional<Text> rpath;        // DT_RPATH, whole, even where RUNPATH voids it
  std::optional<Text> runpath;      // DT_RUNPATH, whole
  std::vector<Text> audit, depaudit, filter, auxiliary;
  uint64_t flags = 0, flags_1 = 0;  // DT_FLAGS, DT_FLAGS_1
  std::vector<VersionNeed> version_needs;
  std::vector<std::string> version_definitions;
  bool has_symbol_versions = false;  // DT_VERSYM: which version each symbol has
  std::vector<LdCacheEntry> ld_cache;
  std::vector<DlopenNeed> dlopen_needs;
  std::vector<ViewDifference> view_differences;
  std::optional<LoaderDefaults> loader_defaults;  // only where the object is itself a loader
  std::string build_id;                           // hex, empty if none
  Refusal refusal;
  std::vector<Defect> defects;

  bool IsPie() const;
  bool NoDefaultLibraries() const;  // DF_1_NODEFLIB
};

// Whether `head`, the first bytes of a file, starts with the ELF magic.
bool HasElfMagic(std::string_view head);

// Reads an object. Never fails: what cannot be read is a defect, and what can be read is kept. Time
// and memory are bounded by the size of the file and the limits in object.cc, never by a header.
Object ReadObject(const Bytes& bytes);

// "x86-64", "AArch64", ...; "machine 1234" for what has no name here.
std::string MachineName(uint16_t machine);

}  // namespace lre_audit::elf

#endif  // LRE_AUDIT_ELF_OBJECT_H_
