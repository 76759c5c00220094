#include "tests/audit/net/scripted_grpc.h"

#include "absl/strings/str_cat.h"

namespace lre_audit::net {
namespace {

constexpr int kData = 0, kHeaders = 1, kReset = 3, kSettings = 4;
constexpr size_t kFrameHead = 9;
constexpr int kEndStream = 1, kEndHeaders = 4;

std::string BigEndian(uint64_t number, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text.push_back(static_cast<char>(number >> (8 * i) & 0xff));
  return text;
}

uint64_t Number(std::string_view bytes) {
  uint64_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

// The stream whose request is whole; 0 if there is none.
int EndedStream(std::string_view bytes) {
  constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  if (bytes.starts_with(kPreface)) bytes.remove_prefix(kPreface.size());
  while (bytes.size() >= kFrameHead) {
    const uint64_t length = kFrameHead + Number(bytes.substr(0, 3));
    if (length > bytes.size()) return 0;
    if ((bytes[3] == kData || bytes[3] == kHeaders) && (bytes[4] & kEndStream) != 0) {
      return static_cast<int>(Number(bytes.substr(5, 4)));
    }
    bytes.remove_prefix(length);
  }
  return 0;
}

// Frames of stream 1 as those of `stream`.
std::string OfStream(int stream, std::string bytes) {
  for (size_t at = 0; at + kFrameHead <= bytes.size();) {
    const uint64_t length = kFrameHead + Number(std::string_view(bytes).substr(at, 3));
    if (bytes[at + 8] == 1) {
      bytes.replace(at + 5, 4, BigEndian(static_cast<uint64_t>(stream), 4));
    }
    at += length;
  }
  return bytes;
}

}  // namespace

std::string Frame(int type, int flags, int stream, std::string_view payload) {
  return absl::StrCat(BigEndian(payload.size(), 3), BigEndian(static_cast<uint64_t>(type), 1),
                      BigEndian(static_cast<uint64_t>(flags), 1),
                      BigEndian(static_cast<uint64_t>(stream), 4), std::string(payload));
}

std::string Settings() { return Frame(kSettings, 0, 0, ""); }

std::string HeaderFrame(const Fields& fields, bool is_last) {
  std::string block;
  for (const auto& [name, value] : fields) {
    // Lengths below 127, which are one byte each.
    absl::StrAppend(&block, std::string(1, '\0'), BigEndian(name.size(), 1), name,
                    BigEndian(value.size(), 1), value);
  }
  return Frame(kHeaders, kEndHeaders | (is_last ? kEndStream : 0), 1, block);
}

std::string DataFrame(std::string_view bytes) { return Frame(kData, 0, 1, bytes); }

std::string Message(std::string_view bytes) {
  return absl::StrCat(BigEndian(0, 1), BigEndian(bytes.size(), 4), std::string(bytes));
}

std::string ResetStream(int code) {
  return Frame(kReset, 0, 1, BigEndian(static_cast<uint64_t>(code), 4));
}

std::string GrpcAnswer(const std::vector<std::string>& messages, const Fields& trailers) {
  std::string bytes =
      Settings() + HeaderFrame({{":status", "200"}, {"content-type", "application/grpc"}});
  for (const std::string& message : messages) bytes += DataFrame(Message(message));
  return bytes + HeaderFrame(trailers, true);
}

std::string GrpcAnswer(const std::string& message) {
  return GrpcAnswer({message}, {{"grpc-status", "0"}});
}

std::string GrpcStatus(int code, const std::string& message) {
  return Settings() + HeaderFrame({{":status", "200"},
                                   {"content-type", "application/grpc"},
                                   {"grpc-status", absl::StrCat(code)},
                                   {"grpc-message", message}},
                                  true);
}

std::unique_ptr<ScriptedServer> GrpcServer(std::function<std::string(int number)> answer) {
  return std::make_unique<ScriptedServer>(
      [answer = std::move(answer), number = 0](const std::string& request, int) mutable {
        using Reply = ScriptedServer::Reply;
        const int stream = EndedStream(request);
        if (stream == 0) return Reply{};  // the client is gone
        std::string bytes = answer(number++);
        if (bytes == kStalls) return Reply{.bytes = Settings(), .stalls = true};
        const bool closes = bytes.ends_with(kCloses);
        if (closes) bytes.resize(bytes.size() - kCloses.size());
        return Reply{.bytes = OfStream(stream, std::move(bytes)), .keeps = !closes};
      },
      [](const std::string& request) { return EndedStream(request) != 0; });
}

std::vector<std::string> GrpcRequests(const ScriptedServer& server) {
  std::vector<std::string> calls = server.requests();
  std::erase_if(calls, [](const std::string& request) { return EndedStream(request) == 0; });
  return calls;
}

std::string GrpcUrl(const ScriptedServer& server) { return "grpc" + server.Url("").substr(4); }

}  // namespace lre_audit::net
