// Messages in the body of a gRPC call: each behind five bytes, whether it is compressed and its
// length, big-endian.
// Source: grpc/grpc doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message".
#ifndef LRE_AUDIT_AUDIT_NET_GRPC_MESSAGES_H_
#define LRE_AUDIT_AUDIT_NET_GRPC_MESSAGES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace lre_audit::net {

std::string FramedMessage(std::string_view message);

// Takes messages out of a body that comes in pieces of any size.
class MessageDeframer {
 public:
  // Of one message at most `message_bytes` are taken, and kept in memory until they are whole.
  explicit MessageDeframer(uint64_t message_bytes) : message_bytes_(message_bytes) {}

  // Calls `on_message` for each message that ends in the piece; its error is returned. Internal for
  // what is no message, and for one that is compressed; ResourceExhausted for one that is too long.
  // After an error there is no going on.
  absl::Status Add(std::string_view piece,
                   absl::FunctionRef<absl::Status(std::string_view message)> on_message);
  bool ends_within_message() const { return !buffer_.empty(); }

 private:
  const uint64_t message_bytes_;
  std::string buffer_;  // of a message that is not whole
};

}  // namespace lre_audit::net

#endif  // LRE_AUDIT_AUDIT_NET_GRPC_MESSAGES_H_
