// The frames of HTTP/2 that a server of gRPC sends for one call, for ScriptedServer: one that a
// library would not send can be had too. Sources: RFC 9113, RFC 7541 (literals alone).
#ifndef LRE_AUDIT_TESTS_AUDIT_NET_SCRIPTED_GRPC_H_
#define LRE_AUDIT_TESTS_AUDIT_NET_SCRIPTED_GRPC_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/audit/net/scripted_server.h"

namespace lre_audit::net {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string Frame(int type, int flags, int stream, std::string_view payload);
std::string Settings();  // what a connection begins with
std::string HeaderFrame(const Fields& fields, bool is_last = false);  // of stream 1
std::string DataFrame(std::string_view bytes);                        // of stream 1
std::string Message(std::string_view bytes);                          // with the prefix of gRPC
std::string ResetStream(int code);                                    // of stream 1

// Whole connections.
std::string GrpcAnswer(const std::vector<std::string>& messages, const Fields& trailers);
std::string GrpcAnswer(const std::string& message);            // with status 0
std::string GrpcStatus(int code, const std::string& message);  // without any message

// Answers the call of `number`, from 0, with these bytes: kStalls for none at all; behind kCloses
// the connection is closed.
inline constexpr std::string_view kStalls = "stalls", kCloses = "closes";
std::unique_ptr<ScriptedServer> GrpcServer(std::function<std::string(int number)> answer);
std::vector<std::string> GrpcRequests(const ScriptedServer& server);  // the calls, as they came
std::string GrpcUrl(const ScriptedServer& server);                    // "grpc://127.0.0.1:PORT"

}  // namespace lre_audit::net

#endif  // LRE_AUDIT_TESTS_AUDIT_NET_SCRIPTED_GRPC_H_
