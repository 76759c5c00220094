#include "audit/compare/side.h"
#include "audit/nix/path_store.h"
#include "audit/trees/nar_tree.h"

#include <sys/stat.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/read_file.h"
#include "base/status.h"
#include "base/text.h"
#include "reports/saved_report.h"

namespace lre_audit {
namespace {

constexpr std::string_view kKinds =
    "a side is store:[ROOT], a binary cache (file:///DIR, https://HOST), an image (oci:DIR[:TAG], "
    "oci-archive:FILE, docker-archive:FILE, docker://HOST/NAME, rootfs:DIR), a closure file, a "
    "toolchain's directory, or a saved JSON report";

// A report of a million findings is some 500 MB.
constexpr uint64_t kMostReportBytes = uint64_t{1} << 30;

enum class FileType { kMissing, kDirectory, kFile, kOther };

FileType TypeOf(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return FileType::kMissing;
  if (S_ISDIR(status.st_mode)) return FileType::kDirectory;
  return S_ISREG(status.st_mode) ? FileType::kFile : FileType::kOther;
}

bool HasAnyOf(const std::string& directory, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) {
    return TypeOf(absl::StrCat(directory, "/", name)) != FileType::kMissing;
  });
}

absl::Status NoSide(const std::string& reference, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", Escaped(reference), "' ", ToAbsl(why), "; ", ToAbsl(kKinds)));
}

absl::StatusOr<Side> OpenImageSide(Side side, const OpenOptions& options) {
  side.kind = ComparedSide::IMAGE;
  LRE_ASSIGN_OR_RETURN(side.tree, OpenImage(side.reference, options));
  return side;
}

absl::StatusOr<Side> OpenClosureSide(Side side) {
  side.kind = ComparedSide::CLOSURE;
  LRE_ASSIGN_OR_RETURN(side.closure, nix::ReadClosure(side.reference));
  return side;
}

absl::StatusOr<Side> OpenDirectory(Side side, const OpenOptions& options) {
  const std::string& directory = side.reference;
  if (HasAnyOf(directory, {"registration"}) && HasAnyOf(directory, {"store-paths"})) {
    return OpenClosureSide(std::move(side));
  }
  if (HasAnyOf(directory, {"oci-layout", "nix/store"})) {
    return OpenImageSide(std::move(side), options);
  }
  absl::StatusOr<ToolchainFacts> toolchain = ReadToolchain(directory);
  if (toolchain.ok()) {
    side.kind = ComparedSide::TOOLCHAIN;
    side.toolchain = *std::move(toolchain);
    return side;
  }
  if (HasAnyOf(directory, {"bin", "etc", "usr"})) return OpenImageSide(std::move(side), options);
  return NoSide(directory, "holds neither an image nor a toolchain");
}

// The first bytes of a file, enough to tell text from archives.
absl::StatusOr<bool> IsText(const std::string& path) {
  constexpr size_t kSniffed = 4096;
  std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path.c_str(), "re"), &fclose);
  if (file == nullptr) return absl::ErrnoToStatus(errno, Escaped(path));
  std::string head(kSniffed, '\0');
  head.resize(fread(head.data(), 1, head.size(), file.get()));
  const bool compressed = head.starts_with("\x1f\x8b") || head.starts_with("\x28\xb5\x2f\xfd");
  return !compressed && head.find('\0') == std::string::npos;
}

// An export has its contents with it; anything else that is no text is an image, or a closure that
// is packed.
absl::StatusOr<Side> OpenPackedFile(Side side, const OpenOptions& options) {
  const std::string reference = side.reference;
  LRE_ASSIGN_OR_RETURN(OpenedExport exported, OpenExport(reference));
  if (exported.tree != nullptr) {
    side.kind = ComparedSide::CLOSURE;
    side.closure = std::move(exported.closure);
    side.tree = std::move(exported.tree);
    return side;
  }
  absl::StatusOr<Side> image = OpenImageSide(std::move(side), options);
  if (image.ok()) return image;
  Side packed;
  packed.reference = reference;
  absl::StatusOr<Side> closure = OpenClosureSide(std::move(packed));
  return closure.ok() ? std::move(closure) : std::move(image);
}

absl::StatusOr<Side> OpenFile(Side side, const OpenOptions& options) {
  LRE_ASSIGN_OR_RETURN(const bool is_text, IsText(side.reference));
  if (!is_text) return OpenPackedFile(std::move(side), options);
  absl::StatusOr<std::string> text = ReadFile(side.reference, kMostReportBytes);
  if (!text.ok()) {
    return absl::Status(text.status().code(),
                        absl::StrCat(Escaped(side.reference), ": ", text.status().message()));
  }
  if (LooksLikeReport(*text)) {
    side.kind = ComparedSide::REPORT;
    absl::StatusOr<Report> report = ReadReport(*text);
    if (!report.ok()) {
      return absl::Status(report.status().code(),
                          absl::StrCat(Escaped(side.reference), ": ", report.status().message()));
    }
    side.report = *std::move(report);
    return side;
  }
  text->clear();
  const std::string reference = side.reference;
  absl::StatusOr<Side> closure = OpenClosureSide(std::move(side));
  if (closure.ok()) return closure;
  return absl::Status(closure.status().code(),
                      absl::StrCat(closure.status().message(), "; ", ToAbsl(kKinds)));
}

}  // namespace

absl::StatusOr<Side> OpenSide(const std::string& reference, const OpenOptions& options) {
  Side side;
  side.reference = reference;
  if (nix::IsPathStore(reference)) {
    side.kind = ComparedSide::STORE;
    LRE_ASSIGN_OR_RETURN(side.store, nix::OpenPathStore(reference));
    return side;
  }
  switch (TypeOf(reference)) {
    case FileType::kDirectory:
      return OpenDirectory(std::move(side), options);
    case FileType::kFile:
      return OpenFile(std::move(side), options);
    case FileType::kOther:  // what was looked at in a pipe is no longer there to be read
      return NoSide(reference, "is a pipe or a device, which cannot be read twice; save it first");
    case FileType::kMissing:
      break;
  }
  // A transport, or a path with a tag; what it is not, OpenImage says.
  absl::StatusOr<Side> image = OpenImageSide(std::move(side), options);
  if (image.ok() || !absl::IsNotFound(image.status())) return image;
  if (reference.find(':') != std::string::npos) return image;
  return NoSide(reference, "is not there");
}

}  // namespace lre_audit
