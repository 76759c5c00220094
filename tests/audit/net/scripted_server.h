// A server on loopback that answers with the very bytes a test gives it: for what no real server
// can be made to do.
#ifndef LRE_AUDIT_TESTS_AUDIT_NET_SCRIPTED_SERVER_H_
#define LRE_AUDIT_TESTS_AUDIT_NET_SCRIPTED_SERVER_H_

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "audit/net/http.h"

namespace lre_audit::net {

class ScriptedServer {
 public:
  struct Reply {
    std::string bytes;     // from the status line on; the connection is closed behind them
    bool stalls = false;   // keeps the connection open instead, and says nothing more
    bool repeats = false;  // sends the last 64 KiB again and again, until nobody listens
    bool keeps = false;    // waits for another request on the same connection
  };
  // `answer` is given the head of each request, and its number from 0; a request is one as soon as
  // `is_whole` says so.
  explicit ScriptedServer(std::function<Reply(const std::string& request, int number)> answer,
                          std::function<bool(const std::string&)> is_whole = HasHead);
  ~ScriptedServer();

  std::string Url(const std::string& path) const;
  std::vector<std::string> requests() const;
  int connections() const;

 private:
  static bool HasHead(const std::string& request);
  void Serve();
  Reply ReadAndAnswer(int connection);

  const std::function<Reply(const std::string&, int)> answer_;
  const std::function<bool(const std::string&)> is_whole_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  int connections_ = 0;
  std::vector<int> held_;
  std::thread thread_;
};

// "HTTP/1.1 200 OK" with a Content-Length and `body`. `headers` end in "\r\n" each.
std::string Answer(const std::string& status, const std::string& headers, const std::string& body);

// Limits for tests: what takes seconds takes milliseconds.
HttpSettings Hasty();

}  // namespace lre_audit::net

#endif  // LRE_AUDIT_TESTS_AUDIT_NET_SCRIPTED_SERVER_H_
