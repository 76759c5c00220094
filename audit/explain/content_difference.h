// Why two blobs that should be the same are not: a time, a path of the machine, an order, what an
// archive says of its members; else where they begin to differ.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_CONTENT_DIFFERENCE_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_CONTENT_DIFFERENCE_H_

#include <string>
#include <string_view>

namespace lre_audit::explain {

struct ContentDifference {
  enum class Kind {
    kNone,       // they are the same
    kOrder,      // of lines, or of an archive's members
    kMetadata,   // of an archive's members: mtime, uid, gid, mode
    kTimestamp,  // the first difference is within a date, a time of day or seconds since 1970
    kBuildPath,  // the first difference is within an absolute path
    kOther,
  };
  Kind kind = Kind::kNone;
  // Of kTimestamp and kBuildPath, what each side has there; not escaped, secrets masked.
  std::string local, remote;
  // For people, of one line: "a timestamp at offset 12: 10:41:07 here, 10:41:09 there".
  std::string text;
};

// Of files of any kind. Linear in their sizes, and for archives in their members'.
ContentDifference CompareBlobs(std::string_view local, std::string_view remote);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_CONTENT_DIFFERENCE_H_
