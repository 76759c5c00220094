// Store paths as packages: which of two sides' paths are versions of the same one.
#ifndef LRE_AUDIT_AUDIT_COMPARE_PACKAGES_H_
#define LRE_AUDIT_AUDIT_COMPARE_PACKAGES_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "reports/difference.pb.h"

namespace lre_audit {

struct Package {
  std::string name;     // "glibc", "glibc-dev" of an output
  std::string version;  // "2.42-67"; empty if the store path's name has none
};

// Of a store path. The version begins at the first "-" that no letter follows, as Nix has it
// (DrvName in src/libstore/names.cc); the name of an output behind it ("-dev", "-lib") stays with
// the name.
Package PackageOf(std::string_view store_path);

// The name of a store path that `text` begins with, up to the first character that none has.
std::string_view BaseNameAt(std::string_view text);

// The store paths that `text` names, in its order:
// "PATH=/nix/store/...-a/bin:/nix/store/...-b/bin".
std::vector<std::string_view> StorePathsIn(std::string_view text, std::string_view store_directory);

// Store paths of one side with the sizes of their NARs in bytes, 0 where not known.
using SizedPaths = std::map<std::string, uint64_t>;

// Paths on both sides are passed over. Of the rest, those of one name are paired: equal versions
// first, others in their order. By name, then version.
std::vector<PackageDifference> ComparePackages(const SizedPaths& a, const SizedPaths& b);

// What is no difference of its own, since a package that has moved to another store path explains
// it.
class PackageMoves {
 public:
  explicit PackageMoves(const google::protobuf::RepeatedPtrField<PackageDifference>& packages);

  // Whether `b` is `a` with every moved package's new store path in place of its old one, and its
  // new version behind the path ("<path>/lib/gcc/13.2.0/include").
  bool Explain(std::string_view a, std::string_view b) const;

 private:
  struct Move {
    std::string path, version_a, version_b;
  };
  std::map<std::string, Move, std::less<>> moves_;  // by path in a
  std::string prefix_;  // what all store paths begin with: "/nix/store/"
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_COMPARE_PACKAGES_H_
