// The two macros that carry an absl::Status to the caller.
#ifndef LRE_AUDIT_BASE_STATUS_H_
#define LRE_AUDIT_BASE_STATUS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define LRE_STATUS_CONCAT_(a, b) a##b
#define LRE_STATUS_CONCAT(a, b) LRE_STATUS_CONCAT_(a, b)

// Returns from the calling function when `expression`, an absl::Status, is not OK.
#define LRE_RETURN_IF_ERROR(expression)                             \
  do {                                                              \
    if (absl::Status lre_status = (expression); !lre_status.ok()) { \
      return lre_status;                                            \
    }                                                               \
  } while (false)

// LRE_ASSIGN_OR_RETURN(auto x, F()): x = *F(), or returns F()'s error.
#define LRE_ASSIGN_OR_RETURN(lhs, expression) \
  LRE_ASSIGN_OR_RETURN_(LRE_STATUS_CONCAT(lre_status_or_, __LINE__), lhs, expression)
#define LRE_ASSIGN_OR_RETURN_(temporary, lhs, expression)    \
  auto temporary = (expression);                             \
  if (!temporary.ok()) return std::move(temporary).status(); \
  lhs = *std::move(temporary)

#endif  // LRE_AUDIT_BASE_STATUS_H_
