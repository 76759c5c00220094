// ZIP archives, in pieces of any size.
#include <algorithm>

#include "audit/bytes/zip_stream.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

namespace {
class Counter : public ZipSink {
 public:
  void BeginEntry(std::string_view /*name*/) override {
    if (open_) Wrong("an entry within another");
    open_ = true;
  }
  bool Data(std::string_view piece) override {
    if (!open_) Wrong("contents of no entry");
    bytes_ += piece.size();
    return bytes_ < 16 << 20;
  }
  void EndEntry() override {
    if (!open_) Wrong("the end of no entry");
    open_ = false;
  }
  void Limit(const absl::Status& /*status*/) override {}

 private:
  bool open_ = false;
  uint64_t bytes_ = 0;
};
}  // namespace

void One(std::string_view input) {
  const uint8_t choice = TakeByte(input);
  const size_t size = choice == 0 ? 64 << 10 : choice;
  ZipStream::HasMagic(input);
  DecodeLimits limits;
  limits.zstd_window = 8 << 20;
  limits.xz_memory = 16 << 20;
  Counter sink;
  ZipStream stream(limits, sink);
  while (!input.empty()) {
    const std::string_view piece = input.substr(0, size);
    stream.Push(piece);
    input.remove_prefix(piece.size());
  }
  stream.Finish();
}

}  // namespace lre_audit::fuzz
