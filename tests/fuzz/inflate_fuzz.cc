// gzip, zstd, xz and bzip2 by their magic, and the same bytes as brotli, which has none.
#include <optional>
#include <string>

#include "audit/bytes/inflate.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

namespace {
// In pieces, so that magic numbers and trailers are cut.
class Pieces : public ByteSource {
 public:
  Pieces(std::string_view bytes, size_t size) : bytes_(bytes), size_(size) {}
  absl::StatusOr<std::string_view> Next() override {
    std::string_view piece = bytes_.substr(0, size_);
    bytes_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view bytes_;
  const size_t size_;
};
}  // namespace

void One(std::string_view input) {
  const uint8_t choice = TakeByte(input);
  DecodeLimits limits;
  limits.bytes = 16 << 20;
  limits.zstd_window = 8 << 20;
  limits.xz_memory = 16 << 20;
  for (const std::optional<Compression> known :
       {std::optional<Compression>(), std::optional(Compression::kBrotli)}) {
    Pieces source(input, choice == 0 ? 64 << 10 : choice);
    Inflater inflater(source, limits, known);
    while (true) {
      absl::StatusOr<std::string_view> piece = inflater.Next();
      if (!piece.ok() || piece->empty()) break;
    }
  }
}

}  // namespace lre_audit::fuzz
