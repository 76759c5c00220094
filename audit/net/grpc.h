// Calls of gRPC over HTTP/2, by libcurl: unary ones and those whose server streams, which is all
// that remote caches need. Bounded and repeated like other requests (http.h).
//
//   auto channel = GrpcChannel::Make("grpc://localhost:8980", {});
//   auto answer = (*channel)->Call("/package.Service/Method", request.SerializeAsString());
//
// Sources: grpc/grpc doc/PROTOCOL-HTTP2.md, doc/http-grpc-status-mapping.md.
#ifndef LRE_AUDIT_AUDIT_NET_GRPC_H_
#define LRE_AUDIT_AUDIT_NET_GRPC_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "audit/net/http.h"
#include "audit/net/url.h"

namespace lre_audit::net {

class HandlePool;

struct GrpcSettings {
  // Of one call exchange_timeout, which the server is told of too (grpc-timeout).
  HttpSettings http;
  std::vector<std::string> headers = {};  // "name: value", of every call
  uint64_t message_bytes = 64 << 20;      // of one answer
};

// Thread-safe; open connections are kept and used again.
//
// A server's status is an absl::Status of the same code, whose message names the server, the method
// and what was said. The channel's own errors have such codes too:
//   Unavailable       not reached, or broken off and UNAVAILABLE in all attempts
//   DeadlineExceeded  no end in time
//   FailedPrecondition, Unauthenticated  TLS or HTTP/2 cannot be agreed on; a certificate
//   Unimplemented     also: HTTP says that there is nothing of that name
//   Unknown, Internal answers that are no gRPC
//   ResourceExhausted also: a message beyond GrpcSettings::message_bytes
// NotFound is the server's word alone.
class GrpcChannel {
 public:
  // "grpc://HOST:PORT" or "grpcs://HOST:PORT", with TLS. InvalidArgument for other texts.
  static absl::StatusOr<std::unique_ptr<GrpcChannel>> Make(std::string_view server,
                                                           GrpcSettings settings);
  ~GrpcChannel();

  absl::StatusOr<std::string> Call(std::string_view method, std::string_view request);

  // Calls `on_message` for each message; its error ends the call. Where the stream breaks off it is
  // asked for anew with what `request` returns then, so that a reader can go on where it was.
  absl::Status Stream(std::string_view method, absl::FunctionRef<std::string()> request,
                      absl::FunctionRef<absl::Status(std::string_view message)> on_message);

  const std::string& server() const { return server_; }  // "grpc://HOST:PORT", for messages

 private:
  struct Outcome;
  GrpcChannel(GrpcSettings settings, Url url, std::string server, std::shared_ptr<HandlePool> pool);
  Outcome Once(std::string_view method, std::string_view request,
               absl::FunctionRef<absl::Status(std::string_view message)> on_message);

  const GrpcSettings settings_;
  const Url url_;
  const std::string server_;
  const std::shared_ptr<HandlePool> pool_;
  std::atomic<bool> gave_up_ = false;  // of Attempts
};

}  // namespace lre_audit::net

#endif  // LRE_AUDIT_AUDIT_NET_GRPC_H_
