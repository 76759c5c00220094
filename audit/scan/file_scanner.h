// One file, one pass over its bytes: store references, ELF and Mach-O, archives, text claims,
// embedded paths.
#ifndef LRE_AUDIT_AUDIT_SCAN_FILE_SCANNER_H_
#define LRE_AUDIT_AUDIT_SCAN_FILE_SCANNER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/claims/claims.h"
#include "audit/claims/embedded.h"
#include "audit/nix/references.h"
#include "audit/scan/hidden_references.h"
#include "audit/scan/kept_bytes.h"
#include "audit/scan/memory_budget.h"
#include "audit/trees/tree.h"
#include "elf/bytes.h"
#include "rules/facts.pb.h"

namespace lre_audit {

// Fed with one regular file after another. What must be seen as a whole (ELF, archives, text) is
// kept while it streams by, within the budget; the rest is never held.
class FileScanner {
 public:
  FileScanner(std::string store_directory, MemoryBudget& budget);
  ~FileScanner();

  // `facts` has its metadata already and receives claims, references, ELF data and defects.
  void Begin(const Entry& entry, FileFacts* facts);
  void Data(std::string_view piece);
  // That contents end early is a Problem of the tree's; what came is scanned all the same.
  void End(bool complete);

 private:
  enum class Format { kUndecided, kElf, kArchive, kMachO, kText, kContents, kOther };
  struct Kept {
    uint64_t offset = 0;  // in the file
    uint64_t size = 0;    // wanted
    KeptBytes data;       // so far
  };

  void Decide(std::string_view head);
  void TakeHead();
  void Take(std::string_view piece);
  void Keep(std::string_view piece);
  void ReleaseKept();
  void Parse(const elf::Bytes& bytes);
  void ParseElf(const elf::Bytes& bytes);
  void ParseArchive(const elf::Bytes& bytes);
  void ParseMachO(const elf::Bytes& bytes);
  void AddDefect(Defect::Kind kind, uint64_t offset, std::string message);

  const std::string store_directory_;
  MemoryBudget& budget_;

  const Entry* entry_ = nullptr;
  FileFacts* facts_ = nullptr;
  uint64_t consumed_ = 0;
  Format format_ = Format::kUndecided;
  ClaimSource source_ = ClaimSource::kNone;
  std::string head_;  // first bytes, where they did not come in one piece
  std::vector<Kept> kept_;
  KeptBytes spare_;     // an emptied buffer, for the next file
  uint64_t taken_ = 0;  // of the budget
  bool parsed_ = false;
  std::optional<nix::ReferenceScanner> references_;
  std::optional<EmbeddedPathScanner> embedded_;
  HiddenReferenceScanner hidden_;
};

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_SCAN_FILE_SCANNER_H_
