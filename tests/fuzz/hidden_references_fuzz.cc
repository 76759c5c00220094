// Files with something packed inside, in pieces of any size.
#include <algorithm>

#include "audit/scan/hidden_references.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  const uint8_t choice = TakeByte(input);
  const size_t size = choice == 0 ? 64 << 10 : choice;
  MemoryBudget budget(64 << 20);
  HiddenLimits limits;
  limits.file_bytes = 16 << 20;
  HiddenReferenceScanner scanner("/nix/store", budget, limits);
  // Twice, since one scanner is fed with many files.
  for (int i = 0; i < 2; ++i) {
    FileFacts facts;
    scanner.Begin(&facts);
    for (std::string_view left = input; !left.empty();) {
      const std::string_view piece = left.substr(0, i == 0 ? size : left.size());
      scanner.Data(piece);
      left.remove_prefix(piece.size());
    }
    scanner.End();
  }
}

}  // namespace lre_audit::fuzz
