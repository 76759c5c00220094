#include "audit/cache/entry_reader.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::cache {

absl::StatusOr<std::string_view> PeekedSource::Peek(size_t bytes) {
  while (head_.size() < bytes) {
    absl::StatusOr<std::string_view> piece = source_.Next();
    if (!piece.ok()) {
      if (head_.empty()) return piece;
      failed_ = std::move(piece).status();
      break;
    }
    if (piece->empty()) break;
    head_.append(*piece);
  }
  return head_;
}

absl::StatusOr<std::string_view> PeekedSource::Next() {
  if (!delivered_) {
    delivered_ = true;
    if (!head_.empty()) return head_;
  }
  LRE_RETURN_IF_ERROR(failed_);
  return source_.Next();
}

absl::StatusOr<bool> EntryReader::Fill() {
  if (!piece_.empty()) return true;
  if (ended_) return false;
  LRE_ASSIGN_OR_RETURN(piece_, source_.Next());
  ended_ = piece_.empty();
  return !ended_;
}

absl::Status EntryReader::TooLong() const {
  return absl::ResourceExhaustedError(
      absl::StrCat("it is longer than ", limit_ >> 20, " MiB, the most that is read"));
}

absl::StatusOr<bool> DelimitedReader::Next() {
  Begin();
  entry_ = {};
  uint64_t length = 0;
  for (int shift = 0;; shift += 7) {
    LRE_ASSIGN_OR_RETURN(const bool more, Fill());
    if (!more && shift == 0) return false;
    if (!more) return absl::DataLossError("the log ends within its length");
    if (shift > 63) return absl::DataLossError("its length is no number: more than ten bytes");
    const uint8_t byte = static_cast<uint8_t>(piece_.front());
    Consume(1);
    length |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) break;
  }
  if (length > limit_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("its length, ", length, " bytes, is beyond the limit of ", limit_));
  }
  if (length <= piece_.size()) {
    entry_ = piece_.substr(0, length);
    Consume(length);
    return true;
  }
  carried_.clear();
  while (carried_.size() < length) {
    LRE_ASSIGN_OR_RETURN(const bool more, Fill());
    if (!more) {
      return absl::DataLossError(
          absl::StrCat("the log ends after ", carried_.size(), " of its ", length, " bytes"));
    }
    const size_t part = std::min<uint64_t>(length - carried_.size(), piece_.size());
    carried_.append(piece_.substr(0, part));
    Consume(part);
  }
  entry_ = carried_;
  return true;
}

absl::StatusOr<bool> JsonObjectReader::Next() {
  entry_ = {};
  Begin();
  while (true) {  // to the next brace
    LRE_ASSIGN_OR_RETURN(const bool more, Fill());
    if (!more) {
      if (in_array_ && !array_ended_) return absl::DataLossError("the log ends within its array");
      return false;
    }
    const char c = piece_.front();
    if (c == '{' && !array_ended_) break;
    if (c == '[' && !in_array_ && number() == 0) {
      in_array_ = true;
    } else if (c == ']' && in_array_ && !array_ended_) {
      array_ended_ = true;
    } else if (c != ' ' && c != '\n' && c != '\r' && c != '\t' && !(c == ',' && in_array_)) {
      return absl::DataLossError(absl::StrCat("expected an object, \"{\", and found \"",
                                              Escaped(piece_.substr(0, 16)), "\" at ",
                                              Hex(position_)));
    }
    Consume(1);
  }
  SetOffset();
  carried_.clear();
  int64_t depth = 0;
  bool in_string = false, escaped = false;
  while (true) {
    LRE_ASSIGN_OR_RETURN(const bool more, Fill());
    if (!more) {
      return absl::DataLossError(
          absl::StrCat("the log ends within it, after ", carried_.size(), " bytes"));
    }
    size_t i = 0;
    for (; i < piece_.size(); ++i) {
      const char c = piece_[i];
      if (in_string) {
        if (escaped) {
          escaped = false;
        } else if (c == '\\') {
          escaped = true;
        } else if (c == '"') {
          in_string = false;
        }
      } else if (c == '"') {
        in_string = true;
      } else if (c == '{') {
        ++depth;
      } else if (c == '}' && --depth == 0) {
        break;
      }
    }
    const bool ended = i < piece_.size();
    const size_t part = ended ? i + 1 : i;
    if (carried_.size() + part > limit_) return TooLong();
    if (ended && carried_.empty()) {
      entry_ = piece_.substr(0, part);
    } else {
      carried_.append(piece_.substr(0, part));
      if (ended) entry_ = carried_;
    }
    Consume(part);
    if (ended) return true;
  }
}

}  // namespace lre_audit::cache
