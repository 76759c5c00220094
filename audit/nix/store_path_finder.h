// Store paths written out in a stream of bytes, also in UTF-16: where Nix's own reference scan
// (references.h) does not look. One pass, any split into pieces gives the same result.
#ifndef LRE_AUDIT_AUDIT_NIX_STORE_PATH_FINDER_H_
#define LRE_AUDIT_AUDIT_NIX_STORE_PATH_FINDER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lre_audit::nix {

class StorePathFinder {
 public:
  enum class Encoding {
    kBytes,  // ASCII, and all that is a superset of it
    kUtf16,  // little or big endian, at even or odd offsets
  };
  // `store_directory` without trailing slash.
  StorePathFinder(std::string_view store_directory, Encoding encoding);

  struct Found {
    std::string base_name;  // "<hash>-<name>", the name as far as its characters go
    uint64_t offset = 0;    // of the byte that holds the store directory's first character
  };
  // Both append to `found`, in order of their offsets, and repetitions too.
  void Update(std::string_view piece, std::vector<Found>* found);
  // The input ends; the next Update() begins another one.
  void Finish(std::vector<Found>* found);

 private:
  void Scan(std::string_view data, size_t end, uint64_t base, std::vector<Found>* found) const;
  void ScanUtf16(std::string_view data, size_t end, uint64_t base, std::vector<Found>* found) const;
  void Read(std::string_view data, size_t begin, uint64_t base, std::vector<Found>* found) const;

  Encoding encoding_;
  size_t width_;         // bytes of a character
  std::string prefix_;   // "/nix/store/", encoded; in UTF-16 without its outer zero bytes
  size_t longest_;       // bytes of the longest store path, encoded
  size_t shortest_;      // bytes of a store path up to its hash, encoded
  uint64_t offset_ = 0;  // of the next byte
  std::string carried_;  // the last bytes, where a store path may begin that is not here yet
};

}  // namespace lre_audit::nix

#endif  // LRE_AUDIT_AUDIT_NIX_STORE_PATH_FINDER_H_
