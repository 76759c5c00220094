// A Tree is a set of files to audit, as an ordered stream: a directory, the local store, an image.
// Nothing is ever extracted to disk.
#ifndef LRE_AUDIT_AUDIT_TREES_TREE_H_
#define LRE_AUDIT_AUDIT_TREES_TREE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/bytes/inflate.h"
#include "audit/bytes/threads.h"
#include "audit/registry/options.h"

namespace lre_audit {

// One file, before its contents.
struct Entry {
  enum class Type {
    kRegular,
    kDirectory,
    kSymlink,
    kHardlink,  // `target` names an earlier entry (its own part or a lower one)
    kCharacterDevice,
    kBlockDevice,
    kFifo,
    kSocket,
    kWhiteout,  // `path` of a lower part is removed
    kOpaque,    // all of directory `path` that lower parts hold is removed
  };
  std::string path;  // absolute inside the tree, normalised: "/nix/store/...", never "..", no "//"
  Type type = Type::kRegular;
  uint32_t mode = 0;  // permission bits with setuid, setgid, sticky: 07777
  uint64_t uid = 0, gid = 0;
  int64_t mtime = 0;   // seconds
  uint64_t size = 0;   // of a regular file's contents
  std::string target;  // of a symlink (as written) or hardlink (an absolute path of the tree)
  std::vector<std::pair<std::string, std::string>> xattrs;  // names as getxattr(2) has them
  uint64_t index =
      0;  // position in the part's stream, from 0: identifies the entry in a second pass

  bool operator==(const Entry&) const = default;
};

// A fault of the container around the files: reading goes on where it can.
struct Problem {
  enum class Kind {
    kUnreadable,      // could not be read: the audit is incomplete (LRE901)
    kLimit,           // a limit stopped the reading (LRE902)
    kDigestMismatch,  // LRE401
    kDiffIdMismatch,  // LRE402
    kViewsDisagree,   // two descriptions of one image or layer differ (LRE410)
    kTrailingData,    // LRE411
    kMalformed,       // an entry that is refused, the rest goes on (LRE901)
  };
  Kind kind = Kind::kUnreadable;
  std::string where;             // file, blob or entry
  uint64_t offset = 0;           // in `where`'s uncompressed stream, where that is known
  std::string message;           // what was refused and what was expected
  std::string expected, actual;  // digests, where it is about them
  bool hides_files = false;      // what seems to be missing may lie in what was not read
};

// Receives one part's stream. Calls come in order from one thread per part.
class EntrySink {
 public:
  virtual ~EntrySink() = default;
  virtual void BeginEntry(const Entry& entry) = 0;
  // Contents of a regular file, in pieces that are valid during the call only.
  virtual void Data(std::string_view piece) = 0;
  // `complete` is false where the contents end early: a Problem of the stream names the entry.
  virtual void EndEntry(bool complete) = 0;
  // Threads that may help to fill this sink; null: none. What it is given does not depend on them.
  virtual SpareThreads* threads() { return nullptr; }
};

// What an image's configuration says (OCI image-spec config.md, Docker image spec v1.2).
struct ImageConfig {
  bool present = false;
  std::string architecture, os, variant;
  std::vector<std::string> env, entrypoint, cmd;
  std::string user, working_dir;
  std::vector<std::string> diff_ids;
  std::vector<std::string> history;  // created_by or comment, per entry
};

class Tree {
 public:
  // One part can be streamed on its own thread: a layer, a store path.
  struct Part {
    std::string name;        // "layer 3", "/nix/store/...-glibc-2.42", "files"
    std::string digest;      // of the layer's blob as the manifest says, empty for directories
    std::string diff_id;     // as the configuration says
    uint64_t size_hint = 0;  // bytes to be read, for progress and scheduling; 0 if unknown
  };

