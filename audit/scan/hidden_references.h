// References that Nix's own scan cannot see: store paths in UTF-16 text, and in what is packed
// inside a file (gzip, xz, zstd, bzip2, zip and its kin, tar), to a small depth and within limits.
#ifndef LRE_AUDIT_AUDIT_SCAN_HIDDEN_REFERENCES_H_
#define LRE_AUDIT_AUDIT_SCAN_HIDDEN_REFERENCES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/nix/store_path_finder.h"
#include "audit/scan/memory_budget.h"
#include "rules/facts.pb.h"

namespace lre_audit {

// Each far above anything real.
struct HiddenLimits {
  uint64_t file_bytes = uint64_t{8} << 30;   // that come out of one file, at all depths together
  uint64_t part_bytes = uint64_t{64} << 30;  // out of all files that one scanner is fed with
  uint64_t ratio = 2000;          // what comes out : what went in, past the first 64 MiB of a file
  int depth = 4;                  // of things that are packed inside each other
  uint64_t references = 100'000;  // distinct ones of one file
};

// Fed with one regular file after another. Where nothing is packed it costs a look at the first
// bytes, and a search for UTF-16 at memory speed. Holds what its decoders hold.
class HiddenReferenceScanner {
 public:
  HiddenReferenceScanner(std::string_view store_directory, MemoryBudget& budget,
                         const HiddenLimits& limits = {});
  ~HiddenReferenceScanner();

  // `facts` receives hidden references, by name, and a defect where a limit stopped the
  // reading. Damaged or cut data are none: what looks packed need not be.
  void Begin(FileFacts* facts);
  void Data(std::string_view piece);
  void End();

 private:
  class Head;
  class Contents;
  class Unpacker;
  class Decompressor;
  class ZipUnpacker;
  class TarUnpacker;
  struct File;

  void Decide(std::string_view head);
  void Unpack(std::string_view piece);
  File& file();

  const std::string store_directory_;
  MemoryBudget& budget_;
  const HiddenLimits limits_;
  uint64_t part_bytes_ = 0;
  nix::StorePathFinder utf16_;  // of the file's own bytes
  std::vector<nix::StorePathFinder::Found> found_;
  FileFacts* facts_ = nullptr;
  const std::unique_ptr<Head> head_;
  bool decided_ = false;
  uint64_t packed_at_ = 0;  // where that which is packed begins
  uint64_t consumed_ = 0;
  // Made where there is something to find; most files have neither.
  std::unique_ptr<File> file_;
  std::unique_ptr<Contents> packed_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_SCAN_HIDDEN_REFERENCES_H_
