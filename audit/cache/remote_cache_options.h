// How remote caches are asked: in Bazel's words where it has such options.
#ifndef LRE_AUDIT_AUDIT_CACHE_REMOTE_CACHE_OPTIONS_H_
#define LRE_AUDIT_AUDIT_CACHE_REMOTE_CACHE_OPTIONS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace lre_audit::cache {

struct RemoteCacheOptions {
  // Names and values, sent to each of them and to nobody that it redirects to; never shown.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string certificates;  // a directory: see net::ReadCertificates
  bool tls_verify = true;
  absl::Duration timeout = absl::Seconds(30);    // of one question and its answer
  absl::Duration most_time = absl::Minutes(10);  // of all questions to one cache
};

}  // namespace lre_audit::cache

#endif  // LRE_AUDIT_AUDIT_CACHE_REMOTE_CACHE_OPTIONS_H_
