// Protocol buffers' wire format, read from bytes in memory and written to a string, without objects
// for messages. Source: protobuf.dev, "Encoding".
#ifndef LRE_AUDIT_AUDIT_CACHE_WIRE_H_
#define LRE_AUDIT_AUDIT_CACHE_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lre_audit::cache {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t value = 0;      // of kVarint; the fixed ones are passed over
  std::string_view bytes;  // of kBytes

  bool IsBytes() const { return type == WireType::kBytes; }
  bool IsVarint() const { return type == WireType::kVarint; }
};

// The fields of one message:
//
//   WireReader reader(message);
//   while (reader.Next()) switch (reader.field().number) ...
//   if (!reader.ok()) ...  // the fields before the damage have been had
class WireReader {
 public:
  explicit WireReader(std::string_view message)
      : begin_(message.data()), next_(begin_), end_(begin_ + message.size()) {}

  bool Next() {
    if (next_ == end_) return false;
    uint64_t tag;
    if (!Varint(&tag)) return false;
    field_.number = static_cast<uint32_t>(tag >> 3);
    field_.type = static_cast<WireType>(tag & 7);
    if (field_.number == 0 || tag >> 32 != 0) return Fail("has a field of a number that cannot be");
    switch (field_.type) {
      case WireType::kVarint:
        return Varint(&field_.value);
      case WireType::kBytes: {
        uint64_t length;
        if (!Varint(&length)) return false;
        if (length > static_cast<uint64_t>(end_ - next_))
          return Fail("has a field that is longer than it");
        field_.bytes = {next_, static_cast<size_t>(length)};
        next_ += length;
        return true;
      }
      case WireType::kFixed64:
        return Pass(8);
      case WireType::kFixed32:
        return Pass(4);
    }
    return Fail("has a field of a type that cannot be");
  }

  const WireField& field() const { return field_; }
  bool ok() const { return error_ == nullptr; }
  // What is wrong, as "has a field that is longer than it"; null if nothing is.
  const char* error() const { return error_; }
  // Where reading stands, or stopped.
  size_t offset() const { return static_cast<size_t>(next_ - begin_); }

  bool Varint(uint64_t* value) {
    if (next_ != end_ && static_cast<uint8_t>(*next_) < 0x80) {
      *value = static_cast<uint8_t>(*next_++);
      return true;
    }
    return LongVarint(value);
  }

 private:
  bool LongVarint(uint64_t* value);
  bool Pass(size_t bytes) {
    if (static_cast<size_t>(end_ - next_) < bytes) return Fail("ends within a field");
    next_ += bytes;
    return true;
  }
  bool Fail(const char* error) {
    error_ = error;
    end_ = next_;
    return false;
  }

  const char *begin_, *next_, *end_;
  WireField field_;
  const char* error_ = nullptr;
};

// Appends fields. Zero and empty values are left out, as proto3 does;.
void WriteVarint(uint32_t number, uint64_t value, std::string* out);
void WriteBytes(uint32_t number, std::string_view bytes, std::string* out);
// For elements of repeated fields and for messages, which are written when they are empty.
void WriteBytesAlways(uint32_t number, std::string_view bytes, std::string* out);
void AppendVarint(uint64_t value, std::string* out);

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_WIRE_H_