  virtual ~Tree() = default;
  virtual const std::string& reference() const = 0;  // what the user typed
  virtual std::string digest() const { return {}; }  // manifest digest of an image
  // What its archive or layout calls an image, in its order: "lre-cc:<tag>", or a bare tag.
  virtual std::vector<std::string> names() const { return {}; }
  // Bottom layer first. Later parts overlay earlier ones.
  virtual const std::vector<Part>& parts() const = 0;
  virtual const ImageConfig& config() const = 0;
  // Streams part `part` from its start; may be called again, and for different parts from different
  // threads at once. Everything wrong goes to `problems`; what can be read reaches the sink.
  // Digests and diff_ids are verified on every call with `verify`.
  virtual void Stream(size_t part, bool verify, EntrySink& sink,
                      std::vector<Problem>& problems) const = 0;
  // What the bytes of a part are, so that what was once found in them can be kept. Empty where a
  // part has no bytes of its own with a digest that somebody vouches for (directories).
  struct Content {
    std::string digest;  // "sha256:<hex>" of the part's bytes as they are stored, as promised
    // All else that Stream's entries and problems depend on, the diff_id's value apart: limits,
    // algorithms, what an annotation promises. Parts that agree in both give the same entries.
    std::string reading;
  };
  virtual Content content(size_t) const { return {}; }
  // Reads part `part` without decoding it. True if its bytes are those of content(part).digest and
  // as many as promised; then a `diff_id`, which they are known to decode to ("" if that is not
  // known), is held against the promised one, and a difference goes to `problems`. False if the
  // bytes are others, or cannot be read: Stream tells how.
  virtual bool Verify(size_t, const std::string& /*diff_id*/, std::vector<Problem>&) const {
    return false;
  }
  // What was wrong before any part was read (indexes, manifests, configuration).
  virtual const std::vector<Problem>& problems() const = 0;
  // Whether parts hold each directory's entries in NAR order (a directory walk does; a tar may
  // not).
  virtual bool is_nar_ordered() const { return false; }
  // Whether modes are those of files. Else they are the ones that Nix gives what it unpacks, of
  // which only a regular file's executable bit was recorded.
  virtual bool has_modes() const { return true; }
};

// Limits on hostile input, each far above anything real.
struct TreeLimits {
  DecodeLimits decode;                                // of one layer's blob, or of an archive
  uint64_t layer_entries = 5'000'000;                 // entries of one layer
  uint64_t layer_metadata_bytes = uint64_t{1} << 30;  // their paths, targets and attributes
  uint64_t json_bytes = 20 << 20;                     // one manifest, index or configuration
  uint64_t metadata_bytes = 16 << 20;                 // PAX and GNU long-name data of one entry
  uint64_t layers = 10'000;
};

// What besides its name says how an image is opened.
struct OpenOptions {
  std::string platform;  // selects from an index: "linux/amd64"; empty for this machine's
  TreeLimits limits;
  bool all_platforms = false;  // every image of an index, for OpenImages
  // "store:ROOT": whose files "nix:" means. Anything else, such as a closure: the host's.
  std::string store = {};
  RegistryOptions registry = {};
};

using Trees = std::vector<std::unique_ptr<Tree>>;

// Opens what the user typed: "oci:DIR[:TAG]", "oci-archive:FILE[:TAG]",
// "docker-archive:FILE[:NAME]", "docker://HOST/NAME[:TAG|@DIGEST]", "nix:FILE", "rootfs:DIR", or a
// bare path, which is sniffed.
// InvalidArgument for an unknown transport (with the known ones and a suggestion), NotFound for
// what is not there, with one helpful line.
absl::StatusOr<std::unique_ptr<Tree>> OpenImage(const std::string& reference,
                                                const OpenOptions& options);

// With options.all_platforms the images of all platforms that an index leads to, in its order, else
// one; at least one. Where there are several, reference() has the platform behind what the user
// typed: "oci:worker:latest (linux/arm64)".
absl::StatusOr<Trees> OpenImages(const std::string& reference, const OpenOptions& options);

// Entries of the store below `root` ("" for the host's): each of `paths` ("/nix/store/...") is a
// part, whether it is a valid store path or not ("/nix/store/.links"). Nothing but one name in the
// store directory: InvalidArgument. A path that is not on disk is a part without entries.
absl::StatusOr<std::unique_ptr<Tree>> OpenStore(const std::string& root,
                                                const std::string& store_directory,
                                                const std::vector<std::string>& paths);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_TREES_TREE_H_
