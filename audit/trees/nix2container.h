// The JSON by which nix2container describes an image: which store paths its layers are made of, and
// how. There is no archive until somebody pushes it.
// Source: nix2container types/types.go, nix/image.go.
#ifndef LRE_AUDIT_AUDIT_TREES_NIX2CONTAINER_H_
#define LRE_AUDIT_AUDIT_TREES_NIX2CONTAINER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/trees/image.h"
#include "audit/trees/tree.h"

namespace lre_audit {

// Ownership and mode for the files whose source path the pattern matches.
struct NixPermission {
  std::string pattern;  // a regular expression of Go's
  std::string mode;     // octal digits, empty: the file's own
  int64_t uid = 0, gid = 0;
  std::string user, group;  // empty: as before
  bool operator==(const NixPermission&) const = default;
};

// Files that go into a layer: the store path and all below it.
struct NixPath {
  std::string path;
  bool has_options = false;
  std::string rewrite;  // a regular expression of Go's; empty: names stay as they are
  std::string replacement;
  // nix2container tells no list from an empty one when it compares.
  std::optional<std::vector<NixPermission>> permissions;
};

struct NixLayer {
  // A layer that was written already; then `paths` does not say what is in it: layers of contents
  // that are not reproducible each hold the paths of all.
  std::string layer_path;
  std::optional<std::vector<NixPath>> paths;
  bool complete = true;  // false: some of the description could not be read
};

struct NixImage {
  Image image;                   // its layers' blobs are their layer_path
  std::vector<NixLayer> layers;  // as many
};

// Reads an image, or a bare list of layers as nix2container's buildLayer writes it (then without a
// configuration). `where` names the file in problems, of which the image is never short: what is no
// such JSON at all is one.
NixImage ReadNix2container(std::string_view text, const std::string& where,
                           const TreeLimits& limits);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_NIX2CONTAINER_H_
