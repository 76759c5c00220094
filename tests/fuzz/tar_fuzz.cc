// Archives, in pieces of any size, with contents skipped where the reader allows.
#include <algorithm>

#include "audit/trees/tar_reader.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/no_sink.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  const uint8_t choice = TakeByte(input);
  NoSink sink;
  TreeLimits limits;
  limits.decode.bytes = 64 << 20;  // sparse files are zeros that somebody has to make
  std::vector<Problem> problems;
  TarReader reader("layer 1",
                   choice & 1 ? TarReader::Flavour::kLayer : TarReader::Flavour::kArchive, limits,
                   sink, problems);
  const size_t piece = choice & 2 ? 1 + choice % 97 : 64 << 10;
  while (!input.empty() && !reader.done()) {
    if (uint64_t skip = std::min<uint64_t>(reader.skippable(), input.size());
        skip > 0 && choice & 4) {
      reader.Skip(skip);
      input.remove_prefix(skip);
      continue;
    }
    reader.Push(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
  }
  reader.Finish();
}

}  // namespace lre_audit::fuzz
