#include "audit/explain/entry_causes.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace lre_audit::explain {
namespace {

// Of actions whose key is the same on both sides.
NamedCause NameEntry(const char* identity, std::string_view what, std::string help) {
  NamedCause cause;
  cause.rule = "LRE701";
  cause.spreads = false;
  cause.identity = identity;
  cause.message = absl::StrCat("the key is the same on both sides, and ", ToAbsl(what));
  cause.help = std::move(help);
  return cause;
}

}  // namespace

NamedCause NamePolicy(std::string_view why, bool one_side_alone) {
  NamedCause cause;
  cause.rule = "LRE705";
  cause.spreads = false;
  // What nobody wants to be cached is worth knowing, and no difference.
  if (!one_side_alone) cause.weight = NamedCause::Weight::kNote;
  cause.identity = absl::StrCat(one_side_alone ? "1" : "2", ToAbsl(why));
  cause.message = absl::StrCat("the key is the same, and the action ", ToAbsl(why),
                               one_side_alone ? ", on one side" : "");
  cause.help =
      "if it is to be shared, take away what keeps it out of the cache: the tags no-cache, "
      "no-remote-cache, no-remote and local, --modify_execution_info, or the failure";
  return cause;
}

NamedCause NameAbsence() {
  return NameEntry(
      "absent", "the cache has no entry of it",
      "see whether results are uploaded (--remote_upload_local_results, the account's right to "
      "write), whether both sides name one cache and instance (--remote_instance_name), and how "
      "long the cache keeps entries");
}

NamedCause NameMissingBlob(const cache::BlobDigest& blob) {
  NamedCause cause = NameEntry(
      "blobs", "the cache has the result and not all of its blobs",
      "let the cache keep a result only as long as its blobs (NativeLink's completeness-checking "
      "store, or another order of eviction), and give it more room; name all caches that the "
      "builds used");
  cause.notes.push_back(absl::StrCat(blob.ToString(), " is not there, or not whole"));
  return cause;
}

NamedCause NameForeignResult() {
  return NameEntry(
      "foreign", "the result that the cache has names none of the action's outputs",
      "delete the entry: Bazel fails with it, or builds the action again; and see who may write to "
      "the cache");
}

}  // namespace lre_audit::explain
