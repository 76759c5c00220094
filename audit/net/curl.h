// libcurl's functions, loaded when something is first fetched. Linked, libcurl and the dozens of
// libraries below it would cost every start milliseconds; a `.note.dlopen` tells packagers of it.
#ifndef LRE_AUDIT_AUDIT_NET_CURL_H_
#define LRE_AUDIT_AUDIT_NET_CURL_H_

#include <curl/curl.h>

#include <csignal>
#include <string>

#include "absl/status/statusor.h"

namespace lre_audit::net {

struct Curl {
  decltype(&curl_global_init) global_init = nullptr;
  decltype(&curl_version_info) version_info = nullptr;
  decltype(&curl_easy_init) easy_init = nullptr;
  decltype(&curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&curl_easy_reset) easy_reset = nullptr;
  decltype(&curl_easy_setopt) easy_setopt = nullptr;
  decltype(&curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&curl_easy_pause) easy_pause = nullptr;
  decltype(&curl_easy_strerror) easy_strerror = nullptr;
  decltype(&curl_slist_append) slist_append = nullptr;
  decltype(&curl_slist_free_all) slist_free_all = nullptr;
  decltype(&curl_multi_init) multi_init = nullptr;
  decltype(&curl_multi_cleanup) multi_cleanup = nullptr;
  decltype(&curl_multi_add_handle) multi_add_handle = nullptr;
  decltype(&curl_multi_remove_handle) multi_remove_handle = nullptr;
  decltype(&curl_multi_perform) multi_perform = nullptr;
  decltype(&curl_multi_poll) multi_poll = nullptr;
  decltype(&curl_multi_info_read) multi_info_read = nullptr;
  decltype(&curl_url) url = nullptr;
  decltype(&curl_url_cleanup) url_cleanup = nullptr;
  decltype(&curl_url_set) url_set = nullptr;
  decltype(&curl_url_get) url_get = nullptr;
  decltype(&curl_url_strerror) url_strerror = nullptr;
  decltype(&curl_free) free = nullptr;
};

// Loads libcurl, once. The functions live as long as the program. FailedPrecondition where it is
// not installed or too old, with what to do. From any thread.
absl::StatusOr<const Curl*> LoadCurl();

// The file of the authorities that the system believes: what Nix's or OpenSSL's variable names
// (NIX_SSL_CERT_FILE, SSL_CERT_FILE), else where libcurl was built to look. Empty if nobody knows.
std::string SystemAuthorities(const Curl& curl);

// While it lives, a write to a connection that the peer has closed is an error of the call in this
// thread rather than a SIGPIPE for the program, which ends quietly only for its own output.
class SigpipeBlocked {
 public:
  SigpipeBlocked();
  ~SigpipeBlocked();
  SigpipeBlocked(const SigpipeBlocked&) = delete;
  SigpipeBlocked& operator=(const SigpipeBlocked&) = delete;

 private:
  sigset_t before_;
  bool was_pending_;
};

}  // namespace lre_audit::net

#endif  // LRE_AUDIT_AUDIT_NET_CURL_H_
