// The body of a gRPC call. First byte: into pieces of how many bytes it is cut.
#include "audit/net/grpc_messages.h"

#include <algorithm>

#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {
namespace {

constexpr uint64_t kMostBytes = 1 << 16;

// All messages, as they were framed; `status` receives how it ended.
std::string Read(std::string_view body, size_t piece_bytes, absl::Status* status) {
  net::MessageDeframer deframer(kMostBytes);
  std::string messages;
  while (!body.empty() && status->ok()) {
    *status = deframer.Add(body.substr(0, piece_bytes), [&](std::string_view message) {
      messages += net::FramedMessage(message);
      return absl::OkStatus();
    });
    body.remove_prefix(std::min(piece_bytes, body.size()));
  }
  return messages;
}

}  // namespace

void One(std::string_view input) {
  const size_t piece_bytes = TakeByte(input) + size_t{1};
  absl::Status whole, in_pieces;
  const std::string messages = Read(input, input.size() + 1, &whole);
  if (messages != input.substr(0, messages.size())) Wrong("messages that are not in the body");
  if (Read(input, piece_bytes, &in_pieces) != messages) Wrong("pieces have other messages");
  if (whole != in_pieces) Wrong("pieces end otherwise");
}

}  // namespace lre_audit::fuzz
