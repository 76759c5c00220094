// Members of archives in memory, as far as it takes to say what two archives differ in: ar, tar
// and zip (jar).
// Sources: ar(5); POSIX.1-2017 "ustar"; PKWARE APPNOTE.TXT 4.3.12 and 4.3.16.
#ifndef LRE_AUDIT_AUDIT_EXPLAIN_ARCHIVE_MEMBERS_H_
#define LRE_AUDIT_AUDIT_EXPLAIN_ARCHIVE_MEMBERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lre_audit::explain {

struct ArchiveMember {
  std::string name;
  // What is not the contents: "mtime", "uid", "gid", "mode", as people read them.
  std::vector<std::pair<const char*, std::string>> metadata;
  // The bytes as they are stored, within the archive; of a zip they may be packed.
  std::string_view contents;
};

struct Archive {
  enum class Format { kAr, kTar, kZip };
  Format format = Format::kAr;
  std::vector<ArchiveMember> members;  // of one format all have the same metadata
};

// nullopt where it is no such archive, or not whole.
std::optional<Archive> ReadArchive(std::string_view bytes);

}  // namespace lre_audit::explain

#endif  // LRE_AUDIT_AUDIT_EXPLAIN_ARCHIVE_MEMBERS_H_
