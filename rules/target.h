// Where a claimed path leads.
#ifndef LRE_AUDIT_RULES_TARGET_H_
#define LRE_AUDIT_RULES_TARGET_H_

#include <string>

namespace lre_audit {

// After `..` and the symlinks of the audited tree.
struct Target {
  enum class Place {
    kStore,           // below the store directory
    kOutside,         // an absolute path elsewhere
    kRelative,        // relative or empty: it depends on the current directory
    kBuildDirectory,  // /build, /tmp, /home and the like: outside, and of one machine
  };
  Place place = Place::kOutside;
  std::string path;        // resolved; for kRelative as written
  std::string store_path;  // "/nix/store/<hash>-<name>" when kStore, "" for the store itself
  bool exists = false;
  bool store_path_exists = false;
  bool is_directory = false;
  bool is_executable = false;  // a regular file with an execute bit
  // It is written as a path of the store (or $ORIGIN of a store file), and leads out of it.
  bool escapes = false;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_RULES_TARGET_H_
