#include "audit/net/curl.h"

#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"

namespace lre_audit::net {
namespace {

// "UAPI.12 dlopen() Metadata for ELF Files": a note of owner "FDO" whose descriptor is JSON.
#define LRE_AUDIT_DLOPEN_NOTE                                                   \
  "[{\"feature\":\"http\",\"description\":\"Images in registries, closures in " \
  "binary caches\",\"priority\":\"recommended\",\"soname\":[\"" LRE_AUDIT_LIBCURL "\"]}]"

struct DlopenNote {
  uint32_t name_size, descriptor_size, type;
  char name[4];
  char descriptor[sizeof(LRE_AUDIT_DLOPEN_NOTE)];
};

[[gnu::used, gnu::section(".note.dlopen"), gnu::aligned(4)]] const DlopenNote kDlopenNote = {
    sizeof("FDO"), sizeof(LRE_AUDIT_DLOPEN_NOTE), 0x407c0c0a, "FDO", LRE_AUDIT_DLOPEN_NOTE};

absl::Status Missing(const char* why) {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot load " LRE_AUDIT_LIBCURL ", which is needed for the network: ",
                   why == nullptr ? "unknown reason" : Escaped(why),
                   "; install libcurl 7.77 or later (Debian: libcurl4)"));
}

absl::StatusOr<const Curl*> Load() {
  // Never closed: its global state cannot be taken down while other threads live.
  void* library = dlopen(LRE_AUDIT_LIBCURL, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return Missing(dlerror());
  static Curl curl;
  const char* missing = nullptr;
  const auto load = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    if (function == nullptr) missing = name;
  };
  load("curl_global_init", curl.global_init);
  load("curl_version_info", curl.version_info);
  load("curl_easy_init", curl.easy_init);
  load("curl_easy_cleanup", curl.easy_cleanup);
  load("curl_easy_reset", curl.easy_reset);
  load("curl_easy_setopt", curl.easy_setopt);
  load("curl_easy_getinfo", curl.easy_getinfo);
  load("curl_easy_pause", curl.easy_pause);
  load("curl_easy_strerror", curl.easy_strerror);
  load("curl_slist_append", curl.slist_append);
  load("curl_slist_free_all", curl.slist_free_all);
  load("curl_multi_init", curl.multi_init);
  load("curl_multi_cleanup", curl.multi_cleanup);
  load("curl_multi_add_handle", curl.multi_add_handle);
  load("curl_multi_remove_handle", curl.multi_remove_handle);
  load("curl_multi_perform", curl.multi_perform);
  load("curl_multi_poll", curl.multi_poll);
  load("curl_multi_info_read", curl.multi_info_read);
  load("curl_url", curl.url);
  load("curl_url_cleanup", curl.url_cleanup);
  load("curl_url_set", curl.url_set);
  load("curl_url_get", curl.url_get);
  load("curl_url_strerror", curl.url_strerror);
  load("curl_free", curl.free);
  if (missing != nullptr) return Missing(absl::StrCat("it lacks ", missing).c_str());
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return Missing("curl_global_init failed");
  return &curl;
}

}  // namespace

absl::StatusOr<const Curl*> LoadCurl() {
  static const auto* const kLoaded = new absl::StatusOr<const Curl*>(Load());
  return *kLoaded;
}

std::string SystemAuthorities(const Curl& curl) {
  for (const char* variable : {"NIX_SSL_CERT_FILE", "SSL_CERT_FILE"}) {
    const char* value = getenv(variable);
    if (value != nullptr && *value != '\0') return value;
  }
  const curl_version_info_data* version = curl.version_info(CURLVERSION_NOW);
  const bool says = version->age >= CURLVERSION_SEVENTH && version->cainfo != nullptr;
  return says ? version->cainfo : "";
}

SigpipeBlocked::SigpipeBlocked() {
  sigset_t pending, sigpipe;
  sigpending(&pending);
  was_pending_ = sigismember(&pending, SIGPIPE) == 1;
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &sigpipe, &before_);
}

SigpipeBlocked::~SigpipeBlocked() {
  sigset_t sigpipe;
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  const timespec now = {0, 0};
  if (!was_pending_) sigtimedwait(&sigpipe, nullptr, &now);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace lre_audit::net
