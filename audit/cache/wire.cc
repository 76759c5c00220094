#include "audit/cache/wire.h"

namespace lre_audit::cache {

bool WireReader::LongVarint(uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (next_ == end_) return Fail("ends within a number");
    const uint8_t byte = static_cast<uint8_t>(*next_++);
    *value |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
    if (shift == 63) break;
  }
  return Fail("has a number of more than ten bytes");
}

void AppendVarint(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

void WriteVarint(uint32_t number, uint64_t value, std::string* out) {
  if (value == 0) return;
  AppendVarint(uint64_t{number} << 3, out);
  AppendVarint(value, out);
}

void WriteBytesAlways(uint32_t number, std::string_view bytes, std::string* out) {
  AppendVarint(uint64_t{number} << 3 | 2, out);
  AppendVarint(bytes.size(), out);
  out->append(bytes);
}

void WriteBytes(uint32_t number, std::string_view bytes, std::string* out) {
  if (!bytes.empty()) WriteBytesAlways(number, bytes, out);
}

}  // namespace lre_audit::cache
