// Cuts a log into its entries as it streams by: one entry is in memory at a time.
#ifndef LRE_AUDIT_AUDIT_CACHE_ENTRY_READER_H_
#define LRE_AUDIT_AUDIT_CACHE_ENTRY_READER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/bytes/byte_source.h"

namespace lre_audit::cache {

// A source whose beginning can be looked at before it is read.
class PeekedSource : public ByteSource {
 public:
  // `source` must outlive this.
  explicit PeekedSource(ByteSource& source) : source_(source) {}
  // `bytes` bytes, fewer where the source is shorter or fails behind some; before the first Next().
  absl::StatusOr<std::string_view> Peek(size_t bytes);
  absl::StatusOr<std::string_view> Next() override;

 private:
  ByteSource& source_;
  std::string head_;
  bool delivered_ = false;
  absl::Status failed_;  // the source has, behind the head
};

class EntryReader {
 public:
  // `source` must outlive this. An entry longer than `limit` bytes is ResourceExhausted.
  EntryReader(ByteSource& source, uint64_t limit) : source_(source), limit_(limit) {}
  virtual ~EntryReader() = default;

  // Moves to the next entry; false at the end. DataLoss where the log ends within an entry or is
  // none, and the source's errors: no call may follow. Messages say what, and not where.
  virtual absl::StatusOr<bool> Next() = 0;

  std::string_view entry() const { return entry_; }  // valid until Next()
  uint64_t number() const { return number_; }        // of entry(), or of the one that failed
  uint64_t offset() const { return begin_; }  // where it begins, its length or brace included

  uint64_t position() const { return position_; }  // bytes read

 protected:
  // Makes `piece_` hold something, unless the source ends: false.
  absl::StatusOr<bool> Fill();
  void Consume(size_t bytes) {
    piece_.remove_prefix(bytes);
    position_ += bytes;
  }
  absl::Status TooLong() const;
  void Begin() {
    number_ = next_number_++;
    SetOffset();
  }
  void SetOffset() { begin_ = position_; }

  ByteSource& source_;
  const uint64_t limit_;
  std::string_view piece_;  // of the source, what has not been consumed
  std::string carried_;     // an entry that lies in several pieces
  std::string_view entry_;
  uint64_t position_ = 0;

 private:
  uint64_t begin_ = 0, number_ = 0, next_number_ = 0;
  bool ended_ = false;
};

// Messages, each behind its length as a varint: binary and compact logs.
class DelimitedReader : public EntryReader {
 public:
  using EntryReader::EntryReader;
  absl::StatusOr<bool> Next() override;
};

// JSON objects, one after the other: with nothing, white space, or the commas of an array between
// them. What is in the braces is not looked at, strings apart.
class JsonObjectReader : public EntryReader {
 public:
  using EntryReader::EntryReader;
  absl::StatusOr<bool> Next() override;

 private:
  bool in_array_ = false, array_ended_ = false;
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_ENTRY_READER_H_
