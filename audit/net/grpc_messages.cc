#include "audit/net/grpc_messages.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace lre_audit::net {
namespace {

constexpr size_t kPrefix = 5;

}  // namespace

std::string FramedMessage(std::string_view message) {
  std::string framed(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) {
    framed.push_back(static_cast<char>(message.size() >> shift & 0xff));
  }
  return framed.append(message);
}

absl::Status MessageDeframer::Add(std::string_view piece,
                                  absl::FunctionRef<absl::Status(std::string_view)> on_message) {
  buffer_.append(piece);
  size_t begin = 0;
  while (buffer_.size() - begin >= kPrefix) {
    uint64_t length = 0;
    for (size_t i = 1; i < kPrefix; ++i) {
      length = length << 8 | static_cast<unsigned char>(buffer_[begin + i]);
    }
    if (buffer_[begin] != 0) {
      return absl::InternalError(buffer_[begin] == 1 ? "a message is compressed, unasked"
                                                     : "a body that is no message of gRPC");
    }
    if (length > message_bytes_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("a message of ", length, " bytes, more than the limit of ", message_bytes_));
    }
    if (buffer_.size() - begin - kPrefix < length) break;
    LRE_RETURN_IF_ERROR(
        on_message(std::string_view(buffer_).substr(begin + kPrefix, static_cast<size_t>(length))));
    begin += kPrefix + static_cast<size_t>(length);
  }
  buffer_.erase(0, begin);
  return absl::OkStatus();
}

}  // namespace lre_audit::net
