// How often something is tried, and how long is waited in between.
#ifndef LRE_AUDIT_AUDIT_NET_ATTEMPTS_H_
#define LRE_AUDIT_AUDIT_NET_ATTEMPTS_H_

#include <algorithm>
#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "audit/net/http.h"

namespace lre_audit::net {

class Attempts {
 public:
  // `gave_up` is the client's, which outlives this: once one request has tried everything in vain,
  // the others are tried twice, so that a server that breaks every transfer costs its delays once.
  Attempts(const HttpLimits& limits, std::atomic<bool>& gave_up)
      : limits_(limits), gave_up_(gave_up) {
    Reset();
  }

  // Something went well for a while.
  void Reset() {
    failures_ = 0;
    backoff_ = limits_.first_backoff;
  }

  bool exhausted() const { return failures_ > retries(); }

  // Waits before the next attempt, `asked` at least; Unavailable, with `why`, when there is none.
  absl::Status Wait(const std::string& where, const std::string& why, absl::Duration asked) {
    ++failures_;
    if (asked > limits_.longest_wait) {
      return absl::UnavailableError(absl::StrCat(
          where, ": ", why, ", and asks to wait ", absl::FormatDuration(asked), ", longer than ",
          absl::FormatDuration(limits_.longest_wait), "; try again then"));
    }
    if (exhausted()) {
      gave_up_ = true;
      return absl::UnavailableError(absl::StrCat(where, ": ", why, "; given up after ", failures_,
                                                 " attempts, try again later"));
    }
    absl::SleepFor(std::max(backoff_, asked));
    backoff_ = std::min(2 * backoff_, limits_.longest_wait);
    return absl::OkStatus();
  }

 private:
  int retries() const { return gave_up_ ? std::min(1, limits_.retries) : limits_.retries; }

  HttpLimits limits_;
  std::atomic<bool>& gave_up_;
  int failures_ = 0;
  absl::Duration backoff_;
};

}  // namespace lre_audit::net

#endif  // LRE_AUDIT_AUDIT_NET_ATTEMPTS_H_
