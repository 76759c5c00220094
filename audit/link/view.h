// A place where builds run, for looking up what a toolchain names: an image, or the local store.
#ifndef LRE_AUDIT_AUDIT_LINK_VIEW_H_
#define LRE_AUDIT_AUDIT_LINK_VIEW_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/link/merge.h"
#include "audit/nix/closure.h"
#include "rules/linked.h"
#include "rules/linked_toolchain.h"

namespace lre_audit {

// Not thread-safe: answers are kept.
class View {
 public:
  virtual ~View() = default;
  virtual const ToolchainView& description() const = 0;
  // `path` is absolute, as written, and in the store. `program`: it must be one that runs there.
  virtual ViewTarget Lookup(const std::string& path, bool program) const = 0;
  // The C libraries (glibc, musl) among `store_paths` and all that they refer to, by path; of what
  // the view does not have, none.
  virtual std::vector<LinkedToolchain::CLibrary> CLibraries(
      const std::vector<std::string>& store_paths) const = 0;
};

// An examined image: `image` is what link made of `tree`, which must outlive the view.
std::unique_ptr<View> ViewOfImage(const MergedTree& tree, const Subject& image);

// The local side: store paths of `closure`, and their files where the store below `root` ("" for
// the host's) holds them. Only the files asked for are opened, no symlink leads out of `root`, and
// what lies outside the store is not there: on the next machine it would be something else.
// A closure does not say which system it is for: it is taken for this machine's.
std::unique_ptr<View> ViewOfClosure(nix::Closure closure, const std::string& root,
                                    ToolchainView::Kind kind);

}  // namespace lre_audit

#endif  // LRE_AUDIT_AUDIT_LINK_VIEW_H_
