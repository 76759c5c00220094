// Names of images: what was read of one, written out in full, is read as the same again.
#include <string>

#include "absl/strings/str_cat.h"
#include "audit/registry/image_name.h"
#include "tests/fuzz/fuzz.h"

namespace lre_audit::fuzz {

void One(std::string_view input) {
  const absl::StatusOr<registry::ImageName> name = registry::ParseImageName(input);
  if (!name.ok()) return;
  if (name->Host().empty() || (name->tag.empty() && !name->digest)) Wrong("a name without a part");
  const std::string full =
      absl::StrCat(name->Repository(), name->tag.empty() ? "" : ":", name->tag,
                   name->digest ? "@" : "", name->digest ? name->digest->ToString() : "");
  const absl::StatusOr<registry::ImageName> again = registry::ParseImageName(full);
  if (!again.ok() || again->domain != name->domain || again->repository != name->repository ||
      again->tag != name->tag || again->digest.has_value() != name->digest.has_value() ||
      (name->digest && again->digest->ToString() != name->digest->ToString())) {
    Wrong("the full name is read in another way");
  }
}

}  // namespace lre_audit::fuzz
