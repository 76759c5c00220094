#include "audit/nix/stream_reader.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::nix {

absl::Status StreamReader::Malformed(uint64_t at, std::string_view what) const {
  return absl::DataLossError(absl::StrCat("at ", Hex(at), ": ", ToAbsl(what)));
}

absl::Status StreamReader::Fill() {
  if (!piece_.empty() || ended_) return absl::OkStatus();
  LRE_ASSIGN_OR_RETURN(piece_, source_.Next());
  ended_ = piece_.empty();
  return absl::OkStatus();
}

absl::StatusOr<bool> StreamReader::AtEnd() {
  LRE_RETURN_IF_ERROR(Fill());
  return piece_.empty();
}

absl::StatusOr<std::string_view> StreamReader::Take(uint64_t most) {
  LRE_RETURN_IF_ERROR(Fill());
  if (piece_.empty()) return Malformed(offset_, "truncated");
  const std::string_view taken = piece_.substr(0, std::min<uint64_t>(most, piece_.size()));
  piece_.remove_prefix(taken.size());
  offset_ += taken.size();
  if (tap_ != nullptr) tap_->Update(taken);
  return taken;
}

absl::Status StreamReader::Read(char* out, size_t size) {
  while (size > 0) {
    LRE_ASSIGN_OR_RETURN(const std::string_view taken, Take(size));
    std::memcpy(out, taken.data(), taken.size());
    out += taken.size();
    size -= taken.size();
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> StreamReader::Number() {
  char bytes[8];
  LRE_RETURN_IF_ERROR(Read(bytes, sizeof bytes));
  uint64_t number = 0;
  for (int i = 7; i >= 0; --i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

absl::StatusOr<std::string> StreamReader::String(uint64_t limit, std::string_view what) {
  const uint64_t at = offset_;
  LRE_ASSIGN_OR_RETURN(const uint64_t size, Number());
  if (size > limit) {
    return Malformed(
        at, absl::StrCat(ToAbsl(what), " of ", size, " bytes, at most ", limit, " expected"));
  }
  std::string text(size, '\0');
  LRE_RETURN_IF_ERROR(Read(text.data(), text.size()));
  LRE_RETURN_IF_ERROR(Padding(size));
  return text;
}

absl::Status StreamReader::Padding(uint64_t length) {
  const uint64_t at = offset_;
  char bytes[8];
  const size_t size = (8 - length % 8) % 8;
  LRE_RETURN_IF_ERROR(Read(bytes, size));
  for (size_t i = 0; i < size; ++i) {
    if (bytes[i] != 0) return Malformed(at, "padding that is not zero");
  }
  return absl::OkStatus();
}

}  // namespace lre_audit::nix
