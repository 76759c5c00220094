// Several images in one report, each audited by itself: those that a user names, and those of all
// platforms that one name leads to. (gate.h compares them with each other and with toolchains.)
#ifndef LRE_AUDIT_AUDIT_AUDIT_IMAGES_H_
#define LRE_AUDIT_AUDIT_AUDIT_IMAGES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/audit.h"
#include "audit/trees/tree.h"
#include "reports/report.pb.h"

namespace lre_audit {

struct ImagesRequest {
  std::vector<std::string> references;
  OpenOptions open;
  AuditRequest audit;                                        // of each image; its tree is set here
  std::function<void(uint64_t)> on_total = [](uint64_t) {};  // bytes of an image that was opened
};

// One image is held at a time. One of several references that cannot be opened is an LRE901 finding
// of it, and the rest is audited; where it is the only one, that is the error. A closure that
// cannot be read is an error as well.
absl::StatusOr<Report> AuditImages(const ImagesRequest& request);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_AUDIT_IMAGES_H_
