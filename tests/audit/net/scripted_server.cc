#include "tests/audit/net/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"

namespace lre_audit::net {

bool ScriptedServer::HasHead(const std::string& request) {
  return request.find("\r\n\r\n") != std::string::npos;
}

ScriptedServer::ScriptedServer(std::function<Reply(const std::string&, int)> answer,
                               std::function<bool(const std::string&)> is_whole)
    : answer_(std::move(answer)),
      is_whole_(std::move(is_whole)),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, generic, size) != 0 || listen(listener_, 16) != 0 ||
      getsockname(listener_, generic, &size) != 0) {
    abort();
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

ScriptedServer::~ScriptedServer() {
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
  for (const int connection : held_) close(connection);
}

std::string ScriptedServer::Url(const std::string& path) const {
  return absl::StrCat("http://127.0.0.1:", port_, path);
}

std::vector<std::string> ScriptedServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

int ScriptedServer::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

void ScriptedServer::Serve() {
  while (true) {
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    {
      const std::lock_guard lock(mutex_);
      ++connections_;
    }
    Reply reply;
    do {
      reply = ReadAndAnswer(connection);
    } while (reply.keeps);
    if (reply.stalls) {
      held_.push_back(connection);
      continue;
    }
    // A close with unread input would reset the connection and take the answer with it.
    shutdown(connection, SHUT_WR);
    char rest[4096];
    while (recv(connection, rest, sizeof(rest), MSG_DONTWAIT) > 0) {
    }
    close(connection);
  }
}

ScriptedServer::Reply ScriptedServer::ReadAndAnswer(int connection) {
  std::string request;
  char buffer[4096];
  while (!is_whole_(request)) {
    const ssize_t got = recv(connection, buffer, sizeof(buffer), 0);
    if (got <= 0) break;
    request.append(buffer, static_cast<size_t>(got));
  }
  int number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = static_cast<int>(requests_.size());
    requests_.push_back(request);
  }
  Reply reply = answer_(request, number);
  const auto send_all = [&](std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  };
  send_all(reply.bytes);
  const std::string more(64 << 10, 'x');
  while (reply.repeats && send_all(more)) {
  }
  return reply;
}

std::string Answer(const std::string& status, const std::string& headers, const std::string& body) {
  return absl::StrCat("HTTP/1.1 ", status, "\r\nContent-Length: ", body.size(), "\r\n", headers,
                      "\r\n", body);
}

HttpSettings Hasty() {
  HttpSettings settings;
  settings.limits.connect_timeout = absl::Seconds(5);
  settings.limits.stall_timeout = absl::Milliseconds(200);
  settings.limits.first_backoff = absl::Milliseconds(1);
  settings.limits.longest_wait = absl::Seconds(1);
  settings.limits.retries = 3;
  return settings;
}

}  // namespace lre_audit::net
