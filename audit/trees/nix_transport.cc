// "nix:FILE": what nix2container writes instead of an image.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "audit/bytes/byte_source.h"
#include "audit/nix/closure.h"
#include "audit/trees/nix2container.h"
#include "audit/trees/nix2container_tree.h"
#include "audit/trees/store_files.h"
#include "audit/trees/transports.h"
#include "base/status.h"
#include "base/store_path.h"
#include "base/text.h"

namespace lre_audit {
namespace {

// The first byte that is no white space of JSON; 0 if there is none.
char FirstByte(std::string_view text) {
  const size_t at = text.find_first_not_of(" \t\r\n");
  return at == std::string_view::npos ? '\0' : text[at];
}

}  // namespace

bool LooksLikeNix2container(const std::string& file) {
  uint64_t size = 0;
  absl::StatusOr<std::shared_ptr<FileHandle>> handle = OpenRegularFile(AT_FDCWD, file, &size);
  if (!handle.ok()) return false;
  // A tar archive may begin with any byte, too, but says what it is further on.
  char head[263];
  const ssize_t got = pread((*handle)->fd(), head, sizeof(head), 0);
  if (got <= 0) return false;
  const std::string_view bytes(head, static_cast<size_t>(got));
  const char first = FirstByte(bytes);
  return (first == '{' || first == '[') && !bytes.ends_with("ustar") &&
         bytes.find('\0') == std::string_view::npos;
}

absl::StatusOr<Trees> OpenNix(const TypedReference& name, const OpenOptions& options) {
  const std::string& file = name.rest;
  struct stat status;
  if (stat(file.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(Escaped(file),
                     ": a directory, expected the JSON file that nix2container's "
                     "buildImage makes (of buildLayer: layers.json in it)"));
  }
  uint64_t size = 0;
  LRE_ASSIGN_OR_RETURN(std::shared_ptr<FileHandle> handle, OpenRegularFile(AT_FDCWD, file, &size));
  FileSource source(std::move(handle), 0, size);
  const absl::StatusOr<std::string> text = ReadAll(source, options.limits.json_bytes);
  if (!text.ok()) {
    return absl::Status(text.status().code(),
                        absl::StrCat(Escaped(file), ": ", text.status().message()));
  }
  const char first = FirstByte(*text);
  if (first != '{' && first != '[') {
    return absl::InvalidArgumentError(absl::StrCat(
        Escaped(file), ": no JSON, expected the description of an image by nix2container"));
  }
  NixImage image = ReadNix2container(*text, file, options.limits);
  image.image.reference = name.reference;
  Trees trees;
  trees.push_back(std::make_unique<Nix2containerTree>(
      std::move(image),
      StoreFiles::Open(nix::StoreRootOf(options.store).value_or(""),
                       std::string(nix::kDefaultStoreDirectory)),
      options.limits));
  return trees;
}

}  // namespace lre_audit
