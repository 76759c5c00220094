// How often something is tried, and how long is waited in between.
#ifndef LRE_AUDIT_AUDIT_NET_ATTEMPTS_H_
#define LRE_AUDIT_AUDIT_NET_ATTEMPTS_H_

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "audit/net/http.h"

namespace lre_audit::net {

class Attempts {
 public:
  explicit Attempts(const HttpLimits& limits) : limits_(limits) { Reset(); }

  // Something went well for a while.
  void Reset() {
    failures_ = 0;
    backoff_ = limits_.first_backoff;
  }

  bool exhausted() const { return failures_ > limits_.retries; }

  // Waits before the next attempt, `asked` at least; Unavailable, with `why`, when there is none.
  absl::Status Wait(const std::string& where, const std::string& why, absl::Duration asked) {
    ++failures_;
    if (asked > limits_.longest_wait) {
      return absl::UnavailableError(absl::StrCat(
          where, ": ", why, ", and asks to wait ", absl::FormatDuration(asked), ", longer than ",
          absl::FormatDuration(limits_.longest_wait), "; try again then"));
    }
    if (failures_ > limits_.retries) {
      return absl::UnavailableError(absl::StrCat(where, ": ", why, "; given up after ", failures_,
                                                 " attempts, try again later"));
    }
    absl::SleepFor(std::max(backoff_, asked));
    backoff_ = std::min(2 * backoff_, limits_.longest_wait);
    return absl::OkStatus();
  }

 private:
  HttpLimits limits_;
  int failures_ = 0;
  absl::Duration backoff_;
};

}  // namespace lre_audit::net

#endif  // LRE_AUDIT_AUDIT_NET_ATTEMPTS_H_
